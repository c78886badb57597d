"""Containers: what stands in dicts, lists, tuples, dataclasses and modules, and how they are put together again."""

import dataclasses
from typing import NamedTuple

import numpy as np
import pytest

import minigrad as mg
from minigrad import ShapeError, Tensor, nn
from minigrad.autograd.nested import leaves, mapped, rebuilt

X = np.array([1.0, 2.0])


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    slope: object
    offset: object
    degree: int = dataclasses.field(default=1, metadata={"static": True})


@dataclasses.dataclass
class Doubling:
    x: object
    double: object = dataclasses.field(init=False)

    def __post_init__(self):
        self.double = 2 * self.x


class Pair(NamedTuple):
    first: object
    second: object


def test_every_container_is_taken_apart_in_order_and_put_together():
    nested = {"a": [1.0, (2.0, None)], "b": Pair(Line(3.0, [4.0]), 5.0)}
    assert list(leaves(nested)) == [
        ("['a'][0]", 1.0),
        ("['a'][1][0]", 2.0),
        ("['b'][0].slope", 3.0),
        ("['b'][0].offset[0]", 4.0),
        ("['b'][1]", 5.0),
    ]
    doubled = mapped(lambda x: 2 * x, nested)
    assert doubled == {"a": [2.0, (4.0, None)], "b": Pair(Line(6.0, [8.0]), 10.0)}
    assert rebuilt(nested, [x for _, x in leaves(nested)]) == nested


def test_dataclass_is_rebuilt_as_it_is_without_running_its_code():
    given = Doubling(1.0)
    found = rebuilt(given, [5.0, 7.0])
    assert (found.x, found.double, given.double) == (5.0, 7.0, 2.0)
    assert list(leaves(Line)) == [("", Line)]  # a class is no container


def test_static_field_is_kept_and_not_differentiated():
    gradient = mg.grad(lambda p: (p.slope * X**p.degree + p.offset).sum())(Line(2.0, 1.0, degree=2))
    assert isinstance(gradient, Line)
    assert (gradient.slope.item(), gradient.offset.item(), gradient.degree) == (5.0, 2.0, 2)


def test_integer_in_a_dataclass_is_named():
    with pytest.raises(mg.DTypeError, match=r"argument 0\.offset holds int64"):
        mg.grad(lambda p: p.slope)(Line(2.0, np.array([1])))


# ---- modules -----------------------------------------------------------------------------------------------------


class Net(nn.Module):
    def __init__(self):
        self.inner = nn.Linear(2, 2, rng=np.random.default_rng(0))
        self.again = self.inner
        self.scale = nn.Parameter([1.0, 3.0])
        self.register_buffer("count", Tensor(0.0))

    def forward(self, x):
        return (self.again(mg.tanh(self.inner(x))) * self.scale).sum()


def by_backward(net, x):
    net.zero_grad()
    net(x).backward()
    found = {name: p.grad.numpy() for name, p in net.named_parameters()}
    net.zero_grad()
    return found


def test_gradient_by_a_module_is_a_module_of_gradients():
    net, x = Net(), Tensor([[0.3, -0.2]])
    own = dict(net.named_parameters())
    gradient = mg.grad(lambda module, x: module(x))(net, x)
    assert isinstance(gradient, Net)
    expected = by_backward(net, x)
    found = dict(gradient.named_parameters())
    assert found.keys() == expected.keys()
    for name in expected:
        np.testing.assert_allclose(found[name].numpy(), expected[name], rtol=1e-6)
    assert gradient.again is gradient.inner
    assert gradient.count is net.count
    assert all(p is own[name] and p.grad is None for name, p in net.named_parameters())


def test_modules_go_through_jvp_hvp_vjp_and_jacobian():
    net, x = Net().astype("float64"), Tensor(np.array([[0.3, -0.2]]))

    def f(module):
        return module(x)

    direction = mapped(lambda p: mg.ones(p.shape, dtype=p.dtype), net)
    assert isinstance(direction, Net)
    gradient = dict(mg.grad(f)(net).named_parameters())
    slope = sum(g.sum().item() for g in gradient.values())
    assert mg.jvp(f, (net,), (direction,))[1].item() == pytest.approx(slope)
    np.testing.assert_allclose(mg.vjp(f, net)[1](2.0)[0].scale.numpy(), 2 * gradient["scale"].numpy())
    np.testing.assert_allclose(mg.jacobian(f)(net).scale.numpy(), gradient["scale"].numpy())
    moved = mg.hvp(f, net, direction)
    step = 1e-5
    there = [mapped(lambda p, s=s: p.detach() + s * step, net) for s in (1, -1)]
    ahead, behind = [[g.numpy() for _, g in leaves(mg.grad(f)(at))] for at in there]
    for (_, found), a, b in zip(leaves(moved), ahead, behind, strict=True):
        np.testing.assert_allclose(found.numpy(), (a - b) / (2 * step), atol=1e-8)
    second = mg.hessian(f)(net)
    assert second.scale.inner.weight.shape == (2, 2, 2)


def test_equal_gradients_of_two_parameters_stay_two():
    class Sum(nn.Module):
        def __init__(self):
            self.a, self.b = nn.Parameter(1.0), nn.Parameter(2.0)

    outer = Tensor(3.0, requires_grad=True)
    gradient = mg.grad(lambda m: (m.a + m.b) * outer)(Sum())
    assert [name for name, _ in gradient.named_parameters()] == ["a", "b"]


def test_containers_that_do_not_fit_are_told():
    with pytest.raises(ShapeError, match=r"jvp: the containers .*\.slope, \.offset; got \['slope'\]"):
        mg.jvp(lambda p: p.slope, (Line(1.0, 2.0),), ({"slope": 1.0},))
