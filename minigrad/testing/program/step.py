"""The steps of a program: what every step can do, and `OpStep`, a call of an op. (`block.py` has loops and functions.)

A step reads values by name from an environment, and writes its results into it. It can tell which names it reads, which
it writes, how many ops it has, and what it is in Python.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol, TypeAlias

import minigrad.ops as mg
from minigrad.autograd.op import Op
from minigrad.autograd.tensor import Tensor
from minigrad.domain import REAL, Domain
from minigrad.testing.calls.call_repr import format_value
from minigrad.testing.program.safe_argument import IntoDomain, needed
from minigrad.typing import Settings

Environment: TypeAlias = dict[str, Tensor]
"""The values of a program by name."""


class Run:
    """One run of a program; subclasses see what happens, and may change it."""

    def before(self, step: OpStep, env: Environment) -> None:
        """Called before each call of an op."""

    def after(self, name: str, value: Tensor) -> Tensor:
        """What takes the place of a value, when it has been computed."""
        return value


class Step(Protocol):
    """One step of a program."""

    @property
    def targets(self) -> tuple[str, ...]:
        """The names that it writes."""
        ...

    @property
    def reads(self) -> set[str]:
        """The names that it reads from around it."""
        ...

    @property
    def op_count(self) -> int:
        """The number of ops in it; those of a loop count once."""
        ...

    def run(self, env: Environment, run: Run) -> None:
        """Do it."""
        ...

    def code(self) -> Iterator[str]:
        """The lines of Python that do it."""
        ...


@dataclass(frozen=True)
class Operand:
    """A value by its name, moved into the domain of an op where needed."""

    name: str
    into: IntoDomain | None = None

    def value(self, env: Environment, run: Run) -> Tensor:
        """The argument."""
        x = env[self.name]
        return x if self.into is None else run.after(f"{self.name} in the domain", self.into.function(x))

    def __repr__(self) -> str:
        return self.name if self.into is None else self.into.code(self.name)


@dataclass
class OpStep:
    """A call of an op.

    Args:
        op: what is called.
        args: operands, and whatever else the op takes by position: numbers, arrays of integers or booleans, None.
        settings: what it takes by keyword.
        targets: the name of each result.
        domains: the domain of each argument, where it is not the op's own statement (default None).
    """

    op: Op
    args: tuple[Any, ...]
    settings: Settings
    targets: tuple[str, ...]
    domains: dict[str, Domain] | None = None

    @property
    def operands(self) -> list[Operand]:
        """Those arguments that are values of the program."""
        return [arg for arg in self.args if isinstance(arg, Operand)]

    @property
    def reads(self) -> set[str]:
        """The names of the operands."""
        return {operand.name for operand in self.operands}

    @property
    def op_count(self) -> int:
        """1, and what moves operands into the domain."""
        return 1 + sum(operand.into.op_count for operand in self.operands if operand.into is not None)

    def tame(self, env: Environment) -> bool:
        """Move operands that do not lie well inside of the domain there; gives whether there were any."""
        domains = {**self.op.domain, **(self.domains or {})}
        moved = [self._moved(k, arg, domains, env) for k, arg in enumerate(self.args)]
        changed = any(new is not old for new, old in zip(moved, self.args, strict=True))
        self.args = tuple(moved)
        return changed

    def _moved(self, k: int, arg: object, domains: dict[str, Domain], env: Environment) -> object:
        if not isinstance(arg, Operand) or arg.into is not None:
            return arg
        domain = domains.get(self.op.inputs[0 if self.op.variadic else k], REAL)
        into = needed(domain, env[arg.name]._data)
        return arg if into is None else replace(arg, into=into)

    def run(self, env: Environment, run: Run) -> None:
        """Call the op."""
        run.before(self, env)
        out = self.op(*[arg.value(env, run) if isinstance(arg, Operand) else arg for arg in self.args], **self.settings)
        for name, value in zip(self.targets, out if self.op.results else (out,), strict=True):
            env[name] = run.after(name, value)

    def code(self) -> Iterator[str]:
        """One line."""
        args = [repr(arg) if isinstance(arg, Operand) else format_value(arg) for arg in self.args]
        args += [f"{name}={format_value(value)}" for name, value in self.settings.items()]
        yield f"{', '.join(self.targets)} = {op_name(self.op)}({', '.join(args)})"


CALLED_ALIKE: Final = ("matmul", "solve", "slogdet", "eigh", "svd", "qr", "roll")
"""Ops of minigrad behind a function of the same name that takes the same arguments."""


def op_name(op: Op) -> str:
    """How code calls an op: one of minigrad from there, one of the user's by its name."""
    if not (op.module or "").startswith("minigrad."):
        return op.name
    public = getattr(mg, op.name, None) is op or op.name in CALLED_ALIKE
    return f"mg.{op.name}" if public else f'mg.REGISTRY["{op.name}"]'


def indented(steps: Sequence[Step]) -> Iterator[str]:
    """The lines of some steps, inside of something."""
    return (f"    {line}" for step in steps for line in step.code())


def used_steps(steps: Sequence[Step], wanted: set[str]) -> list[Step]:
    """Those of the steps that some names depend on."""
    wanted = set(wanted)
    used: list[Step] = []
    for step in reversed(steps):
        if not wanted.isdisjoint(step.targets):
            used.append(step)
            wanted |= step.reads
    return used[::-1]
