"""Gradients of JAX code: planted faults are found, small and named, and right rules are not blamed."""

import pytest

jax = pytest.importorskip("jax")

from minigrad.testing import LawViolation, Verdict  # noqa: E402
from minigrad.testing.jax import check_grads, gradtest  # noqa: E402
from tests.testing.frameworks.array_namespace import namespace_of  # noqa: E402
from tests.testing.frameworks.planted_faults import FAULTS, arity, decorated, every_fault, find, with_names  # noqa: E402

pytestmark = pytest.mark.peer
jnp = jax.numpy
XP = namespace_of(jnp)
CHEAP = {"examples": 8}  # JAX compiles every function for every shape


def build(forward, backward):
    @jax.custom_vjp
    def planted(*args):
        return forward(XP, *args)

    def bwd(args, g):
        found = backward(XP, g, *args)
        return found if isinstance(found, tuple) else (found,)

    planted.defvjp(lambda *args: (forward(XP, *args), args), bwd)
    return with_names(planted, arity(forward))


@every_fault
def test_fault_is_found_made_small_and_named(name):
    fault = FAULTS[name]
    find(gradtest, build(fault.forward, fault.wrong), fault, **CHEAP)


@every_fault
def test_right_rule_is_not_blamed(name):
    fault = FAULTS[name]
    decorated(gradtest, build(fault.forward, fault.right), fault, **CHEAP)()


def test_forward_mode_is_held_to_the_reverse_mode(rng):
    @jax.custom_jvp
    def project(x, w):
        return x @ w

    @project.defjvp
    def _(primals, tangents):
        (x, w), (dx, dw) = primals, tangents
        return x @ w, dx @ w + x @ dw

    x, w = rng.normal(size=(2, 3)), rng.normal(size=3)
    assert check_grads(project, x, w, modes=("vjp", "jvp")).verdict is Verdict.CORRECT


def test_fault_in_a_custom_jvp_is_found():
    @jax.custom_jvp
    def project(x, w):
        return x @ w

    @project.defjvp
    def _(primals, tangents):
        (x, w), (dx, dw) = primals, tangents
        return x @ w, dx @ w + 2 * x @ dw

    with pytest.raises(LawViolation, match=r"constant factor(.|\n)*modes=\('vjp', 'jvp'\)"):
        gradtest(shapes="N D, D -> N", modes=("vjp", "jvp"), examples=6)(project).gradtest()


def test_second_order_of_a_custom_vjp(rng):
    def softplus(bwd):
        made = jax.custom_vjp(lambda x: jnp.logaddexp(x, 0.0))
        made.defvjp(lambda x: (jnp.logaddexp(x, 0.0), x), bwd)
        return made

    x = rng.normal(size=3)
    assert check_grads(softplus(lambda x, g: (g * jax.nn.sigmoid(x),)), x).order == 2
    report = check_grads(softplus(lambda x, g: (g * jax.lax.stop_gradient(jax.nn.sigmoid(x)),)), x)
    assert (report.verdict, report.order) == (Verdict.WRONG, 2)


def test_single_precision_stays_the_default_outside_of_a_check():
    with jax.enable_x64(False):  # other tests of the same process may have turned it on
        assert check_grads(jnp.sin, jnp.ones(2)).verdict is Verdict.CORRECT
        assert jnp.ones(2).dtype == jnp.float32
