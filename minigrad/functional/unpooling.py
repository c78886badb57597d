"""Max unpooling: the largest elements of windows put back to where max pooling found them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from minigrad import ops
from minigrad.autograd.tensor import Tensor
from minigrad.errors import ShapeError, UsageError
from minigrad.functional.common import on_batch, on_rows, row_setting, row_stride
from minigrad.kernels.window_geometry import transposed_size
from minigrad.shapes import per_axis, shape_of
from minigrad.typing import Array, ArrayLike, PairLike


def max_unpool2d(
    x: ArrayLike,
    indices: ArrayLike,
    kernel_size: PairLike,
    stride: PairLike | None = None,
    padding: PairLike = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:
    """out = zeros, with each element of x put at the position that `max_pool2d` found it at.

    Of several elements for one pixel the last one counts, and only that one gets a gradient (in PyTorch, all do).

    Args:
        x: the largest elements of windows.
        indices: the position h*W + w of each, the second result of `max_pool2d`.
        kernel_size: the rows and columns P, Q of a window.
        stride: pixels between neighboring windows; the kernel's size unless given.
        padding: pixels around the image that windows reached (default 0).
        output_size: the height and width of the result, last in it; what the other settings lead to unless given.

    Shapes: x and indices (N, C, I, J) or (C, I, J) -> (N, C, H, W) or (C, H, W), with
    H = (I - 1)*stride - 2*padding + P unless `output_size` says otherwise, and W likewise.

    Raises:
        ShapeError: x and indices differ in shape.
        UsageError: an index lies outside of the result.

    Source: Zeiler and Fergus 2014, "Visualizing and understanding convolutional networks", arXiv:1311.2901.
    """
    return _max_unpool(x, indices, kernel_size, stride, padding, output_size, 2)


def max_unpool3d(
    x: ArrayLike,
    indices: ArrayLike,
    kernel_size: PairLike,
    stride: PairLike | None = None,
    padding: PairLike = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:
    """out = zeros, with each element of x put at the position that `max_pool3d` found it at.

    Of several elements for one place the last one counts, and only that one gets a gradient (in PyTorch, all do).

    Args:
        x: the largest elements of windows.
        indices: the position (d*H + h)*W + w of each, the second result of `max_pool3d`.
        kernel_size: the depth, rows and columns R, P, Q of a window, or one number for all; likewise below.
        stride: elements between neighboring windows; the kernel's size unless given.
        padding: elements around the volume that windows reached (default 0).
        output_size: depth, height and width of the result, last in it; what the other settings lead to unless given.

    Shapes: x and indices (N, C, K, I, J) or (C, K, I, J) -> (N, C, D, H, W) or (C, D, H, W), with
    D = (K - 1)*stride - 2*padding + R unless `output_size` says otherwise, and H and W likewise.

    Raises:
        ShapeError: x and indices differ in shape.
        UsageError: an index lies outside of the result.
    """
    return _max_unpool(x, indices, kernel_size, stride, padding, output_size, 3)


def _max_unpool(
    x: ArrayLike,
    indices: ArrayLike,
    kernel_size: PairLike,
    stride: PairLike | None,
    padding: PairLike,
    output_size: Sequence[int] | None,
    sides: int,
) -> Tensor:
    name = f"max_unpool{sides}d"
    kernel, padding = per_axis(kernel_size, sides), per_axis(padding, sides)
    stride = kernel if stride is None else per_axis(stride, sides)
    if shape_of(x) != shape_of(indices):
        raise ShapeError(f"{name}: x has shape {shape_of(x)}, but indices {shape_of(indices)}: they go in pairs")
    places = np.asarray(indices.data if isinstance(indices, Tensor) else indices)
    natural = [transposed_size(*axis) for axis in zip(places.shape[-sides:], kernel, stride, padding, strict=True)]
    size = tuple(natural if output_size is None else output_size)[-sides:]
    if places.size and not (places.min() >= 0 and places.max() < math.prod(size)):
        raise UsageError(
            f"{name}: indices run from {places.min()} to {places.max()}, but the result has "
            f"{' x '.join(map(str, size))} elements: give the output_size of what was pooled"
        )
    kept = ops.where(_is_last(places, math.prod(size), sides), x, 0)

    def spread(values: ArrayLike) -> Tensor:
        batch = places.reshape(shape_of(values)).astype(np.int32)
        return ops.max_unpool(values, batch, shape=(*batch.shape[:2], *size))

    return on_batch(spread, kept, sides + 2)


def _is_last(places: Array, pixels: int, sides: int) -> Array:
    """For each place (..., I, J) whether no later one of the same image is equal."""
    flat = places.reshape(math.prod(places.shape[:-sides]), math.prod(places.shape[-sides:]))
    order = np.broadcast_to(np.arange(flat.shape[1]), flat.shape)
    owner = np.zeros((len(flat), pixels), np.intp)
    np.put_along_axis(owner, flat, order, axis=1)
    last: Array = np.take_along_axis(owner, flat, axis=1) == order
    return last.reshape(places.shape)


def max_unpool1d(
    x: ArrayLike,
    indices: ArrayLike,
    kernel_size: int,
    stride: int | None = None,
    padding: int = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:
    """out = zeros, with each element of x put at the position that `max_pool1d` found it at.

    Of several elements for one place the last one counts, and only that one gets a gradient.

    Args:
        x: the largest elements of windows.
        indices: the position of each, the second result of `max_pool1d`.
        kernel_size: the elements Q of a window.
        stride: elements between neighboring windows; the kernel's size unless given.
        padding: elements at both ends that windows reached (default 0).
        output_size: the length of the result, last in it; what the other settings lead to unless given.

    Shapes: x and indices (N, C, J) or (C, J) -> (N, C, T) or (C, T), with T = (J - 1)*stride - 2*padding + Q unless
    `output_size` says otherwise.

    Raises:
        ShapeError: x and indices differ in shape.
        UsageError: an index lies outside of the result; a setting that is no single integer.
    """
    size = None if output_size is None else (1, tuple(output_size)[-1])
    settings = (row_setting(kernel_size), row_stride(stride), row_setting(padding, 0), size)
    places = ops.expand_dims(indices, axis=-2)
    return on_rows(lambda rows: max_unpool2d(rows, places, *settings), x)
