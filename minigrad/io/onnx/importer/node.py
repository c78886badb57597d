"""`Node`: what the function of an operator is given beside the values: attributes, opset, mode, limits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NoReturn, TypeVar

import numpy as np

from minigrad.autograd.tensor import Tensor
from minigrad.errors import DataError, ShapeError, UsageError
from minigrad.io.onnx.importer.data import Attribute, GraphData, NodeData
from minigrad.io.onnx.importer.tensors import MAX_DIMENSIONS
from minigrad.shapes import shape_of
from minigrad.typing import Array, DType, Shape, Value

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

TOTAL: Final = 16
"""How many times the largest value all results of one run may be together."""

MAX_RUNS: Final = 300_000
"""How many nodes one run may compute, those in loops counted at each turn."""


@dataclass
class Run:
    """One run of a model.

    Attributes:
        max_elements: how many elements a value may have.
        floating: what float32 of the file means, where the model was converted to another dtype.
        total: how many elements were made.
        nodes: how many nodes were computed.
    """

    max_elements: int
    floating: DType | None = None
    total: int = 0
    nodes: int = 0


@dataclass
class Node:
    """A node in one run.

    Attributes:
        data: what the file says of it.
        run: the run.
        training: whether the module that it is in is in training mode.
        branch: runs a branch with values for its inputs.
    """

    data: NodeData
    run: Run
    training: bool
    branch: Callable[[GraphData, Sequence[Value]], tuple[Value, ...]] = field(repr=False)

    @property
    def operator(self) -> str:
        """The operator's name."""
        return self.data.operator

    @property
    def opset(self) -> int:
        """The version of the operators."""
        return self.data.opset

    def wants(self, position: int) -> bool:
        """Whether somebody uses the result at a position."""
        return position < len(self.data.outputs) and bool(self.data.outputs[position])

    # ---- attributes ------------------------------------------------------------------------------------------

    def has(self, name: str) -> bool:
        """Whether an attribute is given."""
        return name in self.data.attributes

    def number(self, name: str, default: float | None = None) -> float:
        """A floating attribute."""
        return float(self._get(name, (float, int), default))

    def integer(self, name: str, default: int | None = None) -> int:
        """An integer attribute."""
        return int(self._get(name, (int,), default))

    def flag(self, name: str, default: bool = False) -> bool:
        """An integer attribute that says yes or no."""
        return bool(self._get(name, (int,), int(default)))

    def text(self, name: str, default: str | None = None, among: Sequence[str] = ()) -> str:
        """A text attribute, perhaps one of a few.

        Raises:
            UsageError: it is another.
        """
        found = str(self._get(name, (str,), default))
        if among and found not in among:
            raise UsageError(f"{self.data}: {name} is one of {', '.join(among)}, not {found[:40]!r}")
        return found

    def integers(self, name: str, default: Sequence[int] | None = None) -> tuple[int, ...]:
        """An attribute of several integers."""
        found = self._get(name, (tuple,), None if default is None else tuple(default))
        if not all(type(n) is int for n in found):
            self._wrong_kind(name)
        return found

    def numbers(self, name: str, default: Sequence[float] | None = None) -> tuple[float, ...]:
        """An attribute of several floating numbers."""
        found = self._get(name, (tuple,), None if default is None else tuple(default))
        if not all(isinstance(n, (int, float)) for n in found):
            self._wrong_kind(name)
        return found

    def texts(self, name: str, default: Sequence[str]) -> tuple[str, ...]:
        """An attribute of several texts."""
        found = self._get(name, (tuple,), tuple(default))
        if not all(isinstance(text, str) for text in found):
            self._wrong_kind(name)
        return found

    def array(self, name: str, default: Array | None = None) -> Array:
        """An attribute that is an array."""
        return self._get(name, (np.ndarray,), default)

    def graph(self, name: str) -> GraphData:
        """An attribute that is a branch."""
        return self._get(name, (GraphData,), None)

    def _get(self, name: str, kinds: tuple[type[T], ...], default: T | None) -> T:
        found: Attribute | T | None = self.data.attributes.get(name, default)
        if found is None:
            raise DataError(f"{self.data}: the attribute {name!r} is missing")
        if not isinstance(found, kinds):
            self._wrong_kind(name)
        return found

    def _wrong_kind(self, name: str) -> NoReturn:
        raise DataError(f"{self.data}: the attribute {name!r} is of the wrong kind")

    # ---- values ----------------------------------------------------------------------------------------------

    def ints(self, value: Value, what: str) -> tuple[int, ...]:
        """A value as integers: sizes, axes, positions.

        Raises:
            DataError: it is no vector (or number) of integers.
        """
        array = raw(value)
        if array.dtype.kind not in "iu" or array.ndim > 1:
            raise DataError(f"{self.data}: {what} must be a vector of integers, not {array.dtype} of {array.shape}")
        if array.size > 2**16:
            raise DataError(f"{self.data}: {what} has {array.size:,} numbers")
        return tuple(map(int, array.reshape(-1)))

    def scalar(self, value: Value, what: str) -> float:
        """A value as one number.

        Raises:
            DataError: it has more elements than one.
        """
        array = raw(value)
        if array.size != 1:
            raise DataError(f"{self.data}: {what} must be one number, and has the shape {array.shape}")
        number: float = array.reshape(()).item()
        return number

    def axis(self, axis: int, ndim: int) -> int:
        """An axis, counted from the front.

        Raises:
            ShapeError: there is none.
        """
        if not -ndim <= axis < ndim:
            raise ShapeError(f"{self.data}: there is no axis {axis} among {ndim} dimensions")
        return axis % ndim

    def axes(self, axes: Sequence[int], ndim: int) -> tuple[int, ...]:
        """Axes, counted from the front.

        Raises:
            ShapeError: there is none of them, or one is named twice.
        """
        found = tuple(self.axis(axis, ndim) for axis in axes)
        if len(set(found)) < len(found):
            raise ShapeError(f"{self.data}: the axes {tuple(axes)} name one twice")
        return found

    # ---- limits ----------------------------------------------------------------------------------------------

    def require_size(self, shape: Sequence[int]) -> Shape:
        """A shape, if a value of it may be made.

        Raises:
            DataError: it has a negative size, too many dimensions, or too many elements.
        """
        shape = tuple(shape)
        if len(shape) > MAX_DIMENSIONS or any(n < 0 for n in shape):
            raise DataError(f"{self.data} would give a value of the impossible shape {shape[:MAX_DIMENSIONS]}")
        if math.prod(shape) > self.run.max_elements or max(shape, default=0) > 2**62:
            raise DataError(
                f"{self.data} would give a value of shape {shape}, with more than {self.run.max_elements:,} elements: "
                "if the file is trusted, load it by from_onnx(..., max_elements=...)"
            )
        return shape

    def count(self, values: Sequence[Value]) -> None:
        """Add the sizes of results to those of the run.

        Raises:
            DataError: a value, or all together, are too large, or too many nodes were computed.
        """
        self.run.nodes += 1
        if self.run.nodes > MAX_RUNS:
            raise DataError(f"{self.data}: the loops of the graph have computed more than {MAX_RUNS:,} nodes")
        for value in values:
            if value is not None:
                self.require_size(shape_of(value))
                self.run.total += math.prod(shape_of(value))
        if self.run.total > TOTAL * self.run.max_elements:
            raise DataError(
                f"{self.data}: the values of the graph have more than {TOTAL * self.run.max_elements:,} elements so "
                "far: if the file is trusted, load it by from_onnx(..., max_elements=...)"
            )

    def refuse(self, why: str) -> NoReturn:
        """Say what is not supported.

        Raises:
            UsageError: always.
        """
        raise UsageError(
            f"{self.data}: {why}; a function of your own can take its place: @minigrad.io.onnx_operator("
            f"{self.operator!r}{f', domain={self.data.domain!r}' if self.data.domain else ''})"
        )


def raw(value: Value) -> Array:
    """The numbers of a value."""
    return np.asarray(value._data if isinstance(value, Tensor) else value)


def is_tensor(value: Value) -> bool:
    """Whether it depends on the model's inputs or weights."""
    return isinstance(value, Tensor)
