"""`Metric`: a quantity accumulated over batches, so that an epoch's value is that of all its samples together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from minigrad.autograd.tensor import Tensor
from minigrad.errors import UsageError
from minigrad.typing import Array, ArrayLike

MetricFunction: TypeAlias = Callable[[Array, Array], float]
"""A function of outputs and targets that is a mean over the samples, as `accuracy` and `mse` are."""

MetricValues: TypeAlias = dict[str, Any]  # a number each, for most; lists of numbers for values per class
"""What was measured, by the metrics' names."""


class Metric:
    """A metric with a state that is updated by each batch; states of several batches merge into that of all.

    Called with all outputs and all targets, it computes their value at once. A subclass defines `batch_state` and
    `compute`, and `merge` where states do not just add up.

    >>> class MaxError(Metric):
    ...     def batch_state(self, output, target):
    ...         return np.abs(output - target).max()
    ...     def merge(self, state, other):
    ...         return np.maximum(state, other)
    ...     def compute(self, state):
    ...         return float(state)
    >>> metric = MaxError()
    >>> state = metric.update(None, np.array([1.0, 2.0]), np.array([1.0, 2.5]))
    >>> metric.compute(metric.update(state, np.array([3.0]), np.array([1.0])))
    2.0
    """

    @property
    def name(self) -> str:
        """The entry's name in the history: the class's name in lower case."""
        return type(self).__name__.lower()

    def batch_state(self, output: Array, target: Array) -> Array:
        """The state of one batch, as one array.

        Args:
            output: the model's outputs, (N, ...).
            target: what they should be, (N, ...).
        """
        raise NotImplementedError

    def merge(self, state: Array, other: Array) -> Array:
        """The state of two sets of samples together: the sum of their states, unless a subclass says otherwise.

        Args:
            state: of one set of samples.
            other: of another one.
        """
        return state + other

    def update(self, state: Array | None, output: Array, target: Array) -> Array:
        """The state after one more batch.

        Args:
            state: that of the batches before; None before the first.
            output: the model's outputs, (N, ...).
            target: what they should be, (N, ...).
        """
        batch = self.batch_state(output, target)
        return batch if state is None else self.merge(state, batch)

    def compute(self, state: Array) -> float | Array:
        """The metric's value.

        Args:
            state: that of all batches.

        Returns:
            A number, or an array of numbers.
        """
        raise NotImplementedError

    def __call__(self, output: ArrayLike, target: ArrayLike) -> float | Array:
        """The value over all samples at once.

        Args:
            output: the model's outputs, (N, ...).
            target: what they should be, (N, ...).
        """
        return self.compute(self.batch_state(to_numpy(output), to_numpy(target)))


@dataclass(frozen=True)
class MeanMetric(Metric):
    """A function that is a mean over the samples, as a metric: its mean over all batches, weighted by their sizes.

    Args:
        function: called with the outputs and targets of a batch.

    >>> from minigrad.training import mse
    >>> MeanMetric(mse)([1.0, 2.0], [1.0, 4.0])
    2.0
    """

    function: MetricFunction

    @property
    def name(self) -> str:
        """The function's name."""
        return str(getattr(self.function, "__name__", type(self.function).__name__))

    def batch_state(self, output: Array, target: Array) -> Array:
        """[sum over the samples, number of samples]."""
        samples = len(target)
        return np.array([float(self.function(output, target)) * samples if samples else 0.0, samples])

    def compute(self, state: Array) -> float:
        """The mean; NaN for no samples."""
        return float(state[0] / state[1]) if state[1] else float("nan")


Metrics: TypeAlias = Iterable[Metric | MetricFunction] | Mapping[str, Metric | MetricFunction]
"""Metrics, or functions that are means over the samples; in a mapping, with names of one's own."""


def metrics_by_name(metrics: Metrics) -> dict[str, Metric]:
    """The metrics by their names, functions wrapped into `MeanMetric`.

    Args:
        metrics: a mapping gives the names; otherwise each metric has its own.

    Raises:
        UsageError: one is not callable, or two have the same name.
    """
    if isinstance(metrics, Mapping):
        pairs = [(name, _as_metric(metric)) for name, metric in metrics.items()]
    else:
        pairs = [(metric.name, metric) for metric in map(_as_metric, metrics)]
    named = dict(pairs)
    if len(named) < len(pairs):
        raise UsageError(
            f"two metrics have the same name: {', '.join(name for name, _ in pairs)}. Use {{name: metric}}"
        )
    return named


def to_numpy(values: ArrayLike) -> Array:
    """The values as a NumPy array; lists of integers stay integers."""
    return np.asarray(values.data if isinstance(values, Tensor) else values)


def _as_metric(metric: object) -> Metric:
    if isinstance(metric, Metric):
        return metric
    if not callable(metric) or isinstance(metric, type):
        raise UsageError(f"a metric is a Metric or a function of output and target, not {metric!r:.60}")
    return MeanMetric(metric)
