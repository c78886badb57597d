"""All optimizers, step for step, against PyTorch: its stored numbers anywhere, itself where it is installed."""

import inspect
import json

import numpy as np
import pytest

from minigrad import Tensor, optim
from minigrad.kernels import jit
from tests.optim.problem import CASES, LR, START, STORED, all_cases, doubles, groups, title, torch_walk, walk

every_case = pytest.mark.parametrize("case", all_cases(), ids=title)
EXECUTION = {"foreach", "capturable", "differentiable", "fused"}  # how PyTorch computes, not what


def own_walk(kind, settings, dtype=np.float64):
    params = {name: Tensor(value.astype(dtype), requires_grad=name != "frozen") for name, value in START.items()}

    def give(name, g):
        if name != "frozen":
            params[name].grad = None if g is None else Tensor(g)

    optimizer = getattr(optim, kind)(groups(kind, params), **settings)
    return walk(lambda name: params[name].numpy(), give, optimizer.step)


def assert_same(found, expected, tolerance=1e-10):
    assert found.keys() == expected.keys()
    for step, values in expected.items():
        scale = np.maximum(1, np.abs(values))
        assert np.max(np.abs(np.array(found[step]) - values) / scale) <= tolerance, f"after step {step}"


@every_case
def test_hundred_steps_equal_the_stored_ones(case):
    assert_same(own_walk(*case), json.loads(STORED.read_text())[title(case)])


@pytest.mark.peer
@every_case
def test_hundred_steps_equal_pytorchs(torch, case):
    expected = torch_walk(torch, *case)
    assert_same(own_walk(*case), expected)
    assert_same(json.loads(STORED.read_text())[title(case)], expected)


@pytest.mark.peer
@every_case
def test_hundred_steps_of_a_large_array_equal_pytorchs(torch, case):
    """Large enough for the compiled kernels."""
    kind, settings = case
    rng = np.random.default_rng(7)
    start, curvature, lr = rng.normal(size=(130, 70)), rng.uniform(0.5, 2, (130, 70)), LR.get(kind, 0.05)
    assert start.size > jit.MIN_COMPILED_SIZE
    own, theirs = Tensor(start, requires_grad=True), torch.tensor(start, requires_grad=True)
    with doubles(torch):
        optimizers = (
            getattr(optim, kind)([own], lr=lr, **settings),
            getattr(torch.optim, kind)([theirs], lr=lr, **settings),
        )
        for t in range(100):
            wave = 0.3 * np.cos(t + start)
            own.grad = Tensor(curvature * (own.numpy() - 1) + wave)
            theirs.grad = torch.tensor(curvature * (theirs.detach().numpy() - 1) + wave)
            for optimizer in optimizers:
                optimizer.step()
    expected = theirs.detach().numpy()
    assert np.max(np.abs(own.numpy() - expected) / np.maximum(1, np.abs(expected))) <= 1e-10


def test_the_problem_moves_every_parameter_that_has_gradients():
    start = [float(x) for value in START.values() for x in value.ravel()]
    moved = np.array(own_walk("SGD", {})["100"]) != start
    assert moved.tolist() == [True] * (len(start) - 1) + [False]  # the frozen one


@pytest.mark.parametrize("kind", CASES)
def test_single_precision_stays_close(kind):
    double, single = own_walk(kind, {}), own_walk(kind, {}, np.float32)
    np.testing.assert_allclose(single["10"], double["10"], rtol=1e-4, atol=1e-5)


@pytest.mark.peer
@pytest.mark.parametrize("kind", CASES)
def test_arguments_are_pytorchs_in_order_and_default(torch, kind):
    def arguments(cls, left_out=()):
        found = inspect.signature(cls).parameters.values()
        return {p.name: p.default for p in found if p.name not in left_out}

    own, theirs = arguments(getattr(optim, kind)), arguments(getattr(torch.optim, kind), EXECUTION)
    assert own == theirs
    positional = [name for name in theirs if name not in ("maximize", "decoupled_weight_decay", "amsgrad", "centered")]
    assert [name for name in own if name in positional] == positional


WRONG = [
    ("lr", -0.1), ("lr", float("nan")), ("weight_decay", -0.1), ("eps", -1.0), ("momentum", -0.1), ("rho", 1.5),
    ("alpha", -0.1), ("lr_decay", -0.1), ("initial_accumulator_value", -1.0), ("momentum_decay", -0.1),
    ("betas", (1.0, 0.9)), ("betas", (0.9, -0.1)),
]  # fmt: skip


@pytest.mark.parametrize("kind", [*CASES, "Lion"])
def test_settings_out_of_range_are_refused(kind):
    cls = getattr(optim, kind)
    known = [(name, value) for name, value in WRONG if name in inspect.signature(cls).parameters]
    assert len(known) >= 4
    for name, value in known:
        with pytest.raises(ValueError, match=name):
            cls([Tensor(1.0, requires_grad=True)], **{name: value})


@pytest.mark.peer
@pytest.mark.parametrize("kind", CASES)
def test_what_pytorch_refuses_is_refused(torch, kind):
    for name, value in WRONG:
        if name in inspect.signature(getattr(torch.optim, kind)).parameters and value == value:  # it lets NaN pass
            with pytest.raises(ValueError, match=r"Invalid|betas"):
                getattr(torch.optim, kind)([torch.ones(1)], **{name: value})


@pytest.mark.peer
@every_case
def test_state_of_pytorch_is_taken_over(torch, case):
    """Half of the way there, the other half here."""
    kind, settings = case
    handed = {}

    def halves(read, give, step):
        optimizer, calls = step.__self__, iter(range(1, 101))

        def counted():
            step()
            if next(calls) == 50:
                handed["state"] = {
                    **optimizer.state_dict(),
                    "state": {
                        number: {name: value.numpy().copy() for name, value in state.items() if value is not None}
                        for number, state in optimizer.state_dict()["state"].items()
                    },
                }
                handed["values"] = {name: read(name) for name in START}

        return walk(read, give, counted)

    expected = torch_walk(torch, kind, settings, halves)
    params = {name: Tensor(v, requires_grad=name != "frozen") for name, v in handed["values"].items()}
    optimizer = getattr(optim, kind)(groups(kind, params), **settings)
    optimizer.load_state_dict(handed["state"])
    calls = iter(range(1, 101))

    def give(name, g):
        if name != "frozen":
            params[name].grad = None if g is None else Tensor(g)

    def step():
        if next(calls) > 50:
            optimizer.step()

    found = walk(lambda name: params[name].numpy(), give, step)
    assert_same({"100": found["100"]}, {"100": expected["100"]})


LION = [{}, {"betas": (0.8, 0.9)}, {"weight_decay": 0.3}, {"weight_decay": 0.3, "maximize": True}]


@pytest.mark.parametrize("settings", LION, ids=str)
def test_lions_steps_equal_the_papers_formulas(settings):
    (beta1, beta2), decay = settings.get("betas", (0.9, 0.99)), settings.get("weight_decay", 0.0)
    values, means = dict(START), dict.fromkeys(START, 0.0)
    rates = {
        name: 0.05 / (i + 1)
        for i, group in enumerate(groups("Lion", {name: name for name in START}))
        for name in group["params"]
    }
    gradients = {}

    def step():
        for name, g in gradients.items():
            if g is not None:
                g = -g if settings.get("maximize") else g
                c = beta1 * means[name] + (1 - beta1) * g
                values[name] = values[name] - rates[name] * (np.sign(c) + decay * values[name])
                means[name] = beta2 * means[name] + (1 - beta2) * g

    expected = walk(lambda name: values[name], gradients.__setitem__, step)
    assert LR.get("Lion", 0.05) == 0.05
    assert_same(own_walk("Lion", settings), expected)
