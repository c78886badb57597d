"""`minimize`: SciPy's methods find minima of functions of nested parameters, with derivatives of minigrad."""

import functools
from dataclasses import dataclass

import numpy as np
import pytest
import scipy.optimize

import minigrad as mg
from minigrad import DTypeError, NonFiniteError, ShapeError, Tensor, UsageError, nn, optim
from minigrad.optim.scipy_minimize import BOUNDED, HESSIAN, HESSIAN_PRODUCT, METHODS, VALUE


def rosenbrock(p):
    x = mg.concat([p["x"], mg.reshape(p["rest"][0], (1,))])
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


START = {"x": np.array([-1.2, 1.0]), "rest": [0.4]}


@pytest.mark.parametrize("method", [m for m in METHODS if m not in ("dogleg", "COBYLA")])
def test_method_finds_the_minimum(method):
    options = {"maxfun": 2000} if method == "TNC" else None
    found = optim.minimize(rosenbrock, START, method, tol=1e-10 if method in VALUE else 1e-8, options=options)
    assert found.success, found.message
    np.testing.assert_allclose([*found.params["x"].numpy(), found.params["rest"][0].item()], 1, atol=1e-2)
    assert found.value == pytest.approx(rosenbrock(found.params).item())
    assert (found.hessian_products > 0) == (method in HESSIAN_PRODUCT + HESSIAN)


def test_dogleg_takes_the_hessian_of_a_convex_function():
    found = optim.minimize(lambda x: mg.logaddexp(x, -x).sum() + (x[0] - x[1] + 1) ** 2, np.ones(2), "dogleg", tol=1e-9)
    assert found.success
    x, y = found.params.tolist()
    assert x == pytest.approx(-y, abs=1e-6)
    assert np.tanh(x) == pytest.approx(-2 * (x - y + 1), abs=1e-6)


def test_it_is_scipys_search_with_the_gradient_by_hand():
    found = optim.minimize(lambda x: mg.asarray(scipy.optimize.rosen(x)), np.array([-1.2, 1.0, 0.4]))
    by_hand = scipy.optimize.minimize(
        scipy.optimize.rosen, np.array([-1.2, 1.0, 0.4]), jac=scipy.optimize.rosen_der, method="L-BFGS-B"
    )
    assert (found.evaluations, found.iterations, found.message) == (by_hand.nfev, by_hand.nit, by_hand.message)
    np.testing.assert_allclose(found.params.numpy(), by_hand.x, rtol=1e-6)


@dataclass
class Line:
    slope: Tensor
    offset: Tensor


def test_containers_and_dtypes_are_those_of_the_start():
    x = np.arange(5.0)
    start = Line(mg.tensor(0.0), np.zeros((), np.float64))
    found = optim.minimize(lambda line: ((line.slope * x + line.offset - (3 * x - 2)) ** 2).mean(), start, "BFGS")
    assert isinstance(found.params, Line)
    assert isinstance(found.gradient, Line)
    assert (found.params.slope.dtype, found.params.offset.dtype) == (np.float32, np.float64)
    assert [found.params.slope.item(), found.params.offset.item()] == pytest.approx([3, -2], abs=1e-5)
    assert start.slope.item() == 0


def test_module_is_trained_to_the_least_squares_solution():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(20, 3)), rng.normal(size=(20, 1))
    model = nn.Linear(3, 1, rng=rng)
    before = model.weight.numpy().copy()
    found = optim.minimize(lambda model: ((model(x) - y) ** 2).sum(), model, "trust-ncg", tol=1e-9)
    exact = np.linalg.lstsq(np.column_stack([x, np.ones(20)]), y)[0].ravel()
    fitted = found.params
    assert isinstance(fitted, nn.Linear)
    np.testing.assert_allclose([*fitted.weight.numpy().ravel(), fitted.bias.item()], exact, atol=1e-6)
    np.testing.assert_array_equal(model.weight.numpy(), before)


@pytest.mark.parametrize("method", BOUNDED)
def test_bounds_in_containers_are_kept(method):
    start = {"a": np.array([0.1, 0.2]), "b": 0.3}
    bounds = ({"a": np.array([-1.0, 0.0]), "b": -np.inf}, {"a": 1.0, "b": np.inf})
    found = optim.minimize(lambda p: ((p["a"] - 4) ** 2).sum() + (p["b"] + 7) ** 2, start, method, bounds=bounds)
    np.testing.assert_allclose([*found.params["a"].numpy(), found.params["b"].item()], [1, 1, -7], atol=1e-2)
    assert (found.params["a"].numpy() <= 1).all()


def test_one_number_bounds_all():
    found = optim.minimize(lambda p: ((p[0] - 4) ** 2).sum() + p[1], [np.zeros(2), 0.5], bounds=(-1, 2.5))
    assert [*found.params[0].tolist(), found.params[1].item()] == [2.5, 2.5, -1]


def test_callback_sees_parameters_in_their_containers_and_may_stop():
    seen = []

    def stop_after_two(p):
        seen.append(p["rest"][0].item())
        if len(seen) == 2:
            raise StopIteration

    found = optim.minimize(rosenbrock, START, callback=stop_after_two)
    assert (len(seen), found.iterations, found.success) == (2, 2, False)
    assert found.params["rest"][0].item() == seen[-1]


def test_search_that_ends_early_says_so():
    found = optim.minimize(rosenbrock, START, "BFGS", options={"maxiter": 2})
    assert not found.success
    assert "iterations" in found.message
    assert found.iterations == 2


def test_what_f_takes_from_outside_is_constant():
    target = Tensor(np.array([2.0]), requires_grad=True)
    found = optim.minimize(lambda x: ((x - target) ** 2).sum(), np.zeros(1))
    assert not found.params.requires_grad
    assert target.grad is None
    with mg.no_grad():
        assert optim.minimize(lambda x: ((x - target) ** 2).sum(), np.zeros(1)).params.item() == pytest.approx(2)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: optim.minimize(rosenbrock, START, "newton"),
            UsageError,
            "method must be one of L-BFGS-B, .* not 'newton'",
        ),
        (
            lambda: optim.minimize(rosenbrock, START, "BFGS", bounds=(0, 1)),
            UsageError,
            "BFGS takes no bounds; L-BFGS-B",
        ),
        (lambda: optim.minimize(rosenbrock, START, bounds=(1, 0)), UsageError, "lower bound is above"),
        (lambda: optim.minimize(rosenbrock, START, bounds=[0, 1]), UsageError, "bounds are a pair"),
        (
            lambda: optim.minimize(rosenbrock, START, bounds=({"x": 0.0}, 1)),
            ShapeError,
            r"the lower bound: .*\['rest'\]",
        ),
        (
            lambda: optim.minimize(rosenbrock, START, bounds=(0, {"x": np.ones(3), "rest": [1.0]})),
            ShapeError,
            r"the upper bound at \['x'\] must have shape \(2,\), got \(3,\)",
        ),
        (
            lambda: optim.minimize(lambda p: p, np.ones(2)),
            ShapeError,
            "minimize needs a function that returns one number",
        ),
        (lambda: optim.minimize(lambda p: p["n"].sum(), {"n": np.ones(2, int)}), DTypeError, r"\['n'\] holds int64"),
        (lambda: optim.minimize(lambda p: mg.ones(()), {}), UsageError, "no parameters"),
        (lambda: optim.minimize(lambda x: mg.log(x).sum(), np.array([-1.0])), NonFiniteError, "f is nan at the start"),
        (
            lambda: optim.minimize(lambda p: mg.sqrt(p["x"]).sum(), {"x": np.zeros(1)}),
            NonFiniteError,
            r"the gradient by \['x'\] is not finite at the start",
        ),
        (lambda: optim.minimize(3, START), UsageError, "minimize takes a function, not int"),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value", "ignore:divide by zero")
def test_mistakes_are_told(call, error, message):
    with pytest.raises(error, match=message):
        call()


# ---- implicit differentiation: the minimum as a function of what f depends on ----------------------------------------


@functools.partial(mg.custom_vjp, nondiff_argnums=(0, 1))
def argmin(f, start, p):
    x = optim.minimize(lambda x: f(x, p), start, "trust-ncg", tol=1e-9).params
    return x - mg.solve(mg.hessian(f)(x, p), mg.grad(f)(x, p))


def argmin_fwd(f, start, p):
    x = argmin(f, start, p)
    return x, (x, p)


def argmin_bwd(f, start, kept, g):
    x, p = kept
    u = mg.solve(mg.hessian(f)(x, p), g)
    return (mg.grad(lambda p: -(mg.grad(f)(x, p) * u).sum())(p),)


argmin.defvjp(argmin_fwd, argmin_bwd)


def test_minimum_is_differentiated_implicitly_at_both_orders():
    def f(x, p):
        return mg.exp(x - p["a"]).sum() - x.sum() + (p["b"] * (x[1:] - x[:-1]) ** 2).sum()

    def minimum(a, b):
        return argmin(f, np.zeros(3), {"a": a, "b": b})

    assert mg.testing.check_grads(minimum, np.array([0.2, -0.5, 1.1]), np.array([0.7, 0.3]))


def test_minimum_of_a_quadratic_has_the_derivatives_of_a_linear_system():
    rng = np.random.default_rng(0)
    H, c = rng.normal(size=(3, 3)), rng.normal(size=3)
    H = H @ H.T + np.eye(3)

    def minimum(p):
        return argmin(lambda x, p: (x * mg.matmul(H, x)).sum() / 2 - (p * x).sum(), np.zeros(3), p)

    np.testing.assert_allclose(minimum(Tensor(c)).numpy(), np.linalg.solve(H, c))
    np.testing.assert_allclose(mg.jacobian(minimum)(Tensor(c)).numpy(), np.linalg.inv(H), atol=1e-12)
