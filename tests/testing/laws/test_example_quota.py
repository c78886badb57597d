"""Of calls with many numbers fewer are tried, but at least eight, and as many as are asked for."""

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad.testing.calls.function_call import FunctionCall
from minigrad.testing.decorator import GradTest
from minigrad.testing.laws import Law


def calls_tried(size, examples):
    tried = []
    law = Law("seen", tried.append, lambda call: True)
    calls = st.integers(0, 2**30).map(lambda k: FunctionCall.of(mg.sin, np.full(size, k / 8.0)))
    GradTest(mg.sin, calls=calls, laws=[law], examples=examples)()
    return len(tried)


@pytest.mark.parametrize(("size", "share"), [(4, 1), (128, 1), (256, 2), (10**5, 10**5)])
def test_a_large_call_counts_as_several_examples(size, share):
    examples = settings.default.max_examples
    assert calls_tried(size, None) == max(8, -(-examples // share))


def test_what_is_asked_for_is_tried():
    assert calls_tried(10**4, 11) == 11
