"""A relu in front of max pooling: its gradient is taken of the pooled image, and is what it was, bit for bit."""

from dataclasses import replace

import numpy as np
import pytest

import minigrad as mg
from minigrad.compilation import PASSES, Compiled
from minigrad.compilation.pooling_passes import relu_behind_pooling

SETTINGS = [
    {"kernel": 2},
    {"kernel": 3, "stride": 2},
    {"kernel": 3, "stride": 2, "padding": 1, "ceil_mode": True},
    {"kernel": 3, "stride": 2, "dilation": 2},
]


def gradients(settings):
    def step(x, g):
        return mg.grad(lambda x: (mg.ops.max_pool(mg.relu(x), **settings) * g).sum())(x)

    return step


def names(program):
    """Those of the calls of both rules, also in loops."""
    parts = [part for i in program.instructions if i.backward for part in i.parts or (i,)]
    return [part.name for part in parts if part.name in ("relu.x", "max_pool.x")]


@pytest.mark.parametrize("passes", [PASSES, tuple(each for each in PASSES if "fusion" not in each.name)])
@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_gradient_is_the_eager_one_bit_for_bit(settings, dtype, passes):
    pytest.importorskip("numba")
    rng = np.random.default_rng(0)
    function = gradients(settings)
    step = Compiled(function, passes)
    for k in range(5):
        x = rng.normal(size=(8, 16, 27, 31)).astype(dtype)
        x[:, 0], x[:, 1, :3], x[:, 2, 5], x[:, 3, 5], x[:, 4] = -1, 0, np.nan, np.inf, 1
        g = rng.normal(size=mg.ops.max_pool(mg.Tensor(x), **settings).shape).astype(dtype)
        if k % 2:
            g[:, :5, :, 3] = [[0], [np.inf], [np.nan], [0], [np.inf]]
        with np.errstate(invalid="ignore"):
            found, expected = step(mg.Tensor(x), mg.Tensor(g)).numpy(), function(mg.Tensor(x), mg.Tensor(g)).numpy()
        np.testing.assert_array_equal(found, expected)
    assert names(step.program) == ["relu.x", "max_pool.x"]


def captured():
    """A program before the pass, and its call of the rule of relu."""
    pytest.importorskip("numba")
    x, g = np.random.default_rng(0).normal(size=(2, 8, 16, 32, 32)).astype(np.float32)
    step = Compiled(gradients({"kernel": 2}), (PASSES[0],))
    for _ in range(3):
        step(mg.Tensor(x), mg.Tensor(g[..., ::2, ::2].copy()))
    relu = next(i for i in step.program.instructions if i.name == "relu.x")
    return step.program, relu


def test_the_result_of_the_relu_is_not_kept():
    program, _ = captured()
    after = relu_behind_pooling(program)
    assert names(program) == ["max_pool.x", "relu.x"]
    assert names(after) == ["relu.x", "max_pool.x"]
    relu = next(i.results for i in program.instructions if i.name == "relu")
    assert [i.name for i in program.instructions if relu in i.reads] == ["max_pool", "relu.x"]
    assert [i.name for i in after.instructions if relu in i.reads] == ["max_pool"]


def test_another_use_of_the_gradient_or_the_pixels_is_left_alone():
    def both(x):
        y = mg.relu(x)
        return mg.grad(lambda y: (mg.ops.max_pool(y, kernel=2) ** 2).sum())(y) * (y > 0)

    def shared(x):
        return mg.grad(lambda x: (mg.ops.max_pool(y := mg.relu(x), kernel=2) ** 2).sum() + (y**3).sum())(x)

    for function in (both, shared):
        step = Compiled(function)
        x = mg.Tensor(np.random.default_rng(0).normal(size=(4, 4, 32, 32)))
        for _ in range(4):
            found = step(x).numpy()
        np.testing.assert_allclose(found, function(x).numpy(), rtol=1e-12)


def test_a_gradient_of_the_pooling_that_others_read_stays_what_it_was():
    program, relu = captured()
    number = max(program.values) + 1
    again = replace(relu, results=number)
    values = {**program.values, number: program.values[relu.results]}
    program = replace(program, instructions=(*program.instructions, again), values=values)
    assert relu_behind_pooling(program).instructions == program.instructions


def test_what_is_pooled_must_be_the_result_of_the_relu():
    program, relu = captured()
    pooling = next(i for i in program.instructions if i.name == "max_pool")
    other = next(i for i in program.instructions if i.name == "relu").arguments  # what the relu is of
    changed = [replace(pooling, arguments=other) if i is pooling else i for i in program.instructions]
    program = replace(program, instructions=tuple(changed))
    assert relu in program.instructions
    assert relu_behind_pooling(program).instructions == program.instructions


@pytest.mark.parametrize("turned", [("g",), ("out",), ("g", "out")])
def test_the_gradient_of_the_relu_takes_arrays_of_any_layout(turned):
    program, _ = captured()
    moved = next(i for i in relu_behind_pooling(program).instructions if i.name == "relu.x")
    arrays = dict(
        zip(("g", "out"), np.random.default_rng(0).normal(size=(2, 8, 64, 32, 16)).astype(np.float32), strict=True)
    )
    for name in turned:
        arrays[name] = np.asfortranarray(arrays[name])
    g, out = arrays.values()
    np.testing.assert_array_equal(moved.function(g, out), np.where(out > 0, g, 0))
