"""Vector registers for compiled kernels: 64 bytes of adjacent numbers, handled by one instruction or a few.

Numba leaves it to LLVM to find loops that fit vector registers, and LLVM does not keep a tile of sums in
registers by itself. These few words say so. They are for any machine: LLVM cuts 64 bytes into whatever it
has (AVX-512: 1 register, AVX2: 2, NEON: 4).

    x = load(array, i)          array[i], array[i+1], ...        indices of the flat array, not checked
    w = each(array, i)          array[i], array[i], ...
    s = fma(s, w, x)            s + w * x
    where_larger(x, y, s, t)    s where x > y or only x is NaN, else t
    store(array, i, s)          array[i] = s[0], array[i+1] = s[1], ...
    total(s)                    s[0] + s[1] + ...
    number(array, i)            array[i], and
    put(array, i, number)       array[i] = number, where Numba's care for negative indices would cost more than the work
"""

from collections.abc import Callable
from typing import Any

from llvmlite import ir  # type: ignore[import-untyped, unused-ignore]
from numba import types
from numba.core.datamodel.models import PrimitiveModel
from numba.extending import intrinsic, register_model

BYTES = 64


class Lanes(types.Type):  # type: ignore[misc, unused-ignore]
    """The type of such a register in Numba."""

    def __init__(self, dtype: Any) -> None:
        self.dtype = dtype
        super().__init__(name=f"Lanes({dtype})")


@register_model(Lanes)  # type: ignore[untyped-decorator, unused-ignore]
class LanesModel(PrimitiveModel):  # type: ignore[misc, unused-ignore]
    """... and in LLVM."""

    def __init__(self, manager: Any, lanes: Any) -> None:
        element = manager.lookup(lanes.dtype).get_value_type()
        super().__init__(manager, lanes, ir.VectorType(element, BYTES * 8 // lanes.dtype.bitwidth))  # type: ignore[no-untyped-call, unused-ignore]


def word(define: Callable[..., Any]) -> Any:
    """A function of compiled code, defined by its type and by the LLVM instructions that it emits."""
    return intrinsic(define)


@word
def zeros(typing: Any, array: Any) -> Any:
    """A register of zeros of the array's dtype."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return ir.Constant(context.get_value_type(signature.return_type), None)

    return Lanes(array.dtype)(array), emit


@word
def load(typing: Any, array: Any, index: Any) -> Any:
    """array[index], array[index + 1], ..."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        place = vector_at(context, builder, array, args, context.get_value_type(signature.return_type))
        return builder.load(place, align=array.dtype.bitwidth // 8)

    return Lanes(array.dtype)(array, types.intp), emit


@word
def each(typing: Any, array: Any, index: Any) -> Any:
    """array[index], array[index], ..."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        vector = context.get_value_type(signature.return_type)
        return broadcast(builder, vector, builder.load(element_at(context, builder, signature.args[0], args)))

    return Lanes(array.dtype)(array, types.intp), emit


@word
def fma(typing: Any, s: Any, w: Any, x: Any) -> Any:
    """s + w * x, in one instruction where there is one."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        product = builder.fmul(args[1], args[2], flags=("contract",))
        return builder.fadd(product, args[0], flags=("contract",))

    return s(s, w, x), emit


@word
def where_larger(typing: Any, x: Any, y: Any, s: Any, t: Any) -> Any:
    """For each lane: s where x > y, or x is NaN and y is not; else t."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        x, y, s, t = args
        larger = builder.fcmp_unordered(">", x, y)
        return builder.select(builder.and_(larger, builder.fcmp_ordered("ord", y, y)), s, t)

    return x(x, y, s, t), emit


@word
def store(typing: Any, array: Any, index: Any, s: Any) -> Any:
    """Write s to array[index], array[index + 1], ..."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        place = vector_at(context, builder, array, args, args[2].type)
        builder.store(args[2], place, align=array.dtype.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(array, types.intp, s), emit


@word
def number(typing: Any, array: Any, index: Any) -> Any:
    """array[index]; the index is not checked."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.load(element_at(context, builder, array, args))

    return array.dtype(array, types.intp), emit


@word
def put(typing: Any, array: Any, index: Any, value: Any) -> Any:
    """array[index] = value; the index is not checked."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        builder.store(args[2], element_at(context, builder, array, args))
        return context.get_dummy_value()

    return types.void(array, types.intp, array.dtype), emit


@word
def total(typing: Any, s: Any) -> Any:
    """The sum of the lanes."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return sum_of_lanes(builder, args[0])

    return s.dtype(s), emit


def sum_of_lanes(builder: Any, x: Any) -> Any:
    """Half of the lanes plus the other half, and so on."""
    while (half := x.type.count // 2) > 0:  # always in the same order, so always to the same bits
        undefined = ir.Constant(x.type, ir.Undefined)
        low = builder.shuffle_vector(x, undefined, _indices(range(half)))
        high = builder.shuffle_vector(x, undefined, _indices(range(half, 2 * half)))
        x = builder.fadd(low, high)
    return builder.extract_element(x, _int32(0))


def broadcast(builder: Any, vector: Any, number: Any) -> Any:
    """A register that holds the same number in all lanes."""
    undefined = ir.Constant(vector, ir.Undefined)
    first = builder.insert_element(undefined, number, _int32(0))
    return builder.shuffle_vector(first, undefined, _indices([0] * vector.count))


def element_at(context: Any, builder: Any, array: Any, args: Any) -> Any:
    """The address of args = array, index; `array` is the type."""
    data = context.make_array(array)(context, builder, args[0]).data
    return builder.gep(data, [args[1]])


def vector_at(context: Any, builder: Any, array: Any, args: Any, vector: Any) -> Any:
    """The address of the register's worth of numbers that begins there; `vector` is its type in LLVM."""
    return builder.bitcast(element_at(context, builder, array, args), vector.as_pointer())


def _int32(value: int) -> Any:
    return ir.Constant(ir.IntType(32), value)


def _indices(values: Any) -> Any:
    return ir.Constant(ir.VectorType(ir.IntType(32), len(values)), [_int32(value) for value in values])
