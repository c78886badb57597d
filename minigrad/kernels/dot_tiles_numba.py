"""Tiles of dot products: register tiles whose sums go along rows that lie in memory as they are, without packing.

A dot product x . w is a sum of products of vectors, and in the end of a vector's lanes. For some rows of x and some of
w, each vector that is read serves several sums. These vectors are as long as a register (`LENGTH` bytes), because LLVM
does not keep so many longer ones in few registers.

    s = zero_dots(array, m, n)                          m n vectors of zeros; m and n are constants
    s = add_dots(s, x, i, x_step, w, j, w_step, m, n)   s[a, b] + x[i + a x_step:] * w[j + b w_step:], a vector of each
    s = add_last_dots(s, x, i, x_step, w, j, w_step, count, m, n)   likewise, of the first `count` numbers of a vector
    store_dots(out, i, step, s, bias, j, m)             out[i + a step + b] = reduce_add(s[a, b]) + bias[j + b]
"""

from collections.abc import Callable
from typing import Final

from llvmlite import ir  # type: ignore[import-untyped, unused-ignore]
from numba import types

from .partial_vectors_numba import INT32, first_lanes, masked
from .register_tiles_numba import HAS_AVX512, alignment, literal_intrinsic
from .simd import BYTES, NumbaObject, SimdVector, element_address, shuffled

LENGTH: Final = BYTES if HAS_AVX512 else BYTES // 2
"""Bytes of a register, as most processors without AVX-512 have it."""


@literal_intrinsic
def zero_dots(typing: NumbaObject, array: NumbaObject, m: NumbaObject, n: NumbaObject) -> NumbaObject:
    """A tile of zeros for numbers of the array's dtype."""

    def emit(context: NumbaObject, builder: NumbaObject, signature: NumbaObject, args: NumbaObject) -> NumbaObject:
        return ir.Constant(context.get_value_type(signature.return_type), None)

    tile = types.UniTuple(SimdVector(array.dtype, LENGTH), m.literal_value * n.literal_value)  # type: ignore[no-untyped-call, unused-ignore]
    return tile(array, m, n), emit


@literal_intrinsic
def add_dots(
    typing: NumbaObject, s: NumbaObject, x: NumbaObject, i: NumbaObject, x_step: NumbaObject, w: NumbaObject,
    j: NumbaObject, w_step: NumbaObject, m: NumbaObject, n: NumbaObject,
) -> NumbaObject:  # fmt: skip
    """s[a, b] plus the products of a vector of row a and one of row b, in one instruction where there is one."""

    def emit(context: NumbaObject, builder: NumbaObject, signature: NumbaObject, args: NumbaObject) -> NumbaObject:
        def read(place: NumbaObject) -> NumbaObject:
            return builder.load(place, align=alignment(x))

        return _added(context, builder, signature.args, args, read)

    return s(s, x, types.intp, types.intp, w, types.intp, types.intp, m, n), emit


@literal_intrinsic
def add_last_dots(
    typing: NumbaObject, s: NumbaObject, x: NumbaObject, i: NumbaObject, x_step: NumbaObject, w: NumbaObject,
    j: NumbaObject, w_step: NumbaObject, count: NumbaObject, m: NumbaObject, n: NumbaObject,
) -> NumbaObject:  # fmt: skip
    """Likewise, of the first `count` numbers of a vector, fewer than it has; those behind are not read."""

    def emit(context: NumbaObject, builder: NumbaObject, signature: NumbaObject, args: NumbaObject) -> NumbaObject:
        *first, count, m, n = args
        vector = args[0].type.element
        mask, nothing = first_lanes(builder, vector.count, count), ir.Constant(vector, None)
        kind = ir.FunctionType(vector, [vector.as_pointer(), INT32, mask.type, vector])  # type: ignore[no-untyped-call, unused-ignore]
        masked_load = masked(builder, "load", vector, kind)

        def read(place: NumbaObject) -> NumbaObject:
            return builder.call(masked_load, [place, INT32(alignment(x)), mask, nothing])

        rows = signature.args[:7] + signature.args[8:]
        return _added(context, builder, rows, [*first, m, n], read)

    return s(s, x, types.intp, types.intp, w, types.intp, types.intp, types.intp, m, n), emit


@literal_intrinsic
def store_dots(
    typing: NumbaObject, out: NumbaObject, index: NumbaObject, step: NumbaObject, s: NumbaObject, bias: NumbaObject,
    j: NumbaObject, m: NumbaObject,
) -> NumbaObject:  # fmt: skip
    """out[index + a step + b] = the sum of the lanes of s[a, b], plus bias[j + b]."""

    def emit(context: NumbaObject, builder: NumbaObject, signature: NumbaObject, args: NumbaObject) -> NumbaObject:
        sums = [builder.extract_value(args[3], k) for k in range(args[3].type.count)]
        rows, lanes = m.literal_value, sums[0].type.count
        columns = len(sums) // rows
        place = element_address(context, builder, bias, args[4:])
        numbers = [builder.load(builder.gep(place, [_intp(b)])) for b in range(columns)]
        place = element_address(context, builder, out, args)
        for first in range(0, len(sums), lanes):
            total = _sums_of_lanes(builder, sums[first : first + lanes])
            for k in range(first, min(first + lanes, len(sums))):
                away = builder.add(builder.mul(args[2], _intp(k // columns)), _intp(k % columns))
                result = builder.fadd(builder.extract_element(total, INT32(k - first)), numbers[k % columns])
                builder.store(result, builder.gep(place, [away]))
        return context.get_dummy_value()

    return types.void(out, types.intp, types.intp, s, bias, types.intp, m), emit


def _added(
    context: NumbaObject, builder: NumbaObject, kinds: NumbaObject, args: NumbaObject,
    read: Callable[[NumbaObject], NumbaObject],
) -> NumbaObject:  # fmt: skip
    """The tile of `add_dots`, whose vectors `read` reads."""
    tile, pointer = args[0], args[0].type.element.as_pointer()

    def row(array: int, k: int) -> NumbaObject:
        first = element_address(context, builder, kinds[array], args[array:])
        return read(builder.bitcast(builder.gep(first, [builder.mul(args[array + 2], _intp(k))]), pointer))

    m, n = kinds[7].literal_value, kinds[8].literal_value
    factors = [row(4, b) for b in range(n)]
    for a in range(m):
        x = row(1, a)
        for b, w in enumerate(factors):
            product = builder.fmul(x, w, flags=("contract",))
            s = builder.extract_value(tile, a * n + b)
            tile = builder.insert_value(tile, builder.fadd(product, s, flags=("contract",)), a * n + b)
    return tile


def _sums_of_lanes(builder: NumbaObject, vectors: list[NumbaObject]) -> NumbaObject:
    """One vector: lane k is the sum of all lanes of vectors[k].

    First a vector with the halves of two vectors is added to one with their other halves, and so on with quarters: half
    as many instructions a vector as by one vector after the other, and less.
    """
    lanes = vectors[0].type.count
    vectors = vectors + [vectors[0]] * (lanes - len(vectors))
    part = lanes
    while part > 1:  # numbers that are left of a sum, which begin each `part` lanes
        half, count = part // 2, len(vectors) // 2
        places = [start + of + k for start in range(0, lanes, part) for of in (0, lanes) for k in range(half)]
        vectors = [
            builder.fadd(shuffled(builder, x, y, places), shuffled(builder, x, y, [k + half for k in places]))
            for x, y in zip(vectors[:count], vectors[count:], strict=True)
        ]
        part = half
    return vectors[0]


def _intp(value: int) -> NumbaObject:
    return ir.Constant(ir.IntType(64), value)
