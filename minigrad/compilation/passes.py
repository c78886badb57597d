"""The passes, in their order: each is a small pure function from program to program."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from minigrad.compilation.program import Instruction, Program


class Pass(NamedTuple):
    """A pass: what it is called, and what it does."""

    name: str
    run: Callable[[Program], Program]


def dead_code(program: Program) -> Program:
    """Leave out what computes values that nobody needs."""
    needed, kept = set(program.returned), []
    for instruction in reversed(program.instructions):
        if not instruction.pure or not needed.isdisjoint(instruction.makes):
            needed.update(instruction.reads)
            kept.append(instruction)
    return replace(program, instructions=tuple(reversed(kept)))


def checks_first(instructions: Sequence[Instruction]) -> list[Instruction]:
    """Look at what decides about the program before anything is changed or drawn, as far as that is possible.

    (This is done when a program is captured, before all passes.)
    """
    first: set[int] = set()  # positions
    made = {number: k for k, instruction in enumerate(instructions) for number in instruction.makes}
    for position, instruction in enumerate(instructions):
        if instruction.decides:
            behind = _behind(position, instructions, made)
            if all(_could_be_first(k, instructions) for k in behind if k != position):
                first |= behind
    return [instructions[k] for k in sorted(range(len(instructions)), key=lambda k: k not in first)]


def _behind(position: int, instructions: Sequence[Instruction], made: Mapping[int, int]) -> set[int]:
    """The positions of an instruction and of all that it depends on."""
    found, waiting = {position}, [position]
    for k in waiting:  # grows while it is read
        new = {made[number] for number in instructions[k].reads if number in made} - found
        found |= new
        waiting += new
    return found


def _could_be_first(position: int, instructions: Sequence[Instruction]) -> bool:
    """Whether nothing that runs before an instruction could change what it gives."""
    tensor = instructions[position].loads
    changed = (earlier.writes for earlier in instructions[:position])
    return instructions[position].pure and (tensor is None or not any(tensor in writes for writes in changed))


PASSES: Final[tuple[Pass, ...]] = (Pass("dead code", dead_code),)
