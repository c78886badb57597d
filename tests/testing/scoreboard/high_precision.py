"""Derivatives with 80 digits: functions of plain NumPy are run on arrays of numbers of mpmath."""

from __future__ import annotations

import contextlib

import mpmath
import numpy as np

from minigrad.testing.scoreboard.pair import Pair
from minigrad.typing import Array

context = mpmath.MPContext()
"""Our own, so that the numbers of others are as they were."""
context.dps = 80
STEP = 1e-25
NEARBY = 1e-15

# NumPy calls a method of this name on each number of an array of objects.
METHODS = {
    "exp": "exp", "log": "log", "log1p": "log1p", "expm1": "expm1", "sqrt": "sqrt", "sin": "sin", "cos": "cos",
    "tan": "tan", "arcsin": "asin", "arccos": "acos", "arctan": "atan", "sinh": "sinh", "cosh": "cosh", "tanh": "tanh",
    "arctanh": "atanh", "floor": "floor", "erf": "erf", "erfc": "erfc",
}  # fmt: skip
for _method, _function in METHODS.items():
    for _class in (context.mpf, context.mpc):
        setattr(_class, _method, lambda self, function=_function: getattr(context, function)(self))


class OutsideOfDomainError(Exception):
    """The function has no real value there."""


def numbers(x: Array) -> Array:
    """An array of numbers with 80 digits."""
    return np.array([context.mpf(float(v)) for v in x.ravel()], dtype=object).reshape(x.shape)


def value(pair: Pair, args: list[Array]) -> Array:
    """The value of f at numbers, as a vector."""
    try:
        found = np.asarray((pair.exact or pair.f)(*[np.array(x, dtype=object) for x in args]), dtype=object).ravel()
    except (ValueError, ZeroDivisionError) as error:
        raise OutsideOfDomainError from error
    if any(isinstance(v, context.mpc) and v.imag != 0 for v in found):
        raise OutsideOfDomainError
    return np.array([context.mpf(v.real) for v in found], dtype=object)


def slopes(pair: Pair, direction: list[Array], rng: np.random.Generator) -> list[Array]:
    """The derivatives along v to either side, where f has a value there.

    At a kink also those at points nearby: what lies between all of these is the slope of a generalized gradient.
    """
    at = [numbers(x) for x in pair.args]
    points = [at]
    if pair.kink:
        points += [
            [x + NEARBY * numbers(rng.standard_normal(x.shape)) for x in at]
            for _ in range(12 if len(at[0].ravel()) < 100 else 2)
        ]
    found = []
    for point in points:
        here = value(pair, point)
        for step in (STEP, -STEP):
            there = [x + context.mpf(step) * numbers(v) for x, v in zip(point, direction, strict=True)]
            with contextlib.suppress(OutsideOfDomainError):
                found.append((value(pair, there) - here) / context.mpf(step))
    assert found
    return found
