"""What a model computes, from two runs of it: the calls of ops that depend on its inputs, and the constants they use.

One run shows the ops, but not which of the numbers in it came from the inputs by another way, such as through NumPy:
these would stay in the file as they were. The second run has other values, and with a dynamic batch another batch size.
What differs between both and was not made by an op cannot be exported; a size that differs depends on the batch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple, NoReturn

import numpy as np

from minigrad.autograd.tensor import Tensor, no_grad
from minigrad.autograd.trace import Event, trace
from minigrad.errors import UsageError
from minigrad.typing import Array, Settings

if TYPE_CHECKING:
    from minigrad.autograd.node import Scope
    from minigrad.autograd.op import Op
    from minigrad.nn import Module

BATCH_SIZES: Final = (2, 5)
"""Those of the two runs, with a dynamic batch: so far apart that half of one is not half of the other, rounded."""


class Size(NamedTuple):
    """The size of a dimension in both runs."""

    first: int
    second: int

    @property
    def fixed(self) -> bool:
        """Whether it does not depend on the batch."""
        return self.first == self.second


@dataclass(eq=False)
class Value:
    """A value in both runs.

    Attributes:
        first, second: what it was in each; a plain number for one that is weak in its dtype.
        constant: whether it does not depend on the inputs.
        names: what it is called in the file, by dtype name; filled as it is written there.
    """

    first: Any
    second: Any
    constant: bool
    names: dict[str, str] = field(default_factory=dict)

    @property
    def weak(self) -> bool:
        """Whether it is a plain number, which takes the dtype of what it meets."""
        return not isinstance(self.first, (np.ndarray, np.generic))

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the value."""
        return np.asarray(self.first).dtype

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return np.ndim(self.first)

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes in the first run."""
        return np.shape(self.first)

    @property
    def sizes(self) -> list[Size]:
        """The sizes in both runs."""
        return list(map(Size, np.shape(self.first), np.shape(self.second)))


@dataclass(eq=False)
class Call:
    """One call of an op, or of a module that ONNX has an operator for, that depends on the inputs.

    Attributes:
        name: the op's name, or the module's class.
        op: what was called; None for a module.
        inputs: its inputs; None where an optional one was left out.
        settings, second_settings: in both runs.
        outs: its results.
        scope: the module call that it happened in.
        site: file and line.
        index: the value that is a getitem's only index, if that depends on the inputs.
        module: the module, for a call of one.
    """

    name: str
    op: Op | None
    inputs: tuple[Value | None, ...]
    settings: Settings
    second_settings: Settings
    outs: tuple[Value, ...]
    scope: Scope | None
    site: tuple[str, int]
    index: Value | None = None
    module: Module | None = None

    @property
    def path(self) -> str:
        """The attribute path of the module that it happened in."""
        return self.scope.path if self.scope is not None else ""

    @property
    def out(self) -> Value:
        """Its only, or first, result."""
        return self.outs[0]

    def refuse(self, why: str, way_out: str) -> NoReturn:
        """Raise the error that this call cannot be written.

        Raises:
            UsageError: always.
        """
        where = f" in {self.scope}" if self.scope is not None else ""
        raise UsageError(f"ONNX: {self.name}{where} ({self.site[0]}, line {self.site[1]}) {why}: {way_out}")


@dataclass
class Recording:
    """What was computed.

    Attributes:
        inputs: the values that the model was given.
        calls: the calls that depend on these, in order.
        outputs: the values that it answered with, by name.
    """

    inputs: list[Value]
    calls: list[Call]
    outputs: dict[str, Value]


def record(model: Callable[..., Any], first: Sequence[Array], second: Sequence[Array]) -> Recording:
    """Run a model twice, and compare.

    Args:
        model: takes Tensors.
        first, second: its inputs in both runs.

    Raises:
        UsageError: both runs call other ops, or the model gives no Tensors.
    """
    return _Comparison(_Run(model, first), _Run(model, second)).recording()


class _Run:
    """One run: its inputs, the groups of events that are one call each, and its outputs."""

    def __init__(self, model: Callable[..., Any], inputs: Sequence[Array]) -> None:
        tensors = [Tensor(x) for x in inputs]
        for tensor in tensors:
            tensor._data.flags.writeable = False  # so that ops keep the very array as an index, and no copy
        self.inputs = [tensor._data for tensor in tensors]
        with no_grad(), np.errstate(all="ignore"), trace() as seen:  # other values may lie outside of domains
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

    def __init__(self, first: _Run, second: _Run) -> None:
        self.first, self.second = first, second
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
            return self._add(Value(a, b, True))
        if not known.constant and known.second is not b:
            self._refuse_other_way()
        return known

    def _call(self, first: list[Event], second: list[Event]) -> Call | None:
        a, b = first[0], second[0]
        if len(a.inputs) != len(b.inputs):
            self._refuse_other_way()
        inputs = [None if x is None else self._value(x, y) for x, y in zip(a.inputs, b.inputs, strict=True)]
        index = self._index(a.settings, b.settings)
        constant = index is None and all(x is None or x.constant for x in inputs)
        outs = tuple([self._add(Value(x.out, y.out, constant)) for x, y in zip(first, second, strict=True)])
        if constant:
            return None
        return Call(a.op.name, a.op, tuple(inputs), a.settings, b.settings, outs, a.scope, a.site, index)

    def _index(self, first: Settings, second: Settings) -> Value | None:
        """An index that is an array which depends on the inputs, such as the numbers of words."""
        index = first.get("index")
        known = self.views.get(_memory(index)) if isinstance(index, np.ndarray) else None
        if known is None or known.constant or _memory(known.second) != _memory(second["index"]):
            return None
        return known


def _memory(x: Array) -> object:
    """What tells whether two arrays are the same one, or views of the same numbers: embedding looks through one."""
    return x.__array_interface__["data"][0], x.shape, x.strides, x.dtype


def same(a: Any, b: Any) -> bool:
    """Whether two constants, or settings, are equal in both runs."""
    if a is b:
        return True
    if isinstance(a, (tuple, list)):
        return isinstance(b, (tuple, list)) and len(a) == len(b) and all(map(same, a, b))
    x, y = np.asarray(a), np.asarray(b)
    return x.shape == y.shape and x.dtype == y.dtype and np.array_equal(x, y, equal_nan=x.dtype.kind in "fc")
