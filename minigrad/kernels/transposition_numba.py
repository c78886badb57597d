"""`transpose_square`: rows of numbers made columns, a square of a register's lanes at a time.

Registers are filled from blocks of 16 bytes of several rows, which loads do by themselves; what is left is to transpose
such blocks, in the lanes of 16 bytes that all vector units have.
"""

from llvmlite import ir  # type: ignore[import-untyped, unused-ignore]
from numba import types

from minigrad.typing import Array

from .dot_tiles_numba import LENGTH
from .jit import compiled
from .register_tiles_numba import alignment
from .simd import NumbaObject, element_address, intrinsic, shuffled

BLOCK = 16
"""Bytes."""


@intrinsic
def transpose_square(
    typing: NumbaObject, out: NumbaObject, to: NumbaObject, out_row: NumbaObject, x: NumbaObject, at: NumbaObject,
    x_row: NumbaObject,
) -> NumbaObject:  # fmt: skip
    """out[to + i out_row + j] = x[at + j x_row + i] for i, j < the lanes of a register."""

    def emit(context: NumbaObject, builder: NumbaObject, signature: NumbaObject, args: NumbaObject) -> NumbaObject:
        number, align = context.get_value_type(x.dtype), alignment(x)
        lanes, side = LENGTH // align, BLOCK // align
        part = ir.VectorType(number, side).as_pointer()  # type: ignore[no-untyped-call, unused-ignore]
        first, target = (element_address(context, builder, kind, args[k:]) for kind, k in ((x, 3), (out, 0)))

        def row(start: NumbaObject, step: NumbaObject, i: int, j: int) -> NumbaObject:
            away = builder.add(builder.mul(step, step.type(i)), step.type(j))
            return builder.gep(start, [away])

        for column in range(0, lanes, side):
            vectors = []
            for k in range(side):
                parts = [
                    builder.load(builder.bitcast(row(first, args[5], j, column), part), align=align)
                    for j in range(k, lanes, side)
                ]
                while len(parts) > 1:
                    parts = [
                        shuffled(builder, p, q, range(2 * p.type.count))
                        for p, q in zip(parts[::2], parts[1::2], strict=True)
                    ]
                vectors += parts
            for i, vector in enumerate(_transposed_blocks(builder, vectors)):
                place = builder.bitcast(row(target, args[2], column + i, 0), vector.type.as_pointer())
                builder.store(vector, place, align=align)
        return context.get_dummy_value()

    return types.void(out, types.intp, types.intp, x, types.intp, types.intp), emit


def _transposed_blocks(builder: NumbaObject, vectors: list[NumbaObject]) -> list[NumbaObject]:
    """Each block of as many lanes as there are vectors, transposed: their first halves alternate, and so on."""
    side, lanes = len(vectors), vectors[0].type.count
    half, stages = side // 2, side.bit_length() - 1
    alternating = [
        [start + half * part + k // 2 + k % 2 * lanes for start in range(0, lanes, side) for k in range(side)]
        for part in (0, 1)
    ]
    for _ in range(stages):
        pairs = list(zip(vectors[:half], vectors[half:], strict=True))
        vectors = [shuffled(builder, x, y, places) for x, y in pairs for places in alternating]
    return vectors


@compiled
def transpose(out: Array, out_row: int, x: Array, x_row: int, rows: int, columns: int) -> None:
    """out[i out_row + j] = x[j x_row + i] for j < rows, i < columns, and for what whole registers hold behind them."""
    lanes = LENGTH // x.itemsize
    for j in range(0, rows, lanes):
        for i in range(0, columns, lanes):
            transpose_square(out, i * out_row + j, out_row, x, j * x_row + i, x_row)
