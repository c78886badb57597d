"""Pooling: the largest element, the mean or the p-norm of each window."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad import kernels, ops
from minigrad.autograd.batched_array import any_true
from minigrad.autograd.python_call import python_check
from minigrad.autograd.tensor import Tensor
from minigrad.errors import UsageError
from minigrad.functional.common import on_batch, on_rows, row_setting, tensor_or_array
from minigrad.functional.reduction import raw
from minigrad.ops.pooling import pooling
from minigrad.shapes import pair, shape_of
from minigrad.typing import Array, ArrayLike, Pair, PairLike, Settings


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
    settings: Settings = {
        "kernel": kernel_size, "stride": stride, "padding": padding, "dilation": dilation, "ceil_mode": ceil_mode
    }  # fmt: skip
    if not return_indices:
        return on_batch(lambda images: ops.max_pool(images, **settings), x, 4)
    return _with_indices(lambda images: ops.max_positions(images, **settings), x)


def _with_indices(positions_of: Callable[[ArrayLike], Tensor], x: ArrayLike) -> tuple[Tensor, Tensor]:
    """The largest elements, and where they are."""
    positions = on_batch(positions_of, x, 4)
    batched = len(shape_of(x)) == 4
    images, places = (x, positions) if batched else (ops.expand_dims(y, axis=0) for y in (x, positions))
    out = ops.pool_take(images, places)
    if _any_missed(raw(places)):  # a dilated window can miss all pixels
        out = ops.where(ops.less(places, 0), -np.inf, out)
    wide = positions.astype(np.int64)
    return (out if batched else ops.squeeze(out, axis=0)), wide


@python_check
def _any_missed(places: Array) -> bool:
    return any_true(places < 0)


def avg_pool2d(
    x: ArrayLike,
    kernel_size: PairLike,
    stride: PairLike | None = None,
    padding: PairLike = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """out[n,c,i,j] = the mean of x[n, c, stride*i + p - padding, stride*j + q - padding] over p, q.

    Args:
        x: images, or one image.
        kernel_size: the rows and columns P, Q of a window.
        stride: pixels between neighboring windows; the kernel's size unless given.
        padding: pixels of zeros around the image, at most half of the kernel (default 0).
        ceil_mode: whether a last window may reach over the edge, if it begins inside (default False).
        count_include_pad: whether pixels of the padding count in the mean (default True).
        divisor_override: what the sum of each window is divided by; the number of its pixels unless given.

    Shapes: x (N, C, H, W) or (C, H, W) -> (N, C, I, J) or (C, I, J), I and J as for `conv2d`, rounded up with
    `ceil_mode`.

    Raises:
        DTypeError: x is not floating.
        ShapeError: the kernel is larger than the padded image; a setting that is too small, a padding that is too
            large.
        UsageError: divisor_override is 0; a setting that is neither one integer nor two.

    Source: LeCun et al. 1998, "Gradient-based learning applied to document recognition" (subsampling).
    """
    settings: Settings = {"kernel": kernel_size, "stride": stride, "padding": padding, "ceil_mode": ceil_mode}
    if divisor_override is None:
        return on_batch(lambda images: ops.avg_pool(images, count_include_pad=count_include_pad, **settings), x, 4)
    if divisor_override == 0:
        raise UsageError("avg_pool2d: divisor_override must not be 0")
    means = on_batch(lambda images: ops.avg_pool(images, **settings), x, 4)
    return ops.multiply(means, _areas(x, settings) / means.dtype.type(divisor_override))


def _areas(x: ArrayLike, settings: Settings) -> Array:
    """How many pixels of the padded image each window covers: what `avg_pool` divides by."""
    x = tensor_or_array(x)
    exact = pooling(x, **settings)
    size = shape_of(x)[-2:]
    kernel, stride, padding = exact["kernel"], exact["stride"], exact["padding"]
    return kernels.window_areas(size, exact["size"], kernel, stride, padding, True, x.dtype)


def lp_pool2d(
    x: ArrayLike, norm_type: float, kernel_size: PairLike, stride: PairLike | None = None, ceil_mode: bool = False
) -> Tensor:
    """out[n,c,i,j] = (sum of |x|^p over the window at (i, j))^(1/p): its p-norm, p = 2 being L2 pooling.

    It does not overflow before its result does, and the gradient of a window of zeros is 0. (PyTorch's sum is of x^p,
    which for even p is the same, and for odd p and negative x is no norm.)

    Args:
        x: images, or one image.
        norm_type: the order p of the norm, above 0; with inf it is the largest |x|.
        kernel_size: the rows and columns P, Q of a window.
        stride: pixels between neighboring windows; the kernel's size unless given.
        ceil_mode: whether a last window may reach over the edge, if it begins inside: it counts as if its mean went on
            (default False).

    Shapes: x (N, C, H, W) or (C, H, W) -> (N, C, I, J) or (C, I, J), I and J as for `conv2d`, rounded up with
    `ceil_mode`.

    Raises:
        DTypeError: x is not floating.
        ShapeError: the kernel is larger than the image; a setting that is too small.
        UsageError: norm_type is not positive; a setting that is neither one integer nor two.

    Source: Sermanet et al. 2012, "Convolutional neural networks applied to house numbers digit classification",
    arXiv:1204.3968.
    """
    if not norm_type > 0:
        raise UsageError(f"lp_pool2d: norm_type must be positive, got {norm_type}")
    settings: Settings = {"kernel": kernel_size, "stride": stride, "ceil_mode": ceil_mode}

    def norms(images: ArrayLike) -> Tensor:
        exact = pooling(images, **settings)
        read = ops.unfold(images, kernel=exact["kernel"], stride=exact["stride"], count=exact["size"])
        return ops.vector_norm(read, axis=(2, 3), ord=norm_type)

    out = on_batch(norms, x, 4)
    if not ceil_mode or norm_type == math.inf:
        return out
    return ops.multiply(out, (math.prod(pair(kernel_size)) / _areas(x, settings)) ** (1 / norm_type))


# ---- sequences -----------------------------------------------------------------------------------------------


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


def avg_pool1d(
    x: ArrayLike,
    kernel_size: int,
    stride: int | None = None,
    padding: int = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """out[n,c,j] = the mean of x[n, c, stride*j + q - padding] over q.

    Args:
        x: sequences, or one sequence.
        kernel_size: the elements Q of a window.
        stride: elements between neighboring windows; the kernel's size unless given.
        padding: zeros at both ends, at most half of the kernel (default 0).
        ceil_mode: whether a last window may reach over the end, if it begins inside (default False).
        count_include_pad: whether the padding counts in the mean (default True).

    Shapes: x (N, C, T) or (C, T) -> (N, C, J) or (C, J), J as for `conv1d`, rounded up with `ceil_mode`.

    Raises:
        DTypeError: x is not floating.
        ShapeError: the kernel is longer than the padded sequence; a setting that is too small, a padding that is too
            large.
        UsageError: a setting that is no single integer.
    """
    settings = (row_setting(kernel_size), row_stride(stride), row_setting(padding, 0), ceil_mode, count_include_pad)
    return on_rows(lambda rows: avg_pool2d(rows, *settings), x)


def lp_pool1d(
    x: ArrayLike, norm_type: float, kernel_size: int, stride: int | None = None, ceil_mode: bool = False
) -> Tensor:
    """out[n,c,j] = (sum of |x|^p over the window at j)^(1/p): its p-norm, as in `lp_pool2d`.

    Args:
        x: sequences, or one sequence.
        norm_type: the order p of the norm, above 0; with inf it is the largest |x|.
        kernel_size: the elements Q of a window.
        stride: elements between neighboring windows; the kernel's size unless given.
        ceil_mode: whether a last window may reach over the end, if it begins inside (default False).

    Shapes: x (N, C, T) or (C, T) -> (N, C, J) or (C, J), J as for `conv1d`, rounded up with `ceil_mode`.

    Raises:
        DTypeError: x is not floating.
        ShapeError: the kernel is longer than the sequence; a setting that is too small.
        UsageError: norm_type is not positive; a setting that is no single integer.
    """
    settings = (norm_type, row_setting(kernel_size), row_stride(stride), ceil_mode)
    return on_rows(lambda rows: lp_pool2d(rows, *settings), x)


def row_stride(stride: int | None) -> Pair | None:
    """The stride along sequences that are images one row high."""
    return None if stride is None else row_setting(stride)
