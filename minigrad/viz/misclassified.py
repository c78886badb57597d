"""The samples that a classifier gets wrong, the most confident mistakes first."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from minigrad.autograd.tensor import Tensor, as_array
from minigrad.errors import ShapeError, UsageError
from minigrad.functional import softmax
from minigrad.typing import Array, ArrayLike


class Misclassified(NamedTuple):
    """A misclassified sample.

    Attributes:
        sample: its number among all samples.
        label: its class.
        predicted: the class that was predicted.
        probabilities: the predicted probabilities of all classes, shape (D,).
    """

    sample: int
    label: int
    predicted: int
    probabilities: Array

    @property
    def confidence(self) -> float:
        """The probability of the predicted class."""
        return float(self.probabilities[self.predicted])


def mistakes(scores: ArrayLike, labels: ArrayLike, *, probabilities: bool = False) -> list[Misclassified]:
    """Find the samples whose largest score is not that of their class.

    Args:
        scores: the scores (N, D) of a classifier before its softmax, as `training.predict` returns them.
        labels: the class of each sample (N,), integers.
        probabilities: whether the scores are probabilities already (default False).

    Returns:
        The misclassified samples, those with the largest predicted probability first.

    Raises:
        ShapeError: the scores are not (N, D), or the labels not (N,).
        UsageError: a label is no class, or probabilities do not sum to 1.

    >>> [(m.sample, m.label, m.predicted) for m in mistakes([[2.0, 1.0], [0.0, 3.0], [4.0, 0.0]], [1, 1, 1])]
    [(2, 1, 0), (0, 1, 0)]
    """
    values, classes = as_array(scores), np.asarray(labels)
    if values.ndim != 2 or classes.shape != values.shape[:1]:
        raise ShapeError(f"mistakes: expected scores (N, D) and labels (N), got {values.shape} and {classes.shape}")
    if classes.dtype.kind not in "iu" or ((classes < 0) | (classes >= values.shape[1])).any():
        raise UsageError(f"mistakes: labels are integers from 0 to {values.shape[1] - 1}")
    if probabilities and not np.allclose(values.sum(axis=1), 1, atol=1e-3):
        raise UsageError("mistakes: probabilities of a sample sum to 1: leave out probabilities=True for scores")
    chances = np.asarray(values if probabilities else softmax(Tensor(values), dim=1).numpy())
    predicted = chances.argmax(axis=1)
    wrong = np.flatnonzero(predicted != classes)
    by_confidence = wrong[np.argsort(-chances[wrong, predicted[wrong]], kind="stable")]
    return [Misclassified(int(i), int(classes[i]), int(predicted[i]), chances[i]) for i in by_confidence]
