"""Every op, by its rows in `row.py`: its rules against finite differences, on all the orders that are promised."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor
from tests.helper import inner, numerical_gradient
from tests.helper import slope as central_slope
from tests.row import CASES, OWN, Call

ALL = [(name, k) for name in OWN for k in range(len(CASES.get(name, ())))]
SMOOTH = [(name, k) for name, k in ALL if OWN[name].rules or OWN[name].fast_rules]
every_row = pytest.mark.parametrize(("name", "k"), ALL, ids=[f"{name}-{k}" for name, k in ALL])
every_differentiable_row = pytest.mark.parametrize(("name", "k"), SMOOTH, ids=[f"{name}-{k}" for name, k in SMOOTH])


def test_every_op_has_a_row_here():
    assert sorted(set(OWN) - set(CASES)) == []
    assert sorted(set(CASES) - set(OWN)) == []


@pytest.mark.parametrize("name", OWN)
def test_op_is_documented(name):
    assert OWN[name].__doc__


@pytest.mark.parametrize("name", OWN)
def test_each_input_has_a_rule_or_is_declared_non_differentiable(name):
    op = OWN[name]
    for x in op.inputs:
        assert (x in op.rules or x in op.fast_rules) != (x in op.non_differentiable), f"{name}: {x}"


@pytest.mark.parametrize("name", OWN)
def test_op_with_only_a_fast_rule_has_a_reference(name):
    op = OWN[name]
    assert op.reference is not None or op.fast_rules.keys() <= op.rules.keys()


@every_differentiable_row
def test_first_order_equals_finite_differences(name, k):
    call = Call(name, k)
    found = call.gradients(call.variables())
    for i, g in zip(call.positions, found, strict=True):
        expected = numerical_gradient(lambda *arrays: inner(call(*arrays), call.u), call.arrays, i)
        np.testing.assert_allclose(g.numpy(), expected, rtol=1e-7, atol=1e-8, err_msg=f"input {call.names[i]}")


@every_differentiable_row
def test_vjp_is_the_adjoint_of_jvp(name, k):
    call = Call(name, k)
    values, tangents = [call.arrays[i] for i in call.positions], [call.w[i] for i in call.positions]
    _, moved = mg.jvp(lambda *xs: call.with_(list(xs)), values, tangents)
    forward = inner(call.u, moved.numpy())
    back = sum(inner(g.numpy(), v) for g, v in zip(call.gradients(values), tangents, strict=True))
    np.testing.assert_allclose(back, forward, rtol=1e-11, atol=1e-11)


@every_differentiable_row
def test_rule_has_the_right_derivative_in_the_cotangent_also_at_zero(name, k):
    # A rule that takes a shortcut for g = 0 can be right at first order and wrong in every mixed second derivative.
    call = Call(name, k)
    values = [call.arrays[i] for i in call.positions]

    def moved(t):
        return np.asarray(call.with_([x + t * call.w[i] for x, i in zip(values, call.positions, strict=True)]))

    for u in (0 * call.u, call.u):
        found = mg.grad(lambda u: call.slope(*values, u=u))(u)
        np.testing.assert_allclose(found.numpy(), central_slope(moved), rtol=1e-6, atol=1e-7)


@every_differentiable_row
def test_second_order_equals_finite_differences(name, k):
    call = Call(name, k)
    values = [call.arrays[i] for i in call.positions]
    found = mg.grad(call.slope, argnums=tuple(range(len(values))))(*values)
    for i, g in enumerate(found):
        expected = numerical_gradient(lambda *arrays: call.slope(*arrays).item(), values, i)
        np.testing.assert_allclose(g.numpy(), expected, rtol=1e-6, atol=1e-7)


@every_differentiable_row
def test_recorded_backward_equals_plain_backward(name, k):
    # The plain pass takes fast rules where there are some, the recorded one the plain rule or the reference.
    call = Call(name, k)
    plain, recorded = call.variables(), call.variables()
    call.with_(plain).backward(call.u)
    call.with_(recorded).backward(call.u, create_graph=True)
    for x, y in zip(plain, recorded, strict=True):
        np.testing.assert_allclose(x.grad.numpy(), y.grad.numpy(), rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize(("name", "k"), [row for row in SMOOTH if row[0] != "astype"])  # which is there to change it
def test_result_and_gradients_keep_the_dtype_of_the_inputs(name, k, dtype):
    call = Call(name, k)
    variables = call.variables(dtype)
    inputs = [x.astype(dtype) if isinstance(x, np.ndarray) and x.dtype.kind == "f" else x for x in call.arrays]
    call.arrays = inputs
    out = call.with_(variables)
    assert out.dtype == dtype
    out.backward(call.u)
    for x in variables:
        assert (x.grad.dtype, x.grad.shape) == (dtype, x.shape)


@every_row
def test_op_without_recorded_inputs_equals_the_op_on_arrays(name, k):
    call = Call(name, k)
    plain = call(*call.arrays)
    tensors = [Tensor(x) if isinstance(x, np.ndarray) else x for x in call.arrays]
    out = call(*tensors)
    assert isinstance(out, Tensor)
    assert not out.requires_grad
    np.testing.assert_array_equal(out.numpy(), plain)


@every_row
def test_op_leaves_its_inputs_as_they_are(name, k):
    call = Call(name, k)
    before = [np.copy(x) for x in call.arrays]
    call(*call.arrays)
    if call.positions and (call.op.rules or call.op.fast_rules):
        variables = call.variables()
        call.with_(variables).backward(call.u)
        for i, x in zip(call.positions, variables, strict=True):
            np.testing.assert_array_equal(x.numpy(), before[i])
    for x, y in zip(call.arrays, before, strict=True):
        np.testing.assert_array_equal(x, y)


@every_row
def test_layout_of_the_inputs_does_not_change_the_result(name, k):
    call = Call(name, k)
    strided = [np.repeat(x[::-1], 2, 0)[::-2] if isinstance(x, np.ndarray) and x.ndim else x for x in call.arrays]
    fortran = [np.asfortranarray(x) if isinstance(x, np.ndarray) and x.ndim else x for x in call.arrays]
    for inputs in (strided, fortran):
        np.testing.assert_allclose(call(*inputs), call(*call.arrays), rtol=1e-12, atol=1e-12)


WITH_REFERENCE = [(name, k) for name, k in ALL if OWN[name].reference is not None]


@pytest.mark.parametrize(("name", "k"), WITH_REFERENCE)
def test_op_equals_its_reference(name, k):
    call = Call(name, k)
    settings = call.op.canonical(*call.arrays, **call.settings) if call.op.canonical else call.settings
    np.testing.assert_allclose(call(*call.arrays), call.op.reference(*call.arrays, **settings), rtol=1e-12)


LINEAR = [(name, k) for name, k in ALL if OWN[name].linear]


@pytest.mark.parametrize(("name", "k"), LINEAR)
def test_op_is_linear_in_each_input_that_says_so(name, k):
    # With a bias or several inputs the function of one of them is affine: its differences are linear.
    call, rng = Call(name, k), np.random.default_rng(1)
    for i in call.positions:
        if call.names[i] not in call.op.linear:
            continue

        def at(x, i=i):
            return call(*call.arrays[:i], x, *call.arrays[i + 1 :])

        x, y = call.arrays[i], rng.normal(size=call.arrays[i].shape)
        origin = at(np.zeros_like(x))
        left = at(2 * x - 3 * y) - origin
        np.testing.assert_allclose(left, 2 * (at(x) - origin) - 3 * (at(y) - origin), rtol=1e-10, atol=1e-11)


CONSTANT = [(name, k) for name, k in ALL if set(OWN[name].inputs) == OWN[name].non_differentiable]


@pytest.mark.parametrize(("name", "k"), CONSTANT)
def test_non_differentiable_op_gives_a_constant(name, k):
    call = Call(name, k)
    out = call(*[Tensor(x, requires_grad=x.dtype.kind == "f") for x in call.arrays])
    assert out.node is None
