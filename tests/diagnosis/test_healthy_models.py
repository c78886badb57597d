"""No false alarms: the networks of `models`, and random graphs, whose gradients are what backward gives."""

import math
from itertools import pairwise

import minigrad_models
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import Tensor, nn
from minigrad.diagnosis import why
from minigrad.functional import cross_entropy
from minigrad.training.training_state import first_output
from tests.helper import variable

FAMILIES = [
    "mlp-small", "lenet5", "lenet5-original", "vgg-small", "googlenet-small", "resnet20-small", "local-shared",
    "lstm-digits", "conv1d-tones", "c3d-small",
]  # fmt: skip


@pytest.mark.parametrize("name", FAMILIES)
def test_networks_at_their_start_are_healthy(name: str, rng) -> None:
    model = minigrad_models.create(name)
    x = Tensor(rng.normal(size=(4, *minigrad_models.MODELS[name].input_shape)).astype(np.float32))
    labels = Tensor(np.arange(4))

    def loss() -> Tensor:
        return cross_entropy(first_output(model(x)), labels)

    state = model.state_dict()
    before = {path: array.copy() for path, array in state.items()}
    parameters = [(path, p) for path, p in model.named_parameters() if path.endswith("weight") and "aux" not in path]
    reasons = [why(p, loss) for _, p in parameters[:: max(1, len(parameters) // 4)]]
    for path, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[path])
    mg.seed(1)
    assert all(p.grad is None for _, p in parameters)
    loss().backward()
    for reason, (path, p) in zip(reasons, parameters[:: max(1, len(parameters) // 4)], strict=True):
        assert (reason.cause, reason.name) == ("healthy", path)
        assert reason.path[-1].arrives == 1
        if not any(isinstance(module, nn.Dropout) for module in model.modules()):
            assert reason.norm == pytest.approx(float(np.linalg.norm(p.grad.numpy())), rel=1e-4)


def test_bias_in_front_of_batch_normalization_is_found(rng) -> None:
    model = minigrad_models.create("vgg-small")
    x = Tensor(rng.normal(size=(4, *minigrad_models.MODELS["vgg-small"].input_shape)).astype(np.float32))
    bias = next(p for path, p in model.named_parameters() if path == "features.0.bias")
    reason = why(bias, lambda: cross_entropy(model(x), Tensor(np.arange(4))))
    assert (reason.cause, reason.op, reason.module) == ("vanished", "conv", "features.0 Conv2d")
    assert "standardize in features.1 BatchNorm2d" in reason.text
    assert "bias=False" in reason.text


def test_auxiliary_classifier_that_the_loss_leaves_out_is_found(rng) -> None:
    model = minigrad_models.create("googlenet-small")
    x = Tensor(rng.normal(size=(2, *minigrad_models.MODELS["googlenet-small"].input_shape)).astype(np.float32))
    path, parameter = next((path, p) for path, p in model.named_parameters() if "aux" in path)
    reason = why(parameter, lambda: first_output(model(x)).sum())
    assert (reason.cause, reason.name) == ("not_reached", path)


SMOOTH = [mg.tanh, mg.sin, mg.atan, mg.sigmoid, lambda x: x * 0.7, lambda x: x + 1, mg.negative, mg.softsign]
PAIRS = [mg.add, mg.subtract, mg.multiply, mg.hypot, mg.logaddexp]


@st.composite
def graphs(draw):
    """How many variables there are, and steps that combine random ones of the values so far."""
    count = draw(st.integers(1, 3))
    steps = draw(
        st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99), st.integers(0, 99)), min_size=1, max_size=12)
    )
    return count, steps


def run(variables, steps) -> Tensor:
    values = list(variables)
    for kind, first, second in steps:
        x, y = values[first % len(values)], values[second % len(values)]
        values.append(PAIRS[kind % len(PAIRS)](x, y) if kind % 2 else SMOOTH[kind % len(SMOOTH)](x))
    return values[-1].mean()


@given(graphs())
def test_norm_is_that_of_backward_and_a_cause_is_named_only_where_there_is_one(graph) -> None:
    count, steps = graph
    rng = np.random.default_rng(len(steps))
    variables = [variable(rng.normal(size=(3, 1, 2)[k:])) for k in range(count)]  # shapes that broadcast
    reasons = [why(x, lambda: run(variables, steps)) for x in variables]
    assert all(x.grad is None for x in variables)
    loss = run(variables, steps)
    loss.backward()
    for x, reason in zip(variables, reasons, strict=True):
        if x.grad is None:
            assert reason.cause in ("unused", "not_reached")
            assert reason.norm is None
            continue
        norm = float(np.linalg.norm(x.grad.numpy()))
        assert reason.norm == pytest.approx(norm, rel=1e-9, abs=1e-300)
        expected = "zero" if norm == 0 else "vanished" if norm < 1e-6 else "exploding" if norm > 1e4 else "healthy"
        assert reason.cause == expected
        nodes = {edge[:2] for edge in reason.graph.edges}
        path = sorted(reason.mark)
        assert all((a, b) in nodes for a, b in pairwise(path))


@given(graphs(), st.integers(0, 11), st.sampled_from(["detach", "no_grad", "integer"]))
def test_cut_through_everything_is_named(graph, where, how) -> None:
    _, steps = graph
    x, other = variable(np.array([0.3, -0.7])), variable(np.array([1.5, 2.5]))

    def loss() -> Tensor:
        values = [mg.tanh(x)]
        for k, (kind, first, second) in enumerate(steps):
            a, b = values[first % len(values)], values[second % len(values)]
            values.append(PAIRS[kind % len(PAIRS)](a, b) if kind % 2 else SMOOTH[kind % len(SMOOTH)](a))
            if k == where % len(steps):
                values = [cut(values[-1])]
        return (values[-1] * other).sum()

    def cut(h: Tensor) -> Tensor:
        if how == "detach":
            return h.detach()
        if how == "integer":
            return (h > 0).astype(float)
        with mg.no_grad():
            return mg.exp(h)

    reason = why(x, loss)
    assert reason.cause == {"detach": "detached"}.get(how, how)
    assert sum(step.blocked for step in reason.path) == 1
    assert why(other, loss).cause in ("healthy", "zero")
    assert math.isfinite(why(other, loss).norm)
