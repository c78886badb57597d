"""SIMD intrinsics for compiled kernels: vectors of 64 bytes of adjacent numbers, handled by one instruction or a few.

Numba leaves it to LLVM to find loops that fit vector registers, and LLVM does not keep a tile of sums in registers by
itself. These intrinsics do. They are for any machine: LLVM cuts 64 bytes into whatever it has (AVX-512: 1 register,
AVX2: 2, NEON: 4).

    x = load(array, i)            array[i], array[i + 1], ...        indices of the flat array, not checked
    w = splat(array, i)           array[i], array[i], ...
    w = fill(array, number)       number, number, ...
    s = fma(s, w, x)              s + w * x
    select_greater(x, y, s, t)    s where x > y or only x is NaN, else t
    add(s, t)                     s + t, of integers too
    even(x, y), odd(x, y)         x[0], x[2], ..., y[0], y[2], ...; x[1], x[3], ..., y[1], y[3], ...
    interleave_low(x, y)          x[0], y[0], x[1], y[1], ...; interleave_high(x, y): what follows on it
    maximum(x, y)                 x where x > y, else y
    store(array, i, s)            array[i] = s[0], array[i + 1] = s[1], ...
    prefetch(array, i)            begin to read array[i] into the caches
    reduce_add(s)                 s[0] + s[1] + ...
    reduce_maximum(s)             the largest of s[0], s[1], ...; any or NaN where one is NaN
    load_scalar(array, i)         array[i], without Numba's check for a negative index, which costs more than the work
    store_scalar(array, i, y)     array[i] = y, likewise
"""

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from llvmlite import ir  # type: ignore[import-untyped, unused-ignore]
from numba import extending, types
from numba.core.datamodel.models import PrimitiveModel

NumbaObject: TypeAlias = Any  # Numba and llvmlite have no type stubs
"""What Numba passes to a function that defines an intrinsic, and what that gives back."""

BYTES = 64


class SimdVector(types.Type):  # type: ignore[misc, unused-ignore]
    """The type of such a vector in Numba, or of one of another size."""

    def __init__(self, dtype: NumbaObject, size: int = BYTES) -> None:
        self.dtype, self.size = dtype, size
        super().__init__(name=f"SimdVector({dtype}, {size})")


@extending.register_model(SimdVector)  # type: ignore[untyped-decorator, unused-ignore]
class SimdVectorModel(PrimitiveModel):  # type: ignore[misc, unused-ignore]
    """Its type in LLVM."""

    def __init__(self, manager: NumbaObject, vector: NumbaObject) -> None:
        element = manager.lookup(vector.dtype).get_value_type()
        super().__init__(manager, vector, ir.VectorType(element, vector.size * 8 // vector.dtype.bitwidth))  # type: ignore[no-untyped-call, unused-ignore]


def intrinsic(define: Callable[..., NumbaObject]) -> NumbaObject:
    """A function of compiled code, defined by its type and by the LLVM instructions that it emits."""
    return extending.intrinsic(define)


@intrinsic
def zeros(typing: NumbaObject, array: NumbaObject) -> NumbaObject:
    """A vector of zeros of the array's dtype."""

    def emit(context: NumbaObject, builder: NumbaObject, signature: NumbaObject, args: NumbaObject) -> NumbaObject:
        return ir.Constant(context.get_value_type(signature.return_type), None)

    return SimdVector(array.dtype)(array), emit


@intrinsic
def load(typing: NumbaObject, array: NumbaObject, index: NumbaObject) -> NumbaObject:
    """array[index], array[index + 1], ..."""

    def emit(context: NumbaObject, builder: NumbaObject, signature: NumbaObject, args: NumbaObject) -> NumbaObject:
        place = vector_address(context, builder, array, args, context.get_value_type(signature.return_type))
        return builder.load(place, align=array.dtype.bitwidth // 8)

    return SimdVector(array.dtype)(array, types.intp), emit


@intrinsic
def splat(typing: NumbaObject, array: NumbaObject, index: NumbaObject) -> NumbaObject:
    """array[index], array[index], ..."""

    def emit(context: NumbaObject, builder: NumbaObject, signature: NumbaObject, args: NumbaObject) -> NumbaObject:
        vector = context.get_value_type(signature.return_type)
        return broadcast(builder, vector, builder.load(element_address(context, builder, signature.args[0], args)))

    return SimdVector(array.dtype)(array, types.intp), emit


@intrinsic
def fill(typing: NumbaObject, array: NumbaObject, number: NumbaObject) -> NumbaObject:
    """number, number, ... in the array's dtype."""

    def emit(context: NumbaObject, builder: NumbaObject, signature: NumbaObject, args: NumbaObject) -> NumbaObject:
        return broadcast(builder, context.get_value_type(signature.return_type), args[1])

    return SimdVector(array.dtype)(array, array.dtype), emit


@intrinsic
def fma(typing: NumbaObject, s: NumbaObject, w: NumbaObject, x: NumbaObject) -> NumbaObject:
    """s + w * x, in one instruction where there is one."""

    def emit(context: NumbaObject, builder: NumbaObject, signature: NumbaObject, args: NumbaObject) -> NumbaObject:
        product = builder.fmul(args[1], args[2], flags=("contract",))
        return builder.fadd(product, args[0], flags=("contract",))

    return s(s, w, x), emit


@intrinsic
def select_greater(typing: NumbaObject, x: NumbaObject, y: NumbaObject, s: NumbaObject, t: NumbaObject) -> NumbaObject:
    """For each lane: s where x > y, or x is NaN and y is not; else t."""

    def emit(context: NumbaObject, builder: NumbaObject, signature: NumbaObject, args: NumbaObject) -> NumbaObject:
        x, y, s, t = args
        larger = builder.fcmp_unordered(">", x, y)
        return builder.select(builder.and_(larger, builder.fcmp_ordered("ord", y, y)), s, t)

    return s(x, y, s, t), emit


@intrinsic
def add(typing: NumbaObject, s: NumbaObject, t: NumbaObject) -> NumbaObject:
    """s + t."""

    def emit(context: NumbaObject, builder: NumbaObject, signature: NumbaObject, args: NumbaObject) -> NumbaObject:
        return (builder.add if isinstance(s.dtype, types.Integer) else builder.fadd)(*args)

    return s(s, t), emit


@intrinsic
def even(typing: NumbaObject, x: NumbaObject, y: NumbaObject) -> NumbaObject:
    """Every second number of x and y, seen as one after the other."""
    return _shuffled(x, lambda lanes: range(0, 2 * lanes, 2))


@intrinsic
def odd(typing: NumbaObject, x: NumbaObject, y: NumbaObject) -> NumbaObject:
    """The others."""
    return _shuffled(x, lambda lanes: range(1, 2 * lanes, 2))


@intrinsic
def interleave_low(typing: NumbaObject, x: NumbaObject, y: NumbaObject) -> NumbaObject:
    """The first half of x's and y's numbers, alternating."""
    return _shuffled(x, lambda lanes: [k // 2 + k % 2 * lanes for k in range(lanes)])


@intrinsic
def interleave_high(typing: NumbaObject, x: NumbaObject, y: NumbaObject) -> NumbaObject:
    """The second half."""
    return _shuffled(x, lambda lanes: [k // 2 + k % 2 * lanes for k in range(lanes, 2 * lanes)])


def _shuffled(x: NumbaObject, places: Callable[[int], Iterable[int]]) -> NumbaObject:
    """What takes numbers of two vectors, by their places in both of so many lanes."""

    def emit(context: NumbaObject, builder: NumbaObject, signature: NumbaObject, args: NumbaObject) -> NumbaObject:
        return shuffled(builder, args[0], args[1], places(args[0].type.count))

    return x(x, x), emit


@intrinsic
def maximum(typing: NumbaObject, x: NumbaObject, y: NumbaObject) -> NumbaObject:
    """For each lane: x where x > y, else y, which may be NaN; one instruction where select_greater takes four."""

    def emit(context: NumbaObject, builder: NumbaObject, signature: NumbaObject, args: NumbaObject) -> NumbaObject:
        return builder.select(builder.fcmp_ordered(">", *args), *args)

    return x(x, y), emit


@intrinsic
def store(typing: NumbaObject, array: NumbaObject, index: NumbaObject, s: NumbaObject) -> NumbaObject:
    """Write s to array[index], array[index + 1], ..."""

    def emit(context: NumbaObject, builder: NumbaObject, signature: NumbaObject, args: NumbaObject) -> NumbaObject:
        place = vector_address(context, builder, array, args, args[2].type)
        builder.store(args[2], place, align=array.dtype.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(array, types.intp, s), emit


@intrinsic
def load_scalar(typing: NumbaObject, array: NumbaObject, index: NumbaObject) -> NumbaObject:
    """array[index]; the index is not checked."""

    def emit(context: NumbaObject, builder: NumbaObject, signature: NumbaObject, args: NumbaObject) -> NumbaObject:
        return builder.load(element_address(context, builder, array, args))

    return array.dtype(array, types.intp), emit


@intrinsic
def store_scalar(typing: NumbaObject, array: NumbaObject, index: NumbaObject, value: NumbaObject) -> NumbaObject:
    """array[index] = value; the index is not checked."""

    def emit(context: NumbaObject, builder: NumbaObject, signature: NumbaObject, args: NumbaObject) -> NumbaObject:
        builder.store(args[2], element_address(context, builder, array, args))
        return context.get_dummy_value()

    return types.void(array, types.intp, array.dtype), emit


@intrinsic
def prefetch(typing: NumbaObject, array: NumbaObject, index: NumbaObject) -> NumbaObject:
    """Begin to read the cache line of array[index], which may lie outside; nothing waits for it."""

    def emit(context: NumbaObject, builder: NumbaObject, signature: NumbaObject, args: NumbaObject) -> NumbaObject:
        emit_prefetch(builder, element_address(context, builder, array, args), write=False)
        return context.get_dummy_value()

    return types.void(array, types.intp), emit


@intrinsic
def reduce_add(typing: NumbaObject, s: NumbaObject) -> NumbaObject:
    """The sum of the lanes."""

    def emit(context: NumbaObject, builder: NumbaObject, signature: NumbaObject, args: NumbaObject) -> NumbaObject:
        return horizontal_sum(builder, args[0])

    return s.dtype(s), emit


@intrinsic
def reduce_maximum(typing: NumbaObject, s: NumbaObject) -> NumbaObject:
    """The largest of the lanes, which may be any or NaN where one is NaN."""

    def emit(context: NumbaObject, builder: NumbaObject, signature: NumbaObject, args: NumbaObject) -> NumbaObject:
        return _joined_lanes(builder, args[0], lambda x, y: builder.select(builder.fcmp_ordered(">", x, y), x, y))

    return s.dtype(s), emit


def horizontal_sum(builder: NumbaObject, x: NumbaObject) -> NumbaObject:
    """The sum of the lanes, always in the same order, so always to the same bits."""
    return _joined_lanes(builder, x, builder.fadd)


def _joined_lanes(builder: NumbaObject, x: NumbaObject, join: Callable[..., NumbaObject]) -> NumbaObject:
    """Half of the lanes joined with the other half, and so on."""
    while (half := x.type.count // 2) > 0:
        x = join(shuffled(builder, x, x, range(half)), shuffled(builder, x, x, range(half, 2 * half)))
    return builder.extract_element(x, _int32(0))


def shuffled(builder: NumbaObject, x: NumbaObject, y: NumbaObject, places: Iterable[int]) -> NumbaObject:
    """Numbers of x and y, seen as one after the other, by their places."""
    return builder.shuffle_vector(x, y, _indices([*places]))


def broadcast(builder: NumbaObject, vector: NumbaObject, number: NumbaObject) -> NumbaObject:
    """A vector that holds the same number in all lanes."""
    undefined = ir.Constant(vector, ir.Undefined)
    first = builder.insert_element(undefined, number, _int32(0))
    return builder.shuffle_vector(first, undefined, _indices([0] * vector.count))


def element_address(context: NumbaObject, builder: NumbaObject, array: NumbaObject, args: NumbaObject) -> NumbaObject:
    """The address of args = array, index; `array` is the type."""
    data = context.make_array(array)(context, builder, args[0]).data
    return builder.gep(data, [args[1]])


def vector_address(
    context: NumbaObject, builder: NumbaObject, array: NumbaObject, args: NumbaObject, vector: NumbaObject
) -> NumbaObject:
    """The address of the vector that begins there; `vector` is its type in LLVM."""
    return builder.bitcast(element_address(context, builder, array, args), vector.as_pointer())


def emit_prefetch(builder: NumbaObject, place: NumbaObject, *, write: bool) -> None:
    """Begin to bring the cache line of an address into all caches, to read or write it; nothing waits for it."""
    byte = ir.IntType(8).as_pointer()
    kind = ir.FunctionType(ir.VoidType(), [byte, *[ir.IntType(32)] * 3])
    begin = builder.module.declare_intrinsic("llvm.prefetch", [byte], kind)
    builder.call(
        begin, [builder.bitcast(place, byte), _int32(int(write)), _int32(3), _int32(1)]
    )  # 3: all caches; 1: data


def _int32(value: int) -> NumbaObject:
    return ir.Constant(ir.IntType(32), value)


def _indices(values: NumbaObject) -> NumbaObject:
    return ir.Constant(ir.VectorType(ir.IntType(32), len(values)), [_int32(value) for value in values])
