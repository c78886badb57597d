"""`programs`: a strategy of random differentiable programs.

Steps are drawn one by one, and each refers to earlier values by how new they are, the newest first. A step that its op
refuses, or whose result is not finite, too large or too many numbers, is left out. So is, at the end, what no output
depends on. So Hypothesis makes a failing program shorter by leaving out what it drew for a step, and simpler by
lowering numbers: toward ops that come earlier in the pool, newer values, simpler numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, get_args

import numpy as np
from hypothesis import strategies as st

from minigrad.autograd.op import Op
from minigrad.errors import DTypeError, UsageError
from minigrad.testing.calls.function_call import no_arithmetic_warnings
from minigrad.testing.program.block import Block, FunctionStep, Kind, Loop
from minigrad.testing.program.choose import below, one_of
from minigrad.testing.program.op_calls_in_scope import draw_call
from minigrad.testing.program.op_pool import smooth_ops
from minigrad.testing.program.random_program import RandomProgram
from minigrad.testing.program.scope import Scope
from minigrad.testing.program.step import Environment, OpStep, Run, Step
from minigrad.testing.strategies.array_strategies import Draw
from minigrad.typing import Shape

SHAPES: Final[Sequence[Shape]] = (
    (2,), (), (1,), (3,), (2, 1), (1, 2), (2, 2), (2, 3), (3, 1), (3, 3), (1, 2, 1), (2, 1, 2), (2, 2, 2)
)  # fmt: skip
LARGEST: Final = 100.0
"""The largest number that a value may have: the others would be steep functions of their inputs."""
SMALLEST: Final = 1e-6
"""The smallest number that the largest element of a value may be, unless all are 0."""
MOST_ELEMENTS: Final = 16
MOST_OUTPUTS: Final = 3
MOST_STEPS_OF_A_BLOCK: Final = 3
DEEPEST: Final = 2
"""How deep functions and loops may stand inside of each other."""


def programs(
    *, ops: Sequence[Op] | None = None, extra: Sequence[Op] = (), max_steps: int = 8, nested: bool = True
) -> st.SearchStrategy[RandomProgram]:
    """Random differentiable programs: broadcasting, values that are used again, several outputs, loops, parameters,
    and steps that are themselves derivatives of smaller programs.

    All functions in them are smooth, and their arguments lie well inside of where they are defined, so that numerical
    derivatives mean something. Values have at most 16 elements, of double precision. `check_program` holds a program to
    what is true of every one. A program that fails is made as short as it can be, and prints as code that runs by
    itself.

    Args:
        ops: the ops that programs are made of; all smooth ones of minigrad unless given.
        extra: your own ops. They take part more often; one that has no shapes= takes one argument, or several that
            broadcast (default ()).
        max_steps: the largest number of steps, before what is not used is left out (default 8).
        nested: whether there are loops, functions and derivatives of functions (default True).

    Raises:
        UsageError: there are no ops.

    >>> import minigrad as mg
    >>> from hypothesis import given
    >>> from minigrad.testing import check_program, programs
    >>> @given(programs(extra=[mg.REGISTRY["mish"]]))
    ... def test_my_op(program):
    ...     check_program(program)
    """
    pool = tuple(smooth_ops() if ops is None else ops)
    if not pool and not extra:
        raise UsageError("programs: no ops to make programs of: give ops=, or leave it out for all of minigrad's")
    times = max(1, len(pool) // (2 * len(extra))) if extra else 0
    return _programs(_Options(pool + tuple(extra) * times, max_steps, nested))


@dataclass(frozen=True, repr=False)
class _Options:
    """The options of `programs`, the pool complete."""

    pool: tuple[Op, ...]
    max_steps: int
    nested: bool

    def __repr__(self) -> str:
        return f"{len(self.pool)} ops, max_steps={self.max_steps}, nested={self.nested}"


class _Taming(Run):
    """A run that moves arguments into the domains of their ops, and remembers whether it had to."""

    changed = False

    def before(self, step: OpStep, env: Environment) -> None:
        """Move the arguments."""
        self.changed |= step.tame(env)


@st.composite
def _programs(draw: Draw, options: _Options) -> RandomProgram:
    scope = Scope()
    for _ in range(1 + below(draw, 2)):
        scope.add_input(draw, one_of(draw, SHAPES))
    with no_arithmetic_warnings():
        steps = _draw_steps(draw, options, scope, options.max_steps, 0)
    read = {name for step in steps for name in step.reads}
    unread = [name for step in reversed(steps) for name in step.targets if name not in read] or list(scope.inputs)
    outputs = tuple(unread[: 1 + below(draw, MOST_OUTPUTS)])
    return RandomProgram(scope.inputs, scope.parameters, tuple(steps), outputs).pruned()


def _draw_steps(draw: Draw, options: _Options, scope: Scope, most: int, depth: int) -> list[Step]:
    """Steps, whose values are then in the scope."""
    steps: list[Step] = []
    for k in range(most):
        more, step = draw(_one_more(options, scope, depth, first=k == 0))
        if not more:
            break
        if step is not None and _added(step, scope):
            steps.append(step)
    return steps


@st.composite
def _one_more(draw: Draw, options: _Options, scope: Scope, depth: int, first: bool) -> tuple[bool, Step | None]:
    """Whether there is one more step, and the step."""
    more, kind = below(draw, 8) > 0, below(draw, 10)  # drawn in any case: see `below`
    if not (first or more):
        return False, None
    if kind < 7 or not options.nested or depth >= DEEPEST:
        return True, _draw_op_step(draw, options, scope)
    return True, (_draw_loop if kind == 7 else _draw_function_step)(draw, options, scope, depth + 1)


def _draw_op_step(draw: Draw, options: _Options, scope: Scope) -> Step:
    op = options.pool[below(draw, len(options.pool))]
    call = draw_call(draw, op, scope)
    targets = tuple([scope.new_name() for _ in op.results or ("out",)])
    return OpStep(op, tuple(call.args), call.settings, targets, dict(call.domains))


def _draw_loop(draw: Draw, options: _Options, scope: Scope, depth: int) -> Step | None:
    start, name = scope.any_value(draw), scope.new_name()
    inner = scope.inside(name, scope.values[start.name])
    count = 2 + below(draw, 2)
    steps = _draw_steps(draw, options, inner, MOST_STEPS_OF_A_BLOCK, depth)
    scope.adopt(inner)
    same = [n for step in steps for n in step.targets if inner.values[n].shape == scope.shape(start)]
    return Loop(count, start.name, Block(name, steps, same[-1])) if same else None


def _draw_function_step(draw: Draw, options: _Options, scope: Scope, depth: int) -> Step | None:
    kind: Kind = one_of(draw, get_args(Kind))
    argument, parameter = scope.any_value(draw), scope.new_name().replace("y", "t")
    inner = scope.inside(parameter, scope.values[argument.name])
    steps = _draw_steps(draw, options, inner, MOST_STEPS_OF_A_BLOCK, depth)
    scope.adopt(inner)
    if not steps:
        return None
    block = Block(parameter, steps, steps[-1].targets[0])
    shape = {"vjp": inner.values[block.result].shape, "jvp": scope.shape(argument)}.get(kind)
    others = scope.fitting(lambda other: other == shape)
    other = others[below(draw, len(others))].name if others else None
    return FunctionStep(kind, scope.new_name(), argument.name, block, other)


def _added(step: Step, scope: Scope) -> bool:
    """Run a step, its arguments moved into domains, and add its results to the scope, if they are good ones."""
    env, taming = dict(scope.values), _Taming()
    try:
        step.run(env, taming)
        while taming.changed and not isinstance(step, OpStep):  # another argument may be out of its domain now
            taming = _Taming()
            step.run(env := dict(scope.values), taming)
    except (ValueError, DTypeError):  # what ops raise for arguments that they do not take, also as a ShapeError
        return False
    results = [env[name] for name in step.targets]
    if not all(_is_moderate(value._data) for value in results):
        return False
    scope.values.update({name: env[name] for name in step.targets})
    return True


def _is_moderate(x: np.ndarray) -> bool:
    largest = np.abs(x).max(initial=0)
    return 0 < x.size <= MOST_ELEMENTS and x.ndim <= 4 and bool(largest == 0 or SMALLEST <= largest <= LARGEST)
