"""`Scope`: the values that a program has so far, while it is being drawn."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from minigrad.autograd.tensor import Tensor
from minigrad.testing.program.choose import below, one_of
from minigrad.testing.program.step import Environment, Operand
from minigrad.testing.strategies.array_strategies import Draw
from minigrad.typing import Array, Shape

NUMBERS: Final = (0.5, 1.0, -0.5, 1.5, -1.0, 0.75, 1.25, -1.5, 0.25, -0.25, 1.75, -0.75, 0.625, -1.25, 1.375, -0.375)
"""What arrays are filled with: exact in all dtypes, not 0, simple ones first."""


@dataclass
class Scope:
    """The values that a step can read.

    Attributes:
        values: by name, oldest first.
        inputs, parameters: the arrays that the program begins with; steps may add parameters.
        numbers: counts the names of results.
    """

    values: Environment = field(default_factory=dict)
    inputs: dict[str, Array] = field(default_factory=dict)
    parameters: dict[str, Array] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def inside(self, parameter: str, value: Tensor) -> Scope:
        """The scope of a block: all of this one, and its parameter."""
        return Scope({**self.values, parameter: value}, self.inputs, self.parameters, self.numbers)

    def adopt(self, inner: Scope) -> None:
        """Take over the parameters that a block has added."""
        for name in self.parameters:
            self.values.setdefault(name, inner.values[name])

    def new_name(self) -> str:
        """The name of one more result."""
        return f"y{next(self.numbers)}"

    def add_input(self, draw: Draw, shape: Shape) -> None:
        """Draw one more input."""
        name = f"x{len(self.inputs)}"
        self.inputs[name] = filled(draw, shape)
        self.values[name] = Tensor(self.inputs[name])

    def add_parameter(self, draw: Draw, shape: Shape) -> Operand:
        """Draw one more parameter."""
        name = f"p{len(self.parameters)}"
        self.parameters[name] = filled(draw, shape)
        self.values[name] = Tensor(self.parameters[name])
        return Operand(name)

    def shape(self, operand: Operand) -> Shape:
        """The shape of a value."""
        return self.values[operand.name].shape

    def fitting(self, fits: Callable[[Shape], bool]) -> list[Operand]:
        """The values whose shapes fit, newest first."""
        return [Operand(name) for name, value in reversed(self.values.items()) if fits(value.shape)]

    def any_value(self, draw: Draw) -> Operand:
        """Any of the values, the newest one first."""
        names = list(self.values)
        return Operand(names[-1 - below(draw, len(names))])

    def value_or_parameter(self, draw: Draw, fits: Callable[[Shape], bool], new_shape: Callable[[], Shape]) -> Operand:
        """A value whose shape fits, or a new parameter."""
        known = self.fitting(fits)
        k = below(draw, len(known) + 1)
        return known[k] if k < len(known) else self.add_parameter(draw, new_shape())

    def partner(self, draw: Draw, shape: Shape) -> Operand | float:
        """A value that broadcasts with a shape, a new parameter that does, or a number."""
        known = self.fitting(lambda other: broadcasts(shape, other))
        k = below(draw, len(known) + 4)
        if k < len(known):
            return known[k]
        if k == len(known):
            return 1.5
        return self.add_parameter(draw, one_of(draw, related_shapes(shape)))


def broadcasts(x: Shape, y: Shape) -> bool:
    """Whether two shapes broadcast against each other."""
    return all(n == m or 1 in (n, m) for n, m in zip(x[::-1], y[::-1], strict=False))


def related_shapes(shape: Shape) -> Sequence[Shape]:
    """Shapes that broadcast with this one: the same, less, with axes of size 1, more, wider."""
    ones = [(*shape[:k], 1, *shape[k + 1 :]) for k, size in enumerate(shape) if size != 1]
    wider = [(*shape[:k], 2, *shape[k + 1 :]) for k, size in enumerate(shape) if size == 1]
    return [shape, (), *([shape[1:]] if shape else []), *ones, *wider, *([(2, *shape)] if len(shape) < 3 else [])]


def filled(draw: Draw, shape: Shape) -> Array:
    """An array of simple numbers, from one drawn integer, a hexadecimal digit an element; 0 gives different ones."""
    size = math.prod(shape)
    number = below(draw, 16 ** min(size, 12))
    return np.array([NUMBERS[(number >> 4 * k) + k & 15] for k in range(size)]).reshape(shape)
