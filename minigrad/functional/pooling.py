"""Pooling by means and norms: one number for each window, from all of its elements."""

from __future__ import annotations

import math

import numpy as np

from minigrad import kernels, ops
from minigrad.autograd.tensor import Tensor
from minigrad.errors import UsageError
from minigrad.functional.common import on_batch, on_rows, row_setting, row_stride, tensor_or_array
from minigrad.ops.pooling import pooling
from minigrad.shapes import per_axis, shape_of
from minigrad.typing import Array, ArrayLike, PairLike, Settings


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
    return _avg_pool(x, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override, 2)


def avg_pool3d(
    x: ArrayLike,
    kernel_size: PairLike,
    stride: PairLike | None = None,
    padding: PairLike = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """out[n,c,k,i,j] = the mean of x[n, c, stride*k + r - padding, ...] over r, p, q.

    Args:
        x: volumes, or one volume.
        kernel_size: the depth, rows and columns R, P, Q of a window, or one number for all; likewise below.
        stride: elements between neighboring windows; the kernel's size unless given.
        padding: zeros around the volume, at most half of the kernel (default 0).
        ceil_mode: whether a last window may reach over the end, if it begins inside (default False).
        count_include_pad: whether the padding counts in the mean (default True).
        divisor_override: what the sum of each window is divided by; the number of its elements unless given.

    Shapes: x (N, C, D, H, W) or (C, D, H, W) -> (N, C, K, I, J) or (C, K, I, J), K, I and J as for `conv3d`, rounded up
    with `ceil_mode`.

    Raises:
        DTypeError: x is not floating.
        ShapeError: the kernel is larger than the padded volume; a setting that is too small, a padding that is too
            large.
        UsageError: divisor_override is 0; a setting that is neither one integer nor three.
    """
    return _avg_pool(x, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override, 3)


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
    return _lp_pool(x, norm_type, kernel_size, stride, ceil_mode, 2)


def lp_pool3d(
    x: ArrayLike, norm_type: float, kernel_size: PairLike, stride: PairLike | None = None, ceil_mode: bool = False
) -> Tensor:
    """out[n,c,k,i,j] = (sum of |x|^p over the window at (k, i, j))^(1/p): its p-norm, as in `lp_pool2d`.

    Args:
        x: volumes, or one volume.
        norm_type: the order p of the norm, above 0; with inf it is the largest |x|.
        kernel_size: the depth, rows and columns R, P, Q of a window, or one number for all.
        stride: elements between neighboring windows; the kernel's size unless given.
        ceil_mode: whether a last window may reach over the end, if it begins inside: it counts as if its mean went on
            (default False).

    Shapes: x (N, C, D, H, W) or (C, D, H, W) -> (N, C, K, I, J) or (C, K, I, J), K, I and J as for `conv3d`, rounded up
    with `ceil_mode`.

    Raises:
        DTypeError: x is not floating.
        ShapeError: the kernel is larger than the volume; a setting that is too small.
        UsageError: norm_type is not positive; a setting that is neither one integer nor three.
    """
    return _lp_pool(x, norm_type, kernel_size, stride, ceil_mode, 3)


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


def _avg_pool(
    x: ArrayLike,
    kernel_size: PairLike,
    stride: PairLike | None,
    padding: PairLike,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: int | None,
    sides: int,
) -> Tensor:
    settings: Settings = {"kernel": kernel_size, "stride": stride, "padding": padding, "ceil_mode": ceil_mode}
    if divisor_override is None:
        settings["count_include_pad"] = count_include_pad
        return on_batch(lambda images: ops.avg_pool(images, **settings), x, sides + 2)
    if divisor_override == 0:
        raise UsageError(f"avg_pool{sides}d: divisor_override must not be 0")
    means = on_batch(lambda images: ops.avg_pool(images, **settings), x, sides + 2)
    return ops.multiply(means, _areas(x, settings, sides) / means.dtype.type(divisor_override))


def _lp_pool(
    x: ArrayLike, norm_type: float, kernel_size: PairLike, stride: PairLike | None, ceil_mode: bool, sides: int
) -> Tensor:
    if not norm_type > 0:
        raise UsageError(f"lp_pool{sides}d: norm_type must be positive, got {norm_type}")
    settings: Settings = {"kernel": kernel_size, "stride": stride, "ceil_mode": ceil_mode}

    def norms(images: ArrayLike) -> Tensor:
        exact = pooling(images, **settings)
        read = ops.unfold(images, kernel=exact["kernel"], stride=exact["stride"], count=exact["size"])
        return ops.vector_norm(read, axis=tuple(range(2, 2 + sides)), ord=norm_type)

    out = on_batch(norms, x, sides + 2)
    if not ceil_mode or norm_type == math.inf:
        return out
    return ops.multiply(out, (math.prod(per_axis(kernel_size, sides)) / _areas(x, settings, sides)) ** (1 / norm_type))


def _areas(x: ArrayLike, settings: Settings, sides: int) -> Array:
    """How many pixels of the padded image each window covers: what `avg_pool` divides by."""
    x = tensor_or_array(x)
    size = shape_of(x)[-sides:]
    exact = pooling(np.broadcast_to(np.zeros((), x.dtype), (1, 1, *size)), **settings)
    kernel, stride, padding = exact["kernel"], exact["stride"], exact["padding"]
    return kernels.window_areas(size, exact["size"], kernel, stride, padding, True, x.dtype)
