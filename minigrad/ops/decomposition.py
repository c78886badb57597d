"""Decompositions of matrices: cholesky, eigh, svd, qr. All of them work on stacks of matrices.

Where eigenvalues (or singular values) are equal, their vectors may be any basis of a space, and a derivative exists
only for functions that do not depend on that choice. The rules leave out the terms 1 / (a - b) of equal a and b. Right
stay the gradients of symmetric functions of the values (sum, norm, log-determinant), of the projections on whole
spaces, and of the polar factor u @ vh, also at equal values. Lost are the parts that are 0 / 0 in the cotangents, as in
v @ diag(exp(w)) @ v^T between equal w: they come out as 0. Second derivatives there are not to be relied on.

`cholesky` and `eigh` are functions of the symmetric part (x + x^T) / 2, so that each is one well-defined function of
all elements of x, with a symmetric gradient. NumPy reads one triangle instead; for symmetric x that is the same.

Of complex matrices it is the Hermitian part, and ^T is ^H. Their eigenvectors and singular vectors may each be turned
by any exp(i phi), so only functions that do not depend on it have derivatives. The rules are written for adjoints, as
in the papers: each takes the conjugate of its cotangents first, and of its result last.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from minigrad.autograd.batched_array import any_true
from minigrad.autograd.complex_numbers import conjugated
from minigrad.autograd.registry import op
from minigrad.autograd.tensor import Tensor
from minigrad.domain import FULL_RANK, POSITIVE_DEFINITE, SYMMETRIC
from minigrad.errors import GraphError, UsageError
from minigrad.ops.complex_parts import imag
from minigrad.ops.elementwise import abs, where
from minigrad.ops.index import getitem
from minigrad.ops.linalg import diagonal
from minigrad.ops.linalg import matmul_matrices as matmul
from minigrad.ops.linear_systems import GILES, lapack, solve_matrices
from minigrad.ops.logic import not_equal
from minigrad.ops.rearrange import tril
from minigrad.ops.reduce import sum
from minigrad.ops.shape import adjoint, concat, expand_dims, matrix_transpose
from minigrad.typing import ArrayLike, Settings, Value


def symmetric_part(x: Value) -> Value:
    """(x + x^H) / 2: the symmetric part, or of complex matrices the Hermitian one."""
    return 0.5 * x + 0.5 * adjoint(x)


# ---- cholesky ------------------------------------------------------------------------------------------------


@op(shapes="... M M -> ... M M", domain={"x": POSITIVE_DEFINITE},
    source="Murray 2016, Differentiation of the Cholesky decomposition, arXiv:1602.07527",
    complex="nonholomorphic")  # fmt: skip
def cholesky(x: Value, *, upper: bool = False) -> Value:
    """The lower triangle L with L @ L^H = (x + x^H) / 2.

    Args:
        x: positive definite matrices.
        upper: whether the result is L^H (default False).

    Shapes: (..., M, M) -> the same.

    Raises:
        LinAlgError: a matrix is not positive definite.
    """
    out = lapack(np.linalg.cholesky, symmetric_part(x))
    return adjoint(out) if upper else out


@cholesky.vjp("x")
def _(g: Value, out: Value, *, upper: bool) -> Value:
    g = conjugated(g)
    if upper:
        g, out = adjoint(g), adjoint(out)
    transposed = adjoint(out)
    inner = matmul(transposed, g)  # what g has above the diagonal does not get below it
    inner = 0.5 * (tril(inner) + tril(inner, k=-1))  # the lower triangle, with half of the diagonal
    left = solve_matrices(transposed, inner)
    return conjugated(symmetric_part(solve_matrices(transposed, adjoint(left))))


# ---- eigh ----------------------------------------------------------------------------------------------------


class Eigh(NamedTuple):
    """What `eigh` gives."""

    eigenvalues: Tensor
    eigenvectors: Tensor


@op(name="eigh", shapes="... M M -> ... M, ... M M", results=("w", "v"), domain={"x": SYMMETRIC}, source=GILES,
    complex="nonholomorphic")  # fmt: skip
def _eigh(x: Value) -> Value:
    """The eigenvalues w, rising, and eigenvectors v of (x + x^H) / 2. Shapes: x (..., M, M) -> (..., M) and as x."""
    return tuple(lapack(np.linalg.eigh, symmetric_part(x)))


@_eigh.vjp("x")
def _(g: Value, w: Value, v: Value) -> Value:
    gw, gv = g[0], conjugated(g[1])
    transposed = adjoint(v)
    gaps = expand_dims(w, axis=-2) - expand_dims(w, axis=-1)
    inner = _diagonal(gw) + _inverse(gaps, w) * matmul(transposed, gv)
    return conjugated(symmetric_part(matmul(matmul(v, inner), transposed)))


def eigh(x: Value) -> Eigh:
    """The eigenvalues, rising, and the eigenvectors (columns) of symmetric matrices: x @ v = v * w.

    Args:
        x: matrices, of which the symmetric part is decomposed. At equal eigenvalues see this module's docstring.

    Shapes: x (..., M, M) -> eigenvalues (..., M), eigenvectors (..., M, M).
    """
    return Eigh(*_eigh(x))


def eigvalsh(x: Value) -> Tensor:
    """The eigenvalues of symmetric matrices, rising.

    Args:
        x: matrices, of which the symmetric part is decomposed.

    Shapes: x (..., M, M) -> (..., M).
    """
    return eigh(x).eigenvalues


def _diagonal(x: Value) -> Value:
    """Matrices with the given diagonals."""
    return expand_dims(x, axis=-1) * np.eye(x.shape[-1], dtype=x.dtype)


def _inverse(x: Value, values: Value) -> Value:
    """1 / x, and 0 where x is nothing but the rounding error of a difference of such values."""
    scale = expand_dims(sum(abs(values), axis=-1), axis=(-2, -1))
    nothing = abs(x) <= float(np.finfo(x.dtype).eps) * scale
    return where(nothing, 0, 1 / where(nothing, 1, x))


# ---- svd -----------------------------------------------------------------------------------------------------


class Svd(NamedTuple):
    """What `svd` gives; the names are the standard's."""

    U: Tensor
    S: Tensor
    Vh: Tensor


@op(name="svd", shapes="... M N -> ... M K, ... K, ... K N", results=("u", "s", "vh"), domain={"x": FULL_RANK},
    source="Giles 2008; Townsend 2016, Differentiating the singular value decomposition",
    complex="nonholomorphic")  # fmt: skip
def _svd(x: Value, *, full_matrices: bool = True) -> Value:
    """Orthogonal u and vh and falling s >= 0 with x = u @ diag(s) @ vh.

    Shapes: x (..., M, N) -> u (..., M, K), s (..., K), vh (..., K, N), where K = min(M, N); with `full_matrices`
    u (..., M, M) and vh (..., N, N).
    """
    return tuple(lapack(np.linalg.svd, x, full_matrices=full_matrices))


@_svd.vjp("x")
def _(g: Value, u: Value, s: Value, vh: Value) -> Value:
    gu, gs, gvh = conjugated(g[0]), g[1], conjugated(g[2])
    rows, columns, rank = u.shape[-2], vh.shape[-1], s.shape[-1]
    _refuse_beyond(rank, "columns of u", gu)
    _refuse_beyond(rank, "rows of vh", matrix_transpose(gvh))
    gu, u = [getitem(x, index=(..., slice(0, rank))) for x in (gu, u)]
    gvh, vh = [getitem(x, index=(..., slice(0, rank), slice(None))) for x in (gvh, vh)]
    in_u, in_v = matmul(adjoint(u), gu), matmul(vh, adjoint(gvh))
    turn_u, turn_v = in_u - adjoint(in_u), in_v - adjoint(in_v)
    # (turn_u * s[j] + turn_v * s[i]) / (s[j]^2 - s[i]^2), with the difference of equal ones in one term only
    row, column = expand_dims(s, axis=-2), expand_dims(s, axis=-1)
    apart, along = _inverse(row - column, s), _inverse(row + column, s)
    core = _diagonal(gs) + 0.5 * (apart * (turn_u + turn_v) + along * (turn_u - turn_v))
    gx = matmul(matmul(u, core), vh)
    scaled = _inverse(row, s)
    if rows > rank:
        gx = gx + matmul((gu - matmul(u, in_u)) * scaled, vh)
    if columns > rank:
        gx = gx + matmul(u, matrix_transpose(scaled) * (gvh - matmul(adjoint(in_v), vh)))
    return conjugated(gx)


def _refuse_beyond(count: int, what: str, g: Value) -> None:
    """Only the first columns, those of the reduced decomposition, have derivatives; the others are any basis."""
    if g.shape[-1] > count and any_true(not_equal(getitem(g, index=(..., slice(count, None))), 0)):
        raise GraphError(
            f"the {what} beyond the first {count} are an arbitrary basis and have no derivative: "
            'use full_matrices=False, or for qr mode="reduced"'
        )


def svd(x: Value, full_matrices: bool = True) -> Svd:
    """The singular value decomposition x = U @ diag(S) @ Vh, with U and Vh orthogonal and S falling.

    Args:
        x: matrices. At equal singular values see this module's docstring.
        full_matrices: whether U and Vh are square; then only their first K columns and rows have derivatives
            (default True).

    Shapes: x (..., M, N) -> U (..., M, M), S (..., K), Vh (..., N, N) with K = min(M, N); with `full_matrices=False`
    U (..., M, K) and Vh (..., K, N).

    Raises:
        GraphError: in the backward pass, where a gradient of the columns or rows beyond the first K is wanted.
    """
    return Svd(*_svd(x, full_matrices=full_matrices))


def svdvals(x: Value) -> Tensor:
    """The singular values, falling.

    Args:
        x: matrices.

    Shapes: x (..., M, N) -> (..., min(M, N)).
    """
    return svd(x, full_matrices=False).S


# ---- qr ------------------------------------------------------------------------------------------------------


class Qr(NamedTuple):
    """What `qr` gives; the names are the standard's."""

    Q: Tensor
    R: Tensor


def _mode(x: ArrayLike, *, mode: str = "reduced") -> Settings:
    if mode not in ("reduced", "complete"):
        raise UsageError(f'qr: mode is "reduced" or "complete", not {mode!r}')
    return {"mode": mode}


@op(name="qr", shapes="... M N -> ... M K, ... K N", canonical=_mode, results=("q", "r"), domain={"x": FULL_RANK},
    source="Walter and Lehmann 2012, arXiv:1001.1654; wide: Roberts and Roberts 2020, arXiv:2009.10071",
    complex="nonholomorphic")  # fmt: skip
def _qr(x: Value, *, mode: str) -> Value:
    """Orthogonal columns q and an upper triangle r with x = q @ r.

    Shapes: x (..., M, N) -> q (..., M, K), r (..., K, N), where K = min(M, N), or M with mode "complete".
    """
    return tuple(lapack(np.linalg.qr, x, mode=mode))


@_qr.vjp("x")
def _(g: Value, q: Value, r: Value, x: Value) -> Value:
    gq, gr = conjugated(g[0]), conjugated(g[1])
    rows, columns = x.shape[-2:]
    if rows >= columns:
        _refuse_beyond(columns, "columns of q", gq)
        gq, q = [getitem(y, index=(..., slice(0, columns))) for y in (gq, q)]
        gr, r = [getitem(y, index=(..., slice(0, columns), slice(None))) for y in (gr, r)]
        return conjugated(_qr_cotangent(gq, gr, q, r))
    # Wide: the first columns decide about q and a square r, and the others are only rotated: r = [., q^H y].
    first, others = (..., slice(0, rows)), (..., slice(rows, None))
    gy = getitem(gr, index=others)
    gq = gq + matmul(getitem(x, index=others), adjoint(gy))
    square = _qr_cotangent(gq, getitem(gr, index=first), q, getitem(r, index=first))
    return conjugated(concat([square, matmul(q, gy)], axis=-1))


def _qr_cotangent(gq: Value, gr: Value, q: Value, r: Value) -> Value:
    inner = matmul(r, adjoint(gr)) - matmul(adjoint(gq), q)  # of which the lower triangle is used
    mirrored = tril(inner) + adjoint(tril(inner, k=-1))
    if inner.dtype.kind == "c":  # the diagonal of r is real, and stays so
        mirrored = mirrored - 1j * _diagonal(imag(diagonal(inner)))
    return adjoint(solve_matrices(r, adjoint(gq + matmul(q, mirrored))))


def qr(x: Value, mode: str = "reduced") -> Qr:
    """x = Q @ R, with orthogonal columns Q and an upper triangle R.

    Args:
        x: matrices whose first min(M, N) columns are independent.
        mode: "reduced", or "complete" for a square Q (default "reduced").

    Shapes: x (..., M, N) -> Q (..., M, K), R (..., K, N) with K = min(M, N); with mode "complete" K = M.

    Raises:
        GraphError: in the backward pass, where a gradient of further columns of a complete Q is wanted.
        UsageError: another mode.
    """
    return Qr(*_qr(x, mode=mode))
