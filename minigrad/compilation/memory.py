"""The memory of a program: which values are there while it runs, and how much of it that is.

Counted is what instructions make. Parameters, arguments, constants, and what kernels use inside, are not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from minigrad.compilation.program import Program
from minigrad.typing import Pair


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


def homes(program: Program) -> dict[int, int]:
    """For each value that an instruction makes or reads, the value that its memory was made for."""
    taken: dict[int, int] = {}  # by storage: the storage whose memory it has
    found: dict[int, int] = {}
    for instruction in program.instructions:
        for number in (*instruction.reads, *instruction.makes):
            storage = program.storage(number)
            if number in instruction.makes and instruction.into is not None and number == instruction.makes[0]:
                into = program.storage(instruction.into)
                taken[storage] = taken.get(into, into)
            found[number] = taken.get(storage, storage)
    return found


def lives(program: Program) -> list[Life]:
    """The pieces of memory that a program makes, in order."""
    home = homes(program)
    begin: dict[int, int] = {}
    end: dict[int, int] = {}
    names: dict[int, str] = {}
    for position, instruction in enumerate(program.instructions):
        for number in instruction.makes:
            storage = home[number]
            if instruction.kind not in ("load", "load gradient") and program.values[storage].storage == number:
                begin.setdefault(storage, position)
                names.setdefault(storage, instruction.name)
        for number in (*instruction.reads, *instruction.makes):
            end[home[number]] = position
    for number in program.returned:
        end[home.get(number, program.storage(number))] = len(program.instructions)
    return [Life(s, names[s], program.values[s].nbytes, start, end[s]) for s, start in begin.items()]


def placed(pieces: Sequence[Life], align: int = 1) -> list[int]:
    """Where each piece begins, in bytes: the largest first, each at the lowest place that is free while it is held."""
    found = dict.fromkeys(range(len(pieces)), 0)
    done: list[tuple[int, int, int, int]] = []  # begin, end, lowest byte, the byte behind the last
    for k in sorted(found, key=lambda k: -pieces[k].nbytes):
        life, place = pieces[k], 0
        taken = sorted((low, high) for begin, end, low, high in done if begin <= life.end and life.begin <= end)
        for low, high in taken:
            if low - place >= life.nbytes:
                break
            place = max(place, -(-high // align) * align)
        done.append((life.begin, life.end, place, place + life.nbytes))
        found[k] = place
    return [found[k] for k in range(len(pieces))]


def gaps(pieces: Sequence[Life], offsets: Sequence[int], size: int, positions: Iterable[int]) -> Iterator[Pair]:
    """The largest part of the first `size` bytes in which none of the placed pieces lies, at each position."""
    for k in positions:
        held = [(low, low + x.nbytes) for x, low in zip(pieces, offsets, strict=True) if x.begin <= k <= x.end]
        found, place = (0, 0), 0
        for low, high in [*sorted(held), (size, size)]:
            found = max(found, (place, low), key=lambda gap: gap[1] - gap[0])
            place = max(place, high)
        yield found


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


def footprint(program: Program) -> int:
    """The bytes that a program needs: its arena, and the most that is held beside it at once."""
    outside = replace(program, places={}, arena=0)
    pieces = [life for life in lives(outside) if life.number not in program.places]
    held = [sum(x.nbytes for x in pieces if x.begin <= life.begin <= x.end) for life in pieces]
    return program.arena + max(held, default=0)


def made(program: Program) -> int:
    """The bytes of all memory that is made."""
    return sum(life.nbytes for life in lives(program))


def flops(program: Program) -> int:
    """The multiply-adds of all instructions."""
    return sum(part.flops for instruction in program.instructions for part in instruction.parts or (instruction,))
