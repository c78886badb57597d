"""Schedules: pure functions of the step, in range, and the same after a trip through a file."""

import itertools
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.errors import StateError, UsageError
from minigrad.optim.schedule import SCHEDULES, Constant, Cosine, Linear, schedule_of, schedule_settings

cosines = st.builds(Cosine, warmup=st.floats(0, 0.99), final=st.floats(0, 1))


@given(step=st.integers(0, 10**6), total=st.integers(1, 10**6))
def test_constant_is_one_at_every_step(step, total):
    assert Constant()(step, total) == 1


@given(schedule=cosines, total=st.integers(1, 300))
def test_cosine_rises_linearly_to_one_then_falls_and_never_leaves_its_range(schedule, total):
    rise = round(schedule.warmup * total)
    factors = [schedule(step, total) for step in range(total)]
    assert factors[:rise] == pytest.approx([(step + 1) / rise for step in range(rise)])
    fall = factors[rise:]
    assert fall == sorted(fall, reverse=True)
    assert all(schedule.final - 1e-12 <= factor <= 1 for factor in fall)
    assert not fall or fall[0] == 1


@given(total=st.integers(2, 1000), final=st.floats(0, 1))
def test_the_fall_is_half_a_cosine(total, final):
    schedule = Cosine(final=final)
    for step in (0, total // 3, total - 1):
        mean, swing = (1 + final) / 2, (1 - final) / 2
        assert schedule(step, total) == pytest.approx(mean + swing * math.cos(math.pi * step / total))


def test_only_a_schedule_that_looks_at_the_total_says_so():
    assert {name: len({kind()(2, total) for total in (5, 10, 20)}) > 1 for name, kind in SCHEDULES.items()} == {
        name: kind.uses_total for name, kind in SCHEDULES.items()
    }


@given(total=st.integers(1, 1000), final=st.floats(0, 1))
def test_linear_falls_by_equal_steps_to_one_step_above_its_end(total, final):
    factors = [Linear(final)(step, total) for step in range(total)]
    assert factors[0] == 1
    assert [a - b for a, b in itertools.pairwise(factors)] == pytest.approx([(1 - final) / total] * (total - 1))
    assert factors[-1] == pytest.approx(final + (1 - final) / total)


def test_linear_refuses_an_end_out_of_range():
    with pytest.raises(UsageError, match=r"final is a factor in \[0, 1\], got 2"):
        Linear(final=2)


@given(schedule=st.one_of(st.just(Constant()), st.builds(Linear, final=st.floats(0, 1)), cosines))
def test_settings_survive_json(schedule):
    assert schedule_of(json.loads(json.dumps(schedule_settings(schedule)))) == schedule


@pytest.mark.parametrize("settings", [{"name": "saw"}, {"name": "cosine", "cooldown": 1}, {}])
def test_unknown_settings_are_refused(settings):
    with pytest.raises(StateError, match="no schedule has these settings"):
        schedule_of(settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"warmup": 1}, r"warmup is a share of the steps in \[0, 1\), got 1"),
        ({"warmup": -0.1}, "got -0.1"),
        ({"warmup": math.nan}, "got nan"),
        ({"final": 1.5}, r"final is a factor in \[0, 1\], got 1.5"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(UsageError, match=message):
        Cosine(**settings)
