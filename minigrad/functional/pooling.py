"""Pooling: one value for each window. Windows may overlap."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad import kernels, ops
from minigrad.autograd.tensor import Tensor
from minigrad.errors import ShapeError, UsageError
from minigrad.functional.common import on_batch, on_rows, row_setting
from minigrad.kernels.window_geometry import transposed_size
from minigrad.ops.pooling import pooling
from minigrad.shapes import pair, shape_of
from minigrad.typing import PairLike, Settings


def max_pool2d(
    x: Any,
    kernel_size: PairLike,
    stride: PairLike | None = None,
    padding: PairLike = 0,
    dilation: PairLike = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest element of each window; at a tie the first one gets the gradient.

    Shapes: x (N, C, H, W) or (C, H, W) -> (N, C, I, J). The stride is the kernel's size unless given. With
    `return_indices` a second result of the same shape says where each is, as h*W + w, for `max_unpool2d`.
    """
    settings: Settings = {
        "kernel": kernel_size, "stride": stride, "padding": padding, "dilation": dilation, "ceil_mode": ceil_mode
    }  # fmt: skip
    if not return_indices:
        return on_batch(lambda images: ops.max_pool(images, **settings), x, 4)
    return _with_indices(lambda images: ops.max_positions(images, **settings), x)


def _with_indices(positions_of: Any, x: Any) -> tuple[Tensor, Any]:
    """The largest elements, and where they are."""
    positions = on_batch(positions_of, x, 4)
    batched = len(shape_of(x)) == 4
    images, places = (x, positions) if batched else (ops.expand_dims(y, axis=0) for y in (x, positions))
    out = ops.pool_take(images, places)
    empty = np.asarray(places.data if isinstance(places, Tensor) else places) < 0
    if empty.any():  # a dilated window can miss all pixels
        out = ops.where(empty, -np.inf, out)
    wide = positions.astype(np.int64)
    return (out if batched else ops.squeeze(out, axis=0)), wide


def max_unpool2d(
    x: Any,
    indices: Any,
    kernel_size: PairLike,
    stride: PairLike | None = None,
    padding: PairLike = 0,
    output_size: Any = None,
) -> Tensor:
    """Each element put where `max_pool2d` found it, in zeros.

    Of several elements for one pixel the last one counts, and only that one gets a gradient (in PyTorch, all do).

    Shapes: x and indices (N, C, I, J) or (C, I, J) -> (N, C, H, W), with H = (I - 1)*stride - 2*padding + P unless
    `output_size` says otherwise, and W likewise.

    Raises:
        ShapeError: x and indices differ in shape.
        UsageError: an index lies outside of the result.
    """
    kernel, padding = pair(kernel_size), pair(padding)
    stride = kernel if stride is None else pair(stride)
    if shape_of(x) != shape_of(indices):
        raise ShapeError(f"max_unpool2d: x has shape {shape_of(x)}, but indices {shape_of(indices)}: they go in pairs")
    places = np.asarray(indices.data if isinstance(indices, Tensor) else indices)
    size = [transposed_size(*axis) for axis in zip(places.shape[-2:], kernel, stride, padding, strict=True)]
    height, width = size if output_size is None else tuple(output_size)[-2:]
    if places.size and not (places.min() >= 0 and places.max() < height * width):
        raise UsageError(
            f"max_unpool2d: indices run from {places.min()} to {places.max()}, but the result has {height} x {width} "
            "pixels: give the output_size of what was pooled"
        )
    kept = ops.where(_is_last(places, height * width), x, 0)

    def spread(values: Any) -> Tensor:
        batch = places.reshape(shape_of(values)).astype(np.int32)
        return ops.max_unpool(values, batch, shape=(*batch.shape[:2], height, width))

    return on_batch(spread, kept, 4)


def _is_last(places: Any, pixels: int) -> Any:
    """For each place (..., I, J) whether no later one of the same image is equal."""
    flat = places.reshape(math.prod(places.shape[:-2]), math.prod(places.shape[-2:]))
    order = np.broadcast_to(np.arange(flat.shape[1]), flat.shape)
    owner = np.zeros((len(flat), pixels), np.intp)
    np.put_along_axis(owner, flat, order, axis=1)
    return (np.take_along_axis(owner, flat, axis=1) == order).reshape(places.shape)


def avg_pool2d(
    x: Any,
    kernel_size: PairLike,
    stride: PairLike | None = None,
    padding: PairLike = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """The mean of each window; padding counts as zeros unless `count_include_pad` is False.

    With `divisor_override`, the sum of each window over that number.

    Shapes: x (N, C, H, W) or (C, H, W) -> (N, C, I, J). The stride is the kernel's size unless given.
    """
    settings: Settings = {"kernel": kernel_size, "stride": stride, "padding": padding, "ceil_mode": ceil_mode}
    if divisor_override is None:
        return on_batch(lambda images: ops.avg_pool(images, count_include_pad=count_include_pad, **settings), x, 4)
    if divisor_override == 0:
        raise UsageError("avg_pool2d: divisor_override must not be 0")
    means = on_batch(lambda images: ops.avg_pool(images, **settings), x, 4)
    return ops.multiply(means, _areas(x, settings) / means.dtype.type(divisor_override))


def _areas(x: Any, settings: dict[str, Any]) -> Any:
    """How many pixels of the padded image each window covers: what `avg_pool` divides by."""
    exact = pooling(x, **settings)
    size = shape_of(x)[-2:]
    kernel, stride, padding = exact["kernel"], exact["stride"], exact["padding"]
    return kernels.window_areas(size, exact["size"], kernel, stride, padding, True, x.dtype)


def lp_pool2d(
    x: Any, norm_type: float, kernel_size: PairLike, stride: PairLike | None = None, ceil_mode: bool = False
) -> Tensor:
    """The p-norm of each window, (sum of |x|^p)^(1/p), with p = `norm_type`: 2 is L2 pooling, inf the largest |x|.

    It does not overflow before its result does, and the gradient of a window of zeros is 0. (PyTorch's sum is of
    x^p, which for even p is the same, and for odd p and negative x is no norm.) With `ceil_mode`, windows over the edge
    count as if their mean went on.

    Shapes: x (N, C, H, W) or (C, H, W) -> (N, C, I, J). The stride is the kernel's size unless given.

    Raises:
        UsageError: norm_type is not positive.

    Source: Sermanet et al. 2012, arXiv:1204.3968.
    """
    if not norm_type > 0:
        raise UsageError(f"lp_pool2d: norm_type must be positive, got {norm_type}")
    settings: dict[str, Any] = {"kernel": kernel_size, "stride": stride, "ceil_mode": ceil_mode}

    def norms(images: Any) -> Tensor:
        exact = pooling(images, **settings)
        read = ops.unfold(images, kernel=exact["kernel"], stride=exact["stride"], count=exact["size"])
        return ops.vector_norm(read, axis=(2, 3), ord=norm_type)

    out = on_batch(norms, x, 4)
    if not ceil_mode or norm_type == math.inf:
        return out
    return ops.multiply(out, (math.prod(pair(kernel_size)) / _areas(x, settings)) ** (1 / norm_type))


# ---- sequences -----------------------------------------------------------------------------------------------


def max_pool1d(
    x: Any,
    kernel_size: int,
    stride: int | None = None,
    padding: int = 0,
    dilation: int = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest element of each window of a sequence. Shapes: x (N, C, T) or (C, T) -> (N, C, J).

    With `return_indices` a second result of the same shape says where each is, for `max_unpool1d`.
    """
    settings = (row_setting(kernel_size), _along(stride), row_setting(padding, 0), row_setting(dilation), ceil_mode)
    if not return_indices:
        return on_rows(lambda rows: max_pool2d(rows, *settings), x)
    out, positions = max_pool2d(ops.expand_dims(x, axis=-2), *settings, return_indices=True)
    return ops.squeeze(out, axis=-2), ops.squeeze(positions, axis=-2)


def max_unpool1d(
    x: Any, indices: Any, kernel_size: int, stride: int | None = None, padding: int = 0, output_size: Any = None
) -> Tensor:
    """Each element put where `max_pool1d` found it, in zeros. Shapes: x and indices (N, C, J) or (C, J) -> (N, C, T).

    T is (J - 1)*stride - 2*padding + Q unless `output_size` ends with another.
    """
    size = None if output_size is None else (1, tuple(output_size)[-1])
    settings = (row_setting(kernel_size), _along(stride), row_setting(padding, 0), size)
    places = ops.expand_dims(indices, axis=-2)
    return on_rows(lambda rows: max_unpool2d(rows, places, *settings), x)


def avg_pool1d(
    x: Any,
    kernel_size: int,
    stride: int | None = None,
    padding: int = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """The mean of each window of a sequence. Shapes: x (N, C, T) or (C, T) -> (N, C, J)."""
    settings = (row_setting(kernel_size), _along(stride), row_setting(padding, 0), ceil_mode, count_include_pad)
    return on_rows(lambda rows: avg_pool2d(rows, *settings), x)


def lp_pool1d(x: Any, norm_type: float, kernel_size: int, stride: int | None = None, ceil_mode: bool = False) -> Tensor:
    """The p-norm of each window of a sequence; see `lp_pool2d`. Shapes: x (N, C, T) or (C, T) -> (N, C, J)."""
    settings = (norm_type, row_setting(kernel_size), _along(stride), ceil_mode)
    return on_rows(lambda rows: lp_pool2d(rows, *settings), x)


def _along(stride: int | None) -> tuple[int, int] | None:
    return None if stride is None else row_setting(stride)
