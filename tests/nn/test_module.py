"""Modules: calling, modes, freezing, copies, and how they are shown."""

import copy

import numpy as np
import pytest

import minigrad
from minigrad import DTypeError, Tensor, UsageError, nn, no_grad, optim
from minigrad import functional as F  # noqa: N812


class Block(nn.Module):
    def __init__(self, width):
        self.inner = nn.Linear(width, width)
        self.scale = nn.Parameter(np.ones(width, np.float32))
        self.register_buffer("mean", Tensor(np.zeros(width, np.float32)))
        self.note = "no part"

    def forward(self, x):
        return self.inner(x) * self.scale - self.mean


class Net(nn.Module):
    def __init__(self):
        self.first = Block(3)
        self.rest = nn.Sequential(Block(3), nn.ReLU())

    def forward(self, x):
        return self.rest(self.first(x))


def test_module_without_forward_says_so():
    with pytest.raises(NotImplementedError, match=r"Module does not define forward\(\)"):
        nn.Module()(1)


def test_training_mode_reaches_every_module_below():
    net = Net()
    assert net.eval() is net
    assert not any(module.training for module in net.modules())
    assert all(module.training for module in net.train().modules())


def test_zero_grad_forgets_all_gradients():
    net = Net()
    net(np.ones((2, 3), np.float32)).sum().backward()
    assert all(p.grad is not None for p in net.parameters())
    net.zero_grad(set_to_none=False)
    assert not any(p.grad.numpy().any() for p in net.parameters())
    net.zero_grad()
    assert all(p.grad is None for p in net.parameters())
    net.zero_grad(set_to_none=False)
    assert all(p.grad is None for p in net.parameters())


def test_frozen_parameters_stay_as_they_are():
    net = Net()
    for p in net.first.parameters():
        p.requires_grad = False
    before = net.state_dict()
    optimizer = optim.SGD([p for p in net.parameters() if p.requires_grad], lr=0.5)
    x = np.array([[99, 99, 99], [-99, -99, -99]], np.float32)  # whatever the weights, no unit is at rest for both
    F.mse_loss(net(x), np.zeros((2, 3), np.float32)).backward()
    optimizer.step()
    after = net.state_dict()
    assert sorted(after) == sorted(before)
    for name in before:
        assert np.array_equal(before[name], after[name]) == (name.startswith("first") or name.endswith("mean")), name


def test_apply_visits_children_first():
    seen = []
    Net().apply(lambda module: seen.append(type(module).__name__))
    assert seen[-1] == "Net"
    assert seen.index("Linear") < seen.index("Block")


@pytest.mark.parametrize("dtype", [np.float64, np.float16])
def test_astype_converts_parameters_and_buffers(dtype):
    net = Net().astype(dtype)
    assert {t.dtype for t in [*net.parameters(), *dict(net.named_buffers()).values()]} == {np.dtype(dtype)}
    y = net(np.ones((1, 3), dtype))
    y.sum().backward()
    assert {p.grad.dtype for p in net.parameters()} == {np.dtype(dtype)}
    with pytest.raises(DTypeError):
        net.astype(int)


def test_deepcopy_is_independent():
    net = Net()
    other = copy.deepcopy(net)
    assert not {id(p) for p in net.parameters()} & {id(p) for p in other.parameters()}
    with no_grad():
        other.first.scale += 5
    assert net.first.scale.tolist() == [1, 1, 1]
    x = np.ones((1, 3), np.float32)
    other.load_state_dict(net.state_dict())
    np.testing.assert_array_equal(net(x).numpy(), other(x).numpy())


def test_repr_draws_the_tree():
    assert repr(nn.Sequential(nn.Linear(2, 3), nn.Sequential(nn.ReLU()))) == (
        "Sequential(\n"
        "  (0): Linear(in_features=2, out_features=3, bias=True)\n"
        "  (1): Sequential(\n"
        "    (0): ReLU()\n"
        "  )\n"
        ")"
    )


def test_freezing_reaches_every_parameter_below_and_is_undone():
    net = Net()
    assert net.first.freeze() is net.first
    assert [name for name, p in net.named_parameters() if not p.requires_grad] == [
        p for p in PATHS_IN_ORDER if "first" in p
    ]
    net(np.ones((2, 3), np.float32)).sum().backward()
    assert net.first.scale.grad is None
    assert net.rest[0].scale.grad is not None
    net.unfreeze()
    assert all(p.requires_grad for p in net.parameters())
    assert not any(p.requires_grad for p in net.requires_grad_(False).parameters())
    assert sorted(net.state_dict()) == sorted(Net().state_dict())


PATHS_IN_ORDER = [name for name, _ in Net().named_parameters()]


def test_copies_have_gradients_of_their_own():
    net = Net()
    net(np.ones((2, 3), np.float32)).sum().backward()
    other = copy.deepcopy(net)
    other(np.ones((2, 3), np.float32)).sum().backward()
    with no_grad():
        np.testing.assert_allclose(other.first.scale.grad.numpy(), 2 * net.first.scale.grad.numpy())


def test_error_names_the_innermost_layer_once():
    class Picky(nn.Module):
        def forward(self, x):
            raise UsageError("not today")

    net = nn.Sequential(nn.Sequential(Picky()))
    with pytest.raises(UsageError, match=r"^0\.0 Picky: not today$"):
        net(1)


@pytest.mark.peer
def test_apply_visits_in_pytorchs_order(torch):
    def order(library):
        lib = library.nn
        net = lib.Sequential(lib.Sequential(lib.Tanh(), lib.ReLU()), lib.Sigmoid())
        seen = []
        net.apply(lambda module: seen.append(type(module).__name__))
        return seen

    assert order(minigrad) == order(torch)


def test_module_without_a_return_is_named_by_the_sequence_it_is_in():
    class Forgetful(nn.Module):
        def forward(self, x):
            F.relu(x)

    with pytest.raises(UsageError, match="Sequential: 1 Forgetful gave None to the next module: is there a return"):
        nn.Sequential(nn.ReLU(), Forgetful(), nn.Linear(1, 1))(np.ones((1, 1), np.float32))
    assert nn.Sequential(nn.ReLU(), Forgetful())(np.ones(1, np.float32)) is None
