"""What a module only keeps is no part of it, and what would be lost in lists and dicts is refused."""

import collections

import numpy as np
import pytest

import minigrad
from minigrad import Tensor, UsageError, nn, optim
from minigrad.cost import summary
from minigrad.data import DataLoader
from minigrad.functional import mse_loss
from minigrad.training import evaluate, fit
from tests.helper import variable

X = np.ones((4, 2), np.float32)

FILL = {
    "list": (list, lambda held, part: held.append(part)),
    "dict": (dict, lambda held, part: held.update(a=part)),
    "list in a dict": (lambda: {"a": []}, lambda held, part: held["a"].append(part)),
    "dict in a tuple": (lambda: ({},), lambda held, part: held[0].update(a=part)),
    "defaultdict": (lambda: collections.defaultdict(list), lambda held, part: held["a"].append(part)),
    "deque": (collections.deque, lambda held, part: held.append(part)),
    "set": (set, lambda held, part: held.add(part)),
}


class Net(nn.Module):
    def __init__(self, held=None):
        self.out = nn.Linear(2, 2)
        self.hidden = held

    def forward(self, x):
        return self.out(x)


ASK = {
    "parameters": lambda net: list(net.parameters()),
    "named_parameters": lambda net: list(net.named_parameters()),
    "buffers": lambda net: list(net.buffers()),
    "modules": lambda net: list(net.modules()),
    "state_dict": lambda net: net.state_dict(),
    "load_state_dict": lambda net: net.load_state_dict({}, strict=False),
    "train": lambda net: net.train(),
    "eval": lambda net: net.eval(),
    "zero_grad": lambda net: net.zero_grad(),
    "freeze": lambda net: net.freeze(),
    "astype": lambda net: net.astype("float64"),
    "apply": lambda net: net.apply(print),
    "summary": lambda net: summary(net, X.shape),
    "evaluate": lambda net: evaluate(net, (X, X), mse_loss),
    "fit": lambda net: fit(
        net, DataLoader((X, X)), loss=mse_loss, optimizer=optim.SGD([variable(1.0)], lr=0.1), epochs=1
    ),
    "why": lambda net: minigrad.why(net.out.weight, net(Tensor(X)).sum(), model=net),
}


@pytest.mark.parametrize("ask", ASK)
def test_a_layer_that_was_added_to_a_list_later_is_refused_by_everything_that_looks_for_layers(ask):
    net = Net([])
    net.hidden.append(nn.Linear(2, 2))
    with pytest.raises(UsageError, match=r"Net\.hidden: modules and parameters in a list would not be found"):
        ASK[ask](net)


@pytest.mark.parametrize("kind", FILL)
@pytest.mark.parametrize("part", [nn.ReLU, lambda: nn.Parameter([1.0])], ids=["module", "parameter"])
def test_what_is_added_to_a_container_later_is_refused_like_what_is_assigned_in_one(kind, part):
    make, fill = FILL[kind]
    net = Net(make())
    list(net.parameters())
    fill(net.hidden, part())
    with pytest.raises(UsageError, match=r"Net\.hidden: .* nor trained: use nn\."):
        list(nn.Sequential(net).parameters())
    filled = make()
    fill(filled, part())
    with pytest.raises(UsageError, match=r"Net\.hidden: .* nor trained: use nn\."):
        Net(filled)


def test_data_in_containers_is_left_alone():
    net = Net([])
    net.hidden += [1, "a", Tensor([1.0]), net(Tensor(X)), X]
    assert len(list(net.parameters())) == 2


class Keeps(nn.Module):
    """Keeps what `keep` gives of a call."""

    def __init__(self, keep):
        self.layer, self.inner = nn.Linear(2, 2), nn.Sequential(nn.Linear(2, 2))
        self.keep = keep

    def forward(self, x):
        y = self.inner(self.layer(x))
        self.last = self.keep(self, x, y)
        return y


KEPT = {
    "a variable given as input": lambda net, x, y: x,
    "a result": lambda net, x, y: y,
    "a number": lambda net, x, y: y.detach(),
    "a parameter of its own": lambda net, x, y: net.layer.weight,
    "a parameter of a layer's": lambda net, x, y: net.inner[0].bias,
    "a module of its own": lambda net, x, y: net.layer,
    "a module of a module": lambda net, x, y: net.inner[0],
}


@pytest.mark.parametrize("kept", KEPT)
def test_what_a_forward_keeps_of_a_call_is_no_part_of_the_module(kept):
    net = nn.Sequential(Keeps(KEPT[kept]))
    before = [name for name, _ in net.named_modules(once=False)], list(net.state_dict()), list(net.parameters())
    for x in (variable(X), nn.Parameter(X), Tensor(X)):
        net(x).sum().backward()
        after = [name for name, _ in net.named_modules(once=False)], list(net.state_dict()), list(net.parameters())
        assert after == before
    assert net[0].last is not None


class Lazy(nn.Module):
    """Makes its parts when it sees the first input."""

    def __init__(self, nested):
        self.layer, self.scale, self.block = None, None, None
        self.nested, self.outer = nested, nn.Linear(2, 2)

    def forward(self, x):
        if self.layer is None:
            self.layer = nn.Linear(x.shape[1], 2)
            self.scale = nn.Parameter(np.ones(2, np.float32))
            self.block = nn.Sequential(nn.Linear(2, 2))
        return nn.Sequential(self.layer, self.block, self.outer)(x) * self.scale


@pytest.mark.parametrize("wrap", [lambda net: net, nn.Sequential])
def test_what_a_forward_makes_is_part_of_the_module(wrap):
    net = wrap(Lazy(True))
    net(Tensor(X)).sum().backward()
    assert len(list(net.parameters())) == 7
    assert all(p.grad is not None for p in net.parameters())


def test_a_buffer_stays_one_when_a_forward_replaces_it():
    class Running(nn.Module):
        def __init__(self):
            self.register_buffer("mean", Tensor([0.0, 0.0]))

        def forward(self, x):
            self.mean = (x.detach() + self.mean) / 2
            return x

    net = Running()
    net(variable([2.0, 4.0], np.float32))
    assert [name for name, _ in net.named_buffers()] == list(net.state_dict()) == ["mean"]


METHODS = sorted(
    name for name in dir(nn.Module) if not name.startswith("_") and callable(getattr(nn.Module, name, None))
)


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("value", [nn.ReLU, lambda: nn.Parameter([1.0]), lambda: Tensor([1.0]), list, lambda: True])
def test_no_attribute_hides_a_method(name, value):
    with pytest.raises(UsageError, match=rf"Module\.{name} is a method, which a .* would hide: choose another name"):
        setattr(nn.Module(), name, value())


@pytest.mark.parametrize("name", METHODS)
def test_nothing_that_is_registered_hides_a_method(name):
    for register, value in (
        (nn.Module().add_module, nn.ReLU()),
        (nn.Module().register_parameter, nn.Parameter([1.0])),
        (nn.Module().register_buffer, Tensor([1.0])),
    ):
        with pytest.raises(UsageError, match=rf"Module\.{name} is a method"):
            register(name, value)


def test_a_method_may_be_replaced_by_a_function_and_properties_work():
    class Doubled(nn.Module):
        @property
        def factor(self):
            return self.value * 2

        @factor.setter
        def factor(self, value):
            self.value = value / 2

    net = Doubled()
    net.factor = 6
    assert (net.value, net.factor) == (3, 6)
    net.forward = lambda x: x + 1
    assert net(1) == 2
