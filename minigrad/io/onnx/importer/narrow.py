"""Numbers of 2 to 16 bits that NumPy has not: they are kept in float32, int8 or uint8, rounded to what they can be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from minigrad.typing import Array

KEPT: Final[Mapping[int, str]] = {
    16: "float32", 17: "float32", 18: "float32", 19: "float32", 20: "float32", 21: "uint8", 22: "int8", 23: "float32",
    24: "float32", 25: "uint8", 26: "int8",
}  # fmt: skip
"""What they are kept in, by ONNX's number: bfloat16, four kinds of float8, uint4, int4, float4, float8 that are powers
of 2, uint2, int2."""

BITS: Final[Mapping[int, int]] = {16: 16, 21: 4, 22: 4, 23: 4, 25: 2, 26: 2}
"""By ONNX's number; all others have 8."""

SATURATING: Final = range(17, 21)
"""The kinds of float8 whose largest number larger ones may become."""

EXPONENTS: Final = 24
"""ONNX's number of powers of 2."""


def byte_count(number: int, count: int) -> int:
    """How many bytes so many numbers take."""
    return -(-count * BITS.get(number, 8) // 8)


def decoded(number: int, data: bytes, shape: tuple[int, ...]) -> Array:
    """The numbers of raw bytes, of which there are as many as `byte_count` tells."""
    from onnx import TensorProto, numpy_helper

    tensor = TensorProto(data_type=number, dims=shape, raw_data=data)
    array: Array = numpy_helper.to_array(tensor).astype(KEPT[number])
    return array


def rounded(x: Array, number: int, saturate: bool, mode: str) -> Array:
    """Numbers rounded to what a narrow type can be.

    Args:
        x: numbers.
        number: the type, by ONNX's number.
        saturate: whether those that are too large become the largest.
        mode: "up", "down" or "nearest", for powers of 2.
    """
    from onnx import helper, numpy_helper

    dtype = helper.tensor_dtype_to_np_dtype(number)
    with np.errstate(all="ignore"):
        if number == EXPONENTS:
            narrow = numpy_helper.to_float8e8m0(x, saturate, mode).astype(dtype)
        elif number in SATURATING and saturate:
            narrow = numpy_helper.saturate_cast(x, dtype)
        else:
            narrow = x.astype(dtype)
    kept: Array = narrow.astype(KEPT[number])
    return kept
