"""Metrics of classifiers: accuracy, the confusion matrix, and what is computed from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from minigrad.autograd.tensor import as_array
from minigrad.errors import ShapeError, UsageError, shape_text
from minigrad.training.metrics.metric import Metric, to_numpy
from minigrad.typing import Array, ArrayLike

Average: TypeAlias = Literal["macro", "micro"] | None


def predictions(scores: ArrayLike) -> Array:
    """The class with the largest score; the first one at a tie.

    Args:
        scores: (N, D), a row a sample, a column a class.

    Returns:
        Class numbers, int64 (N).

    >>> predictions([[0.1, 0.9], [0.8, 0.2]]).tolist()
    [1, 0]
    """
    return np.asarray(as_array(scores).argmax(axis=1))


def accuracy(scores: ArrayLike, target: ArrayLike) -> float:
    """The fraction of samples whose largest score is that of the target class.

    Args:
        scores: (N, D).
        target: class numbers, (N).

    Returns:
        A number in [0, 1]; NaN for no samples.

    Raises:
        ShapeError: scores and target do not have these shapes.

    >>> accuracy([[0.1, 0.9], [0.8, 0.2]], [1, 1])
    0.5
    """
    rows, classes = as_array(scores), as_array(target)
    if rows.ndim != 2 or classes.shape != rows.shape[:1]:
        raise ShapeError(
            f"accuracy: needs scores (N, D) and class numbers (N), got {shape_text(rows.shape)} and "
            f"{shape_text(classes.shape)}"
        )
    return float(np.mean(predictions(rows) == classes)) if len(classes) else float("nan")


def top_k_accuracy(scores: ArrayLike, target: ArrayLike, k: int = 5) -> float:
    """The fraction of samples whose target class is among those with the k largest scores.

        mean_n [ #{d: s[n,d] > s[n,t_n]} + #{d < t_n: s[n,d] = s[n,t_n]} < k ]

    At a tie the first class wins, so that k = 1 gives `accuracy`. A target class with the score NaN is never counted.

    Args:
        scores: (N, D).
        target: class numbers, (N).
        k: how many classes are looked at, at least 1 (default 5).

    Returns:
        A number in [0, 1]; NaN for no samples.

    Raises:
        ShapeError: scores and target do not have these shapes, or a class number is not in 0 ... D-1.
        UsageError: k is not a positive integer.

    >>> top_k_accuracy([[0.1, 0.6, 0.3], [0.8, 0.1, 0.1]], [2, 2], k=2)
    0.5
    """
    if not isinstance(k, int) or k < 1:
        raise UsageError(f"top_k_accuracy: k must be an integer of at least 1, got {k!r}")
    rows, classes = _check_scores("top_k_accuracy", scores, target)
    if not len(classes):
        return float("nan")
    target_scores = rows[np.arange(len(classes)), classes][:, None]
    earlier = np.arange(rows.shape[1]) < classes[:, None]
    ahead = ((rows > target_scores) | ((rows == target_scores) & earlier)).sum(axis=1)
    return float(np.mean((ahead < k) & ~np.isnan(target_scores)[:, 0]))


def confusion_matrix(predicted: ArrayLike, target: ArrayLike, classes: int) -> Array:
    """The number of samples of each class i that were predicted as class j, as entry [i, j].

    Args:
        predicted: class numbers, (N), as `predictions` gives them.
        target: class numbers, (N).
        classes: the number D of classes.

    Returns:
        Counts, int64 (D, D); their sum is N, and the trace counts the correct predictions.

    Raises:
        ShapeError: the lengths differ, or a class number is not in 0 ... D-1.

    >>> confusion_matrix([0, 1, 1], [0, 1, 0], classes=2).tolist()
    [[1, 1], [0, 1]]
    """
    columns, rows = np.asarray(as_array(predicted), np.int64), np.asarray(as_array(target), np.int64)
    if columns.shape != rows.shape or columns.ndim != 1:
        raise ShapeError(f"confusion_matrix: needs two lists (N) of classes, got {columns.shape} and {rows.shape}")
    for numbers in (columns, rows):
        if numbers.size and not 0 <= numbers.min() <= numbers.max() < classes:
            raise ShapeError(f"confusion_matrix: class numbers must lie in 0 ... {classes - 1}, got {numbers.max()}")
    return np.bincount(rows * classes + columns, minlength=classes**2).reshape(classes, classes)


@dataclass(frozen=True)
class Confusion(Metric):
    """The confusion matrix as a metric; see `confusion_matrix`.

    Shapes: output (N, D) scores, target (N) class numbers -> (D, D).

    >>> Confusion()([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7]], [0, 1, 0]).tolist()
    [[1, 1], [0, 1]]
    """

    @property
    def name(self) -> str:
        """The entry's name in the history."""
        return "confusion"

    def batch_state(self, output: Array, target: Array) -> Array:
        """The counts (D, D) of a batch.

        Raises:
            ShapeError: output and target are not scores (N, D) and class numbers (N).
        """
        scores, classes = _check_scores(type(self).__name__, output, target)
        return confusion_matrix(predictions(scores), classes, scores.shape[1])

    def compute(self, state: Array) -> float | Array:
        """The counts."""
        return state


@dataclass(frozen=True)
class _ClassMetric(Confusion):
    """A ratio of counts for each class, averaged over the classes."""

    average: Average = "macro"

    def __post_init__(self) -> None:
        if self.average not in ("macro", "micro", None):
            raise UsageError(f'{type(self).__name__}: average is "macro", "micro" or None, got {self.average!r}')

    @property
    def name(self) -> str:
        """The class's name in lower case, with "_micro" or "_per_class" for these averages."""
        suffix = {"macro": "", "micro": "_micro", None: "_per_class"}[self.average]
        return type(self).__name__.lower() + suffix

    def compute(self, state: Array) -> float | Array:
        """The average, or with `average=None` the values of all classes, (D)."""
        correct, predicted, samples = np.diagonal(state), state.sum(axis=0), state.sum(axis=1)
        if self.average == "micro":
            return float(self._ratio(correct.sum(), predicted.sum(), samples.sum()))
        ratios = self._ratio(correct, predicted, samples)
        if self.average is None:
            return ratios
        present = (predicted + samples) > 0
        return float(ratios[present].mean()) if present.any() else 0.0

    def _ratio(self, correct: Array, predicted: Array, samples: Array) -> Array:
        raise NotImplementedError


@dataclass(frozen=True)
class Precision(_ClassMetric):
    """Precision: of the samples predicted as class d, the fraction that is of class d.

        P_d = #{n: predicted d, is d} / #{n: predicted d}          0 where nothing was predicted d

    Args:
        average: "macro" for the mean over the classes that occur, as target or prediction; "micro" for all classes
            counted together, which makes it the accuracy; None for the values of all classes, (D) (default "macro").

    Shapes: output (N, D) scores, target (N) class numbers.

    Raises:
        UsageError: `average` is none of these.

    >>> scores = [[0.9, 0.1], [0.2, 0.8], [0.3, 0.7]]
    >>> Precision()(scores, [0, 1, 0]), Precision(None)(scores, [0, 1, 0])
    (0.75, array([1. , 0.5]))
    """

    def _ratio(self, correct: Array, predicted: Array, samples: Array) -> Array:
        return np.asarray(correct / np.maximum(predicted, 1))


@dataclass(frozen=True)
class Recall(_ClassMetric):
    """Recall: of the samples of class d, the fraction that is predicted as class d.

        R_d = #{n: predicted d, is d} / #{n: is d}                 0 where nothing is d

    Args:
        average: "macro", "micro" or None; see `Precision` (default "macro").

    Shapes: output (N, D) scores, target (N) class numbers.

    Raises:
        UsageError: `average` is none of these.

    >>> Recall(None)([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7]], [0, 1, 0])
    array([0.5, 1. ])
    """

    def _ratio(self, correct: Array, predicted: Array, samples: Array) -> Array:
        return np.asarray(correct / np.maximum(samples, 1))


@dataclass(frozen=True)
class F1(_ClassMetric):
    """The F1 score: the harmonic mean of precision and recall.

        F_d = 2 / (1 / P_d + 1 / R_d) = 2 * #{predicted d, is d} / (#{predicted d} + #{is d})

    Args:
        average: "macro", the mean of the classes' values, "micro" or None; see `Precision` (default "macro").

    Shapes: output (N, D) scores, target (N) class numbers.

    Raises:
        UsageError: `average` is none of these.

    >>> F1(None)([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7]], [0, 1, 0]).round(2)
    array([0.67, 0.67])
    """

    def _ratio(self, correct: Array, predicted: Array, samples: Array) -> Array:
        return np.asarray(2 * correct / np.maximum(predicted + samples, 1))


def _check_scores(name: str, scores: ArrayLike, target: ArrayLike) -> tuple[Array, Array]:
    """Scores (N, D) and class numbers (N), as arrays."""
    rows, classes = to_numpy(scores), to_numpy(target)
    if rows.ndim != 2 or classes.shape != rows.shape[:1] or classes.dtype.kind not in "iu":
        raise ShapeError(
            f"{name}: needs scores (N, D) and class numbers (N), got {shape_text(rows.shape)} and "
            f"{shape_text(classes.shape)} {classes.dtype}"
        )
    if classes.size and not 0 <= classes.min() <= classes.max() < rows.shape[1]:
        raise ShapeError(
            f"{name}: class numbers must lie in 0 ... {rows.shape[1] - 1}, got {classes.min()} ... {classes.max()}"
        )
    return rows, classes
