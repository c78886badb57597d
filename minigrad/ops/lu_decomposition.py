"""The LU decomposition: a lower and an upper triangle whose product is a matrix with its rows in another order."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from minigrad.autograd.registry import op
from minigrad.autograd.tensor import Tensor, as_array, wrap
from minigrad.domain import FULL_RANK
from minigrad.errors import ShapeError
from minigrad.kernels import linear_algebra as kernels
from minigrad.ops.index import getitem, take_along_axis
from minigrad.ops.linalg import matmul_matrices as matmul
from minigrad.ops.linear_systems import lapack
from minigrad.ops.matrix_functions import solve_triangular
from minigrad.ops.rearrange import tril, triu
from minigrad.ops.shape import adjoint as adjoint_of
from minigrad.ops.shape import concat, expand_dims, matrix_transpose
from minigrad.ops.sorting import argsort
from minigrad.shapes import shape_of
from minigrad.typing import Array, ArrayLike, Value


@op(name="lu", shapes="... M N -> ... M K, ... K N, ... M, ... K", results=("l", "u", "order", "pivots"),
    domain={"x": FULL_RANK}, complex="holomorphic",
    source="de Hoog, Anderssen and Lukas 2011, doi:10.1090/S0025-5718-2011-02451-8")  # fmt: skip
def _lu(x: Value, *, pivot: bool = True) -> Value:
    """x[order] = l @ u, with ones on the diagonal of l.

    Shapes: x (..., M, N) -> l (..., M, K), u (..., K, N), order (..., M), pivots (..., K), with K = min(M, N).
    """
    return lapack(kernels.lu, x, pivot=pivot)


@_lu.vjp("x")
def _(g: Value, l: Value, u: Value, order: Value) -> Value:  # noqa: E741  (the usual letter)
    gl, gu = tril(g[0], k=-1), triu(g[1])  # the other triangles are constant
    rows, columns = l.shape[-2], u.shape[-1]
    count = min(rows, columns)
    first, second = (..., slice(0, count)), (..., slice(count, None))
    top, bottom = (..., slice(0, count), slice(None)), (..., slice(count, None), slice(None))
    by_l, by_u = matmul(matrix_transpose(l), gl), matmul(gu, matrix_transpose(u))
    if rows <= columns:
        inner = getitem(gu, index=first) + _right(tril(by_l - by_u, k=-1), getitem(u, index=first))
        whole = [inner, getitem(gu, index=second)] if columns > rows else [inner]
        gx = _left(l, concat(whole, axis=-1) if len(whole) > 1 else inner)
    else:
        inner = getitem(gl, index=top) + _left(getitem(l, index=top), triu(by_u - by_l))
        gx = _right(concat([inner, getitem(gl, index=bottom)], axis=-2), u)
    return take_along_axis(gx, expand_dims(argsort(order, axis=-1), axis=-1), axis=-2)


def _left(l: Value, y: Value) -> Value:  # noqa: E741
    """L^-T y."""
    return solve_triangular(matrix_transpose(l), y, upper=True, unitriangular=True)


def _right(y: Value, u: Value) -> Value:
    """y U^-T."""
    return matrix_transpose(solve_triangular(u, matrix_transpose(y), upper=True))


class Lu(NamedTuple):
    """What `lu` gives; the names are PyTorch's."""

    P: Tensor
    L: Tensor
    U: Tensor


class LuFactor(NamedTuple):
    """What `lu_factor` gives; the names are PyTorch's."""

    LU: Tensor
    pivots: Tensor


def lu(x: Value, *, pivot: bool = True) -> Lu:
    """x = P @ L @ U, with a permutation P, a lower triangle L with ones on its diagonal, and an upper triangle U.

    It goes through columns one by one in NumPy: for systems of equations `solve` is quicker.

    Args:
        x: matrices, whose leading blocks are invertible for a derivative.
        pivot: whether rows are exchanged, so that the largest number of each column divides (default True); otherwise P
            is the identity.

    Shapes: x (..., M, N) -> P (..., M, M), L (..., M, K), U (..., K, N) with K = min(M, N).
    """
    lower, upper, order, _ = _lu(x, pivot=pivot)
    rows = as_array(order)
    columns = np.swapaxes(rows[..., None] == np.arange(rows.shape[-1]), -1, -2)
    return Lu(wrap(columns.astype(lower.dtype)), lower, upper)


def lu_factor(x: Value, *, pivot: bool = True) -> LuFactor:
    """L and U of `lu` in one matrix, and the exchanges of rows: what `lu_solve` takes.

    Args:
        x: matrices.
        pivot: whether rows are exchanged (default True).

    Shapes: x (..., M, N) -> LU (..., M, N), pivots (..., min(M, N)): row k was exchanged with row pivots[k] - 1.
    """
    lower, upper, _, pivots = _lu(x, pivot=pivot)
    rows, columns = shape_of(lower)[-2], shape_of(upper)[-1]
    lower, count = tril(lower, k=-1), min(rows, columns)
    if rows > columns:
        head = getitem(lower, index=(..., slice(0, count), slice(None))) + upper
        joined = concat([head, getitem(lower, index=(..., slice(count, None), slice(None)))], axis=-2)
    else:
        head = lower + getitem(upper, index=(..., slice(0, count)))
        joined = concat([head, getitem(upper, index=(..., slice(count, None)))], axis=-1)
    return LuFactor(joined, wrap((as_array(pivots) + 1).astype(np.int32)))


def lu_solve(LU: Value, pivots: ArrayLike, B: Value, *, left: bool = True, adjoint: bool = False) -> Tensor:
    """The solution of A @ out = B, for an A that `lu_factor` has decomposed.

    Args:
        LU, pivots: as `lu_factor` gives them.
        B: matrices, one system for each column.
        left: whether A stands on the left (default True), or on the right: out @ A = B.
        adjoint: whether A^H takes the place of A (default False).

    Shapes: LU (..., M, M), pivots (..., M), B (..., M, K), or (..., K, M) with left=False -> as B.

    Raises:
        LinAlgError: A is singular.
        ShapeError: LU is not square.
    """
    rows, columns = shape_of(LU)[-2:]
    if rows != columns:
        raise ShapeError(f"lu_solve: expected square LU (..., M, M), got shape {shape_of(LU)}")
    if not left:
        flipped: Tensor = adjoint_of(lu_solve(LU, pivots, adjoint_of(B), adjoint=not adjoint))
        return flipped
    order = _order(np.asarray(as_array(pivots)))
    order = np.broadcast_to(order, (*np.broadcast_shapes(order.shape[:-1], shape_of(B)[:-2]), rows))
    if adjoint:
        out = solve_triangular(adjoint_of(LU), B, upper=False)
        out = solve_triangular(adjoint_of(LU), out, upper=True, unitriangular=True)
        return take_along_axis(out, np.argsort(order, axis=-1)[..., None], axis=-2)
    sorted_rows = take_along_axis(B, order[..., None], axis=-2)
    out = solve_triangular(LU, sorted_rows, upper=False, unitriangular=True)
    return solve_triangular(LU, out, upper=True)


def _order(pivots: Array) -> Array:
    """The order of rows after all exchanges."""
    flat = pivots.reshape(math.prod(pivots.shape[:-1]), pivots.shape[-1])
    order = np.broadcast_to(np.arange(flat.shape[1]), flat.shape).copy()
    stack = np.arange(len(flat))
    for k in range(flat.shape[1]):
        p = flat[:, k] - 1
        order[stack, k], order[stack, p] = order[stack, p], order[stack, k]
    return order.reshape(pivots.shape)
