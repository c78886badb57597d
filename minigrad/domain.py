"""Domains of functions: stated by ops for their inputs, and drawn from by tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf

import numpy as np

from minigrad.typing import Array


@dataclass(frozen=True)
class Domain:
    """An open interval of the real line, possibly without the points where the function is singular."""

    low: float = -inf
    high: float = inf
    without: tuple[float, ...] = ()

    def __contains__(self, x: float) -> bool:
        return self.low < x < self.high and x not in self.without


REAL = Domain()
POSITIVE = Domain(low=0.0)
NONZERO = Domain(without=(0.0,))
UNIT = Domain(low=-1.0, high=1.0)
ABOVE_MINUS_ONE = Domain(low=-1.0)
ABOVE_ONE = Domain(low=1.0)


@dataclass(frozen=True)
class MatrixDomain(Domain):
    """A set of matrices; `project` turns any matrices (..., M, N) into such ones."""

    name: str = ""
    project: Callable[[Array], Array] = lambda x: x


def _rotation(size: int) -> Array:
    """A fixed rotation that maps no axis onto another one.

    Vectors along axes are singular points of another kind: LAPACK lets the signs of singular vectors jump there.
    """
    return np.linalg.qr(np.cos(np.arange(size * size) ** 2).reshape(size, size)).Q


def _full_rank(x: Array) -> Array:
    u, s, vh = np.linalg.svd(x, full_matrices=False)
    apart = s + np.arange(s.shape[-1], 0, -1)  # falling, so that any two differ by 1 at least
    return np.asarray(_rotation(x.shape[-2]) @ (u * apart[..., None, :]) @ vh @ _rotation(x.shape[-1]))


def _symmetric(x: Array) -> Array:
    w, v = np.linalg.eigh((x + np.swapaxes(x, -1, -2)) / 2)
    rotated = _rotation(x.shape[-1]) @ v
    apart = w + np.arange(w.shape[-1])  # rising
    return np.asarray((rotated * apart[..., None, :]) @ np.swapaxes(rotated, -1, -2))


def _positive_definite(x: Array) -> Array:
    return np.asarray(np.matmul(x, np.swapaxes(x, -1, -2)) + np.eye(x.shape[-1]))


FULL_RANK = MatrixDomain(name="full rank, with distinct singular values", project=_full_rank)
INVERTIBLE = MatrixDomain(name="invertible", project=_full_rank)
SYMMETRIC = MatrixDomain(name="symmetric, with distinct eigenvalues", project=_symmetric)
POSITIVE_DEFINITE = MatrixDomain(name="symmetric and positive definite", project=_positive_definite)
