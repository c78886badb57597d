"""The pass that joins calls which work element by element: one loop, one way through memory, no values in between.

A call joins the calls whose results it takes, if nothing else has taken these before: sizes and dtypes are equal, and
what is needed behind the loop is one of its results.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final

from minigrad.compilation.fused_loop import FusedLoop
from minigrad.compilation.program import Constant, Instruction, Program, Ref
from minigrad.kernels.jit import numba_available
from minigrad.kernels.lazy_fusion import MIN_FUSED_SIZE

MOST_PARTS: Final = 24
"""Calls in one loop: longer ones take long to compile."""


class _Group:
    """Calls that are to become one, at the place of the last of them."""

    def __init__(self, kind: object) -> None:
        self.kind = kind
        self.positions: list[int] = []
        self.makes: set[int] = set()


def fuse_elementwise(program: Program) -> Program:
    """Join chains of calls that work element by element."""
    if not numba_available():
        return program
    groups: list[_Group] = []
    open_groups: dict[int, _Group] = {}  # by value: nobody outside of the group has taken one of its values
    for position, instruction in enumerate(program.instructions):
        fits = _fits(program, instruction)
        taken = [group for number in instruction.reads if (group := open_groups.get(number)) is not None]
        kind = _kind(program, instruction) if fits else None
        joined = next((group for group in taken if group.kind == kind and len(group.positions) < MOST_PARTS), None)
        closed = [*open_groups.values()] if instruction.writes else [group for group in taken if group is not joined]
        for number in [number for group in closed for number in group.makes]:
            open_groups.pop(number, None)
        if fits:
            if joined is None:
                joined = _Group(kind)
                groups.append(joined)
            joined.positions.append(position)
            joined.makes.update(instruction.makes)
            open_groups.update(dict.fromkeys(instruction.makes, joined))
    return _with_loops(program, groups)


def _fits(program: Program, instruction: Instruction) -> bool:
    """Whether a call may become part of a loop."""
    if instruction.plain is None or not isinstance(instruction.results, int):
        return False
    result = program.values[instruction.results]
    if result.dtype.char not in "fd" or math.prod(result.shape) < MIN_FUSED_SIZE:
        return False
    for x in (*instruction.arguments, *instruction.settings.values()):
        if isinstance(x, Ref):
            value = program.values[x.number]
            if value.shape != result.shape or value.dtype not in (result.dtype, bool):
                return False
        elif not isinstance(x, Constant) or not isinstance(x.value, (int, float)):
            return False
    return True


def _kind(program: Program, instruction: Instruction) -> object:
    result = program.values[instruction.results]
    return result.shape, result.dtype, instruction.backward


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
