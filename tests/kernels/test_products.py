"""Loops over arrays that broadcast, and for all products of an op: what NumPy gives, one after the other."""

import numpy as np
import pytest

pytest.importorskip("numba")

import minigrad as mg
from minigrad import ops
from minigrad.kernels import threads
from minigrad.kernels.fusion.products import Products
from minigrad.kernels.jit import numpy_only

SHAPES = [
    ((96, 200), (200,)),
    ((96, 200), (96, 1)),
    ((4, 24, 10, 20), (24, 1, 1)),
    ((8, 12, 200), (8, 1, 200)),
    ((96, 200), (96, 200)),
]
OPS = [ops.multiply, ops.divide, ops.maximum, ops.add, ops.subtract, ops.hypot]
UNUSUAL = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-45, -1e-40, 5e-324, 3e38]


def numbers(rng, shape, dtype, *, unusual=False):
    x = rng.normal(size=shape)
    if unusual:
        places = rng.integers(x.size, size=60)
        x.reshape(-1)[places] = rng.choice(UNUSUAL, 60)
    with np.errstate(over="ignore"):
        return x.astype(dtype)


def pulled(op, x, y, g):
    """The result and the two cotangents."""
    x, y = mg.Tensor(x, requires_grad=True), mg.Tensor(y, requires_grad=True)
    out = op(x, y)
    out.backward(mg.Tensor(g))
    return out.numpy(), x.grad.numpy(), y.grad.numpy()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("shape", "other"), SHAPES)
@pytest.mark.parametrize("op", OPS, ids=str)
def test_one_loop_gives_what_numpy_gives(op, shape, other, dtype, rng):
    arrays = numbers(rng, shape, dtype), numbers(rng, other, dtype), numbers(rng, shape, dtype)
    found = pulled(op, *arrays)
    with numpy_only():
        expected = pulled(op, *arrays)
    for a, b in zip(found, expected, strict=True):
        scale = np.abs(b).max()
        np.testing.assert_allclose(a, b, rtol=100 * np.finfo(dtype).eps, atol=50 * np.finfo(dtype).eps * scale)
        assert a.shape == b.shape
        assert a.dtype == dtype


@pytest.mark.parametrize(("shape", "other"), SHAPES)
@pytest.mark.parametrize("op", [ops.multiply, ops.divide, ops.maximum], ids=str)
def test_unusual_numbers_stay_what_they_are_and_silence_is_kept(op, shape, other, rng):
    """A cotangent of 0 passes on 0, whatever the slope, also within a sum."""
    x, y, g = [numbers(rng, s, np.float32, unusual=True) for s in (shape, other, shape)]
    g[np.isnan(x) & (rng.random(shape) < 0.5)] = 0
    with np.errstate(all="ignore"):
        found = pulled(op, x, y, g)
        with numpy_only():
            expected = pulled(op, x, y, g)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(np.isnan(a), np.isnan(b))
        finite = np.isfinite(b)
        np.testing.assert_array_equal(a[~finite], b[~finite])
        np.testing.assert_allclose(a[finite], b[finite], rtol=1e-4, atol=1e-45)


@pytest.mark.parametrize(("shape", "other"), [((512, 256), (256,)), ((8, 64, 16, 32), (64, 1, 1)), ((512, 256),) * 2])
def test_results_do_not_depend_on_the_number_of_threads(shape, other, rng, monkeypatch):
    arrays = numbers(rng, shape, np.float32), numbers(rng, other, np.float32), numbers(rng, shape, np.float32)
    found = []
    for count in (1, 2, 3):
        monkeypatch.setattr(threads, "thread_count", lambda count=count: count)
        found.append(pulled(ops.multiply, *arrays))
    for other_found in found[1:]:
        for a, b in zip(found[0], other_found, strict=True):
            np.testing.assert_array_equal(a, b)


def test_sums_are_as_exact_as_those_of_numpy(rng):
    x, y, g = (
        numbers(rng, (4096, 32), np.float32),
        numbers(rng, (32,), np.float32),
        numbers(rng, (4096, 32), np.float32),
    )
    _, _, to_y = pulled(ops.multiply, x, y, g)
    exact = (x.astype(np.float64) * g).sum(axis=0)
    naive = (x * g).sum(axis=0)
    assert np.abs(to_y - exact).max() <= 2 * np.abs(naive - exact).max()


def test_what_no_loop_can_do_is_left_to_numpy(rng):
    f = Products(lambda x, y: (x * y,), "left", [False])
    x, y = numbers(rng, (64, 64), np.float32), numbers(rng, (64,), np.float32)
    shape = x.shape
    assert f((x, y), shape, (shape,)) is not NotImplemented
    for a, b in (
        (np.repeat(x, 2, axis=1)[:, ::2], y), (x, y.astype(np.float64)), (x.astype(np.float16), y.astype(np.float16)),
        (x, 2.0), (x[:4], y), (x.astype(int), y.astype(int)), (x.astype(x.dtype.newbyteorder()), y),
    ):  # fmt: skip
        assert f((a, b), np.shape(a), (np.shape(a),)) is NotImplemented
    sine = Products(lambda g, x: (g * np.sin(x), g), "limited", [False, False])
    assert sine((x, x), shape, (shape, (64,))) is NotImplemented  # elements are computed twice where x is large
