"""Loops over arrays that broadcast: seen as rows, they give what NumPy gives."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.compilation import Compiled
from minigrad.kernels.fusion.row_view import MIN_ROW, RowView
from tests.compilation.helper import fused_loops

SHAPES = [
    ((4, 8, 8, 16), (8, 1, 1)),
    ((4, 8, 8, 16), (1, 8, 1, 1)),
    ((4, 8, 8, 16), (4, 1, 1, 1)),
    ((4, 8, 8, 16), (8, 16)),
    ((4, 8, 8, 16), (4, 1, 8, 16)),
    ((128, 40), (40,)),
    ((128, 40), (128, 1)),
    ((128, 40), ()),
    ((5000,), (1,)),
]


def seen(view: RowView, array: np.ndarray, k: int) -> np.ndarray:
    """An array as a loop sees it."""
    step = array.itemsize * np.array([*view.steps[k], 0 if view.single[k] else 1])
    return np.lib.stride_tricks.as_strided(array, (view.outer, view.middle, view.row), step)


@given(st.data())
def test_a_view_shows_what_broadcasting_gives(data):
    shape = tuple(data.draw(st.lists(st.sampled_from([1, 2, 3, MIN_ROW, 2 * MIN_ROW]), min_size=1, max_size=4)))
    others = [
        tuple(n if data.draw(st.booleans()) else 1 for n in shape)[data.draw(st.integers(0, len(shape))) :]
        for _ in range(data.draw(st.integers(1, 3)))
    ]
    view = RowView.of(shape, others)
    if view is None:
        return
    assert view.outer * view.middle * view.row == np.prod(shape)
    for k, other in enumerate(others):
        array = np.arange(float(np.prod(other))).reshape(other)
        expected = np.broadcast_to(array, shape).reshape(view.outer, view.middle, view.row)
        np.testing.assert_array_equal(seen(view, array, k), expected)
        np.testing.assert_array_equal(seen(view.turned(), array, k), expected.swapaxes(0, 1))


def test_short_rows_and_patterns_of_four_parts_have_no_view():
    assert RowView.of((100, 3), [(3,)]) is None
    assert RowView.of((2, 3, 4, 32), [(2, 1, 4, 1)]) is None
    assert RowView.of((4, 5), [(4, 6)]) is None
    assert RowView.of((0, 32), [(32,)]) is None


def chain(x, a, b):
    return (mg.tanh(x * a + b) - mg.maximum(x, a) / (1 + b * b)).detach()


def cotangents(x, a, b):
    x.grad = None
    (mg.relu(x * a + b) * mg.sigmoid(x)).sum().backward()
    return x.grad


@pytest.mark.parametrize(("shape", "other"), SHAPES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("function", [chain, cotangents])
def test_loops_by_rows_give_what_the_calls_give(shape, other, dtype, function):
    pytest.importorskip("numba")
    rng, compiled = np.random.default_rng(0), Compiled(function)
    for turn in range(4):
        x, a, b = (rng.normal(size=s).astype(dtype) for s in (shape, other, other))
        if turn == 3:
            special = [np.nan, np.inf, -np.inf, 0.0, -0.0, np.finfo(dtype).tiny / 4, np.finfo(dtype).max]
            x.reshape(-1)[:: x.size // 7][:7] = special
        tensors = [mg.Tensor(x, requires_grad=True), mg.Tensor(a), mg.Tensor(b)]
        with np.errstate(all="ignore"):
            expected, found = function(*tensors).numpy().copy(), compiled(*tensors).numpy()
        np.testing.assert_allclose(found, expected, rtol=1e-5 if dtype == np.float32 else 1e-12, atol=1e-6)
    assert any(loop.view is not None for loop in fused_loops(compiled))


def test_other_layouts_and_threads_change_nothing(monkeypatch):
    pytest.importorskip("numba")
    rng, compiled = np.random.default_rng(0), Compiled(lambda x, a, b: mg.tanh(x * a + b))
    x, a, b = (mg.Tensor(rng.normal(size=shape)) for shape in ((64, 32, 400), (32, 1), (32, 1)))
    results = []
    for threads in (1, 1, 1, 2, 3):
        monkeypatch.setattr("minigrad.kernels.threads.thread_count", lambda threads=threads: threads)
        results.append(compiled(x, a, b).numpy().copy())
    (loop,) = fused_loops(compiled)
    assert loop.view is not None
    for result in results[3:]:
        np.testing.assert_array_equal(result, results[2])
    turned = np.ascontiguousarray(x._data.transpose(2, 1, 0)).transpose(2, 1, 0)
    np.testing.assert_allclose(loop(turned, a._data, b._data), results[2], rtol=1e-12, atol=1e-14)


def test_a_result_in_the_memory_of_an_input_has_a_loop_of_its_own():
    pytest.importorskip("numba")
    rng, compiled = np.random.default_rng(0), Compiled(lambda x, a: mg.relu(x * a + 1))
    for other in ((64, 64), (64, 1)):
        x, a = (mg.Tensor(rng.normal(size=shape).astype(np.float32)) for shape in ((64, 64), other))
        for _ in range(3):
            expected = compiled(x, a).numpy().copy()
        loop = fused_loops(compiled)[0]
        taken = x._data.copy()
        order = [a._data, taken] if loop.view is None and loop.inputs[0] != 0 else [taken, a._data]
        assert loop(*order, taken) is taken
        np.testing.assert_array_equal(taken, expected)
