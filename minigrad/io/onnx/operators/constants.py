"""Constants, ranges, casts and random numbers: values that are made rather than computed."""

from __future__ import annotations

import math

import numpy as np

from minigrad import ops, rng
from minigrad.errors import DataError, UsageError
from minigrad.io.onnx.importer.data import NodeData
from minigrad.io.onnx.importer.narrow import KEPT, rounded
from minigrad.io.onnx.importer.node import Node, raw
from minigrad.io.onnx.importer.registry import onnx_operator
from minigrad.io.onnx.importer.tensors import dtype_of
from minigrad.shapes import shape_of
from minigrad.typing import Array, DType, Value

FLOAT = 1
"""ONNX's number of float32."""


def constant_value(node: NodeData) -> Array:
    """The value of a Constant node.

    Raises:
        DataError: it has none, or several.
        UsageError: it is a text, or sparse.
    """
    given = [name for name in node.attributes if name != "doc_string"]
    if len(given) != 1:
        raise DataError(f"{node} must have one value, and has {', '.join(given) or 'none'}")
    (name,), (value,) = given, [node.attributes[g] for g in given]
    if name == "value" and isinstance(value, np.ndarray):
        return value
    if name in ("value_float", "value_floats") and isinstance(value, (float, tuple)):
        return np.asarray(value, np.float32)
    if name in ("value_int", "value_ints") and isinstance(value, (int, tuple)):
        return np.asarray(value, np.int64)
    if name in ("value_string", "value_strings", "sparse_value"):
        raise UsageError(f"{node} has a {name}, which is not supported")
    raise DataError(f"{node}: the attribute {name!r} is none of a constant's, or of the wrong kind")


@onnx_operator("Constant")
def _(node: Node) -> Value:
    return constant_value(node.data)


@onnx_operator("ConstantOfShape", constants=("shape",))
def _(node: Node, shape: Value) -> Value:
    value = node.array("value", np.zeros(1, np.float32))
    if value.size != 1:
        raise DataError(f"{node.data}: the value must be one number, and has the shape {value.shape}")
    return np.full(node.require_size(node.ints(shape, "the shape")), value.reshape(()), value.dtype)


@onnx_operator("Range", constants=("start", "limit", "delta"))
def _(node: Node, start: Value, limit: Value, delta: Value) -> Value:
    first, last, step = (node.scalar(x, what) for x, what in ((start, "start"), (limit, "limit"), (delta, "delta")))
    if step == 0 or not all(map(math.isfinite, (first, last, step))):
        raise DataError(f"{node.data}: there is no range from {first} to {last} in steps of {step}")
    count = (last - first) / step
    node.require_size((max(math.ceil(min(count, 2.0**61)), 0),))
    dtype = raw(start).dtype
    return (first + np.arange(max(math.ceil(count), 0)) * dtype.type(step)).astype(dtype)


@onnx_operator(
    "Cast", note="to float32 gives the model's dtype; types that NumPy has not are rounded, and kept in wider ones"
)
def _(node: Node, x: Value) -> Value:
    return _cast(node, x, node.integer("to"))


@onnx_operator("CastLike", constants=("target",))
def _(node: Node, x: Value, target: Value) -> Value:
    return _cast(node, x, node.integer("to")) if node.has("to") else _converted(x, raw(target).dtype)


def _cast(node: Node, x: Value, to: int) -> Value:
    dtype = dtype_of(to, f"{node.data}: what it casts to")
    if to in KEPT:
        return _narrowed(node, x, to, dtype)
    if to == FLOAT and node.run.floating is not None:
        dtype = node.run.floating
    return _converted(x, dtype)


def _converted(x: Value, dtype: DType) -> Value:
    with np.errstate(over="ignore", invalid="ignore"):
        return ops.astype(x, dtype=dtype)


def _narrowed(node: Node, x: Value, to: int, dtype: DType) -> Value:
    """The nearest numbers of a narrow type, as x and a difference that has no slope."""
    exact = raw(x)
    nearest = rounded(exact, to, node.flag("saturate", True), node.text("round_mode", "up", ("up", "down", "nearest")))
    finite = np.isfinite(exact) & np.isfinite(nearest)
    if dtype.kind != "f" or exact.dtype.kind != "f" or not finite.all():
        return nearest
    exact = exact.astype(np.float32)
    return ops.add(ops.astype(x, dtype=np.float32), nearest - exact)


@onnx_operator("EyeLike")
def _(node: Node, x: Value) -> Value:
    shape = shape_of(x)
    if len(shape) != 2:
        raise DataError(f"{node.data} needs a matrix, and has the shape {shape}")
    dtype = dtype_of(node.integer("dtype"), str(node.data)) if node.has("dtype") else raw(x).dtype
    return np.eye(*shape, max(min(node.integer("k", 0), shape[1]), -shape[0]), dtype)


def _generator(node: Node) -> np.random.Generator:
    """A generator of the file's seed, or the default one."""
    if not node.has("seed"):
        return rng.default_rng()
    return np.random.default_rng(abs(int(node.number("seed") * 1024)))


def _draw(node: Node, shape: tuple[int, ...], dtype: DType) -> Array:
    """Random numbers of the operator's kind."""
    node.require_size(shape)
    if node.operator.startswith("RandomNormal"):
        drawn = _generator(node).normal(node.number("mean", 0.0), abs(node.number("scale", 1.0)), shape)
    else:
        drawn = _generator(node).uniform(node.number("low", 0.0), node.number("high", 1.0), shape)
    return drawn.astype(dtype)


@onnx_operator("RandomNormal", "RandomUniform", note="drawn from minigrad's generator, or from the file's seed")
def _(node: Node) -> Value:
    return _draw(node, node.integers("shape"), dtype_of(node.integer("dtype", FLOAT), str(node.data)))


@onnx_operator("RandomNormalLike", "RandomUniformLike", note="drawn from minigrad's generator, or from the file's seed")
def _(node: Node, x: Value) -> Value:
    dtype = dtype_of(node.integer("dtype"), str(node.data)) if node.has("dtype") else raw(x).dtype
    return _draw(node, shape_of(x), dtype)


@onnx_operator("Bernoulli", note="drawn from minigrad's generator, or from the file's seed")
def _(node: Node, x: Value) -> Value:
    dtype = dtype_of(node.integer("dtype"), str(node.data)) if node.has("dtype") else raw(x).dtype
    return (_generator(node).random(shape_of(x)) < raw(x)).astype(dtype)
