"""`custom_vjp`: the derivative that was stated is the one that is used, in all modes and at all orders."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import GraphError, RuleError, Tensor, UsageError
from tests.helper import variable

X = np.array([0.4, -0.7, 1.1])


def made(f, fwd, bwd):
    result = mg.custom_vjp(f)
    result.defvjp(fwd, bwd)
    return result


def cube():
    """x^3, whose residual is computed from x."""
    return made(lambda x: x**3, lambda x: (x**3, x * x), lambda square, g: (3 * g * square,))


def test_stated_derivative_is_used():
    f = made(lambda x: x * x, lambda x: (x * x, None), lambda _, g: (g * 100,))
    assert mg.grad(lambda x: f(x).sum())(X).tolist() == [100] * 3
    x = variable(2.0)
    (f(x) * 2).backward()
    assert x.grad.item() == 200
    assert mg.jvp(f, (2.0,), (3.0,))[1].item() == 300


def test_all_orders_and_modes_see_through_the_residuals():
    f = cube()
    assert mg.grad(f)(2.0).item() == 12
    assert mg.grad(mg.grad(f))(2.0).item() == 12
    assert mg.grad(mg.grad(mg.grad(f)))(2.0).item() == 6
    assert mg.jvp(f, (2.0,), (1.0,))[1].item() == 12
    assert mg.jvp(mg.grad(f), (2.0,), (1.0,))[1].item() == 12
    assert mg.grad(lambda x: mg.jvp(f, (x,), (1.0,))[1])(2.0).item() == 12
    np.testing.assert_allclose(mg.hessian(lambda x: f(x).sum())(X).numpy(), np.diag(6 * X))


@pytest.mark.parametrize(
    "law", ["linearity", "gradient", "second_order", "adjoint", "accumulation", "hessian_symmetry", "aliasing"]
)
def test_it_passes_the_laws(law):
    getattr(mg.testing.laws, law)(cube(), X)


def test_containers_constants_and_several_results():
    def f(p, power, y):
        return {"a": p["w"] * y, "b": (p["v"] ** power,)}

    def bwd(kept, g):
        p, power, y = kept
        dv = power * p["v"] ** (power - 1) * g["b"][0]
        return {"w": g["a"] * y, "v": dv}, None, g["a"] * p["w"]

    custom = made(f, lambda *args: (f(*args), args), bwd)
    p, y = {"w": X, "v": 2 * X}, X + 1

    def loss(f):
        return lambda p, y: (lambda out: (out["a"] * out["b"][0]).sum() + out["a"].sum())(f(p, 3, y))

    found, expected = (mg.grad(loss(g), (0, 1))(p, y) for g in (custom, f))
    np.testing.assert_allclose(found[0]["w"].numpy(), expected[0]["w"].numpy())
    np.testing.assert_allclose(found[0]["v"].numpy(), expected[0]["v"].numpy())
    np.testing.assert_allclose(found[1].numpy(), expected[1].numpy())
    only = mg.grad(lambda p: custom(p, 3, y)["b"][0].sum())(p)
    assert only["w"].tolist() == [0] * 3


def test_the_function_itself_runs_where_nothing_is_recorded():
    runs = []
    f = made(lambda x: runs.append(1) or x * 2, lambda x: (x * 2, None), lambda _, g: (g * 2,))
    assert f(Tensor(1.0)).item() == 2
    with mg.no_grad():
        f(variable(1.0))
    assert len(runs) == 2
    mg.grad(f)(1.0)
    assert len(runs) == 2


def test_implicit_derivative_of_a_fixed_point():
    def root(a):  # of y = (y + a / y) / 2
        y = Tensor(np.ones(a.shape))
        for _ in range(30):
            y = (y + a / y) / 2
        return y

    f = made(root, lambda a: (f(a), f(a)), lambda y, g: (g / (2 * y),))
    a = np.array([2.0, 9.0])
    np.testing.assert_allclose(mg.grad(lambda a: f(a).sum())(a).numpy(), 0.5 / np.sqrt(a))
    np.testing.assert_allclose(mg.hessian(lambda a: f(a).sum())(a).numpy(), np.diag(-0.25 * a**-1.5))


# ---- mistakes ------------------------------------------------------------------------------------------------------


def test_recorded_tensor_that_is_no_argument_is_refused():
    w = variable(3.0)
    f = made(lambda x: x * w, lambda x: (x * w, None), lambda _, g: (g * 3,))
    with pytest.raises(GraphError, match=r"value that fwd gives .* not an argument"):
        mg.grad(f)(2.0)


@pytest.mark.parametrize(
    ("fwd", "bwd", "error", "told"),
    [
        (lambda x: x, lambda r, g: (g,), GraphError, "must give .value, residuals., a pair"),
        (lambda x: (1.0, x), lambda r, g: (g,), GraphError, "must be a Tensor"),
        (lambda x: (x * 1, x), lambda r, g: g, RuleError, "must give a tuple of 1, one an argument; it gave Tensor"),
        (lambda x: (x * 1, x), lambda r, g: (g, g), RuleError, "it gave 2"),
        (lambda x: (x * 1, x), lambda r, g: (g[:2],), RuleError, "shape"),
    ],
)
def test_mistakes_are_told(fwd, bwd, error, told):
    with pytest.raises(error, match=told):
        mg.grad(lambda x: made(lambda x: x, fwd, bwd)(x).sum())(X)


def test_function_without_a_derivative_says_what_to_call():
    with pytest.raises(UsageError, match=r"f\.defvjp\(fwd, bwd\)"):

        @mg.custom_vjp
        def f(x):
            return x

        f(X)
    with pytest.raises(UsageError, match="takes a function, not float"):
        mg.custom_vjp(1.0)


# ---- arguments that are not differentiated, and keywords -----------------------------------------------------------


def fixed_point(f, x0, p, steps=60):
    """x = f(x, p), found by iteration from x0."""
    x = x0
    for _ in range(steps):
        x = f(x, p)
    return x


def fixed_point_fwd(f, x0, p, steps=60):
    x = fixed_point(f, x0, p, steps)
    return x, (x, p)


def fixed_point_bwd(f, steps, kept, g):
    """The implicit function theorem: u = g + (df/dx)' u, which is iterated as well, and then (df/dp)' u."""
    x, p = kept
    pull_x, pull_p = mg.vjp(lambda x: f(x, p), x)[1], mg.vjp(lambda p: f(x, p), p)[1]
    u = g
    for _ in range(steps):
        u = g + pull_x(u)[0]
    return None, pull_p(u)[0]


def solver(**settings):
    solve = mg.custom_vjp(fixed_point, **settings)
    solve.defvjp(fixed_point_fwd, fixed_point_bwd)
    return solve


def contraction(x, p):
    return mg.cos(x) / 2 + p["a"]


@pytest.mark.parametrize("numbers", [(0, 3), [0, -1], (-4, 3)])
@pytest.mark.parametrize("steps", [(60,), ()])
def test_functions_and_settings_are_arguments_without_cotangents(numbers, steps):
    solve = solver(nondiff_argnums=numbers)

    def solution(a):
        p = {"a": a}
        return solve(contraction, mg.ones(3), p, *steps) if steps else solve(contraction, mg.ones(3), p=p, steps=60)

    x = solution(Tensor(X)).numpy()
    np.testing.assert_allclose(x, np.cos(x) / 2 + X)
    assert mg.testing.check_grads(solution, X)
    second = mg.grad(lambda a: mg.grad(lambda a: solution(a).sum())(a).sum())(Tensor(X))
    np.testing.assert_allclose(second.numpy(), -np.cos(x) / 2 / (1 + np.sin(x) / 2) ** 3)


def test_number_alone_names_one_argument():
    scaled = mg.custom_vjp(lambda x, scale: x * scale, nondiff_argnums=1)
    scaled.defvjp(lambda x, scale: (x * scale, None), lambda scale, _, g: (g * scale,))
    assert mg.grad(lambda x: scaled(x, 7.0).sum())(X).tolist() == [7] * 3
    assert mg.grad(lambda x: scaled(scale=5.0, x=x).sum())(X).tolist() == [5] * 3
    np.testing.assert_allclose(mg.vmap(mg.grad(lambda x: scaled(x, 2.0)))(Tensor(X)).numpy(), 2)


def test_keywords_and_defaults_are_arguments_by_position():
    f = mg.custom_vjp(lambda x, power=2, scale=1.0: scale * x**power)
    f.defvjp(
        lambda x, power, scale: (scale * x**power, (x, power, scale)),
        lambda kept, g: (g * kept[2] * kept[1] * kept[0] ** (kept[1] - 1), None, None),
    )
    assert mg.grad(lambda x: f(x, scale=3.0))(2.0).item() == 12


def with_keyword_only(x, *, k):
    return x * k


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda p: solver(nondiff_argnums=(0, 1))(contraction, p["a"], {}), GraphError, "argument 1 is in nondiff"),
        (lambda p: solver(nondiff_argnums=9)(contraction, mg.ones(3), p), UsageError, "argnums=9, but"),
        (lambda p: solver()(contraction, mg.ones(3), p, tol=1), UsageError, "keyword argument 'tol'"),
        (lambda p: made(with_keyword_only, None, None)(p["a"], k=1), UsageError, "k can be given by keyword only"),
    ],
)
def test_wrong_arguments_are_told(call, error, message):
    with pytest.raises(error, match=message):
        call({"a": variable(X)})
