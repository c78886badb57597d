"""Softmax by rows: the compiled kernels against their definitions."""

import numpy as np
import pytest

from minigrad import kernels
from minigrad.kernels import threads
from minigrad.kernels.jit import numpy_only
from tests.kernels.compiled import compiled_kernels

fast = compiled_kernels("softmax_family_numba")

NAMES = ["softmax", "log_softmax", "softmax_input", "log_softmax_input"]
SHAPES = [(64, 256), (40, 257), (9000, 1), (3000, 3), (2, 9000), (8, 16, 100), (1000, 15), (600, 31)]


def arguments(name, shape, dtype):
    rng = np.random.default_rng(0)
    x = (10 * rng.normal(size=shape)).astype(dtype)
    if not name.endswith("_input"):
        return [x]
    return [rng.normal(size=shape).astype(dtype), getattr(kernels, name.removesuffix("_input"))(x, axis=x.ndim - 1)]


def both(name, *args):
    with numpy_only(), np.errstate(all="ignore"):
        plain = getattr(kernels, name)(*args, axis=args[0].ndim - 1)
    quick = getattr(fast, name)(*args, axis=args[0].ndim - 1)
    assert quick.dtype == plain.dtype
    return quick, plain


@pytest.mark.family
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", NAMES)
def test_compiled_kernels_equal_their_definitions(name, shape, dtype):
    quick, plain = both(name, *arguments(name, shape, dtype))
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(quick, plain, rtol=32 * eps, atol=8 * eps * np.abs(plain).max())


@pytest.mark.parametrize("length", [4, 16, 40])
@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_infinities_and_nan_are_as_in_the_definition(name, length):
    special = [np.nan, np.inf, -np.inf, 0.0, 1e30, -1e30, 3.0]
    x = np.random.default_rng(0).choice(special, size=(4000, length), p=[0.01, 0.05, 0.3, 0.2, 0.14, 0.2, 0.1])
    x[0], x[1], x[2] = -np.inf, np.inf, np.nan
    quick, plain = both(name, x.astype(np.float32))
    np.testing.assert_allclose(quick, plain, rtol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_the_number_of_threads_changes_no_bit(name, monkeypatch):
    args = arguments(name, (300, 700), np.float32)
    runs = []
    for count in (1, 2, 3):
        monkeypatch.setattr(threads, "thread_count", lambda count=count: count)
        runs.append(both(name, *args)[0])
    np.testing.assert_array_equal(runs[1], runs[0])
    np.testing.assert_array_equal(runs[2], runs[0])


def test_other_axes_dtypes_and_layouts_are_left_to_numpy_or_copied():
    x = np.random.default_rng(0).normal(size=(64, 256))
    assert fast.softmax(x, axis=0) is NotImplemented
    assert fast.softmax(x.astype(np.float16), axis=1) is NotImplemented
    assert fast.softmax_input(x, x.astype(np.float32), axis=1) is NotImplemented
    np.testing.assert_allclose(fast.softmax(x.T, axis=1), both("softmax", x.T.copy())[1], rtol=1e-13)


@pytest.mark.family
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(64, 10), (700, 1), (513, 3), (3, 9000), (129, 257)])
def test_cross_entropy_and_its_slope_equal_their_definitions(shape, dtype):
    """Infinite and missing scores among them, and class numbers of another dtype, with gaps."""
    rng = np.random.default_rng(0)
    x = (10 * rng.normal(size=shape)).astype(dtype)
    x[0], x[1, 0], x[2] = -np.inf, np.nan, rng.choice([np.inf, 0.0, -np.inf], size=shape[1])
    target = rng.integers(0, shape[1], 2 * shape[0]).astype(np.int32)[::2]
    g = rng.normal(size=2 * shape[0]).astype(dtype)[::2]
    with numpy_only(), np.errstate(all="ignore"):
        plain = kernels.softmax_cross_entropy(x, target)
        slope = kernels.softmax_cross_entropy_input(plain[1], g, target)
    eps = np.finfo(dtype).eps
    quick = fast.softmax_cross_entropy(x, target)
    quick_slope = fast.softmax_cross_entropy_input(plain[1], g, target)
    for one, other in [*zip(quick, plain, strict=True), (quick_slope, slope)]:
        assert one.dtype == other.dtype == dtype
        scale = np.abs(other[np.isfinite(other)]).max(initial=1)
        np.testing.assert_allclose(one, other, rtol=32 * eps, atol=8 * eps * scale)


def test_cross_entropy_does_not_depend_on_threads_or_layout(monkeypatch):
    rng = np.random.default_rng(0)
    x, target = rng.normal(size=(7000, 37)).astype(np.float32), rng.integers(0, 37, 7000)
    runs = []
    for count in (1, 2, 3):
        monkeypatch.setattr(threads, "thread_count", lambda count=count: count)
        runs.append(fast.softmax_cross_entropy(x, target))
    runs.append(fast.softmax_cross_entropy(np.asfortranarray(x), target))
    for loss, probability in runs[1:]:
        np.testing.assert_array_equal(loss, runs[0][0])
        np.testing.assert_array_equal(probability, runs[0][1])
    assert fast.softmax_cross_entropy(x.astype(np.float16), target) is NotImplemented
