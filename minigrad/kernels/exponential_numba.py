"""`exp_nonpositive(x)`: the exponential of SIMD vectors, for x <= 0, by the same steps as `fusion.vector_math_numba`.

Loops that LLVM makes vectors of need no intrinsic; where each number meets another one of its own (a maximum or a sum
of its column), LLVM does not keep these in registers.
"""

import math

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped, unused-ignore]
from numba import types

from .fusion.vector_math_numba import constants
from .simd import NumbaObject, intrinsic


@intrinsic
def exp_nonpositive(typing: NumbaObject, x: NumbaObject) -> NumbaObject:
    """exp(x) for x <= 0 within 2 units in the last place; 0 for -inf, and NaN for NaN."""

    def emit(context: NumbaObject, builder: NumbaObject, signature: NumbaObject, args: NumbaObject) -> NumbaObject:
        f = np.float32 if x.dtype == types.float32 else np.float64
        c, info = constants(f), np.finfo(f)
        lifted = int(info.maxexp) - 1 + c["lift"]  # added to exponents: 2**k itself may be no normal number
        vector = args[0].type
        bits = ir.VectorType(ir.IntType(info.bits), vector.count)  # type: ignore[no-untyped-call, unused-ignore]

        def number(value: float) -> NumbaObject:
            return ir.Constant(vector, [value] * vector.count)

        def fma(y: NumbaObject, z: NumbaObject, s: NumbaObject) -> NumbaObject:
            return builder.fadd(builder.fmul(y, z, flags=("contract",)), s, flags=("contract",))

        lowest = number(-lifted * math.log(2))  # whose power has no bit: 0, not slow as numbers below normal
        size = builder.select(builder.fcmp_ordered("<", args[0], lowest), lowest, args[0])
        rounder = number(1.5 * 2.0**info.nmant + lifted)
        t = fma(size, number(1 / math.log(2)), rounder)  # k + rounder ends with the bits of 2**k
        k = builder.fsub(t, rounder)
        r = fma(k, number(-c["log2_low"]), fma(k, number(-c["log2_high"]), size))
        *rest, out = map(number, (1.0, 1.0, *c["exp"]))
        for coefficient in reversed(rest):
            out = fma(out, r, coefficient)
        shifted = builder.shl(builder.bitcast(t, bits), ir.Constant(bits, [info.nmant] * bits.count))
        return builder.fmul(builder.fmul(out, builder.bitcast(shifted, vector)), number(2.0 ** -c["lift"]))

    return x(x), emit
