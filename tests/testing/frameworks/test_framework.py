"""The protocol: a framework of one's own in 30 lines has the whole kit, and so have gradients written by hand."""

import numpy as np
import pytest

from minigrad.errors import UsageError
from minigrad.testing import LawViolation, Verdict, laws
from minigrad.testing.frameworks.framework import Framework
from minigrad.testing.frameworks.kit import kit_for
from minigrad.testing.frameworks.named import framework_named
from minigrad.testing.frameworks.run import as_tuple
from tests.testing.frameworks.array_namespace import namespace_of
from tests.testing.frameworks.planted_faults import FAULTS, arity, decorated, every_fault, find, with_names

XP = namespace_of(np)


# ---- a toy framework: a tape of values, each with a rule -----------------------------------------------------


class Var:
    """A value on a tape: what it was made of, and how its cotangent goes on to these."""

    def __init__(self, value, parents=(), rule=None):
        self.value, self.parents, self.rule, self.grad = value, parents, rule, None


class Tape(Framework):
    """The whole of what the kit must know of the toy framework."""

    name, value_type = "tape", Var

    def constant(self, x):
        return Var(x)

    def array(self, value):
        if not isinstance(value, (Var, np.ndarray, np.generic)):
            raise UsageError(f"the function must return a Var, it returned {type(value).__name__}")
        return np.asarray(value.value if isinstance(value, Var) else value)

    def vjp(self, f, args, positions, *, record=False):
        outs = as_tuple(f(*args))

        def pull(cotangents):
            for i in positions:
                args[i].grad = None
            for out, g in zip(outs, cotangents, strict=True):
                back(out, g.value)
            return [args[i].grad for i in positions]

        return outs, pull


def back(var, g):
    """Add a cotangent to a value, and go on."""
    var.grad = g if var.grad is None else var.grad + g
    if var.rule is not None:
        gradients = var.rule(g)
        for parent, part in zip(var.parents, gradients, strict=True):
            back(parent, part)


check_grads, gradtest = kit_for(Tape())


def build(forward, backward):
    def planted(*args):
        xs = [x.value for x in args]
        return Var(forward(XP, *xs), args, lambda g: as_tuple(backward(XP, g, *xs)))

    return with_names(planted, arity(forward))


@pytest.mark.family
@every_fault
def test_fault_in_a_framework_of_ones_own_is_found_made_small_and_named(name):
    fault = FAULTS[name]
    violation = find(gradtest, build(fault.forward, fault.wrong), fault)
    assert "framework='tape'" in violation.call


@every_fault
def test_right_rule_in_a_framework_of_ones_own_is_not_blamed(name):
    fault = FAULTS[name]
    decorated(gradtest, build(fault.forward, fault.right), fault)()


def test_check_grads_takes_values_of_the_framework_arrays_and_numbers():
    square = build(*[lambda xp, x: x * x, lambda xp, g, x: 2 * g * x])
    for x in (Var(np.array([1.0, 2.0])), np.array([1.0, 2.0]), 3.0):
        assert check_grads(square, x).verdict is Verdict.CORRECT
    report = check_grads(build(lambda xp, x: x * x, lambda xp, g, x: g * x), Var(np.array([1.0, 2.0])))
    assert (report.verdict, report.element, report.found) == (Verdict.WRONG, (0,), 1.0)


def test_the_line_of_a_violation_can_be_run_again():
    with pytest.raises(LawViolation, match="constant factor"):
        laws.gradient(build(lambda xp, x: x * x, lambda xp, g, x: g * x), np.array([0.5]), framework="tape")


def test_laws_that_make_no_sense_are_left_out_visibly():
    test = gradtest(build(lambda xp, x: x * x, lambda xp, g, x: 2 * g * x)).gradtest
    assert test.left_out.keys() == {
        "silence",
        "accumulation",
        "reference",
        "second_order",
        "hessian_symmetry",
        "adjoint",
    }
    assert test.left_out["second_order"] == "tape differentiates once here"
    assert "without silence" in repr(test)


def test_what_is_no_value_of_the_framework_is_told():
    with pytest.raises(UsageError, match="must return a Var, it returned str"):
        check_grads(lambda x: "no", np.ones(2))


def test_framework_that_does_not_exist_is_told():
    with pytest.raises(UsageError, match="there is no minigrad"):
        framework_named("caffe")
    with pytest.raises(UsageError, match="framework='caffe'"):
        laws.gradient(np.sin, np.ones(2), framework="caffe")


# ---- gradients by hand ---------------------------------------------------------------------------------------


def by_hand(rule):
    return lambda g, *args: rule(XP, g, *args)


@pytest.mark.family
@every_fault
def test_fault_in_a_gradient_by_hand_is_found_made_small_and_named(name):
    fault = FAULTS[name]
    from minigrad.testing import gradtest as plain

    function = with_names(lambda *args: fault.forward(XP, *args), arity(fault.forward))
    find(plain, function, fault, vjp=by_hand(fault.wrong))


@every_fault
def test_right_gradient_by_hand_is_not_blamed(name):
    fault = FAULTS[name]
    from minigrad.testing import gradtest as plain

    function = with_names(lambda *args: fault.forward(XP, *args), arity(fault.forward))
    decorated(plain, function, fault, vjp=by_hand(fault.right))()
