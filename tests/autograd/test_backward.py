"""The reverse pass from a Tensor: what it accumulates, what it frees, and the form of what it gives."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import minigrad as mg
from minigrad import FreedGraphError, GraphError, Op, RuleError, ShapeError, Tensor, no_grad
from tests.helper import inner, numerical_gradient, variable

# ---- accumulation --------------------------------------------------------------------------------------------


def test_gradients_add_up_over_passes():
    x = variable([1.0, 2.0])
    (x * 3).sum().backward()
    (x * x).sum().backward()
    assert x.grad.tolist() == [5, 7]


def test_earlier_gradient_is_not_written_to_by_a_later_pass():
    x = variable([1.0])
    (x * 3).sum().backward()
    first = x.grad
    (x * 3).sum().backward()
    assert (first.tolist(), x.grad.tolist()) == ([3], [6])


def test_variables_that_share_a_cotangent_have_gradients_of_their_own():
    x, y = variable([1.0, 2.0]), variable([1.0, 2.0])
    (x + y).sum().backward()
    x.grad *= 10
    x.grad[0] = 5
    assert y.grad.tolist() == [1, 1]


def test_input_used_several_times_receives_the_sum():
    x = variable(3.0)
    y = x * x
    (y * y + x * y + x).backward()
    assert x.grad.item() == 4 * 27 + 3 * 9 + 1


def test_same_tensor_in_every_place_of_one_op():
    x = variable([[2.0, 1.0], [1.0, 3.0]])
    (x @ x).sum().backward()
    np.testing.assert_allclose(x.grad, numerical_gradient(lambda a: np.sum(a @ a), [x.numpy()]))
    y = variable([1.0, 2.0])
    (mg.concat([y, y, y], axis=0) * np.arange(6.0)).sum().backward()
    assert y.grad.tolist() == [0 + 2 + 4, 1 + 3 + 5]


def test_backward_of_a_variable_itself():
    x = variable(2.0)
    x.backward()
    assert x.grad.item() == 1


def test_only_variables_get_a_gradient_attribute():
    x, c = variable(2.0), Tensor(3.0)
    y = x * c
    (y * y).backward()
    with pytest.warns(UserWarning, match="the result of multiply is None"):
        assert y.grad is None
    assert c.grad is None


def test_constant_inputs_cost_nothing():
    x = variable([1.0, 2.0])
    y = x * np.array([3.0, 4.0])
    assert y.node.parents[1] is None
    assert (Tensor([1.0]) * Tensor([2.0])).node is None


# ---- the cotangent -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("g", [[1.0, 2.0], np.array([1, 2]), Tensor([1.0, 2.0]), np.array([1.0, 2.0], np.float16)])
def test_cotangent_may_be_any_array(g):
    x = variable([1.0, 2.0])
    (x * x).backward(g)
    assert x.grad.tolist() == [2, 8]
    assert x.grad.dtype == np.float64


def test_cotangent_is_needed_for_several_elements_only():
    x = variable([[1.0]])
    (x * 2).backward()
    assert x.grad.tolist() == [[2]]
    with pytest.raises(ShapeError, match=r"\(2,\).*\.sum\(\)"):
        (variable([1.0, 2.0]) * 2).backward()


def test_cotangent_of_another_shape_is_refused():
    with pytest.raises(ShapeError, match=r"\(3,\).*\(2,\)"):
        (variable([1.0, 2.0]) * 2).backward(np.ones(3))


@pytest.mark.parametrize(
    "make", [lambda x: x.detach() * 2, lambda x: x > 1, lambda x: mg.stop_gradient(x), lambda x: x.argmax()]
)
def test_backward_without_a_graph_says_why(make):
    with pytest.raises(GraphError, match="requires_grad=True"):
        make(variable(2.0)).backward()


# ---- freeing -------------------------------------------------------------------------------------------------


def test_second_pass_over_a_freed_graph_is_refused():
    x = variable(2.0)
    y = x * x
    y.backward()
    with pytest.raises(FreedGraphError, match=r"multiply.*retain_graph=True"):
        y.backward()
    assert x.grad.item() == 4


def test_new_op_on_a_freed_result_is_refused_in_backward():
    x = variable(2.0)
    y = x * x
    y.backward()
    with pytest.raises(FreedGraphError):
        (y + 1).backward()


def test_retained_graph_can_be_used_again():
    x = variable(2.0)
    y = x * x
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.item() == 8


def test_pass_frees_what_the_graph_saved():
    x = variable([1.0, 2.0])
    y = x * x
    y.sum().backward()
    assert (y.node.saved, y.node.parents) == (None, ())


def test_exception_in_a_rule_leaves_gradients_and_recording_as_they_were():
    def fail(g):
        raise ZeroDivisionError("here")

    broken = Op(lambda x: x * 1, "broken")
    broken.vjp("x")(fail)
    x, y = variable([1.0]), variable([1.0])
    x.grad = Tensor(np.array([7.0]))
    with pytest.raises(ZeroDivisionError, match="here") as caught:
        (broken(x * 2) + y).sum().backward()
    assert "op broken for its input 'x'" in "".join(caught.value.__notes__)
    assert (x.grad.tolist(), y.grad) == ([7], None)
    assert mg.is_recording()
    (x * y).sum().backward()
    assert y.grad.tolist() == [1]


# ---- recorded passes -----------------------------------------------------------------------------------------


def test_create_graph_records_gradients_that_can_be_differentiated():
    x = variable(3.0)
    (x**3).backward(create_graph=True)
    first = x.grad
    assert (first.item(), first.requires_grad) == (27, True)
    x.grad = None
    first.backward()
    assert x.grad.item() == 18


def test_gradient_penalty_reaches_the_weights():
    def penalty(weights):
        w = weights if isinstance(weights, Tensor) else Tensor(weights)
        x = variable([0.3, -0.2])
        (x @ w).tanh().sum().backward(create_graph=True)
        return (x.grad * x.grad).sum()

    w = variable([[0.5, -1.0], [0.7, 0.2]])
    expected = numerical_gradient(lambda a: penalty(variable(a)).item(), [w.numpy()])
    penalty(w).backward()
    first = w.grad  # from the inner and the outer pass together
    inner_pass = variable(w.numpy())
    (variable([0.3, -0.2]) @ inner_pass).tanh().sum().backward()
    np.testing.assert_allclose(first.numpy() - inner_pass.grad.numpy(), expected, rtol=1e-7)


def test_plain_backward_gives_constants():
    x = variable(3.0)
    (x**3).backward()
    assert x.grad.node is None


def test_create_graph_under_no_grad_records_nothing():
    x = variable(3.0)
    y = x**3
    with no_grad():
        y.backward(create_graph=True)
    assert (x.grad.item(), x.grad.node) == (27, None)


# ---- form ----------------------------------------------------------------------------------------------------


@given(hnp.mutually_broadcastable_shapes(num_shapes=3, max_dims=4, max_side=3, min_side=0))
def test_broadcasting_is_undone(shapes):
    arrays = [np.linspace(0.5, 1.5, int(np.prod(s))).reshape(s) for s in shapes.input_shapes]
    x, y, z = (variable(a) for a in arrays)
    out = mg.where(mg.greater(z, 1), x * y, y - x) / z
    g = np.linspace(1, 2, out.size).reshape(out.shape)
    out.backward(g)
    full = [np.broadcast_to(a, out.shape) for a in arrays]
    for v, a, k in zip((x, y, z), arrays, range(3), strict=True):
        alone = [variable(b) for b in full]
        (mg.where(mg.greater(alone[2], 1), alone[0] * alone[1], alone[1] - alone[0]) / alone[2]).backward(g)
        everywhere = alone[k].grad.numpy()
        axes = tuple(range(out.ndim - a.ndim))
        kept = everywhere.sum(axes) if axes else everywhere
        ones = tuple(i for i, n in enumerate(a.shape) if n == 1 and kept.shape[i] != 1)
        np.testing.assert_allclose(v.grad, kept.sum(ones, keepdims=True), rtol=1e-12)


@pytest.mark.parametrize("dtypes", [(np.float16, np.float32), (np.float32, np.float64), (np.float16, np.float64)])
def test_gradient_has_its_inputs_dtype_in_a_mixture(dtypes):
    low, high = (variable([1.0, 2.0], d) for d in dtypes)
    out = (low.exp() * high + low).tanh() @ high
    assert out.dtype == dtypes[1]
    out.backward()
    assert (low.grad.dtype, high.grad.dtype) == dtypes


def test_gradient_of_a_conversion_comes_back_in_the_inputs_dtype():
    x = variable([1.5], np.float32)
    (x.astype(np.float64) * 2).sum().backward()
    assert (x.grad.dtype, x.grad.tolist()) == (np.float32, [2])


@pytest.mark.parametrize("dtype", [int, bool, np.uint8])
def test_no_gradient_flows_through_integers(dtype):
    x = variable([1.5, 2.5])
    assert not x.astype(dtype).requires_grad
    (x + x.astype(dtype).astype(float) * 0.5).sum().backward()
    assert x.grad.tolist() == [1, 1]


@given(st.sampled_from([(), (0,), (1,), (0, 3), (2, 0, 1)]), st.sampled_from([np.float32, np.float64]))
def test_empty_and_0d_tensors_have_gradients(shape, dtype):
    x = variable(np.full(shape, 0.5), dtype)
    ((x * 2).tanh() + x.exp() / 3 + x.sigmoid() + x.relu() ** 2).sum().backward()
    assert (x.grad.shape, x.grad.dtype) == (shape, dtype)
    assert isinstance(x.grad.data, np.ndarray)


def test_rule_may_return_a_broadcast_cotangent_but_no_other_shape():
    f = Op(lambda x: x * 1, "ones_rule")
    f.vjp("x")(lambda g: np.ones((4, 3)))
    x = variable(np.zeros((1, 3)))
    f(x).backward(np.ones((1, 3)))
    assert x.grad.tolist() == [[4, 4, 4]]
    with pytest.raises(RuleError, match=r"ones_rule.*'x'.*\(4, 3\).*\(2,\)"):
        f(variable([0.0, 0.0])).sum().backward()


def test_backward_is_the_adjoint_on_a_network_of_shared_parts(rng):
    a, b, v, w = (rng.normal(size=(3, 3)) for _ in range(4))

    def f(x, y):
        h = mg.tanh(x @ y) + x
        return (h * h.T).sum(axis=0) + h @ y.sum(axis=1)

    u = rng.normal(size=3)
    _, moved = mg.jvp(f, (a, b), (v, w))
    _, back = mg.vjp(f, a, b)
    x, y = back(u)
    np.testing.assert_allclose(inner(u, moved.numpy()), inner(x.numpy(), v) + inner(y.numpy(), w), rtol=1e-12)
