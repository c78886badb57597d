"""Gradients of tinygrad code: planted faults are found, small and named, and right rules are not blamed."""

import os
import shutil

import numpy as np
import pytest

if shutil.which("clang") is None:
    os.environ.setdefault("DEV", "PYTHON")  # its default device compiles with clang
tinygrad = pytest.importorskip("tinygrad")
function = pytest.importorskip("tinygrad.function")

from minigrad.testing import Verdict  # noqa: E402
from minigrad.testing.calls.function_call import FunctionCall  # noqa: E402
from minigrad.testing.laws import LAWS  # noqa: E402
from minigrad.testing.laws.violation_search import violation_of  # noqa: E402
from minigrad.testing.tinygrad import check_grads, gradtest  # noqa: E402
from tests.testing.frameworks.planted_faults import FAULTS, arity, find, with_names  # noqa: E402

pytestmark = pytest.mark.peer

# What a grad_fxn gets has no functions along an axis but sum, and no flip; and tinygrad cancels x / x.
LEFT_OUT = ("not reversed", "reversed once", "first element missed", "not a number")
every_fault = pytest.mark.parametrize("name", [name for name in FAULTS if name not in LEFT_OUT])


class Xp:
    """What rules compute with."""

    @staticmethod
    def sin(x):
        return x.sin()

    @staticmethod
    def cos(x):
        return x.cos()

    @staticmethod
    def where(condition, x, y):
        return condition.where(x, y)

    @staticmethod
    def sum(x, axis, keepdims=False):
        return x.sum(axis, keepdim=keepdims)

    @staticmethod
    def mT(x):
        return x.transpose(-2, -1)


def build(forward, backward):
    count = arity(forward)

    def grad_fxn(g, call):
        found = backward(Xp, g, *call.src[1 : 1 + count])
        return found if isinstance(found, tuple) else (found,)

    return with_names(function.function(lambda *args: forward(Xp, *args), grad_fxn=grad_fxn), count)


def call_of(fault, rule):
    """One small call: every new shape is compiled, and where there is no clang it also runs in Python."""
    rng, shapes = np.random.default_rng(0), fault.options.get("shapes", ", ".join("D" * arity(fault.forward)) + " -> D")
    sizes = {"D": 3 if fault.cause == "wrong axis" else 2}
    args = [
        rng.uniform(0.5, 1.5, [sizes.get(letter, 2) for letter in x.split()])
        for x in shapes.partition("->")[0].split(",")
    ]
    if "domain" not in fault.options:
        args[0].flat[-1] = 0.0 if "kinks" in fault.options else -0.7
    return FunctionCall.of(build(fault.forward, rule), *args, framework="tinygrad")


def violation_at(fault, rule):
    return violation_of(call_of(fault, rule), {name: LAWS[name] for name in ("linearity", "gradient")})


@every_fault
def test_fault_is_found_and_named(name):
    fault = FAULTS[name]
    violation = violation_at(fault, fault.wrong)
    assert violation is not None
    named = fault.cause and name != "divided by the wrong size"  # which is named where one dimension is 1 only
    assert violation.cause == fault.cause or not named, violation


@every_fault
def test_right_rule_is_not_blamed(name):
    fault = FAULTS[name]
    assert violation_at(fault, fault.right) is None


@pytest.mark.parametrize("name", ["wrong sign", "operands swapped"])
def test_fault_is_made_small(name):
    fault = FAULTS[name]
    find(gradtest, build(fault.forward, fault.wrong), fault, examples=4, laws=["gradient"], dtype=np.float64)


def test_numbers_and_second_order(rng):
    assert check_grads(lambda x: x.sin(), 0.5).order == 2
    report = check_grads(lambda x: (x * x.detach()).sum(), rng.normal(size=3))
    assert report.verdict is Verdict.WRONG
