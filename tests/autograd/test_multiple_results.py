"""Ops with several results: what each of them sends back, at every order, and what such an op must return."""

import gc

import numpy as np
import pytest

import minigrad as mg
from minigrad import Graph, RuleError, Tensor, op
from minigrad.autograd.node import Node
from tests.helper import inner, numerical_gradient, variable


@op(name="test_result.polar", results=("radius", "angle"))
def polar(x, y):
    """Length and direction of (x, y)."""
    return np.hypot(x, y), np.arctan2(y, x)


@polar.vjp("x")
def _(g, x, y, radius):
    g_radius, g_angle = g
    return g_radius * x / radius - g_angle * y / (radius * radius)


@polar.vjp("y")
def _(g, x, y, radius):
    g_radius, g_angle = g
    return g_radius * y / radius + g_angle * x / (radius * radius)


@op(name="test_result.parts", results=("fraction", "whole", "count"), residuals=("ones",))
def parts(x):
    """x = fraction + whole; and, as an integer, how many elements there are."""
    whole = np.floor(x)
    return x - whole, whole, np.array(x.size), np.ones_like(x)


@parts.vjp("x")
def _(g, ones):
    return g[0] * ones


X, Y = np.array([1.5, -0.5]), np.array([0.75, 2.0])
USES = {
    "both": lambda x, y: polar(x, y)[0] * polar(x, y)[1],
    "both of one call": lambda x, y: (lambda r, a: r * a + r)(*polar(x, y)),
    "only the first": lambda x, y: polar(x, y)[0],
    "only the last": lambda x, y: polar(x, y)[1],
    "the first twice": lambda x, y: (lambda r, a: r * r)(*polar(x, y)),
}


@pytest.mark.parametrize("use", USES)
def test_gradients_of_first_and_second_order_equal_finite_differences(use):
    f, u = USES[use], np.array([0.7, -1.2])

    def slope(x, y):
        gx, gy = mg.vjp(f, x, y)[1](u)
        return mg.sum(gx * gx + 2 * gy)

    for position in (0, 1):
        first = mg.vjp(f, X, Y)[1](u)[position]
        expected = numerical_gradient(lambda *xs: inner(f(*xs), u), [X, Y], position)
        np.testing.assert_allclose(first.numpy(), expected, rtol=1e-7, atol=1e-9)
        second = mg.grad(slope, position)(X, Y)
        expected = numerical_gradient(lambda *xs: slope(*xs).item(), [X, Y], position)
        np.testing.assert_allclose(second.numpy(), expected, rtol=1e-6, atol=1e-8)


def test_results_are_arrays_constants_or_recorded_as_the_inputs_are():
    assert all(type(part) is np.ndarray for part in polar(X, Y))
    assert all(type(part) is Tensor and part.node is None for part in polar(Tensor(X), Y))
    assert all(part.requires_grad for part in polar(variable(X), Y))


def test_result_of_integers_is_a_constant():
    fraction, _, count = parts(variable(X))
    assert fraction.requires_grad
    assert count.node is None
    fraction.sum().backward()


def test_forward_derivative_goes_through():
    _, moved = mg.jvp(lambda x: polar(x, Y)[1], [X], [np.ones(2)])
    np.testing.assert_allclose(moved.numpy(), -Y / (X**2 + Y**2))


def test_results_stand_as_nodes_of_their_own_behind_the_op():
    radius, _ = polar(variable(X), Y)
    names = [node.name for node in Graph.of(radius).nodes]
    assert names == ["variable", "test_result.polar", "test_result.polar.radius"]
    assert [node.shape for node in Graph.of(radius).nodes] == [(2,), ((2,), (2,)), (2,)]


def test_graph_is_freed_as_a_whole_and_leaves_no_nodes():
    radius, angle = polar(variable(X), Y)
    radius.sum().backward()
    with pytest.raises(mg.FreedGraphError, match="polar"):
        angle.sum().backward()
    del radius, angle
    gc.collect()
    assert not [x for x in gc.get_objects() if type(x) is Node and str(x.op).startswith("test_result")]


def test_anomaly_looks_at_each_result():
    with pytest.raises(mg.NonFiniteError, match=r"^test_result.polar's result radius gave nan"), mg.anomaly():
        polar(variable(np.array([np.nan])), np.ones(1))


def test_forward_must_return_what_results_and_keeps_name():
    @op(name="test_result.short", results=("a", "b"))
    def short(x):
        return x, x, x

    with pytest.raises(RuleError, match=r"must return a tuple \(a, b\), as results=\('a', 'b'\) says"):
        short(X)


def test_rule_asks_for_results_by_their_names():
    with pytest.raises(RuleError, match="asks for out; it can have g, radius, angle, x, y"):

        @polar.vjp("x")
        def _(g, out):
            return g


def test_op_with_several_results_and_fast_rules_only_is_recorded_through_its_reference():
    @op(name="test_result.powers", results=("two", "three"), reference=lambda x: (x * x, x * x * x))
    def powers(x):
        """The square and the cube."""
        return x * x, x * x * x

    @powers.fast_vjp("x")
    def _(g, x):
        return 2 * x * g[0] + 3 * x * x * g[1]

    for f, slopes in (
        (lambda x: powers(x)[1], (3 * X**2, 6 * X)),
        (lambda x: powers(x)[0] * powers(x)[1], (5 * X**4, 20 * X**3)),
        (lambda x: (lambda a, b: a * b + a)(*powers(x)), (5 * X**4 + 2 * X, 20 * X**3 + 2)),
    ):
        first = mg.grad(lambda x, f=f: mg.sum(f(x)))
        np.testing.assert_allclose(first(X).numpy(), slopes[0], rtol=1e-12)
        np.testing.assert_allclose(mg.jvp(f, (X,), (Y,))[1].numpy(), slopes[0] * Y, rtol=1e-12)
        np.testing.assert_allclose(mg.vjp(first, X)[1](Y)[0].numpy(), slopes[1] * Y, rtol=1e-12)
        np.testing.assert_allclose(mg.jvp(first, (X,), (Y,))[1].numpy(), slopes[1] * Y, rtol=1e-12)


def test_node_of_one_result_is_named_by_the_op_and_the_result():
    radius, _ = polar(variable(X), Y)
    assert "made by test_result.polar's result radius" in repr(radius)
    with pytest.raises(mg.GraphError, match=r"^test_result.polar's result radius cannot stop requiring gradients"):
        radius.requires_grad = False
    with pytest.raises(mg.MutationError, match=r"^cannot write to test_result.polar's result radius:"):
        radius.writable()
    with pytest.raises(mg.errors.UsageError, match=r"no variable but test_result.polar's result radius"):
        mg.optim.SGD([radius], lr=0.1)
    reason = mg.why(radius, lambda: radius.sum())
    assert reason.name == "test_result.polar's result radius"


def test_no_node_is_called_result_without_saying_of_what():
    x = variable(np.array([[2.0, 1.0], [1.0, 3.0]]))
    for several in (mg.svd, mg.eigh, mg.qr, mg.slogdet):
        for out in several(x):
            if out.node is not None:
                name = Graph.of(out).nodes[-1].name
                assert name.startswith(several.__name__ if hasattr(several, "__name__") else several.name), name
                assert name.partition(".")[2]
