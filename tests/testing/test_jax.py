"""Gradients of JAX code: planted faults are found, small and named, and right rules are not blamed."""

import pytest

jax = pytest.importorskip("jax")

from minigrad.testing.jax import gradtest  # noqa: E402
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
