"""Derivatives of functions: grad, vjp, jvp, jacobian, hessian, hvp, alone and inside one another."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import GraphError, ShapeError, Tensor, UsageError, no_grad
from tests.helper import numerical_gradient, variable

A = np.array([[2.0, -1.0, 0.5], [-1.0, 3.0, 0.2], [0.5, 0.2, 1.0]])
X = np.array([0.4, -0.7, 1.1])


def quadratic(x):
    return 0.5 * (x @ A @ x)


def wave(x):
    return (mg.sin(x) * mg.exp(x * 0.5)).sum() * x[0]


def plain(x):
    return np.sum(np.sin(x) * np.exp(x * 0.5)) * x[0]


# ---- one level -----------------------------------------------------------------------------------------------


def test_grad_of_a_quadratic_form():
    np.testing.assert_allclose(mg.grad(quadratic)(X), A @ X)


def test_grad_equals_finite_differences():
    np.testing.assert_allclose(mg.grad(wave)(X), numerical_gradient(plain, [X]), rtol=1e-9)


def test_value_and_grad_gives_both():
    value, gradient = mg.value_and_grad(wave)(X)
    assert value.item() == pytest.approx(plain(X))
    np.testing.assert_array_equal(gradient, mg.grad(wave)(X))
    assert (value.node, gradient.node) == (None, None)


def test_argnums_chooses_the_inputs():
    def f(x, y, z):
        return (x * y**2 * z**3).sum()

    assert mg.grad(f, argnums=2)(2.0, 3.0, 1.0).item() == 54
    x, z = mg.grad(f, argnums=(0, 2))(2.0, 3.0, 1.0)
    assert (x.item(), z.item()) == (9, 54)
    (only,) = mg.grad(f, argnums=(1,))(2.0, 3.0, 1.0)
    assert only.item() == 12


def test_vjp_can_be_pulled_back_any_number_of_times():
    value, back = mg.vjp(lambda x, y: x * y, X, 2.0)
    np.testing.assert_array_equal(value, 2 * X)
    for g in (np.ones(3), np.arange(3.0)):
        x, y = back(g)
        np.testing.assert_array_equal(x, 2 * g)
        assert y.item() == pytest.approx(g @ X)


def test_jvp_is_the_directional_derivative():
    v = np.array([1.0, 2.0, -1.0])
    value, tangent = mg.jvp(lambda x: mg.sin(x) * x, [X], [v])
    np.testing.assert_allclose(value, np.sin(X) * X)
    np.testing.assert_allclose(tangent, (np.cos(X) * X + np.sin(X)) * v)


def test_jvp_moves_all_inputs_at_once():
    _, tangent = mg.jvp(lambda x, y: x * y, [2.0, 3.0], [5.0, 7.0])
    assert tangent.item() == 5 * 3 + 2 * 7
    _, tangent = mg.jvp(lambda x, y: x + y, [2.0, 3.0], [5.0, 7.0])
    assert tangent.item() == 12


def test_jacobian_has_the_values_shape_and_then_the_inputs():
    jacobian = mg.jacobian(lambda x: mg.stack([x @ A, x * x]))(X)
    assert jacobian.shape == (2, 3, 3)
    np.testing.assert_allclose(jacobian, np.stack([A.T, np.diag(2 * X)]))
    np.testing.assert_allclose(mg.jacobian(lambda y, x: y * x, argnums=1)(2.0, X), 2 * np.eye(3))
    assert mg.jacobian(lambda x: x[:0])(X).shape == (0, 3)


def test_hessian_of_a_quadratic_form():
    np.testing.assert_allclose(mg.hessian(quadratic)(X), (A + A.T) / 2)


def test_hessian_equals_finite_differences_of_the_gradient():
    rows = [numerical_gradient(lambda x, k=k: mg.grad(wave)(x).numpy()[k], [X]) for k in range(3)]
    hessian = mg.hessian(wave)(X).numpy()
    np.testing.assert_allclose(hessian, rows, rtol=1e-8)
    np.testing.assert_allclose(hessian, hessian.T, rtol=1e-12)


def test_hvp_is_the_hessian_times_the_vector():
    v = np.array([1.0, -2.0, 0.5])
    np.testing.assert_allclose(mg.hvp(wave, X, v), mg.hessian(wave)(X).numpy() @ v, rtol=1e-12)


# ---- several levels ------------------------------------------------------------------------------------------


@given(st.floats(-2, 2))
def test_derivatives_nest_to_the_fourth_order(x):
    f, polynomial = mg.sin, lambda t: t**5 - 2 * t**3
    for expected, exact in [
        (np.cos(x), 5 * x**4 - 6 * x**2),
        (-np.sin(x), 20 * x**3 - 12 * x),
        (-np.cos(x), 60 * x**2 - 12),
        (np.sin(x), 120 * x),
    ]:
        f, polynomial = mg.grad(f), mg.grad(polynomial)
        assert f(np.float64(x)).item() == pytest.approx(expected, abs=1e-12)
        assert polynomial(np.float64(x)).item() == pytest.approx(exact, abs=1e-10)


def test_mixed_derivative_at_a_zero_cotangent():
    # d2/dxdy of y * f(x) at y = 0 is f'(x), though the inner cotangent is 0.
    for f, slope in [(mg.exp, np.exp(0.5)), (mg.log, 2.0), (mg.sqrt, 0.5**0.5), (mg.tanh, 1 - np.tanh(0.5) ** 2)]:
        mixed = mg.grad(lambda y, f=f: mg.grad(lambda x: y * f(x))(np.float64(0.5)))(np.float64(0.0))
        assert mixed.item() == pytest.approx(slope)


def test_perturbations_are_not_confused():
    assert mg.grad(lambda x: x * mg.grad(lambda y: x + y)(1.0))(1.0).item() == 1
    assert mg.grad(lambda x: x * mg.grad(lambda y: x * y)(1.0))(3.0).item() == 6
    assert mg.jvp(lambda x: x * mg.jvp(lambda y: x + y, [1.0], [1.0])[1], [1.0], [1.0])[1].item() == 1
    assert mg.grad(lambda x: x * mg.jvp(lambda y: x * y * y, [2.0], [1.0])[1])(3.0).item() == 24


@pytest.mark.parametrize("inner_x", [1.0, 2.0])
def test_inner_derivative_at_the_outer_variable_itself(inner_x):
    # d/dx of (d/dy y^3 at y = x): the inner variable is joined to the outer one.
    assert mg.grad(lambda x: mg.grad(lambda y: y**3)(x))(inner_x).item() == 6 * inner_x
    assert mg.grad(lambda x: mg.grad(lambda y: x * y**3)(x))(inner_x).item() == pytest.approx(9 * inner_x**2)


def test_jvp_and_vjp_nest():
    second = mg.jvp(lambda x: mg.grad(lambda y: y**4)(x), [2.0], [1.0])[1]
    assert second.item() == 48
    second = mg.grad(lambda x: mg.jvp(lambda y: y**4, [x], [1.0])[1])(2.0)
    assert second.item() == 48
    assert mg.grad(lambda v: mg.jvp(lambda y: y**4, [2.0], [v])[1])(1.0).item() == 32
    assert mg.grad(lambda g: mg.vjp(lambda y: y**4, 2.0)[1](g)[0])(1.0).item() == 32
    np.testing.assert_allclose(mg.jacobian(mg.jacobian(lambda x: x**3))(X)[1, 1, 1].item(), 6 * X[1])


# ---- closures ------------------------------------------------------------------------------------------------


def test_gradients_flow_to_variables_that_the_function_closes_over():
    w = variable(3.0)
    value, gradient = mg.value_and_grad(lambda x: w * x**2)(np.float64(2.0))
    assert gradient.requires_grad
    gradient.backward()  # d/dw of 2 w x
    assert w.grad.item() == 4
    w.grad = None
    value.backward()
    assert w.grad.item() == 4


def test_gradients_flow_to_recorded_results_that_the_function_closes_over():
    w = variable(3.0)
    h = w * w
    gradient = mg.grad(lambda x: h * x**2)(np.float64(2.0))
    gradient.backward()
    assert w.grad.item() == 2 * 2 * 2 * 3


@pytest.mark.parametrize(
    "level", [lambda f: mg.value_and_grad(f)(1.0)[0], lambda f: mg.vjp(f, 1.0)[0], lambda f: mg.jvp(f, [1.0], [1.0])[0]]
)
def test_value_that_is_an_outer_variable_stays_joined_to_it(level):
    assert mg.grad(lambda y: level(lambda x: y))(2.0).item() == 1
    assert mg.grad(lambda y: level(lambda x: y * y))(2.0).item() == 4
    w = variable(2.0)
    level(lambda x: w).backward()
    assert w.grad.item() == 1


def test_derivatives_leave_no_gradient_on_variables_that_they_close_over():
    w = variable(3.0)
    mg.grad(lambda x: w * x)(2.0)
    mg.jvp(lambda x: w * x, [2.0], [1.0])
    assert w.grad is None


def test_derivative_at_a_variable_leaves_its_gradient_alone():
    x = variable(3.0)
    gradient = mg.grad(lambda y: y**2)(x)
    assert x.grad is None
    gradient.backward()
    assert x.grad.item() == 2


# ---- unusual functions ---------------------------------------------------------------------------------------


def test_input_that_the_function_ignores_has_a_zero_derivative():
    x, y = mg.grad(lambda x, y: (y * 2).sum(), argnums=(0, 1))(X, X)
    assert (x.tolist(), y.tolist(), x.dtype) == ([0, 0, 0], [2, 2, 2], X.dtype)
    assert mg.grad(lambda x: Tensor(3.0))(1.0).item() == 0
    assert mg.jvp(lambda x: Tensor([3.0, 4.0]), [1.0], [1.0])[1].tolist() == [0, 0]
    np.testing.assert_array_equal(mg.hessian(lambda x: x.sum())(X), np.zeros((3, 3)))


def test_function_that_gives_its_input_back():
    assert mg.grad(lambda x: x)(3.0).item() == 1
    assert mg.jvp(lambda x: x, [3.0], [5.0])[1].item() == 5
    np.testing.assert_array_equal(mg.jacobian(lambda x: x)(X), np.eye(3))


def test_one_tensor_given_for_two_inputs():
    x = variable(3.0)
    a, b = mg.grad(lambda x, y: x * x * y, argnums=(0, 1))(x, x)
    assert (a.item(), b.item()) == (18, 9)
    (a + b).backward()
    assert x.grad.item() == 12 + 6


def test_derivatives_work_inside_no_grad():
    w = variable(2.0)
    with no_grad():
        assert mg.grad(lambda x: w * x**2)(3.0).item() == 12
        assert mg.grad(mg.grad(lambda x: x**3))(2.0).item() == 12
        assert mg.jvp(lambda x: x**3, [2.0], [1.0])[1].item() == 12
        assert mg.hessian(lambda x: x**3)(2.0).item() == 12
        assert not mg.is_recording()
        assert mg.grad(lambda x: w * x**2)(3.0).node is None


def test_no_grad_inside_the_function_makes_constants():
    def f(x):
        with no_grad():
            c = x * x
        return c * x

    assert mg.grad(f)(3.0).item() == 9


def test_stop_gradient_makes_a_constant_and_leaves_arrays():
    assert mg.grad(lambda x: mg.stop_gradient(x * x) * x)(3.0).item() == 9
    assert mg.stop_gradient(X) is X


def test_function_must_return_one_tensor():
    with pytest.raises(GraphError, match="float"):
        mg.grad(lambda x: 3.0)(1.0)
    with pytest.raises(GraphError, match="tuple"):
        mg.grad(lambda x: (x, x))(1.0)


def test_grad_needs_one_number():
    with pytest.raises(ShapeError, match=r"\(3,\).*jacobian"):
        mg.grad(lambda x: x * 2)(X)


def test_exception_in_the_function_restores_recording():
    for context in (no_grad, mg.anomaly):
        with context(), pytest.raises(KeyError):
            mg.grad(lambda x: {}[0])(1.0)
    assert mg.is_recording()


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_derivatives_have_the_inputs_dtype(dtype):
    x = np.array([0.5, 1.5], dtype)
    for derivative in (
        mg.grad(lambda x: (x**2).sum())(x),
        mg.jvp(mg.tanh, [x], [x])[1],
        mg.jacobian(mg.exp)(x),
        mg.hessian(lambda x: (x**3).sum())(x),
    ):
        assert derivative.dtype == dtype


# ---- arguments: keywords, argnums, containers -----------------------------------------------------------------------


def weighted(x, y, scale=1.0):
    return (x * y * scale).sum()


@pytest.mark.parametrize("argnums", [1, -1, np.int64(1), np.array(1)])
def test_argnums_may_be_negative_and_of_numpy(argnums):
    np.testing.assert_array_equal(mg.grad(weighted, argnums)(np.ones(2), np.full(2, 3.0), scale=2.0).numpy(), [2, 2])


@pytest.mark.parametrize("argnums", [(0, 1), [0, -1], np.array([0, 1])])
def test_several_argnums_give_a_tuple(argnums):
    for f, shape in ((mg.grad, (2,)), (mg.jacobian, (2,)), (mg.hessian, (2, 2))):
        found = f(weighted, argnums)(np.ones(2), np.full(2, 3.0))
        assert isinstance(found, tuple)
        assert len(found) == 2
        first = found[0][0] if f is mg.hessian else found[0]
        assert first.shape == shape


@pytest.mark.parametrize("argnums", ["x", 1.0, True, 2, -3, (0, 0), (), (0, 5)])
def test_argnums_that_name_no_argument_are_refused(argnums):
    with pytest.raises(UsageError, match="argnums"):
        mg.grad(weighted, argnums)(np.ones(2), np.ones(2))


@pytest.mark.parametrize("transform", [mg.grad, mg.value_and_grad, mg.jacobian, mg.hessian])
def test_keywords_are_passed_on(transform):
    y = np.array([2.0, 3.0])
    assert repr(transform(weighted)(np.ones(2), y=y, scale=2.0)) == repr(
        transform(lambda x: weighted(x, y, 2.0))(np.ones(2))
    )
    value, pull = mg.vjp(weighted, np.ones(2), np.ones(2), scale=3.0)
    assert value.item() == 6
    np.testing.assert_array_equal(pull(1.0)[0].numpy(), [3, 3])
    assert mg.jvp(weighted, (np.ones(2), np.ones(2)), (np.ones(2), np.zeros(2)), scale=3.0)[1].item() == 6


def test_containers_go_in_and_come_out():
    parameters = {"w": [np.array([1.0, 2.0]), np.array([3.0])], "b": 2.0}

    def f(p):
        return (p["w"][0] * p["b"]).sum() + p["w"][1].sum()

    found = mg.grad(f)(parameters)
    assert list(found) == ["w", "b"]
    np.testing.assert_array_equal(found["w"][0].numpy(), [2, 2])
    np.testing.assert_array_equal(found["w"][1].numpy(), [1])
    assert found["b"].item() == 3
    direction = {"w": [np.ones(2), np.zeros(1)], "b": 1.0}
    moved = mg.hvp(f, parameters, direction)
    np.testing.assert_array_equal(moved["w"][0].numpy(), [1, 1])
    assert moved["b"].item() == 2


def test_functions_may_return_containers():
    def f(x):
        return {"double": 2 * x, "powers": (x * x, x * x * x)}

    x = np.array([1.0, 2.0])
    value, pull = mg.vjp(f, x)
    assert list(value) == ["double", "powers"]
    (found,) = pull({"double": np.ones(2), "powers": (np.ones(2), np.ones(2))})
    np.testing.assert_array_equal(found.numpy(), 2 + 2 * x + 3 * x**2)
    moved = mg.jvp(f, (x,), (np.ones(2),))[1]
    np.testing.assert_array_equal(moved["powers"][1].numpy(), 3 * x**2)
    np.testing.assert_array_equal(mg.jacobian(f)(x)["powers"][0].numpy(), np.diag(2 * x))
    with pytest.raises(ShapeError, match="containers"):
        pull([np.ones(2)])


def test_integers_have_no_derivative_and_the_argument_is_named():
    with pytest.raises(mg.DTypeError, match=r"grad: argument 0\['n'\] holds int64"):
        mg.grad(lambda p: p["n"].sum())({"n": np.array([1, 2])})
    assert mg.grad(lambda x: x * x)(3).item() == 6  # a Python number is a real one


# ---- derivatives of what was recorded -------------------------------------------------------------------------------


def test_gradient_of_a_recorded_tensor_touches_no_grad():
    x, w = variable([2.0, 3.0]), variable([1.0, 1.0])
    h = x * w
    y = (h * h).sum()
    found = mg.grad(y, {"x": x, "h": h}, retain_graph=True)
    np.testing.assert_array_equal(found["x"].numpy(), [4, 6])
    np.testing.assert_array_equal(found["h"].numpy(), [4, 6])
    assert x.grad is None
    assert w.grad is None
    np.testing.assert_array_equal(mg.grad(h, x, np.array([1.0, 10.0])).numpy(), [1, 10])


def test_gradient_penalty_is_differentiated_again():
    x, w = variable([2.0, 3.0]), variable([0.5, 2.0])
    slope = mg.grad((w * x**3).sum(), x, create_graph=True)
    (slope**2).sum().backward()
    np.testing.assert_allclose(w.grad.numpy(), 2 * (3 * x.numpy() ** 2) ** 2 * w.numpy())


def test_what_leads_nowhere_is_told():
    x, other = variable([1.0]), variable([1.0])
    y = (x * 2).sum()
    with pytest.raises(GraphError, match="does not depend on x"):
        mg.grad(y, other, retain_graph=True)
    np.testing.assert_array_equal(mg.grad(y, other, allow_unused=True, retain_graph=True).numpy(), [0])
    with pytest.raises(GraphError, match="a constant Tensor"):
        mg.grad(y, x.detach())
    with pytest.raises(UsageError, match="takes a function"):
        mg.grad(3.0)


# ---- what the function returns beside its value ---------------------------------------------------------------------


def with_aux(x):
    y = x * x
    return y.sum(), {"squares": y, "note": "kept"}


def test_what_comes_beside_the_value_is_handed_on():
    (value, aux), gradient = mg.value_and_grad(with_aux, has_aux=True)(X)
    np.testing.assert_array_equal(gradient.numpy(), 2 * X)
    assert value.item() == pytest.approx((X * X).sum())
    np.testing.assert_array_equal(aux["squares"].numpy(), X * X)
    assert (aux["note"], aux["squares"].node) == ("kept", None)
    gradient, aux = mg.grad(with_aux, 0, True)(X)
    np.testing.assert_array_equal(gradient.numpy(), 2 * X)
    assert aux["note"] == "kept"
    _, pull, aux = mg.vjp(with_aux, X, has_aux=True)
    np.testing.assert_array_equal(pull(3.0)[0].numpy(), 6 * X)
    assert aux["note"] == "kept"
    _, moved, aux = mg.jvp(with_aux, (X,), (np.ones(3),), has_aux=True)
    assert moved.item() == pytest.approx(2 * X.sum())
    assert aux["note"] == "kept"


def test_what_comes_beside_the_value_is_recorded_for_what_lies_outside():
    w = variable(3.0)
    _, aux = mg.grad(lambda x: (x * 2, x * w), has_aux=True)(2.0)
    aux.backward()
    assert w.grad.item() == 2
    second = mg.grad(lambda x: mg.grad(lambda y: (y**3, x * y), has_aux=True)(x)[1])(2.0)
    assert second.item() == 4


@pytest.mark.parametrize(("returned", "told"), [(1.0, "float"), ((1, 2, 3), "3 values")])
def test_without_a_pair_it_is_refused(returned, told):
    with pytest.raises(GraphError, match=rf"grad: with has_aux=True .* a pair; it returned {told}"):
        mg.grad(lambda x: returned, has_aux=True)(1.0)
