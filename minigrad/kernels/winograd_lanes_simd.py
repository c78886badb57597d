"""SIMD intrinsics for Winograd's convolution with one channel in each lane of a vector.

Images come with their pixels in a row; the transforms want the channels of a pixel in a row. With L lanes (16 numbers
in single precision), a block of L pixels of L channels is a matrix, and is transposed in registers. `places[f]` tells
where the channels of an image's pixel f begin in a buffer.

    pack_block(x, i, step, buffer, places, f, base)     buffer[base + places[f + a] + c] = x[i + c step + a]
    unpack_block(y, i, step, buffer, places, f, base)   y[i + c step + a] = buffer[base + places[f + a] + c]

A transform takes a square of vectors, the places of a tile, and leaves another. The matrices B, A and A' are those of
`winograd_numba`; each is applied to the columns, then to the rows. Point t of the result is `plane` numbers apart from
the one before.

    transform_pixels(x, i, pitch, v, j, plane)          v[j + t plane] = B x[i + row pitch + column L] B'
    transform_windows(g, i, pitch, v, j, plane)         likewise A g A', from 4 x 4 windows
    transform_sums(m, i, plane, b, k, y, j, pitch)      y[j + row pitch + column L] = A' m[i + t plane] A + b[k]
    transform_taps(w, i, pitch, u, j, plane)            u[j + t plane] = G w[i + row pitch + column L] G', of 3 x 3 taps
    transform_to_taps(m, i, plane, w, j, pitch)         w[j + row pitch + column L] = G' m[i + t plane] G
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from llvmlite import ir  # type: ignore[import-untyped, unused-ignore]
from numba import types

from .simd import BYTES, NumbaObject, element_address, intrinsic, vector_address
from .winograd_transforms_numba import AA, AAA, BB, BBB, N0, NA, NB, PRODUCT, SUM, A, B


class Lanes(NamedTuple):
    """A vector of LLVM with the operators of arithmetic; a constant is the same number in all lanes."""

    builder: NumbaObject
    value: NumbaObject

    def __add__(self, other: Lanes) -> Lanes:  # type: ignore[override]
        return Lanes(self.builder, self.builder.fadd(self.value, other.value, flags=("contract",)))

    def __sub__(self, other: Lanes) -> Lanes:
        return Lanes(self.builder, self.builder.fsub(self.value, other.value, flags=("contract",)))

    def __rmul__(self, number: float) -> Lanes:  # type: ignore[override]
        kind = self.value.type
        constant = ir.Constant(kind, [ir.Constant(kind.element, float(number))] * kind.count)
        return Lanes(self.builder, self.builder.fmul(constant, self.value, flags=("contract",)))


Vectors = list[Lanes]


def pixels_to_points(x: Vectors) -> Vectors:
    """B along an axis of 6 pixels."""
    a, b = float(A), float(B)
    even_b, odd_b = x[4] - float(BB) * x[2], a * (x[3] - float(BB) * x[1])
    even_a, odd_a = x[4] - float(AA) * x[2], b * (x[3] - float(AA) * x[1])
    first = float(PRODUCT) * x[0] - float(SUM) * x[2] + x[4]
    last = float(PRODUCT) * x[1] - float(SUM) * x[3] + x[5]
    return [first, even_b + odd_b, even_b - odd_b, even_a + odd_a, even_a - odd_a, last]


def windows_to_points(x: Vectors) -> Vectors:
    """A along an axis of 4 windows."""
    even_a, odd_a = x[0] + float(AA) * x[2], float(A) * (x[1] + float(AA) * x[3])
    even_b, odd_b = x[0] + float(BB) * x[2], float(B) * (x[1] + float(BB) * x[3])
    return [x[0], even_a + odd_a, even_a - odd_a, even_b + odd_b, even_b - odd_b, x[3]]


def points_to_windows(x: Vectors) -> Vectors:
    """The transpose of A along an axis of 6 points."""
    even_a, odd_a, even_b, odd_b = x[1] + x[2], x[1] - x[2], x[3] + x[4], x[3] - x[4]
    return [
        x[0] + even_a + even_b,
        float(A) * odd_a + float(B) * odd_b,
        float(AA) * even_a + float(BB) * even_b,
        float(AAA) * odd_a + float(BBB) * odd_b + x[5],
    ]


def taps_to_points(x: Vectors) -> Vectors:
    """G along an axis of 3 taps."""
    even_a, odd_a = NA * (x[0] + float(AA) * x[2]), NA * float(A) * x[1]
    even_b, odd_b = NB * (x[0] + float(BB) * x[2]), NB * float(B) * x[1]
    return [N0 * x[0], even_a + odd_a, even_a - odd_a, even_b + odd_b, even_b - odd_b, x[2]]


def points_to_taps(x: Vectors) -> Vectors:
    """The transpose of G along an axis of 6 points."""
    even_a, odd_a, even_b, odd_b = NA * (x[1] + x[2]), x[1] - x[2], NB * (x[3] + x[4]), x[3] - x[4]
    return [
        N0 * x[0] + even_a + even_b,
        NA * float(A) * odd_a + NB * float(B) * odd_b,
        float(AA) * even_a + float(BB) * even_b + x[5],
    ]


def both_axes(transform: Callable[[Vectors], Vectors], square: list[Vectors]) -> list[Vectors]:
    """The transform of the columns of a square, then of the rows."""
    columns = [transform(list(column)) for column in zip(*square, strict=True)]
    return [transform(list(row)) for row in zip(*columns, strict=True)]


@intrinsic
def pack_block(
    typing: NumbaObject, x: NumbaObject, i: NumbaObject, step: NumbaObject, buffer: NumbaObject, places: NumbaObject,
    f: NumbaObject, base: NumbaObject,
) -> NumbaObject:  # fmt: skip
    """buffer[base + places[f + a] + c] = x[i + c step + a], for as many pixels a and channels c as there are lanes."""

    def emit(context: NumbaObject, builder: NumbaObject, signature: NumbaObject, args: NumbaObject) -> NumbaObject:
        memory = Memory(context, builder)
        rows = [memory.load(x, args[0], memory.at(args[1], args[2], c)) for c in range(lane_count(x))]
        for place, row in zip(memory.places(places, args[4:], len(rows)), transposed(builder, rows), strict=True):
            memory.store(buffer, args[3], place, row)
        return context.get_dummy_value()

    return types.void(x, types.intp, types.intp, buffer, places, types.intp, types.intp), emit


@intrinsic
def unpack_block(
    typing: NumbaObject, y: NumbaObject, i: NumbaObject, step: NumbaObject, buffer: NumbaObject, places: NumbaObject,
    f: NumbaObject, base: NumbaObject,
) -> NumbaObject:  # fmt: skip
    """y[i + c step + a] = buffer[base + places[f + a] + c], the inverse of `pack_block`."""

    def emit(context: NumbaObject, builder: NumbaObject, signature: NumbaObject, args: NumbaObject) -> NumbaObject:
        memory = Memory(context, builder)
        rows = [memory.load(buffer, args[3], place) for place in memory.places(places, args[4:], lane_count(y))]
        for c, row in enumerate(transposed(builder, rows)):
            memory.store(y, args[0], memory.at(args[1], args[2], c), row)
        return context.get_dummy_value()

    return types.void(y, types.intp, types.intp, buffer, places, types.intp, types.intp), emit


@intrinsic
def transform_pixels(
    typing: NumbaObject, x: NumbaObject, i: NumbaObject, pitch: NumbaObject, v: NumbaObject, j: NumbaObject,
    plane: NumbaObject,
) -> NumbaObject:  # fmt: skip
    """v[j + t plane] = the 36 points t of the 6 x 6 pixels from x[i] on, whose rows are `pitch` apart."""
    return types.void(x, types.intp, types.intp, v, types.intp, types.intp), to_points(x, v, 6, pixels_to_points)


@intrinsic
def transform_windows(
    typing: NumbaObject, g: NumbaObject, i: NumbaObject, pitch: NumbaObject, v: NumbaObject, j: NumbaObject,
    plane: NumbaObject,
) -> NumbaObject:  # fmt: skip
    """v[j + t plane] = the 36 points t of the 4 x 4 windows from g[i] on, whose rows are `pitch` apart."""
    return types.void(g, types.intp, types.intp, v, types.intp, types.intp), to_points(g, v, 4, windows_to_points)


@intrinsic
def transform_sums(
    typing: NumbaObject, m: NumbaObject, i: NumbaObject, plane: NumbaObject, b: NumbaObject, k: NumbaObject,
    y: NumbaObject, j: NumbaObject, pitch: NumbaObject,
) -> NumbaObject:  # fmt: skip
    """The 4 x 4 windows from y[j] on, whose rows are `pitch` apart, from the points m[i + t plane]; plus b[k]."""

    def emit(context: NumbaObject, builder: NumbaObject, signature: NumbaObject, args: NumbaObject) -> NumbaObject:
        memory = Memory(context, builder)
        loaded = [Lanes(builder, memory.load(m, args[0], memory.at(args[1], args[2], t))) for t in range(36)]
        bias = Lanes(builder, memory.load(b, args[3], args[4]))
        for r, row in enumerate(both_axes(points_to_windows, [loaded[6 * r : 6 * r + 6] for r in range(6)])):
            for c, sum_ in enumerate(row):
                memory.store(y, args[5], memory.cell(args[6], args[7], r, c, y), (sum_ + bias).value)
        return context.get_dummy_value()

    return types.void(m, types.intp, types.intp, b, types.intp, y, types.intp, types.intp), emit


@intrinsic
def transform_taps(
    typing: NumbaObject, w: NumbaObject, i: NumbaObject, pitch: NumbaObject, u: NumbaObject, j: NumbaObject,
    plane: NumbaObject,
) -> NumbaObject:  # fmt: skip
    """u[j + t plane] = the 36 points t of the 3 x 3 taps from w[i] on, whose rows are `pitch` apart."""
    return types.void(w, types.intp, types.intp, u, types.intp, types.intp), to_points(w, u, 3, taps_to_points)


@intrinsic
def transform_to_taps(
    typing: NumbaObject, m: NumbaObject, i: NumbaObject, plane: NumbaObject, w: NumbaObject, j: NumbaObject,
    pitch: NumbaObject,
) -> NumbaObject:  # fmt: skip
    """The 3 x 3 taps from w[j] on, whose rows are `pitch` apart, from the points m[i + t plane]."""

    def emit(context: NumbaObject, builder: NumbaObject, signature: NumbaObject, args: NumbaObject) -> NumbaObject:
        memory = Memory(context, builder)
        loaded = [Lanes(builder, memory.load(m, args[0], memory.at(args[1], args[2], t))) for t in range(36)]
        for r, row in enumerate(both_axes(points_to_taps, [loaded[6 * r : 6 * r + 6] for r in range(6)])):
            for c, tap in enumerate(row):
                memory.store(w, args[3], memory.cell(args[4], args[5], r, c, w), tap.value)
        return context.get_dummy_value()

    return types.void(m, types.intp, types.intp, w, types.intp, types.intp), emit


def to_points(x: NumbaObject, v: NumbaObject, size: int, transform: Callable[[Vectors], Vectors]) -> NumbaObject:
    """What emits the transform of a square of `size` rows to 36 points."""

    def emit(context: NumbaObject, builder: NumbaObject, signature: NumbaObject, args: NumbaObject) -> NumbaObject:
        memory = Memory(context, builder)
        square = [
            [Lanes(builder, memory.load(x, args[0], memory.cell(args[1], args[2], r, c, x))) for c in range(size)]
            for r in range(size)
        ]
        for r, row in enumerate(both_axes(transform, square)):
            for c, point in enumerate(row):
                memory.store(v, args[3], memory.at(args[4], args[5], 6 * r + c), point.value)
        return context.get_dummy_value()

    return emit


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
