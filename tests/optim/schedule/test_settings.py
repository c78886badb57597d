"""Schedules as plain data: the same after a trip through JSON."""

import json

import pytest
from hypothesis import given

from minigrad.errors import StateError, UsageError
from minigrad.optim.schedule import Chained, Lambda, schedule_of, schedule_settings
from tests.optim.schedule.strategies import schedules


@given(schedule=schedules)
def test_settings_survive_json(schedule):
    read = json.loads(json.dumps(schedule_settings(schedule)))
    assert schedule_of(read) == schedule


@pytest.mark.parametrize(
    "settings",
    [{"name": "saw"}, {"name": "cosine", "cooldown": 1}, {}, {"name": "chained", "schedules": [{"name": "saw"}]}],
)
def test_unknown_settings_are_refused(settings):
    with pytest.raises(StateError, match="no schedule has these settings"):
        schedule_of(settings)


def test_schedule_of_ones_own_cannot_be_described():
    with pytest.raises(UsageError, match="Lambda is no schedule that can be described"):
        schedule_settings(Chained((Lambda(abs),)))
