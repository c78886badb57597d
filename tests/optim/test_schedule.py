"""Schedules: pure functions of the step, in range, and the same after a trip through a file."""

import itertools
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad import nn, optim
from minigrad.errors import StateError, UsageError
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
    OneCycle,
    Plateau,
    Polynomial,
    Sequential,
    Step,
    schedule_of,
    schedule_settings,
    scheduled,
    warmup,
)
from tests.helper import variable

shares = st.floats(0.01, 1)
counts = st.one_of(st.integers(1, 50), shares)
factors = st.floats(0, 1)
simple = st.one_of(
    st.builds(Constant, factors, st.one_of(st.none(), counts)),
    st.builds(Linear, factors, factors, counts),
    st.builds(Cosine, warmup=st.floats(0, 0.99), final=factors),
    st.builds(Step, counts, shares),
    st.builds(MultiStep, st.lists(counts, max_size=3).map(tuple), shares),
    st.builds(Exponential, shares),
    st.builds(InverseTime, st.floats(1e-6, 10)),
    st.builds(Polynomial, st.floats(0.1, 4), counts),
    st.builds(CosineRestarts, counts, st.integers(1, 3), factors),
    st.builds(OneCycle, pct_start=st.floats(0.05, 0.5), div_factor=st.floats(1, 50), three_phase=st.booleans()),
    st.builds(Plateau, final=factors),
)
schedules = st.one_of(
    simple,
    st.lists(simple, min_size=1, max_size=3).map(Chained),
    st.tuples(simple, simple, st.integers(1, 60)).map(lambda t: Sequential(t[:2], t[2:])),
)


@given(schedule=schedules, total=st.integers(1, 120))
def test_factors_stay_in_range(schedule, total):
    for step in range(total):
        assert -1e-12 <= schedule(step, total) <= 1 + 1e-12
        momentum = schedule.momentum(step, total)
        assert momentum is None or 0.85 - 1e-12 <= momentum <= 0.95 + 1e-12


@given(schedule=schedules)
def test_settings_survive_json(schedule):
    read = json.loads(json.dumps(schedule_settings(schedule)))
    assert schedule_of(read) == schedule


@given(schedule=schedules, step=st.integers(0, 60))
def test_only_a_schedule_that_looks_at_the_total_says_so(schedule, step):
    seen = {(schedule(step, total), schedule.momentum(step, total)) for total in (61, 80, 200)}
    assert schedule.uses_total or len(seen) == 1


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules_of_the_command_line_say_exactly_whether_they_look_at_the_total(name):
    schedule = SCHEDULES[name]()
    changes = any(len({schedule(step, total) for total in (5, 10, 20, 40)}) > 1 for step in (2, 4))
    assert schedule.uses_total == changes


def test_a_composition_looks_at_the_total_where_a_part_does():
    assert Chained((Constant(), Cosine())).uses_total
    assert not Chained((Constant(), Step(3))).uses_total
    assert Sequential((Constant(), Cosine()), (3,)).uses_total
    assert Sequential((Constant(), Constant()), (0.5,)).uses_total
    assert not Sequential((Cosine(), Constant()), (3,)).uses_total  # its cosine falls within 3 steps, always


# ---- each by what it is --------------------------------------------------------------------------------------


@given(step=st.integers(0, 10**6), total=st.integers(1, 10**6))
def test_constant_is_one_at_every_step(step, total):
    assert Constant()(step, total) == 1


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


@given(total=st.integers(1, 1000), final=factors)
def test_linear_falls_by_equal_steps_to_one_step_above_its_end(total, final):
    factors = [Linear(final)(step, total) for step in range(total)]
    assert factors[0] == 1
    assert [a - b for a, b in itertools.pairwise(factors)] == pytest.approx([(1 - final) / total] * (total - 1))
    assert factors[-1] == pytest.approx(final + (1 - final) / total)


@given(total=st.integers(3, 300))
def test_shares_are_counted_of_the_total(total):
    third, half = round(total / 3), round(total / 2)
    for step in range(total):
        assert Step(1 / 3)(step, total) == Step(third)(step, total)
        assert MultiStep((0.5,))(step, total) == MultiStep((half,))(step, total)
        assert warmup(Linear(), 0.5)(step, total) == warmup(Linear(), half)(step, total)


def test_inverse_time_is_half_after_one_over_its_rate():
    assert [InverseTime(0.1)(step, 100) for step in (0, 10, 30, 90)] == pytest.approx([1, 1 / 2, 1 / 4, 1 / 10])


def test_chained_schedules_multiply_and_sequential_ones_take_turns():
    both = Chained((Exponential(0.5), Linear()))
    assert [both(step, 4) for step in range(4)] == [1.0, 0.375, 0.125, 0.03125]
    turns = Sequential((Exponential(0.5), Linear(), Constant(0.3)), (2, 4))
    assert [turns(step, 6) for step in range(6)] == [1.0, 0.5, 1.0, 0.5, 0.3, 0.3]


def test_parts_that_set_the_momentum_do_so_in_a_composition():
    cycle = OneCycle(pct_start=0.5)
    turns = Sequential((Constant(), cycle), (10,))
    assert turns.momentum(3, 30) is None
    assert turns.momentum(13, 30) == cycle.momentum(3, 20)
    assert Chained((Constant(), cycle)).momentum(3, 20) == cycle.momentum(3, 20)
    assert Chained((Constant(),)).momentum(3, 20) is None


# ---- what is refused -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "settings",
    [{"name": "saw"}, {"name": "cosine", "cooldown": 1}, {}, {"name": "chained", "parts": [{"name": "saw"}]}],
)
def test_unknown_settings_are_refused(settings):
    with pytest.raises(StateError, match="no schedule has these settings"):
        schedule_of(settings)


def test_schedule_of_ones_own_cannot_be_described():
    with pytest.raises(UsageError, match="Lambda is no schedule that can be described"):
        schedule_settings(Chained((Lambda(abs),)))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Cosine(warmup=1), r"warmup is a share of the steps in \[0, 1\), got 1"),
        (lambda: Cosine(warmup=-0.1), "got -0.1"),
        (lambda: Cosine(warmup=math.nan), "got nan"),
        (lambda: Cosine(final=1.5), r"final is a factor in \[0, 1\], got 1.5"),
        (lambda: Linear(final=2), r"final is a factor in \[0, 1\], got 2"),
        (lambda: Linear(start=-1), "start is a factor"),
        (lambda: Linear(steps=0), r"Linear: steps is a number of steps .* got 0"),
        (lambda: Step(1.5), r"step_size is a number of steps .* got 1.5"),
        (lambda: Step(True), "got True"),
        (lambda: Step("3"), "step_size is a number of steps .* got '3'"),
        (lambda: Exponential("0.9"), "gamma is a number above 0, got '0.9'"),
        (lambda: Linear(final=None), r"final is a factor in \[0, 1\], got None"),
        (lambda: Lambda(3), "Lambda: takes a function of the step's number, not a int"),
        (lambda: Plateau(patience="3"), "patience must be at least 0, got '3'"),
        (lambda: Step(gamma=0.0), "gamma is a number above 0"),
        (lambda: MultiStep((3, -1)), r"a milestone is .* got -1"),
        (lambda: Exponential(math.nan), "gamma is a number above 0, got nan"),
        (lambda: InverseTime(-1.0), "rate is a number above 0"),
        (lambda: Polynomial(power=0.0), "power is a number above 0"),
        (lambda: CosineRestarts(growth=0), "growth is an integer of at least 1, got 0"),
        (lambda: CosineRestarts(growth=1.5), "growth is an integer"),
        (lambda: OneCycle(pct_start=1.2), "pct_start"),
        (lambda: OneCycle(pct_start=0.7, three_phase=True), "pct_start"),
        (lambda: OneCycle(anneal_strategy="sine"), "anneal_strategy is 'cos' or 'linear', got 'sine'"),
        (lambda: OneCycle(max_momentum=1.0), r"max_momentum must lie in \[0, 1\)"),
        (lambda: OneCycle(div_factor=0.0), "div_factor"),
        (lambda: Plateau(mode="less"), "mode is one of .* got 'less'"),
        (lambda: Plateau(factor=1.0), r"factor must lie in \(0, 1\)"),
        (lambda: Plateau(patience=-1), "patience must be at least 0"),
        (lambda: Chained(()), "parts are schedules, one at least"),
        (lambda: Chained((0.5,)), "parts are schedules"),
        (lambda: Sequential((Constant(), Constant()), ()), "2 parts need 1 milestones"),
        (lambda: Sequential((Constant(),) * 3, (5, 2)), "milestones must grow"),
    ],
)
def test_settings_out_of_range_are_refused(make, message):
    with pytest.raises(UsageError, match=message):
        make()


# ---- applied to an optimizer ---------------------------------------------------------------------------------


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


# ---- the one that listens ------------------------------------------------------------------------------------


def test_plateau_falls_after_its_patience_and_not_below_its_end():
    schedule = Plateau(factor=0.5, patience=2, cooldown=1, final=0.2)
    levels = []
    for _ in range(15):
        schedule.observe(1.0)
        levels.append(schedule(0, 1))
    assert levels == [1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.25, 0.2, 0.2, 0.2, 0.2]


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
    ("schedule", "state"),
    [
        (Plateau(), {"level": 1.0}),
        (Plateau(), {"level": 1.0, "best": "x", "bad": 0, "cooling": 0}),
        (Cosine(), {"level": 1.0}),
        (Chained((Plateau(),)), {"parts": []}),
    ],
)
def test_state_of_another_schedule_is_refused(schedule, state):
    with pytest.raises(StateError):
        schedule.load_state_dict(state)


def test_schedules_without_state_have_an_empty_one():
    assert Sequential((Cosine(), Linear()), (3,)).state_dict() == {}
    Sequential((Cosine(), Linear()), (3,)).load_state_dict({})


# ---- against PyTorch -----------------------------------------------------------------------------------------

TOTAL = 40
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


def torch_optimizer(torch, **settings):
    groups = [{"params": [torch.ones(1)], "lr": 0.4}, {"params": [torch.ones(1)], "lr": 0.1}]
    return torch.optim.SGD(groups, momentum=0.9, **settings)


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


@pytest.mark.peer
@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("final", [0.05, 0.5])
def test_cosines_end_is_pytorchs_as_a_part_of_the_base_rate(torch, final):
    optimizer = torch.optim.SGD([torch.ones(1)], lr=0.4)
    theirs = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, TOTAL, eta_min=0.4 * final)
    for step in range(TOTAL):
        assert optimizer.param_groups[0]["lr"] == pytest.approx(0.4 * Cosine(final=final)(step, TOTAL), rel=1e-12)
        theirs.step()


@pytest.mark.peer
@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("total", [10, 37, 40])
@pytest.mark.parametrize("strategy", ["cos", "linear"])
@pytest.mark.parametrize("three_phase", [False, True])
def test_one_cycle_is_pytorchs(torch, total, strategy, three_phase):
    optimizer = torch_optimizer(torch)
    settings = {"pct_start": 0.3, "anneal_strategy": strategy, "three_phase": three_phase, "final_div_factor": 100.0}
    theirs = torch.optim.lr_scheduler.OneCycleLR(optimizer, [0.4, 0.1], total, **settings)
    own = OneCycle(**settings)
    for step in range(total):
        lrs, momenta = zip(*[(group["lr"], group["momentum"]) for group in optimizer.param_groups], strict=True)
        assert lrs == pytest.approx([0.4 * own(step, total), 0.1 * own(step, total)], rel=1e-12, abs=1e-15)
        assert momenta == pytest.approx([own.momentum(step, total)] * 2, rel=1e-12)
        if step < total - 1:
            theirs.step()


@pytest.mark.peer
@pytest.mark.parametrize("mode", ["min", "max"])
@pytest.mark.parametrize("threshold_mode", ["rel", "abs"])
def test_plateaus_levels_are_pytorchs(torch, rng, mode, threshold_mode):
    settings = {"mode": mode, "factor": 0.5, "patience": 2, "threshold": 0.05, "threshold_mode": threshold_mode}
    for sign in (1, -1):
        optimizer = torch.optim.SGD([torch.ones(1)], lr=1.0)
        theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, **settings, cooldown=2, min_lr=0.01, eps=0.0)
        own = Plateau(**settings, cooldown=2, final=0.01)
        for measured in sign * rng.uniform(1, 2, 80):
            own.observe(measured)
            theirs.step(measured)
            assert optimizer.param_groups[0]["lr"] == pytest.approx(own(0, 1), rel=1e-12)
        assert own(0, 1) < 0.1


def test_modules_parameters_are_scheduled():
    model = nn.Linear(2, 1)
    optimizer = optim.SGD(model.parameters(), lr=0.5)
    with scheduled(optimizer, Linear(), 5, 10):
        assert optimizer.param_groups[0]["lr"] == 0.25
