"""What a model computes, from two runs of it: the calls of ops that depend on its inputs, and the constants they use.

One run shows the ops, but not which of the numbers in it came from the inputs by another way, such as through NumPy:
these would stay in the file as they were. The second run has other values, and with a dynamic batch another batch size.
What differs between both and was not made by an op cannot be exported; a size that differs depends on the batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from minigrad.autograd.tensor import Tensor, no_grad
from minigrad.autograd.trace import Event, trace
from minigrad.errors import MinigradError, UsageError
from minigrad.io.onnx.values import Call, Value
from minigrad.typing import Array, Settings

if TYPE_CHECKING:
    pass


@dataclass
class Recording:
    """What was computed.

    Attributes:
        inputs: the values that the model was given.
        calls: the calls that depend on these or on parameters, in order.
        outputs: the values that it answered with, by name.
    """

    inputs: list[Value]
    calls: list[Call]
    outputs: dict[str, Value]


def record(
    model: Callable[..., Any], first: Sequence[Array], second: Sequence[Array], parameters: Iterable[Array] = ()
) -> Recording:
    """Run a model twice, and compare.

    Args:
        model: takes Tensors.
        first, second: its inputs in both runs.
        parameters: the arrays that are trained (default (): none); what is computed from these alone is recorded, too.

    Raises:
        UsageError: both runs call other ops, or the model gives no Tensors.
    """
    whole = _Run(model, first)
    try:
        other = _Run(model, second)
    except MinigradError as error:
        raise UsageError(
            "ONNX: the model ran with the inputs given, but not in a second run with others, such as those in another "
            f"order ({error}): what must stay as it is, such as lengths of sequences, is no input"
        ) from error
    return _Comparison(whole, other, parameters).recording()


def record_reference(call: Call) -> Recording:
    """What an op's reference computes for a call of the op. Its inputs are those of the call that are arrays."""
    assert call.op is not None
    reference = call.op.reference
    assert reference is not None
    places = [i for i, x in enumerate(call.inputs) if x is not None and not x.weak]

    def run(values: Sequence[Any], settings: Settings) -> _Run:
        def function(*tensors: Tensor) -> Any:
            given = list(values)
            for i, tensor in zip(places, tensors, strict=True):
                given[i] = tensor
            return reference(*given, **settings)

        return _Run(function, [values[i].copy() for i in places])

    first = run([None if x is None else x.first for x in call.inputs], call.settings)
    second = run([None if x is None else x.second for x in call.inputs], call.second_settings)
    return _Comparison(first, second, ()).recording()


class _Run:
    """One run: its inputs, the groups of events that are one call each, and its outputs."""

    def __init__(self, model: Callable[..., Any], inputs: Sequence[Array]) -> None:
        tensors = [Tensor(x) for x in inputs]
        for tensor in tensors:
            tensor._data.flags.writeable = False  # so that ops keep the very array as an index, and no copy
        self.inputs = [tensor._data for tensor in tensors]
        with (
            no_grad(),
            np.errstate(all="ignore"),
            trace(freeze_integers=True) as seen,
        ):  # other values may lie outside of domains
            result = model(*tensors)
        self.outputs = {name: tensor._data for name, tensor in _named_tensors("output", result)}
        self.calls: list[list[Event]] = []
        events = iter(seen.events)
        for event in events:
            self.calls.append([event, *[next(events) for _ in event.op.results[1:]]])


def _named_tensors(name: str, result: Any) -> list[tuple[str, Tensor]]:
    """The Tensors of what a model answers with, by name: those in containers are numbered, or have their keys."""
    if isinstance(result, Tensor):
        return [(name, result)]
    if isinstance(result, dict):
        return [pair for key, x in result.items() for pair in _named_tensors(str(key), x)]
    if isinstance(result, (tuple, list)):
        labels = getattr(result, "_fields", [f"{name}_{i}" for i in range(len(result))])
        return [pair for label, x in zip(labels, result, strict=True) for pair in _named_tensors(label, x)]
    raise UsageError(f"ONNX: the model answers with a {type(result).__name__}: let it give Tensors, or a tuple or dict")


class _Comparison:
    """Both runs side by side."""

    def __init__(self, first: _Run, second: _Run, parameters: Iterable[Array]) -> None:
        self.first, self.second = first, second
        self.parameters = frozenset(map(id, parameters))
        self.known: dict[int, Value] = {}  # by the identity of the first run's array, which the run keeps alive
        self.views: dict[object, Value] = {}  # by its memory

    def recording(self) -> Recording:
        """All calls that depend on the inputs."""
        inputs = [self._add(Value(a, b, False)) for a, b in zip(self.first.inputs, self.second.inputs, strict=True)]
        if [events[0].op for events in self.first.calls] != [events[0].op for events in self.second.calls]:
            self._refuse_other_way()
        pairs = zip(self.first.calls, self.second.calls, strict=True)
        calls = [call for a, b in pairs if (call := self._call(a, b)) is not None]
        if self.first.outputs.keys() != self.second.outputs.keys():
            self._refuse_other_way()
        outputs = {name: self._value(a, self.second.outputs[name]) for name, a in self.first.outputs.items()}
        return Recording(inputs, calls, outputs)

    def _refuse_other_way(self) -> NoReturn:
        pairs = zip(self.first.calls, self.second.calls, strict=False)
        found = next((a[0].site for a, b in pairs if a[0].op != b[0].op), None)
        where = f" (first at {found[0]}, line {found[1]})" if found else ""
        raise UsageError(
            f"ONNX: the model takes another way for other inputs{where}, and a file holds one way only: choose by "
            "mg.where instead of if, and let loops not depend on values or on the batch size"
        )

    def _add(self, value: Value) -> Value:
        if isinstance(value.first, np.ndarray):
            self.known[id(value.first)] = value
            self.views.setdefault(_memory(value.first), value)
        return value

    def _value(self, a: Any, b: Any) -> Value:
        known = self.known.get(id(a))
        if known is None:
            return self._add(Value(a, b, True, id(a) in self.parameters))
        if not known.constant and known.second is not b:
            self._refuse_other_way()
        return known

    def _call(self, first: list[Event], second: list[Event]) -> Call | None:
        a, b = first[0], second[0]
        if len(a.inputs) != len(b.inputs):
            self._refuse_other_way()
        inputs = [None if x is None else self._value(x, y) for x, y in zip(a.inputs, b.inputs, strict=True)]
        index, part = self._index(a.settings, b.settings)
        constant = index is None and all(x is None or x.constant for x in inputs)
        trained = constant and any(x is not None and x.trained for x in inputs)
        call = Call(a.op.name, a.op, tuple(inputs), a.settings, b.settings, (), a.scope, a.site, index, part)
        values = [Value(x.out, y.out, constant, trained, call) for x, y in zip(first, second, strict=True)]
        call.outs = tuple(map(self._add, values))
        return call if trained or not constant else None

    def _index(self, first: Settings, second: Settings) -> tuple[Value | None, int | None]:
        """An index, or a part of one, that is an array which depends on the inputs, such as the numbers of words."""
        index, other = first.get("index"), second.get("index")
        if not isinstance(index, tuple):
            return self._known_index(index, other), None
        if not isinstance(other, tuple) or len(index) != len(other):
            return None, None
        found = [
            (known, k) for k, pair in enumerate(zip(index, other, strict=True)) if (known := self._known_index(*pair))
        ]
        return found[0] if len(found) == 1 else (None, None)

    def _known_index(self, first: Any, second: Any) -> Value | None:
        if not isinstance(first, np.ndarray) or not isinstance(second, np.ndarray):
            return None
        known = self.views.get(_memory(first))
        if known is None or known.constant or _memory(known.second) != _memory(second):
            return None
        return known


def _memory(x: Array) -> object:
    """What tells whether two arrays are the same one, or views of the same numbers: embedding looks through one."""
    return x.__array_interface__["data"][0], x.shape, x.strides, x.dtype
