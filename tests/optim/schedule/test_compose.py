"""Schedules made of schedules: multiplied, or one after the other."""

import pytest

from minigrad.errors import UsageError
from minigrad.optim.schedule import Chained, Constant, Cosine, Exponential, Lambda, Linear, OneCycle, Sequential, Step


def test_a_composition_depends_on_the_total_where_one_of_its_schedules_does():
    assert Chained((Constant(), Cosine())).uses_total
    assert not Chained((Constant(), Step(3))).uses_total
    assert Sequential((Constant(), Cosine()), (3,)).uses_total
    assert Sequential((Constant(), Constant()), (0.5,)).uses_total
    assert not Sequential((Cosine(), Constant()), (3,)).uses_total  # its cosine falls within 3 steps, always


def test_chained_schedules_multiply_and_sequential_ones_take_turns():
    both = Chained((Exponential(0.5), Linear()))
    assert [both(step, 4) for step in range(4)] == [1.0, 0.375, 0.125, 0.03125]
    turns = Sequential((Exponential(0.5), Linear(), Constant(0.3)), (2, 4))
    assert [turns(step, 6) for step in range(6)] == [1.0, 0.5, 1.0, 0.5, 0.3, 0.3]


def test_schedules_that_set_the_momentum_do_so_in_a_composition():
    cycle = OneCycle(pct_start=0.5)
    turns = Sequential((Constant(), cycle), (10,))
    assert turns.momentum(3, 30) is None
    assert turns.momentum(13, 30) == cycle.momentum(3, 20)
    assert Chained((Constant(), cycle)).momentum(3, 20) == cycle.momentum(3, 20)
    assert Chained((Constant(),)).momentum(3, 20) is None


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Lambda(3), "Lambda: takes a function of the step's number, not a int"),
        (lambda: Chained(()), "takes schedules, one at least"),
        (lambda: Chained((0.5,)), "takes schedules"),
        (lambda: Sequential((Constant(), Constant()), ()), "2 schedules need 1 milestones"),
        (lambda: Sequential((Constant(),) * 3, (5, 2)), "milestones must grow"),
    ],
)
def test_settings_out_of_range_are_refused(make, message):
    with pytest.raises(UsageError, match=message):
        make()
