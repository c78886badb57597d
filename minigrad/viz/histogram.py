"""Histograms of weights and activations, collected while a network trains."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

import numpy as np

from minigrad.autograd.tensor import Tensor, as_array
from minigrad.errors import UsageError
from minigrad.nn import Module
from minigrad.training.callback import Callback
from minigrad.training.training_state import TrainingState
from minigrad.typing import Array
from minigrad.viz.probe import layer_at


class Histograms(NamedTuple):
    """Histograms of one thing over time.

    Attributes:
        steps: when each was taken, shape (T,).
        counts: numbers of values in each bin, shape (T, bins).
        ranges: the lower end of the first bin and the upper end of the last one, shape (T, 2): bins are equally wide.
        lost: how many values were NaN or infinite, and are in no bin, shape (T,).
    """

    steps: Array
    counts: Array
    ranges: Array
    lost: Array


class HistogramRecorder(Callback):
    """Collects histograms of parameters and of what layers give, as a callback of `fit` or by hand.

    Each costs `bins` counts, whatever the size of the array. When there are `limit` of a thing, every second one is
    dropped, and from then on only half as many are taken: the memory does not grow with the training.

        recorder = HistogramRecorder(["features.0.weight", "features.1"], every=10)
        fit(model, ..., callbacks=[recorder])
        plot_histograms(recorder["features.0.weight"])

    or by hand

        with recorder.watching(model):
            for ...:
                loss = ...; loss.backward(); optimizer.step()
                recorder.step()

    Args:
        names: paths of parameters and layers; all parameters that are no vectors, unless given.
        every: how many steps from one histogram to the next.
        bins: how many bins each has.
        limit: there are always fewer histograms of a thing than this.

    Raises:
        UsageError: a setting is out of its range; when a training begins, there is no such parameter or layer.
    """

    def __init__(
        self, names: Collection[str] | None = None, *, every: int = 1, bins: int = 64, limit: int = 200
    ) -> None:
        for name, value, least in (("every", every, 1), ("bins", bins, 2), ("limit", limit, 2)):
            if not isinstance(value, int) or value < least:
                raise UsageError(f"HistogramRecorder: {name} must be an integer of at least {least}, got {value!r}")
        if isinstance(names, str):
            names = [names]
        self.wanted, self.every, self.bins, self.limit = names, every, bins, limit
        self._count = 0
        self._rows: dict[str, list[tuple[int, Array, tuple[float, float], int]]] = {}
        self._parameters: dict[str, Tensor] = {}
        self._pending: dict[str, Array] = {}
        self._open: ExitStack | None = None

    @property
    def names(self) -> list[str]:
        """What there are histograms of."""
        return [name for name, rows in self._rows.items() if rows]

    def __getitem__(self, name: str) -> Histograms:
        rows = self._rows.get(name)
        if not rows:
            raise UsageError(
                f"HistogramRecorder: no histogram of {name!r}, but of {', '.join(self.names) or 'nothing yet'}"
            )
        steps, counts, ranges, lost = zip(*rows, strict=True)
        return Histograms(np.array(steps), np.array(counts), np.array(ranges), np.array(lost))

    # ---- collecting ------------------------------------------------------------------------------------------

    @contextmanager
    def watching(self, model: Module) -> Iterator[HistogramRecorder]:
        """Collect from this model inside of the block; its hooks are gone afterward."""
        with ExitStack() as hooks:
            self._watch(model, hooks)
            yield self

    def step(self, number: int | None = None) -> None:
        """Say that a step is done: take the histograms, if it is time.

        Args:
            number: of the step; one more than the last one unless given.
        """
        self._count = self._count + 1 if number is None else number
        if self._due(self._count):
            for name, parameter in self._parameters.items():
                self._add(name, parameter.numpy())
            for name, values in self._pending.items():
                self._add(name, values)
            if any(len(rows) >= self.limit for rows in self._rows.values()):
                self._thin()
        self._pending.clear()

    def _watch(self, model: Module, hooks: ExitStack) -> None:
        parameters = dict(model.named_parameters())
        wanted = self.wanted if self.wanted is not None else [name for name, p in parameters.items() if p.ndim > 1]
        self._parameters = {name: parameters[name] for name in wanted if name in parameters}
        self._rows = {name: self._rows.get(name, []) for name in wanted}
        for name in wanted:
            if name not in parameters:
                layer = layer_at(model, name, "HistogramRecorder, for a name that is no parameter")
                hooks.enter_context(layer.register_forward_hook(self._hook(name)))
        hooks.callback(self._pending.clear)

    def _hook(self, name: str) -> Any:
        def keep(layer: Module, inputs: Any, out: Any) -> None:
            value = out[0] if isinstance(out, (tuple, list)) else out
            if self._due(self._count + 1):
                self._pending[name] = as_array(value)

        return keep

    def _due(self, step: int) -> bool:
        return step % self.every == 0

    def _add(self, name: str, values: Any) -> None:
        self._rows[name].append((self._count, *_histogram(np.asarray(values), self.bins)))

    def _thin(self) -> None:
        """Keep every second histogram, and take half as many from now on."""
        self.every *= 2
        for name, rows in self._rows.items():
            self._rows[name] = [row for row in rows if row[0] % self.every == 0]

    # ---- as a callback ---------------------------------------------------------------------------------------

    def on_begin(self, training: TrainingState) -> None:
        """Hook the layers."""
        self._open, self._count = ExitStack(), training.step
        self._watch(training.model, self._open)

    def on_step(self, training: TrainingState) -> None:
        """Take the histograms, if it is time."""
        self.step(training.step)

    def on_end(self, training: TrainingState) -> None:
        """Take the hooks away."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def state_dict(self) -> dict[str, Any]:
        """All histograms, so that a training that goes on has those of its beginning."""
        return {"every": self.every, "histograms": {name: self[name]._asdict() for name in self.names}}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take back what `state_dict` gave."""
        self.every = int(state["every"])
        for name, found in state["histograms"].items():
            rows = zip(found["steps"], found["counts"], found["ranges"], found["lost"], strict=True)
            self._rows[name] = [
                (int(step), counts, (float(a), float(b)), int(lost)) for step, counts, (a, b), lost in rows
            ]


def _histogram(values: Array, bins: int) -> tuple[Array, tuple[float, float], int]:
    """Counts in equal bins from the smallest to the largest value, these two, and how many values are not finite."""
    flat = values.ravel().astype(np.float64, copy=False)
    finite = flat[np.isfinite(flat)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    if not high > low + 1e-9 * abs(low):  # all alike: a bin needs a width
        low, high = low - max(abs(low), 1e-3) * 1e-3, high + max(abs(high), 1e-3) * 1e-3
    counts, _ = np.histogram(finite, bins, (low, high))
    return counts.astype(np.uint32), (low, high), flat.size - finite.size


def rebinned(counts: Array, ranges: tuple[float, float], edges: Array) -> Array:
    """The counts in other bins, as if values were spread evenly in each.

    Shapes: counts (bins,), edges (B + 1,) -> (B,).
    """
    own = np.linspace(*ranges, len(counts) + 1)
    return np.diff(np.interp(edges, own, np.concatenate([[0], np.cumsum(counts)])))
