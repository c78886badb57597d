"""Strategies of calls: an op takes the calls that are drawn of it, and every condition is drawn."""

import numpy as np
import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad.autograd.op import Op
from minigrad.errors import UsageError
from minigrad.testing import calls_of
from minigrad.testing.calls.function_call import no_arithmetic_warnings

SEARCH = settings(max_examples=2000, database=None, derandomize=True, phases=[Phase.generate])


@pytest.mark.parametrize(
    "name", ["divide", "sum", "softmax", "where", "getitem", "conv", "max_pool", "concat", "linear"]
)
@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_calls_of_an_op_are_calls_that_it_takes(name, data):
    op = mg.REGISTRY[name]
    call = data.draw(calls_of(op))
    assert call.f is op
    with no_arithmetic_warnings():
        try:
            call.results()
        except ValueError:
            assert any(not x.size for x in call.values)  # nothing but an empty array is refused


def test_calls_of_reductions_have_negative_axes_tuples_and_none():
    sums = calls_of(mg.REGISTRY["sum"])
    for wanted in (lambda a: a == -1, lambda a: a is None, lambda a: isinstance(a, tuple) and len(a) == 2):
        find(sums, lambda call, wanted=wanted: wanted(call.settings["axis"]), settings=SEARCH)


def test_calls_of_binary_ops_broadcast():
    find(
        calls_of(mg.REGISTRY["add"]), lambda call: call.args[0].shape == (2,) and not call.args[1].ndim, settings=SEARCH
    )


def test_calls_hit_the_kinks_that_an_op_states():
    op = Op(lambda x: np.abs(x - 7), "far", kinks=(7.0,))
    find(calls_of(op), lambda call: 7.0 in call.args[0], settings=SEARCH)


def test_an_unknown_setting_without_default_is_an_error_that_says_what_to_do():
    op = Op(lambda x, *, sharpness: x * sharpness, "sharp")
    with pytest.raises(UsageError, match=r"sharpness.*calls="):
        find(calls_of(op), lambda call: True, settings=SEARCH)
