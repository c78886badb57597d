"""Forward mode: tangents pushed through recorded ops are those of calculus, in each of its ways, at every order."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import FreedGraphError, Op, ShapeError, Tensor, functional
from minigrad.autograd import push_forward as engine
from minigrad.autograd.push_forward import push_forward_tensors
from minigrad.testing import LawViolation, laws
from tests.helper import variable

X = np.array([0.4, -0.7, 1.1])
V = np.array([1.0, 2.0, -1.0])


def _noting(way, right, seen):
    return lambda *args, **settings: seen.append(way) or right(*args, **settings)


@pytest.fixture
def ways(monkeypatch):
    """The names of the ways that tangents took."""
    seen = []
    for way in ("_push_elementwise", "_push_linear", "_push_by_transposing", "_push_through_replay"):
        monkeypatch.setattr(engine, way, _noting(way, getattr(engine, way), seen))
    return seen


def test_elementwise_op_multiplies_by_its_slope(ways):
    _, moved = mg.jvp(lambda x: mg.sin(x) * x, (X,), (V,))
    np.testing.assert_allclose(moved.numpy(), (np.cos(X) * X + np.sin(X)) * V)
    assert set(ways) == {"_push_elementwise"}


def test_linear_op_is_applied_to_the_tangent(ways):
    a, b, da, db = [np.random.default_rng(k).normal(size=(3, 3)) for k in range(4)]
    _, moved = mg.jvp(lambda a, b: mg.concat([a @ b, a]).sum(axis=0), (a, b), (da, db))
    np.testing.assert_allclose(moved.numpy(), (da @ b + a @ db + da).sum(0))
    assert set(ways) == {"_push_linear"}


def test_inputs_that_are_added_up_take_their_tangents_at_once(ways, monkeypatch):
    calls = []
    right = mg.ops.linear.forward
    monkeypatch.setattr(mg.ops.linear, "forward", lambda *xs: calls.append(xs) or right(*xs))
    x, w, b = np.ones((2, 3)), np.full((1, 3), 2.0), np.array([5.0])
    _, push = mg.linearize(lambda x, w, b: mg.ops.linear(x, w, b), x, w, b)
    calls.clear()
    assert push(x, w, b).tolist() == [[6 + 6 + 5]] * 2
    assert len(calls) == 2  # (dx, w, db) and (x, dw, 0)
    assert ways == ["_push_linear"]


def test_any_other_op_is_transposed_twice(ways):
    _, moved = mg.jvp(lambda x: mg.softmax(x, axis=0), (X,), (V,))
    p = np.exp(X) / np.exp(X).sum()
    np.testing.assert_allclose(moved.numpy(), p * V - p * (p @ V))
    assert set(ways) == {"_push_by_transposing"}


def test_op_without_facts_needs_its_rule_only():
    cube = Op(lambda x: x * x * x, "cube")
    cube.vjp("x")(lambda g, x: 3 * g * x * x)
    _, moved = mg.jvp(cube, (X,), (V,))
    np.testing.assert_allclose(moved.numpy(), 3 * X**2 * V)


def test_fused_op_is_run_again_from_smaller_ones(ways):
    x, t = np.stack([X, V]), np.array([0, 2])
    _, moved = mg.jvp(lambda x: functional.cross_entropy(x, t), (x,), (x,))
    gradient = mg.grad(lambda x: functional.cross_entropy(x, t))(x)
    assert moved.item() == pytest.approx((gradient.numpy() * x).sum())
    assert "_push_through_replay" in ways


def test_op_with_several_results_moves_all_of_them():
    a = np.array([[2.0, 0.3], [0.3, 1.0]])
    d = np.array([[1.0, 0.0], [0.0, 0.0]])
    step = 1e-6
    (_, _), (moved, _) = mg.jvp(lambda a: tuple(mg.eigh(a)), (a,), (d,))
    expected = (np.linalg.eigvalsh(a + step * d) - np.linalg.eigvalsh(a - step * d)) / (2 * step)
    np.testing.assert_allclose(moved.numpy(), expected, rtol=1e-6)


def test_broadcast_operands_have_tangents_of_the_results_shape():
    _, moved = mg.jvp(lambda x, y: x * y, (X[:, None], np.float32(2)), (V[:, None], np.float32(1)))
    np.testing.assert_allclose(moved.numpy(), 2 * V[:, None] + X[:, None])
    _, moved = mg.jvp(lambda x, y: x + y, (X[:, None], X[None]), (V[:, None], V[None]))
    np.testing.assert_array_equal(moved.numpy(), V[:, None] + V)


def test_checkpointed_function_is_run_again():
    _, moved = mg.jvp(lambda x: mg.checkpoint(lambda y: mg.sin(y * y), x) * 2, (X,), (V,))
    np.testing.assert_allclose(moved.numpy(), 4 * X * np.cos(X * X) * V)


@pytest.mark.parametrize("f", [mg.sin, lambda x: (x @ x) * x, lambda x: mg.softmax(x, axis=0)])
def test_forward_mode_is_differentiated_again_both_ways(f):
    w = np.array([1.0, -1.0, 0.5])

    def slope(x):
        return (mg.jvp(f, (x,), (V,))[1] * w).sum()

    reverse = mg.grad(slope)(X).numpy()
    expected = mg.hvp(lambda x: (f(x) * w).sum(), X, V).numpy()
    np.testing.assert_allclose(reverse, expected, atol=1e-12)
    forward = [mg.jvp(slope, (X,), (e,))[1].item() for e in np.eye(3)]
    np.testing.assert_allclose(forward, expected, atol=1e-12)


def test_tangents_may_be_variables():
    v = variable([1.0, 2.0, 3.0])
    mg.jvp(lambda x: mg.cumulative_sum(x * x), (X.astype(np.float32),), (v,))[1].sum().backward()
    np.testing.assert_allclose(v.grad.numpy(), 2 * X * [3, 2, 1], rtol=1e-6)


def wrong_linear():
    op = Op(lambda x: x * x, "square_", linear=("x",))
    op.vjp("x")(lambda g, x: 2 * g * x)
    return op


def wrong_elementwise():
    op = Op(lambda x: np.cumsum(x), "running_sum", elementwise=True)
    op.vjp("x")(lambda g: mg.flip(mg.cumulative_sum(mg.flip(g))))
    return op


@pytest.mark.parametrize("make", [wrong_linear, wrong_elementwise])
def test_law_of_adjoints_finds_a_fact_that_is_wrong(make):
    with pytest.raises(LawViolation, match="adjoint"):
        laws.adjoint(make(), X)


# ---- where slopes are infinite ------------------------------------------------------------------------------------


def test_tangent_of_zero_stays_zero_whatever_the_slope():
    assert mg.jvp(mg.sqrt, (np.array([0.0, 4.0]),), (np.array([0.0, 1.0]),))[1].tolist() == [0, 0.25]


def test_infinite_slope_is_infinite():
    assert mg.jvp(mg.sqrt, (0.0,), (1.0,))[1].item() == np.inf


def test_branch_that_is_not_taken_brings_nothing():
    x = np.array([-1.0, 4.0])
    with np.errstate(invalid="ignore"):
        _, moved = mg.jvp(lambda x: mg.where(x > 0, mg.sqrt(x), 0 * x), (x,), (np.ones(2),))
    np.testing.assert_array_equal(moved.numpy(), [0, 0.25])


# ---- linearize, jacobian --------------------------------------------------------------------------------------------


def test_linearized_function_is_not_run_again():
    runs = []

    def f(x, scale=1.0):
        runs.append(1)
        return {"y": x * x * scale}, "aux"

    value, push, aux = mg.linearize(f, X, has_aux=True, scale=2.0)
    np.testing.assert_array_equal(value["y"].numpy(), 2 * X * X)
    for v in (V, 3 * V):
        np.testing.assert_allclose(push(v)["y"].numpy(), 4 * X * v)
    assert (len(runs), aux) == (1, "aux")
    with pytest.raises(ShapeError, match="linearize: one tangent an argument is needed, got 2 for 1"):
        push(V, V)
    with pytest.raises(ShapeError, match=r"shape \(2,\)"):
        push(V[:2])


@pytest.mark.parametrize("shape", [(2,), (7,), (0,)])
def test_jacobian_is_the_same_in_both_modes(shape, monkeypatch):
    rng = np.random.default_rng(0)
    a, x = rng.normal(size=(4, *shape)), {"x": rng.normal(size=shape), "y": np.float64(0.5)}
    passes = []
    for mode in ("push", "pull"):
        right = getattr(mg.autograd.pullback.Pullback, mode)
        noted = lambda self, *args, right=right, mode=mode: passes.append(mode) or right(self, *args)  # noqa: E731
        monkeypatch.setattr(mg.autograd.pullback.Pullback, mode, noted)

    def f(p):
        return mg.sin(a @ p["x"]) * p["y"]

    found = mg.jacobian(f)(x)
    np.testing.assert_allclose(found["x"].numpy(), np.cos(a @ x["x"])[:, None] * a * 0.5)
    np.testing.assert_allclose(found["y"].numpy(), np.sin(a @ x["x"]))
    assert set(passes) == ({"push"} if len(x["x"]) + 1 < 4 else {"pull"})


def test_recorded_results_are_pushed_without_a_function():
    x = variable([1.0, 2.0])
    y, constant = x * x, Tensor([3.0])
    moved = push_forward_tensors([y, constant, x], [x], [Tensor([1.0, 10.0])])
    assert [m.tolist() for m in moved] == [[2, 40], [0], [1, 10]]
    y.sum().backward()
    with pytest.raises(FreedGraphError, match="retain_graph"):
        push_forward_tensors([y], [x], [Tensor([1.0, 10.0])])


@pytest.mark.peer
def test_forward_mode_equals_that_of_jax():
    jax = pytest.importorskip("jax")
    a = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    x, v = X.astype(np.float32), V.astype(np.float32)

    def theirs(x):
        return jax.numpy.tanh(a @ x) * jax.numpy.exp(x).sum()

    def ours(x):
        return mg.tanh(Tensor(a) @ x) * mg.exp(x).sum()

    np.testing.assert_allclose(mg.jvp(ours, (x,), (v,))[1].numpy(), jax.jvp(theirs, (x,), (v,))[1], rtol=1e-4)
    np.testing.assert_allclose(mg.linearize(ours, x)[1](v).numpy(), jax.linearize(theirs, x)[1](v), rtol=1e-4)
    np.testing.assert_allclose(mg.jacobian(ours)(x).numpy(), jax.jacfwd(theirs)(x), rtol=1e-4, atol=1e-5)
