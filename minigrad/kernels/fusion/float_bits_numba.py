"""Exponents and signs of floating numbers, taken from their bits, and products to the last bit, for compiled loops.

The first are made of additions and shifts of integers as wide as the numbers, which every vector unit has.

    power_of_two(n)       2**n, for whole n from the smallest exponent of a normal number to the largest
    with_exponent(t)      the power of two whose exponent, in bits, t has as its lowest bits
    exponent(x)           the k with sqrt(1/2) <= x / 2**k < sqrt(2), as a float, for normal x > 0
    mantissa(x)           x / 2**k
    copysign(x, y)        |x| with the sign of y
    multiply_add(x, y, z) x * y + z, rounded once, on every machine
    rounded_product(x, y) x * y, rounded also where it is added to something
"""

from __future__ import annotations

import math

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped, unused-ignore]
from numba import types

from ..simd import NumbaObject, intrinsic


class FloatLayout:
    """How a floating type lies in bits.

    Attributes:
        float, int: LLVM's types of numbers, and of integers as wide.
        digits: bits of the mantissa.
        bias: of the exponent.
        magic: 1.5 * 2**digits: a whole number n has the lowest bits of n + magic.
        root: the bits of sqrt(1/2).
    """

    def __init__(self, of: NumbaObject) -> None:
        single = of == types.float32
        dtype, bits = (np.float32, np.int32) if single else (np.float64, np.int64)
        self.float = ir.FloatType() if single else ir.DoubleType()
        self.int = ir.IntType(32 if single else 64)
        self.digits, self.bias = (23, 127) if single else (52, 1023)
        self.magic = 1.5 * 2.0**self.digits
        self.root = int(np.array(math.sqrt(0.5), dtype).view(bits))
        self.magic_bits = int(np.array(self.magic, dtype).view(bits))

    def number(self, value: float) -> NumbaObject:
        """A constant of the floating type."""
        return ir.Constant(self.float, value)

    def integer(self, value: int) -> NumbaObject:
        """A constant of the integer type."""
        return ir.Constant(self.int, value)

    def with_exponent(self, builder: NumbaObject, t: NumbaObject) -> NumbaObject:
        """The power of two whose exponent, in bits, is what t has as its lowest bits."""
        return builder.bitcast(builder.shl(builder.bitcast(t, self.int), self.integer(self.digits)), self.float)

    def exponent_bits(self, builder: NumbaObject, x: NumbaObject) -> NumbaObject:
        """The integer k of `exponent`."""
        above = builder.sub(builder.bitcast(x, self.int), self.integer(self.root))
        return builder.ashr(above, self.integer(self.digits))


@intrinsic
def power_of_two(typing: NumbaObject, n: NumbaObject) -> NumbaObject:
    """2**n."""

    def emit(context: NumbaObject, builder: NumbaObject, signature: NumbaObject, args: NumbaObject) -> NumbaObject:
        layout = FloatLayout(signature.return_type)
        biased = builder.fadd(args[0], layout.number(layout.magic + layout.bias))
        return layout.with_exponent(builder, biased)

    return n(n), emit


@intrinsic
def with_exponent(typing: NumbaObject, t: NumbaObject) -> NumbaObject:
    """2**n for t = n + 1.5 * 2**digits + bias, which adding these to any number and rounding gives."""

    def emit(context: NumbaObject, builder: NumbaObject, signature: NumbaObject, args: NumbaObject) -> NumbaObject:
        return FloatLayout(signature.return_type).with_exponent(builder, args[0])

    return t(t), emit


@intrinsic
def exponent(typing: NumbaObject, x: NumbaObject) -> NumbaObject:
    """The exponent of x."""

    def emit(context: NumbaObject, builder: NumbaObject, signature: NumbaObject, args: NumbaObject) -> NumbaObject:
        layout = FloatLayout(signature.return_type)
        shifted = builder.add(layout.exponent_bits(builder, args[0]), layout.integer(layout.magic_bits))
        return builder.fsub(builder.bitcast(shifted, layout.float), layout.number(layout.magic))

    return x(x), emit


@intrinsic
def mantissa(typing: NumbaObject, x: NumbaObject) -> NumbaObject:
    """x without its exponent."""

    def emit(context: NumbaObject, builder: NumbaObject, signature: NumbaObject, args: NumbaObject) -> NumbaObject:
        layout = FloatLayout(signature.return_type)
        scale = builder.shl(layout.exponent_bits(builder, args[0]), layout.integer(layout.digits))
        return builder.bitcast(builder.sub(builder.bitcast(args[0], layout.int), scale), layout.float)

    return x(x), emit


@intrinsic
def copysign(typing: NumbaObject, x: NumbaObject, y: NumbaObject) -> NumbaObject:
    """|x| with the sign of y."""

    def emit(context: NumbaObject, builder: NumbaObject, signature: NumbaObject, args: NumbaObject) -> NumbaObject:
        layout = FloatLayout(signature.return_type)
        sign = layout.integer(-1 << layout.int.width - 1)
        x, y = [builder.bitcast(arg, layout.int) for arg in args]
        both = builder.or_(builder.and_(x, builder.not_(sign)), builder.and_(y, sign))
        return builder.bitcast(both, layout.float)

    return x(x, x), emit


@intrinsic
def multiply_add(typing: NumbaObject, x: NumbaObject, y: NumbaObject, z: NumbaObject) -> NumbaObject:
    """x * y + z."""

    def emit(context: NumbaObject, builder: NumbaObject, signature: NumbaObject, args: NumbaObject) -> NumbaObject:
        return builder.fma(*args)

    return x(x, x, x), emit


@intrinsic
def rounded_product(typing: NumbaObject, x: NumbaObject, y: NumbaObject) -> NumbaObject:
    """x * y, which is not fused into a sum as other products of compiled code may be."""

    def emit(context: NumbaObject, builder: NumbaObject, signature: NumbaObject, args: NumbaObject) -> NumbaObject:
        return builder.fmul(*args)

    return x(x, x), emit
