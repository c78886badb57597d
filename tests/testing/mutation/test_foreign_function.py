"""Mutants of rules that are no op's: a suite that would not notice a wrong one is told so."""

import numpy as np
import pytest

from minigrad.testing.mutation.foreign_function import ForeignFunction
from minigrad.testing.mutation.function_swap import function_replaced, original
from minigrad.testing.mutation.mutant import mutant_applied, mutants_of

pytest_plugins = ("pytester",)

LAYERS = """
import numpy as np

def share(x):
    return x / x.sum(axis=-1, keepdims=True)

def share_vjp(g, x):
    s = x.sum(axis=-1, keepdims=True)
    return (g - (g * x / s).sum(axis=-1, keepdims=True)) / s

HELD = {"share": share_vjp}
"""

GOOD = """
import numpy as np
from minigrad.domain import POSITIVE
from minigrad.testing import gradtest
from mylayers import HELD, share

def test_share():
    rule = HELD["share"]
    gradtest(shapes="N D -> N D", domain={"x": POSITIVE}, vjp=lambda g, x: rule(g, x), examples=20)(share).gradtest()
"""

POOR = """
import numpy as np
from minigrad.testing import check_grads
from mylayers import share, share_vjp

def test_share():
    assert check_grads(share, np.ones((1, 1)), vjp=share_vjp)
"""


@pytest.mark.parametrize(("tests", "survive"), [(GOOD, False), (POOR, True)])
def test_suite_is_measured_against_mutants_of_foreign_rules(pytester, tests, survive):
    pytester.makepyfile(mylayers=LAYERS, test_mylayers=tests)
    pytester.syspathinsert()
    run = pytester.runpytest_subprocess("--grad-mutants=mylayers:share_vjp", "-n0")
    text = run.stdout.str()
    assert "mutants:" in text, text
    assert ("SURVIVED" in text) == survive, text
    assert "keepdims flipped" in text or not survive


def test_name_that_is_none_is_told(pytester):
    pytester.makepyfile(mylayers=LAYERS, test_mylayers=GOOD)
    pytester.syspathinsert()
    for name, text in (("mylayers:none", "mylayers has no none"), ("nolayers:f", "there is no module 'nolayers'")):
        run = pytester.runpytest_subprocess(f"--grad-mutants={name}", "-n0")
        assert text in run.stdout.str() + run.stderr.str()


def rule(g, x, *, power=2):
    return power * g * x


def test_function_is_replaced_wherever_it_is_held_and_put_back():
    held, before = {"rule": rule}, original(rule)
    with function_replaced(rule, lambda g, x, power=2: before(g, x, power=power) + 1):
        assert held["rule"](1, 3) == 7
        assert held["rule"](1, 3, power=1) == 4
    assert held["rule"](1, 3) == 6


def test_mutants_of_a_function_are_put_in_place():
    foreign = ForeignFunction("here:rule", rule)
    found = {mutant.change: mutant for mutant in mutants_of(foreign)}
    assert {"sign flipped", "factor 2"} <= found.keys()
    with mutant_applied(found["sign flipped"]):
        assert rule(1.0, np.array(3.0)) == -6
    assert all(name.startswith("here:rule: ") for name in [mutant.name for mutant in found.values()])
    assert rule(1.0, np.array(3.0)) == 6
