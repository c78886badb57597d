"""Schedules made of straight pieces: constant, linear, stairs."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.errors import UsageError
from minigrad.optim.schedule import Constant, Linear, MultiStep, Step
from tests.optim.schedule.strategies import factors


@given(step=st.integers(0, 10**6), total=st.integers(1, 10**6))
def test_constant_is_one_at_every_step(step, total):
    assert Constant()(step, total) == 1


@given(total=st.integers(1, 1000), final=factors)
def test_linear_falls_by_equal_steps_to_one_step_above_its_end(total, final):
    factors = [Linear(final)(step, total) for step in range(total)]
    assert factors[0] == 1
    assert [a - b for a, b in itertools.pairwise(factors)] == pytest.approx([(1 - final) / total] * (total - 1))
    assert factors[-1] == pytest.approx(final + (1 - final) / total)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Linear(final=2), r"final is a factor in \[0, 1\], got 2"),
        (lambda: Linear(start=-1), "start is a factor"),
        (lambda: Linear(steps=0), r"Linear: steps is a number of steps .* got 0"),
        (lambda: Step(1.5), r"step_size is a number of steps .* got 1.5"),
        (lambda: Step(True), "got True"),
        (lambda: Step("3"), "step_size is a number of steps .* got '3'"),
        (lambda: Linear(final=None), r"final is a factor in \[0, 1\], got None"),
        (lambda: Step(gamma=0.0), "gamma is a number above 0"),
        (lambda: MultiStep((3, -1)), r"a milestone is .* got -1"),
    ],
)
def test_settings_out_of_range_are_refused(make, message):
    with pytest.raises(UsageError, match=message):
        make()
