"""Windows, padding, resampling and standardization as ops: their meaning, and settings that do not fit."""

import numpy as np
import pytest

from minigrad import ShapeError, Tensor, ops
from minigrad.errors import DTypeError, UsageError
from tests.helper import inner

X = np.arange(24.0).reshape(1, 2, 3, 4)


def test_windows_hold_what_their_formula_says():
    y = ops.unfold(X, kernel=(2, 2), stride=(2, 1), padding=(1, 0), dilation=(1, 2))
    assert y.shape == (1, 2, 2, 2, 2, 2)
    for _, c, p, q, i, j in np.ndindex(y.shape):
        h, w = 2 * i + p - 1, j + 2 * q
        assert y[0, c, p, q, i, j] == (X[0, c, h, w] if h >= 0 else 0)


def test_fold_is_the_adjoint_of_windows(rng):
    settings = {"stride": (1, 2), "padding": (1, 1), "dilation": (2, 1)}
    y = ops.unfold(X, kernel=2, **settings)
    z = rng.normal(size=y.shape)
    assert inner(y, z) == pytest.approx(inner(X, ops.fold(z, shape=X.shape, **settings)))


def test_resampling_is_a_product_with_a_matrix_and_its_transpose(rng):
    index, weight = np.array([[0, 0, 1, 2], [0, 1, 2, 2]]), rng.normal(size=(2, 4))
    matrix = np.zeros((4, 3))
    for t, j in np.ndindex(2, 4):
        matrix[j, index[t, j]] += weight[t, j]
    x, y = rng.normal(size=(2, 3, 5)), rng.normal(size=(2, 4, 5))
    table = {"axis": 1, "index": index, "weight": weight}
    np.testing.assert_allclose(ops.resample(x, **table), matrix @ x, rtol=1e-12)
    np.testing.assert_allclose(ops.resample_input(y, size=3, **table), matrix.T @ y, rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_number_that_is_not_finite_stays_where_it_belongs(axis, dtype):
    table = {"axis": axis, "index": np.array([[0, 0, 1, 2], [0, 1, 2, 2]]), "weight": np.array([[1.0, 0.5] * 2] * 2)}
    for bad in (np.inf, np.nan):
        x, y = np.ones((3, 3, 3), dtype), np.ones([4 if i == axis else 3 for i in range(3)], dtype)
        x[0, 0, 0] = y[0, 0, 0] = bad
        down, up = ops.resample(x, **table), ops.resample_input(y, size=3, **table)
        assert down.dtype == up.dtype == dtype
        reached = np.zeros(down.shape, bool)
        reached[(*[0] * axis, slice(0, 2), *[0] * (2 - axis))] = True
        np.testing.assert_array_equal(~np.isfinite(down), reached)
        reached = np.zeros(up.shape, bool)
        reached[0, 0, 0] = True
        np.testing.assert_array_equal(~np.isfinite(up), reached)
        np.testing.assert_allclose(up[tuple(slice(1, None) if i == axis else 0 for i in range(3))], [1.5, 2])


def test_pad_keeps_integers():
    found = ops.pad(np.array([1, 2]), widths=((1, 1),))
    assert (found.tolist(), found.dtype.kind) == ([0, 1, 2, 0], "i")


def test_standardize_gives_the_moments(rng):
    x = rng.normal(size=(3, 4, 2))
    _, mean, variance = ops.standardize(Tensor(x), None, None, axis=(0, -1))
    np.testing.assert_allclose(mean, x.mean(axis=(0, 2), keepdims=True), rtol=1e-12)
    np.testing.assert_allclose(variance, x.var(axis=(0, 2), keepdims=True), rtol=1e-12)


TABLE = {"axis": 0, "weight": np.ones((1, 2))}


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: ops.unfold(X, kernel=0), ShapeError, "a kernel has at least one pixel"),
        (lambda: ops.unfold(X, kernel=1, stride=0), ShapeError, "stride and dilation must be at least 1"),
        (
            lambda: ops.unfold(X, kernel=4),
            ShapeError,
            "reaches over .4, 4. pixels but the padded image has only .3, 4.",
        ),
        (lambda: ops.unfold(X[0], kernel=1), ShapeError, "x has 3 dimensions, not 4"),
        (lambda: ops.pad(X, widths=((1, 1),)), ShapeError, "for each of 4 dimensions"),
        (lambda: ops.pad(X[0, 0, 0], widths=((-1, 1),)), ShapeError, "of at least 0"),
        (lambda: ops.resample(X[0, 0, 0], index=np.array([[3, 1]]), **TABLE), ShapeError, "sort the places"),
        (lambda: ops.resample(X[0, 0, 0], index=np.array([[0, 4]]), **TABLE), ShapeError, "from 0 at least to 3"),
        (lambda: ops.resample(X[0, 0, 0], index=np.array([[0.0, 1.0]]), **TABLE), ShapeError, r"are both \(taps, J\)"),
        (
            lambda: ops.resample_input(X[0, 0, 0], index=np.array([[0, 1]]), size=2, **TABLE),
            ShapeError,
            "y has 4 elements along axis 0, but the table",
        ),
        (lambda: ops.standardize(X, np.ones(3), None, axis=0), ShapeError, r"w of shape \(3,\) does not broadcast"),
        (lambda: ops.standardize(X, None, np.ones((2, 1, 2, 3, 4)), axis=0), ShapeError, "b of shape"),
        (lambda: ops.standardize(X, None, None, axis=0, eps=-1.0), UsageError, "eps must be at least 0"),
        (lambda: ops.standardize(X.astype(int), None, None, axis=0), DTypeError, "must be floating numbers"),
        (lambda: ops.adaptive_positions(X[:, :, :0], size=1), ShapeError, r"an image of \(0, 4\) pixels has no 1 x 1"),
    ],
)
def test_settings_that_do_not_fit_are_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()
