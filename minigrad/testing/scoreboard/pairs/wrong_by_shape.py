"""Wrong gradients: sums over the wrong axis, lost axes, and symmetries that are not there."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from minigrad.testing.scoreboard.pair import Pair, change_part, general, normal
from minigrad.testing.scoreboard.pairs.functions import softmax, standardize
from minigrad.testing.scoreboard.pairs.ill_conditioned import (
    cholesky_pair,
    determinant_pair,
    eigenvalues_2x2,
    eigenvalues_vjp,
    inverse_pair,
    slogdet_pair,
    solve_pair,
    solve_vjp,
)
from minigrad.testing.scoreboard.pairs.ordinary import (
    AFFINE,
    ATTENTION,
    CONVOLUTION,
    LAYER_NORM,
    LINEAR,
    MATMUL,
    SOFTMAX,
)
from minigrad.typing import Array

BROADCAST: Final = "broadcast"
SYMMETRY: Final = "symmetry"

_SQUARE_SCALED: Final = general(
    "",
    "square product with a row",
    lambda x, w: x * w,
    lambda g, x, w: (g * w, (g * x).sum(0)),
    normal(171, 3, 3),
    normal(172, 3),
)
_SQUARE_SOFTMAX: Final = general("", "softmax of a square", softmax, SOFTMAX.vjp, normal(173, 3, 3))
_SQUARE_NORM: Final = general(
    "", "layer_norm of a square", lambda x: standardize(x, -1, 1e-5), LAYER_NORM.vjp, normal(174, 4, 4)
)
_SQUARE_MATMUL: Final = general(
    "", "square matmul", lambda a, b: a @ b, MATMUL.vjp, normal(175, 3, 3), normal(176, 3, 3)
)
_CENTERED: Final = general(
    "",
    "x less its row's mean",
    lambda x: x - x.mean(1, keepdims=True),
    lambda g, x: g - g.mean(1, keepdims=True),
    normal(177, 3, 3),
)
_ROWS: Final = general(
    "", "sum of squares of rows", lambda x: (x * x).sum(1), lambda g, x: 2 * x * g[:, None], normal(178, 3, 3)
)
_MATRIX: Final = np.eye(3) + 0.3 * normal(179, 3, 3)
_TWO: Final = np.array([[2.0, 0.7], [0.7, -1.0]])
_INVERSE: Final = inverse_pair("a matrix", _MATRIX, "")
_SOLVE: Final = solve_pair("a matrix", _MATRIX, normal(180, 3), "")
_LOG_DET: Final = slogdet_pair("a matrix", _MATRIX, "")
_DET: Final = determinant_pair("a matrix", _MATRIX, "")
_CHOLESKY: Final = cholesky_pair("a positive matrix", _MATRIX @ _MATRIX.T, "")
_QUADRATIC_FORM: Final = general(
    "", "x'A x", lambda x: x @ _MATRIX @ x, lambda g, x: g * (_MATRIX + _MATRIX.T) @ x, normal(181, 3)
)


def _squeezed_softmax_vjp(g: Array, x: Array) -> Array:
    p = softmax(x)
    return np.asarray(p * (g - (g * p).sum(-1)))  # the sum lies along the other axis


def _squeezed_norm_vjp(g: Array, x: Array) -> Array:
    deviation = np.sqrt(x.var(-1, keepdims=True) + 1e-5)
    z = (x - x.mean(-1, keepdims=True)) / deviation
    return np.asarray((g - g.mean(-1) - z * (g * z).mean(-1, keepdims=True)) / deviation)


def _first_of_batch(gradient: Array) -> Array:
    return gradient / 4


def _symmetrized(gradient: Array) -> Array:
    return np.asarray((gradient + gradient.T) / 2)


def _transposed(gradient: Array) -> Array:
    return gradient.T


def _folded(gradient: Array) -> Array:
    """What belongs to the upper half, added to the lower."""
    return np.asarray(np.tril(gradient) + np.triu(gradient, 1).T)


def _part(index: int, change: Any, p: Pair) -> Any:
    return change_part(index, change, p)


BY_BROADCAST: Final[list[Pair]] = [
    _SQUARE_SCALED.wrong(BROADCAST, "summed over the wrong axis", lambda g, x, w: (g * w, (g * x).sum(1))),
    _SQUARE_SCALED.wrong(BROADCAST, "the mean instead of the sum", lambda g, x, w: (g * w, (g * x).mean(0))),
    _SQUARE_SCALED.wrong(BROADCAST, "the first row instead of the sum", lambda g, x, w: (g * w, (g * x)[0])),
    _SQUARE_SCALED.wrong(BROADCAST, "w along the wrong axis", lambda g, x, w: (g * w[:, None], (g * x).sum(0))),
    _SQUARE_SOFTMAX.wrong(BROADCAST, "keepdims lost", _squeezed_softmax_vjp),
    _SQUARE_NORM.wrong(BROADCAST, "keepdims lost", _squeezed_norm_vjp),
    _SQUARE_NORM.wrong(BROADCAST, "the mean of g over all", lambda g, x: LAYER_NORM.vjp(g, x) + 0.01 * g.mean()),
    _CENTERED.wrong(BROADCAST, "keepdims lost", lambda g, x: g - g.mean(1)),
    _CENTERED.wrong(BROADCAST, "the mean forgotten", lambda g, x: g),
    _CENTERED.wrong(BROADCAST, "the mean over the wrong axis", lambda g, x: g - g.mean(0, keepdims=True)),
    _ROWS.wrong(BROADCAST, "g along the wrong axis", lambda g, x: 2 * x * g),
    AFFINE.wrong(BROADCAST, "the mean of the batch in b", _part(2, _first_of_batch, AFFINE)),
    AFFINE.wrong(BROADCAST, "the first of the batch in b", lambda g, x, w, b: (g @ w.T, x.T @ g, g[0])),
    general(
        "",
        "size 1 beside 3",
        lambda x, y: x * y,
        lambda g, x, y: ((g * y).sum(0, keepdims=True), g * x),
        normal(182, 1, 3),
        normal(183, 3, 3),
    ).wrong(BROADCAST, "the last row instead of the sum", lambda g, x, y: ((g * y)[-1:], g * x)),
    general(
        "", "a number times an array", lambda x, y: x * y, lambda g, x, y: ((g * y).sum(), g * x), 1.5, normal(184, 3)
    ).wrong(BROADCAST, "the mean instead of the sum", lambda g, x, y: ((g * y).mean(), g * x)),
    CONVOLUTION.wrong(
        BROADCAST,
        "the kernel reversed",
        lambda g, x, w: (CONVOLUTION.vjp(g, x, w[:, :, ::-1])[0], CONVOLUTION.vjp(g, x, w)[1]),
    ),
    CONVOLUTION.wrong(
        BROADCAST,
        "the first of the batch in w",
        lambda g, x, w: (CONVOLUTION.vjp(g, x, w)[0], CONVOLUTION.vjp(g[:1], x[:1], w)[1]),
    ),
]

BY_SYMMETRY: Final[list[Pair]] = [
    _SQUARE_MATMUL.wrong(SYMMETRY, "b not transposed", lambda g, a, b: (g @ b, a.T @ g)),
    _SQUARE_MATMUL.wrong(SYMMETRY, "a not transposed", lambda g, a, b: (g @ b.T, a @ g)),
    _SQUARE_MATMUL.wrong(SYMMETRY, "the gradient of a transposed", _part(0, _transposed, _SQUARE_MATMUL)),
    _INVERSE.wrong(SYMMETRY, "treated as symmetric", lambda g, a: -np.linalg.inv(a) @ g @ np.linalg.inv(a)),
    _INVERSE.wrong_by(SYMMETRY, "symmetrized", _symmetrized),
    _SOLVE.wrong(SYMMETRY, "A^-1 g instead of A^-T g", lambda g, a, b: (solve_vjp(g, a, b)[0], np.linalg.solve(a, g))),
    _SOLVE.wrong(SYMMETRY, "the gradient of A transposed", _part(0, _transposed, _SOLVE)),
    _SOLVE.wrong(SYMMETRY, "the gradient of A symmetrized", _part(0, _symmetrized, _SOLVE)),
    _LOG_DET.wrong_by(SYMMETRY, "transposed", _transposed),
    _LOG_DET.wrong_by(SYMMETRY, "symmetrized", _symmetrized),
    _DET.wrong_by(SYMMETRY, "transposed", _transposed),
    _CHOLESKY.wrong_by(SYMMETRY, "its lower half only", np.tril),
    _CHOLESKY.wrong_by(SYMMETRY, "both halves added", lambda gradient: 2 * gradient - np.diag(np.diag(gradient))),
    _QUADRATIC_FORM.wrong(SYMMETRY, "2 A x", lambda g, x: 2 * g * _MATRIX @ x),
    LINEAR.wrong(SYMMETRY, "g in the wrong order", lambda g, x: LINEAR.vjp(g[::-1], x)),
    general(
        "",
        "x'A x of a symmetric A",
        lambda x: x @ _symmetrized(_MATRIX) @ x,
        lambda g, x: 2 * g * _symmetrized(_MATRIX) @ x,
        normal(185, 3),
    ).wrong(SYMMETRY, "of the matrix, not symmetrized", lambda g, x: 2 * g * _MATRIX @ x),
    general(
        "", "eigenvalues", lambda a: np.linalg.eigvalsh((a + a.T) / 2), eigenvalues_vjp, _TWO, exact=eigenvalues_2x2
    ).wrong(SYMMETRY, "the other order", lambda g, a: eigenvalues_vjp(g[::-1], a)),
    general(
        "",
        "eigenvalues of the lower half",
        np.linalg.eigvalsh,
        lambda g, a: _folded(eigenvalues_vjp(g, a)),
        _TWO,
        exact=lambda a: eigenvalues_2x2(np.array([[a[0, 0], a[1, 0]], [a[1, 0], a[1, 1]]])),
    ).wrong(SYMMETRY, "of all of it, though only that half is read", eigenvalues_vjp),
    ATTENTION.wrong(
        SYMMETRY,
        "the gradient of q for k",
        lambda g, q, k, v: (
            ATTENTION.vjp(g, q, k, v)[0],
            ATTENTION.vjp(g, q, k[::-1], v[::-1])[1],
            ATTENTION.vjp(g, q, k, v)[2],
        ),
    ),
    ATTENTION.wrong(
        SYMMETRY,
        "softmax as if elementwise",
        lambda g, q, k, v: (
            (p := softmax(q @ k.T / 2)) * (1 - p) * (g @ v.T) @ k / 2,
            ATTENTION.vjp(g, q, k, v)[1],
            p.T @ g,
        ),
    ),
]

PAIRS: Final[list[Pair]] = [*BY_BROADCAST, *BY_SYMMETRY]
