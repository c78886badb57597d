"""`GenericPoint`: a call near a failing one, with the gradient that a rule gives and the numerical one.

There are no kinks and no numbers that happen to be equal, and the cotangent has no structure, so that a wrong gradient
shows what is wrong with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from minigrad.testing.calls.function_call import FunctionCall
from minigrad.testing.frameworks.run import ArrayTuple
from minigrad.typing import Array

MAX_ELEMENTS: Final = 64
"""Arguments with more elements are not differentiated for a diagnosis."""


@dataclass(frozen=True)
class GenericPoint:
    """A call at a generic point, with a cotangent, and both gradients of one argument.

    Attributes:
        call: the call.
        u: the cotangents of its results.
        position: the argument.
        found: its gradient by the rule.
        expected: its numerical gradient.
    """

    call: FunctionCall
    u: ArrayTuple
    position: int
    found: Array
    expected: Array

    @property
    def number(self) -> int:
        """The number of the argument among the differentiated ones."""
        return self.call.positions.index(self.position)


def generic_points(call: FunctionCall, position: int) -> Iterator[GenericPoint]:
    """Two generic points near a call, those left out where the function or its gradient fails."""
    for seed in (0, 1):
        rng = np.random.default_rng(seed)
        values = [x * (1 + rng.uniform(0.05, 0.2, x.shape)) + rng.uniform(0.01, 0.05, x.shape) for x in call.values]
        generic = call.with_values([np.asarray(v, np.float64) for v in values])
        try:
            u = generic.cotangents(seed)
            found = generic.gradients(u)[call.positions.index(position)]
        except Exception:  # outside of f's domain, or an error that a law reports by itself
            continue
        expected = numerical_gradient(generic, u, position)
        if np.isfinite(expected).all():
            yield GenericPoint(generic, u, position, found, expected)


def numerical_gradient(call: FunctionCall, u: Sequence[Array], position: int) -> Array:
    """The gradient of sum(u * f) by one argument: central differences at two steps, extrapolated.

    Less careful than `minigrad.testing.numeric`, and quick enough to be tried on many variations of a call.
    """
    args = [np.array(x, np.float64) if isinstance(x, np.ndarray) and x.dtype.kind == "f" else x for x in call.args]
    moved = call.with_args(args)
    x, result = args[position], np.zeros(args[position].shape)

    def at(index: tuple[int, ...], t: float) -> float:
        before = x[index]
        x[index] = before + t
        total = sum(float(np.sum(out * g)) for out, g in zip(moved.results(), u, strict=True))
        x[index] = before
        return total

    for index in np.ndindex(x.shape):
        slopes = [(at(index, h) - at(index, -h)) / (2 * h) for h in (1e-3, 5e-4)]
        result[index] = (4 * slopes[1] - slopes[0]) / 3
    return result
