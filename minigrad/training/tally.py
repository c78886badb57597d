"""Metrics that are added up over batches, so that an epoch's value is that of all its samples together.

A `Metric` reduces each batch to a few numbers, its tally; tallies of several batches combine to that of all. A plain
function of output and target serves as well where it is a mean over the samples, as `accuracy` and `mse` are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from minigrad.errors import UsageError
from minigrad.training.metric import confusion_matrix, paired, plain, predictions, scored
from minigrad.typing import Array

Average = Literal["macro", "micro"] | None

Function = Callable[[Array, Array], float]


class Metric:
    """What can be measured batch by batch. Called with all outputs and all targets, it measures them at once.

    A subclass defines `tally` and `value`; and `combined`, where tallies do not just add up.
    """

    @property
    def name(self) -> str:
        """The entry's name in the history: the class's, in lower case."""
        return type(self).__name__.lower()

    def tally(self, output: Array, target: Array) -> Array:
        """A batch's numbers, as one array."""
        raise NotImplementedError

    def combined(self, one: Array, other: Array) -> Array:
        """The numbers of two batches together."""
        return one + other

    def value(self, tally: Array) -> float | Array:
        """What the numbers say."""
        raise NotImplementedError

    def __call__(self, output: Any, target: Any) -> float | Array:
        """The value of all samples at once."""
        return self.value(self.tally(plain(output), plain(target)))


@dataclass(frozen=True)
class Mean(Metric):
    """A function that is a mean over the samples, as a metric."""

    function: Function

    @property
    def name(self) -> str:
        """The function's."""
        return str(getattr(self.function, "__name__", type(self.function).__name__))

    def tally(self, output: Array, target: Array) -> Array:
        """Sum and number of samples."""
        samples = len(target)
        return np.array([float(self.function(output, target)) * samples if samples else 0.0, samples])

    def value(self, tally: Array) -> float:
        """The mean; NaN for no samples."""
        return float(tally[0] / tally[1]) if tally[1] else float("nan")


@dataclass(frozen=True)
class Confusion(Metric):
    """How often each class was taken for each, as `confusion_matrix` counts it.

    Shapes: output (N, D), target (N) class numbers -> (D, D).

    >>> Confusion()([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7]], [0, 1, 0]).tolist()
    [[1, 1], [0, 1]]
    """

    @property
    def name(self) -> str:
        """The entry's name in the history."""
        return "confusion"

    def tally(self, output: Array, target: Array) -> Array:
        """The counts."""
        scores, target = scored(type(self).__name__, output, target)
        return confusion_matrix(predictions(scores), target, scores.shape[1])

    def value(self, tally: Array) -> float | Array:
        """The counts."""
        return tally


@dataclass(frozen=True)
class _OfClasses(Confusion):
    average: Average = "macro"

    def __post_init__(self) -> None:
        if self.average not in ("macro", "micro", None):
            raise UsageError(f'{type(self).__name__}: average is "macro", "micro" or None, got {self.average!r}')

    @property
    def name(self) -> str:
        """The class's name, in lower case; and which average it is, if not the usual one."""
        kind = {"macro": "", "micro": "_micro", None: "_of_classes"}[self.average]
        return type(self).__name__.lower() + kind

    def value(self, tally: Array) -> float | Array:
        """From the counts of right answers, of answers and of samples a class."""
        right, answers, samples = np.diagonal(tally), tally.sum(axis=0), tally.sum(axis=1)
        if self.average == "micro":
            return float(self._ratio(right.sum(), answers.sum(), samples.sum()))
        ratios: Array = self._ratio(right, answers, samples)
        if self.average is None:
            return ratios
        met = (answers + samples) > 0
        return float(ratios[met].mean()) if met.any() else 0.0

    def _ratio(self, right: Array, answers: Array, samples: Array) -> Array:
        raise NotImplementedError


@dataclass(frozen=True)
class Precision(_OfClasses):
    """Of the answers "class d", the share that is right.

        P_d = #{n: called d, is d} / #{n: called d}          0 where nothing was called d

    Args:
        average: "macro": the mean over the classes that were met, as target or answer; "micro": all classes counted
            together, which makes it the accuracy; None: the values of all classes, (D).

    Shapes: output (N, D) scores, target (N) class numbers.

    >>> scores = [[0.9, 0.1], [0.2, 0.8], [0.3, 0.7]]
    >>> Precision()(scores, [0, 1, 0]), Precision(None)(scores, [0, 1, 0])
    (0.75, array([1. , 0.5]))
    """

    def _ratio(self, right: Array, answers: Array, samples: Array) -> Array:
        return np.asarray(right / np.maximum(answers, 1))


@dataclass(frozen=True)
class Recall(_OfClasses):
    """Of the samples of class d, the share that is found.

        R_d = #{n: called d, is d} / #{n: is d}              0 where nothing is d

    Args:
        average: see `Precision`.

    Shapes: output (N, D) scores, target (N) class numbers.

    >>> Recall(None)([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7]], [0, 1, 0])
    array([0.5, 1. ])
    """

    def _ratio(self, right: Array, answers: Array, samples: Array) -> Array:
        return np.asarray(right / np.maximum(samples, 1))


@dataclass(frozen=True)
class F1(_OfClasses):
    """The harmonic mean of precision and recall.

        F_d = 2 / (1 / P_d + 1 / R_d) = 2 * #{called d, is d} / (#{called d} + #{is d})

    Args:
        average: see `Precision`; "macro" is the mean of the classes' values.

    Shapes: output (N, D) scores, target (N) class numbers.

    >>> F1(None)([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7]], [0, 1, 0]).round(2)
    array([0.67, 0.67])
    """

    def _ratio(self, right: Array, answers: Array, samples: Array) -> Array:
        return np.asarray(2 * right / np.maximum(answers + samples, 1))


@dataclass(frozen=True)
class R2(Metric):
    """The share of the targets' variance that the outputs explain, as a mean over the columns.

        R2 = 1 - sum_n (y_n - o_n)^2 / sum_n (y_n - mean y)^2

    It is 1 for perfect outputs, 0 for the mean as the only answer, and negative for worse ones. Where the targets of a
    column are all equal, it is 1 for perfect outputs and 0 for others.

    Shapes: output and target equal ones, (N) or (N, ...).

    >>> round(R2()([1.0, 2.0, 3.0], [1.0, 2.0, 4.0]), 4)
    0.7857
    """

    def tally(self, output: Array, target: Array) -> Array:
        """A column's number of samples, mean, sum of squares around it, and sum of squared errors."""
        output, target = paired("R2", output, target)
        shape = (len(target), math.prod(target.shape[1:]))
        columns, answers = target.reshape(shape), output.reshape(shape)
        if not len(columns):
            return np.zeros((4, columns.shape[1]))
        mean = columns.mean(axis=0)
        spread, error = ((columns - mean) ** 2).sum(axis=0), ((columns - answers) ** 2).sum(axis=0)
        return np.array([np.full_like(mean, len(columns)), mean, spread, error])

    def combined(self, one: Array, other: Array) -> Array:
        """Both together. Sums of squares around zero would cancel where the mean is large.

        Source: Chan, Golub and LeVeque 1983, "Algorithms for computing the sample variance".
        """
        n, m = one[0], other[0]
        total = np.maximum(n + m, 1)
        apart = other[1] - one[1]
        spread = one[2] + other[2] + apart**2 * n * m / total
        return np.array([n + m, one[1] + apart * m / total, spread, one[3] + other[3]])

    def value(self, tally: Array) -> float:
        """The mean over the columns; NaN for no samples."""
        samples, _, spread, error = tally
        if not samples.size or not samples[0]:
            return float("nan")
        constant = (error == 0).astype(float)
        return float(np.where(spread > 0, 1 - error / np.where(spread > 0, spread, 1), constant).mean())


Metrics = Iterable[Metric | Function] | Mapping[str, Metric | Function]
"""Metrics, or functions that are means over the samples; in a mapping, with names of one's own."""


def named_metrics(metrics: Metrics) -> dict[str, Metric]:
    """The metrics by their names.

    Raises:
        UsageError: one is not callable, or two have one name.
    """
    if isinstance(metrics, Mapping):
        pairs = [(name, _as_metric(metric)) for name, metric in metrics.items()]
    else:
        pairs = [(metric.name, metric) for metric in map(_as_metric, metrics)]
    named = dict(pairs)
    if len(named) < len(pairs):
        raise UsageError(f"two metrics have one name: {', '.join(name for name, _ in pairs)}. Use {{name: metric}}")
    return named


def _as_metric(metric: Any) -> Metric:
    if isinstance(metric, Metric):
        return metric
    if not callable(metric) or isinstance(metric, type):
        raise UsageError(f"a metric is a Metric or a function of output and target, not {metric!r:.60}")
    return Mean(metric)
