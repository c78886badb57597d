"""Functions of stacks of matrices that `numpy.linalg` has not: the exponential, triangular systems, LU factors."""

import math

import numpy as np

from minigrad.typing import Array

PADE = (
    64764752532480000.0, 32382376266240000.0, 7771770303897600.0, 1187353796428800.0, 129060195264000.0,
    10559470521600.0, 670442572800.0, 33522128640.0, 1323241920.0, 40840800.0, 960960.0, 16380.0, 182.0, 1.0,
)  # fmt: skip
"""The coefficients of the numerator of the [13/13] Pade approximation of exp."""

PADE_RADIUS = 5.37
"""Up to this norm the approximation is exact to the rounding of double precision."""

BLOCK = 64
"""Triangular systems up to this size are solved as they are, larger ones by halves."""


def matrix_exp(x: Array) -> Array:
    """exp of matrices (..., M, M), by scaling and squaring, each matrix as often as its norm asks for.

    Source: Higham 2005, "The scaling and squaring method for the matrix exponential revisited".
    """
    size = x.shape[-1]
    norm = np.abs(x).sum(axis=-2).max(axis=-1, initial=0)
    with np.errstate(divide="ignore"):
        halvings = np.maximum(np.ceil(np.log2(norm / PADE_RADIUS)), 0).astype(int)
    x = x * (0.5**halvings).astype(norm.dtype)[..., None, None]
    one = np.eye(size, dtype=x.dtype)
    x2 = x @ x
    x4 = x2 @ x2
    x6 = x4 @ x2
    b = PADE
    odd = x @ (x6 @ (b[13] * x6 + b[11] * x4 + b[9] * x2) + b[7] * x6 + b[5] * x4 + b[3] * x2 + b[1] * one)
    even = x6 @ (b[12] * x6 + b[10] * x4 + b[8] * x2) + b[6] * x6 + b[4] * x4 + b[2] * x2 + b[0] * one
    out = np.linalg.solve(even - odd, even + odd)
    for k in range(halvings.max(initial=0)):
        out = np.where((k < halvings)[..., None, None], out @ out, out)
    return np.asarray(out)


def solve_triangular(a: Array, b: Array, upper: bool) -> Array:
    """x with a @ x = b, for triangular a (..., M, M) and b (..., M, K)."""
    size = a.shape[-1]
    if size <= BLOCK:
        return np.asarray(np.linalg.solve(a, b))
    half = size // 2
    first, second = (slice(half, None), slice(None, half)) if upper else (slice(None, half), slice(half, None))
    known = solve_triangular(a[..., first, first], b[..., first, :], upper)
    rest = solve_triangular(a[..., second, second], b[..., second, :] - a[..., second, first] @ known, upper)
    return np.concatenate([rest, known] if upper else [known, rest], axis=-2)


def lu(x: Array, pivot: bool) -> tuple[Array, Array, Array, Array]:
    """x[order] = l @ u for matrices (..., M, N), column after column, for the whole stack at once.

    Returns:
        l (..., M, K), u (..., K, N), the order of the rows (..., M), and with what row each was exchanged (..., K);
        with K = min(M, N). A column without a pivot is left as it is, as in LAPACK.
    """
    *lead, rows, columns = x.shape
    count = min(rows, columns)
    a = x.reshape(math.prod(lead), rows, columns).copy()
    stack = np.arange(len(a))
    order = np.broadcast_to(np.arange(rows), (len(a), rows)).copy()
    pivots = np.broadcast_to(np.arange(count), (len(a), count)).copy()
    for k in range(count):
        if pivot:
            p = pivots[:, k] = k + np.abs(a[:, k:, k]).argmax(axis=1)
            for array in (a, order):
                array[stack, k], array[stack, p] = array[stack, p], array[stack, k]
        head = a[:, k, k][:, None]
        a[:, k + 1 :, k] = np.where(head == 0, a[:, k + 1 :, k], a[:, k + 1 :, k] / np.where(head == 0, 1, head))
        a[:, k + 1 :, k + 1 :] -= a[:, k + 1 :, k, None] * a[:, k, None, k + 1 :]
    lower = np.tril(a[:, :, :count], -1) + np.eye(rows, count, dtype=a.dtype)
    parts = (lower, np.triu(a[:, :count]), order, pivots)
    return tuple([part.reshape(*lead, *part.shape[1:]) for part in parts])  # type: ignore[return-value]
