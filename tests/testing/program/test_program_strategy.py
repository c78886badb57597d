"""What `programs` draws: everything that it promises, from the ops that one asks for, and simple when simplified."""

import numpy as np
import pytest
from hypothesis import Phase, find, given, settings

import minigrad as mg
from minigrad.errors import UsageError
from minigrad.testing import programs
from minigrad.testing.program.block import FunctionStep, Loop
from minigrad.testing.program.op_pool import NOT_A_STEP, NOT_SMOOTH, smooth_ops
from minigrad.testing.program.random_program import _flat
from minigrad.testing.program.step import OpStep, Run

SEARCH = settings(max_examples=3000, database=None, derandomize=True, deadline=None, phases=[Phase.generate])
SHRINK = settings(SEARCH, phases=[Phase.generate, Phase.shrink])


def steps_of(program, kind):
    return [step for step in _flat(program.steps) if isinstance(step, kind)]


def reads(program):
    return [arg.name for step in steps_of(program, OpStep) for arg in step.operands]


def is_nested(program):
    return any(steps_of_block(step) for step in steps_of(program, FunctionStep))


def steps_of_block(step):
    return [inner for inner in _flat(step.block.steps) if isinstance(inner, (FunctionStep, Loop))]


def some_argument_is_moved(program):
    return any(arg.into is not None for step in steps_of(program, OpStep) for arg in step.operands)


class Watch(Run):
    """Whether an op has stretched an axis of size 1."""

    stretched = False

    def before(self, step, env):
        shapes = [env[arg.name].shape for arg in step.operands]
        if step.op.elementwise and len(shapes) == 2:
            pairs = zip(*[shape[::-1] for shape in shapes], strict=False)
            self.stretched |= any(1 in pair and pair != (1, 1) for pair in pairs)


def some_op_broadcasts(program):
    watch = Watch()
    program(*program.inputs.values(), run=watch)
    return watch.stretched


CONDITIONS = {
    "loop": lambda program: steps_of(program, Loop),
    "function within a function": is_nested,
    "value used again": lambda program: len(reads(program)) > len(set(reads(program))) + 1,
    "several outputs": lambda program: len(program.outputs) == 3,
    "several inputs": lambda program: len(program.inputs) == 2,
    "several parameters": lambda program: len(program.parameters) > 1,
    "op with several results": lambda program: any(op.results for op in program.ops),
    "broadcasting": some_op_broadcasts,
    "argument moved into its domain": some_argument_is_moved,
    "long": lambda program: program.op_count > 12,
    **{kind: lambda program, kind=kind: any(step.kind == kind for step in steps_of(program, FunctionStep))
       for kind in ("call", "checkpoint", "grad", "vjp", "jvp")},
}  # fmt: skip


@pytest.mark.parametrize("condition", CONDITIONS)
def test_every_condition_is_drawn(condition):
    find(programs(), lambda program: bool(CONDITIONS[condition](program)), settings=SEARCH)


# The four gates of an LSTM, side by side, are longer than the arrays that programs make.
DRAWN = [op for op in smooth_ops() if op.name != "lstm"]


@pytest.mark.parametrize("op", DRAWN, ids=str)
def test_every_smooth_op_is_drawn(op):
    find(programs(ops=[op, mg.REGISTRY["sin"]], nested=False), lambda program: op in program.ops, settings=SEARCH)


def test_the_pool_has_all_ops_of_minigrad_but_those_that_are_listed():
    left_out = {
        op.name for op in mg.REGISTRY.values() if op.module.startswith("minigrad.ops.") and op not in smooth_ops()
    }
    for name in {*NOT_SMOOTH, *NOT_A_STEP}:
        assert name in left_out
    others = [mg.REGISTRY[name] for name in left_out - {*NOT_SMOOTH, *NOT_A_STEP}]
    assert all(op.kinks or set(op.inputs) <= op.non_differentiable for op in others)


@given(program=programs())
def test_values_are_moderate_and_there_is_nothing_that_is_not_used(program):
    for out in program(*program.inputs.values()):
        assert np.all(np.abs(out.data) <= 100)
        assert 0 < out.size <= 16
    read = {name for step in program.steps for name in step.reads} | set(program.outputs)
    assert {*program.inputs, *program.parameters} <= read


@given(program=programs(ops=[mg.REGISTRY["add"], mg.REGISTRY["exp"]], max_steps=3, nested=False))
def test_ops_and_the_number_of_steps_can_be_chosen(program):
    assert {op.name for op in program.ops} <= {"add", "exp"}
    assert len(program.steps) <= 3
    assert not steps_of(program, (Loop, FunctionStep))


def test_extra_ops_take_part_in_many_programs():
    mine = mg.Op(lambda x, y: x * np.cos(y), "cosine_of_mine")
    mine.vjp("x")(lambda g, y: g * mg.cos(y))
    mine.vjp("y")(lambda g, x, y: -g * x * mg.sin(y))
    seen = []

    @settings(max_examples=100, database=None, derandomize=True, deadline=None, phases=[Phase.generate])
    @given(programs(extra=[mine]))
    def run(program):
        seen.append(mine in program.ops)

    run()
    assert np.mean(seen) > 0.3


def test_no_ops_are_an_error():
    with pytest.raises(UsageError, match="no ops"):
        programs(ops=[])


def test_a_program_with_some_op_shrinks_to_that_op():
    program = find(programs(), lambda program: "einsum" in [op.name for op in program.ops], settings=SHRINK)
    assert program.op_count == 1


def test_a_failing_example_is_printed_as_code():
    @settings(SHRINK)
    @given(programs())
    def fails(program):
        raise AssertionError

    with pytest.raises(AssertionError) as found:
        fails()
    assert "import minigrad as mg" in "\n".join(found.value.__notes__)
