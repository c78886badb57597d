"""minigrad's own engine, held to random programs; and each property, which must fail where it does not hold."""

import os
import threading

import numpy as np
import pytest
from hypothesis import HealthCheck, find, given, seed, settings

import minigrad as mg
from minigrad.autograd import backward, pullback
from minigrad.autograd.checkpoint import _Replay
from minigrad.testing import ProgramViolation, RandomProgram, check_program, programs
from minigrad.testing.numeric.finite_difference import central_difference
from minigrad.testing.program.program_properties import PROPERTIES
from minigrad.testing.program.program_study import ProgramStudy, inner
from minigrad.testing.program.step import Operand, OpStep
from tests.testing.program import planted_faults

PARTS = 4
PROGRAMS_OF_A_PART = {"dev": 60, "ci": 1250, "intense": 25_000}[os.environ.get("MINIGRAD_PROFILE", "dev")]
MANY = settings(
    max_examples=PROGRAMS_OF_A_PART, deadline=None, database=None, derandomize=False,
    suppress_health_check=[HealthCheck.too_slow],
)  # fmt: skip
SHRINK = settings(max_examples=1000, deadline=None, database=None, derandomize=True)


@pytest.mark.parametrize("part", range(PARTS))
def test_all_properties_hold_for_random_programs(part):
    tried = []

    @seed(part)
    @MANY
    @given(programs())
    def holds(program):
        tried.append(program.op_count)
        check_program(program)

    holds()
    assert len(tried) >= PROGRAMS_OF_A_PART


def test_numerical_derivatives_of_random_programs_mean_something():
    precise = []

    @settings(max_examples=100, deadline=None, database=None, derandomize=True)
    @given(programs())
    def run(program):
        study = ProgramStudy(program)
        x, v = (np.concatenate([a.ravel() for a in arrays]) for arrays in (study.arrays, study.direction))
        ends = np.cumsum([a.size for a in study.arrays])[:-1]

        def f(point):
            parts = [a.reshape(b.shape) for a, b in zip(np.split(point, ends), study.arrays, strict=True)]
            return np.array([study.scalar(*parts).item()])

        difference = central_difference(f, x, v, f(x), 2.0**-52)
        size = max(1, abs(inner(study.reverse, study.direction)))
        precise.append(difference.error[0] <= 1e-6 * size)

    run()
    assert np.mean(precise) >= 0.9


# ---- faults that are planted into the engine ---------------------------------------------------------------------


@pytest.mark.family
@pytest.mark.parametrize("fault", planted_faults.FAULTS)
def test_a_planted_fault_is_found_and_shrunk_to_at_most_three_ops(fault, monkeypatch):
    planted_faults.FAULTS[fault](monkeypatch)

    def is_wrong(program):
        try:
            check_program(program)
        except ProgramViolation:
            return True
        return False

    program = find(programs(), is_wrong, settings=SHRINK)
    assert program.op_count <= 3


# ---- each property can fail ----------------------------------------------------------------------------------------


def program_of(*steps):
    """A program of x0 and p0, each step an op and the names that it reads."""
    made = [OpStep(op, tuple(Operand(name) for name in names), {}, (f"y{k}",)) for k, (op, *names) in enumerate(steps)]
    return RandomProgram({"x0": np.array([0.5, 1.0])}, {"p0": np.array([1.5])}, tuple(made), (made[-1].targets[0],))


def fails(name, program):
    study = ProgramStudy(program)
    with pytest.raises(ProgramViolation, match=f"property `{name}` does not hold") as found:
        PROPERTIES[name](study)
    assert found.value.property_name == name
    assert "def program(x0):" in str(found.value)


def unregistered(name, forward, **rules):
    op = mg.Op(forward, name, module="tests")
    for x, function in rules.items():
        op.vjp(x)(function)
    return op


ADD, MULTIPLY, SIN = (mg.REGISTRY[name] for name in ("add", "multiply", "sin"))


def test_numerical_fails_for_a_wrong_rule():
    fails("numerical", program_of((unregistered("twice", lambda x: x + x, x=lambda g: g), "x0")))


def test_numerical_does_not_fail_at_a_steep_place():
    steep = unregistered("steep", lambda x: np.sin(1e4 * x), x=lambda g, x: g * 1e4 * mg.cos(1e4 * x))
    PROPERTIES["numerical"](ProgramStudy(program_of((steep, "x0"))))


@pytest.mark.parametrize("way", ["push", "pull"])
def test_forward_fails_for_another_matrix(way, monkeypatch):
    right = getattr(pullback.Pullback, way)
    monkeypatch.setattr(pullback.Pullback, way, lambda trace, *given: [2 * x for x in right(trace, *given)])
    fails("forward", program_of((SIN, "x0")))


def test_recorded_fails_for_a_fast_rule_that_is_another_one():
    op = unregistered("sine", np.sin, x=lambda g, x: g * mg.cos(x))
    op.fast_vjp("x")(lambda g, x: g * np.cos(x) * 1.001)
    fails("recorded", program_of((op, "x0")))


def test_recorded_fails_for_a_wrong_second_derivative():
    slope = unregistered("slope", np.cos, x=lambda g, x: g * mg.sin(x))
    fails("recorded", program_of((unregistered("sine", np.sin, x=lambda g, x: g * slope(x)), "x0")))


def test_checkpointed_fails_for_another_replay(monkeypatch):
    right = _Replay.replay
    monkeypatch.setattr(_Replay, "replay", lambda plan, node: [out * 2 for out in right(plan, node)])
    fails("checkpointed", program_of((SIN, "x0")))


def test_reordered_fails_where_the_last_cotangent_wins(monkeypatch):
    planted_faults.drop_accumulation(monkeypatch)
    steps = [(mg.REGISTRY[name], "x0") for name in ("sin", "cos", "exp", "square")]
    steps += [(ADD, "y0", "y1"), (ADD, "y2", "y3"), (ADD, "y4", "y5")]
    fails("reordered", program_of(*steps))


def test_single_fails_for_a_rule_that_is_not_precise():
    def rough(g, x):
        return g * (mg.cos(x) * (1 + 1e-4 * (x.dtype == np.float32)))

    fails("single", program_of((unregistered("sine", np.sin, x=rough), "x0")))


def test_single_fails_for_double_gradients(monkeypatch):
    monkeypatch.setattr(backward, "unbroadcast", lambda cotangent, *others: cotangent)
    study = ProgramStudy(program_of((unregistered("sine", np.sin, x=lambda g, x: g * np.cos(np.float64(x))), "x0")))
    with pytest.raises(ProgramViolation, match="x0 is float64, for single precision"):
        PROPERTIES["single"](study)


def test_threaded_fails_for_what_depends_on_the_thread():
    main = threading.get_ident()
    op = unregistered("sine", np.sin, x=lambda g, x: g * mg.cos(x) * (1 if threading.get_ident() == main else 2))
    fails("threaded", program_of((op, "x0")))


def test_unchanged_fails_for_a_rule_that_writes():
    def writing(g, x):
        x.flags.writeable = True
        x[...] = 7.0
        return g

    fails("unchanged", program_of((unregistered("writing", lambda x: x + 0, x=writing), "x0")))


def test_freed_fails_for_a_graph_that_is_kept(monkeypatch):
    kept = []

    class Keeping(OpStep):
        def run(self, env, run):
            super().run(env, run)
            kept.append(env["y0"])

    program = RandomProgram({"x0": np.ones(2)}, {}, (Keeping(SIN, (Operand("x0"),), {}, ("y0",)),), ("y0",))
    fails("freed", program)


def test_a_program_that_depends_on_nothing_has_all_properties():
    constant = unregistered("constant", lambda x: np.ones(2), x=lambda g: g * 0)
    constant.non_differentiable = frozenset(["x"])
    constant._allowed = 0
    check_program(program_of((constant, "x0")))


def test_a_message_names_the_element():
    study = ProgramStudy(program_of((SIN, "x0")))
    found = [g.copy() for g in study.reverse]
    found[0][1] += 1
    with pytest.raises(ProgramViolation, match=r"the derivative by x0\[1\] is"):
        study.expect("forward", found, study.reverse, study.sensitivity)
    with pytest.raises(ProgramViolation, match=r"has shape \(1,\), not \(2,\)"):
        study.expect("forward", [found[0][:1], found[1]], study.reverse, study.sensitivity)


def test_rounding_is_not_a_difference():
    study = ProgramStudy(program_of((MULTIPLY, "x0", "x0"), (SIN, "y0")))
    found = [g * (1 + 2.0**-51) for g in study.reverse]
    study.expect("forward", found, study.reverse, study.sensitivity)
