"""Histograms of weights and activations, recorded while a network trains."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

import numpy as np

from minigrad.autograd.tensor import Tensor, as_array
from minigrad.errors import UsageError
from minigrad.nn import Module
from minigrad.training.callback import Callback
from minigrad.training.training_state import TrainingState
from minigrad.typing import Array, StateDict
from minigrad.viz.activations import find_layer


class Histograms(NamedTuple):
    """The histograms of one parameter or layer over time.

    Attributes:
        steps: the step of each histogram, shape (T,).
        counts: the number of values in each bin, shape (T, bins).
        ranges: the lower end of the first bin and the upper end of the last one, shape (T, 2); bins are equally wide.
        nonfinite: the number of values that were NaN or infinite, and are in no bin, shape (T,).
    """

    steps: Array
    counts: Array
    ranges: Array
    nonfinite: Array


class HistogramRecorder(Callback):
    """Records histograms of parameters and of the outputs of layers, as a callback of `fit` or by hand.

    A histogram keeps `bins` counts, whatever the size of the array. When there are `limit` of one name, every second
    one is dropped, and from then on only half as many are taken: the memory does not grow with the training.

        recorder = HistogramRecorder(["features.0.weight", "features.1"], every=10)
        fit(model, ..., callbacks=[recorder])
        plot_histograms(recorder["features.0.weight"])

    or by hand

        with recorder.watching(model):
            for ...:
                loss = ...; loss.backward(); optimizer.step()
                recorder.step()

    Args:
        names: the paths of parameters and layers (default: all parameters that are no vectors).
        every: the number of steps from one histogram to the next (default 1).
        bins: the number of bins of a histogram (default 64).
        limit: the number of histograms of one name is always smaller (default 200).

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
        """The names that have histograms."""
        return [name for name, rows in self._rows.items() if rows]

    def __getitem__(self, name: str) -> Histograms:
        rows = self._rows.get(name)
        if not rows:
            raise UsageError(
                f"HistogramRecorder: no histogram of {name!r}, but of {', '.join(self.names) or 'nothing yet'}"
            )
        steps, counts, ranges, nonfinite = zip(*rows, strict=True)
        return Histograms(np.array(steps), np.array(counts), np.array(ranges), np.array(nonfinite))

    # ---- recording -------------------------------------------------------------------------------------------

    @contextmanager
    def watching(self, model: Module) -> Iterator[HistogramRecorder]:
        """Record this model inside of the block, by hooks that are removed afterward.

        Args:
            model: the model.

        Raises:
            UsageError: there is no parameter or layer of one of the names.
        """
        with ExitStack() as hooks:
            self._watch(model, hooks)
            yield self

    def step(self, number: int | None = None) -> None:
        """Take the histograms of a step, if one is due. Call it after each step of the training.

        Args:
            number: the number of the step (default: one more than that of the last one).
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
                layer = find_layer(model, name, "HistogramRecorder, for a name that is no parameter")
                hooks.enter_context(layer.register_forward_hook(self._hook(name)))
        hooks.callback(self._pending.clear)

    def _hook(self, name: str) -> Callable[[Module, object, Any], None]:
        def keep(layer: Module, inputs: object, out: Any) -> None:  # a layer may give anything
            value = out[0] if isinstance(out, (tuple, list)) else out
            if self._due(self._count + 1):
                self._pending[name] = as_array(value)

        return keep

    def _due(self, step: int) -> bool:
        return step % self.every == 0

    def _add(self, name: str, values: Array) -> None:
        self._rows[name].append((self._count, *histogram(values, self.bins)))

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
        """Take the histograms, if they are due."""
        self.step(training.step)

    def on_end(self, training: TrainingState) -> None:
        """Remove the hooks."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def state_dict(self) -> StateDict:
        """All histograms, so that a training that is resumed keeps those from before."""
        return {"every": self.every, "histograms": {name: self[name]._asdict() for name in self.names}}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Load what `state_dict` gave.

        Args:
            state: the histograms.
        """
        self.every = int(state["every"])
        for name, found in state["histograms"].items():
            rows = zip(found["steps"], found["counts"], found["ranges"], found["nonfinite"], strict=True)
            self._rows[name] = [
                (int(step), counts, (float(a), float(b)), int(nonfinite)) for step, counts, (a, b), nonfinite in rows
            ]


def histogram(values: Array, bins: int) -> tuple[Array, tuple[float, float], int]:
    """Counts in equal bins from the smallest to the largest value, these two, and the number of nonfinite values."""
    flat = values.ravel()
    flat = (np.abs(flat) if flat.dtype.kind == "c" else flat).astype(np.float64, copy=False)
    finite = flat[np.isfinite(flat)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    if not high > low + 1e-9 * abs(low):  # all equal: a bin needs a width
        low, high = low - max(abs(low), 1e-3) * 1e-3, high + max(abs(high), 1e-3) * 1e-3
    counts, _ = np.histogram(finite, bins, (low, high))
    return counts.astype(np.uint32), (low, high), flat.size - finite.size


def rebinned(counts: Array, ranges: tuple[float, float], edges: Array) -> Array:
    """The counts in other bins, as if the values in each bin were spread evenly.

    Shapes: counts (bins,), edges (B + 1,) -> (B,).
    """
    own_edges = np.linspace(*ranges, len(counts) + 1)
    return np.diff(np.interp(edges, own_edges, np.concatenate([[0], np.cumsum(counts)])))
