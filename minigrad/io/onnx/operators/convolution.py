"""Convolution and its transpose, of sequences, images and volumes."""

from __future__ import annotations

import math

import numpy as np

from minigrad import functional as F  # noqa: N812
from minigrad import ops
from minigrad.errors import DataError, ShapeError
from minigrad.io.onnx.importer.node import Node, raw
from minigrad.io.onnx.importer.registry import onnx_operator
from minigrad.io.onnx.operators.windows import AUTO_PAD, Windows, padded, settings, windows
from minigrad.shapes import shape_of
from minigrad.typing import Value


@onnx_operator("Conv", note="of sequences, images and volumes")
def _(node: Node, x: Value, w: Value, b: Value = None) -> Value:
    shape, kernel = shape_of(x), _kernel(node, x, w)
    geometry = windows(node, shape[2:], kernel)
    node.require_size((shape[0], shape_of(w)[0], *geometry.count))
    groups = node.integer("group", 1)
    if groups < 1 or shape_of(w)[1] * groups != shape[1] or shape_of(w)[0] % groups:
        raise ShapeError(
            f"{node.data}: {shape[1]} channels in {groups} groups do not fit a kernel of shape {shape_of(w)}"
        )
    if len(kernel) == 1:
        flat = _as_image(geometry)
        out = _convolved(node, ops.expand_dims(x, axis=2), ops.expand_dims(w, axis=2), b, flat, groups)
        return ops.squeeze(out, axis=2)
    if len(kernel) > 3:
        node.refuse(f"convolution with {len(kernel)} sides is not supported")
    return _convolved(node, x, w, b, geometry, groups)


def _kernel(node: Node, x: Value, w: Value) -> tuple[int, ...]:
    """The kernel's sizes, which an attribute may repeat."""
    if len(shape_of(x)) != len(shape_of(w)) or len(shape_of(x)) < 3:
        raise ShapeError(f"{node.data}: x of shape {shape_of(x)} does not fit a kernel of shape {shape_of(w)}")
    kernel = shape_of(w)[2:]
    told = node.integers("kernel_shape", kernel)
    if told != kernel:
        raise DataError(f"{node.data}: kernel_shape {told} is not that of the kernel, {kernel}")
    return kernel


def _as_image(w: Windows) -> Windows:
    """Windows over sequences as such over images of one row."""
    size, kernel, stride, dilation = ((1, *numbers) for numbers in (w.size, w.kernel, w.stride, w.dilation))
    return Windows(size, kernel, stride, dilation, (0, *w.before), (0, *w.after), (1, *w.count))


def _convolved(node: Node, x: Value, w: Value, b: Value, geometry: Windows, groups: int) -> Value:
    padding = geometry.before
    if not geometry.symmetric:
        x, padding = padded(node, x, geometry), (0,) * len(padding)
    out = ops.conv(x, w, b, stride=geometry.stride, padding=padding, dilation=geometry.dilation, groups=groups)
    if shape_of(out)[2:] == geometry.count:
        return out
    return ops.getitem(out, index=(slice(None), slice(None), *map(slice, geometry.count)))


@onnx_operator("ConvTranspose", note="of sequences, images and volumes")
def _(node: Node, x: Value, w: Value, b: Value = None) -> Value:
    shape, kernel = shape_of(x), _kernel(node, x, w)
    if shape[1] != shape_of(w)[0]:
        raise ShapeError(f"{node.data}: x of shape {shape} does not fit a kernel of shape {shape_of(w)}")
    sides = len(kernel)
    _, stride, dilation = settings(node, sides, kernel)
    before, after = _cut(node, shape[2:], kernel, stride, dilation)
    full = [(n - 1) * s + d * (k - 1) + 1 for n, s, d, k in zip(shape[2:], stride, dilation, kernel, strict=True)]
    groups = node.integer("group", 1)
    if groups < 1 or shape[1] % groups:
        raise ShapeError(f"{node.data}: {shape[1]} channels do not make {groups} groups")
    node.require_size((shape[0], shape_of(w)[1] * groups, *full))
    if sides > 3:
        node.refuse(f"convolution with {sides} sides is not supported")
    out = _spread(x, w, stride, dilation, groups)
    more = [max(-a, 0) for a in after]
    node.require_size((shape[0], shape_of(w)[1] * groups, *[n + m for n, m in zip(full, more, strict=True)]))
    if any(more):
        out = ops.pad(out, widths=((0, 0), (0, 0), *[(0, m) for m in more]))
    index = tuple(slice(cut, n - max(a, 0)) for cut, a, n in zip(before, after, shape_of(out)[2:], strict=True))
    out = ops.getitem(out, index=(slice(None), slice(None), *index)) if any(before) or max(after) > 0 else out
    return out if b is None else ops.add(out, ops.reshape(b, shape=(-1, *(1,) * sides)))


def _cut(
    node: Node, size: tuple[int, ...], kernel: tuple[int, ...], stride: tuple[int, ...], dilation: tuple[int, ...]
) -> tuple[list[int], list[int]]:
    """How much is cut off at both ends of each side; a negative number is added instead."""
    sides = len(size)
    extra = node.integers("output_padding", (0,) * sides)
    pads = node.integers("pads", (0,) * 2 * sides)
    mode = node.text("auto_pad", "NOTSET", AUTO_PAD)
    if len(extra) != sides or len(pads) != 2 * sides or min(*pads, *extra) < 0 or max(*pads, *extra) > 2**31:
        raise DataError(f"{node.data}: pads {pads} or output_padding {extra} do not fit images with {sides} sides")
    if not node.has("output_shape") and mode in ("NOTSET", "VALID"):
        pads = pads if mode == "NOTSET" else (0,) * 2 * sides
        return list(pads[:sides]), [p - e for p, e in zip(pads[sides:], extra, strict=True)]
    wanted = node.integers("output_shape", [n * s for n, s in zip(size, stride, strict=True)])[-sides:]
    if len(wanted) != sides or min(wanted) < 1:
        raise DataError(f"{node.data}: output_shape {wanted} does not fit images with {sides} sides")
    before, after = [], []
    for n, k, s, d, e, target in zip(size, kernel, stride, dilation, extra, wanted, strict=True):
        total = (n - 1) * s + e + d * (k - 1) + 1 - target
        first = total // 2 if mode == "SAME_UPPER" else total - total // 2
        before.append(max(first, 0))
        after.append(total - max(first, 0) - e)
    return before, after


def _spread(x: Value, w: Value, stride: tuple[int, ...], dilation: tuple[int, ...], groups: int) -> Value:
    """The transposed convolution without padding."""
    if len(stride) == 1:
        images, kernel = ops.expand_dims(x, axis=2), ops.expand_dims(w, axis=2)
        return ops.squeeze(_spread(images, kernel, (1, *stride), (1, *dilation), groups), axis=2)
    spread = F.conv_transpose2d if len(stride) == 2 else F.conv_transpose3d
    return spread(x, w, None, stride, 0, 0, groups, dilation)


@onnx_operator("Col2Im", constants=("image", "block"))
def _(node: Node, x: Value, image: Value, block: Value) -> Value:
    size, kernel = node.ints(image, "the image's shape"), node.ints(block, "the block's shape")
    geometry = windows(node, size, kernel)
    n, depth, count = shape_of(x)
    if depth % math.prod(kernel) or count != math.prod(geometry.count):
        raise ShapeError(f"{node.data}: columns of shape {shape_of(x)} do not fit an image of {size}")
    full = [m + b + max(a, 0) for m, b, a in zip(size, geometry.before, geometry.after, strict=True)]
    channels = depth // math.prod(kernel)
    node.require_size((n, channels, *full))
    read = ops.reshape(x, shape=(n, channels, *kernel, *geometry.count))
    out: Value
    if len(size) in (2, 3):
        out = ops.fold(read, shape=(n, channels, *full), stride=geometry.stride, dilation=geometry.dilation)
    else:
        out = np.zeros((n, channels, *full), raw(x).dtype)
        for place, tap in zip(np.ndindex(*kernel), geometry.taps(), strict=True):
            part = ops.getitem(read, index=(slice(None), slice(None), *place))
            spread = ops.scatter_add(part, index=(slice(None), slice(None), *tap), shape=(n, channels, *full))
            out = ops.add(out, spread)
    index = tuple(slice(b, b + m) for b, m in zip(geometry.before, size, strict=True))
    return ops.getitem(out, index=(slice(None), slice(None), *index))
