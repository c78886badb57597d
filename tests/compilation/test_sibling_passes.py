"""Pointwise convolutions of the same images, and sums of their gradients, are products of their own in programs."""

from dataclasses import replace

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.compilation import PASSES, Compiled
from minigrad.compilation.program import Ref
from minigrad.compilation.sibling_passes import sum_siblings

SIZE, OUTS = (4, 64, 14, 14), (32, 16, 24)


def arrays(seed=0, dtype=np.float32, size=SIZE):
    """Images, kernels, and factors of the loss."""
    rng = np.random.default_rng(seed)
    shapes = [size, *[(o, size[1], 1, 1) for o in OUTS], *[(size[0], o, *size[2:]) for o in OUTS]]
    return [rng.normal(size=shape).astype(dtype) for shape in shapes]


def gradients(x, *others, more=lambda x: (x**3).sum(), conv=mg.ops.conv):
    """Those of pointwise convolutions of the same images, and of what else is done with these."""

    def loss(x, *ws):
        return sum([((y := conv(x, w, None)) * y * g).sum() for w, g in zip(ws, others[3:], strict=True)]) + more(x)

    return mg.grad(loss, argnums=(0, 1, 2, 3))(x, *others[:3])


def run(step, changed=lambda x: None, **settings):
    """The program of a function, and what both give for several inputs."""
    compiled, pairs = Compiled(step), []
    for seed in range(5):
        given = arrays(seed, **settings)
        changed(given)
        tensors = [mg.Tensor(each) for each in given]
        with np.errstate(invalid="ignore", over="ignore"):
            pairs += [(a.numpy(), b.numpy()) for a, b in zip(compiled(*tensors), step(*tensors), strict=True)]
    return compiled.program, pairs


def names(program):
    return sorted(each.name for each in program.instructions if each.name.startswith("conv"))


BOTH = ["conv.w", "conv.w", "conv.w", "conv_each", "conv_sum"]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("more", [lambda x: (x**3).sum(), lambda x: 0])
def test_branches_are_one_product_in_both_directions(dtype, more):
    pytest.importorskip("numba")
    program, pairs = run(lambda *args: gradients(*args, more=more), dtype=dtype)
    assert names(program) == BOTH
    for found, expected in pairs:
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-2)


@pytest.mark.parametrize("size", [(1, 64, 14, 14), (4, 60, 14, 14)])
def test_small_ones_are_left_alone(size):
    program, _ = run(gradients, size=size)
    assert names(program) == sorted(["conv", "conv.x", "conv.w"] * 3)


@pytest.mark.parametrize("settings", [{"stride": 2}, {"padding": 1}, {"groups": 2}])
def test_other_settings_are_left_alone(settings):
    pytest.importorskip("numba")

    def step(x, v, w):
        def loss(x, v, w):
            return sum([(mg.ops.conv(x, k, None, **settings) ** 2).sum() for k in (v, w)])

        return mg.grad(loss, argnums=(0, 1, 2))(x, v, w)

    x, v, w = arrays()[0], *np.random.default_rng(0).normal(size=(2, 64, 64, 1, 1)).astype(np.float32)
    if "groups" in settings:
        v, w = v[:, :32].copy(), w[:, :32].copy()
    compiled = Compiled(step)
    for _ in range(3):
        compiled(*map(mg.Tensor, (x, v, w)))
    assert names(compiled.program) == sorted(["conv", "conv.x", "conv.w"] * 2)


def spoil(given):
    """Infinite and missing kernels, where some cotangents are 0 and others are not."""
    given[1][3, 5], given[2][7, 6] = np.inf, np.nan
    given[4][:2, 3], given[5][1:3, 7] = 0, 0
    given[0][3, 9, 2, 2] = np.inf


def test_cotangents_of_zero_stay_silent():
    pytest.importorskip("numba")
    program, pairs = run(gradients, spoil)
    assert names(program) == BOTH
    for found, expected in pairs:
        np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-2)


def test_a_cotangent_that_others_read_is_there():
    pytest.importorskip("numba")
    step = Compiled(gradients, PASSES[:1])
    for _ in range(3):
        step(*map(mg.Tensor, arrays()))
    program = step.program
    total = next(each for each in program.instructions if each.kind == "accumulate")
    number, readers = max(program.values) + 1, []
    for rule in [each for each in program.instructions if each.name == "conv.x"]:
        readers.append(replace(total, arguments=(Ref(rule.results), Ref(rule.results)), results=number + len(readers)))
    values = {**program.values, **{each.results: program.values[total.results] for each in readers}}
    assert names(sum_siblings(program)) != names(program)
    read = replace(program, instructions=(*program.instructions, *readers), values=values)
    assert sum_siblings(read).instructions == read.instructions


class Branches(nn.Module):
    """An inception module without its other kernels, behind a convolution."""

    def __init__(self):
        self.first = nn.Conv2d(8, 64, 3, padding=1, bias=False)
        self.branches = nn.ModuleList(
            [nn.Sequential(nn.Conv2d(64, o, 1, bias=False), nn.BatchNorm2d(o), nn.ReLU()) for o in OUTS]
        )

    def forward(self, x):
        x = self.first(x)
        return mg.concat([branch(x) for branch in self.branches], axis=1)


def test_training_steps_of_branches_with_normalization():
    pytest.importorskip("numba")
    x = mg.Tensor(np.random.default_rng(0).normal(size=(4, 8, 14, 14)).astype(np.float32))
    results = []
    for compile in (False, True):
        mg.seed(0)
        model = Branches()
        optimizer = optim.SGD(model.parameters(), lr=0.01, momentum=0.9)

        def step(model=model, optimizer=optimizer):
            optimizer.zero_grad()
            loss = (model(x) ** 3).mean()
            loss.backward()
            optimizer.step()
            return loss

        run_step = Compiled(step) if compile else step
        losses = [run_step().item() for _ in range(6)]
        results.append((losses, [*model.state_dict().values()]))
    assert names(run_step.program)[-2:] == ["conv_each", "conv_sum"]
    np.testing.assert_allclose(results[0][0], results[1][0], rtol=1e-4)
    for one, other in zip(results[0][1], results[1][1], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4)


def test_kernels_that_change_in_between_are_read_when_they_are_needed():
    pytest.importorskip("numba")
    rng = np.random.default_rng(0)
    x = mg.Tensor(rng.normal(size=SIZE).astype(np.float32))
    start = rng.normal(size=(2, 40, 64, 1, 1)).astype(np.float32)
    results = []
    for compile in (False, True):
        v, w = (nn.Parameter(each.copy()) for each in start)
        optimizer = optim.SGD([v, w], lr=1e-4)

        def step(v=v, w=w, optimizer=optimizer):
            first = mg.ops.conv(x, v, None)
            ((first * first).sum() + (w * w).sum()).backward()
            optimizer.step()
            optimizer.zero_grad()
            return mg.ops.conv(x, w, None).detach()

        run_step = Compiled(step) if compile else step
        results.append([run_step().numpy() for _ in range(5)])
    assert "conv_each" not in names(run_step.program)
    for one, other in zip(*results, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4)


def test_results_of_one_shape_lie_in_the_arena():
    pytest.importorskip("numba")

    def step(x, v, w):
        return mg.grad(lambda x: sum([(mg.ops.conv(x, k, None) ** 3).sum() for k in (v, w)]))(x)

    compiled, (x, v, *_) = Compiled(step), arrays()
    for w in (2 * v, 3 * v, -v, v - 1):  # which make other images
        given = [mg.Tensor(each) for each in (x, v, w)]
        np.testing.assert_allclose(compiled(*given).numpy(), step(*given).numpy(), rtol=1e-4, atol=1)
    (each,) = [each for each in compiled.program.instructions if each.name == "conv_each"]
    assert len(each.makes) == 2
    assert set(each.makes) <= compiled.program.places.keys()
