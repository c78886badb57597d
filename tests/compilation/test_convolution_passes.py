"""What is done to a convolution's result is done by its kernels, or part by part, and gives the same."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import functional as F  # noqa: N812
from minigrad import nn, optim
from minigrad.compilation import PASSES, Compiled
from minigrad.compilation.fused_convolution import FusedConvolution
from minigrad.kernels.finish import rows_by_image

WITHOUT_LOOPS = tuple(each for each in PASSES if "fusion" not in each.name)
SHAPES = [  # images, kernels, settings: each is computed in another way
    pytest.param((8, 16, 20, 20), (32, 16, 3, 3), {"padding": 1}, id="Winograd's tiles"),
    pytest.param((4, 64, 7, 7), (150, 64, 3, 3), {"padding": 1}, id="few tiles, cut by outputs"),
    pytest.param((4, 16, 24, 24), (16, 16, 5, 5), {"stride": 2}, id="strips"),
    pytest.param((4, 3, 40, 40), (16, 3, 7, 7), {"stride": 2, "padding": 3}, id="planes"),
    pytest.param((6, 6, 20, 20), (10, 6, 3, 3), {}, id="direct"),
    pytest.param((4, 40, 16, 16), (36, 40, 5, 5), {"padding": 2}, id="Winograd's tiles of 2 x 2"),
    pytest.param((9, 40, 16, 16), (24, 40, 1, 1), {}, id="pixels"),
    pytest.param((4, 24, 17, 17), (40, 12, 3, 3), {"groups": 2, "dilation": 2}, id="columns"),
]


def arrays(x, w, dtype=np.float32, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=shape).astype(dtype) for shape in (x, w, (w[0],), (w[0], 1, 1), (1, w[0], 1, 1))]


def fused(compiled):
    return [i for i in compiled.program.instructions if isinstance(i.function, FusedConvolution)]


def replayed(function, *args, passes=PASSES, calls=3):
    compiled = Compiled(function, passes)
    for _ in range(calls):
        found = compiled(*args)
    assert compiled.reason is None
    return compiled, found.numpy().copy()


@pytest.mark.family
@pytest.mark.parametrize(("x", "w", "settings"), SHAPES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_bias_and_relu_are_the_eager_ones_bit_for_bit(monkeypatch, x, w, settings, dtype):
    pytest.importorskip("numba")
    pixels, kernels, bias, *_ = map(mg.Tensor, arrays(x, w, dtype))
    pixels._data[0, 0, 3, 3], pixels._data[1, 1, 4, 4] = np.inf, np.nan

    def step(a):
        return mg.relu(F.conv2d(a, kernels, bias, **settings))

    with np.errstate(all="ignore"):
        expected = step(pixels).numpy()
        for threads in (1, 2, 3):
            monkeypatch.setattr("minigrad.kernels.threads.thread_count", lambda threads=threads: threads)
            compiled, found = replayed(step, pixels)
            np.testing.assert_array_equal(found, expected)
    assert len(fused(compiled)) == 1


@pytest.mark.parametrize(("x", "w", "settings"), SHAPES)
def test_normalization_a_sum_and_relu_become_one_call(x, w, settings):
    pytest.importorskip("numba")
    pixels, kernels, bias, factor, term = map(mg.Tensor, arrays(x, w))
    shape = F.conv2d(pixels, kernels, **settings).shape
    other = mg.Tensor(np.random.default_rng(1).normal(size=shape).astype(np.float32))

    def step(a, y):
        return mg.relu(F.conv2d(a, kernels, bias, **settings) * factor + term + y)

    compiled, found = replayed(step, pixels, other)
    expected = step(pixels, other).numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())
    assert len(fused(compiled)) == 1
    other._data = np.ascontiguousarray(other._data.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)  # another layout
    np.testing.assert_allclose(compiled(pixels, other).numpy(), expected, rtol=1e-4, atol=1e-3)


def test_kernels_take_the_normalization_also_without_loops():
    x, w, settings = SHAPES[0].values
    pixels, kernels, bias, factor, term = map(mg.Tensor, arrays(x, w))
    for b in (None, bias):
        compiled, found = replayed(lambda a, b=b: term + factor * F.conv2d(a, kernels, b, **settings), pixels,
                                   passes=WITHOUT_LOOPS)  # fmt: skip
        expected = (F.conv2d(pixels, kernels, b, **settings) * factor + term).numpy()
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
        large = [i for i in compiled.program.instructions if compiled.program.values[i.makes[0]].shape == found.shape]
        assert [i.name for i in large] == ["conv"]


def test_a_convolution_that_others_need_stays():
    pytest.importorskip("numba")
    x, w, settings = SHAPES[0].values
    pixels, kernels, bias, factor, _ = map(mg.Tensor, arrays(x, w))

    def step(a):
        y = F.conv2d(a, kernels, bias, **settings)
        return mg.relu(y * factor) + mg.sum(y)

    compiled, found = replayed(step, pixels)
    np.testing.assert_allclose(found, step(pixels).numpy(), rtol=1e-4)
    assert not fused(compiled)


def test_a_loop_with_two_results_gives_both():
    pytest.importorskip("numba")
    x, w, settings = SHAPES[0].values
    pixels, kernels, bias, *_ = map(mg.Tensor, arrays(x, w))

    def step(a):
        y = mg.tanh(F.conv2d(a, kernels, bias, **settings))
        return y, y * y

    compiled = Compiled(step)
    for _ in range(3):
        found = compiled(pixels)
    for one, other in zip(found, step(pixels), strict=True):
        np.testing.assert_allclose(one.numpy(), other.numpy(), rtol=1e-5, atol=1e-6)
    assert len(fused(compiled)) == 1


def test_weights_that_change_between_the_calls_are_read_before():
    """An update between a convolution and what takes its result keeps both where they are."""
    pytest.importorskip("numba")
    x, w, settings = SHAPES[0].values
    pixels, kernels, *_ = arrays(x, w)
    results = []
    for compile in (False, True):
        weights = mg.Tensor(kernels.copy(), requires_grad=True)
        optimizer = optim.SGD([weights], lr=0.1)

        def step(a, weights=weights, optimizer=optimizer):
            optimizer.zero_grad()
            y = F.conv2d(a, weights, **settings).detach()
            (weights * weights).sum().backward()
            optimizer.step()
            return mg.relu(y)

        run = Compiled(step) if compile else step
        results.append([run(mg.Tensor(pixels)).numpy().copy() for _ in range(4)])
    np.testing.assert_array_equal(*results)


def test_evaluation_of_a_residual_network_follows_its_parameters():
    class Block(nn.Module):
        def __init__(self):
            self.conv1, self.norm1 = nn.Conv2d(16, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16)
            self.conv2, self.norm2 = nn.Conv2d(16, 16, 1), nn.BatchNorm2d(16)

        def forward(self, x):
            return mg.relu(self.norm2(self.conv2(mg.relu(self.norm1(self.conv1(x))))) + x)

    model = nn.Sequential(Block(), Block()).eval()
    rng = np.random.default_rng(0)
    x = mg.Tensor(rng.normal(size=(4, 16, 12, 12)).astype(np.float32))

    def evaluate(x):
        with mg.no_grad():
            return model(x)

    compiled = Compiled(evaluate)
    for turn in range(5):
        old = model.state_dict()
        new = {
            name: rng.uniform(0.2, 1, size=a.shape).astype(a.dtype) for name, a in old.items() if a.dtype.kind == "f"
        }
        model.load_state_dict({**old, **new})
        np.testing.assert_allclose(compiled(x).numpy(), evaluate(x).numpy(), rtol=1e-4, atol=1e-3, err_msg=str(turn))
    made = [(i.name, compiled.program.values[i.makes[0]].shape) for i in compiled.program.instructions if i.makes]
    assert [name[:9] for name, shape in made if shape == x.shape] == ["conv_relu", "conv_add_"] * 2


@given(st.integers(0, 40), st.integers(0, 40), st.integers(1, 9))
def test_rows_are_those_of_images(start, length, height):
    rows = [
        image * height + row
        for images, some in rows_by_image(start, start + length, height)
        for image in range(*images)
        for row in range(*some)
    ]
    assert rows == list(range(start, start + length))
