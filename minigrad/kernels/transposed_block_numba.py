"""The transpose of a small square block of numbers, in registers.

    transpose_block(out, o, out_step, x, i, x_step)    out[o + k out_step + r] = x[i + r x_step + k] for r, k < n

where n = `block_size(x)` numbers fill a register.
"""

from llvmlite import ir  # type: ignore[import-untyped, unused-ignore]
from numba import types

from .dot_tiles_numba import LENGTH
from .jit import compiled
from .register_tiles_numba import alignment
from .simd import NumbaObject, element_address, intrinsic, shuffled


@compiled
def block_size(x: NumbaObject) -> int:
    """Rows and columns of a block."""
    size: int = LENGTH // x.itemsize
    return size


@intrinsic
def transpose_block(
    typing: NumbaObject, out: NumbaObject, o: NumbaObject, out_step: NumbaObject, x: NumbaObject, i: NumbaObject,
    x_step: NumbaObject,
) -> NumbaObject:  # fmt: skip
    """Write columns of a block of x to rows of `out`."""

    def emit(context: NumbaObject, builder: NumbaObject, signature: NumbaObject, args: NumbaObject) -> NumbaObject:
        size = LENGTH * 8 // x.dtype.bitwidth
        vector = ir.VectorType(context.get_value_type(x.dtype), size)  # type: ignore[no-untyped-call, unused-ignore]

        def places(array: NumbaObject, at: int) -> list[NumbaObject]:
            first, step = element_address(context, builder, array, args[at:]), args[at + 2]
            rows = [builder.gep(first, [builder.mul(step, step.type(k))]) for k in range(size)]
            return [builder.bitcast(row, vector.as_pointer()) for row in rows]

        rows = [builder.load(place, align=alignment(x)) for place in places(x, 3)]
        # Interleaving row r with row r + n / 2 moves the highest bit of a number's row to the lowest of its column.
        low = [k // 2 + k % 2 * size for k in range(size)]
        high = [k // 2 + k % 2 * size for k in range(size, 2 * size)]
        for _ in range(size.bit_length() - 1):
            pairs = zip(rows[: size // 2], rows[size // 2 :], strict=True)
            rows = [shuffled(builder, a, b, part) for a, b in pairs for part in (low, high)]
        for row, place in zip(rows, places(out, 0), strict=True):
            builder.store(row, place, align=alignment(out))
        return context.get_dummy_value()

    return types.void(out, types.intp, types.intp, x, types.intp, types.intp), emit
