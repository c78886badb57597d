"""Right subgradients at kinks, and right gradients at the edge of a domain."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from minigrad.testing.scoreboard.pair import Pair, elementwise, general, normal, scalar, uniform
from minigrad.typing import Array, Function

KINKS: Final = "kinks"
EDGES: Final = "edge of domain"


def _at_kink(name: str, f: Function, gradient: Function, *args: object) -> Pair:
    return scalar(KINKS, name, f, gradient, *args, kink=True)


def share_ties(x: Array, best: Array) -> Array:
    """1 by the number of ties at each tie, 0 elsewhere."""
    ties = (x == best).astype(float)
    return np.asarray(ties / ties.sum(-1, keepdims=True))


def first_tie(x: Array, best: Array) -> Array:
    """1 at the first of the ties."""
    found = np.zeros(x.shape)
    found[np.argmax(x == best)] = 1.0
    return found


def sort_vjp(g: Array, x: Array) -> Array:
    """The cotangent put back where each element came from."""
    found = np.empty_like(g)
    found[np.argsort(x, kind="stable")] = g
    return found


def median(x: Array) -> Array:
    """The middle one of an odd number of elements."""
    return np.asarray(np.sort(x)[x.size // 2])


def _relu_layer(x: Array, w: Array) -> Array:
    return np.asarray(np.maximum(w @ x, 0))


def _relu_layer_vjp(g: Array, x: Array, w: Array) -> tuple[Array, Array]:
    g = g * (w @ x > 0)
    return w.T @ g, np.outer(g, x)


_HINGE: Final = np.array([1.0, -1.0, 1.0])

PAIRS: Final[list[Pair]] = [
    *[
        general(
            KINKS,
            f"relu at 0, slope {s}",
            lambda x: np.maximum(x, 0),
            lambda g, x, s=s: g * np.where(x == 0, s, x > 0),
            [0.0, 1.0, -2.0, 0.0],
            kink=True,
        )
        for s in (0.0, 0.5, 1.0)
    ],
    *[
        general(
            KINKS,
            f"abs at 0, slope {s}",
            np.abs,
            lambda g, x, s=s: g * np.where(x == 0, s, np.sign(x)),
            [0.0, -1.5],
            kink=True,
        )
        for s in (0.0, 1.0, -1.0)
    ],
    general(
        KINKS,
        "leaky relu at 0",
        lambda x: np.where(x > 0, x, 0.1 * x),
        lambda g, x: g * np.where(x > 0, 1, 0.1),
        [0.0, -1.0, 0.0],
        kink=True,
    ),
    *[
        _at_kink(f"max with {n} ties, shared", lambda x: x.max(), lambda x: share_ties(x, x.max()), np.ones(n))
        for n in (2, 7, 300)
    ],
    *[
        _at_kink(f"max with {n} ties, the first", lambda x: x.max(), lambda x: first_tie(x, x.max()), np.ones(n))
        for n in (3, 300)
    ],
    _at_kink(
        "max with 2 ties among 6", lambda x: x.max(), lambda x: share_ties(x, x.max()), [1.0, 3.0, 2.0, 3.0, 0.0, -1.0]
    ),
    _at_kink("min with 5 ties", lambda x: x.min(), lambda x: share_ties(x, x.min()), np.full(5, -2.0)),
    *[_at_kink(f"L1 norm with {n} zeros", lambda x: np.abs(x).sum(), np.sign, np.zeros(n)) for n in (1, 10, 50, 500)],
    _at_kink(
        "L1 norm, half of it zeros", lambda x: np.abs(x).sum(), np.sign, np.where(np.arange(20) % 2, normal(101, 20), 0)
    ),
    _at_kink("norm at 0", lambda x: np.sqrt((x * x).sum()), lambda x: 0 * x, np.zeros(4)),
    _at_kink(
        "standard deviation at a constant",
        lambda x: np.sqrt(((x - x.mean()) ** 2).mean()),
        lambda x: 0 * x,
        np.full(5, 2.0),
    ),
    scalar(
        KINKS,
        "variance at a constant",
        lambda x: ((x - x.mean()) ** 2).mean(),
        lambda x: 2 * (x - x.mean()) / x.size,
        np.full(6, 0.7),
        atol=1e-15,
    ),
    scalar(
        KINKS,
        "relu(x)^2 at 0",
        lambda x: (np.maximum(x, 0) ** 2).sum(),
        lambda x: 2 * np.maximum(x, 0),
        [0.0, 1.0, -1.0],
    ),
    scalar(KINKS, "x |x| at 0", lambda x: (x * np.abs(x)).sum(), lambda x: 2 * np.abs(x), [0.0, 0.5]),
    general(
        KINKS,
        "clip at both edges",
        lambda x: np.minimum(np.maximum(x, -1), 1),
        lambda g, x: g * ((x >= -1) & (x <= 1)),
        [-1.0, 1.0, 0.3, 2.0],
        kink=True,
    ),
    _at_kink(
        "hinge at its corner",
        lambda x: np.maximum(1 - _HINGE * x, 0).sum(),
        lambda x: np.where(_HINGE * x < 1, -_HINGE, 0),
        [1.0, -1.0, 0.2],
    ),
    general(KINKS, "sort with ties", np.sort, sort_vjp, [2.0, 1.0, 2.0, 2.0, 0.0], kink=True),
    general(KINKS, "sort without ties", np.sort, sort_vjp, [2.0, -1.0, 2.5, 0.3]),
    _at_kink("median with ties", median, lambda x: first_tie(x, median(x)), [1.0, 3.0, 1.0, 0.0, 2.0]),
    scalar(KINKS, "median without ties", median, lambda x: first_tie(x, median(x)), [1.0, 3.0, 1.5, 0.0, 2.0]),
    general(
        KINKS,
        "maximum of two equal arrays, shared",
        np.maximum,
        lambda g, x, y: (g * np.where(x == y, 0.5, x > y), g * np.where(x == y, 0.5, y > x)),
        [1.0, 2.0],
        [1.0, 0.0],
        kink=True,
    ),
    general(
        KINKS,
        "a layer of relu at exact 0",
        _relu_layer,
        _relu_layer_vjp,
        [1.0, -1.0],
        [[1.0, 1.0], [2.0, 0.5]],
        kink=True,
    ),
    general(KINKS, "floor between steps", lambda x: x - np.floor(x), lambda g, x: g, [0.4, 1.7]),
    elementwise(KINKS, "relu 1e-9 from 0", lambda x: np.maximum(x, 0), lambda x: 1.0 * (x > 0), [1e-9, -1e-9]),
    elementwise(KINKS, "abs 1e-12 from 0", np.abs, np.sign, [1e-12, -1e-12]),
    elementwise(
        KINKS,
        "huber at its joint",
        lambda x: np.where(np.abs(x) < 1, x * x / 2, np.abs(x) - 0.5),
        lambda x: np.clip(x, -1, 1),
        [1.0, -1.0, 0.3],
    ),
    general(
        KINKS,
        "largest of each row, one row tied",
        lambda x: x.max(-1),
        lambda g, x: g[:, None] * share_ties(x, x.max(-1, keepdims=True)),
        [[1.0, 1.0, 0.0], [3.0, 2.0, 1.0]],
        kink=True,
    ),
    _at_kink("range of equal numbers", lambda x: x.max() - x.min(), lambda x: 0 * x, np.full(4, 1.5)),
]


def _only_on(low: float, high: float, f: Function) -> Function:
    """f that raises outside of its domain, as careful functions do."""

    def careful(x: Array) -> Any:
        if np.any(x < low) or np.any(x > high):
            raise ValueError("outside of the domain")
        return f(x)

    return careful


EDGE_PAIRS: Final[list[Pair]] = [
    *[
        elementwise(EDGES, f"x^{p} at {x}", lambda x, p=p: x**p, lambda x, p=p: p * x ** (p - 1), x, atol=1e-11)
        for p in (2.5, 1.5)
        for x in (0.0, [0.0, 1.0])
    ],
    scalar(
        EDGES,
        "pow(0, y) in both",
        lambda x, y: (x**y).sum(),
        lambda x, y: (y * x ** (y - 1), 0 * y),
        [0.0, 0.0],
        [2.0, 3.5],
    ),
    scalar(EDGES, "pow(0, y) in y", lambda y: (0.0 * y) ** y, lambda y: 0 * y, 1.7),
    elementwise(EDGES, "sqrt at 0", np.sqrt, lambda x: 0.5 / np.sqrt(x), 0.0),
    elementwise(EDGES, "sqrt at 1e-14", np.sqrt, lambda x: 0.5 / np.sqrt(x), [1e-14, 1e-20]),
    elementwise(EDGES, "x sqrt(x) at 0", lambda x: x * np.sqrt(x), lambda x: 1.5 * np.sqrt(x), [0.0, 2.0], atol=1e-11),
    *[
        elementwise(EDGES, f"arcsin at {x!r}", np.arcsin, lambda x: 1 / np.sqrt((1 - x) * (1 + x)), x)
        for x in (1 - 1e-8, 1 - 1e-4, -1 + 1e-12)
    ],
    elementwise(EDGES, "arccos at 1 - 1e-6", np.arccos, lambda x: -1 / np.sqrt((1 - x) * (1 + x)), 1 - 1e-6),
    elementwise(EDGES, "arctanh at 1 - 1e-10", np.arctanh, lambda x: 1 / ((1 - x) * (1 + x)), 1 - 1e-10),
    elementwise(EDGES, "log at 1e-15", np.log, lambda x: 1 / x, 1e-15),
    elementwise(EDGES, "x log x at 1e-12", lambda x: x * np.log(x), lambda x: np.log(x) + 1, 1e-12),
    elementwise(EDGES, "log1p at -1 + 1e-9", np.log1p, lambda x: 1 / (1 + x), -1 + 1e-9),
    elementwise(EDGES, "sqrt that raises, at 1e-9", _only_on(0, np.inf, np.sqrt), lambda x: 0.5 / np.sqrt(x), 1e-9),
    elementwise(
        EDGES, "x^2.5 that raises, at 0", _only_on(0, np.inf, lambda x: x**2.5), lambda x: 2.5 * x**1.5, [0.0, 0.5]
    ),
    elementwise(
        EDGES,
        "arcsin that raises, at 1 - 1e-7",
        _only_on(-1, 1, np.arcsin),
        lambda x: 1 / np.sqrt((1 - x) * (1 + x)),
        1 - 1e-7,
    ),
    scalar(
        EDGES,
        "entropy that raises, near 0",
        _only_on(0, 1, lambda x: -(x * np.log(x)).sum()),
        lambda x: -np.log(x) - 1,
        [1e-10, 0.3, 0.7],
    ),
    scalar(
        EDGES,
        "geometric mean of small numbers",
        lambda x: np.exp(np.log(x).mean()),
        lambda x: np.exp(np.log(x).mean()) / x.size / x,
        uniform(102, 1e-6, 1e-5, 3),
    ),
]
