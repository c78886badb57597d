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
from typing import NamedTuple

from llvmlite import ir  # type: ignore[import-untyped, unused-ignore]
from numba import types

from .simd import BYTES, NumbaObject, element_address, intrinsic, vector_address
from .winograd_matrices import (
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
        place = vector_address(self.context, self.builder, kind, (array, index), self.vector(kind))
        return self.builder.load(place, align=kind.dtype.bitwidth // 8)

    def store(self, kind: NumbaObject, array: NumbaObject, index: NumbaObject, value: NumbaObject) -> None:
        """Write a vector from array[index] on."""
        place = vector_address(self.context, self.builder, kind, (array, index), self.vector(kind))
        self.builder.store(value, place, align=kind.dtype.bitwidth // 8)

    def vector(self, kind: NumbaObject) -> NumbaObject:
        """The type of the array's vectors."""
        return ir.VectorType(self.context.get_value_type(kind.dtype), lane_count(kind))

    def at(self, start: NumbaObject, step: NumbaObject, times: int) -> NumbaObject:
        """start + times * step."""
        return self.builder.add(start, self.builder.mul(step, ir.Constant(step.type, times)))

    def cell(self, start: NumbaObject, pitch: NumbaObject, row: int, column: int, kind: NumbaObject) -> NumbaObject:
        """The index of a place of a square of vectors."""
        return self.builder.add(self.at(start, pitch, row), ir.Constant(pitch.type, column * lane_count(kind)))

    def read_square(self, kind: NumbaObject, args: NumbaObject, size: int) -> list[list[Lanes]]:
        """A square of vectors, where args = array, start, pitch."""
        array, start, pitch = args
        return [
            [Lanes(self.builder, self.load(kind, array, self.cell(start, pitch, r, c, kind))) for c in range(size)]
            for r in range(size)
        ]

    def write_square(self, kind: NumbaObject, args: NumbaObject, square: list[list[Lanes]]) -> None:
        """Likewise."""
        array, start, pitch = args
        for r, row in enumerate(square):
            for c, vector in enumerate(row):
                self.store(kind, array, self.cell(start, pitch, r, c, kind), vector.value)

    def read_points(self, kind: NumbaObject, args: NumbaObject) -> list[list[Lanes]]:
        """The points of a tile, where args = array, start, plane."""
        array, start, plane = args
        return [
            [Lanes(self.builder, self.load(kind, array, self.at(start, plane, SIDE * r + c))) for c in range(SIDE)]
            for r in range(SIDE)
        ]

    def write_points(self, kind: NumbaObject, args: NumbaObject, square: list[list[Lanes]]) -> None:
        """Likewise."""
        array, start, plane = args
        for r, row in enumerate(square):
            for c, vector in enumerate(row):
                self.store(kind, array, self.at(start, plane, SIDE * r + c), vector.value)

    def channels(self, args: NumbaObject, lanes: int) -> list[NumbaObject]:
        """start + min(c, count - 1) step for c < lanes, where args = start, step, count."""
        start, step, count = args
        last = self.builder.sub(count, ir.Constant(count.type, 1))
        found = []
        for c in range(lanes):
            number = ir.Constant(count.type, c)
            channel = self.builder.select(self.builder.icmp_signed("<", number, last), number, last)
            found.append(self.builder.add(start, self.builder.mul(step, channel)))
        return found

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
    masks = [ir.Constant(ir.VectorType(ir.IntType(32), count), [ir.Constant(ir.IntType(32), i) for i in mask])
             for mask in (upper, lower)]  # fmt: skip
    return builder.shuffle_vector(x, y, masks[0]), builder.shuffle_vector(x, y, masks[1])
