"""Steps made of steps: loops, and calls, derivatives and checkpoints of functions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import minigrad.ops as mg
from minigrad.autograd import forward_mode, transforms
from minigrad.autograd.checkpoint import checkpoint
from minigrad.autograd.tensor import Tensor
from minigrad.testing.program.step import Environment, Run, Step, indented, used_steps

Kind: TypeAlias = Literal["call", "checkpoint", "grad", "vjp", "jvp"]
"""What is done with a function: see `FunctionStep`."""


@dataclass
class Block:
    """Steps that make a result of a parameter, and of values around them.

    Args:
        parameter: its name.
        steps: in order.
        result: the name of the value that comes out.
    """

    parameter: str
    steps: list[Step]
    result: str

    def __post_init__(self) -> None:
        self.steps = used_steps(self.steps, {self.result})

    @property
    def reads(self) -> set[str]:
        """The names that it reads from around it."""
        inside = {self.parameter, *[name for step in self.steps for name in step.targets]}
        return {name for step in self.steps for name in step.reads} - inside

    @property
    def op_count(self) -> int:
        """The number of ops."""
        return sum(step.op_count for step in self.steps)

    def function(self, env: Environment, run: Run) -> Callable[[Tensor], Tensor]:
        """The function of the parameter, with the values around it as they are now."""
        around = {name: env[name] for name in self.reads if name in env}  # and no more: it may live long

        def f(x: Tensor) -> Tensor:
            inner = {**around, self.parameter: x}
            for step in self.steps:
                step.run(inner, run)
            return inner[self.result]

        return f


@dataclass
class Loop:
    """A value that goes through a block a number of times.

    Args:
        count: how many times.
        start: the name of the first value.
        block: its parameter is the value's name.
    """

    count: int
    start: str
    block: Block

    @property
    def targets(self) -> tuple[str, ...]:
        """The last value."""
        return (self.block.parameter,)

    @property
    def reads(self) -> set[str]:
        """The first value, and what the block reads."""
        return {self.start} | self.block.reads

    @property
    def op_count(self) -> int:
        """That of the block."""
        return self.block.op_count

    def run(self, env: Environment, run: Run) -> None:
        """Go through the block."""
        value, f = env[self.start], self.block.function(env, run)
        for _ in range(self.count):
            value = f(value)
        env[self.block.parameter] = value

    def code(self) -> Iterator[str]:
        """A for loop."""
        yield f"{self.block.parameter} = {self.start}"
        yield f"for _ in range({self.count}):"
        yield from indented(self.block.steps)
        yield f"    {self.block.parameter} = {self.block.result}"


@dataclass
class FunctionStep:
    """Something that is done with a function f made of a block.

        call         y = f(x)
        checkpoint   y = mg.checkpoint(f, x)
        grad         y = mg.grad(lambda t: mg.sum(f(t)))(x)
        vjp          y = J(x)'g, where g is `other`, or else f(x) itself
        jvp          y = J(x) v, where v is `other`

    Args:
        kind: which of these.
        target: the name of y.
        argument: the name of x.
        other: the name of g or v (default None).
        block: f.
    """

    kind: Kind
    target: str
    argument: str
    block: Block
    other: str | None = None

    @property
    def targets(self) -> tuple[str, ...]:
        """The result."""
        return (self.target,)

    @property
    def reads(self) -> set[str]:
        """The argument, the cotangent or tangent, and what the block reads."""
        return {self.argument, *([self.other] if self.other else []), *self.block.reads}

    @property
    def op_count(self) -> int:
        """That of the block, and 1 for what is done with it, unless it is just called."""
        return self.block.op_count + (self.kind != "call")

    def run(self, env: Environment, run: Run) -> None:
        """Do it."""
        result = self._result(env, self.block.function(env, run))
        env[self.target] = run.after(self.target, result)

    def _result(self, env: Environment, f: Callable[[Tensor], Tensor]) -> Tensor:
        x = env[self.argument]
        out: Any  # derivatives come in the containers of the argument, which is a Tensor here
        if self.kind == "call":
            return f(x)
        if self.kind == "checkpoint":
            return checkpoint(f, x)
        if self.kind == "grad":
            out = transforms.grad(lambda t: mg.sum(f(t)))(x)
        elif self.kind == "vjp":
            value, pull = transforms.vjp(f, x)
            (out,) = pull(env[self.other] if self.other else value)
        else:
            out = forward_mode.jvp(f, (x,), (env[self.other or self.argument],))[1]
        result: Tensor = out
        return result

    def code(self) -> Iterator[str]:
        """A function, and its use."""
        f, t, x = f"f_{self.target}", self.block.parameter, self.argument
        # A checkpoint runs it again when a loop may have given these names to other values.
        bound = sorted(name for name in self.block.reads if name.startswith("y")) if self.kind == "checkpoint" else []
        yield f"def {f}({', '.join([t, *[f'{name}={name}' for name in bound]])}):"
        yield from indented(self.block.steps)
        yield f"    return {self.block.result}"
        if self.kind == "vjp":
            yield f"value, pull = mg.vjp({f}, {x})"
        results = {
            "call": f"{f}({x})",
            "checkpoint": f"mg.checkpoint({f}, {x})",
            "grad": f"mg.grad(lambda t: mg.sum({f}(t)))({x})",
            "vjp": f"pull({self.other or 'value'})[0]",
            "jvp": f"mg.jvp({f}, ({x},), ({self.other or x},))[1]",
        }
        yield f"{self.target} = {results[self.kind]}"
