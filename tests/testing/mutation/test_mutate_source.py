"""Mutants of a function's source: which ones a function has, and that they compute what their names say."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.testing.mutation.function_source import function_node
from minigrad.testing.mutation.mutate_source import source_mutants
from minigrad.testing.mutation.source_copy import shifted_axis


def changes(function) -> dict[str, object]:
    return {found.change: found.function for found in source_mutants(function)}


# fmt: off
CHANGES = {
    "term dropped": (lambda g, x: g + x, {"g + x -> g": 2, "g + x -> x": 3}),
    "term dropped from a difference": (lambda g, x: g - x, {"g - x -> g": 2, "g - x -> -x": -3}),
    "factor dropped": (lambda g, x: g * x, {"g * x -> g": 2, "g * x -> x": 3}),
    "divisor dropped": (lambda g, x: g / x, {"factor dropped: g / x -> g": 2, "factor changed: g / x -> g * x": 6}),
    "sign flipped": (lambda g, x: -g, {"sign flipped: -g -> g": 2}),
    "sum flipped": (lambda g, x: g + x, {"sign flipped: g + x -> g - x": -1}),
    "constant": (lambda g, x: 2 * g, {"factor changed: 2 * g -> 3 * g": 6}),
    "swapped": (lambda g, x: g - x, {"operands swapped: g - x -> x - g": 1}),
    "power swapped": (lambda g, x: g**x, {"operands swapped: g ** x -> x ** g": 9}),
    "where swapped": (lambda g, x: mg.where(x > 0, g, x), {"where(x > 0, g, x) -> mg.where(x > 0, x, g)": 3}),
    "comparison": (lambda g, x: mg.where(x > 0, g, x), {"comparison flipped: x > 0 -> x < 0": 3}),
}
# fmt: on


@pytest.mark.parametrize("case", CHANGES)
def test_source_mutant_computes_what_its_name_says(case):
    function, expected = CHANGES[case]
    found = changes(function)
    for end, value in expected.items():
        (name,) = [change for change in found if change.endswith(end)]
        assert found[name](np.array(2), np.array(3)) == value


def test_call_of_an_op_is_dropped_and_transposes_are():
    sin = mg.sin
    assert [c for c in changes(lambda g, x: g * sin(x)) if c.startswith("call")] == ["call dropped: sin(x) -> x"]
    assert "transpose dropped: x.mT -> x" in changes(lambda g, x: g @ x.mT)


def test_keepdims_is_flipped_whether_it_is_a_constant_or_a_setting():
    def rule(g, *, keepdims):
        return mg.sum(mg.sum(g, axis=-1, keepdims=True), axis=-1, keepdims=keepdims)

    ends = {change.partition(": ")[2] for change in changes(rule) if change.startswith("keepdims flipped")}
    assert ends == {"True -> False", "keepdims -> not keepdims"}
    flipped = [f for change, f in changes(rule).items() if change.startswith("keepdims flipped")]
    assert {f(np.ones((2, 3)), keepdims=True).shape for f in flipped} == {(1,), (2,)}


def test_axis_is_shifted_where_it_is_used_and_not_where_it_is_counted():
    def rule(g, *, axis):
        total = mg.sum(g, axis=axis) if axis is not None else g
        return total / len(axis)

    assert [c for c in changes(rule) if c.startswith("axis")] == ["axis shifted: axis -> shifted(axis)"]


@pytest.mark.parametrize(
    ("axis", "other"), [(0, -1), (2, 1), ((1, 2), (0, 1)), ((0, 2, 1), (2, 1, 0)), ((0,), (-1,)), (None, None)]
)
def test_shifted_axis_is_another_one(axis, other):
    assert shifted_axis(axis) == other


def test_lambdas_beside_each_other_are_told_apart():
    rules = [lambda g, y: g * y, lambda g, x: g + x, lambda g, x: (lambda z: z - g)(x)]  # fmt: skip
    assert [sorted(changes(rule))[0].split(": ")[1].split(" ->")[0] for rule in rules] == ["g * y", "g + x", "z - g"]
    one, two = (lambda g, x: g * x), (lambda g, x: g / x)  # fmt: skip
    assert function_node(one) is not function_node(two)


def test_function_without_source_has_no_source_mutants():
    assert source_mutants(np.add) == []
    assert source_mutants(eval("lambda g, x: g * x")) == []


def test_mutant_keeps_closure_and_defaults():
    three = 3

    def rule(g, x=5, *, z=7):
        return g * three + x - z

    found = changes(rule)
    (flipped,) = [f for c, f in found.items() if c.startswith("sign flipped: g * three + x - z")]
    assert flipped(1) == 3 + 5 + 7


def _twice(x):
    return 2 * x


def test_private_helper_of_a_rule_is_mutated_for_that_rule_only():
    found = changes(lambda g, x: g * _twice(x))
    (name,) = [change for change in found if change == "in _twice: factor changed: 2 * x -> 3 * x"]
    assert found[name](1, 1) == 3
    assert _twice(1) == 2


def test_swapping_equal_operands_is_no_mutant():
    assert not [change for change in changes(lambda g, x: g * (x - x)) if "swapped" in change]
