"""Convolution of images and of volumes; of these by that of images: slices that a window reads are more channels.

    out[n, o, k, i, j] = b[o] + sum_crpq  x[n, c, s k + d r - pad, ...] * w[o, c, r, p, q]

For each depth k of the result the R slices that it reads lie side by side, (C R, H, W): im2col along the depth only.
The kernels (O, C/groups, R, P, Q) are (O, C/groups R, P, Q) without a copy, and the sum over c, r, p, q is what a
convolution of images computes, by whichever way is fastest for it. In the transposes, too, all but the depth is left to
it. (Shapes are those of volumes; with images there is nothing to be done.)
"""

from collections.abc import Iterator

import numpy as np

from minigrad.typing import Array, Settings, Shape

from . import buffers, convolution
from .array_utils import accumulation_dtype, as_contiguous
from .columns import valid_range
from .window_geometry import window_count


def conv(x: Array, w: Array, b: Array | None, *, stride: Shape, padding: Shape, dilation: Shape, groups: int) -> Array:
    """Slide each w[o] over x: x (N, C, D, H, W), w (O, C/groups, R, P, Q), b (O,) -> (N, O, K, I, J)."""
    along, inside = _sides(stride, padding, dilation)
    if along is None:
        return convolution.conv(x, w, b, **inside, groups=groups)
    images = _read_slices(x, w.shape[2], *along)
    out = convolution.conv(images, _stacked_kernels(w), b, **inside, groups=groups)
    volumes = out.reshape(len(x), window_count(x.shape[2], w.shape[2], *along), *out.shape[1:])
    return as_contiguous(volumes.swapaxes(1, 2))


def conv_input(
    g: Array, w: Array, *, shape: Shape, stride: Shape, padding: Shape, dilation: Shape, groups: int
) -> Array:
    """The transpose of `conv` in x: g (N, O, K, I, J), w (O, C/groups, R, P, Q) -> `shape` (N, C, D, H, W)."""
    along, inside = _sides(stride, padding, dilation)
    if along is None:
        return convolution.conv_input(g, w, shape=shape, **inside, groups=groups)
    n, c, _, *image = shape
    stacked = (n * g.shape[2], c * w.shape[2], *image)
    images = convolution.conv_input(_as_images(g), _stacked_kernels(w), shape=stacked, **inside, groups=groups)
    return _add_slices(images, shape, w.shape[2], *along)


def conv_weight(
    x: Array, g: Array, *, shape: Shape, stride: Shape, padding: Shape, dilation: Shape, groups: int
) -> Array:
    """The transpose of `conv` in w: x (N, C, D, H, W), g (N, O, K, I, J) -> `shape` (O, C/groups, R, P, Q)."""
    along, inside = _sides(stride, padding, dilation)
    if along is None:
        return convolution.conv_weight(x, g, shape=shape, **inside, groups=groups)
    o, c, r, *kernel = shape
    images = _read_slices(x, r, *along)
    out = convolution.conv_weight(images, _as_images(g), shape=(o, c * r, *kernel), **inside, groups=groups)
    return out.reshape(shape)


def _sides(stride: Shape, padding: Shape, dilation: Shape) -> tuple[tuple[int, int, int] | None, Settings]:
    """Stride, padding and dilation along the depth, or None without one, and those of images."""
    inside = {"stride": stride[-2:], "padding": padding[-2:], "dilation": dilation[-2:]}
    return (None if len(stride) == 2 else (stride[0], padding[0], dilation[0])), inside


def _stacked_kernels(w: Array) -> Array:
    """w (O, C/groups, R, P, Q) as kernels of images (O, C/groups R, P, Q)."""
    return w.reshape(w.shape[0], w.shape[1] * w.shape[2], *w.shape[3:])


def _read_slices(x: Array, kernel: int, stride: int, padding: int, dilation: int) -> Array:
    """What each window along the depth reads: x (N, C, D, H, W) -> (N K, C R, H, W)."""
    n, c, depth, *image = x.shape
    count = window_count(depth, kernel, stride, padding, dilation)
    out = buffers.empty((n, count, c, kernel, *image), x.dtype)
    for r, windows, slices in _taps(depth, count, kernel, stride, padding, dilation):
        out[:, : windows.start, :, r] = out[:, windows.stop :, :, r] = 0
        out[:, windows, :, r] = x[:, :, slices].swapaxes(1, 2)
    return out.reshape(n * count, c * kernel, *image)


def _add_slices(images: Array, shape: Shape, kernel: int, stride: int, padding: int, dilation: int) -> Array:
    """The transpose of `_read_slices`: images (N K, C R, H, W) added to the slices of `shape` (N, C, D, H, W)."""
    n, c, depth, *image = shape
    count = window_count(depth, kernel, stride, padding, dilation)
    read = images.reshape(n, count, c, kernel, *image)
    out = np.zeros(shape, accumulation_dtype(images.dtype))
    for r, windows, slices in _taps(depth, count, kernel, stride, padding, dilation):
        out[:, :, slices] += read[:, windows, :, r].swapaxes(1, 2)
    return out.astype(images.dtype, copy=False)


def _taps(
    depth: int, count: int, kernel: int, stride: int, padding: int, dilation: int
) -> Iterator[tuple[int, slice, slice]]:
    """For each place r of a window: the windows that read a slice there, and these slices."""
    for r in range(kernel):
        yield (r, *valid_range(depth, count, stride, dilation * r - padding))


def _as_images(y: Array) -> Array:
    """y (N, O, K, I, J) as (N K, O, I, J)."""
    n, o, k, *image = y.shape
    return y.swapaxes(1, 2).reshape(n * k, o, *image)
