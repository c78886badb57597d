"""The memory of a program: which values are there while it runs, and how much of it that is.

Counted is what instructions make. Parameters, arguments, constants, and what kernels use inside, are not.
"""

from __future__ import annotations

from typing import NamedTuple

from minigrad.compilation.program import Program


class Life(NamedTuple):
    """One piece of memory.

    Attributes:
        number: the value that it was made for.
        name: of the call that made it.
        nbytes: its size.
        begin, end: the positions of the first instruction that needs it, and of the last; the end is the number of
            instructions for what is returned.
    """

    number: int
    name: str
    nbytes: int
    begin: int
    end: int


def lives(program: Program) -> list[Life]:
    """The pieces of memory that a program makes, in order."""
    home: dict[int, int] = {}  # by storage: the storage whose memory was taken
    begin: dict[int, int] = {}
    end: dict[int, int] = {}
    names: dict[int, str] = {}

    def memory(number: int) -> int:
        storage = program.storage(number)
        while storage in home:
            storage = home[storage]
        return storage

    for position, instruction in enumerate(program.instructions):
        if instruction.into is not None:
            home[program.storage(instruction.makes[0])] = memory(instruction.into)
        for number in instruction.makes:
            storage = memory(number)
            if instruction.kind not in ("load", "load gradient") and program.values[storage].storage == number:
                begin.setdefault(storage, position)
                names.setdefault(storage, instruction.name)
        for number in (*instruction.reads, *instruction.makes):
            end[memory(number)] = position
    for number in program.returned:
        end[memory(number)] = len(program.instructions)
    return [Life(s, names[s], program.values[s].nbytes, start, end[s]) for s, start in begin.items()]


def timeline(program: Program) -> list[int]:
    """The bytes that are held while each instruction runs."""
    change = [0] * (len(program.instructions) + 2)
    for life in lives(program):
        change[life.begin] += life.nbytes
        change[life.end + 1] -= life.nbytes
    held, total = [], 0
    for step in change[: len(program.instructions)]:
        total += step
        held.append(total)
    return held


def peak(program: Program) -> int:
    """The most bytes that are held at once."""
    return max(timeline(program), default=0)


def made(program: Program) -> int:
    """The bytes of all memory that is made."""
    return sum(life.nbytes for life in lives(program))


def flops(program: Program) -> int:
    """The multiply-adds of all instructions."""
    return sum(part.flops for instruction in program.instructions for part in instruction.parts or (instruction,))
