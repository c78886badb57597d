"""Convolution of images and of volumes; of these by that of images: slices that a window reads are more channels.

    out[n, o, k, i, j] = b[o] + sum_crpq  x[n, c, s k + d r - pad, ...] * w[o, c, r, p, q]

For each depth k of the result the R slices that it reads lie side by side, (C R, H, W): im2col along the depth only.
The kernels (O, C/groups, R, P, Q) are (O, C/groups R, P, Q) without a copy, and the sum over c, r, p, q is what a
convolution of images computes, by whichever way is fastest for it. In the transposes, too, all but the depth is left to
it. Slices are repeated up to R times, so they are laid out for a block of samples, or of depths of one, at a time.
Where the fastest kernels for images want a multiple of 16 channels, which is for strides, a few of zeros are added.

(Shapes are those of volumes; with images there is nothing to be done.)
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from minigrad.typing import Array, DType, Settings, Shape

from . import buffers, convolution
from .array_utils import accumulation_dtype, chunks
from .columns import valid_range
from .jit import is_numpy_only, numba_available
from .window_geometry import output_size, window_count

BLOCK_BYTES = 32 << 20
BYTES = 64  # of a vector


def conv(x: Array, w: Array, b: Array | None, *, groups: int, **sides: Any) -> Array:
    """Slide each w[o] over x: x (N, C, D, H, W), w (O, C/groups, R, P, Q), b (O,) -> (N, O, K, I, J).

    `sides` are stride, padding and dilation, here and below.
    """
    if x.ndim == 4:
        return convolution.conv(x, w, b, groups=groups, **sides)
    depth, inside = Depth.of(x.shape, w.shape, **sides)
    count = output_size(x.shape[2:], w.shape[2:], **sides)
    out = buffers.empty((len(x), len(w), *count), np.result_type(x, w))
    channels = _channels(w.shape, groups, inside, out.dtype)
    kernels = _stacked_kernels(w, channels)
    for samples, windows in depth.blocks(x):
        images = depth.read(x[samples], windows, channels * groups)
        found = convolution.conv(images, kernels, b, groups=groups, **inside)
        out[samples, :, windows] = found.reshape(
            samples.stop - samples.start, windows.stop - windows.start, *found.shape[1:]
        ).swapaxes(1, 2)
    return out


def conv_input(g: Array, w: Array, *, shape: Shape, groups: int, **sides: Any) -> Array:
    """The transpose of `conv` in x: g (N, O, K, I, J), w (O, C/groups, R, P, Q) -> `shape` (N, C, D, H, W)."""
    if g.ndim == 4:
        return convolution.conv_input(g, w, shape=shape, groups=groups, **sides)
    depth, inside = Depth.of(shape, w.shape, **sides)
    dtype = np.result_type(g, w)
    out = np.zeros(shape, accumulation_dtype(dtype))
    channels = _channels(w.shape, groups, inside, dtype)
    kernels = _stacked_kernels(w, channels)
    for samples, windows in depth.blocks(out):
        images = _as_images(g[samples, :, windows])
        stacked = (len(images), channels * groups, *shape[3:])
        found = convolution.conv_input(images, kernels, shape=stacked, groups=groups, **inside)
        depth.add(found, out[samples], windows)
    return out.astype(dtype, copy=False)


def conv_weight(x: Array, g: Array, *, shape: Shape, groups: int, **sides: Any) -> Array:
    """The transpose of `conv` in w: x (N, C, D, H, W), g (N, O, K, I, J) -> `shape` (O, C/groups, R, P, Q)."""
    if x.ndim == 4:
        return convolution.conv_weight(x, g, shape=shape, groups=groups, **sides)
    depth, inside = Depth.of(x.shape, shape, **sides)
    dtype = np.result_type(x, g)
    channels = _channels(shape, groups, inside, dtype)
    stacked = (shape[0], channels, *shape[3:])
    out = np.zeros(stacked, accumulation_dtype(dtype))
    for samples, windows in depth.blocks(x):
        images = depth.read(x[samples], windows, channels * groups)
        out += convolution.conv_weight(
            images, _as_images(g[samples, :, windows]), shape=stacked, groups=groups, **inside
        )
    return out[:, : shape[1] * shape[2]].reshape(shape).astype(dtype, copy=False)


@dataclass(frozen=True, slots=True)
class Depth:
    """The windows along the depth of volumes."""

    size: int
    kernel: int
    stride: int
    padding: int
    dilation: int

    @classmethod
    def of(cls, x: Shape, w: Shape, stride: Shape, padding: Shape, dilation: Shape) -> "tuple[Depth, Settings]":
        """Those of w (O, C/groups, R, P, Q) over x (N, C, D, H, W), and the settings of the images."""
        inside = {"stride": stride[1:], "padding": padding[1:], "dilation": dilation[1:]}
        return cls(x[2], w[2], stride[0], padding[0], dilation[0]), inside

    def blocks(self, x: Array) -> Iterator[tuple[slice, slice]]:
        """Samples of x (N, C, D, H, W), or one and some of its windows, whose slices have BLOCK_BYTES or less."""
        count = window_count(self.size, self.kernel, self.stride, self.padding, self.dilation)
        n, c, _, *image = x.shape
        most = max(1, BLOCK_BYTES // max(1, c * self.kernel * math.prod(image) * x.itemsize))
        for samples in chunks(n, max(1, most // count)):
            for windows in chunks(count, count if most >= count else most):
                yield samples, windows

    def read(self, x: Array, windows: slice, channels: int) -> Array:
        """What each of these windows reads: x (N, C, D, H, W) -> (N K, channels, H, W), of which C R are not zeros."""
        n, c, _, *image = x.shape
        count, used = windows.stop - windows.start, c * self.kernel
        out = buffers.empty((n, count, channels, *image), x.dtype)
        out[:, :, used:] = 0
        for inside, slices, of_tap in self._taps(windows, used):
            out[:, : inside.start, of_tap] = out[:, inside.stop :, of_tap] = 0
            out[:, inside, of_tap] = x[:, :, slices].swapaxes(1, 2)
        return out.reshape(n * count, channels, *image)

    def add(self, images: Array, x: Array, windows: slice) -> None:
        """The transpose of `read`: images (N K, channels, H, W) added to the slices of x (N, C, D, H, W)."""
        read = images.reshape(len(x), windows.stop - windows.start, *images.shape[1:])
        for inside, slices, of_tap in self._taps(windows, x.shape[1] * self.kernel):
            x[:, :, slices] += read[:, inside, of_tap].swapaxes(1, 2)

    def _taps(self, windows: slice, channels: int) -> Iterator[tuple[slice, slice, slice]]:
        """For each place of a window: which windows read a slice there, these slices, and into which channels."""
        count, first = windows.stop - windows.start, self.stride * windows.start - self.padding
        for r in range(self.kernel):
            inside, slices = valid_range(self.size, count, self.stride, first + self.dilation * r)
            yield inside, slices, slice(r, channels, self.kernel)


def _channels(w: Shape, groups: int, inside: Settings, dtype: DType) -> int:
    """How many channels of each group images have: C/groups R, or the next multiple of a vector if that pays."""
    used, lanes = w[1] * w[2], BYTES // dtype.itemsize
    whole = -(-used // lanes) * lanes
    pays = groups == 1 and max(inside["stride"]) > 1 and w[0] % lanes == 0 and whole <= 2 * used and dtype.itemsize >= 4
    return whole if pays and numba_available() and not is_numpy_only() else used


def _stacked_kernels(w: Array, channels: int) -> Array:
    """w (O, C/groups, R, P, Q) as kernels of images (O, channels, P, Q)."""
    stacked = w.reshape(w.shape[0], w.shape[1] * w.shape[2], *w.shape[3:])
    if channels == stacked.shape[1]:
        return stacked
    out = np.zeros((len(w), channels, *w.shape[3:]), w.dtype)
    out[:, : stacked.shape[1]] = stacked
    return out


def _as_images(y: Array) -> Array:
    """y (N, O, K, I, J) as (N K, O, I, J)."""
    n, o, k, *image = y.shape
    return y.swapaxes(1, 2).reshape(n * k, o, *image)
