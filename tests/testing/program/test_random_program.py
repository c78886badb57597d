"""A program can be run, reordered, taken over to single precision, and pasted."""

import numpy as np
import pytest
from hypothesis import given

import minigrad as mg
from minigrad.domain import POSITIVE
from minigrad.errors import UsageError
from minigrad.testing import RandomProgram, programs
from minigrad.testing.calls.array_recipes import remember_recipe
from minigrad.testing.program.block import Block, FunctionStep, Loop
from minigrad.testing.program.step import Operand, OpStep
from minigrad.testing.strategies.seeded_arrays import format_seeded, seeded

ADD, MULTIPLY, SIN = (mg.REGISTRY[name] for name in ("add", "multiply", "sin"))


def step(op, target, *names):
    return OpStep(op, tuple(Operand(name) for name in names), {}, (target,))


def small(*steps, outputs=("y1",)):
    return RandomProgram({"x0": np.array([0.5, 1.0])}, {"p0": np.array(2.0)}, steps, outputs)


PROGRAM = small(step(MULTIPLY, "y0", "x0", "p0"), step(SIN, "y1", "y0"))


def test_a_program_is_a_function_of_its_inputs_and_of_its_parameters():
    x = np.array([0.5, 1.0])
    np.testing.assert_array_equal(PROGRAM(x)[0].data, np.sin(2 * x))
    np.testing.assert_array_equal(PROGRAM(x, parameters=[3.0])[0].data, np.sin(3 * x))
    np.testing.assert_array_equal(PROGRAM.function([3.0])(x)[0].data, np.sin(3 * x))


@pytest.mark.parametrize(("inputs", "parameters"), [((), None), ((1.0, 2.0), None), ((1.0,), [])])
def test_a_wrong_number_of_values_is_an_error(inputs, parameters):
    with pytest.raises(UsageError, match="takes 1 inputs and 1 parameters"):
        PROGRAM(*inputs, parameters=parameters)


def test_loops_and_functions_do_what_their_code_says():
    body = Block("y2", [step(MULTIPLY, "y3", "y2", "p0")], "y3")
    f = Block("t4", [step(MULTIPLY, "y4", "t4", "t4"), step(MULTIPLY, "y5", "y4", "p0")], "y5")
    x, p = np.array([0.5, 1.0]), 2.0
    expected = {
        "loop": (Loop(3, "x0", body), x * p**3),
        "call": (FunctionStep("call", "y2", "x0", f), p * x * x),
        "checkpoint": (FunctionStep("checkpoint", "y2", "x0", f), p * x * x),
        "grad": (FunctionStep("grad", "y2", "x0", f), 2 * p * x),
        "vjp": (FunctionStep("vjp", "y2", "x0", f), 2 * p * x * (p * x * x)),
        "vjp of g": (FunctionStep("vjp", "y2", "x0", f, "x0"), 2 * p * x * x),
        "jvp": (FunctionStep("jvp", "y2", "x0", f, "x0"), 2 * p * x * x),
    }
    for name, (each, value) in expected.items():
        program = small(each, outputs=("y2",))
        np.testing.assert_allclose(program(x)[0].data, value, err_msg=name)
        found = {"np": np, "mg": mg}
        exec(str(program).replace("\nprint(", "\ngradients = ("), found)
        np.testing.assert_array_equal(found["program"](found["x0"])[0].data, program(x)[0].data, err_msg=name)


def test_what_no_output_depends_on_is_left_out():
    loop = Loop(2, "y0", Block("y2", [step(SIN, "y3", "y2"), step(SIN, "y4", "y3")], "y3"))
    program = small(step(SIN, "y0", "x0"), step(MULTIPLY, "y1", "x0", "p0"), loop, outputs=("y2",)).pruned()
    assert [op.name for op in program.ops] == ["sin", "sin"]
    assert list(program.parameters) == []
    only_parameter = small(step(SIN, "y1", "p0")).pruned()
    assert list(only_parameter.inputs) == ["p0"]
    assert only_parameter(np.array(1.0))[0].item() == np.sin(1.0)


def test_ops_are_counted_with_those_that_move_arguments_into_domains():
    into = OpStep(mg.REGISTRY["log"], (Operand("x0"),), {}, ("y0",))
    into.tame({"x0": mg.Tensor([-1.0])})
    derivative = FunctionStep("grad", "y1", "y0", Block("t1", [step(SIN, "y3", "t1")], "y3"))
    assert small(into, derivative).op_count == 4 + 2


@given(program=programs())
def test_another_order_of_the_steps_gives_the_same_values(program):
    other = program.reordered(np.random.default_rng(3))
    assert len(other.steps) == len(program.steps)
    for a, b in zip(program(*program.inputs.values()), other(*program.inputs.values()), strict=True):
        np.testing.assert_array_equal(a.data, b.data)


def test_there_is_another_order():
    steps = [step(SIN, f"y{k}", "x0") for k in range(6)]
    program = small(*steps, outputs=tuple(f"y{k}" for k in range(6)))
    assert program.reordered(np.random.default_rng(3)).steps != program.steps


@given(program=programs())
def test_the_code_runs_by_itself_and_gives_the_same_gradients(program):
    variables = [mg.Tensor(x, requires_grad=True) for x in program.arrays]
    count = len(program.inputs)
    total = sum(mg.sum(out) for out in program(*variables[:count], parameters=variables[count:]))
    if not total.requires_grad:
        return
    total.backward()
    found = {}
    exec(str(program).replace("\nprint(", "\nfound = ("), found)
    for name, x in zip([*program.inputs, *program.parameters], variables, strict=True):
        gradient = found[name].grad
        assert (gradient is None) == (x.grad is None)
        if gradient is not None:
            np.testing.assert_array_equal(gradient.data, x.grad.data)


def gradient_by_code(program):
    found = {}
    exec(str(program).replace("\nprint(", "\nfound = ("), found)
    return found["x0"].grad.data


def test_the_code_of_a_checkpoint_keeps_what_a_loop_gives_to_other_values():
    again = FunctionStep("checkpoint", "y5", "y2", Block("t3", [step(SIN, "y4", "y2")], "y4"))
    loop = Loop(2, "x0", Block("y0", [step(ADD, "y2", "y0", "y0"), again], "y5"))
    program = small(loop, outputs=("y0",))
    assert "def f_y5(t3, y2=y2):" in str(program)
    x = mg.Tensor(program.inputs["x0"], requires_grad=True)
    mg.sum(program(x)[0]).backward()
    np.testing.assert_array_equal(gradient_by_code(program), x.grad.data)


def test_the_code_imports_what_large_arrays_are_made_of():
    large = seeded((65,), 4, domain=POSITIVE)
    remember_recipe(large, format_seeded((65,), 4, domain=POSITIVE, dtype=float, tails=True))
    program = RandomProgram({"x0": large}, {}, (step(SIN, "y1", "x0"),), ("y1",))
    np.testing.assert_array_equal(gradient_by_code(program), np.cos(large))


def test_the_code_imports_an_op_of_the_user():
    my_sin = mg.Op(np.sin, "my_sin", module="my.module")
    assert "from my.module import my_sin\n" in str(small(step(my_sin, "y1", "x0")))
    assert "y1 = my_sin(x0)" in str(small(step(my_sin, "y1", "x0")))


@given(program=programs())
def test_single_precision_stays_single(program):
    single = program.in_dtype(np.float32)
    assert {x.dtype for x in single.arrays} == {np.dtype(np.float32)}
    assert {out.dtype for out in single(*single.inputs.values())} == {np.dtype(np.float32)}
