"""Schedules that decay along a smooth curve."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.errors import UsageError
from minigrad.optim.schedule import Cosine, Exponential, InverseTime, Polynomial
from tests.optim.schedule.strategies import TOTAL, factors


@given(schedule=st.builds(Cosine, warmup=st.floats(0, 0.99), final=factors), total=st.integers(1, 300))
def test_cosine_rises_linearly_to_one_then_falls_and_never_leaves_its_range(schedule, total):
    rise = round(schedule.warmup * total)
    factors = [schedule(step, total) for step in range(total)]
    assert factors[:rise] == pytest.approx([(step + 1) / rise for step in range(rise)])
    fall = factors[rise:]
    assert fall == sorted(fall, reverse=True)
    assert all(schedule.final - 1e-12 <= factor <= 1 for factor in fall)
    assert not fall or fall[0] == 1


@given(total=st.integers(2, 1000), final=factors)
def test_the_fall_is_half_a_cosine(total, final):
    schedule = Cosine(final=final)
    for step in (0, total // 3, total - 1):
        mean, swing = (1 + final) / 2, (1 - final) / 2
        assert schedule(step, total) == pytest.approx(mean + swing * math.cos(math.pi * step / total))


def test_inverse_time_is_half_after_one_over_its_rate():
    assert [InverseTime(0.1)(step, 100) for step in (0, 10, 30, 90)] == pytest.approx([1, 1 / 2, 1 / 4, 1 / 10])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Cosine(warmup=1), r"warmup is a share of the steps in \[0, 1\), got 1"),
        (lambda: Cosine(warmup=-0.1), "got -0.1"),
        (lambda: Cosine(warmup=math.nan), "got nan"),
        (lambda: Cosine(final=1.5), r"final is a factor in \[0, 1\], got 1.5"),
        (lambda: Exponential("0.9"), "gamma is a number above 0, got '0.9'"),
        (lambda: Exponential(math.nan), "gamma is a number above 0, got nan"),
        (lambda: InverseTime(-1.0), "rate is a number above 0"),
        (lambda: Polynomial(power=0.0), "power is a number above 0"),
    ],
)
def test_settings_out_of_range_are_refused(make, message):
    with pytest.raises(UsageError, match=message):
        make()


@pytest.mark.peer
@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("final", [0.05, 0.5])
def test_cosines_end_is_pytorchs_as_a_factor_of_the_base_rate(torch, final):
    optimizer = torch.optim.SGD([torch.ones(1)], lr=0.4)
    theirs = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, TOTAL, eta_min=0.4 * final)
    for step in range(TOTAL):
        assert optimizer.param_groups[0]["lr"] == pytest.approx(0.4 * Cosine(final=final)(step, TOTAL), rel=1e-12)
        theirs.step()
