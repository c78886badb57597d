"""How good a classifier's answers are."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.errors import ShapeError, shape_text
from minigrad.tensor import Array, as_array


def predictions(scores: Any) -> Array:
    """The class with the largest score; the first one at a tie. Shapes: scores (N, D) -> (N)."""
    return np.asarray(as_array(scores).argmax(axis=1))


def accuracy(scores: Any, target: Any) -> float:
    """The share of samples whose largest score is that of the right class, in [0, 1]; NaN for no samples.

    Shapes: scores (N, D), target (N) class numbers.

    Raises:
        ShapeError: the sizes do not fit together.

    >>> accuracy([[0.1, 0.9], [0.8, 0.2]], [1, 1])
    0.5
    """
    scores, target = as_array(scores), as_array(target)
    if scores.ndim != 2 or target.shape != scores.shape[:1]:
        raise ShapeError(
            f"accuracy: needs scores (N, D) and class numbers (N), got {shape_text(scores.shape)} and "
            f"{shape_text(target.shape)}"
        )
    return float(np.mean(predictions(scores) == target)) if len(target) else float("nan")


def confusion_matrix(predicted: Any, target: Any, classes: int) -> Array:
    """How often each class was taken for each: entry [i, j] counts the samples of class i that were called j.

    Args:
        predicted: class numbers (N), as `predictions` gives them.
        target: the right ones (N).
        classes: D, the number of classes.

    Returns:
        Counts, int64 (D, D); their sum is N, and the trace counts the right answers.

    Raises:
        ShapeError: the lengths differ, or a class number is not in 0 ... D-1.

    >>> confusion_matrix([0, 1, 1], [0, 1, 0], classes=2).tolist()
    [[1, 1], [0, 1]]
    """
    predicted, target = np.asarray(as_array(predicted), np.int64), np.asarray(as_array(target), np.int64)
    if predicted.shape != target.shape or predicted.ndim != 1:
        raise ShapeError(f"confusion_matrix: needs two lists (N) of classes, got {predicted.shape} and {target.shape}")
    for numbers in (predicted, target):
        if numbers.size and not 0 <= numbers.min() <= numbers.max() < classes:
            raise ShapeError(f"confusion_matrix: class numbers must lie in 0 ... {classes - 1}, got {numbers.max()}")
    return np.bincount(target * classes + predicted, minlength=classes**2).reshape(classes, classes)
