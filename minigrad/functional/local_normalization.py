"""Normalization of each element by its neighbors: other channels at the same pixel, or pixels around it."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from minigrad import ops
from minigrad.autograd.python_call import python_check
from minigrad.autograd.tensor import Tensor
from minigrad.errors import DataError, ShapeError, UsageError
from minigrad.functional.common import on_batch, tensor_or_array
from minigrad.functional.reduction import dtype_of, raw
from minigrad.shapes import shape_of
from minigrad.typing import Array, ArrayLike, DType, Shape


def local_response_norm(x: ArrayLike, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Tensor:
    """out[n,c,...] = x[n,c,...] / (k + alpha/size * sum of x[n,c',...]^2)^beta, over the `size` channels c' around c.

    These are the channels from c - floor(size/2) to c + floor((size-1)/2), as far as they exist. (The paper's alpha is
    not divided by the size: AlexNet's 1e-4 over 5 channels is alpha=5e-4 here.)

    Args:
        x: a batch of sequences or images.
        size: the number of channels, of at least 1.
        alpha: the factor of the mean of squares (default 1e-4).
        beta: the exponent (default 0.75).
        k: what is added to it (default 1.0).

    Shapes: x (N, C, ...) -> the same.

    Raises:
        DTypeError: x is not floating.
        ShapeError: x has less than three dimensions.
        UsageError: size is not positive.

    Source: Krizhevsky, Sutskever and Hinton 2012, "ImageNet classification with deep convolutional neural networks",
    section 3.3.
    """
    shape = shape_of(x)
    if len(shape) < 3:
        raise ShapeError(f"local_response_norm: expected x (N, C, ...) of 3 or more dimensions, got shape {shape}")
    if size < 1:
        raise UsageError(f"local_response_norm: size must be at least 1, got {size}")
    if 0 in shape:
        return ops.multiply(x, 1)
    x = tensor_or_array(x)
    dtype, x = x.dtype, ops.astype(x, dtype=_dtype_for_squares(x, alpha))
    lines = ops.reshape(ops.square(x), shape=(shape[0], 1, shape[1], -1))  # channels as rows of an image
    means = ops.avg_pool(lines, kernel=(size, 1), stride=1, padding=(size // 2, 0))
    means = ops.getitem(means, index=(slice(None), slice(None), slice(shape[1])))  # an even size gives a row too many
    response = ops.add(ops.multiply(ops.reshape(means, shape=shape), alpha), k)
    return ops.astype(ops.divide(x, ops.pow(response, beta)), dtype=dtype)


def _dtype_for_squares(x: Tensor | Array, factor: float) -> DType:
    """x's dtype, or one of twice as many bits where squares of x, times the factor, would overflow."""
    dtype: DType = x.dtype
    if dtype not in (np.float16, np.float32):
        return dtype
    largest = math.sqrt(float(np.finfo(dtype).max) / max(4 * factor, 4))
    return np.dtype(f"f{2 * dtype.itemsize}") if _exceeds(raw(x), largest) else dtype


@python_check
def _exceeds(x: Array, largest: float) -> bool:
    return bool(np.abs(x).max(initial=0) > largest)


def _scale(x: ArrayLike) -> Array:
    """A number to divide each image by, so that no square of it overflows: 1, or the power of two near its largest."""
    return _power_of_two(raw(x), dtype_of(x))


@python_check
def _power_of_two(x: Array, dtype: DType) -> Array:
    exponent = np.frexp(np.max(np.abs(x), axis=(1, 2, 3), keepdims=True, initial=0))[1]
    return np.ldexp(np.ones((), dtype), np.where(exponent > np.finfo(dtype).maxexp // 3, exponent - 1, 0))


def local_contrast_norm(x: ArrayLike, kernel_size: int = 9, sigma: float | None = None, eps: float = 1e-5) -> Tensor:
    """out = v / max(m, s): each pixel minus the mean around it, over the standard deviation around it.

        v = x - sum_cpq w[p,q] x[n, c, i+p, j+q],    s = sqrt(sum_cpq w[p,q] v[n, c, i+p, j+q]^2)

    with m the mean of s over the image, and Gaussian weights w that sum to 1; all channels count together. At the
    border the weights of the pixels that exist are made to sum to 1.

    Args:
        x: images, or one image.
        kernel_size: the rows and columns of the window of weights, an odd number (default 9).
        sigma: the standard deviation of the weights in pixels; kernel_size/4 unless given.
        eps: the smallest m and s, so that an even image gives 0 (default 1e-5).

    Shapes: x (N, C, H, W) or (C, H, W) -> the same.

    Raises:
        DataError: a window has one value only, which has no contrast.
        UsageError: the kernel is not odd, or sigma or eps is not positive.

    Source: Jarrett et al. 2009, "What is the best multi-stage architecture for object recognition?", section 2.1.
    """
    sigma = kernel_size / 4 if sigma is None else sigma
    if kernel_size < 1 or kernel_size % 2 == 0 or sigma <= 0 or eps <= 0:
        raise UsageError(
            f"local_contrast_norm: kernel_size must be odd, and sigma and eps positive, "
            f"got {kernel_size}, {sigma} and {eps}"
        )

    if shape_of(x)[-3] == 1 and (kernel_size == 1 or math.prod(shape_of(x)[-2:]) == 1):
        raise DataError("local_contrast_norm: one value has no contrast: use a larger kernel, or images")

    def normalized(images: ArrayLike) -> Tensor:
        scale = _scale(images)
        images = ops.divide(images, scale)
        around = _Blur(images.shape, images.dtype, kernel_size, float(sigma))
        v = ops.subtract(images, around(images))
        least = np.maximum((eps / scale) ** 2, np.finfo(scale.dtype).smallest_subnormal)
        s = ops.sqrt(ops.maximum(least, around(ops.square(v))))
        return ops.divide(v, ops.maximum(s, ops.mean(s, axis=(1, 2, 3), keepdims=True)))

    return on_batch(normalized, x, 4)


class _Blur:
    """The weighted mean around each pixel, over all channels of images (N, C, H, W): -> (N, 1, H, W)."""

    def __init__(self, shape: Shape, dtype: DType, size: int, sigma: float) -> None:
        self.settings = {"padding": size // 2}
        window, self.total = _gaussian(shape[2:], np.dtype(dtype), size, sigma)
        self.kernel = np.broadcast_to(window / dtype.type(shape[1]), (1, shape[1], size, size))

    def __call__(self, x: ArrayLike) -> Tensor:
        return ops.divide(ops.conv(x, self.kernel, None, **self.settings), self.total)


@lru_cache(64)
def _gaussian(image: Shape, dtype: DType, size: int, sigma: float) -> tuple[Array, Array]:
    """A window of weights, and for each pixel of an image the sum of those that fall on the image."""
    offset = np.arange(size) - size // 2
    line = np.exp(-((offset / sigma) ** 2) / 2)
    line /= line.sum()
    places = [np.arange(n)[:, None] + offset for n in image]
    sums = [np.sum(line * ((at >= 0) & (at < n)), axis=1) for at, n in zip(places, image, strict=True)]
    return np.outer(line, line).astype(dtype), np.outer(*sums).astype(dtype)
