"""A normalization does the elementwise calls on its result, and gives what it gave."""

from contextlib import nullcontext

import numpy as np
import pytest

import minigrad as mg
from minigrad import functional as F  # noqa: N812
from minigrad import nn
from minigrad.compilation import PASSES, Compiled
from minigrad.compilation.fused_normalization import FusedNormalization
from minigrad.compilation.normalization_gradient import NormalizationGradient
from minigrad.kernels.jit import numpy_only
from minigrad.kernels.normalization import standardize, standardize_relu_gradients, standardize_then
from tests.compilation.helper import Training, training

pytestmark = pytest.mark.filterwarnings("ignore:overflow")
SIZES = [((8, 6, 9, 9), (0, 2, 3)), ((5, 16, 40), (0, 2)), ((6, 8, 5, 16), (2, 3)), ((2, 700, 4, 4), (0, 2, 3))]


def fused(compiled):
    return [i for i in compiled.program.instructions if isinstance(i.function, FusedNormalization)]


@pytest.mark.parametrize(("shape", "axis"), SIZES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_relu_and_a_sum_behind_a_normalization(monkeypatch, shape, axis, dtype):
    pytest.importorskip("numba")
    rng = np.random.default_rng(0)
    kept = tuple(1 if k in axis else n for k, n in enumerate(shape))
    x, y, w, b = (mg.Tensor(rng.normal(size=s).astype(dtype)) for s in (shape, shape, kept, kept))

    def step(x, y):
        out, mean, variance = mg.ops.standardize(x, w, b, axis=axis)
        return mg.relu(out + y), mean, variance

    compiled, results = Compiled(step), []
    for threads in (1, 1, 1, 2, 3):
        monkeypatch.setattr("minigrad.kernels.threads.thread_count", lambda threads=threads: threads)
        results.append([part.numpy().copy() for part in compiled(x, y)])
    assert len(fused(compiled)) == 1
    for found, expected in zip(results[2], step(x, y), strict=True):
        np.testing.assert_allclose(found, expected.numpy(), rtol=1e-5, atol=1e-6)
    for later in results[3:]:
        for one, other in zip(results[2], later, strict=True):
            np.testing.assert_array_equal(one, other)
    y._data = np.ascontiguousarray(y._data.swapaxes(0, 1)).swapaxes(0, 1)  # another layout
    np.testing.assert_allclose(compiled(x, y)[0].numpy(), step(x, y)[0].numpy(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e30, 1e-42])
def test_numbers_that_are_not_finite_or_too_large(bad):
    pytest.importorskip("numba")
    x = np.random.default_rng(0).normal(size=(8, 4, 10, 10)).astype(np.float32)

    def step(x):
        return mg.relu(F.batch_norm(x, None, None, training=True))

    compiled = Compiled(step)
    for k in range(4):
        x[k, 1, 2] = bad
        with np.errstate(all="ignore"):
            found, expected = compiled(mg.Tensor(x)).numpy(), step(mg.Tensor(x)).numpy()
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    assert len(fused(compiled)) == 1


def test_the_kernel_is_its_numpy_form():
    rng = np.random.default_rng(0)
    for shape, axis in SIZES:
        kept = tuple(1 if k in axis else n for k, n in enumerate(shape))
        x, w, b = (rng.normal(size=s) for s in (shape, kept, kept))
        for case in ((w, b), (None, None)):
            seen = []
            for context in (numpy_only(), nullcontext()):
                numbers = np.zeros((3, np.prod(kept)))

                def note(d, s, t, start, stop, numbers=numbers):
                    numbers[:, start:stop] = [d[start:stop], s[start:stop], t[start:stop]]

                with context:
                    moments = standardize_then(x, *case, note, axis=axis, eps=1e-5)
                seen.append([numbers, *moments])
                d, s, t = (part.reshape(kept) for part in numbers)
                np.testing.assert_allclose((x + d) * s + t, standardize(x, *case, axis=axis, eps=1e-5)[0], atol=1e-10)
            for one, other in zip(*seen, strict=True):
                np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)


def network():
    def block():
        return nn.Sequential(nn.Conv2d(8, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU())

    return nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), block(), block(), nn.Flatten(),
                         nn.Linear(8 * 64, 5))  # fmt: skip


def test_training_with_normalization_is_the_eager_one():
    pytest.importorskip("numba")
    rng = np.random.default_rng(0)
    data = [(rng.normal(size=(8, 3, 8, 8)).astype(np.float32), rng.integers(0, 5, 8)) for _ in range(5)]
    sides: list[Training] = [training(network) for _ in "ab"]
    sides[1].step = Compiled(sides[1].step, tuple(each for each in PASSES if each.name != "elementwise fusion"))
    for side in sides:
        for x, y in data:
            side.step(mg.Tensor(x), mg.Tensor(y))
    assert len(fused(sides[1].step)) == 2
    for p, q in zip(*[side.model.state_dict().values() for side in sides], strict=True):
        np.testing.assert_allclose(p, q, rtol=1e-4, atol=1e-6)


def gradients_of_two_branches(x, w, b, g):
    """The gradients of relu(standardize) in two arrays whose results are joined: each cotangent is part of an array."""

    def loss(x, w, b):
        parts = [mg.relu(mg.ops.standardize(y, w, b, axis=(0, 2, 3))[0]) for y in (x, x * 2)]
        return (mg.concat(parts, axis=1) ** 2 * g).sum()

    return mg.grad(loss, argnums=(0, 1, 2))(x, w, b)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [(8, 6, 9, 9), (3, 5, 20, 40)])
def test_the_gradient_behind_a_relu(monkeypatch, size, dtype):
    pytest.importorskip("numba")
    rng = np.random.default_rng(0)
    shapes = (size, (size[1], 1, 1), (size[1], 1, 1), (size[0], 2 * size[1], *size[2:]))
    given = [rng.normal(size=shape).astype(dtype) for shape in shapes]
    step, results = Compiled(gradients_of_two_branches), []
    expected = gradients_of_two_branches(*map(mg.Tensor, given))
    for threads in (1, 1, 1, 2, 3):
        monkeypatch.setattr("minigrad.kernels.threads.thread_count", lambda threads=threads: threads)
        results.append([part.numpy().copy() for part in step(*map(mg.Tensor, given))])
    names = [i.name for i in step.program.instructions if isinstance(i.function, NormalizationGradient)]
    assert names == ["standardize_relu.x_w_b"] * 2
    tolerance = 1e-4 if dtype == np.float32 else 1e-10
    for found, other in zip(results[2], expected, strict=True):
        np.testing.assert_allclose(found, other.numpy(), rtol=tolerance, atol=tolerance)
    for later in results[3:]:
        for one, other in zip(results[2], later, strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e30])
@pytest.mark.parametrize("place", [0, 1, 3])
def test_the_gradient_behind_a_relu_is_silent_where_the_rule_is(bad, place):
    pytest.importorskip("numba")
    rng = np.random.default_rng(0)
    given = [
        rng.normal(size=shape).astype(np.float32) for shape in ((8, 4, 10, 10), (4, 1, 1), (4, 1, 1), (8, 8, 10, 10))
    ]
    step = Compiled(gradients_of_two_branches)
    with np.errstate(all="ignore"):
        for _ in range(3):
            step(*map(mg.Tensor, given))
        given[3][:, 1] = 0  # nothing depends on this channel
        for channel in (1, 2):
            changed = [x.copy() for x in given]
            changed[place][..., channel, 0, 0] = bad
            pairs = zip(
                step(*map(mg.Tensor, changed)), gradients_of_two_branches(*map(mg.Tensor, changed)), strict=True
            )
            for found, expected in pairs:
                np.testing.assert_allclose(found.numpy(), expected.numpy(), rtol=1e-4, atol=1e-4)


def test_the_kernel_of_the_gradient_is_its_numpy_form():
    rng = np.random.default_rng(0)
    for shape, axis in SIZES:
        kept = tuple(1 if k in axis else n for k, n in enumerate(shape))
        x, g, w, b = (rng.normal(size=s) for s in (shape, shape, kept, kept))
        _, mean, variance = standardize(x, w, b, axis=axis, eps=1e-5)
        wide = np.concatenate([g, g], axis=1)
        for cotangent in (g, wide[:, g.shape[1] :], np.asfortranarray(g)):
            fast = standardize_relu_gradients(cotangent, x, w, b, mean, variance, axis=axis, eps=1e-5)
            with numpy_only():
                plain = standardize_relu_gradients(g, x, w, b, mean, variance, axis=axis, eps=1e-5)
            for one, other in zip(fast, plain, strict=True):
                np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-9)


def test_a_relu_behind_a_normalization_is_not_kept_for_its_gradient():
    pytest.importorskip("numba")
    given = [np.random.default_rng(0).normal(size=size) for size in ((8, 6, 9, 9), (6, 1, 1), (6, 1, 1), (8, 12, 9, 9))]
    step = Compiled(gradients_of_two_branches)
    for _ in range(3):
        step(*map(mg.Tensor, given))
    made = {number for each in fused(step) for number in each.makes[:1]}
    names = [i.name for i in step.program.instructions if not made.isdisjoint(i.reads)]
    assert names == ["concat"]
