"""What several test files need: variables, and derivatives by finite differences."""

import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigrad import Tensor

STEP = 1e-3
LONG = 100_000 if os.environ.get("MINIGRAD_PROFILE") in ("ci", "intense") else 20_000
"""So many ops in a chain are no problem: 20 times as many as Python's recursion is deep, and in CI 100 times."""


def variable(values: Any, dtype: Any = np.float64) -> Tensor:
    """A Tensor that requires gradients, in double precision unless told otherwise."""
    return Tensor(np.asarray(values, dtype), requires_grad=True)


def slope(f: Callable[[float], Any], step: float = STEP) -> Any:
    """df/dt at t = 0 of a number or an array.

    Central differences at two steps are extrapolated (Richardson), so that the error is O(step^4).
    """

    def central(h: float) -> Any:
        return (f(h) - f(-h)) / (2 * h)

    return (4 * central(step / 2) - central(step)) / 3


def numerical_gradient(f: Callable[..., Any], arrays: Sequence[Any], position: int = 0) -> np.ndarray:
    """The gradient of f, from arrays to one number, with respect to the array at `position`."""
    x = np.asarray(arrays[position], np.float64)
    result = np.zeros(x.shape)
    for k in np.ndindex(x.shape):

        def moved(t: float, k: Any = k) -> float:
            y = x.copy()
            y[k] += t
            return float(np.asarray(f(*arrays[:position], y, *arrays[position + 1 :])))

        result[k] = slope(moved)
    return result


def inner(x: Any, y: Any) -> float:
    """The sum of the products of corresponding elements."""
    return float(np.sum(np.asarray(x, np.float64) * np.asarray(y, np.float64)))
