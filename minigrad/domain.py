"""Where a function may be evaluated: what an op states of its inputs, and what tests draw them from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np

Matrices = Any  # an array of shape (..., M, N)


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
    """A set of matrices, and a way into it: `made` turns any stack of real matrices into a stack of such ones."""

    name: str = ""
    made: Callable[[Matrices], Matrices] = lambda x: x


def _turn(size: int) -> Matrices:
    """A fixed rotation that maps no axis onto another one.

    Vectors along axes are singular points of another kind: LAPACK lets the signs of singular vectors jump there.
    """
    return np.linalg.qr(np.cos(np.arange(size * size) ** 2).reshape(size, size)).Q


def _full_rank(x: Matrices) -> Matrices:
    u, s, vh = np.linalg.svd(x, full_matrices=False)
    apart = s + np.arange(s.shape[-1], 0, -1)  # falling, so that any two differ by 1 at least
    return _turn(x.shape[-2]) @ (u * apart[..., None, :]) @ vh @ _turn(x.shape[-1])


def _symmetric(x: Matrices) -> Matrices:
    w, v = np.linalg.eigh((x + np.swapaxes(x, -1, -2)) / 2)
    turned = _turn(x.shape[-1]) @ v
    apart = w + np.arange(w.shape[-1])  # rising
    return (turned * apart[..., None, :]) @ np.swapaxes(turned, -1, -2)


def _positive_definite(x: Matrices) -> Matrices:
    return np.matmul(x, np.swapaxes(x, -1, -2)) + np.eye(x.shape[-1])


FULL_RANK = MatrixDomain(name="full rank, with distinct singular values", made=_full_rank)
INVERTIBLE = MatrixDomain(name="invertible", made=_full_rank)
SYMMETRIC = MatrixDomain(name="symmetric, with distinct eigenvalues", made=_symmetric)
POSITIVE_DEFINITE = MatrixDomain(name="symmetric and positive definite", made=_positive_definite)
