"""`Pair`: a function of plain arrays with a gradient written by hand, of which it is known whether it is right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from minigrad.typing import Array, Function


@dataclass(frozen=True)
class Pair:
    """A function and its gradient, at one point.

    Attributes:
        name: what it is, unique in the set.
        kind: what is hard about it, where the gradient is right; else what sort of mistake is in it.
        f: from arrays of float64 to an array or a number.
        vjp: `vjp(g, *args)`, J'g: an array, or a tuple of them for several arguments.
        args: the point.
        right: whether `vjp` is right.
        visible: for a wrong one, whether a check at this point can see it in principle.
        exact: f without its rounding and noise, for numbers of any precision; None where f itself takes them.
        rtol: how well a right gradient agrees with that of `exact`, relative to each entry.
        atol: the same, absolute, for gradients that are 0 but for rounding.
        kink: whether f has a kink at the point, so that several gradients are right.
    """

    name: str
    kind: str
    f: Function
    vjp: Function
    args: tuple[Array, ...]
    right: bool = True
    visible: bool = True
    exact: Function | None = None
    rtol: float = 1e-8
    atol: float = 0.0
    kink: bool = False

    def __str__(self) -> str:
        return f"{self.kind}: {self.name}"

    def wrong(self, kind: str, mistake: str, vjp: Function, *, visible: bool = True) -> Pair:
        """The same function with a gradient that is wrong."""
        return replace(self, name=f"{self.name}, {mistake}", kind=kind, vjp=vjp, right=False, visible=visible)

    def wrong_by(self, kind: str, mistake: str, change: Callable[[Array], Array], *, visible: bool = True) -> Pair:
        """The same function of one argument, whose right gradient is changed."""
        return self.wrong(kind, mistake, lambda g, *args: change(np.array(self.vjp(g, *args))), visible=visible)


def elementwise(kind: str, name: str, f: Function, slope: Function, x: object, **more: Any) -> Pair:
    """A function of each element, by its slope there."""
    return Pair(name, kind, f, lambda g, x: g * slope(x), (np.array(x, float),), **more)


def scalar(kind: str, name: str, f: Function, gradient: Function, *args: object, **more: Any) -> Pair:
    """A function that returns one number, by its gradient, a tuple for several arguments."""

    def vjp(g: Any, *xs: Array) -> Any:
        found = gradient(*xs)
        return tuple(g * part for part in found) if isinstance(found, tuple) else g * found

    return Pair(name, kind, f, vjp, tuple(np.array(x, float) for x in args), **more)


def general(kind: str, name: str, f: Function, vjp: Function, *args: object, **more: Any) -> Pair:
    """A function by its vjp."""
    return Pair(name, kind, f, vjp, tuple(np.array(x, float) for x in args), **more)


def normal(seed: int, *shape: int) -> Array:
    """Standard normal numbers, the same in every run."""
    return np.random.default_rng(seed).standard_normal(shape)


def uniform(seed: int, low: float, high: float, *shape: int) -> Array:
    """Uniform numbers, the same in every run."""
    return np.random.default_rng(seed).uniform(low, high, shape)


def change_part(index: int, change: Callable[[Array], Array], pair: Pair) -> Function:
    """The vjp of a pair with several arguments, changed in one of them."""

    def vjp(g: Array, *args: Array) -> tuple[Array, ...]:
        parts = [np.array(part) for part in pair.vjp(g, *args)]
        parts[index] = change(parts[index])
        return tuple(parts)

    return vjp


def find(pairs: list[Pair], name: str) -> Pair:
    """The pair of this name."""
    return next(pair for pair in pairs if pair.name == name)
