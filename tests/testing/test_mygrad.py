"""Gradients of MyGrad code: planted faults are found, small and named, and right rules are not blamed."""

import numpy as np
import pytest

mygrad = pytest.importorskip("mygrad")
operation_base = pytest.importorskip("mygrad.operation_base")

from minigrad.testing import Verdict  # noqa: E402
from minigrad.testing.mygrad import check_grads, gradtest  # noqa: E402
from tests.testing.frameworks.array_namespace import namespace_of  # noqa: E402
from tests.testing.frameworks.planted_faults import FAULTS, arity, decorated, every_fault, find, with_names  # noqa: E402

pytestmark = pytest.mark.peer
XP = namespace_of(np)


def build(forward, backward):
    class Planted(operation_base.Operation):
        def __call__(self, *inputs):
            self.variables = inputs
            return forward(XP, *[x.data for x in inputs])

        def backward_var(self, grad, index, **kwargs):
            found = backward(XP, grad, *[x.data for x in self.variables])
            return found[index] if isinstance(found, tuple) else found

    return with_names(lambda *args: mygrad.execute_op(Planted, *args), arity(forward))


@every_fault
def test_fault_is_found_made_small_and_named(name):
    fault = FAULTS[name]
    find(gradtest, build(fault.forward, fault.wrong), fault)


@every_fault
def test_right_rule_is_not_blamed(name):
    fault = FAULTS[name]
    decorated(gradtest, build(fault.forward, fault.right), fault)()


def test_several_results_and_what_is_left_out(rng):
    x, y = rng.normal(size=(2, 3))
    report = check_grads(lambda x, y: (x * mygrad.sin(y), mygrad.sum(x)), x, y)
    assert (report.verdict, report.order) == (Verdict.CORRECT, 1)
    test = gradtest(lambda x: mygrad.exp(x)).gradtest
    assert {"second_order", "hessian_symmetry", "adjoint"} <= test.left_out.keys()
