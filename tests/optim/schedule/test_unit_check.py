"""Steps that were probably meant as epochs are told; usual schedules are not."""

import pytest

from minigrad.optim.schedule import (
    SCHEDULES,
    Chained,
    Constant,
    CosineRestarts,
    Exponential,
    Lambda,
    Linear,
    MultiStep,
    Polynomial,
    Step,
    warmup,
)
from minigrad.optim.schedule.unit_check import unit_doubts

AS_EPOCHS = [
    Step(30), MultiStep((30, 60, 90)), Exponential(0.9), Polynomial(2.0, steps=100), Linear(steps=100),
    CosineRestarts(10), Lambda(lambda step: 0.9**step), Chained((Step(30), Constant())), warmup(Step(30), 10),
]  # fmt: skip


@pytest.mark.parametrize("schedule", AS_EPOCHS, ids=lambda schedule: type(schedule).__name__)
@pytest.mark.parametrize("per_epoch", [20, 500])
def test_pytorchs_numbers_of_epochs_are_told_with_the_steps_of_an_epoch(schedule, per_epoch):
    told = unit_doubts(schedule, 100, 100 * per_epoch)
    assert f"count steps (updates), of which each of the 100 epochs has {per_epoch}. For n epochs write" in told


def test_a_step_that_falls_many_times_in_few_epochs_is_told():
    assert unit_doubts(Step(30), 100, 500).startswith("at step 250 of 500 the learning rate is 1e-08 of its base")


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize(("epochs", "per_epoch"), [(1, 5), (2, 500), (100, 1), (100, 20), (300, 10)])
def test_schedules_without_settings_are_not_told_of(name, epochs, per_epoch):
    assert unit_doubts(SCHEDULES[name](), epochs, epochs * per_epoch) == ""


@pytest.mark.parametrize("schedule", [
    Step(30 * 20), MultiStep((30 * 20, 60 * 20)), Exponential(0.999), Linear(steps=2000), Constant(0.1, steps=10),
    warmup(Linear(), 10), Step(1 / 3), Linear(final=1.0, start=0.1, steps=50), CosineRestarts(200),
], ids=repr)  # fmt: skip
def test_steps_that_are_meant_as_steps_are_not_told_of(schedule):
    assert unit_doubts(schedule, 100, 2000) == ""


@pytest.mark.parametrize("schedule", AS_EPOCHS, ids=lambda schedule: type(schedule).__name__)
def test_one_step_an_epoch_is_the_same_in_both_units(schedule):
    assert unit_doubts(schedule, 100, 100) == ""
