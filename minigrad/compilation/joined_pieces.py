"""A pass for the cotangents of pieces, as those of q, k, v = split(x), which lie side by side in the cotangent of x.

    getitem.x(a, x[:n]) + getitem.x(b, x[n:])       concat(a, b): no zeros are written, and nothing is added up

Where only permute_dims.x(axes) takes it, it is written in the order of dimensions that this makes, so that a reshape of
the result needs no copy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from types import EllipsisType
from typing import Any, NamedTuple

import numpy as np

from minigrad.compilation.program import Constant, Instruction, Nested, Program, Ref, Value
from minigrad.kernels import buffers
from minigrad.typing import Array, Shape


class Piece(NamedTuple):
    """A cotangent that is put among zeros: at start:stop of an axis, which it lacks if it is `single`."""

    axis: int
    single: bool
    start: int
    stop: int
    g: Ref


class Sum(NamedTuple):
    """Some pieces, and the calls that put them among zeros and add them up."""

    pieces: tuple[Piece, ...]
    calls: tuple[Instruction, ...]


class Concatenation:
    """What puts arrays side by side.

    Args:
        axis: along which.
        single: whether they lack this axis.
        shape: of the result.
        axes: its dimensions in the order in which they lie in memory.
    """

    def __init__(self, axis: int, single: bool, shape: Shape, axes: tuple[int, ...]) -> None:
        self.axis, self.single, self.shape, self.axes = axis, single, shape, axes

    def __call__(self, *pieces: Array) -> Array:
        """The array of the pieces."""
        memory = buffers.empty(self.shape, pieces[0].dtype).reshape([self.shape[k] for k in self.axes])
        out = memory.transpose(np.argsort(self.axes))
        if self.single:
            pieces = tuple([np.expand_dims(piece, self.axis) for piece in pieces])
        return np.concatenate(pieces, self.axis, out=out)


def join_pieces(program: Program) -> Program:
    """Write the cotangents of the pieces of a value side by side, where they are all of it."""
    users: dict[int, list[Instruction | None]] = {number: [None] for number in program.returned}
    for instruction in program.instructions:
        for number in instruction.reads:
            users.setdefault(number, []).append(instruction)
    sums: dict[int, Sum] = {}  # by value
    values, kept = dict(program.values), list[Instruction]()
    for instruction in program.instructions:
        if instruction.writes:  # perhaps to what a piece is a view of
            sums.clear()
        number, terms = instruction.results, instruction.reads
        if (piece := _piece(program, instruction)) is not None:
            sums[number] = Sum((piece,), (instruction,))
        elif (
            instruction.kind == "accumulate"
            and len(terms) == 2
            and all(k in sums and len(users[k]) == 1 for k in terms)
        ):
            pieces = tuple(sorted(piece for k in terms for piece in sums[k].pieces))
            calls = (*[call for k in terms for call in sums[k].calls], instruction)
            if not _is_whole(pieces, values[number].shape):
                sums[number] = Sum(pieces, calls)
            else:
                kept = [each for each in kept if each not in calls]
                instruction = _joined(pieces, calls, values, users)
        kept.append(instruction)
    return replace(program, instructions=tuple(kept), values=values)


def _piece(program: Program, call: Instruction) -> Piece | None:
    """What a call of the rule of `getitem` does, if that takes a range of one axis."""
    if call.name != "getitem.x" or call.kind != "rule" or call.silence is not None:
        return None
    g, made = call.arguments[0], program.values[call.results]
    index = _index(call.settings["index"])
    if not isinstance(g, Ref) or index is None or program.values[g.number].dtype != made.dtype:
        return None
    if Ellipsis in index:
        k = index.index(Ellipsis)
        index = (*index[:k], *[slice(None)] * (len(made.shape) - len(index) + 1), *index[k + 1 :])
    parts = [(axis, part) for axis, part in enumerate(index) if part != slice(None)]
    if len(parts) != 1:
        return None
    ((axis, part),) = parts
    size, single = made.shape[axis], isinstance(part, int)
    start, stop, step = (
        slice(part % size, part % size + 1).indices(size) if isinstance(part, int) else part.indices(size)
    )
    shape = (*made.shape[:axis], *[stop - start] * (not single), *made.shape[axis + 1 :])
    fits = step == 1 and start < stop and program.values[g.number].shape == shape
    return Piece(axis, single, start, stop, g) if fits else None


def _index(setting: Nested) -> tuple[Any, ...] | None:
    """An index as a tuple, if it has numbers, slices and an ellipsis only."""
    parts = (setting,) if isinstance(setting, Constant) else setting  # a constant is a tuple, too
    index = [part.value if isinstance(part, Constant) else None for part in parts]
    known = all(type(part) in (int, slice, EllipsisType) for part in index)
    return tuple([part for part in index if part is not None]) if known else None


def _is_whole(pieces: tuple[Piece, ...], shape: Shape) -> bool:
    """Whether pieces, in order, follow each other from the beginning of one axis to its end."""
    first, last = pieces[0], pieces[-1]
    return (
        len({(piece.axis, piece.single) for piece in pieces}) == 1
        and (first.start, last.stop) == (0, shape[first.axis])
        and all(one.stop == other.start for one, other in pairwise(pieces))
    )


def _joined(
    pieces: tuple[Piece, ...], calls: tuple[Instruction, ...], values: dict[int, Value],
    users: Mapping[int, Sequence[Instruction | None]],
) -> Instruction:  # fmt: skip
    """A concatenation in the place of calls; what is made of its result by a view lies in its memory from now on."""
    last, shape = calls[-1], values[calls[-1].results].shape
    number, axes = last.results, tuple(range(len(shape)))
    after = users[number][0]
    if len(users[number]) == 1 and after is not None and after.name == "permute_dims.x":
        axes = tuple([axis.value for axis in after.settings["axes"]])
        reshaping = users.get(after.results, [None])
        for user in reshaping:
            if user is not None and user.name == "reshape.x":
                for k in [k for k, value in values.items() if value.storage == user.results]:
                    values[k] = replace(values[k], storage=number)
    values[number] = replace(values[number], storage=number, whole=True, pooled=True)
    order = tuple([axes.index(k) for k in range(len(axes))])
    function = Concatenation(pieces[0].axis, pieces[0].single, shape, order)
    arguments = tuple([piece.g for piece in pieces])
    return replace(
        last, kind="fused", name="concatenate", function=function, arguments=arguments, parts=calls, op=calls[0].op,
        plain=None,
    )  # fmt: skip
