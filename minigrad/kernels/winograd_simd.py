"""SIMD intrinsics for Winograd's convolution with one channel in each lane of a vector.

Images come with their pixels in a row; the transforms want the channels of a pixel in a row. With L lanes (16 numbers
in single precision), a block of L pixels of L channels is a matrix, and is transposed in registers. `places[f]` tells
where the channels of an image's pixel f begin in a buffer. Where there are fewer channels than lanes, the other lanes
repeat the last channel, so that they take part in everything and never disagree about what is written.

    pack_block(x, i, step, count, buffer, places, f, base)
        buffer[base + places[f + a] + c] = x[i + min(c, count - 1) step + a]
    unpack_block(y, i, step, count, buffer, places, f, base)
        y[i + min(c, count - 1) step + a] = buffer[base + places[f + a] + c]

A transform takes a square of vectors, the places of a tile, and leaves another. The matrices A, B and G are those of
`winograd_matrices`; each is applied to the columns, then to the rows. Point t of the result is `plane` numbers apart
from the one before. `size` is that of a square of windows (4 or 2) or taps (3 or 5), chosen as the program runs.

    transform_pixels(x, i, pitch, v, j, plane)             v[j + t plane] = B x[i + row pitch + column L] B'
    transform_windows(g, i, pitch, size, v, j, plane)      likewise A g A'
    transform_sums(m, i, plane, b, k, y, j, pitch, size)   y[j + row pitch + column L] = A' m[i + t plane] A + b[k]
    transform_taps(w, i, pitch, size, u, j, plane)         u[j + t plane] = G w[i + row pitch + column L] G'
    transform_to_taps(m, i, plane, w, j, pitch, size)      w[j + row pitch + column L] = G' m[i + t plane] G
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import NamedTuple, TypeAlias

from llvmlite import ir  # type: ignore[import-untyped, unused-ignore]
from numba import types

from .simd import BYTES, NumbaObject, element_address, emit_prefetch, intrinsic, shuffled, vector_address
from .winograd_matrices import (
    POINTS,
    SIDE,
    TAPS,
    both_axes,
    pixels_to_points,
    points_to_taps,
    points_to_windows,
    taps_to_points,
    windows,
    windows_to_points,
)

Square: TypeAlias = list[list[NumbaObject]]
TILES_AHEAD = 2  # a transform takes about half as long as a cache that is shared to answer


@dataclass(frozen=True, slots=True)
class Lanes:
    """A vector of LLVM with the operators of arithmetic; a constant is the same number in all lanes."""

    builder: NumbaObject
    value: NumbaObject

    def __add__(self, other: Lanes) -> Lanes:
        return Lanes(self.builder, self.builder.fadd(self.value, other.value, flags=("contract",)))

    def __sub__(self, other: Lanes) -> Lanes:
        return Lanes(self.builder, self.builder.fsub(self.value, other.value, flags=("contract",)))

    def __rmul__(self, number: float) -> Lanes:
        kind = self.value.type
        constant = ir.Constant(kind, [ir.Constant(kind.element, float(number))] * kind.count)
        return Lanes(self.builder, self.builder.fmul(constant, self.value, flags=("contract",)))


@intrinsic
def pack_block(
    typing: NumbaObject, x: NumbaObject, i: NumbaObject, step: NumbaObject, count: NumbaObject, buffer: NumbaObject,
    places: NumbaObject, f: NumbaObject, base: NumbaObject,
) -> NumbaObject:  # fmt: skip
    """buffer[base + places[f + a] + c] = x[i + c step + a], for as many pixels a and channels c as there are lanes."""

    def emit(context: NumbaObject, builder: NumbaObject, signature: NumbaObject, args: NumbaObject) -> NumbaObject:
        memory = Memory(context, builder)
        rows = [memory.load(x, args[0], at) for at in memory.channels(args[1:4], lane_count(x))]
        for place, row in zip(memory.places(places, args[5:], len(rows)), transposed(builder, rows), strict=True):
            memory.store(buffer, args[4], place, row)
        return context.get_dummy_value()

    return types.void(x, types.intp, types.intp, types.intp, buffer, places, types.intp, types.intp), emit


@intrinsic
def unpack_block(
    typing: NumbaObject, y: NumbaObject, i: NumbaObject, step: NumbaObject, count: NumbaObject, buffer: NumbaObject,
    places: NumbaObject, f: NumbaObject, base: NumbaObject,
) -> NumbaObject:  # fmt: skip
    """y[i + c step + a] = buffer[base + places[f + a] + c], the inverse of `pack_block`."""

    def emit(context: NumbaObject, builder: NumbaObject, signature: NumbaObject, args: NumbaObject) -> NumbaObject:
        memory = Memory(context, builder)
        rows = [memory.load(buffer, args[4], place) for place in memory.places(places, args[5:], lane_count(y))]
        for at, row in zip(memory.channels(args[1:4], len(rows)), transposed(builder, rows), strict=True):
            memory.prefetch(y, args[0], builder.add(at, ir.Constant(at.type, len(rows))), write=True)
            memory.store(y, args[0], at, row)
        return context.get_dummy_value()

    return types.void(y, types.intp, types.intp, types.intp, buffer, places, types.intp, types.intp), emit


@intrinsic
def transform_pixels(
    typing: NumbaObject, x: NumbaObject, i: NumbaObject, pitch: NumbaObject, v: NumbaObject, j: NumbaObject,
    plane: NumbaObject,
) -> NumbaObject:  # fmt: skip
    """v[j + t plane] = the 36 points t of the 6 x 6 pixels from x[i] on, whose rows are `pitch` apart."""

    def emit(context: NumbaObject, builder: NumbaObject, signature: NumbaObject, args: NumbaObject) -> NumbaObject:
        memory = Memory(context, builder)
        memory.write_points(v, args[3:], both_axes(pixels_to_points, memory.read_square(x, args[:3], SIDE)))
        return context.get_dummy_value()

    return types.void(x, types.intp, types.intp, v, types.intp, types.intp), emit


@intrinsic
def transform_windows(
    typing: NumbaObject, g: NumbaObject, i: NumbaObject, pitch: NumbaObject, size: NumbaObject, v: NumbaObject,
    j: NumbaObject, plane: NumbaObject,
) -> NumbaObject:  # fmt: skip
    """v[j + t plane] = the 36 points t of a tile's windows from g[i] on, whose rows are `pitch` apart."""

    def emit(context: NumbaObject, builder: NumbaObject, signature: NumbaObject, args: NumbaObject) -> NumbaObject:
        memory = Memory(context, builder)
        for n in cases(builder, args[3], map(windows, TAPS)):
            memory.write_points(v, args[4:], both_axes(windows_to_points, memory.read_square(g, args[:3], n)))
        return context.get_dummy_value()

    return types.void(g, types.intp, types.intp, types.intp, v, types.intp, types.intp), emit


@intrinsic
def transform_sums(
    typing: NumbaObject, m: NumbaObject, i: NumbaObject, plane: NumbaObject, b: NumbaObject, k: NumbaObject,
    y: NumbaObject, j: NumbaObject, pitch: NumbaObject, size: NumbaObject,
) -> NumbaObject:  # fmt: skip
    """A tile's windows from y[j] on, whose rows are `pitch` apart, from the points m[i + t plane]; plus b[k]."""

    def emit(context: NumbaObject, builder: NumbaObject, signature: NumbaObject, args: NumbaObject) -> NumbaObject:
        memory = Memory(context, builder)
        bias = Lanes(builder, memory.load(b, args[3], args[4]))
        for n in cases(builder, args[8], map(windows, TAPS)):
            sums = both_axes(partial(points_to_windows, count=n), memory.read_points(m, args[:3]))
            memory.write_square(y, args[5:8], [[sum_ + bias for sum_ in row] for row in sums])
        return context.get_dummy_value()

    kinds = m, types.intp, types.intp, b, types.intp, y, types.intp, types.intp, types.intp
    return types.void(*kinds), emit


@intrinsic
def transform_taps(
    typing: NumbaObject, w: NumbaObject, i: NumbaObject, pitch: NumbaObject, size: NumbaObject, u: NumbaObject,
    j: NumbaObject, plane: NumbaObject,
) -> NumbaObject:  # fmt: skip
    """u[j + t plane] = the 36 points t of a kernel's taps from w[i] on, whose rows are `pitch` apart."""

    def emit(context: NumbaObject, builder: NumbaObject, signature: NumbaObject, args: NumbaObject) -> NumbaObject:
        memory = Memory(context, builder)
        for n in cases(builder, args[3], TAPS):
            memory.write_points(u, args[4:], both_axes(taps_to_points, memory.read_square(w, args[:3], n)))
        return context.get_dummy_value()

    return types.void(w, types.intp, types.intp, types.intp, u, types.intp, types.intp), emit


@intrinsic
def transform_to_taps(
    typing: NumbaObject, m: NumbaObject, i: NumbaObject, plane: NumbaObject, w: NumbaObject, j: NumbaObject,
    pitch: NumbaObject, size: NumbaObject,
) -> NumbaObject:  # fmt: skip
    """A kernel's taps from w[j] on, whose rows are `pitch` apart, from the points m[i + t plane]."""

    def emit(context: NumbaObject, builder: NumbaObject, signature: NumbaObject, args: NumbaObject) -> NumbaObject:
        memory = Memory(context, builder)
        for n in cases(builder, args[6], TAPS):
            taps = both_axes(partial(points_to_taps, count=n), memory.read_points(m, args[:3]))
            memory.write_square(w, args[3:6], taps)
        return context.get_dummy_value()

    return types.void(m, types.intp, types.intp, w, types.intp, types.intp, types.intp), emit


def cases(builder: NumbaObject, size: NumbaObject, sizes: Iterable[int]) -> Iterator[int]:
    """Each of the sizes; what is emitted for it runs where the number `size` is that."""
    for n in sizes:
        with builder.if_then(builder.icmp_signed("==", size, ir.Constant(size.type, n))):
            yield n


class Memory(NamedTuple):
    """Where numbers are read and written."""

    context: NumbaObject
    builder: NumbaObject

    def load(self, kind: NumbaObject, array: NumbaObject, index: NumbaObject) -> NumbaObject:
        """The vector that begins at array[index]."""
        return self.builder.load(self.address(kind, array, index), align=kind.dtype.bitwidth // 8)

    def store(self, kind: NumbaObject, array: NumbaObject, index: NumbaObject, value: NumbaObject) -> None:
        """Write a vector from array[index] on."""
        self.builder.store(value, self.address(kind, array, index), align=kind.dtype.bitwidth // 8)

    def prefetch(self, kind: NumbaObject, array: NumbaObject, index: NumbaObject, *, write: bool) -> None:
        """Begin to bring it, which may lie outside of the array, into the caches."""
        emit_prefetch(self.builder, self.address(kind, array, index), write=write)

    def address(self, kind: NumbaObject, array: NumbaObject, index: NumbaObject) -> NumbaObject:
        """Where it is."""
        vector = ir.VectorType(self.context.get_value_type(kind.dtype), lane_count(kind))
        return vector_address(self.context, self.builder, kind, (array, index), vector)

    def at(self, start: NumbaObject, step: NumbaObject, times: int) -> NumbaObject:
        """start + times * step."""
        return self.builder.add(start, self.builder.mul(step, ir.Constant(step.type, times)))

    def read_square(self, kind: NumbaObject, args: NumbaObject, size: int) -> Square:
        """A square of vectors, where args = array, start, pitch."""
        return self.read(kind, args[0], self.square(kind, args[1:], size))

    def write_square(self, kind: NumbaObject, args: NumbaObject, square: Square) -> None:
        """Likewise."""
        self.write(kind, args[0], self.square(kind, args[1:], len(square)), square)

    def read_points(self, kind: NumbaObject, args: NumbaObject) -> Square:
        """The points of a tile, where args = array, start, plane."""
        return self.read(kind, args[0], self.points(kind, args, write=False))

    def write_points(self, kind: NumbaObject, args: NumbaObject, square: Square) -> None:
        """Likewise."""
        self.write(kind, args[0], self.points(kind, args, write=True), square)

    def square(self, kind: NumbaObject, args: NumbaObject, size: int) -> Square:
        """The indices of a square of vectors, where args = start, pitch."""
        columns = [ir.Constant(args[0].type, c * lane_count(kind)) for c in range(size)]
        return [[self.builder.add(self.at(args[0], args[1], r), column) for column in columns] for r in range(size)]

    def points(self, kind: NumbaObject, args: NumbaObject, *, write: bool) -> Square:
        """The indices of a tile's points. A processor does not prefetch 36 streams by itself, so those behind are."""
        array, start, plane = args
        later = self.builder.add(start, ir.Constant(start.type, TILES_AHEAD * lane_count(kind)))
        for t in range(POINTS):
            self.prefetch(kind, array, self.at(later, plane, t), write=write)
        return [[self.at(start, plane, SIDE * r + c) for c in range(SIDE)] for r in range(SIDE)]

    def read(self, kind: NumbaObject, array: NumbaObject, places: Square) -> Square:
        """The vectors at some indices."""
        return [[Lanes(self.builder, self.load(kind, array, at)) for at in row] for row in places]

    def write(self, kind: NumbaObject, array: NumbaObject, places: Square, square: Square) -> None:
        """Likewise."""
        for at, vector in zip(chain(*places), chain(*square), strict=True):
            self.store(kind, array, at, vector.value)

    def channels(self, args: NumbaObject, lanes: int) -> list[NumbaObject]:
        """start + min(c, count - 1) step for c < lanes, where args = start, step, count."""
        start, step, count = args
        last = self.builder.sub(count, ir.Constant(count.type, 1))
        numbers = [ir.Constant(count.type, c) for c in range(lanes)]
        real = [self.builder.select(self.builder.icmp_signed("<", n, last), n, last) for n in numbers]
        return [self.builder.add(start, self.builder.mul(step, channel)) for channel in real]

    def places(self, kind: NumbaObject, args: NumbaObject, count: int) -> list[NumbaObject]:
        """base + places[f + a] for a < count, where args = places, f, base."""
        table, f, base = args
        first = element_address(self.context, self.builder, kind, (table, f))
        found = [self.builder.load(self.builder.gep(first, [ir.Constant(f.type, a)])) for a in range(count)]
        return [self.builder.add(base, place) for place in found]


def lane_count(kind: NumbaObject) -> int:
    """Numbers in a vector of an array of this type."""
    return BYTES * 8 // int(kind.dtype.bitwidth)


def transposed(builder: NumbaObject, rows: list[NumbaObject]) -> list[NumbaObject]:
    """The transpose of a square matrix: of blocks of 2 x 2 first the numbers, then those of 4 x 4 the blocks, ..."""
    rows, size = list(rows), 1
    while size < len(rows):
        for i in range(len(rows)):
            if not i & size:
                rows[i], rows[i + size] = exchanged(builder, rows[i], rows[i + size], size)
        size *= 2
    return rows


def exchanged(builder: NumbaObject, x: NumbaObject, y: NumbaObject, size: int) -> tuple[NumbaObject, NumbaObject]:
    """Two vectors, after every second group of `size` lanes of x is exchanged with the group before it in y."""
    count = x.type.count
    upper = [count + i - size if i & size else i for i in range(count)]
    lower = [count + i if i & size else i + size for i in range(count)]
    return shuffled(builder, x, y, upper), shuffled(builder, x, y, lower)
