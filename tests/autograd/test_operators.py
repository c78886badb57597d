"""Operators, methods, indexing, and NumPy's functions on Tensors: they compute what NumPy computes, and record it."""

import operator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import minigrad as mg
from minigrad import GraphError, Tensor, no_grad
from tests.helper import numerical_gradient, variable

ARITHMETIC = [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow, operator.mod, operator.floordiv]
COMPARISON = [operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge]
SMOOTH = ARITHMETIC[:-1]


def named(functions):
    return {"argvalues": functions, "ids": [f.__name__ for f in functions]}


@pytest.mark.parametrize("f", **named([*ARITHMETIC, *COMPARISON]))
@pytest.mark.parametrize("other", [1.5, 2, np.array([0.5, 2.0, 2.5]), np.float64(2.0), np.array(2.0), [1.0, 2.0, 2.5]])
def test_operator_equals_numpys_on_both_sides(f, other):
    array = np.array([0.5, 2.0, 3.5])
    for t in (Tensor(array), variable(array)):
        for found, expected in ((f(t, other), f(array, other)), (f(other, t), f(other, array))):
            assert type(found) is Tensor
            assert found.dtype == expected.dtype
            np.testing.assert_array_equal(found.detach(), expected)


@pytest.mark.parametrize("f", **named(SMOOTH))
@pytest.mark.parametrize("other", [1.7, np.array([0.7, 2.1, 2.6])])
def test_gradient_flows_through_operators_from_both_sides(f, other):
    array = np.array([0.6, 2.0, 3.3])
    for function in (lambda t: f(t, other), lambda t: f(other, t)):
        x = variable(array)
        function(x).sum().backward()
        np.testing.assert_allclose(x.grad, numerical_gradient(lambda a, f=function: np.sum(f(a)), [array]), rtol=1e-7)


@pytest.mark.parametrize("f", **named([operator.neg, operator.pos, operator.abs]))
def test_unary_operator_equals_numpys(f):
    array = np.array([-1.5, 2.0])
    x = variable(array)
    y = f(x)
    np.testing.assert_array_equal(y.numpy(), f(array))
    y.sum().backward()
    np.testing.assert_allclose(x.grad, numerical_gradient(lambda a: np.sum(f(a)), [array]))


@pytest.mark.parametrize("f", **named([operator.and_, operator.or_]))
@pytest.mark.parametrize("other", [True, np.array([True, False])])
def test_logic_of_boolean_tensors(f, other):
    array = np.array([True, True])
    np.testing.assert_array_equal(f(Tensor(array), other), f(array, other))
    np.testing.assert_array_equal(f(other, Tensor(array)), f(other, array))
    np.testing.assert_array_equal(~Tensor(array), ~array)


@pytest.mark.parametrize(
    "shapes", [((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((2, 3), (3, 4)), ((5, 2, 3), (3, 4))]
)
def test_matmul_takes_arrays_on_either_side(rng, shapes):
    a, b = rng.normal(size=shapes[0]), rng.normal(size=shapes[1])
    for found in (Tensor(a) @ b, a @ Tensor(b), Tensor(a).matmul(Tensor(b)), np.matmul(Tensor(a), b)):
        np.testing.assert_allclose(found, a @ b, rtol=1e-12)


@pytest.mark.parametrize("f", **named(ARITHMETIC))
@pytest.mark.parametrize("scalar", [2, 2.5])
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize("shape", [(), (3,)])
def test_python_scalars_are_weak_forward_and_backward(f, scalar, dtype, shape):
    x = variable(np.full(shape, 1.5), dtype)
    for y in (f(x, scalar), f(scalar, x)):
        assert y.dtype == dtype
        if y.requires_grad:
            y.sum().backward()
            assert x.grad.dtype == dtype
    assert mg.where(np.ones(shape, bool), x, scalar).dtype == dtype
    assert x.clip(0, scalar).dtype == dtype


@given(
    hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=3, max_side=3),
    st.sampled_from([np.float16, np.float32, np.float64]),
    st.sampled_from([np.float16, np.float32, np.float64]),
)
def test_mixed_dtypes_and_broadcasting_give_each_gradient_its_inputs_form(shapes, first, second):
    x, y = (variable(np.full(shape, 1.5), d) for shape, d in zip(shapes.input_shapes, (first, second), strict=True))
    z = x * y + x / y
    assert (z.dtype, z.shape) == (np.result_type(first, second), shapes.result_shape)
    z.sum().backward()
    for v in (x, y):
        assert (v.grad.dtype, v.grad.shape) == (v.dtype, v.shape)


def test_comparison_of_recorded_tensors_is_a_constant():
    x = variable([1.0, 2.0])
    assert not (x > 1.5).requires_grad
    assert (x[x > 1.5] * 3).requires_grad


# ---- indexing ------------------------------------------------------------------------------------------------


@given(st.data())
def test_basic_index_equals_numpys_with_its_gradient(data):
    shape = data.draw(hnp.array_shapes(min_dims=0, max_dims=3, max_side=4))
    index = data.draw(hnp.basic_indices(shape, allow_newaxis=True))
    _check_index(shape, index, index)


@given(st.data())
def test_integer_array_index_equals_numpys_with_its_gradient(data):
    shape = data.draw(hnp.array_shapes(max_dims=3, max_side=4))
    index = data.draw(hnp.integer_array_indices(shape))
    _check_index(shape, index, tuple([Tensor(i) for i in index]))
    _check_index(shape, index, tuple([i.tolist() for i in index]) if index[0].ndim else index)


@given(st.data())
def test_boolean_index_equals_numpys_with_its_gradient(data):
    shape = data.draw(hnp.array_shapes(max_dims=3, max_side=3))
    mask = data.draw(hnp.arrays(bool, shape))
    _check_index(shape, mask, Tensor(mask))


def _check_index(shape, index, ours):
    array = np.arange(1.0, 1 + np.prod(shape, dtype=int)).reshape(shape)
    x = variable(array)
    y = x[ours]
    np.testing.assert_array_equal(y.numpy(), array[index])
    weight = np.arange(1.0, 1 + y.size).reshape(y.shape)
    (y * weight).sum().backward()
    expected = np.zeros(shape)
    np.add.at(expected, index, weight)  # what is taken twice receives twice
    np.testing.assert_array_equal(x.grad.numpy(), expected)


def test_index_of_floating_numbers_is_refused():
    for index in (Tensor([1.0]), 1.0, [0.5], "a"):
        with pytest.raises(TypeError, match="integers"):
            Tensor([1.0, 2.0])[index]


def test_index_out_of_range_is_an_index_error():
    with pytest.raises(IndexError, match="out of bounds") as caught:
        variable([1.0, 2.0])[2]
    assert "getitem" in "".join(caught.value.__notes__)


# ---- methods -------------------------------------------------------------------------------------------------

METHODS = {
    "sum": lambda t: t.sum(axis=1),
    "mean": lambda t: t.mean(axis=(0, -1), keepdims=True),
    "var": lambda t: t.var(axis=0),
    "std": lambda t: t.std(),
    "prod": lambda t: t.prod(axis=-1),
    "max": lambda t: t.max(axis=0),
    "min": lambda t: t.min(),
    "argmax": lambda t: t.argmax(axis=1),
    "argmin": lambda t: t.argmin(),
    "T": lambda t: t.T,
    "mT": lambda t: t.mT,
    "reshape": lambda t: t.reshape(4, -1),
    "squeeze": lambda t: t[:1].squeeze(),
    "astype": lambda t: t.astype(np.float32),
    "clip": lambda t: t.clip(0.5, 1.5),
}


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_method_equals_numpys(rng, method):
    array = rng.uniform(0.1, 2, (2, 3, 4))
    found = method(variable(array))
    np.testing.assert_allclose(found.numpy(), method(array), rtol=1e-12)
    assert found.dtype == method(array).dtype


@pytest.mark.parametrize("name", ["exp", "log", "sqrt", "square", "abs", "sin", "cos", "tanh"])
def test_elementwise_method_equals_numpys_function(name):
    np.testing.assert_allclose(getattr(Tensor(np.array([0.5, 2.0])), name)(), getattr(np, name)([0.5, 2.0]))


def test_methods_without_a_numpy_twin():
    t = Tensor(np.arange(6.0).reshape(1, 2, 3))
    assert t.flatten(1).shape == (1, 6)
    assert t.expand_dims((0, -1)).shape == (1, 1, 2, 3, 1)
    assert t.broadcast_to(4, 2, 3).shape == (4, 2, 3)
    np.testing.assert_allclose(t.sigmoid(), 1 / (1 + np.exp(-t.numpy())))
    assert (t - 3).relu().tolist() == [[[0, 0, 0], [0, 1, 2]]]
    assert (t.permute(2, 0, 1).shape, t.var(correction=1).item()) == ((3, 1, 2), 3.5)


@pytest.mark.parametrize("method", ["max", "min", "sum", "argmax", "prod"])
def test_reduction_of_one_axis_while_another_is_empty(method):
    array = np.zeros((0, 3))
    assert getattr(variable(array), method)(axis=1).shape == getattr(array, method)(axis=1).shape


# ---- NumPy's functions ---------------------------------------------------------------------------------------

PROTOCOL = {
    "exp": np.exp, "tanh": np.tanh, "absolute": np.abs, "maximum": lambda t: np.maximum(t, 0.9),
    "sum": lambda t: np.sum(t, axis=0), "sum by position": lambda t: np.sum(t, 0),
    "mean": lambda t: np.mean(t, axis=(0, 1)),
    "sum all positions": lambda t: np.sum(t, 0, None, None, True), "max positions": lambda t: np.max(t, 0, None, True),
    "max": lambda t: np.max(t, axis=-1, keepdims=True), "prod": np.prod, "var": lambda t: np.var(t, axis=0, ddof=1),
    "std": lambda t: np.std(t, 0), "concatenate": lambda t: np.concatenate([t, t], axis=1),
    "concatenate flat": lambda t: np.concatenate([t, t], axis=None), "stack": lambda t: np.stack([t, t], axis=-1),
    "reshape": lambda t: np.reshape(t, (3, 2)), "reshape by name": lambda t: np.reshape(t, shape=(3, 2)),
    "transpose": np.transpose, "ravel": np.ravel, "squeeze": lambda t: np.squeeze(t[:1], 0),
    "expand_dims": lambda t: np.expand_dims(t, 1), "broadcast_to": lambda t: np.broadcast_to(t, (2, 2, 3)),
    "clip": lambda t: np.clip(t, 0.5, 1.0), "clip by name": lambda t: np.clip(t, a_min=0.5, a_max=None),
    "where": lambda t: np.where(t > 1, t, -t), "matrix_transpose": np.matrix_transpose, "round": np.round,
    "zeros_like": np.zeros_like, "argmax": lambda t: np.argmax(t, axis=1), "any": np.any,
}  # fmt: skip


@pytest.mark.parametrize("f", PROTOCOL.values(), ids=PROTOCOL)
def test_numpy_function_gives_the_tensor_it_would_give_as_an_array_or_refuses(f):
    array = np.array([[0.3, 1.2, 0.7], [2.1, 0.2, 1.9]])
    expected = f(array)
    for t in (Tensor(array), variable(array)):
        try:
            found = f(t)
        except GraphError:
            continue
        assert type(found) is Tensor
        assert found.dtype == expected.dtype
        np.testing.assert_allclose(found.detach(), expected, rtol=1e-12)


@pytest.mark.parametrize(
    "f", [np.exp, lambda t: np.sum(t, axis=0), lambda t: np.concatenate([t, t]), lambda t: np.ones(2) * t]
)
def test_numpy_function_records(f):
    x = variable([0.5, 2.0])
    f(x).sum().backward()
    np.testing.assert_allclose(x.grad, numerical_gradient(lambda a: np.sum(f(a)), [x.numpy()]))


def test_shape_questions_are_answered():
    x = variable(np.zeros((2, 3)))
    assert (np.shape(x), np.ndim(x), np.size(x)) == ((2, 3), 2, 6)


def test_where_of_one_argument_asks_for_positions():
    (positions,) = np.where(variable([0.0, 2.0]) > 0)
    assert positions.tolist() == [1]


REFUSED = {
    "unknown function": lambda t, a: np.percentile(t, 50),
    "unknown ufunc": lambda t, a: np.cbrt(t),
    "ufunc with out": lambda t, a: np.add(t, 1, out=a),
    "function with out": lambda t, a: np.sum(t, axis=0, out=a),
    "function with dtype": lambda t, a: np.sum(t, dtype=np.float32),
    "dtype by position": lambda t, a: np.sum(t, 0, np.float32),
    "array in place": lambda t, a: operator.iadd(a, t),
    "ufunc method": lambda t, a: np.add.reduce(t),
    "rounding to digits": lambda t, a: np.round(t, 2),
    "sorting method": lambda t, a: np.sort(t, kind="heapsort"),
}


@pytest.mark.parametrize("f", REFUSED.values(), ids=REFUSED)
def test_numpy_call_that_would_lose_the_history_is_refused(f):
    with pytest.raises(GraphError, match=r"numpy\.\w+.* does not know Tensors"):
        f(variable([1.0, 2.0]), np.zeros(2))


def test_nothing_is_recorded_under_no_grad():
    x = variable([1.0, 2.0])
    with no_grad():
        assert not mg.is_recording()
        assert (x * 2).node is None
        assert np.exp(x).node is None
    assert mg.is_recording()
    assert (x * 2).node is not None


def test_no_grad_ends_with_an_exception():
    with pytest.raises(KeyError), no_grad():
        raise KeyError
    assert mg.is_recording()
