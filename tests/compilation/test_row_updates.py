"""A large gradient of a linear layer is used some rows at a time: the update is what it was."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.compilation import Compiled, row_updates
from minigrad.compilation.memory import footprint
from minigrad.compilation.row_updates import RowUpdate

OPTIMIZERS = {
    "sgd": lambda p: optim.SGD(p, lr=0.1),
    "momentum": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.1),
    "adamw": lambda p: optim.AdamW(p, lr=0.01),
    "lion": lambda p: optim.Lion(p, lr=0.01),
    "nadam": lambda p: optim.NAdam(p, lr=0.01),
    "lamb": lambda p: optim.LAMB(p, lr=0.01),
}


@pytest.fixture
def of_any_size(monkeypatch):
    pytest.importorskip("numba")
    monkeypatch.setattr(row_updates, "LEAST_BYTES", 1 << 16)


def trained(kind, data, *, compiled, keep=False):
    mg.seed(0)
    model = nn.Sequential(nn.Linear(200, 250), nn.Tanh(), nn.Linear(250, 5)).astype(data[0][0].dtype)
    optimizer = OPTIMIZERS[kind](model.parameters())

    def step(x, y):
        optimizer.zero_grad()
        ((model(x) - y) ** 2).sum().backward()
        optimizer.step()
        if not keep:
            optimizer.zero_grad()

    if compiled:
        step = Compiled(step)
    with np.errstate(all="ignore"):
        for x, y in data:
            step(mg.Tensor(x), mg.Tensor(y))
    return [p.numpy() for p in model.parameters()], step


def data_of(dtype=np.float32, shape=(8, 200)):
    rng = np.random.default_rng(0)
    return [(rng.normal(size=shape).astype(dtype), rng.normal(size=(*shape[:-1], 5)).astype(dtype)) for _ in range(6)]


def by_rows(step):
    return [i for i in step.program.instructions if isinstance(i.function, RowUpdate)]


@pytest.mark.usefixtures("of_any_size")
@pytest.mark.parametrize("kind", OPTIMIZERS)
@pytest.mark.parametrize(("dtype", "shape"), [(np.float32, (8, 200)), (np.float64, (2, 3, 200))])
def test_parameters_are_the_eager_ones(kind, dtype, shape):
    expected, _ = trained(kind, data_of(dtype, shape), compiled=False)
    found, step = trained(kind, data_of(dtype, shape), compiled=True)
    assert len(by_rows(step)) == 1
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5 if dtype == np.float32 else 1e-12, atol=1e-6)
    gradients = 250 * 200 * np.dtype(dtype).itemsize
    assert kind == "lamb" or footprint(step.program) < gradients


@pytest.mark.usefixtures("of_any_size")
@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e30])
def test_numbers_that_are_not_finite(bad):
    data = data_of()
    data[4][0][1, 7] = bad
    data[5][1][:, 2] = bad
    expected, _ = trained("momentum", data, compiled=False)
    found, step = trained("momentum", data, compiled=True)
    assert by_rows(step)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


@pytest.mark.usefixtures("of_any_size")
def test_a_gradient_that_is_kept_is_whole():
    expected, _ = trained("momentum", data_of(), compiled=False, keep=True)
    found, step = trained("momentum", data_of(), compiled=True, keep=True)
    assert not by_rows(step)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_small_matrices_are_left_alone():
    pytest.importorskip("numba")
    assert not by_rows(trained("sgd", data_of(), compiled=True)[1])


@pytest.mark.usefixtures("of_any_size")
def test_a_cotangent_of_0_is_silent():
    mg.seed(0)
    model = nn.Linear(200, 250)
    optimizer = optim.SGD(model.parameters(), lr=0.0)

    @mg.compile
    def step(x):
        (model(x)[:, 4:] ** 2).sum().backward()  # nothing depends on the first four numbers
        optimizer.step()
        optimizer.zero_grad()

    data = data_of()
    for x, _ in data[:4]:
        step(mg.Tensor(x))
    assert by_rows(step)
    data[4][0][1, 7] = np.nan
    with np.errstate(all="ignore"):
        step(mg.Tensor(data[4][0]))
    assert np.isfinite(model.weight.numpy()[3]).all()
    assert np.isnan(model.weight.numpy()[4]).any()
