"""Mistakes: the samples that a classifier reads wrong, the most confident mistakes first."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from minigrad.autograd.tensor import Tensor, as_array
from minigrad.errors import ShapeError, UsageError
from minigrad.functional import softmax
from minigrad.typing import Array


class Mistake(NamedTuple):
    """A sample that was read wrong.

    Attributes:
        sample: its number among all samples.
        label: its class.
        predicted: what it was taken for.
        probabilities: of all classes, shape (D,).
    """

    sample: int
    label: int
    predicted: int
    probabilities: Array

    @property
    def confidence(self) -> float:
        """The probability of the class that it was taken for."""
        return float(self.probabilities[self.predicted])


def mistakes(scores: Any, labels: Any, *, probabilities: bool = False) -> list[Mistake]:
    """The samples whose largest score is not that of their class, the surest first.

    Args:
        scores: of a classifier before its softmax, as `training.predict` gives them.
        labels: the class of each sample.
        probabilities: the scores are probabilities already.

    Shapes: scores (N, D), labels (N,).

    Raises:
        ShapeError: the sizes do not fit together.
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
    surest = wrong[np.argsort(-chances[wrong, predicted[wrong]], kind="stable")]
    return [Mistake(int(i), int(classes[i]), int(predicted[i]), chances[i]) for i in surest]
