"""`seeded`: large arrays from one number each, so that a failure can be written in one line."""

from __future__ import annotations

import math

import numpy as np

from minigrad import domain as domains
from minigrad.domain import REAL, Domain, MatrixDomain
from minigrad.testing.calls.call_repr import format_value
from minigrad.testing.strategies.number_strategies import lattice, tail_numbers
from minigrad.typing import Array, DTypeLike, Shape


def seeded(
    shape: Shape, seed: int, *, domain: Domain = REAL, dtype: DTypeLike = np.float64, tails: bool = True
) -> Array:
    """An array of numbers between any two of the simple ones of a domain; with an odd seed, one is from its tails.

    Args:
        shape: its shape.
        seed: from which all numbers come.
        domain: where they lie (default REAL), real parts of complex ones; a domain of matrices makes matrices of such
            numbers.
        dtype: the dtype (default float64).
        tails: whether there may be a number from the tails (default True).

    >>> seeded((2, 50), 4).shape
    (2, 50)
    """
    rng, count = np.random.default_rng(seed), math.prod(shape)
    a, b = rng.choice(lattice(domain), (2, count))
    x = a + (b - a) * rng.uniform(0.01, 0.99, count)
    far = tail_numbers(domain) if tails else []
    if far and seed % 2 and count:
        x[rng.integers(count)] = rng.choice(far)
    x = x.reshape(shape)
    if isinstance(domain, MatrixDomain):
        x = np.asarray(np.round(domain.project(x), 3) + 0.0)
    if np.dtype(dtype).kind == "c":
        x = x + 1j * seeded(shape, seed + 2**32, tails=tails)
    return np.asarray(x, dtype)


def format_seeded(shape: Shape, seed: int, *, domain: Domain, dtype: DTypeLike, tails: bool) -> str:
    """The same call of `seeded` as Python text."""
    name = next((name for name, value in vars(domains).items() if value is domain), repr(domain))
    settings = [
        f", domain={name}" * (domain is not REAL),
        f", dtype={format_value(np.dtype(dtype))}" * (np.dtype(dtype) != np.float64),
        ", tails=False" * (not tails),
    ]
    return f"strategies.seeded({shape}, {seed}{''.join(settings)})"
