"""Right gradients of linear algebra with nearly singular matrices."""

from __future__ import annotations

from typing import Final

import numpy as np

from minigrad.testing.scoreboard.pair import Pair, general, normal, scalar
from minigrad.testing.scoreboard.pairs.functions import cholesky, determinant, solve
from minigrad.typing import Array

KIND: Final = "ill-conditioned"


def with_singular_values(seed: int, *values: float) -> Array:
    """A random matrix with these singular values."""
    n = len(values)
    left, _ = np.linalg.qr(normal(seed, n, n))
    right, _ = np.linalg.qr(normal(seed + 1, n, n))
    return np.asarray(left * np.array(values) @ right)


def _hilbert(n: int) -> Array:
    return np.asarray(1.0 / (np.arange(n)[:, None] + np.arange(n) + 1))


def _inverse(a: Array) -> Array:
    """The inverse with two steps of refinement in extended precision, so that the gradient is right to many digits."""
    wide = a.astype(np.longdouble)
    found = np.linalg.inv(a).astype(np.longdouble)
    for _ in range(3):
        found = found + found @ (np.eye(len(a)) - wide @ found)
    return found.astype(float)


def log_abs_det(a: Array) -> Array:
    """log |det A|."""
    return np.asarray(np.linalg.slogdet(a)[1])


def inverse_vjp(g: Array, a: Array) -> Array:
    """-A^-T g A^-T."""
    b = _inverse(a).T
    return np.asarray(-b @ g @ b)


def solve_vjp(g: Array, a: Array, b: Array) -> tuple[Array, Array]:
    """A^-T g, and -A^-T g x'."""
    gb = _inverse(a).T @ g
    return -np.outer(gb, _inverse(a) @ b), gb


def slogdet_pair(name: str, a: Array, kind: str = KIND) -> Pair:
    """log |det A|, whose gradient is A^-T."""
    return scalar(
        kind,
        f"log |det| of {name}",
        log_abs_det,
        lambda a: _inverse(a).T,
        a,
        exact=lambda a: np.log(np.abs(determinant(a))),
        rtol=1e-5,
    )


def inverse_pair(name: str, a: Array, kind: str = KIND) -> Pair:
    """A^-1."""
    return general(
        kind, f"inverse of {name}", np.linalg.inv, inverse_vjp, a, exact=lambda a: solve(a, np.eye(len(a))), rtol=1e-5
    )


def solve_pair(name: str, a: Array, b: Array, kind: str = KIND) -> Pair:
    """A^-1 b."""
    return general(kind, f"solve with {name}", np.linalg.solve, solve_vjp, a, b, exact=solve, rtol=1e-5)


def determinant_pair(name: str, a: Array, kind: str = KIND) -> Pair:
    """det A by its cofactors."""
    return scalar(kind, f"det of {name}", np.linalg.det, cofactors, a, exact=determinant, rtol=1e-6)


def cofactors(a: Array) -> Array:
    """The gradient of the determinant, which needs no inverse."""
    n = len(a)
    minors = [
        [np.linalg.det(np.delete(np.delete(a, i, 0), j, 1)) * (-1) ** (i + j) for j in range(n)] for i in range(n)
    ]
    return np.array(minors)


def cholesky_pair(name: str, a: Array, kind: str = KIND) -> Pair:
    """The factor of the symmetric part of a matrix, so that every entry counts alike."""
    return general(
        kind,
        f"cholesky of {name}",
        lambda a: np.linalg.cholesky((a + a.T) / 2),
        cholesky_vjp,
        a,
        exact=lambda a: cholesky((a + a.T) / 2),
        rtol=1e-5,
    )


def cholesky_vjp(g: Array, a: Array) -> Array:
    """L^-T sym(tril(L'g), its diagonal halved) L^-1."""
    factor = np.linalg.cholesky((a + a.T) / 2)
    inner = np.tril(factor.T @ np.tril(g))
    inner[np.diag_indices(len(a))] /= 2
    inverse = np.linalg.inv(factor)
    found = inverse.T @ inner @ inverse
    return np.asarray((found + found.T) / 2)


def eigenvalues_2x2(a: Array) -> Array:
    """The eigenvalues of the symmetric part, for numbers of any precision."""
    half = (a[0, 0] + a[1, 1]) / 2
    off = (a[0, 1] + a[1, 0]) / 2
    root = np.sqrt(((a[0, 0] - a[1, 1]) / 2) ** 2 + off * off)
    return np.array([half - root, half + root])


def eigenvalues_vjp(g: Array, a: Array) -> Array:
    """V diag(g) V' of a symmetric matrix."""
    _, v = np.linalg.eigh((a + a.T) / 2)
    return np.asarray(v * g @ v.T)


def _eigenvalues_pair(name: str, a: Array) -> Pair:
    return general(
        KIND,
        f"eigenvalues of {name}",
        lambda a: np.linalg.eigvalsh((a + a.T) / 2),
        eigenvalues_vjp,
        a,
        exact=eigenvalues_2x2,
        rtol=1e-4,
    )


def _vandermonde(x: Array) -> Array:
    return np.asarray(x[:, None] ** np.arange(x.size))


def _vandermonde_gradient(x: Array) -> Array:
    difference = x[:, None] - x
    np.fill_diagonal(difference, np.inf)
    return np.asarray((1 / difference).sum(1))


_NEARLY = with_singular_values(51, 2.0, 1.0, 1e-7)
_NEARER = with_singular_values(53, 3.0, 1.0, 0.5, 1e-9)
_POSITIVE = _NEARLY @ _NEARLY.T + 1e-6 * np.eye(3)

PAIRS: Final[list[Pair]] = [
    slogdet_pair("a matrix with singular value 1e-7", _NEARLY),
    slogdet_pair("a 4 x 4 matrix with singular value 1e-9", _NEARER),
    slogdet_pair("Hilbert's 5 x 5", _hilbert(5)),
    slogdet_pair("a matrix with singular values 1e6 to 1e-3", with_singular_values(55, 1e6, 1.0, 1e-3)),
    inverse_pair("a matrix with singular value 1e-7", _NEARLY),
    inverse_pair("a 4 x 4 matrix with singular value 1e-9", _NEARER),
    inverse_pair("Hilbert's 4 x 4", _hilbert(4)),
    inverse_pair("a matrix with singular value 1e-3", with_singular_values(57, 1.0, 0.3, 1e-3)),
    solve_pair("singular value 1e-7", _NEARLY, normal(58, 3)),
    solve_pair("singular value 1e-9", _NEARER, normal(59, 4)),
    solve_pair("Hilbert's 5 x 5", _hilbert(5), np.ones(5)),
    solve_pair("a right side of 1e-8", with_singular_values(60, 1.0, 0.5, 1e-4), 1e-8 * normal(61, 3)),
    determinant_pair("a matrix with singular value 1e-7", _NEARLY),
    determinant_pair("a singular matrix of integers", np.array([[1.0, 2, 3], [4, 5, 6], [7, 8, 9]])),
    determinant_pair("a matrix of rank 1", np.outer([1.0, 2.0, 4.0], [1.0, 3.0, 0.5])),
    cholesky_pair("a matrix with eigenvalue 1e-6", _POSITIVE),
    _eigenvalues_pair("eigenvalues 1e-5 apart", np.array([[1.0, 3e-6], [3e-6, 1.0 + 8e-6]])),
    _eigenvalues_pair("eigenvalues 1 and 1e-8", np.array([[0.5 + 5e-9, 0.5 - 5e-9], [0.5 - 5e-9, 0.5 + 5e-9]])),
    scalar(
        KIND,
        "log |det| of Vandermonde's matrix",
        lambda x: log_abs_det(_vandermonde(x)),
        _vandermonde_gradient,
        np.linspace(0.1, 0.9, 7),
        atol=1e-13,
        exact=lambda x: np.log(np.abs(determinant(_vandermonde(x)))),
        rtol=1e-6,
    ),
    scalar(
        KIND,
        "log |det| of Vandermonde's matrix, two points 1e-6 apart",
        lambda x: log_abs_det(_vandermonde(x)),
        _vandermonde_gradient,
        [0.1, 0.3, 0.3 + 1e-6, 0.8],
        exact=lambda x: np.log(np.abs(determinant(_vandermonde(x)))),
        rtol=1e-6,
    ),
    general(
        KIND,
        "interpolation through 8 points",
        lambda y: np.linalg.solve(_vandermonde(np.linspace(0, 1, 8)), y),
        lambda g, y: _inverse(_vandermonde(np.linspace(0, 1, 8))).T @ g,
        normal(62, 8),
        exact=lambda y: solve(_vandermonde(np.linspace(0, 1, 8)), y),
        rtol=1e-5,
    ),
    general(
        KIND,
        "an inverse times its matrix",
        lambda a: np.linalg.inv(a) @ a,
        lambda g, a: np.zeros_like(a),
        _NEARLY,
        exact=lambda a: np.eye(3) + 0 * a,
    ),
]
