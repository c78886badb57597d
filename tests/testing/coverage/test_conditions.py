"""Which conditions apply to an op."""

import pytest

from minigrad import REGISTRY
from minigrad.testing.coverage.conditions import applicable

ALWAYS = {"empty", "float32", "non-contiguous", "second order"}
APPLY = {
    "sin": {"0-d"},
    "multiply": {"broadcast", "0-d", "repeated"},
    "sum": {"negative axis", "0-d"},
    "softmax": {"negative axis"},
    "cumulative_sum": {"negative axis"},
    "triu": set(),
    "relu": {"0-d", "kink"},
    "maximum": {"broadcast", "0-d", "repeated", "kink"},
    "conv": {"repeated"},
    "where": {"broadcast", "0-d", "repeated"},
    "concat": {"negative axis", "repeated"},
}


@pytest.mark.parametrize("name", APPLY)
def test_conditions_follow_from_the_facts(name):
    assert set(applicable(REGISTRY[name])) == ALWAYS | APPLY[name]


def test_nothing_applies_to_an_op_without_rules():
    assert applicable(REGISTRY["equal"]) == []
