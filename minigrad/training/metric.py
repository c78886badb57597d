"""How good answers are: functions of all outputs and all targets at once.

Those that `fit` and `evaluate` add up over batches are in `minigrad.training.tally`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.autograd.tensor import Tensor, as_array
from minigrad.errors import ShapeError, UsageError, shape_text
from minigrad.typing import Array


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


def top_k_accuracy(scores: Any, target: Any, k: int = 5) -> float:
    """The share of samples whose right class is among those with the k largest scores; NaN for no samples.

        mean_n [ #{d: s[n,d] > s[n,t_n]} + #{d < t_n: s[n,d] = s[n,t_n]} < k ]

    At a tie the first class wins, so that k = 1 gives `accuracy`. A right class with the score NaN is never counted.

    Shapes: scores (N, D), target (N) class numbers.

    Raises:
        ShapeError: the sizes do not fit together, or a class number is not in 0 ... D-1.
        UsageError: k is not a positive integer.

    >>> top_k_accuracy([[0.1, 0.6, 0.3], [0.8, 0.1, 0.1]], [2, 2], k=2)
    0.5
    """
    if not isinstance(k, int) or k < 1:
        raise UsageError(f"top_k_accuracy: k must be an integer of at least 1, got {k!r}")
    scores, target = scored("top_k_accuracy", scores, target)
    if not len(target):
        return float("nan")
    own = scores[np.arange(len(target)), target][:, None]
    earlier = np.arange(scores.shape[1]) < target[:, None]
    ahead = ((scores > own) | ((scores == own) & earlier)).sum(axis=1)
    return float(np.mean((ahead < k) & (own == own)[:, 0]))


def mse(output: Any, target: Any) -> float:
    """The mean squared error: mean of (output - target)^2. Shapes: two equal ones; NaN for no numbers.

    Raises:
        ShapeError: the shapes differ.

    >>> mse([1.0, 2.0], [1.0, 4.0])
    2.0
    """
    output, target = paired("mse", output, target)
    return float(np.mean((output - target) ** 2)) if output.size else float("nan")


def mae(output: Any, target: Any) -> float:
    """The mean absolute error: mean of |output - target|. Shapes: two equal ones; NaN for no numbers.

    Raises:
        ShapeError: the shapes differ.

    >>> mae([1.0, 2.0], [1.0, 4.0])
    1.0
    """
    output, target = paired("mae", output, target)
    return float(np.mean(np.abs(output - target))) if output.size else float("nan")


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


def plain(values: Any) -> Array:
    """A Tensor's values, or an array; lists of integers stay integers."""
    return np.asarray(values.data if isinstance(values, Tensor) else values)


def scored(name: str, scores: Any, target: Any) -> tuple[Array, Array]:
    """Scores (N, D) and the numbers (N) of the right classes."""
    scores, target = plain(scores), plain(target)
    if scores.ndim != 2 or target.shape != scores.shape[:1] or target.dtype.kind not in "iu":
        raise ShapeError(
            f"{name}: needs scores (N, D) and class numbers (N), got {shape_text(scores.shape)} and "
            f"{shape_text(target.shape)} {target.dtype}"
        )
    if target.size and not 0 <= target.min() <= target.max() < scores.shape[1]:
        raise ShapeError(
            f"{name}: class numbers must lie in 0 ... {scores.shape[1] - 1}, got {target.min()} ... {target.max()}"
        )
    return scores, target


def paired(name: str, output: Any, target: Any) -> tuple[Array, Array]:
    """Outputs and targets, in double precision."""
    output, target = plain(output).astype(np.float64), plain(target).astype(np.float64)
    if output.shape != target.shape:  # they would broadcast: (N, 1) against (N) to (N, N)
        raise ShapeError(
            f"{name}: output and target must have one shape, got {shape_text(output.shape)} and "
            f"{shape_text(target.shape)}"
        )
    return output, target
