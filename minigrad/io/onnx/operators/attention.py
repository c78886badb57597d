"""Attention, and the rotation of queries and keys by their positions."""

from __future__ import annotations

import numpy as np

from minigrad import ops
from minigrad.errors import DataError, ShapeError
from minigrad.io.onnx.importer.node import Node, raw
from minigrad.io.onnx.importer.registry import onnx_operator
from minigrad.io.onnx.importer.tensors import dtype_of
from minigrad.shapes import shape_of
from minigrad.typing import Array, Value

BEFORE_MASK, WITH_MASK, WEIGHTS = 1, 2, 3
"""What the fourth result holds besides the plain products (0)."""


@onnx_operator("Attention", constants=("mask", "lengths"))
def _(
    node: Node, q: Value, k: Value, v: Value, mask: Value = None, past_k: Value = None, past_v: Value = None,
    lengths: Value = None,
) -> tuple[Value, ...]:  # fmt: skip
    joined = len(shape_of(q)) == 3
    if joined:
        q = _heads(node, q, "q_num_heads")
        k, v = _heads(node, k, "kv_num_heads"), _heads(node, v, "kv_num_heads")
    if any(len(shape_of(x)) != 4 for x in (q, k, v)):
        raise ShapeError(f"{node.data}: Q, K and V need three or four dimensions each")
    before = 0 if past_k is None else shape_of(past_k)[2]
    k, v = (x if past is None else ops.concat([past, x], axis=2) for x, past in ((k, past_k), (v, past_v)))
    present = k, v
    heads, few = shape_of(q)[1], shape_of(k)[1]
    if heads != few:
        if not few or heads % few:
            raise ShapeError(f"{node.data}: {heads} heads of Q are no multiple of the {few} of K")
        k, v = (ops.take(x, np.repeat(np.arange(few), heads // few), axis=1) for x in (k, v))
    node.require_size(shape_of(q)[2:3] + shape_of(k)[2:3])
    out, table = _attended(node, q, k, v, _mask(node, q, k, mask, before, lengths))
    if joined:
        n, _, rows, width = shape_of(out)
        out = ops.reshape(ops.permute_dims(out, axes=(0, 2, 1, 3)), shape=(n, rows, heads * width))
    return out, *present, table


def _heads(node: Node, x: Value, name: str) -> Value:
    """(N, T, heads * E) as (N, heads, T, E)."""
    heads, (n, length, width) = node.integer(name), shape_of(x)
    if heads < 1 or width % heads:
        raise ShapeError(f"{node.data}: {width} elements do not make {heads} heads")
    return ops.permute_dims(ops.reshape(x, shape=(n, length, heads, width // heads)), axes=(0, 2, 1, 3))


def _attended(node: Node, q: Value, k: Value, v: Value, mask: Value) -> tuple[Value, Value]:
    """The result, and the table that the file wants to see; None if it wants none."""
    scale = node.number("scale", shape_of(q)[3] ** -0.5 if shape_of(q)[3] else 1.0)
    cap, mode = node.number("softcap", 0.0), node.integer("qk_matmul_output_mode", 0)
    if not node.wants(3) and not cap:
        return ops.attention(q, k, v, mask, scale=scale, causal=False), None
    node.require_size((*shape_of(q)[:3], shape_of(k)[2]))
    dtype = raw(q).dtype
    half = dtype.type(np.sqrt(scale))
    scores = table = ops.matmul(q * half, ops.matrix_transpose(k) * half)
    if cap > 0:
        scores = ops.tanh(scores / dtype.type(cap)) * dtype.type(cap)
    table = scores if mode == BEFORE_MASK else table
    seen: Value = np.ones((1, 1), bool)
    if mask is not None and raw(mask).dtype.kind == "b":
        seen, scores = mask, ops.where(mask, scores, -np.inf)
    elif mask is not None:
        seen, scores = ops.not_equal(mask, -np.inf), scores + mask
    table = scores if mode == WITH_MASK else table
    nothing = np.logical_not(np.any(raw(seen), axis=-1, keepdims=True))
    precise = dtype_of(node.integer("softmax_precision"), str(node.data)) if node.has("softmax_precision") else dtype
    weights = ops.softmax(ops.astype(ops.where(nothing, 0, scores), dtype=precise), axis=-1)
    weights = ops.where(nothing, 0, ops.astype(weights, dtype=dtype))
    return ops.matmul(weights, v), weights if mode == WEIGHTS else table


def _mask(node: Node, q: Value, k: Value, mask: Value, before: int, lengths: Value) -> Value:
    """Where queries may look, or what is added to the scores; None for everywhere."""
    rows, columns = shape_of(q)[2], shape_of(k)[2]
    seen = _seen(node, rows, columns, before, lengths)
    if mask is None:
        return seen
    dtype = raw(mask).dtype
    if dtype.kind not in "bf":
        raise DataError(f"{node.data}: a mask has booleans or floating numbers, not {dtype}")
    missing = columns - shape_of(mask)[-1]
    if missing > 0:
        widths = [(0, 0)] * (len(shape_of(mask)) - 1) + [(0, missing)]
        mask = ops.pad(mask, widths=widths, value=False if dtype.kind == "b" else -np.inf)
    whole = np.broadcast_shapes(shape_of(mask), (rows, columns))
    mask = ops.broadcast_to(mask, shape=node.require_size(whole))
    if seen is None:
        return mask
    return ops.logical_and(mask, seen) if dtype.kind == "b" else ops.where(seen, mask, -np.inf)


def _seen(node: Node, rows: int, columns: int, before: int, lengths: Value) -> Array | None:
    """The keys that each query may look at by its position, and by the number of keys that are there."""
    left, right = node.integer("left_window_size", -1), node.integer("right_window_size", -1)
    causal = node.flag("is_causal")
    if not causal and lengths is None and left < 0 and right < 0:
        return None
    offset: Array = np.full((1, 1, 1, 1), before)
    keys = np.arange(columns)
    seen = np.ones((rows, columns), bool)
    if lengths is not None:
        there = np.asarray(node.ints(lengths, "nonpad_kv_seqlen"), np.int64)[:, None, None, None]
        seen = seen & (keys < there)
        offset = there - rows if before == 0 else offset
    distance = np.arange(rows)[:, None] + offset - keys
    if causal:
        seen = seen & (distance >= 0)
    if left >= 0:
        seen = seen & (distance <= left)
    if right >= 0:
        seen = seen & (-distance <= right)
    return seen


@onnx_operator("RotaryEmbedding", constants=("cos", "sin", "positions"))
def _(node: Node, x: Value, cos: Value, sin: Value, positions: Value = None) -> Value:
    """Pairs of elements are turned by the angle of their position."""
    shape = shape_of(x)
    joined = len(shape) == 3
    x = _heads(node, x, "num_heads") if joined else x
    if len(shape_of(x)) != 4:
        raise ShapeError(f"{node.data}: x needs three or four dimensions, and has the shape {shape}")
    size = node.integer("rotary_embedding_dim", 0) or shape_of(x)[3]
    if not 0 < size <= shape_of(x)[3] or size % 2:
        raise DataError(f"{node.data}: {size} of {shape_of(x)[3]} elements cannot be turned in pairs")
    cos, sin = (_angles(node, table, positions, size // 2) for table in (cos, sin))
    turned, rest = x[..., :size], x[..., size:]
    interleaved = node.flag("interleaved")
    one, other = (
        (turned[..., 0::2], turned[..., 1::2]) if interleaved else (turned[..., : size // 2], turned[..., size // 2 :])
    )
    pair = [cos * one - sin * other, sin * one + cos * other]
    out = ops.reshape(ops.stack(pair, axis=-1), shape=shape_of(turned)) if interleaved else ops.concat(pair, axis=-1)
    out = ops.concat([out, rest], axis=-1)
    return ops.reshape(ops.permute_dims(out, axes=(0, 2, 1, 3)), shape=shape) if joined else out


def _angles(node: Node, table: Value, positions: Value, half: int) -> Value:
    """The cosines or sines of each position, as (N, 1, T, E / 2)."""
    if positions is not None:
        table = ops.take(table, np.asarray(raw(positions)), axis=0)
    if len(shape_of(table)) != 3 or shape_of(table)[2] != half:
        raise ShapeError(f"{node.data}: a table of {half} angles for each position is needed, got {shape_of(table)}")
    return ops.expand_dims(table, axis=1)
