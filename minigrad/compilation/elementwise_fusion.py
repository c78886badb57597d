"""The pass that joins calls which work element by element: one loop, one way through memory, no values in between.

A call joins the calls whose results it takes, if nothing else has taken these before: shapes and dtypes of results are
equal, and what is needed behind the loop is one of its results. What is taken from outside may broadcast, such as a
bias a channel: see `RowView`.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final

from minigrad.compilation.fused_loop import FusedLoop
from minigrad.compilation.program import Constant, Instruction, Program, Ref
from minigrad.kernels.fusion.row_view import RowView
from minigrad.kernels.jit import numba_available
from minigrad.kernels.lazy_fusion import MIN_FUSED_SIZE
from minigrad.typing import Shape

MOST_PARTS: Final = 24
"""Calls in one loop: longer ones take long to compile."""


class _Group:
    """Calls that are to become one, at the place of the last of them."""

    def __init__(self, kind: object) -> None:
        self.kind = kind
        self.positions: list[int] = []
        self.makes: set[int] = set()
        self.shapes: tuple[Shape, ...] = ()  # of what is taken from outside and broadcasts

    def takes(self, shape: Shape, shapes: tuple[Shape, ...], calls: int = 1) -> bool:
        """Whether one loop can do so many calls more, which take arrays of these shapes."""
        return len(self.positions) + calls <= MOST_PARTS and _has_rows(shape, (*self.shapes, *shapes))

    def absorb(self, other: _Group) -> None:
        """Take over the calls of another group, whose values nobody has taken."""
        self.positions = sorted([*self.positions, *other.positions])
        self.makes |= other.makes
        self.shapes += other.shapes
        other.positions = []


def fuse_elementwise(program: Program) -> Program:
    """Join chains of calls that work element by element."""
    if not numba_available():
        return program
    groups: list[_Group] = []
    open_groups: dict[int, _Group] = {}  # by value: nobody outside of the group has taken one of its values
    for position, instruction in enumerate(program.instructions):
        fits = fits_loop(program, instruction)
        taken = [group for number in instruction.reads if (group := open_groups.get(number)) is not None]
        kind = _kind(program, instruction) if fits else None
        shape, others = _shapes(program, instruction) if fits else ((), ())
        joined = next((group for group in taken if group.kind == kind and group.takes(shape, others)), None)
        if joined is not None:
            for other in dict.fromkeys(taken):
                more = (*other.shapes, *others)
                if other is not joined and other.kind == kind and joined.takes(shape, more, len(other.positions) + 1):
                    open_groups.update(dict.fromkeys(other.makes, joined))
                    joined.absorb(other)
        closed = (
            [*open_groups.values()] if instruction.writes else [g for g in taken if g is not joined and g.positions]
        )
        for number in [number for group in closed for number in group.makes]:
            open_groups.pop(number, None)
        if fits:
            if joined is None:
                joined = _Group(kind)
                groups.append(joined)
            joined.positions.append(position)
            joined.makes.update(instruction.makes)
            joined.shapes += others
            open_groups.update(dict.fromkeys(instruction.makes, joined))
    return _with_loops(program, groups)


def fuse_single_calls(program: Program) -> Program:
    """Make a loop of each call that is left: of shapes that are known, which eager calls have to ask for each time."""
    if not numba_available():
        return program
    done = []
    for position, instruction in enumerate(program.instructions):
        alone = _fused(program, (instruction,), {position}) if fits_loop(program, instruction) else None
        done.append(alone or instruction)
    return replace(program, instructions=tuple(done))


def fits_loop(program: Program, instruction: Instruction) -> bool:
    """Whether a call may become part of a loop."""
    if instruction.plain is None or not isinstance(instruction.results, int):
        return False
    result = program.values[instruction.results]
    if result.dtype.char not in "fd" or math.prod(result.shape) < MIN_FUSED_SIZE:
        return False
    for x in (*instruction.arguments, *instruction.settings.values()):
        if isinstance(x, Ref):
            if program.values[x.number].dtype not in (result.dtype, bool):
                return False
        elif not isinstance(x, Constant) or not isinstance(x.value, (int, float)):
            return False
    return _has_rows(*_shapes(program, instruction))


def _shapes(program: Program, instruction: Instruction) -> tuple[Shape, tuple[Shape, ...]]:
    """The shape of a result, and those of what it takes that differ."""
    shape = program.values[instruction.results].shape
    return shape, tuple([other for k in instruction.reads if (other := program.values[k].shape) != shape])


def _has_rows(shape: Shape, others: tuple[Shape, ...]) -> bool:
    """Whether a loop can go along arrays of these shapes."""
    return not others or RowView.of(shape, others) is not None


def _kind(program: Program, instruction: Instruction) -> object:
    result = program.values[instruction.results]
    return result.shape, result.dtype


def _with_loops(program: Program, groups: list[_Group]) -> Program:
    """The program with one instruction in place of each group of several, where a loop can do it."""
    loops: dict[int, Instruction] = {}
    gone: set[int] = set()
    for group in groups:
        if len(group.positions) > 1:
            parts = tuple([program.instructions[k] for k in group.positions])
            fused = _fused(program, parts, set(group.positions))
            if fused is not None:
                loops[group.positions[-1]] = fused
                gone.update(group.positions)
    kept = [loops.get(k, i) for k, i in enumerate(program.instructions) if k in loops or k not in gone]
    return replace(program, instructions=tuple(kept))


def _fused(program: Program, parts: tuple[Instruction, ...], positions: set[int]) -> Instruction | None:
    """One instruction for several, with the results that others need."""
    made = [part.results for part in parts]
    needed = {number for k, i in enumerate(program.instructions) if k not in positions for number in i.reads}
    needed |= program.returned
    results = tuple([number for number in made if number in needed])
    inputs = list(dict.fromkeys(number for part in parts for number in part.reads if number not in made))
    loop = FusedLoop.of(parts, inputs, results, program.values) if inputs and results else None
    if loop is None:
        return None
    name = "_".join(dict.fromkeys(part.name.replace(".", "_") for part in parts))
    return Instruction(
        "fused", name[:60], loop, tuple(map(Ref, inputs)), {}, results if len(results) > 1 else results[0],
        backward=parts[-1].backward, site=parts[-1].site, parts=parts,
    )  # fmt: skip
