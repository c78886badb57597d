"""Six models with six faults: `why` names the cause, and the very line."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor, nn
from minigrad.diagnosis import why
from minigrad.functional import cross_entropy, mse_loss
from tests.diagnosis.source_lines import line_of


@pytest.fixture
def x(rng) -> Tensor:
    return Tensor(rng.normal(size=(16, 4)).astype(np.float32))


@pytest.fixture
def labels(rng) -> Tensor:
    return Tensor(rng.integers(0, 3, 16))


class Detached(nn.Module):
    def __init__(self) -> None:
        self.first = nn.Linear(4, 8)
        self.last = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        h = mg.tanh(self.first(x))
        h = h.detach()  # <- detached
        return self.last(h)


def test_detached(x, labels) -> None:
    model = Detached()
    reason = why(model.first.weight, lambda: cross_entropy(model(x), labels))
    assert (reason.cause, reason.norm, reason.name) == ("detached", None, "first.weight")
    assert (reason.file, reason.line) == (__file__, line_of("detached"))
    assert [step.op for step in reason.path] == ["linear", "tanh", "detach", "linear", "softmax_cross_entropy", "mean"]
    assert [step.op for step in reason.path if step.blocked] == ["detach"]
    assert "h = h.detach()" in str(reason)
    assert why(model.last.weight, lambda: cross_entropy(model(x), labels)).cause == "healthy"


class DeadReLU(nn.Module):
    def __init__(self) -> None:
        self.first = nn.Linear(4, 8)
        self.last = nn.Linear(8, 3)
        self.first.bias.data = np.full(8, -1000.0, np.float32)

    def forward(self, x: Tensor) -> Tensor:
        h = self.first(x)
        h = mg.relu(h)  # <- dead
        return self.last(h)


def test_dead_relu(x, labels) -> None:
    model = DeadReLU()
    reason = why(model.first.weight, lambda: cross_entropy(model(x), labels))
    assert (reason.cause, reason.norm, reason.op) == ("zero", 0, "relu")
    assert (reason.file, reason.line) == (__file__, line_of("dead"))
    assert "100 % of the inputs of relu are not above 0" in reason.text
    assert "8 of 8 units are dead for every sample" in reason.text
    blocked = next(step for step in reason.path if step.blocked)
    assert blocked.passes == 0
    assert blocked.arrives > 0


def test_zeros_behind_a_dead_relu_are_told_from_those_of_the_weight(x, labels) -> None:
    model = DeadReLU()
    reason = why(model.last.weight, lambda: cross_entropy(model(x), labels))
    assert (reason.cause, reason.op, reason.module) == ("zero", "linear", "last Linear")
    assert "100 % of which is 0" in reason.text


class Saturated(nn.Module):
    def __init__(self) -> None:
        self.first = nn.Linear(4, 8)
        self.last = nn.Linear(8, 1)

    def forward(self, x: Tensor) -> Tensor:
        h = self.first(x) + 500
        h = mg.sigmoid(h)  # <- saturated
        return self.last(h)


def test_saturated_sigmoid(x) -> None:
    model = Saturated()
    reason = why(model.first.weight, lambda: mse_loss(model(x), mg.zeros((16, 1))))
    assert (reason.cause, reason.norm, reason.op) == ("zero", 0, "sigmoid")
    assert (reason.file, reason.line) == (__file__, line_of("saturated"))
    assert "sigmoid is saturated: 100 % of its elements lie where it is flat" in reason.text


class Log(nn.Module):
    def __init__(self) -> None:
        self.first = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        p = mg.relu(self.first(x))
        q = mg.log(p)  # <- log
        return p * q


def test_nan_from_log(x) -> None:
    model = Log()
    reason = why(model.first.weight, lambda: -model(x).sum())
    assert (reason.cause, reason.op, reason.module) == ("nan", "log", "Log")
    assert (reason.file, reason.line) == (__file__, line_of("log"))
    zeros = int((model.first(x).data <= 0).sum())
    assert f"{zeros} of 48 elements are not finite; the first is -inf at (" in reason.text
    assert "where its input is 0" in reason.text


class Exploding(nn.Module):
    def __init__(self) -> None:
        self.layers = nn.Sequential(*[nn.Linear(8, 8, bias=False) for _ in range(30)])
        for layer in self.layers:
            layer.weight.data = 3 * np.eye(8, dtype=np.float32)

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)  # <- exploding


def test_exploding(rng) -> None:
    model, x = Exploding(), Tensor(rng.normal(size=(16, 8)).astype(np.float32))
    first = next(iter(model.parameters()))
    reason = why(first, lambda: model(x).mean())
    assert (reason.cause, reason.op, reason.name) == ("exploding", "linear", "layers.0.weight")
    assert (reason.file, reason.line) == (__file__, line_of("exploding"))
    assert reason.norm > 1e13
    assert "It grows over 30 layers, by a factor of 3." in reason.text
    assert "beginning (seen from the loss) at linear in layers.29 Linear" in reason.text
    assert reason.path[5].passes == pytest.approx(3 * reason.path[5].arrives, rel=1e-4)


class Unused(nn.Module):
    def __init__(self) -> None:
        self.first = nn.Linear(4, 3)
        self.spare = nn.Linear(4, 3)
        self.scale = nn.Parameter(np.ones(3, np.float32))

    def forward(self, x: Tensor) -> Tensor:  # <- unused
        return self.first(x)


def test_unused_parameter(x, labels) -> None:
    model = Unused()
    reason = why(model.spare.weight, lambda: cross_entropy(model(x), labels))
    assert (reason.cause, reason.name, reason.norm, reason.path) == ("unused", "spare.weight", None, ())
    assert "The module spare did not run: forward in Unused (" in reason.text
    assert (reason.file, reason.line) == (__file__, line_of("unused"))
    reason = why(model.scale, lambda: cross_entropy(model(x), labels))
    assert (reason.cause, reason.file, reason.line) == ("unused", __file__, line_of("unused"))
    assert "does not use it" in reason.text


def test_replaced_parameter_is_told_which_took_its_place(x, labels) -> None:
    model = Unused()
    former = model.first.weight
    model.first.weight = nn.Parameter(np.ones((3, 4), np.float32))
    reason = why(former, lambda: cross_entropy(model(x), labels))
    assert reason.cause == "unused"
    assert "first.weight" in reason.text
    assert "If it was replaced" in reason.text
