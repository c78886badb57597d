"""The samples that a classifier gets wrong, the most confident mistakes first."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from typing import NamedTuple

import numpy as np

from minigrad.autograd.tensor import Tensor, as_array
from minigrad.data import DataLoader
from minigrad.errors import ShapeError, UsageError
from minigrad.functional import softmax
from minigrad.nn import Module
from minigrad.training import predict
from minigrad.training.training_state import Data
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


class Classified(NamedTuple):
    """What a classifier gave for some samples.

    Attributes:
        inputs: the samples, as they were classified, (N, ...).
        scores: its outputs, (N, D).
        labels: the class of each sample, (N,).
        classes: the names of the classes; () where the samples have none.
    """

    inputs: Array
    scores: Array
    labels: Array
    classes: tuple[str, ...]


def classify(caller: str, model: Module, data: Data | None) -> Classified:
    """Run a classifier on samples, in evaluation mode.

    Args:
        caller: the function that asks, for messages.
        model: gives scores (N, D).
        data: a loader, a dataset, or arrays, the class numbers last.

    Raises:
        UsageError: there are no samples.
        ShapeError: scores are not (N, D), or labels no class numbers (N,).
    """
    names_only = isinstance(data, (str, list, tuple)) and all(isinstance(x, str) for x in data)
    if data is None or names_only or not hasattr(data, "__len__"):
        raise UsageError(
            f"{caller}: a model needs its test samples, {caller}(model, test): a loader, a dataset, or (images, labels)"
        )
    seen: list[Array] = []
    with ExitStack() as hooks:
        hooks.enter_context(model.register_forward_hook(lambda layer, inputs, out: seen.append(as_array(inputs[0]))))
        scores, labels = predict(model, data)
    if scores.ndim != 2 or labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise ShapeError(
            f"{caller}: needs a classifier, which gives scores (N, D) for class numbers (N); this model gives "
            f"{scores.shape} for {labels.dtype} {labels.shape}"
        )
    names: Iterable[str] = getattr(data.dataset if isinstance(data, DataLoader) else data, "classes", ())
    return Classified(np.concatenate(seen), scores, labels, tuple(names))


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
