"""A schedule applied to an optimizer: its own rates are there again afterwards."""

import pytest

from minigrad import nn, optim
from minigrad.errors import UsageError
from minigrad.optim.schedule import Linear, OneCycle, scheduled
from tests.helper import variable


def groups_of(optimizer):
    return [{name: value for name, value in group.items() if name != "params"} for group in optimizer.param_groups]


@pytest.mark.parametrize("kind", [optim.SGD, optim.Adam])
def test_a_step_has_the_schedules_rates_and_momentum_and_afterwards_its_own(kind):
    optimizer = kind([{"params": [variable(1.0)], "lr": 0.4}, {"params": [variable(2.0)]}], lr=0.1)
    own, cycle = groups_of(optimizer), OneCycle()
    for step in range(10):
        with scheduled(optimizer, cycle, step, 10):
            inside = groups_of(optimizer)
            assert [g["lr"] for g in inside] == [0.4 * cycle(step, 10), 0.1 * cycle(step, 10)]
            momenta = [g["betas"][0] if "betas" in g else g["momentum"] for g in inside]
            assert momenta == [cycle.momentum(step, 10)] * 2
        assert groups_of(optimizer) == own
    with pytest.raises(RuntimeError), scheduled(optimizer, cycle, 3, 10):
        raise RuntimeError
    assert groups_of(optimizer) == own


def test_momentum_of_an_optimizer_that_has_none_is_an_error():
    optimizer = optim.Adagrad([variable(1.0)])
    with (
        pytest.raises(UsageError, match="Adagrad has none: cycle_momentum=False"),
        scheduled(optimizer, OneCycle(), 0, 9),
    ):
        pass
    assert optimizer.param_groups[0]["lr"] == 0.01
    with scheduled(optimizer, OneCycle(cycle_momentum=False), 0, 9):
        assert optimizer.param_groups[0]["lr"] == pytest.approx(0.01 / 25)


def test_modules_parameters_are_scheduled():
    model = nn.Linear(2, 1)
    optimizer = optim.SGD(model.parameters(), lr=0.5)
    with scheduled(optimizer, Linear(), 5, 10):
        assert optimizer.param_groups[0]["lr"] == 0.25
