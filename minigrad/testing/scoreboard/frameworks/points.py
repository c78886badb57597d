"""The points at which every function of every framework is checked: drawn ones, and those where rules go wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

import numpy as np

from minigrad.typing import Array, Shape

Rng = np.random.Generator


def _cycle(*values: float) -> Callable[[Rng, Shape], Array]:
    return lambda rng, shape: np.resize(np.array(values), shape).astype(float)


def _one_zero(rng: Rng, shape: Shape) -> Array:
    x = rng.normal(size=shape).round(3)
    x.ravel()[::3] = 0.0
    return x


KINDS: Final[dict[str, Callable[[Rng, Shape], Array]]] = {
    "drawn": lambda rng, shape: rng.normal(size=shape).round(3),
    "all 0": _cycle(0.0),
    "some 0": _one_zero,
    "positive": lambda rng, shape: rng.uniform(0.3, 2.5, shape).round(3),
    "all 1": _cycle(1.0),
    "negative integers": _cycle(-1.0, -2.0, 3.0, 0.0),
    "large": _cycle(20.0, -20.0, 40.0, 6.0),
    "very large": _cycle(800.0, 1000.0, 900.0),
    "tiny": _cycle(1e-6, -2e-6, 3e-6),
    "all 1.5": _cycle(1.5),
    "in (0, 1)": lambda rng, shape: rng.uniform(0.1, 0.9, shape).round(3),
    "above 1": lambda rng, shape: rng.uniform(1.1, 3, shape).round(3),
    "negative": lambda rng, shape: -rng.uniform(0.3, 2.5, shape).round(3),
    "integers": _cycle(1.0, 2.0, 3.0, 5.0, 4.0),
}
"""Each kind of point by its name, those where rules go wrong most often first: the budget may end before the last."""

TRIED: Final = ("drawn", "positive", "above 1")
"""Kinds of points at which a call is tried: every function has values at one of them."""

MIXED: Final = (
    ("drawn", "all 0"),
    ("all 0", "drawn"),
    ("positive", "negative"),
    ("drawn", "integers"),
    ("some 0", "positive"),
)
"""Kinds of the first argument and of all others."""  # fmt: skip


def points(shapes: Sequence[Shape]) -> Iterator[tuple[str, list[Array]]]:
    """The points for arguments of these shapes, each with its name."""
    for kind in KINDS:
        yield kind, _arguments([kind] * len(shapes), shapes)
    if len(shapes) > 1:
        for first, others in MIXED:
            yield f"{first}, others {others}", _arguments([first, *[others] * (len(shapes) - 1)], shapes)


def _arguments(kinds: Sequence[str], shapes: Sequence[Shape]) -> list[Array]:
    rng = np.random.default_rng(1)
    return [KINDS[kind](rng, shape) for kind, shape in zip(kinds, shapes, strict=True)]
