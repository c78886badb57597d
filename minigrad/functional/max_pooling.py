"""Max pooling: the largest element of each window, and where it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.autograd.batched_array import any_true
from minigrad.autograd.python_call import python_check
from minigrad.autograd.tensor import Tensor
from minigrad.functional.common import on_batch, on_rows, row_setting, row_stride
from minigrad.functional.reduction import raw
from minigrad.shapes import shape_of
from minigrad.typing import Array, ArrayLike, PairLike, Settings


def max_pool2d(
    x: ArrayLike,
    kernel_size: PairLike,
    stride: PairLike | None = None,
    padding: PairLike = 0,
    dilation: PairLike = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:  # a Tensor, or two
    """out[n,c,i,j] = the largest x[n, c, stride*i + dilation*p - padding, stride*j + dilation*q - padding] over p, q.

    At a tie the first one in row-major order gets the gradient. What lies outside of x is never the largest.

    Args:
        x: images, or one image.
        kernel_size: the rows and columns P, Q of a window.
        stride: pixels between neighboring windows; the kernel's size unless given.
        padding: pixels around the image that windows may reach, at most half of the kernel (default 0).
        dilation: pixels between the taps of a window (default 1).
        ceil_mode: whether a last window may reach over the edge, if it begins inside (default False).
        return_indices: whether to say where each is, too (default False).

    Returns:
        The largest elements; with `return_indices` two results, the second with the position h*W + w of each, as
        `max_unpool2d` takes it.

    Shapes: x (N, C, H, W) or (C, H, W) -> (N, C, I, J) or (C, I, J), I and J as for `conv2d`, rounded up with
    `ceil_mode`.

    Raises:
        DTypeError: x is not floating.
        ShapeError: the kernel is larger than the padded image; a setting that is too small, a padding that is too
            large.
        UsageError: a setting that is neither one integer nor two.

    Source: Ranzato et al. 2007, "Unsupervised learning of invariant feature hierarchies with applications to object
    recognition".

    >>> max_pool2d(Tensor([[[1.0, 5.0, 2.0, 0.0], [3.0, 4.0, 8.0, 1.0]]]), 2).tolist()
    [[[5.0, 8.0]]]
    """
    return _max_pool(x, kernel_size, stride, padding, dilation, ceil_mode, return_indices, 2)


def max_pool3d(
    x: ArrayLike,
    kernel_size: PairLike,
    stride: PairLike | None = None,
    padding: PairLike = 0,
    dilation: PairLike = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:  # a Tensor, or two
    """out[n,c,k,i,j] = the largest x[n, c, stride*k + dilation*r - padding, ...] over r, p, q.

    At a tie the first one in row-major order gets the gradient. What lies outside of x is never the largest.

    Args:
        x: volumes, or one volume.
        kernel_size: the depth, rows and columns R, P, Q of a window, or one number for all; likewise below.
        stride: elements between neighboring windows; the kernel's size unless given.
        padding: elements around the volume that windows may reach, at most half of the kernel (default 0).
        dilation: elements between the taps of a window (default 1).
        ceil_mode: whether a last window may reach over the end, if it begins inside (default False).
        return_indices: whether to say where each is, too (default False).

    Returns:
        The largest elements; with `return_indices` two results, the second with the position (d*H + h)*W + w of each,
        as `max_unpool3d` takes it.

    Shapes: x (N, C, D, H, W) or (C, D, H, W) -> (N, C, K, I, J) or (C, K, I, J), K, I and J as for `conv3d`, rounded up
    with `ceil_mode`.

    Raises:
        DTypeError: x is not floating.
        ShapeError: the kernel is larger than the padded volume; a setting that is too small, a padding that is too
            large.
        UsageError: a setting that is neither one integer nor three.

    >>> max_pool3d(Tensor([[[[1.0, 5.0]], [[3.0, 4.0]]]]), (2, 1, 1)).tolist()
    [[[[3.0, 5.0]]]]
    """
    return _max_pool(x, kernel_size, stride, padding, dilation, ceil_mode, return_indices, 3)


def max_pool1d(
    x: ArrayLike,
    kernel_size: int,
    stride: int | None = None,
    padding: int = 0,
    dilation: int = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:  # a Tensor, or two
    """out[n,c,j] = the largest x[n, c, stride*j + dilation*q - padding] over q.

    At a tie the first one gets the gradient. What lies outside of x is never the largest.

    Args:
        x: sequences, or one sequence.
        kernel_size: the elements Q of a window.
        stride: elements between neighboring windows; the kernel's size unless given.
        padding: elements at both ends that windows may reach, at most half of the kernel (default 0).
        dilation: elements between the taps of a window (default 1).
        ceil_mode: whether a last window may reach over the end, if it begins inside (default False).
        return_indices: whether to say where each is, too (default False).

    Returns:
        The largest elements; with `return_indices` two results, the second with the position of each, as `max_unpool1d`
        takes it.

    Shapes: x (N, C, T) or (C, T) -> (N, C, J) or (C, J), J as for `conv1d`, rounded up with `ceil_mode`.

    Raises:
        DTypeError: x is not floating.
        ShapeError: the kernel is longer than the padded sequence; a setting that is too small, a padding that is too
            large.
        UsageError: a setting that is no single integer.
    """
    settings = (row_setting(kernel_size), row_stride(stride), row_setting(padding, 0), row_setting(dilation), ceil_mode)
    if not return_indices:
        return on_rows(lambda rows: max_pool2d(rows, *settings), x)
    out, positions = max_pool2d(ops.expand_dims(x, axis=-2), *settings, return_indices=True)
    return ops.squeeze(out, axis=-2), ops.squeeze(positions, axis=-2)


def _max_pool(
    x: ArrayLike,
    kernel_size: PairLike,
    stride: PairLike | None,
    padding: PairLike,
    dilation: PairLike,
    ceil_mode: bool,
    return_indices: bool,
    sides: int,
) -> Any:  # a Tensor, or two
    settings: Settings = {
        "kernel": kernel_size, "stride": stride, "padding": padding, "dilation": dilation, "ceil_mode": ceil_mode
    }  # fmt: skip
    if not return_indices:
        return on_batch(lambda images: ops.max_pool(images, **settings), x, sides + 2)
    return with_indices(lambda images: ops.max_positions(images, **settings), x, sides)


def with_indices(positions_of: Callable[[ArrayLike], Tensor], x: ArrayLike, sides: int) -> tuple[Tensor, Tensor]:
    """The largest elements, and where they are."""
    positions = on_batch(positions_of, x, sides + 2)
    batched = len(shape_of(x)) == sides + 2
    images, places = (x, positions) if batched else (ops.expand_dims(y, axis=0) for y in (x, positions))
    out = ops.pool_take(images, places)
    if _any_missed(raw(places)):  # a dilated window can miss all pixels
        out = ops.where(ops.less(places, 0), -np.inf, out)
    wide = positions.astype(np.int64)
    return (out if batched else ops.squeeze(out, axis=0)), wide


@python_check
def _any_missed(places: Array) -> bool:
    return any_true(places < 0)
