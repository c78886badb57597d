"""What holds of every schedule: its range, what it depends on, and PyTorch's rates."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.errors import StateError
from minigrad.optim.schedule import (
    SCHEDULES,
    Chained,
    Constant,
    Cosine,
    CosineRestarts,
    Exponential,
    InverseTime,
    Lambda,
    Linear,
    MultiStep,
    Plateau,
    Polynomial,
    Sequential,
    Step,
    schedule_settings,
    warmup,
)
from tests.optim.schedule.strategies import TOTAL, schedules, torch_optimizer


@given(schedule=schedules, total=st.integers(1, 120))
def test_factors_stay_in_range(schedule, total):
    for step in range(total):
        assert -1e-12 <= schedule(step, total) <= 1 + 1e-12
        momentum = schedule.momentum(step, total)
        assert momentum is None or 0.85 - 1e-12 <= momentum <= 0.95 + 1e-12


@given(schedule=schedules, step=st.integers(0, 60))
def test_only_a_schedule_that_depends_on_the_total_says_so(schedule, step):
    seen = {(schedule(step, total), schedule.momentum(step, total)) for total in (61, 80, 200)}
    assert schedule.uses_total or len(seen) == 1


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules_of_the_command_line_say_exactly_whether_they_depend_on_the_total(name):
    schedule = SCHEDULES[name]()
    changes = any(len({schedule(step, total) for total in (5, 10, 20, 40)}) > 1 for step in (2, 4))
    assert schedule.uses_total == changes


@given(total=st.integers(3, 300))
def test_shares_are_counted_of_the_total(total):
    third, half = round(total / 3), round(total / 2)
    for step in range(total):
        assert Step(1 / 3)(step, total) == Step(third)(step, total)
        assert MultiStep((0.5,))(step, total) == MultiStep((half,))(step, total)
        assert warmup(Linear(), 0.5)(step, total) == warmup(Linear(), half)(step, total)


@pytest.mark.parametrize(
    ("schedule", "state"),
    [
        (Plateau(), {"scale": 1.0}),
        (Plateau(), {"scale": 1.0, "best": "x", "num_bad_epochs": 0, "cooldown_counter": 0}),
        (Cosine(), {"scale": 1.0}),
        (Chained((Plateau(),)), {"schedules": []}),
    ],
)
def test_state_of_another_schedule_is_refused(schedule, state):
    with pytest.raises(StateError):
        schedule.load_state_dict(state)


def test_schedules_without_state_have_an_empty_one():
    assert Sequential((Cosine(), Linear()), (3,)).state_dict() == {}
    Sequential((Cosine(), Linear()), (3,)).load_state_dict({})


PAIRS = {
    "constant": (Constant(0.4, steps=7), lambda s, o: s.ConstantLR(o, 0.4, 7)),
    "linear": (Linear(0.8, 0.25, steps=11), lambda s, o: s.LinearLR(o, 0.25, 0.8, 11)),
    "step": (Step(6, gamma=0.3), lambda s, o: s.StepLR(o, 6, 0.3)),
    "multi-step": (MultiStep((3, 10, 10, 30), gamma=0.3), lambda s, o: s.MultiStepLR(o, [3, 10, 10, 30], 0.3)),
    "exponential": (Exponential(0.9), lambda s, o: s.ExponentialLR(o, 0.9)),
    "inverse time": (InverseTime(0.2), lambda s, o: s.LambdaLR(o, lambda step: 1 / (1 + 0.2 * step))),
    "polynomial": (Polynomial(1.5, steps=25), lambda s, o: s.PolynomialLR(o, 25, 1.5)),
    "cosine": (Cosine(), lambda s, o: s.CosineAnnealingLR(o, TOTAL)),
    "restarts": (CosineRestarts(6), lambda s, o: s.CosineAnnealingWarmRestarts(o, 6)),
    "growing restarts": (CosineRestarts(3, growth=2), lambda s, o: s.CosineAnnealingWarmRestarts(o, 3, 2)),
    "lambda": (Lambda(lambda step: 1 / (1 + step)), lambda s, o: s.LambdaLR(o, lambda step: 1 / (1 + step))),
    "warm-up": (
        warmup(Cosine(), steps=8, start=0.1),
        lambda s, o: s.SequentialLR(o, [s.LinearLR(o, 0.1, 1.0, 8), s.CosineAnnealingLR(o, TOTAL - 8)], [8]),
    ),
    "chained": (
        Chained((Exponential(0.9), Constant(0.5, steps=5))),
        lambda s, o: s.ChainedScheduler([s.ExponentialLR(o, 0.9), s.ConstantLR(o, 0.5, 5)]),
    ),
}


@pytest.mark.peer
@pytest.mark.filterwarnings("ignore::UserWarning")  # PyTorch's, about an optimizer that makes no steps
@pytest.mark.parametrize("name", PAIRS)
def test_rates_are_pytorchs(torch, name):
    schedule, make = PAIRS[name]
    optimizer = torch_optimizer(torch)
    theirs = make(torch.optim.lr_scheduler, optimizer)
    for step in range(TOTAL):
        factor = schedule(step, TOTAL)
        assert [group["lr"] for group in optimizer.param_groups] == pytest.approx(
            [0.4 * factor, 0.1 * factor], abs=1e-14
        )
        theirs.step()


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        (MultiStep, {"milestones": [1, 2]}),
        (Chained, {"schedules": [Linear(), Linear()]}),
        (Sequential, {"schedules": [Linear(), Linear()], "milestones": [2]}),
    ],
)
def test_settings_that_are_lists_are_shared_with_nobody(kind, settings):
    schedule = kind(**settings)
    before = [schedule(step, 6) for step in range(6)]
    described = schedule_settings(schedule)
    for values in settings.values():
        values.clear()
    for value in described.values():
        if isinstance(value, list):
            value.clear()
    assert [schedule(step, 6) for step in range(6)] == before
