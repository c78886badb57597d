"""Functions of matrices: the exponential, triangular systems, and eigenvalues of matrices that are not symmetric."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from minigrad.autograd.complex_numbers import complex_dtype, conjugated
from minigrad.autograd.registry import op
from minigrad.autograd.tensor import Tensor
from minigrad.domain import INVERTIBLE, SYMMETRIC
from minigrad.errors import ShapeError
from minigrad.kernels import linear_algebra as kernels
from minigrad.ops.complex_parts import imag, real
from minigrad.ops.decomposition import _diagonal, _inverse
from minigrad.ops.elementwise import abs, multiply
from minigrad.ops.fill import zeros_like
from minigrad.ops.index import getitem
from minigrad.ops.linalg import matmul_matrices as matmul
from minigrad.ops.linear_systems import lapack, solve_matrices
from minigrad.ops.rearrange import tril, triu
from minigrad.ops.reduce import sum
from minigrad.ops.shape import adjoint, broadcast_to, concat, expand_dims, matrix_transpose
from minigrad.ops.sorting import argmax
from minigrad.shapes import shape_of
from minigrad.typing import Array, Value

# ---- the exponential ---------------------------------------------------------------------------------------------


@op(shapes="... M M -> ... M M", complex="holomorphic",
    source="Higham 2005, doi:10.1137/04061101X; derivative: Najfeld and Havel 1995")  # fmt: skip
def matrix_exp(x: Value) -> Value:
    """The sum of x^k / k! over all k, with matrix products.

    Args:
        x: matrices.

    Shapes: x (..., M, M) -> (..., M, M).
    """
    return lapack(kernels.matrix_exp, x)


@matrix_exp.vjp("x")
def _(g: Value, x: Value) -> Value:
    # exp of ((A, G), (0, A)) has the derivative of exp at A in the direction G above its diagonal
    size, transposed = x.shape[-1], matrix_transpose(x)
    below = concat([zeros_like(transposed), transposed], axis=-1)
    whole = concat([concat([transposed, g], axis=-1), below], axis=-2)
    return getitem(matrix_exp(whole), index=(..., slice(0, size), slice(size, None)))


# ---- triangular systems ------------------------------------------------------------------------------------------


@op(name="solve_triangular", shapes="... M M, ... M K -> ... M K", domain={"x": INVERTIBLE}, linear=("y",),
    complex="holomorphic", source="Giles 2008")  # fmt: skip
def _solve_triangular(x: Value, y: Value, *, upper: bool = False) -> Value:
    """The solution of x @ out = y, by the lower (or upper) triangle of x. Shapes: (..., M, M), (..., M, K) -> as y."""
    x = np.triu(x) if upper else np.tril(x)
    return lapack(kernels.solve_triangular, x, y, upper=upper)


@_solve_triangular.vjp("x")
def _(g: Value, x: Value, out: Value, *, upper: bool) -> Value:
    g_x = -matmul(_solve_triangular(matrix_transpose(x), g, upper=not upper), matrix_transpose(out))
    return triu(g_x) if upper else tril(g_x)


@_solve_triangular.vjp("y")
def _(g: Value, x: Value, *, upper: bool) -> Value:
    return _solve_triangular(matrix_transpose(x), g, upper=not upper)


def solve_triangular(x: Value, y: Value, *, upper: bool, left: bool = True, unitriangular: bool = False) -> Tensor:
    """The solution of x @ out = y for a triangular x, of which the other triangle is not looked at.

    Args:
        x: triangular matrices.
        y: matrices, one system for each column.
        upper: whether the upper triangle counts, or the lower one.
        left: whether x stands on the left (default True), or on the right: out @ x = y.
        unitriangular: whether the diagonal counts as ones (default False).

    Shapes: x (..., M, M), y (..., M, K), or (..., K, M) with left=False -> as y. Leading dimensions broadcast.

    Raises:
        LinAlgError: there is a 0 on a diagonal.
    """
    if not left:
        x, y, upper = matrix_transpose(x), matrix_transpose(y), not upper
    if unitriangular:
        x = (triu(x, k=1) if upper else tril(x, k=-1)) + np.eye(shape_of(x)[-1], dtype=x.dtype)
    out = _solve_triangular(x, y, upper=upper)
    return out if left else matrix_transpose(out)


# ---- eigenvalues -------------------------------------------------------------------------------------------------


class Eig(NamedTuple):
    """What `eig` gives."""

    eigenvalues: Tensor
    eigenvectors: Tensor


def _eigen(x: Array) -> tuple[Array, Array]:
    dtype = complex_dtype(x.dtype)
    w, v = (part.astype(dtype) for part in np.linalg.eig(x))
    largest = np.take_along_axis(v, np.abs(v).argmax(axis=-2, keepdims=True), -2) if v.size else np.ones((), dtype)
    return w, v * (np.abs(largest) / largest)


@op(name="eig", shapes="... M M -> ... M, ... M M", results=("w", "v"), domain={"x": SYMMETRIC},
    complex="nonholomorphic", source="Boeddeker et al. 2017, arXiv:1701.00392")  # fmt: skip
def _eig(x: Value) -> Value:
    """Eigenvalues w and eigenvectors v, each of norm 1 and with a largest element that is real and above 0.

    Shapes: x (..., M, M) -> (..., M) and as x.
    """
    return lapack(_eigen, x)


@_eig.vjp("x")
def _(g: Value, w: Value, v: Value) -> Value:
    gw, gv = conjugated(g[0]), conjugated(g[1])
    if not v.shape[-1]:
        return matmul(v, v)
    # What changes length and phase of a vector is given back by the normalization.
    along = sum(conjugated(gv) * v, axis=-2, keepdims=True)
    largest = np.arange(v.shape[-1])[:, None] == argmax(abs(v), axis=-2, keepdims=True)
    height = sum(multiply(largest, v), axis=-2, keepdims=True)
    gv = gv - real(along) * v + 1j * multiply(largest, imag(along) / height)
    gaps = expand_dims(w, axis=-2) - expand_dims(w, axis=-1)
    inner = _diagonal(gw) + conjugated(_inverse(gaps, w)) * matmul(adjoint(v), gv)
    return conjugated(solve_matrices(adjoint(v), matmul(inner, adjoint(v))))


def eig(x: Value) -> Eig:
    """The eigenvalues and eigenvectors (columns) of square matrices: x @ v = v * w. They are complex.

    Each eigenvector has norm 1, and its largest element is real and above 0: so it is one function of x, with a
    derivative in all directions where no two eigenvalues are equal. (PyTorch gives vectors of any phase, and refuses
    gradients that depend on it. Where they do not, both are alike.)

    Args:
        x: matrices.

    Shapes: x (..., M, M) -> eigenvalues (..., M), eigenvectors (..., M, M).

    Raises:
        LinAlgError: the iteration does not converge; in the backward pass, the eigenvectors are no basis.
    """
    return Eig(*_eig(x))


def eigvals(x: Value) -> Tensor:
    """The eigenvalues of square matrices, complex, in no particular order.

    Args:
        x: matrices.

    Shapes: x (..., M, M) -> (..., M).
    """
    return eig(x).eigenvalues


# ---- products of reflections -------------------------------------------------------------------------------------


def householder_product(x: Value, tau: Value) -> Tensor:
    """The first N columns of H_1 @ H_2 @ ... @ H_K, with H_k = I - tau_k v_k v_k^H.

    v_k is column k of x below the diagonal, with a 1 on it and zeros above.

    Args:
        x: columns, as LAPACK's geqrf leaves them.
        tau: the factors.

    Shapes: x (..., M, N) with M at least N, tau (..., K) with K at most N -> (..., M, N).

    Raises:
        ShapeError: the shapes do not fit.
    """
    *lead, rows, columns = shape_of(x)
    count = shape_of(tau)[-1]
    if rows < columns or count > columns or list(shape_of(tau)[:-1]) != lead:
        raise ShapeError(
            f"householder_product: expected x (..., M, N) with M >= N, tau (..., K) with K <= N, got {shape_of(x)} and "
            f"{shape_of(tau)}"
        )
    vectors = tril(x, k=-1) + np.eye(rows, columns, dtype=x.dtype)
    out = broadcast_to(np.eye(rows, columns, dtype=x.dtype), shape=(*lead, rows, columns))
    for k in range(count - 1, -1, -1):
        v = getitem(vectors, index=(..., slice(k, k + 1)))
        factor = expand_dims(getitem(tau, index=(..., slice(k, k + 1))), axis=-1)
        out = out - multiply(factor, matmul(v, matmul(adjoint(v), out)))
    return out
