"""Gradients of HIPS autograd code: planted faults are found, small and named, and right rules are not blamed."""

import numpy as np
import pytest

autograd = pytest.importorskip("autograd")

from minigrad.testing import Verdict  # noqa: E402
from minigrad.testing.autograd import check_grads, gradtest  # noqa: E402
from tests.testing.frameworks.array_namespace import namespace_of  # noqa: E402
from tests.testing.frameworks.planted_faults import FAULTS, arity, decorated, every_fault, find, with_names  # noqa: E402

pytestmark = pytest.mark.peer
anp = pytest.importorskip("autograd.numpy")
extend = pytest.importorskip("autograd.extend")
XP = namespace_of(anp)


def build(forward, backward):
    planted = extend.primitive(lambda *args: forward(namespace_of(np), *args))

    def pulled(k):
        def of_argument(ans, *args):
            def pull(g):
                found = backward(XP, g, *args)
                return found[k] if isinstance(found, tuple) else found

            return pull

        return of_argument

    extend.defvjp(planted, *[pulled(k) for k in range(arity(forward))])
    return with_names(planted, arity(forward))


@every_fault
def test_fault_is_found_made_small_and_named(name):
    fault = FAULTS[name]
    find(gradtest, build(fault.forward, fault.wrong), fault)


@every_fault
def test_right_rule_is_not_blamed(name):
    fault = FAULTS[name]
    decorated(gradtest, build(fault.forward, fault.right), fault)()


def test_several_results_and_second_order(rng):
    x, y = rng.normal(size=(2, 3))
    assert check_grads(lambda x, y: (x * anp.sin(y), anp.sum(x)), x, y).order == 2


def test_known_faults_of_the_framework_are_found(rng):
    report = check_grads(lambda x: anp.prod(x), np.array([0.0, 1.0, 2.0]))  # divides by an element
    assert report.verdict is not Verdict.CORRECT
