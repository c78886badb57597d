"""State dicts: snapshots, shared parameters, and what does not fit."""

import numpy as np
import pytest

from minigrad import StateError, Tensor, nn, no_grad, optim


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


PATHS = [
    "first.scale", "first.inner.weight", "first.inner.bias", "rest.0.scale", "rest.0.inner.weight", "rest.0.inner.bias",
]  # fmt: skip


def test_shared_parameters_come_once_but_are_in_the_state_under_each_path():
    net = nn.Module()
    net.a, net.b = nn.Linear(2, 2), nn.Linear(2, 2)
    net.b.weight = net.a.weight
    net.c = net.a
    assert [name for name, _ in net.named_parameters()] == ["a.weight", "a.bias", "b.bias"]
    assert set(net.state_dict()) >= {"a.weight", "b.weight"}


def test_state_dict_is_a_snapshot():
    net = Net()
    state = net.state_dict()
    assert sorted(state) == sorted([*PATHS, "first.mean", "rest.0.mean"])
    values = {name: array.copy() for name, array in state.items()}
    optimizer = optim.SGD(net.parameters(), lr=1.0)
    net(np.ones((2, 3), np.float32)).sum().backward()
    optimizer.step()
    with no_grad():
        net.first.scale[0] = 9
    for name, array in state.items():
        np.testing.assert_array_equal(array, values[name])


@pytest.mark.parametrize(
    "form",
    [np.asfortranarray, lambda a: np.repeat(a, 2, 0)[::2], Tensor, lambda a: a.astype(np.float64), np.ndarray.tolist],
)
def test_state_goes_round_in_any_layout_and_trains_on(form):
    net, other = Net(), Net()
    state = net.state_dict()
    try:
        other.load_state_dict({name: form(array) for name, array in state.items()})
    except StateError:
        assert form is np.ndarray.tolist
        return
    x = np.ones((2, 3), np.float32)
    for module in (net, other):
        optimizer = optim.SGD(module.parameters(), lr=0.1)
        module(x).sum().backward()
        optimizer.step()
    for p, q in zip(net.parameters(), other.parameters(), strict=True):
        np.testing.assert_array_equal(p.numpy(), q.numpy())
        assert p.dtype == q.dtype == np.float32


def test_state_that_does_not_fit_lists_every_problem_and_changes_nothing():
    net = Net()
    before = net.state_dict()
    state = {name: array + 1 for name, array in before.items()}
    del state["first.scale"]
    state["extra"] = np.zeros(2)
    state["first.inner.weight"] = np.zeros((3, 4), np.float32)
    state["rest.0.scale"] = np.zeros(3, int)
    with pytest.raises(StateError) as caught:
        net.load_state_dict(state)
    text = str(caught.value)
    for part in (
        "missing: first.scale (3,)",
        "unexpected: extra (2,)",
        "first.inner.weight is (3, 3) here and (3, 4)",
        "rest.0.scale is float32 here and int64",
    ):
        assert part in text
    for name, array in net.state_dict().items():
        np.testing.assert_array_equal(array, before[name])


def test_state_may_be_partial_when_not_strict():
    net = Net()
    net.load_state_dict({"first.scale": np.full(3, 7.0), "unknown": np.zeros(1)}, strict=False)
    assert net.first.scale.tolist() == [7, 7, 7]
    with pytest.raises(StateError):
        net.load_state_dict({"first.scale": np.zeros(4)}, strict=False)


def test_loading_keeps_the_parameters_identity():
    net = Net()
    p = net.first.scale
    node = p.node
    net.load_state_dict(net.state_dict())
    assert net.first.scale is p
    assert p.node is node


def test_non_persistent_buffers_are_not_in_the_state():
    net = nn.Module()
    net.register_buffer("table", Tensor([1.0]), persistent=False)
    net.register_buffer("absent", None)
    assert [name for name, _ in net.named_buffers()] == ["table"]
    assert net.state_dict() == {}
    net.load_state_dict({})
    net.table = Tensor([2.0])
    assert net.state_dict() == {}
    assert net.astype(np.float64).table.dtype == np.float64


def test_shared_modules_are_in_the_state_under_each_path():
    net = nn.Module()
    net.a = nn.Linear(2, 2)
    net.b = net.a
    assert list(net.state_dict()) == ["a.weight", "a.bias", "b.weight", "b.bias"]
    assert [name for name, _ in net.named_modules()] == ["", "a"]
    net.load_state_dict(net.state_dict())


def test_partial_loading_says_what_was_left():
    left = Net().load_state_dict({"first.scale": np.zeros(3), "extra": np.zeros(1)}, strict=False)
    assert left.unexpected_keys == ["extra"]
    assert "first.mean" in left.missing_keys
    net = Net()
    assert net.load_state_dict(net.state_dict()) == ([], [])


class Unreadable:
    """What an array of another library may be."""

    def __array__(self, *args, **settings):
        raise RuntimeError("detach it first")


def test_states_that_numpy_cannot_read_are_listed():
    layer = nn.Linear(1, 1)
    state = {"weight": Unreadable(), "bias": Unreadable()}
    with pytest.raises(StateError, match=r"(?s)no arrays:\n  weight \(Unreadable\): detach it first\n  bias"):
        layer.load_state_dict(state)
    with pytest.raises(StateError, match=r"Linear: a state has arrays by path, .*, not a list"):
        layer.load_state_dict([1])
