"""Making ops: what a user writes, what is checked when, what is saved, and which rule runs at which order."""

import pydoc

import numpy as np
import pytest

import minigrad as mg
from minigrad import REGISTRY, Op, RuleError, ShapeError, Tensor
from minigrad.autograd.elementwise import elementwise
from minigrad.autograd.registry import op
from tests.helper import numerical_gradient, variable


@pytest.fixture(autouse=True)
def _registry_as_it_was():
    before = dict(REGISTRY)
    yield
    REGISTRY.clear()
    REGISTRY.update(before)


def cube(**facts):
    @op(name="test_cube", **facts)
    def cube(x):
        """The third power."""
        return x * x * x

    return cube


# ---- writing one ---------------------------------------------------------------------------------------------


def test_op_of_a_few_lines_has_derivatives_of_all_orders():
    f = cube()
    f.vjp("x")(lambda g, x: 3 * g * x * x)
    for expected in [27, 27, 18, 6, 0]:
        assert float(f(Tensor(3.0))) == expected
        f = mg.grad(f)


def test_op_knows_its_signature_and_its_docstring():
    @op
    def test_scaled(x, y, *, factor, shift=1):
        """factor * x * y + shift."""
        return factor * x * y + shift

    assert (test_scaled.inputs, test_scaled.settings) == (("x", "y"), ("factor", "shift"))
    assert (test_scaled.name, str(test_scaled), test_scaled.__doc__) == (
        "test_scaled",
        "test_scaled",
        "factor * x * y + shift.",
    )
    assert repr(test_scaled) == "test_scaled(x, y, factor, shift=1) -> Tensor"
    assert REGISTRY["test_scaled"] is test_scaled
    assert test_scaled(2.0, 3.0, factor=2) == 13


def test_help_shows_the_signature_that_users_write():
    assert "conv(x: ArrayLike, w: ArrayLike, b: ArrayLike | " in pydoc.plain(pydoc.render_doc(mg.conv))
    assert repr(mg.max) == "max(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Tensor"
    assert repr(mg.sin) == "sin(x, /) -> Tensor"
    assert repr(mg.standardize).endswith("-> tuple[Tensor, Tensor, Tensor]")


def test_op_on_arrays_gives_arrays_and_on_tensors_tensors():
    f = cube()
    assert type(f(np.ones(2))) is np.ndarray
    assert type(f(Tensor([1.0]))) is Tensor


def test_elementwise_makes_an_op_of_a_row():
    f = elementwise("test_halved", lambda x: x / 2, "Half of x.", x=lambda g: g / 2)
    x = variable([1.0, 2.0])
    f(x).sum().backward()
    assert (x.grad.tolist(), f.__doc__) == ([0.5, 0.5], "Half of x. Shapes: any -> the same.")


def test_elementwise_of_three_inputs_broadcasts():
    f = elementwise("test_fma", lambda x, y, z: x * y + z, x=lambda g, y: g * y, y=lambda g, x: g * x, z=lambda g: g)
    x, y, z = variable([1.0, 2.0]), variable(3.0), variable([[1.0], [1.0]])
    f(x, y, z).sum().backward()
    assert (x.grad.tolist(), y.grad.item(), z.grad.tolist()) == ([6, 6], 6, [[2], [2]])


def test_rules_receive_what_their_parameters_name():
    seen = {}

    @op(name="test_all", residuals=("kept",))
    def f(x, y, *, power):
        return x**power * y, "residual"

    @f.vjp("x")
    def _(g, out, y, x_shape, kept, x, *, power):
        seen.update(out=out, y=y, x_shape=x_shape, kept=kept, x=x, power=power)
        return g * y * power * x ** (power - 1)

    f.vjp("y")(lambda g, x, *, power: g * x**power)
    x, y = variable([[1.0, 2.0]]), variable([3.0, 4.0])
    f(x, y, power=2).sum().backward()
    assert (seen["x_shape"], seen["kept"], seen["power"]) == ((1, 2), "residual", 2)
    assert (seen["out"].tolist(), seen["y"].tolist()) == ([[3, 16]], [3, 4])
    assert all(isinstance(seen[name], np.ndarray) for name in ("out", "y", "x"))  # first order runs on arrays
    assert (x.grad.tolist(), y.grad.tolist()) == ([[6, 16]], [1, 4])


def test_canonical_settings_reach_forward_and_rules():
    @op(name="test_scale", canonical=lambda x, *, by=2: {"by": float(by)})
    def f(x, *, by):
        return x * by

    f.vjp("x")(lambda g, *, by: g * by)
    x = variable(3.0)
    y = f(x, by=4)
    y.backward()
    assert (y.node.settings, x.grad.item(), f(x).item()) == ({"by": 4.0}, 4, 6)


def test_variadic_op_gives_each_input_its_part():
    @op(name="test_weighted")
    def f(*xs):
        return sum((k + 1) * x for k, x in enumerate(xs))

    f.vjp("xs")(lambda g, i, xs, xs_shape: g * (i + 1) + 0 * xs[i] + 0 * sum(map(len, xs_shape)))
    x, y, z = variable([1.0]), variable([2.0]), variable([[3.0]])
    f(x, Tensor([9.0]), y, z, x).sum().backward()
    assert (x.grad.tolist(), y.grad.tolist(), z.grad.tolist()) == ([1 + 5], [3], [[4]])
    slope = mg.grad(mg.grad(lambda x: (f(x, x) ** 2).sum()))(np.float64(1.0))
    assert slope.item() == 18


# ---- mistakes ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("facts", [{"non_differentiable": ("z",)}, {"linear": ("z",)}])
def test_facts_about_unknown_inputs_fail_when_the_op_is_made(facts):
    with pytest.raises(RuleError, match="'z' is not an input"):
        cube(**facts)
    with pytest.raises(RuleError, match="'z' is not an input"):
        Op(lambda x: x, "plain").vjp("z")(lambda g: g)


def test_missing_rule_fails_when_the_op_is_recorded():
    f = cube()
    assert f(Tensor(2.0)).item() == 8
    with pytest.raises(RuleError, match=r'no rule.*\'x\'.*@test_cube\.vjp\("x"\).*non_differentiable'):
        f(variable(2.0))


def test_rule_registered_later_is_found():
    f = cube()
    f.vjp("x")(lambda g: g * 100)
    x = variable(2.0)
    f(x).backward()
    f.vjp("x")(lambda g, x: 3 * g * x * x)
    x.grad = None
    f(x).backward()
    assert x.grad.item() == 12


def test_non_differentiable_input_needs_no_rule_and_gets_no_gradient():
    @op(name="test_masked", non_differentiable=("mask",))
    def f(x, mask):
        return x * mask

    f.vjp("x")(lambda g, mask: g * mask)
    x, mask = variable([1.0, 2.0]), variable([0.0, 1.0])
    f(x, mask).sum().backward()
    assert (x.grad.tolist(), mask.grad) == ([0, 1], None)
    assert f(x.detach(), mask).node is None


def test_name_of_the_librarys_op_cannot_be_taken():
    library = REGISTRY["exp"]
    with pytest.raises(RuleError, match="exp"):
        op(name="exp")(lambda x: x)
    with pytest.raises(RuleError, match="exp"):
        elementwise("exp", np.exp, x=lambda g: g)
    assert REGISTRY["exp"] is library


def test_same_definition_run_again_replaces_the_former():
    first, second = cube(), cube()
    assert first is not second
    assert REGISTRY["test_cube"] is second


# ---- fast rules and references -------------------------------------------------------------------------------


def test_plain_pass_takes_the_fast_rule_and_recorded_pass_the_plain_one():
    calls = []
    f = cube()
    f.vjp("x")(lambda g, x: calls.append("plain") or 3 * g * x * x)
    f.fast_vjp("x")(lambda g, x: calls.append("fast") or 3 * g * x * x)
    f(variable(2.0)).backward()
    assert calls == ["fast"]
    x = variable(2.0)
    f(x).backward(create_graph=True)
    assert calls == ["fast", "plain"]
    assert x.grad.requires_grad


def test_a_rule_for_several_inputs_runs_once_and_is_told_which_of_them_are_wanted():
    calls = []

    @op(name="test_joint")
    def f(x, y):
        return x * y

    @f.fast_vjp("x", "y")
    def joint(g, x, y, *, wanted):
        calls.append(wanted)
        return (g * y if "x" in wanted else None, (g * x).sum() if "y" in wanted else None)

    f.vjp("x")(lambda g, y: g * y)
    f.vjp("y")(lambda g, x: g * x)
    x, y = variable(np.array([2.0, 0.0])), variable(np.array(3.0))
    f(x, y).sum().backward()
    assert (calls, x.grad.tolist(), y.grad.tolist()) == ([{"x", "y"}], [3, 3], 2)
    f(x, 4.0).sum().backward()
    f(1.0, y).backward()
    assert calls[1:] == [{"x"}, {"y"}]
    f(x, y).sum().backward(create_graph=True)
    assert len(calls) == 3
    x = variable(np.array([2.0, 3.0]))
    f(x, variable(np.inf)).backward(Tensor(np.array([1.0, 0.0])))  # no slope brings NaN where the cotangent is 0
    assert (calls[3], x.grad.tolist()) == ({"x", "y"}, [np.inf, 0])
    f.fast_vjp("x")(lambda g, y: g * y)
    f(x, y).sum().backward()
    assert calls[-1] == {"y"}


def test_a_rule_for_several_inputs_that_does_not_ask_which_gives_all():
    @op(name="test_joint", reference=lambda x, y, z: x * y + z)
    def f(x, y, z):
        return x * y + z

    f.fast_vjp("x", "y")(lambda g, x, y: (g * y, g * x))
    f.fast_vjp("z")(lambda g: g)
    x, z = variable(3.0), variable(1.0)
    (f(x, 2.0, z) * f(5.0, x, z)).backward()
    assert (x.grad.item(), z.grad.item()) == (2 * 16 + 5 * 7, 7 + 16)
    with pytest.raises(RuleError, match="the rule for 'x, y' asks for slope"):
        f.fast_vjp("x", "y")(lambda g, slope: (g, g))
    f.fast_vjp("x", "y")(lambda g, x, y: 1 / 0)
    with pytest.raises(ZeroDivisionError) as error:
        f(x, x, z).backward()
    assert "in the rule of op test_joint for its input 'x, y'" in error.value.__notes__[0]


def fused_product():
    """x * y, fused: only fast rules, and a reference of plain ops."""

    @op(name="test_fused", reference=lambda x, y, *, scale: x * y * scale)
    def f(x, y, *, scale):
        return x * y * scale

    f.fast_vjp("x")(lambda g, y, *, scale: g * y * scale)
    f.fast_vjp("y")(lambda g, x, *, scale: g * x * scale)
    return f


def test_op_with_only_fast_rules_is_recorded_through_its_reference():
    f = fused_product()
    x, y = np.float64(2.0), np.float64(3.0)
    assert mg.grad(mg.grad(lambda x: f(x, x, scale=5.0)))(x).item() == 10
    assert mg.grad(lambda y: mg.grad(lambda x: f(x, y, scale=5.0))(x))(y).item() == 5


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize(
    "make",
    [
        lambda f, y: f(y * y, y, scale=1.0),
        lambda f, y: f(y, y * y, scale=1.0),
        lambda f, y: f(y, f(y, y, scale=1.0), scale=1.0),
    ],
)
def test_inputs_of_a_fused_op_that_depend_on_each_other_are_counted_once(make, create_graph):
    y = variable(0.5)
    make(fused_product(), y).backward(create_graph=create_graph)
    assert y.grad.item() == pytest.approx(0.75)


def test_recorded_fused_op_with_one_constant_input():
    f = fused_product()
    x = variable(2.0)
    f(x, Tensor(np.array(3.0)), scale=1.0).backward(create_graph=True)
    assert x.grad.item() == 3


def test_op_with_only_a_fast_rule_and_no_reference_is_refused():
    f = cube()
    f.fast_vjp("x")(lambda g, x: 3 * g * x * x)
    with pytest.raises(RuleError, match="no rule"):
        f(variable(2.0))


def test_shape_specification_is_checked_on_each_call():
    f = cube(shapes="N D -> N D")
    assert f(Tensor(np.ones((2, 3)))).shape == (2, 3)
    with pytest.raises(ShapeError, match=r"x has 1 dimensions, not 2"):
        f(Tensor(np.ones(3)))


def test_one_star_name_stands_for_all_inputs():
    with pytest.raises(RuleError):
        op(name="test_mixed")(lambda x, *xs: x)


def test_gradient_of_an_op_equals_finite_differences_in_user_code(rng):
    @op(name="test_logsumexp")
    def logsumexp(x, *, axis):
        return np.log(np.exp(x).sum(axis=axis))

    logsumexp.vjp("x")(
        lambda g, x, out, *, axis: mg.expand_dims(g, axis=axis) * mg.exp(x - mg.expand_dims(out, axis=axis))
    )
    x = rng.normal(size=(2, 3))
    expected = numerical_gradient(lambda a: logsumexp(a, axis=1).sum(), [x])
    np.testing.assert_allclose(mg.grad(lambda x: logsumexp(x, axis=1).sum())(x), expected, rtol=1e-8)
    hessian = mg.hessian(lambda x: logsumexp(x, axis=1).sum())(x)
    np.testing.assert_allclose(np.einsum("ijij->ij", hessian.numpy()), expected * (1 - expected), rtol=1e-8)
