"""`ProgramStudy`: one program with what its properties are about: its gradients, and how rounding changes them.

How much rounding may change a number is measured, not guessed: the program is run again with every value in it moved,
each element on its own, by a tiny part of the largest element (matrix factorizations round like that). What that does
to a gradient, per unit, times the spacing of the numbers of a dtype is what rounding each value in it does.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache
from typing import Any, Final, TypeAlias

import numpy as np

import minigrad.ops as mg
from minigrad.autograd.tensor import Tensor
from minigrad.autograd.transforms import backward, grad
from minigrad.testing.program.random_program import RandomProgram, weighted_sum
from minigrad.testing.program.step import Run
from minigrad.typing import Array

Gradients: TypeAlias = list[Array]
"""One array for each input, then for each parameter."""

MOVE: Final = 2.0**-26
"""The relative size of the moves: between what is linear and what double precision rounds."""
MOVED_RUNS: Final = 3
ROUNDINGS: Final = 64.0
"""How many roundings of every value are allowed for: an op, and its rule, round several times within."""
UNDERFLOW: Final = 1e-30
"""Below this, single precision has fewer digits."""


class ProgramViolation(AssertionError):  # noqa: N818  (it is no error of a program, it is what was found)
    """A property does not hold for a program, whose code stands in the message.

    Attributes:
        property_name: the name of the property.
        program: the program.
    """

    def __init__(self, property_name: str, program: RandomProgram, found: str) -> None:
        self.property_name, self.program = property_name, program
        super().__init__(f"property `{property_name}` does not hold: {found}\n\n{program}")


class ProgramStudy:
    """A program, a weight for each element of its results, and a direction to move its arguments in.

    Args:
        program: of double precision.

    Attributes:
        size: that of the largest number among all values of the program.
    """

    def __init__(self, program: RandomProgram) -> None:
        self.program, self.arrays = program, program.arrays
        rng = np.random.default_rng(0)
        largest = Largest()
        self.weights = [_random(rng, out.shape) for out in self.run(self.arrays, largest)]
        self.direction = [_random(rng, x.shape) for x in self.arrays]
        self.size = largest.size

    @property
    def names(self) -> list[str]:
        """The names of inputs and parameters."""
        return [*self.program.inputs, *self.program.parameters]

    def run(self, values: Sequence[Any], run: Run | None = None) -> tuple[Tensor, ...]:
        """The results for Tensors or arrays, one for each name."""
        count = len(self.program.inputs)
        return self.program(*values[:count], parameters=values[count:], run=run)

    def scalar(self, *values: Any) -> Tensor:
        """The results weighted and summed."""
        return weighted_sum(self.run(values), self.weights)

    def variables(self) -> list[Tensor]:
        """A fresh variable for each name."""
        return [Tensor(x, requires_grad=True) for x in self.arrays]

    def gradients(self, run: Run | None = None) -> Gradients:
        """The derivatives of the weighted sum, by `backward`."""
        variables = self.variables()
        total = weighted_sum(self.run(variables, run), self.weights)
        if total.requires_grad:
            backward(total)
        return [np.zeros(x.shape, x.dtype) if x.grad is None else x.grad.data for x in variables]

    @cached_property
    def reverse(self) -> Gradients:
        """These derivatives, computed once."""
        return self.gradients()

    @cached_property
    def sensitivity(self) -> Gradients:
        """What rounding these derivatives is in proportion to."""
        return sensitivity_of(self.gradients, self.reverse, self.size)

    def fail(self, property_name: str, found: str) -> None:
        """Raise what tells of a property that does not hold."""
        raise ProgramViolation(property_name, self.program, found)

    def expect(
        self,
        property_name: str,
        found: Sequence[Array],
        expected: Gradients,
        sensitivity: Gradients,
        epsilon: float = 2.0**-52,
    ) -> None:
        """Raise unless derivatives agree up to rounding."""
        for name, a, b, s in zip(self.names, found, expected, sensitivity, strict=True):
            if a.shape != b.shape:
                self.fail(property_name, f"the derivative by {name} has shape {a.shape}, not {b.shape}")
            wrong = ~(np.abs(a - b) <= ROUNDINGS * epsilon * s + UNDERFLOW)
            if wrong.any():
                k = np.unravel_index(int(np.argmax(wrong)), a.shape)
                place = f"{name}[{', '.join(map(str, k))}]" if k else name
                self.fail(property_name, f"the derivative by {place} is {a[k]:.9g}, not {b[k]:.9g}")


class Largest(Run):
    """A run that looks for the largest number."""

    size = 0.0

    def after(self, name: str, value: Tensor) -> Tensor:
        """The value, looked at."""
        self.size = max(self.size, float(np.abs(value._data).max(initial=0)))
        return value


class Moved(Run):
    """A run that moves each element of each value a little, up or down: always the same way for a seed and a name."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def after(self, name: str, value: Tensor) -> Tensor:
        """The value, moved."""
        moves = np.abs(value._data).max(initial=0) * _moves(self.seed, name, value.shape)
        return mg.add(value, moves)


@lru_cache(10_000)
def _moves(seed: int, name: str, shape: tuple[int, ...]) -> Array:
    rng = np.random.default_rng([seed, *name.encode()])
    return np.asarray(MOVE * rng.choice((-1.0, 1.0), shape))


def sensitivity_of(derivatives: Callable[[Run], Gradients], still: Gradients, terms: float) -> Gradients:
    """What rounding some derivatives is in proportion to: how far they move in runs whose values are moved, per unit,
    and the size of their terms.

    Terms may cancel within a rule, where no run shows it: in that of a softmax whose sum is taken, or in that of
    log(exp(x)) at second order. As arguments are of size 1, terms are of the size of the values and first derivatives.

    Args:
        derivatives: their values in a run.
        still: their values.
        terms: the size of the terms.
    """
    runs = [derivatives(Moved(seed)) for seed in range(MOVED_RUNS)]
    moves = [np.max([np.abs(run[k] - x) for run in runs], axis=0) / MOVE for k, x in enumerate(still)]
    return [move + np.abs(x).max(initial=0) + terms for move, x in zip(moves, still, strict=True)]


def grads(y: Tensor, variables: Sequence[Tensor], *, create_graph: bool = False) -> list[Tensor]:
    """`grad(y, variables)`, zeros where y does not depend on one, or on any."""
    if not y.requires_grad:
        return [Tensor(np.zeros(x.shape, x.dtype)) for x in variables]
    found: Any = grad(y, list(variables), create_graph=create_graph, allow_unused=True)
    return list(found)


def inner(xs: Sequence[Array], ys: Sequence[Array]) -> float:
    """The sum of all products."""
    return math.fsum(float(np.vdot(x, y)) for x, y in zip(xs, ys, strict=True))


def _random(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Numbers of few binary digits between 1/2 and 3/2, or their negatives."""
    return np.asarray((0.5 + rng.integers(0, 64, shape) / 64) * rng.choice((-1.0, 1.0), shape))
