"""Shapes and axes: reshaping, transposing, joining, splitting, repeating, padding, cutting."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from minigrad import functional as F  # noqa: N812
from minigrad import ops
from minigrad.errors import DataError
from minigrad.io.onnx.importer.node import Node, raw
from minigrad.io.onnx.importer.registry import onnx_operator
from minigrad.shapes import shape_of
from minigrad.typing import Shape, Value

AXES_ARE_INPUTS: Final = 13
"""The opset from which Squeeze, Unsqueeze and Split take an input in place of an attribute."""

PAD_MODES: Final = {"constant": "constant", "reflect": "reflect", "edge": "replicate", "wrap": "circular"}


@onnx_operator("Shape", numbers=True)
def _(node: Node, x: Value) -> Value:
    return np.asarray(shape_of(x)[slice(node.integer("start", 0), _end(node))], np.int64)


def _end(node: Node) -> int | None:
    return node.integer("end") if node.has("end") else None


@onnx_operator("Size", numbers=True)
def _(node: Node, x: Value) -> Value:
    return np.asarray(math.prod(shape_of(x)), np.int64)


@onnx_operator("Reshape", constants=("shape",))
def _(node: Node, x: Value, shape: Value) -> Value:
    old, sizes = shape_of(x), list(node.ints(shape, "the shape"))
    if not node.flag("allowzero"):
        for i, n in enumerate(sizes):
            if n == 0:
                sizes[i] = old[node.axis(i, len(old))]
    if sizes.count(-1) == 1 and 0 in old:
        rest = math.prod(n for n in sizes if n != -1)
        sizes[sizes.index(-1)] = math.prod(old) // rest if rest else 0
    node.require_size([n for n in sizes if n != -1])
    return ops.reshape(x, shape=tuple(sizes))


@onnx_operator("Flatten")
def _(node: Node, x: Value) -> Value:
    shape, axis = shape_of(x), node.integer("axis", 1)
    first = len(shape) if axis == len(shape) else node.axis(axis, len(shape))
    return ops.reshape(x, shape=(math.prod(shape[:first]), math.prod(shape[first:])))


@onnx_operator("Transpose")
def _(node: Node, x: Value) -> Value:
    ndim = len(shape_of(x))
    return ops.permute_dims(x, axes=node.integers("perm", range(ndim)[::-1]))


@onnx_operator("Squeeze", constants=("axes",))
def _(node: Node, x: Value, axes: Value = None) -> Value:
    shape = shape_of(x)
    given = _axes(node, axes)
    chosen = [i for i, n in enumerate(shape) if n == 1] if given is None else node.axes(given, len(shape))
    return ops.squeeze(x, axis=tuple(chosen))


@onnx_operator("Unsqueeze", constants=("axes",))
def _(node: Node, x: Value, axes: Value = None) -> Value:
    given = _axes(node, axes)
    if given is None:
        raise DataError(f"{node.data}: the axes are missing")
    ndim = len(shape_of(x)) + len(given)
    node.require_size((1,) * ndim)
    return ops.expand_dims(x, axis=node.axes(given, ndim))


def _axes(node: Node, axes: Value) -> tuple[int, ...] | None:
    """Of an input, or in older files of an attribute."""
    if axes is not None:
        return node.ints(axes, "the axes")
    return node.integers("axes") if node.has("axes") else None


@onnx_operator("Concat")
def _(node: Node, *xs: Value) -> Value:
    axis = node.axis(node.integer("axis"), len(shape_of(xs[0])))
    sizes = [shape_of(x) for x in xs]
    node.require_size([sum(s[axis] for s in sizes) if i == axis else n for i, n in enumerate(sizes[0])])
    return ops.concat(list(xs), axis=axis)


@onnx_operator("Split", constants=("sizes",))
def _(node: Node, x: Value, sizes: Value = None) -> Value:
    axis = node.axis(node.integer("axis", 0), len(shape_of(x)))
    whole, count = shape_of(x)[axis], len(node.data.outputs)
    if sizes is not None:
        given = node.ints(sizes, "the sizes")
    elif node.has("split"):
        given = node.integers("split")
    else:
        each = -(-whole // count)
        given = tuple(max(min(each, whole - i * each), 0) for i in range(count))
    if sum(given) != whole or min(given, default=0) < 0 or len(given) != count:
        raise DataError(f"{node.data}: {whole} elements cannot be split into {count} parts of {given[: count + 1]}")
    ends = np.cumsum(given)
    before = [slice(None)] * axis
    parts = zip(given, ends, strict=True)
    return tuple(ops.getitem(x, index=(*before, slice(int(end) - n, int(end)))) for n, end in parts)


@onnx_operator("Expand", constants=("shape",))
def _(node: Node, x: Value, shape: Value) -> Value:
    return _broadcast(x, node.require_size(np.broadcast_shapes(shape_of(x), node.ints(shape, "the shape"))))


def _broadcast(x: Value, shape: Shape) -> Value:
    return x if shape == shape_of(x) else ops.broadcast_to(x, shape=shape)


@onnx_operator("Tile", constants=("repeats",))
def _(node: Node, x: Value, repeats: Value) -> Value:
    counts = node.ints(repeats, "the repeats")
    if len(counts) != len(shape_of(x)):
        raise DataError(f"{node.data}: {len(counts)} repeats do not fit {len(shape_of(x))} dimensions")
    node.require_size([n * k for n, k in zip(shape_of(x), counts, strict=True)])
    return ops.tile(x, counts) if counts else x


@onnx_operator("Pad", constants=("pads", "value", "axes"))
def _(node: Node, x: Value, pads: Value = None, value: Value = None, axes: Value = None) -> Value:
    mode, shape = PAD_MODES[node.text("mode", "constant", tuple(PAD_MODES))], shape_of(x)
    if pads is None:
        given, number = node.integers("pads"), node.number("value", 0.0)
    else:
        given, number = node.ints(pads, "the pads"), 0.0 if value is None else node.scalar(value, "the value")
    chosen = tuple(range(len(shape))) if axes is None else node.axes(node.ints(axes, "the axes"), len(shape))
    if len(given) != 2 * len(chosen):
        raise DataError(f"{node.data}: {len(given)} pads do not fit {len(chosen)} dimensions")
    widths = [(0, 0)] * len(shape)
    for k, axis in enumerate(chosen):
        widths[axis] = (given[k], given[k + len(chosen)])
    node.require_size([max(n + sum(width), 0) for n, width in zip(shape, widths, strict=True)])
    flat = [n for width in reversed(widths) for n in width]
    return F.pad(x, flat, mode, number if mode == "constant" and number else None)


@onnx_operator("Slice", constants=("starts", "ends", "axes", "steps"))
def _(node: Node, x: Value, starts: Value = None, ends: Value = None, axes: Value = None, steps: Value = None) -> Value:
    if starts is None or ends is None:
        first, last = node.integers("starts"), node.integers("ends")
        given = node.integers("axes", range(len(first)))
    else:
        first, last = node.ints(starts, "the starts"), node.ints(ends, "the ends")
        given = tuple(range(len(first))) if axes is None else node.ints(axes, "the axes")
    strides = (1,) * len(first) if steps is None else node.ints(steps, "the steps")
    if not len(first) == len(last) == len(given) == len(strides) or 0 in strides:
        raise DataError(f"{node.data}: starts, ends, axes and steps must be as many, and no step 0")
    index = [slice(None)] * len(shape_of(x))
    chosen = zip(node.axes(given, len(index)), first, last, strides, strict=True)
    for axis, start, end, step in chosen:
        index[axis] = _shortest(start, end, step, shape_of(x)[axis])
    return ops.getitem(x, index=tuple(index))


def _shortest(start: int, end: int, step: int, size: int) -> slice:
    """A slice without what it need not say."""
    if step > 0:
        from_start, to_end = start == 0 or start <= -size, end >= size
    else:
        from_start, to_end = start == -1 or start >= size - 1, end < -size
    return slice(None if from_start else start, None if to_end else end, None if step == 1 else step)


@onnx_operator("DepthToSpace")
def _(node: Node, x: Value) -> Value:
    size, (n, c, h, w) = _block(node), _image(node, x)
    if c % size**2:
        raise DataError(f"{node.data}: {c} channels do not make blocks of {size} x {size}")
    if node.text("mode", "DCR", ("DCR", "CRD")) == "CRD":
        return F.pixel_shuffle(x, size)
    apart = ops.reshape(x, shape=(n, size, size, c // size**2, h, w))
    return ops.reshape(ops.permute_dims(apart, axes=(0, 3, 4, 1, 5, 2)), shape=(n, c // size**2, h * size, w * size))


@onnx_operator("SpaceToDepth")
def _(node: Node, x: Value) -> Value:
    size, (n, c, h, w) = _block(node), _image(node, x)
    if h % size or w % size:
        raise DataError(f"{node.data}: {h} x {w} pixels are no blocks of {size} x {size}")
    if node.text("mode", "DCR", ("DCR", "CRD")) == "CRD":
        return F.pixel_unshuffle(x, size)
    apart = ops.reshape(x, shape=(n, c, h // size, size, w // size, size))
    together = ops.permute_dims(apart, axes=(0, 3, 5, 1, 2, 4))
    return ops.reshape(together, shape=(n, c * size**2, h // size, w // size))


def _block(node: Node) -> int:
    size = node.integer("blocksize")
    if not 1 <= size < 2**16:
        raise DataError(f"{node.data}: a blocksize of {size} is impossible")
    return size


def _image(node: Node, x: Value) -> Sequence[int]:
    shape = shape_of(x)
    if len(shape) != 4:
        raise DataError(f"{node.data} takes images (N, C, H, W), got the shape {shape}")
    return shape


@onnx_operator("Trilu", constants=("k",))
def _(node: Node, x: Value, k: Value = None) -> Value:
    shape = shape_of(x)
    offset = 0 if k is None else int(node.scalar(k, "the diagonal"))
    offset = max(min(offset, max(shape[-2:], default=0)), -max(shape[-2:], default=0))
    return (ops.triu if node.flag("upper", True) else ops.tril)(x, k=offset)


@onnx_operator("CenterCropPad", constants=("shape",))
def _(node: Node, x: Value, shape: Value) -> Value:
    sizes, ndim = node.ints(shape, "the shape"), len(shape_of(x))
    axes = node.axes(node.integers("axes", range(ndim)), ndim)
    widths = [(0, 0)] * ndim
    target = list(shape_of(x))
    for axis, size in zip(axes, sizes, strict=True):
        target[axis] = size
        more = size - shape_of(x)[axis]
        before = more // 2 if more >= 0 else -((-more) // 2)
        widths[axis] = (before, more - before)
    node.require_size(target)
    return F.pad(x, [n for width in reversed(widths) for n in width])


@onnx_operator("ReverseSequence", constants=("lengths",))
def _(node: Node, x: Value, lengths: Value) -> Value:
    time, batch = node.integer("time_axis", 0), node.integer("batch_axis", 1)
    shape = shape_of(x)
    if {time, batch} != {0, 1} or len(shape) < 2:
        raise DataError(f"{node.data}: time and batch are the first two dimensions")
    counts = np.asarray(node.ints(lengths, "the lengths"))[:, None]
    places = np.arange(shape[time])[None]
    source = np.where(places < counts, counts - 1 - places, places)  # (batch, time)
    rows = np.arange(shape[batch])[:, None]
    index = (rows, source) if batch == 0 else (source.T, rows.T)
    return ops.getitem(x, index=index)


@onnx_operator("Compress", constants=("condition",))
def _(node: Node, x: Value, condition: Value) -> Value:
    mask = raw(condition).astype(bool).reshape(-1)
    if node.has("axis"):
        axis = node.axis(node.integer("axis"), len(shape_of(x)))
    else:
        x, axis = ops.reshape(x, shape=(-1,)), 0
    return ops.take(x, np.flatnonzero(mask[: shape_of(x)[axis]]), axis=axis)
