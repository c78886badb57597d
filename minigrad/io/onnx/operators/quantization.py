"""Numbers in integers of few bits: q = round(x / scale) + zero point, and products of them.

Rounding has no slope, so what makes integers of floating numbers is refused in training.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from minigrad import ops
from minigrad.errors import DataError, ShapeError
from minigrad.io.onnx.importer.narrow import KEPT, rounded
from minigrad.io.onnx.importer.node import Node, raw
from minigrad.io.onnx.importer.registry import OPERATORS, onnx_operator
from minigrad.io.onnx.importer.tensors import dtype_of
from minigrad.shapes import shape_of
from minigrad.typing import Array, DType, Shape, Value

UINT8: Final = 2
"""ONNX's number of it."""

FEW_BITS: Final = {21: (0, 15), 22: (-8, 7), 25: (0, 3), 26: (-2, 1)}
"""The smallest and largest of integers that NumPy has not, by ONNX's number."""

NO_GRADIENT: Final = "rounding has no gradient: not in training"


def _require_evaluation(node: Node) -> None:
    if node.training:
        node.refuse("it rounds, which has no gradient: call .eval() first, or train the model before it is quantized")


@onnx_operator("QuantizeLinear", constants=("scale", "zero"), note=NO_GRADIENT)
def _(node: Node, x: Value, scale: Value, zero: Value = None) -> Value:
    _require_evaluation(node)
    number, dtype = _target(node, zero)
    factor, exact = raw(_along(node, scale, shape_of(x))), raw(x)
    if node.has("precision"):
        precise = dtype_of(node.integer("precision"), str(node.data))
        exact, factor = exact.astype(precise), factor.astype(precise)
    with np.errstate(all="ignore"):
        quotient = exact / factor
    if number in KEPT and dtype.kind == "f":
        return rounded(quotient.astype(np.float32), number, node.flag("saturate", True), "up")
    shift = None if zero is None else raw(_along(node, zero, shape_of(x)))
    low, high = FEW_BITS.get(number, (0, 0)) if number in FEW_BITS else _limits(dtype)
    return _integers(quotient, shift, low, high, dtype)


def _target(node: Node, zero: Value) -> tuple[int, DType]:
    """The type of the result: its number, and the dtype that holds it."""
    number = node.integer("output_dtype", 0)
    if not number and zero is not None:
        return 0, raw(zero).dtype
    return number or UINT8, dtype_of(number or UINT8, str(node.data))


def _limits(dtype: DType) -> tuple[int, int]:
    if dtype.kind not in "iu":
        raise DataError(f"quantized numbers are integers, not {dtype}")
    return int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)


def _integers(quotient: Array, zero: Array | None, low: int, high: int, dtype: DType) -> Array:
    """The nearest integers, moved by the zero point, within limits."""
    moved = np.rint(quotient) + (0 if zero is None else zero.astype(np.float64))
    return np.clip(np.nan_to_num(moved, nan=0.0), low, high).astype(dtype)


def _along(node: Node, value: Value, shape: Shape) -> Value:
    """A number for all, for each place along an axis, or for each block of places there: in a shape that broadcasts."""
    array = raw(value)
    if array.size == 1:
        return ops.reshape(value, shape=(1,) * len(shape))
    axis, block = node.axis(node.integer("axis", 1), len(shape)), node.integer("block_size", 0)
    if block > 0:
        if array.ndim != len(shape) or array.shape[axis] != -(-shape[axis] // block):
            raise ShapeError(f"{node.data}: blocks of {block} of {shape} do not have scales of shape {array.shape}")
        node.require_size(shape)
        return ops.take(value, np.arange(shape[axis]) // block, axis=axis)
    if array.shape != (shape[axis],):
        raise ShapeError(f"{node.data}: {array.shape} numbers do not stand for the {shape[axis]} places of axis {axis}")
    return ops.reshape(value, shape=tuple(-1 if k == axis else 1 for k in range(len(shape))))


@onnx_operator("DequantizeLinear", constants=("scale", "zero"))
def _(node: Node, x: Value, scale: Value, zero: Value = None) -> Value:
    dtype = raw(scale).dtype
    if node.has("output_dtype"):
        dtype = dtype_of(node.integer("output_dtype"), str(node.data))
    moved = ops.astype(x, dtype=np.float32)
    if zero is not None and raw(zero).dtype.kind in "iu":
        moved = ops.subtract(moved, raw(_along(node, zero, shape_of(x))).astype(np.float32))
    return ops.astype(ops.multiply(moved, _along(node, scale, shape_of(x))), dtype=dtype)


@onnx_operator("DynamicQuantizeLinear", note=NO_GRADIENT)
def _(node: Node, x: Value) -> tuple[Value, ...]:
    _require_evaluation(node)
    exact = raw(x).astype(np.float32)
    low, high = np.minimum(exact.min(initial=0), 0), np.maximum(exact.max(initial=0), 0)
    scale = np.float32((high - low) / np.float32(255)) or np.float32(1)
    zero = np.clip(np.rint(-low / scale), 0, 255).astype(np.uint8)
    return _integers(exact / scale, zero, 0, 255, np.dtype(np.uint8)), np.asarray(scale), np.asarray(zero)


# ---- products --------------------------------------------------------------------------------------------------------


def _moved(node: Node, x: Value, zero: Value, axis: int) -> Array:
    """The numbers without their zero point, which is one, or one for each place along an axis."""
    array = raw(x).astype(np.float64)
    if zero is None:
        return array
    shift = raw(zero).astype(np.float64)
    if shift.size == 1:
        return array - shift.reshape(())
    if shift.ndim == 1:
        shift = shift.reshape([-1 if k == axis % array.ndim else 1 for k in range(array.ndim)])
    if np.broadcast_shapes(shift.shape, array.shape) != array.shape:
        raise ShapeError(f"{node.data}: a zero point of shape {shift.shape} does not fit {array.shape}")
    return array - shift


def _product(node: Node, operator: str, *values: Value) -> Array:
    """What the operator of floating numbers gives; exact, as float64 holds all sums of such products."""
    inner = replace(node, data=replace(node.data, operator=operator))
    return raw(OPERATORS["", operator].function(inner, *values))


@onnx_operator("MatMulInteger", constants=("zero_x", "zero_y"))
def _(node: Node, x: Value, y: Value, zero_x: Value = None, zero_y: Value = None) -> Value:
    return _product(node, "MatMul", _moved(node, x, zero_x, -2), _moved(node, y, zero_y, -1)).astype(np.int32)


@onnx_operator("ConvInteger", constants=("zero_x", "zero_w"))
def _(node: Node, x: Value, w: Value, zero_x: Value = None, zero_w: Value = None) -> Value:
    return _product(node, "Conv", _moved(node, x, zero_x, 1), _moved(node, w, zero_w, 0)).astype(np.int32)


SETTINGS: Final = ("scale_x", "zero_x", "scale_y", "zero_y", "scale", "zero")


@onnx_operator("QLinearMatMul", constants=SETTINGS)
def _(
    node: Node, x: Value, scale_x: Value, zero_x: Value, y: Value, scale_y: Value, zero_y: Value, scale: Value,
    zero: Value,
) -> Value:  # fmt: skip
    exact = _product(node, "MatMul", _moved(node, x, zero_x, -2), _moved(node, y, zero_y, -1))
    rows, columns = _as_column(raw(scale_x), -2), _as_column(raw(scale_y), -1)
    return _requantized(exact, rows * columns / raw(scale).astype(np.float64), zero)


def _as_column(scale: Array, axis: int) -> Array:
    """A scale for all, or one for each row (-2) or column (-1)."""
    wide = scale.astype(np.float64)
    return wide[:, None] if wide.ndim == 1 and axis == -2 and wide.size > 1 else wide


@onnx_operator("QLinearConv", constants=("scale_x", "zero_x", "scale_w", "zero_w", "scale", "zero"))
def _(
    node: Node, x: Value, scale_x: Value, zero_x: Value, w: Value, scale_w: Value, zero_w: Value, scale: Value,
    zero: Value, b: Value = None,
) -> Value:  # fmt: skip
    bias = None if b is None else raw(b).astype(np.float64)
    exact = _product(node, "Conv", _moved(node, x, zero_x, 1), _moved(node, w, zero_w, 0), bias)
    of_w = raw(scale_w).astype(np.float64)
    of_w = of_w.reshape((-1, *(1,) * (exact.ndim - 2))) if of_w.size > 1 else of_w.reshape(())
    factor = raw(scale_x).astype(np.float64).reshape(()) * of_w / raw(scale).astype(np.float64).reshape(())
    return _requantized(exact, factor, zero)


def _requantized(exact: Array, factor: Array, zero: Value) -> Array:
    dtype = raw(zero).dtype
    with np.errstate(all="ignore"):
        return _integers(exact * factor, raw(zero), *_limits(dtype), dtype)
