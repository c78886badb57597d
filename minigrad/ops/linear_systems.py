"""Matrix functions around linear systems: inverse, solution, determinant, pseudo-inverse, rank, powers.

All of them work on stacks of matrices. float16, which LAPACK does not know, is computed in float32 and cast back.
The rules follow Giles 2008, "An extended collection of matrix derivative results for forward and reverse mode
algorithmic differentiation".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from minigrad.autograd.batched_array import physical
from minigrad.autograd.complex_numbers import conjugated
from minigrad.autograd.registry import op
from minigrad.autograd.tensor import Tensor, as_array, wrap
from minigrad.domain import FULL_RANK, INVERTIBLE
from minigrad.errors import ShapeError
from minigrad.ops.complex_parts import imag
from minigrad.ops.index import getitem
from minigrad.ops.linalg import matmul_matrices as matmul
from minigrad.ops.shape import adjoint, broadcast_to, expand_dims, matrix_transpose, squeeze
from minigrad.shapes import shape_of
from minigrad.typing import Array, ArrayLike, Settings, Value

GILES = "Giles 2008, https://people.maths.ox.ac.uk/gilesm/files/NA-08-01.pdf"


def lapack(function: Callable[..., Any], x: Value, *others: Value, **settings: Value) -> Value:
    """Call a function of `numpy.linalg` on a stack of matrices x.

    It knows no float16, which is computed in float32 and cast back. It refuses a whole stack, or never returns, when an
    element of one matrix is not finite: here the results of such a matrix are NaN, and the others what they are.
    """
    half = any(y.dtype == np.float16 for y in (x, *others))
    arrays = [y.astype(np.float32) if y.dtype == np.float16 else y for y in (x, *others)]
    finite = np.isfinite(x).all(axis=(-2, -1), keepdims=True)
    if not finite.all():
        arrays[0] = np.where(finite, arrays[0], np.eye(*x.shape[-2:], dtype=arrays[0].dtype))
    result = function(*arrays, **settings)
    dtype = np.result_type(x, *others) if half else None
    if isinstance(result, tuple):
        return tuple([_restored(part, finite, dtype) for part in result])
    return _restored(result, finite, dtype)


def _restored(part: Value, finite: Value, dtype: Value) -> Value:
    """One result cast to a dtype (None: as it is), NaN where its matrix was not finite."""
    part = part if dtype is None else part.astype(dtype)
    if finite.all():
        return part
    core = part.ndim - (finite.ndim - 2)
    return np.where(finite.reshape(finite.shape[:-2] + (1,) * core), part, part.dtype.type(np.nan))


@op(shapes="... M M -> ... M M", domain={"x": INVERTIBLE}, source=GILES, complex="holomorphic")
def inv(x: Value) -> Value:
    """The inverse: x @ out = out @ x = the identity.

    Args:
        x: invertible matrices.

    Shapes: x (..., M, M) -> (..., M, M).

    Raises:
        LinAlgError: a matrix is singular.
    """
    return lapack(np.linalg.inv, x)


@inv.vjp("x")
def _(g: Value, out: Value) -> Value:
    transposed = matrix_transpose(out)
    return -matmul(matmul(transposed, g), transposed)


@op(name="solve", shapes="... M M, ... M K -> ... M K", domain={"x": INVERTIBLE}, linear=("y",), source=GILES,
    complex="holomorphic")  # fmt: skip
def solve_matrices(x: Value, y: Value) -> Value:
    """The solution of x @ out = y. Shapes: x (..., M, M), y (..., M, K) -> (..., M, K)."""
    return lapack(np.linalg.solve, x, y)


@solve_matrices.vjp("x")
def _(g: Value, x: Value, out: Value) -> Value:
    return -matmul(solve_matrices(matrix_transpose(x), g), matrix_transpose(out))


@solve_matrices.vjp("y")
def _(g: Value, x: Value) -> Value:
    return solve_matrices(matrix_transpose(x), g)


def solve(x: Value, y: Value) -> Tensor:
    """The solution of x @ out = y.

    Args:
        x: invertible matrices.
        y: a vector, for one system, or matrices, one system for each column. Only an array of one dimension is a
            vector: a stack of vectors needs a last dimension of size 1.

    Shapes: x (..., M, M), y (M) or (..., M, K) -> (..., M) or (..., M, K). Leading dimensions broadcast.

    Raises:
        LinAlgError: a matrix is singular.
    """
    if len(shape_of(y)) == 1:
        return squeeze(solve_matrices(x, expand_dims(y, axis=-1)), axis=-1)
    return solve_matrices(x, y)


@op(shapes="... M M -> ...", source="Giles 2008; at singular matrices by cofactors", complex="holomorphic")
def det(x: Value) -> Value:
    """The determinant.

    Its gradient is the matrix of cofactors, which exists for singular matrices as well, as do its own derivatives.

    Args:
        x: matrices.

    Shapes: x (..., M, M) -> (...).
    """
    return lapack(np.linalg.det, x)


@det.fast_vjp("x")
def _(g: Value, x: Value) -> Value:
    u, s, vh = lapack(np.linalg.svd, x, full_matrices=False)
    with np.errstate(divide="ignore"):  # sums of logarithms, as products of some might overflow before the others come
        logs = np.log(s)
    zero = np.zeros_like(logs[..., :1])
    left = np.cumsum(np.concatenate([zero, logs[..., :-1]], -1), -1)
    right = np.cumsum(np.concatenate([zero, logs[..., :0:-1]], -1), -1)[..., ::-1]
    others = np.exp(left + right) if s.shape[-1] else s  # for each singular value the product of all others
    sign = lapack(np.linalg.det, u) * lapack(np.linalg.det, vh)
    return (np.asarray(g) * sign)[..., None, None] * np.conj(np.matmul(u * others[..., None, :], vh))


@det.vjp("x")
def _(g: Value, x: Value, out: Value) -> Value:
    if _well_conditioned(physical(x)):
        return expand_dims(g * out, axis=(-2, -1)) * matrix_transpose(inv(x))
    return expand_dims(g, axis=(-2, -1)) * _cofactors(x)


def _well_conditioned(x: Value) -> bool:
    if not x.size:
        return True
    s = lapack(np.linalg.svd, x, compute_uv=False)
    return bool((s[..., -1] > np.sqrt(np.finfo(s.dtype).eps) * s[..., 0]).all())


def _cofactors(x: Value) -> Value:
    """Each the determinant of what is left without its row and column: M^2 small determinants, singular or not."""
    size = x.shape[-1]
    others = np.array([[j for j in range(size) if j != i] for i in range(size)], np.intp)
    signs = (-1.0) ** np.add.outer(np.arange(size), np.arange(size))
    minors = getitem(x, index=(..., others[:, None, :, None], others[None, :, None, :]))
    return det(minors) * signs.astype(x.dtype)


class Slogdet(NamedTuple):
    """What `slogdet` gives."""

    sign: Tensor
    logabsdet: Tensor


@op(name="slogdet", shapes="... M M -> ..., ...", results=("sign", "logabsdet"), domain={"x": INVERTIBLE}, source=GILES,
    complex="nonholomorphic")  # fmt: skip
def _slogdet(x: Value) -> Value:
    """The sign of the determinant, and the logarithm of its absolute value. Shapes: x (..., M, M) -> (...), (...)."""
    return tuple(lapack(np.linalg.slogdet, x))


@_slogdet.vjp("x")
def _(g: Value, x: Value, sign: Value) -> Value:
    turn, slope = g
    if x.dtype.kind == "c":  # the sign is a number on the unit circle, which turns
        slope = slope + 1j * imag(turn * sign)
    return expand_dims(slope, axis=(-2, -1)) * matrix_transpose(inv(x))


def slogdet(x: Value) -> Slogdet:
    """The sign of the determinant and the logarithm of its absolute value, where det itself would overflow.

    Args:
        x: matrices.

    Returns:
        `sign`, which has a zero gradient for real matrices, and `logabsdet`.

    Shapes: x (..., M, M) -> sign (...), logabsdet (...).

    Raises:
        LinAlgError: in the backward pass, where a matrix is singular: the logarithm is -inf there.
    """
    return Slogdet(*_slogdet(x))


def _rank_settings(x: Array, *, rtol: ArrayLike | None = None) -> Settings:
    if rtol is None:
        rtol = float(max(np.shape(x)[-2:], default=0) * np.finfo(np.result_type(x.dtype, np.float16)).eps)
    return {"rtol": as_array(rtol)}


@op(shapes="... M N -> ... N M", canonical=_rank_settings, domain={"x": FULL_RANK},
    source="Golub and Pereyra 1973, doi:10.1137/0710036", complex="nonholomorphic")  # fmt: skip
def pinv(x: Value, *, rtol: Value) -> Value:
    """The Moore-Penrose inverse: of all that minimize |x @ out - identity| the smallest.

    Args:
        x: matrices. The derivative holds where the rank does not change.
        rtol: singular values up to this times the largest count as 0, one number or one for each matrix;
            max(M, N) times the dtype's epsilon unless given.

    Shapes: x (..., M, N) -> (..., N, M).
    """
    return lapack(np.linalg.pinv, x, rtol=rtol)


@pinv.vjp("x")
def _(g: Value, x: Value, out: Value) -> Value:
    transposed, g_transposed = matrix_transpose(out), matrix_transpose(g)
    left = matmul(g_transposed, matmul(out, adjoint(out)))
    right = matmul(matmul(adjoint(out), out), g_transposed)
    return -matmul(matmul(transposed, g), transposed) + conjugated(
        (left - matmul(matmul(x, out), left)) + (right - matmul(right, matmul(out, x)))
    )


@op(shapes="... M N -> ...", canonical=_rank_settings, non_differentiable=("x",), complex="nonholomorphic")
def matrix_rank(x: Value, *, rtol: Value) -> Value:
    """How many singular values exceed rtol times the largest: integers.

    Args:
        x: matrices.
        rtol: the factor, one number or one for each matrix; max(M, N) times the dtype's epsilon unless given.

    Shapes: x (..., M, N) -> (...).
    """
    s = lapack(np.linalg.svd, x, compute_uv=False)
    return np.count_nonzero(s > rtol[..., None] * np.max(s, axis=-1, keepdims=True, initial=0), axis=-1)


def matrix_power(x: Value, n: int) -> Value:
    """x @ x @ ... @ x with n factors, in about log2(n) products.

    Args:
        x: matrices.
        n: the exponent; a negative one is of the inverse, and 0 gives the identity, a constant.

    Shapes: x (..., M, M) -> (..., M, M).

    Raises:
        LinAlgError: n is negative and a matrix is singular.
        ShapeError: x is no square matrix.
    """
    shape = shape_of(x)
    if len(shape) < 2 or shape[-1] != shape[-2]:
        raise ShapeError(f"matrix_power needs square matrices (..., M, M), got shape {shape}")
    n = n.__index__()
    if n < 0:
        return matrix_power(inv(x), -n)
    if n == 0:
        identity = broadcast_to(np.eye(shape[-1], dtype=x.dtype), shape=shape)
        return wrap(identity) if isinstance(x, Tensor) else identity
    if n == 1:
        return x
    half = matrix_power(x, n // 2)
    square = matmul(half, half)
    return matmul(square, x) if n % 2 else square
