"""What a module registers, the tree of its submodules, and paths."""

import collections

import numpy as np
import pytest

from minigrad import DTypeError, MinigradError, Tensor, UsageError, nn


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


def test_parameters_have_the_paths_of_their_attributes():
    net = Net()
    named = dict(net.named_parameters())
    assert sorted(named) == sorted(PATHS)
    assert named["rest.0.inner.bias"] is net.rest[0].inner.bias
    assert [p for _, p in net.named_parameters()] == list(net.parameters())
    assert all(p.requires_grad for p in net.parameters())


def test_buffers_are_no_parameters():
    net = Net()
    assert [name for name, _ in net.named_buffers()] == ["first.mean", "rest.0.mean"]
    net.first.mean = Tensor(np.ones(3, np.float32))
    assert dict(net.named_buffers())["first.mean"].tolist() == [1, 1, 1]


def test_modules_come_with_paths_parents_first():
    assert [name for name, _ in Net().named_modules()] == [
        "",
        "first",
        "first.inner",
        "rest",
        "rest.0",
        "rest.0.inner",
        "rest.1",
    ]


def test_subclass_need_not_call_init():
    class Bare(nn.Module):
        def __init__(self):
            self.w = nn.Parameter([1.0])

    assert [name for name, _ in Bare().named_parameters()] == ["w"]
    assert Bare().training


def test_attribute_that_is_replaced_changes_its_kind():
    net = Net()
    net.first = None
    assert "first.scale" not in dict(net.named_parameters())
    net.rest = 3
    assert list(net.parameters()) == []
    net.first = nn.Linear(1, 1)
    del net.first
    assert list(net.modules()) == [net]


def test_parameter_cannot_be_an_integer_array():
    assert nn.Parameter([1.0, 2.0]).dtype == np.float32
    with pytest.raises(DTypeError):
        nn.Parameter(np.array([1, 2]))
    with pytest.raises(DTypeError):
        nn.Parameter([1, 2])


def test_result_assigned_to_a_parameters_name_is_no_parameter():
    net = nn.Linear(2, 2)
    try:
        net.weight = net.weight * 2
    except MinigradError:
        return
    assert "weight" not in dict(net.named_parameters())


def test_modules_parameters_and_buffers_are_found_by_their_paths():
    net = Net()
    assert net.get_submodule("rest.0.inner") is net.rest[0].inner
    assert net.get_submodule("") is net
    assert net.get_parameter("rest.0.inner.bias") is net.rest[0].inner.bias
    assert net.get_buffer("first.mean") is net.first.mean


@pytest.mark.parametrize(
    ("method", "path", "message"),
    [
        ("get_submodule", "rest.2", "Net has no module 'rest.2': Sequential has 0, 1"),
        ("get_submodule", "first.inner.x", "Linear has no submodules"),
        ("get_parameter", "first.mean", "Net has no parameter 'first.mean': its owner has scale"),
        ("get_buffer", "first.scale", "its owner has mean"),
        ("get_buffer", "rest.1.x", "its owner has no buffers"),
    ],
)
def test_paths_that_lead_nowhere_say_what_is_there(method, path, message):
    with pytest.raises(UsageError, match=message):
        getattr(Net(), method)(path)


def test_prefix_comes_in_front_of_every_path():
    net = Net()
    assert [name for name, _ in net.named_parameters("net")] == [f"net.{name}" for name, _ in net.named_parameters()]
    assert [name for name, _ in net.first.named_parameters("first", recurse=False)] == ["first.scale"]
    assert [name for name, _ in net.named_buffers(prefix="net")] == ["net.first.mean", "net.rest.0.mean"]


def test_own_parameters_and_buffers_can_be_asked_for_alone():
    block = Block(3)
    assert [name for name, _ in block.named_parameters(recurse=False)] == ["scale"]
    assert list(block.parameters(recurse=False)) == [block.scale]
    assert list(block.buffers(recurse=False)) == [block.mean]
    assert list(block.children()) == [block.inner]


def test_buffers_stay_tensors():
    net = Block(3)
    with pytest.raises(UsageError, match=r"Block\.mean is a buffer, and can only be replaced by a Tensor or None"):
        net.mean = np.zeros(3)
    with pytest.raises(UsageError, match="the buffer 'x' must be a Tensor or None, not a float"):
        net.register_buffer("x", 1.0)
    net.mean = None
    assert "mean" not in net.state_dict()


def test_attributes_can_be_registered_under_names_that_are_computed():
    net = nn.Module()
    net.register_parameter("w", nn.Parameter([1.0]))
    net.register_parameter("later", None)
    net.add_module("inner", nn.Linear(1, 1))
    assert [name for name, _ in net.named_parameters()] == ["w", "inner.weight", "inner.bias"]
    with pytest.raises(UsageError, match="'w' must be a variable to be a parameter"):
        net.register_parameter("w", Tensor([1.0]))


@pytest.mark.parametrize(
    ("value", "remedy"),
    [
        ([nn.Tanh()], "nn.ModuleList or nn.Sequential"),
        ({"a": nn.Tanh()}, "nn.ModuleDict"),
        ((nn.Parameter(1.0),), "nn."),
    ],
)
def test_modules_in_plain_containers_are_not_lost_silently(value, remedy):
    net = nn.Module()
    with pytest.raises(UsageError, match=f"would not be found, nor trained: use {remedy}"):
        net.parts = value


def test_module_inside_of_itself_is_listed_once():
    net = nn.Linear(1, 1)
    net.again = net
    assert [name for name, _ in net.named_modules(once=False)] == [""]
    assert list(net.state_dict()) == ["weight", "bias"]


@pytest.mark.parametrize("hold", [lambda x: {"a": [x]}, lambda x: [(x,)], lambda x: collections.OrderedDict(a=x)])
@pytest.mark.parametrize("part", [nn.ReLU, lambda: nn.Parameter([1.0])])
def test_modules_deep_in_plain_lists_and_dicts_are_refused_too(hold, part):
    net = nn.Module()
    with pytest.raises(UsageError, match="would not be found, nor trained: use nn"):
        net.parts = hold(part())
    net.parts = hold("no part")
