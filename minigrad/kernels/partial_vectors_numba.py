"""Vectors at the end of a row: SIMD intrinsics that read and write the first numbers of a vector only.

    x = load_part(array, i, n)    array[i], ..., array[i + n - 1], then zeros
    store_part(array, i, s, n)    array[i] = s[0], ..., array[i + n - 1] = s[n - 1]

n may be more than a vector has, or negative. With AVX-512, instructions have a mask of lanes. Elsewhere to write by a
mask is slow, or is not known at all; there a part is stored as its 8, 4, 2 and 1 first numbers, as the bits of n tell.
"""

from llvmlite import ir  # type: ignore[import-untyped, unused-ignore]
from numba import types

from .register_tiles_numba import HAS_AVX512
from .simd import NumbaObject, SimdVector, broadcast, element_address, intrinsic, shuffled, vector_address

INT32 = ir.IntType(32)  # type: ignore[no-untyped-call, unused-ignore]


@intrinsic
def load_part(typing: NumbaObject, array: NumbaObject, index: NumbaObject, count: NumbaObject) -> NumbaObject:
    """The first `count` numbers from array[index] on, and zeros; what lies behind them is not read."""

    def emit(context: NumbaObject, builder: NumbaObject, signature: NumbaObject, args: NumbaObject) -> NumbaObject:
        vector = context.get_value_type(signature.return_type)
        place, align = vector_address(context, builder, array, args, vector), array.dtype.bitwidth // 8
        with builder.if_else(_is_whole(builder, vector, args[2]), likely=True) as (then, otherwise):
            with then:
                whole, first = builder.load(place, align=align), builder.block
            with otherwise:
                mask, nothing = first_lanes(builder, vector.count, args[2]), ir.Constant(vector, None)
                kind = ir.FunctionType(vector, [place.type, INT32, mask.type, vector])  # type: ignore[no-untyped-call, unused-ignore]
                masked_load = masked(builder, "load", vector, kind)
                part, second = builder.call(masked_load, [place, INT32(align), mask, nothing]), builder.block
        return _either(builder, (whole, first), (part, second))

    return SimdVector(array.dtype)(array, types.intp, types.intp), emit


@intrinsic
def store_part(
    typing: NumbaObject, array: NumbaObject, index: NumbaObject, s: NumbaObject, count: NumbaObject
) -> NumbaObject:
    """Write the first `count` numbers of s to array[index] and behind; integers may be cut to the array's size."""

    def emit(context: NumbaObject, builder: NumbaObject, signature: NumbaObject, args: NumbaObject) -> NumbaObject:
        numbers, count, bits = args[2], args[3], array.dtype.bitwidth
        if bits < s.dtype.bitwidth:
            numbers = builder.trunc(numbers, ir.VectorType(ir.IntType(bits), numbers.type.count))  # type: ignore[no-untyped-call, unused-ignore]
        place = vector_address(context, builder, array, args, numbers.type)
        with builder.if_else(_is_whole(builder, numbers.type, count), likely=True) as (then, otherwise):
            with then:
                builder.store(numbers, place, align=bits // 8)
            with otherwise:
                if HAS_AVX512:
                    mask = first_lanes(builder, numbers.type.count, count)
                    kind = ir.FunctionType(ir.VoidType(), [numbers.type, place.type, INT32, mask.type])  # type: ignore[no-untyped-call, unused-ignore]
                    masked_store = masked(builder, "store", numbers.type, kind)
                    builder.call(masked_store, [numbers, place, INT32(bits // 8), mask])
                else:
                    with builder.if_then(builder.icmp_signed(">", count, count.type(0))):
                        first = element_address(context, builder, array, args)
                        _store_halves(builder, first, numbers, count, bits // 8)
        return context.get_dummy_value()

    return types.void(array, types.intp, s, types.intp), emit


def _store_halves(builder: NumbaObject, first: NumbaObject, s: NumbaObject, count: NumbaObject, align: int) -> None:
    """Store half of s, if so many are to be stored, and go on with the other half; else with the same half."""
    while (half := s.type.count // 2) > 0:
        low, high = shuffled(builder, s, s, range(half)), shuffled(builder, s, s, range(half, 2 * half))
        taken = builder.icmp_signed("!=", builder.and_(count, count.type(half)), count.type(0))
        with builder.if_then(taken):
            builder.store(low, builder.bitcast(first, low.type.as_pointer()), align=align)
        s = builder.select(taken, high, low)
        first = builder.gep(first, [builder.select(taken, count.type(half), count.type(0))])


def _is_whole(builder: NumbaObject, vector: NumbaObject, count: NumbaObject) -> NumbaObject:
    return builder.icmp_signed(">=", count, count.type(vector.count))


def _either(builder: NumbaObject, *values: NumbaObject) -> NumbaObject:
    """The value of the block that was executed."""
    phi = builder.phi(values[0][0].type)
    for value, block in values:
        phi.add_incoming(value, block)
    return phi


def masked(builder: NumbaObject, name: str, vector: NumbaObject, kind: NumbaObject) -> NumbaObject:
    """LLVM's own function that reads or writes the lanes of a mask."""
    element = vector.element
    number = f"i{element.width}" if isinstance(element, ir.IntType) else element.intrinsic_name
    name = f"llvm.masked.{name}.v{vector.count}{number}.p0"
    return builder.module.globals.get(name) or ir.Function(builder.module, kind, name)  # type: ignore[no-untyped-call, unused-ignore]


def first_lanes(builder: NumbaObject, lanes: int, count: NumbaObject) -> NumbaObject:
    """Which lanes come before `count`, which is less than there are."""
    vector = ir.VectorType(INT32, lanes)  # type: ignore[no-untyped-call, unused-ignore]
    numbers = ir.Constant(vector, [INT32(lane) for lane in range(lanes)])
    return builder.icmp_signed("<", numbers, broadcast(builder, vector, builder.trunc(count, INT32)))
