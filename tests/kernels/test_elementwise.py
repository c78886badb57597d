"""Fused elementwise kernels: their definitions in steps, and the compiled variants against them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad.kernels import elementwise, jit, relu, relu_vjp, sigmoid_vjp, tanh, tanh_vjp

LARGE = 1 << 17
SPECIAL = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-30, 8.5, -8.5, 100.0]


def numbers(rng, dtype, size=LARGE):
    x = (rng.normal(size=size) * 3).astype(dtype)
    x[: len(SPECIAL)] = SPECIAL[:size]
    return x


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ["tanh", "relu", "erf", "erfc", "tanh_vjp", "sigmoid_vjp", "relu_vjp"])
@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_compiled_kernels_equal_their_definitions_up_to_rounding(name, dtype, seed):
    pytest.importorskip("numba")
    f, rng = getattr(elementwise, name), np.random.default_rng(seed)
    args = [numbers(rng, dtype)] + [rng.uniform(-1, 1, LARGE).astype(dtype)] * name.endswith("_vjp")
    with np.errstate(all="ignore"):
        fast = f(*args)
        with jit.numpy_only():
            plain = f(*args)
    assert fast.dtype == plain.dtype == dtype
    np.testing.assert_allclose(fast, plain, rtol=8 * np.finfo(dtype).eps, atol=64 * np.finfo(dtype).eps)


@given(st.lists(st.floats(-5, 5), min_size=1), st.lists(st.floats(-5, 5), min_size=1))
def test_vjps_are_their_formulas(g, out):
    g, out = np.broadcast_arrays(np.array(g)[:, None], np.array(out))
    np.testing.assert_allclose(tanh_vjp(g, out), g * (1 - out * out), atol=1e-12)
    np.testing.assert_allclose(sigmoid_vjp(g, out), g * out * (1 - out), atol=1e-12)
    np.testing.assert_array_equal(relu_vjp(g, out), np.where(out > 0, g, 0))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_dtype_is_kept_and_inputs_are_unchanged(dtype):
    x, g = numbers(np.random.default_rng(0), dtype), numbers(np.random.default_rng(1), dtype)
    kept = x.copy(), g.copy()
    with np.errstate(all="ignore"):
        results = [tanh(x), relu(x), tanh_vjp(g, x), sigmoid_vjp(g, x), relu_vjp(g, x)]
    assert [result.dtype for result in results] == [dtype] * 5
    assert not any(np.shares_memory(result, array) for result in results for array in (x, g))
    np.testing.assert_array_equal((x, g), kept)


@pytest.mark.parametrize("part", [np.s_[:, 3:9], np.s_[:, :, 1:, 2:], np.s_[::2], np.s_[:, :, ::-1], np.s_[..., :1, :]])
def test_parts_of_an_array_are_answered_like_copies_of_them(part):
    rng = np.random.default_rng(0)
    g, out = (rng.normal(size=(8, 16, 32, 32)).astype(np.float32) for _ in "go")
    expected = np.where(out[part] > 0, g[part], 0)
    np.testing.assert_array_equal(relu_vjp(g[part], out[part]), expected)
    np.testing.assert_array_equal(relu_vjp(g[part], out[part].copy()), expected)
    if (fast := pytest.importorskip("minigrad.kernels.elementwise_numba", exc_type=ImportError)) is not None:
        np.testing.assert_array_equal(fast.relu_vjp(g[part], out[part]), expected)
        assert fast.relu_vjp(g[..., ::2], out[..., ::2]) is NotImplemented


def test_relu_keeps_nan_and_blocks_it_backward():
    x = np.full(LARGE, np.nan, np.float32)
    assert np.isnan(relu(x)).all()
    assert not relu_vjp(x, np.zeros_like(x)).any()


@pytest.mark.parametrize("layout", [lambda x: x.T, lambda x: x[::-1], lambda x: x[:, ::2]])
def test_layout_does_not_matter(layout):
    x = layout(numbers(np.random.default_rng(0), np.float32).reshape(256, -1))
    np.testing.assert_allclose(tanh(x), tanh(x.copy()), rtol=1e-6)
    np.testing.assert_array_equal(relu(x), relu(x.copy()))


def test_tanh_stays_in_its_range():
    x = np.linspace(-20, 20, LARGE, dtype=np.float32)
    assert np.abs(tanh(x)).max() <= 1
