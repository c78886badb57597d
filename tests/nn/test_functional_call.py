"""`functional_call`: a module as a function of its parameters, and what stays of it."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import ShapeError, StateError, Tensor, UsageError, functional_call, nn

X = Tensor(np.array([[1.0, -2.0], [0.5, 3.0]], np.float32))


class Tied(nn.Module):
    def __init__(self):
        self.first = nn.Linear(2, 2)
        self.second = nn.Linear(2, 2)
        self.second.weight = self.first.weight

    def forward(self, x, *, factor=1.0):
        return self.second(self.first(x)) * factor


def parameters(model, seed=0):
    rng = np.random.default_rng(seed)
    return {name: rng.normal(size=p.shape).astype(np.float32) for name, p in model.named_parameters()}


def test_it_computes_what_a_model_with_these_parameters_does():
    model, other = (
        nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1)),
        nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1)),
    )
    given = parameters(model)
    before = model.state_dict()
    other.load_state_dict(given)
    np.testing.assert_array_equal(functional_call(model, given, X).detach(), other(X).detach())
    np.testing.assert_array_equal(functional_call(model, given, (X,)).detach(), other(X).detach())
    halves = [{k: v for k, v in given.items() if k.startswith(n)} for n in "02"]
    np.testing.assert_array_equal(functional_call(model, halves, X).detach(), other(X).detach())
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value, before[name])


def test_gradients_reach_what_was_given_and_not_the_model():
    model = nn.Linear(2, 1)
    given = dict(model.named_parameters())
    gradient = mg.grad(lambda p: functional_call(model, p, X).sum())(given)
    np.testing.assert_array_equal(gradient["weight"], X.numpy().sum(0, keepdims=True))
    assert gradient["bias"].tolist() == [2.0]
    assert model.weight.grad is None
    assert dict(model.named_parameters()) == given


def test_the_models_own_come_back_when_the_call_raises():
    model = nn.Linear(2, 1)
    own = dict(model.named_parameters())
    with pytest.raises(ShapeError):
        functional_call(model, parameters(model), np.ones((2, 5), np.float32))
    assert all(own[name] is p for name, p in model.named_parameters())


def test_a_buffer_that_is_written_is_the_one_that_was_given():
    model = nn.BatchNorm1d(2)
    buffers = {name: Tensor(b.numpy().copy()) for name, b in model.named_buffers()}
    functional_call(model, buffers, X)
    assert model.running_mean.tolist() == [0.0, 0.0]
    np.testing.assert_allclose(buffers["running_mean"], 0.1 * X.numpy().mean(0), rtol=1e-6)


def test_what_is_shared_is_replaced_under_all_of_its_paths():
    model = Tied()
    eye = np.eye(2, dtype=np.float32)
    given = {"first.weight": 2 * eye, "first.bias": np.zeros(2), "second.bias": np.zeros(2)}
    np.testing.assert_array_equal(functional_call(model, given, X, {"factor": 3.0}), 12 * X.numpy())
    np.testing.assert_array_equal(functional_call(model, {**given, "second.weight": eye}, X, tie_weights=False), 2 * X)
    with pytest.raises(UsageError, match=r"first\.weight and second\.weight are one Tensor"):
        functional_call(model, {**given, "second.weight": eye}, X)


def test_what_does_not_fit_is_told():
    model = nn.Linear(2, 1)
    given = parameters(model)
    with pytest.raises(StateError, match=r"of Linear: it has no wheels\. It has weight, bias"):
        functional_call(model, {"wheels": 1.0}, X)
    with pytest.raises(StateError, match="missing: bias"):
        functional_call(model, {"weight": given["weight"]}, X, strict=True)
    with pytest.raises(StateError, match="bias stands in more than one"):
        functional_call(model, (given, {"bias": given["bias"]}), X)
    with pytest.raises(ShapeError, match=r"weight has shape \(1, 2\), and was given \(3, 2\)"):
        functional_call(model, {"weight": np.ones((3, 2))}, X)
    with pytest.raises(UsageError, match="takes a module, not function"):
        functional_call(lambda x: x, {}, X)


@pytest.mark.peer
def test_it_does_what_pytorch_does():
    torch = pytest.importorskip("torch")
    model, peer = nn.Sequential(nn.Linear(2, 3), nn.Tanh()), torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Tanh())
    given = parameters(model)
    theirs = torch.func.functional_call(
        peer, {k: torch.tensor(v) for k, v in given.items()}, (torch.tensor(X.numpy()),)
    )
    np.testing.assert_allclose(functional_call(model, given, X).detach(), theirs.detach().numpy(), rtol=1e-5, atol=1e-6)
