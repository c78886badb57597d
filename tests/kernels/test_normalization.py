"""Normalization: the definition against its formula, and the compiled variants against the definition."""

import numpy as np
import pytest

from minigrad.kernels import jit, standardize, standardize_gradients, standardize_input, standardize_weight

from .layouts import LAYOUTS, relaid

# Shape, axes, and shapes of weight and bias: batch, instance, layer and group normalization; rows that are no multiple
# of a register, and too short a row.
CASES = [
    ((4, 5, 20, 21), (0, 2, 3), (5, 1, 1)),
    ((4, 5, 20, 21), (2, 3), (5, 1, 1)),
    ((4, 5, 20, 21), (2, 3), (4, 5, 1, 1)),
    ((4, 5, 20, 21), (1, 2, 3), (5, 20, 21)),
    ((3, 2, 4, 400), (2, 3), (2, 4, 1)),
    ((900, 10), (0,), (10,)),
    ((10, 900), (1,), ()),
    ((3, 3000), (0, 1), ()),
    ((40, 300), (1,), (300,)),
    ((6, 7, 300), (2,), (1, 300)),
    ((700, 20), (1,), (20,)),
    ((9, 40, 30), (1, 2), (40, 30)),
]
every_case = pytest.mark.parametrize(("shape", "axis", "parts"), CASES, ids=str)


def drawn(shape, parts, dtype):
    rng = np.random.default_rng(3)
    x, g = rng.normal(size=(2, *shape)).astype(dtype)
    return g, 3 * x + 20, rng.normal(size=parts).astype(dtype), rng.normal(size=parts).astype(dtype)


def summed_to(y, shape):
    lead = y.ndim - len(shape)
    return y.sum(axis=tuple(i for i in range(y.ndim) if i < lead or shape[i - lead] == 1)).reshape(shape)


@every_case
@pytest.mark.parametrize("affine", [True, False])
def test_definition_equals_its_formula(shape, axis, parts, affine):
    g, x, w, b = drawn(shape, parts, np.float64)
    w, b = (w, b) if affine else (None, None)
    with jit.numpy_only():
        out, mean, variance = standardize(x, w, b, axis=axis, eps=0.1)
        slope = standardize_input(g, x, w, mean, variance, axis=axis, eps=0.1)
        to_w = standardize_weight(g, x, mean, variance, shape=parts, eps=0.1)
    unit = (x - x.mean(axis=axis, keepdims=True)) / np.sqrt(x.var(axis=axis, keepdims=True) + 0.1)
    scale, shift = (w, b) if affine else (1, 0)
    np.testing.assert_allclose(out, unit * scale + shift, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(mean, x.mean(axis=axis, keepdims=True), rtol=1e-12)
    np.testing.assert_allclose(variance, x.var(axis=axis, keepdims=True), rtol=1e-12)
    each = g * scale
    back = each - each.mean(axis=axis, keepdims=True) - unit * (each * unit).mean(axis=axis, keepdims=True)
    np.testing.assert_allclose(slope, back / np.sqrt(variance + 0.1), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(to_w, summed_to(g * unit, parts), rtol=1e-9, atol=1e-9)
    if affine:
        with jit.numpy_only():
            at_once = standardize_gradients(g, x, w, mean, variance, axis=axis, eps=0.1)
        for found, expected in zip(at_once, (slope, to_w, summed_to(g, parts)), strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


@every_case
@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_compiled_kernels_equal_their_definitions_up_to_rounding(shape, axis, parts, affine, dtype):
    pytest.importorskip("numba")
    g, x, w, b = drawn(shape, parts, dtype)
    w, b = (w, b) if affine else (None, None)

    def run():
        out, mean, variance = standardize(x, w, b, axis=axis, eps=0.1)
        slope = standardize_input(g, x, w, mean, variance, axis=axis, eps=0.1)
        at_once = standardize_gradients(g, x, w, mean, variance, axis=axis, eps=0.1) if affine else ()
        return out, mean, variance, slope, standardize_weight(g, x, mean, variance, shape=parts, eps=0.1), *at_once

    fast = run()
    with jit.numpy_only():
        plain = run()
    eps = np.finfo(dtype).eps
    for found, expected in zip(fast, plain, strict=True):
        assert (found.dtype, found.shape) == (dtype, expected.shape)
        size = np.abs(expected).max()
        np.testing.assert_allclose(found, expected, rtol=64 * eps, atol=64 * eps * max(size, 1))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layout_does_not_matter_and_nothing_is_changed(layout):
    g, x, w, b = drawn((4, 5, 20, 21), (5, 1, 1), np.float64)
    g, x = relaid(g, layout), relaid(x, layout)
    before = [y.copy() for y in (g, x, w, b)]
    out, mean, variance = standardize(x, w, b, axis=(0, 2, 3), eps=0.1)
    slope = standardize_input(g, x, w, mean, variance, axis=(0, 2, 3), eps=0.1)
    for y, kept in zip((g, x, w, b), before, strict=True):
        np.testing.assert_array_equal(y, kept)
    g, x = (np.ascontiguousarray(y) for y in (g, x))
    dense = standardize(x, w, b, axis=(0, 2, 3), eps=0.1)
    np.testing.assert_allclose(out, dense[0], rtol=1e-12, atol=1e-12)
    expected = standardize_input(g, x, w, *dense[1:], axis=(0, 2, 3), eps=0.1)
    np.testing.assert_allclose(slope, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("parts", "axis"), [((9, 1, 1), (0, 2, 3)), ((20, 21), (2, 3))])
def test_result_is_the_same_for_any_number_of_threads(parts, axis, monkeypatch):
    pytest.importorskip("numba")
    from minigrad.kernels import row_normalization_numba, threads

    monkeypatch.setattr(row_normalization_numba, "PIECE", 1 << 10)
    g, x, w, b = drawn((4, 9, 20, 21), parts, np.float32)
    runs = []
    for count in (1, 2, 3):
        monkeypatch.setattr(threads, "thread_count", lambda count=count: count)
        out, mean, variance = standardize(x, w, b, axis=axis, eps=0.1)
        to_x = standardize_input(g, x, w, mean, variance, axis=axis, eps=0.1)
        to_w = standardize_weight(g, x, mean, variance, shape=parts, eps=0.1)
        runs.append((out, to_x, to_w, *standardize_gradients(g, x, w, mean, variance, axis=axis, eps=0.1)))
    for other in runs[1:]:
        for found, expected in zip(other, runs[0], strict=True):
            np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("rows", [2, 900])
def test_nan_stays_in_its_channel(rows):
    x = np.ones((rows, 3, 20), np.float32)
    x[0, 1, 0] = np.nan
    for y in standardize(x, None, None, axis=(0, 2), eps=0.1):
        assert np.isnan(y[:, 1]).all()
        assert np.isfinite(y[:, [0, 2]]).all()
