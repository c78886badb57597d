"""Register tiles: tuples of SIMD vectors that LLVM keeps in the processor while it adds up outer products.

A product of matrices is a sum of outer products. The more sums a tile holds, the less often numbers are read from
memory; with too many it would spill over. So tiles are made for the machine: of 32 registers of 64 bytes (AVX-512), a
tile leaves a few for factors; where registers are fewer or narrower, it has fewer sums.

    s = zero_tile(array, m, n)   m n vectors of zeros; m and n are constants here, as in all that follows
    ws = splat_tile(array, i, m)                 splat(array, i), splat(array, i + 1), ...
    xs = load_contiguous(array, i, n)            load(array, i), and the vectors behind it
    xs = load_at_offsets(array, places, k, i, n) load(array, places[k] + i), load(array, places[k + 1] + i), ...
    ws = splat_at_offsets(array, places, k, i, m) splat(array, places[k] + i), splat(array, places[k + 1] + i), ...
    ws = splat_column(array, i, step, m)         splat(array, i), splat(array, i + step), ...
    s = load_column(array, i, step, m)           load(array, i), load(array, i + step), ...
    store_column(array, i, step, s)              store(array, i + a step, s[a])
    s = add_outer_product(s, ws, xs)             s[a, b] + ws[a] * xs[b]
    accumulate_rows(array, places, k, i, s, m)   add row a of s to the numbers from array[places[k + a] + i] on
    s = load_grid(array, i, step, inner, m, n)   load(array, i), load(array, i + inner), ..., load(array, i + step), ...
    store_grid(array, i, step, inner, s, m)      store(array, i + a step + b inner, s[a, b])
    store_sums(array, i, step, s, m)             array[i + a step + b] = reduce_add(s[a, b])
"""

from typing import Final

import llvmlite.binding as llvm  # type: ignore[import-untyped, unused-ignore]
from llvmlite import ir  # type: ignore[import-untyped, unused-ignore]
from numba import config, extending, types

from .simd import NumbaObject, SimdVector, broadcast, element_address, horizontal_sum, vector_address

_FEATURES = config.CPU_FEATURES  # type: ignore[attr-defined, unused-ignore]  # which Numba sets as it is imported
HAS_AVX512: Final = (  # of this processor, or of the one that Numba is told to compile for
    bool(llvm.get_host_cpu_features().get("avx512f"))  # type: ignore[no-untyped-call, unused-ignore]
    if _FEATURES is None
    else "+avx512f" in _FEATURES
)


def literal_intrinsic(define: NumbaObject) -> NumbaObject:
    """A function of compiled code, as in `simd`, some of whose arguments are constants."""
    return extending.intrinsic(prefer_literal=True)(define)


@literal_intrinsic
def zero_tile(typing: NumbaObject, array: NumbaObject, m: NumbaObject, n: NumbaObject) -> NumbaObject:
    """A tile of zeros for numbers of the array's dtype."""

    def emit(context: NumbaObject, builder: NumbaObject, signature: NumbaObject, args: NumbaObject) -> NumbaObject:
        return ir.Constant(context.get_value_type(signature.return_type), None)

    return tile_type(array, m.literal_value * n.literal_value)(array, m, n), emit


@literal_intrinsic
def splat_tile(typing: NumbaObject, array: NumbaObject, index: NumbaObject, m: NumbaObject) -> NumbaObject:
    """Vectors that hold array[index], array[index + 1], ... in all lanes."""

    def emit(context: NumbaObject, builder: NumbaObject, signature: NumbaObject, args: NumbaObject) -> NumbaObject:
        vector = context.get_value_type(signature.return_type).element
        first = element_address(context, builder, array, args)
        numbers = [builder.load(builder.gep(first, [_intp(a)])) for a in range(m.literal_value)]
        return _packed(builder, [broadcast(builder, vector, number) for number in numbers])

    return tile_type(array, m.literal_value)(array, types.intp, m), emit


@literal_intrinsic
def load_contiguous(typing: NumbaObject, array: NumbaObject, index: NumbaObject, n: NumbaObject) -> NumbaObject:
    """Vectors of array[index], array[index + 1], ... one behind the other."""

    def emit(context: NumbaObject, builder: NumbaObject, signature: NumbaObject, args: NumbaObject) -> NumbaObject:
        vector = context.get_value_type(signature.return_type).element
        first = vector_address(context, builder, array, args, vector)
        places = [builder.gep(first, [_intp(b)]) for b in range(n.literal_value)]
        return _packed(builder, [builder.load(place, align=alignment(array)) for place in places])

    return tile_type(array, n.literal_value)(array, types.intp, n), emit


@literal_intrinsic
def splat_column(
    typing: NumbaObject, array: NumbaObject, index: NumbaObject, step: NumbaObject, m: NumbaObject
) -> NumbaObject:
    """Vectors that hold array[index], array[index + step], ... in all lanes."""

    def emit(context: NumbaObject, builder: NumbaObject, signature: NumbaObject, args: NumbaObject) -> NumbaObject:
        vector = context.get_value_type(signature.return_type).element
        places = _column(context, builder, array, args, m.literal_value)
        return _packed(builder, [broadcast(builder, vector, builder.load(place)) for place in places])

    return tile_type(array, m.literal_value)(array, types.intp, types.intp, m), emit


@literal_intrinsic
def load_column(
    typing: NumbaObject, array: NumbaObject, index: NumbaObject, step: NumbaObject, m: NumbaObject
) -> NumbaObject:
    """Vectors of the numbers from array[index] on, from array[index + step] on, ..."""

    def emit(context: NumbaObject, builder: NumbaObject, signature: NumbaObject, args: NumbaObject) -> NumbaObject:
        vector = context.get_value_type(signature.return_type).element
        places = [
            builder.bitcast(place, vector.as_pointer())
            for place in _column(context, builder, array, args, m.literal_value)
        ]
        return _packed(builder, [builder.load(place, align=alignment(array)) for place in places])

    return tile_type(array, m.literal_value)(array, types.intp, types.intp, m), emit


@literal_intrinsic
def store_column(
    typing: NumbaObject, array: NumbaObject, index: NumbaObject, step: NumbaObject, s: NumbaObject
) -> NumbaObject:
    """Write s[a] to the numbers from array[index + a step] on."""

    def emit(context: NumbaObject, builder: NumbaObject, signature: NumbaObject, args: NumbaObject) -> NumbaObject:
        vectors = _unpacked(builder, args[3])
        for place, value in zip(_column(context, builder, array, args, len(vectors)), vectors, strict=True):
            builder.store(value, builder.bitcast(place, value.type.as_pointer()), align=alignment(array))
        return context.get_dummy_value()

    return types.void(array, types.intp, types.intp, s), emit


@literal_intrinsic
def load_at_offsets(
    typing: NumbaObject, array: NumbaObject, places: NumbaObject, k: NumbaObject, index: NumbaObject, n: NumbaObject
) -> NumbaObject:
    """Vectors of the numbers from array[places[k] + index] on, from array[places[k + 1] + index] on, ..."""

    def emit(context: NumbaObject, builder: NumbaObject, signature: NumbaObject, args: NumbaObject) -> NumbaObject:
        vector = context.get_value_type(signature.return_type).element
        found = _find(context, builder, (array, places), args, n.literal_value, vector)
        return _packed(builder, [builder.load(place, align=alignment(array)) for place in found])

    return tile_type(array, n.literal_value)(array, places, types.intp, types.intp, n), emit


@literal_intrinsic
def splat_at_offsets(
    typing: NumbaObject, array: NumbaObject, places: NumbaObject, k: NumbaObject, index: NumbaObject, m: NumbaObject
) -> NumbaObject:
    """Vectors that hold array[places[k] + index], array[places[k + 1] + index], ... in all lanes."""

    def emit(context: NumbaObject, builder: NumbaObject, signature: NumbaObject, args: NumbaObject) -> NumbaObject:
        vector = context.get_value_type(signature.return_type).element
        found = _find(context, builder, (array, places), args, m.literal_value, vector.element)
        return _packed(builder, [broadcast(builder, vector, builder.load(place)) for place in found])

    return tile_type(array, m.literal_value)(array, places, types.intp, types.intp, m), emit


@literal_intrinsic
def add_outer_product(typing: NumbaObject, s: NumbaObject, ws: NumbaObject, xs: NumbaObject) -> NumbaObject:
    """s[a, b] + ws[a] * xs[b], in one instruction each where there is one."""

    def emit(context: NumbaObject, builder: NumbaObject, signature: NumbaObject, args: NumbaObject) -> NumbaObject:
        sums, lefts, rights = (_unpacked(builder, arg) for arg in args)
        products = [builder.fmul(w, x, flags=("contract",)) for w in lefts for x in rights]
        added = [builder.fadd(p, s, flags=("contract",)) for p, s in zip(products, sums, strict=True)]
        return _packed(builder, added)

    return s(s, ws, xs), emit


@literal_intrinsic
def accumulate_rows(
    typing: NumbaObject, array: NumbaObject, places: NumbaObject, k: NumbaObject, index: NumbaObject,
    s: NumbaObject, m: NumbaObject,
) -> NumbaObject:  # fmt: skip
    """Add row a of s to the numbers from array[places[k + a] + index] on."""

    def emit(context: NumbaObject, builder: NumbaObject, signature: NumbaObject, args: NumbaObject) -> NumbaObject:
        sums = _unpacked(builder, args[4])
        width = len(sums) // m.literal_value
        found = _find(context, builder, (array, places), args, m.literal_value, sums[0].type)
        for i, s in enumerate(sums):
            place = builder.gep(found[i // width], [_intp(i % width)])
            builder.store(builder.fadd(builder.load(place, align=alignment(array)), s), place, align=alignment(array))
        return context.get_dummy_value()

    return types.void(array, places, types.intp, types.intp, s, m), emit


@literal_intrinsic
def load_grid(
    typing: NumbaObject, array: NumbaObject, index: NumbaObject, step: NumbaObject, inner: NumbaObject,
    m: NumbaObject, n: NumbaObject,
) -> NumbaObject:  # fmt: skip
    """m n vectors of the numbers from array[index + a step + b inner] on."""

    def emit(context: NumbaObject, builder: NumbaObject, signature: NumbaObject, args: NumbaObject) -> NumbaObject:
        vector = context.get_value_type(signature.return_type).element
        places = _grid(context, builder, array, args, m.literal_value, n.literal_value)
        vectors = [builder.bitcast(place, vector.as_pointer()) for place in places]
        return _packed(builder, [builder.load(place, align=alignment(array)) for place in vectors])

    kinds = array, types.intp, types.intp, types.intp, m, n
    return tile_type(array, m.literal_value * n.literal_value)(*kinds), emit


@literal_intrinsic
def store_grid(
    typing: NumbaObject, array: NumbaObject, index: NumbaObject, step: NumbaObject, inner: NumbaObject,
    s: NumbaObject, m: NumbaObject,
) -> NumbaObject:  # fmt: skip
    """Write s[a, b] to the numbers from array[index + a step + b inner] on."""

    def emit(context: NumbaObject, builder: NumbaObject, signature: NumbaObject, args: NumbaObject) -> NumbaObject:
        sums = _unpacked(builder, args[4])
        places = _grid(context, builder, array, args, m.literal_value, len(sums) // m.literal_value)
        for place, s in zip(places, sums, strict=True):
            builder.store(s, builder.bitcast(place, s.type.as_pointer()), align=alignment(array))
        return context.get_dummy_value()

    return types.void(array, types.intp, types.intp, types.intp, s, m), emit


@literal_intrinsic
def store_sums(
    typing: NumbaObject, array: NumbaObject, index: NumbaObject, step: NumbaObject, s: NumbaObject, m: NumbaObject
) -> NumbaObject:
    """array[index + a step + b] = the sum of the lanes of s[a, b]."""

    def emit(context: NumbaObject, builder: NumbaObject, signature: NumbaObject, args: NumbaObject) -> NumbaObject:
        sums, count = _unpacked(builder, args[3]), m.literal_value
        for place, s in zip(
            _grid(context, builder, array, [*args[:3], _intp(1)], count, len(sums) // count), sums, strict=True
        ):
            builder.store(horizontal_sum(builder, s), place)
        return context.get_dummy_value()

    return types.void(array, types.intp, types.intp, s, m), emit


def tile_type(array: NumbaObject, count: int) -> NumbaObject:
    """The type of so many vectors."""
    return types.UniTuple(SimdVector(array.dtype), count)  # type: ignore[no-untyped-call, unused-ignore]


def alignment(array: NumbaObject) -> int:
    """Bytes of a number: vectors are read and written anywhere."""
    return int(array.dtype.bitwidth) // 8


def _find(
    context: NumbaObject, builder: NumbaObject, kinds: NumbaObject, args: NumbaObject, count: int, vector: NumbaObject
) -> list[NumbaObject]:
    """The addresses array[places[k + i] + index] for i < count, where args = array, places, k, index."""
    array, places, k, index = args[:4]
    first = element_address(context, builder, kinds[1], (places, k))
    offsets = [builder.load(builder.gep(first, [_intp(i)])) for i in range(count)]
    return [vector_address(context, builder, kinds[0], (array, builder.add(o, index)), vector) for o in offsets]


def _column(
    context: NumbaObject, builder: NumbaObject, array: NumbaObject, args: NumbaObject, count: int
) -> list[NumbaObject]:
    """The addresses of array[index + i step] for i < count, where args = array, index, step."""
    first = element_address(context, builder, array, args)
    return [builder.gep(first, [builder.mul(args[2], _intp(i))]) for i in range(count)]


def _grid(
    context: NumbaObject, builder: NumbaObject, array: NumbaObject, args: NumbaObject, m: int, n: int
) -> list[NumbaObject]:
    """The addresses of array[index + a step + b inner] for a < m and b < n, where args = array, index, step, inner."""
    steps = [builder.mul(args[3], _intp(b)) for b in range(n)]
    return [builder.gep(row, [step]) for row in _column(context, builder, array, args, m) for step in steps]


def _packed(builder: NumbaObject, registers: list[NumbaObject]) -> NumbaObject:
    packed = ir.Constant(ir.ArrayType(registers[0].type, len(registers)), ir.Undefined)
    for i, register in enumerate(registers):
        packed = builder.insert_value(packed, register, i)
    return packed


def _unpacked(builder: NumbaObject, packed: NumbaObject) -> list[NumbaObject]:
    return [builder.extract_value(packed, i) for i in range(packed.type.count)]


def _intp(value: int) -> NumbaObject:
    return ir.Constant(ir.IntType(64), value)
