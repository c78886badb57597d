"""The rate is reduced when a metric plateaus."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.errors import UsageError
from minigrad.optim.schedule import Chained, Constant, Exponential, Plateau, Sequential


def test_plateau_falls_after_its_patience_and_not_below_its_end():
    schedule = Plateau(factor=0.5, patience=2, cooldown=1, final=0.2)
    scales = []
    for _ in range(15):
        schedule.observe(1.0)
        scales.append(schedule(0, 1))
    assert scales == [1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.25, 0.2, 0.2, 0.2, 0.2]


def test_plateau_never_takes_nan_for_progress():
    schedule = Plateau(patience=1)
    for loss in (1.0, math.nan, math.nan):
        schedule.observe(loss)
    assert schedule(0, 1) == 0.1


@given(st.lists(st.floats(0.1, 10), max_size=30), st.lists(st.floats(0.1, 10), max_size=30))
def test_plateau_goes_on_where_its_state_was_taken(before, after):
    def make():
        return Sequential((Chained((Exponential(), Plateau(patience=1, cooldown=2))), Constant()), (5,))

    straight, first, second = make(), make(), make()
    for loss in before + after:
        straight.observe(loss)
    for loss in before:
        first.observe(loss)
    second.load_state_dict(json.loads(json.dumps(first.state_dict())))
    for loss in after:
        second.observe(loss)
    assert second.state_dict() == straight.state_dict()
    assert second(3, 9) == straight(3, 9)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Plateau(patience="3"), "patience must be at least 0, got '3'"),
        (lambda: Plateau(mode="less"), "mode is one of .* got 'less'"),
        (lambda: Plateau(factor=1.0), r"factor must lie in \(0, 1\)"),
        (lambda: Plateau(patience=-1), "patience must be at least 0"),
    ],
)
def test_settings_out_of_range_are_refused(make, message):
    with pytest.raises(UsageError, match=message):
        make()


@pytest.mark.peer
@pytest.mark.parametrize("mode", ["min", "max"])
@pytest.mark.parametrize("threshold_mode", ["rel", "abs"])
def test_plateaus_scales_are_pytorchs(torch, rng, mode, threshold_mode):
    settings = {"mode": mode, "factor": 0.5, "patience": 2, "threshold": 0.05, "threshold_mode": threshold_mode}
    for sign in (1, -1):
        optimizer = torch.optim.SGD([torch.ones(1)], lr=1.0)
        theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, **settings, cooldown=2, min_lr=0.01, eps=0.0)
        own = Plateau(**settings, cooldown=2, final=0.01)
        for metric in sign * rng.uniform(1, 2, 80):
            own.observe(metric)
            theirs.step(metric)
            assert optimizer.param_groups[0]["lr"] == pytest.approx(own(0, 1), rel=1e-12)
        assert own(0, 1) < 0.1
