"""Convolution with channels in the lanes of vectors, a tap at a time, for multiples of 16 channels and any stride.

As in `convolution_numba`, images are laid out such that windows one after the other read pixels one after the other:
pixel (h, w) of a padded image lies in part (h % s, w % t), row h // s, column w // t. But here each pixel is a vector
of L channels for each of C/L blocks, packed as in `winograd_numba`, and all windows of some rows are one stretch:

    conv           y[o, l]                +=  sum_kc  x[c, place(k) + l] * w[k, o, c]         c in all lanes, o a vector
    conv_input     x[part, c, l]          +=  sum_ko  g[o, l - place(k)] * w[k, c, o]         for each part's taps
    conv_weight    w[k, o, c]             +=  sum_l   x[c, place(k) + l] * g[o, l]

At the end of each row lie a few windows that do not exist; they are computed, and dropped as rows are unpacked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np

from minigrad.typing import Array, DType, Pair, Shape

from . import buffers
from .array_utils import as_contiguous
from .finish import Finish, in_groups
from .jit import VariantResult
from .lane_taps_numba import TILE, Strips, correlate_strips, sweep_strips
from .simd import BYTES
from .threads import parallel
from .window_geometry import output_size

STRIP_BYTES = 1 << 18  # of a strip of pixels with all channels
MAX_WEIGHT_BYTES = 2 << 20  # of all kernels, which each strip reads; with more, a product over columns is as fast
MIN_WINDOWS = 256  # of all images
SUMS = 16  # how many sums `conv_weight` makes at most before it adds them up
MAX_WASTE = 1.5  # windows computed for each that exists


def conv(
    x: Array, w: Array, b: Array | None, *, stride: Pair, padding: Pair, dilation: Pair, groups: int,
    finish: Finish | None = None,
) -> VariantResult:  # fmt: skip
    """See `convolution.conv`."""
    if not suits(x, w, w.shape, groups):
        return NotImplemented
    plan = StripPlan.forward(x.shape, w.shape, stride, padding, dilation, x.dtype)
    if not plan.pays:
        return NotImplemented
    out = buffers.empty((len(x), len(w), *plan.count), x.dtype)
    bias = np.zeros(len(w), x.dtype) if b is None else b.astype(x.dtype)
    sweep(x, in_lanes(w, plan.order), bias, out, plan, finish)
    return out


def conv_input(
    g: Array, w: Array, *, shape: Shape, stride: Pair, padding: Pair, dilation: Pair, groups: int
) -> VariantResult:
    """See `convolution.conv_input`."""
    if not suits(g, w, w.shape, groups):
        return NotImplemented
    plan = StripPlan.transposed(shape, w.shape, stride, padding, dilation, g.dtype)
    if not plan.pays:
        return NotImplemented
    out = buffers.empty(shape, g.dtype)
    sweep(g, in_lanes(w.swapaxes(0, 1), plan.order, plan.starts), np.zeros(shape[1], g.dtype), out, plan)
    return out


def conv_weight(
    x: Array, g: Array, *, shape: Shape, stride: Pair, padding: Pair, dilation: Pair, groups: int
) -> VariantResult:
    """See `convolution.conv_weight`."""
    if not suits(x, g, shape, groups):
        return NotImplemented
    plan = StripPlan.forward(x.shape, shape, stride, padding, dilation, x.dtype)
    if not plan.pays:
        return NotImplemented
    lanes, units = BYTES // x.itemsize, len(x) * plan.strips.per_image
    each = max(1, -(-units // SUMS))
    # One sum for each few strips, then the sum of those: the same order for any number of threads.
    sums = buffers.scratch((-(-units // each), len(plan.taps) * shape[0] * shape[1]), x.dtype)
    parallel(correlate_strips, len(sums), sums, as_contiguous(x), as_contiguous(g), plan.reads, plan.writes, plan.taps,
             plan.strips, each)  # fmt: skip
    total = sums.sum(axis=0).reshape(-1, shape[0] // lanes, shape[1], lanes)
    return np.ascontiguousarray(total.transpose(1, 3, 2, 0)).reshape(shape)


def suits(x: Array, y: Array, w: Shape, groups: int) -> bool:
    """Whether this may be the way, for arguments x and y and weights of shape w."""
    lanes = BYTES // x.itemsize
    return (
        groups == 1
        and w[0] % lanes == w[1] % lanes == 0
        and x.dtype == y.dtype
        and x.dtype in (np.float32, np.float64)
        and prod(w) * x.itemsize <= MAX_WEIGHT_BYTES
        and w[2] * w[3] > 1  # else columns are the image itself
    )


def sweep(x: Array, kernels: Array, bias: Array, out: Array, plan: StripPlan, finish: Finish | None = None) -> None:
    """Write what the plan says to out."""
    arguments = (as_contiguous(x), kernels, bias, out, plan.reads, plan.writes, plan.taps, plan.starts, plan.strips)
    in_strips(sweep_strips, len(x), arguments, out, plan.strips, finish)


def in_strips(
    kernel: Callable[..., object], images: int, arguments: tuple[Any, ...], out: Array, strips: Strips,
    finish: Finish | None,
) -> None:  # fmt: skip
    """Run a kernel for all strips of all images, and finish each strip of the result while it is in the cache."""
    if finish is None:
        parallel(kernel, images * strips.per_image, *arguments)
    else:
        parallel(finish_strips, images * strips.per_image, kernel, arguments, out, strips, finish)


def finish_strips(
    kernel: Callable[..., object], arguments: tuple[Any, ...], out: Array, strips: Strips, finish: Finish, start: int,
    stop: int,
) -> None:  # fmt: skip
    """`in_strips`, for the strips from start to stop."""

    height: int = out.shape[2]

    def row(unit: int) -> int:
        image, strip = divmod(unit, strips.per_image)
        return image * height + min(height, strip * strips.rows)

    unit_bytes = out[0].nbytes // strips.per_image
    in_groups(lambda first, last: kernel(*arguments, first, last), finish, out, unit_bytes, row, start, stop)


def in_lanes(w: Array, order: Array, starts: Array | None = None) -> Array:
    """Kernels (O, C, P, Q) as (O/L, K, C, L) for the taps of each part, which begin at `starts`; flat."""
    outs, ins = w.shape[:2]
    lanes = BYTES // w.itemsize
    taps = w.reshape(outs // lanes, lanes, ins, -1)[:, :, :, order].transpose(0, 3, 2, 1)
    if starts is None:
        return np.ascontiguousarray(taps).reshape(-1)
    return np.concatenate([taps[:, a:b].reshape(-1) for a, b in pairwise(starts)])


@dataclass(frozen=True, slots=True)
class StripPlan:
    """A convolution by strips."""

    count: Pair  # windows
    strips: Strips
    reads: Array  # where a pixel of the source is in a strip, were that its whole image
    writes: Array  # likewise, a pixel of the result
    order: Array  # of the kernel's taps, by parts
    starts: Array  # where each part's begin
    taps: Array  # how far from a window the pixel is that it reads
    pays: bool

    @classmethod
    @lru_cache(256)  # a network asks for the same few, in every step
    def forward(
        cls, x: Shape, w: Shape, stride: Pair, padding: Pair, dilation: Pair, dtype: DType, *, planar: bool = False
    ) -> StripPlan:
        """Plan the convolution of x (N, C, H, W) by w (O, C, P, Q); `planar`: of planes, not of vectors of channels."""
        lanes = BYTES // dtype.itemsize
        unit = 1 if planar else lanes
        (s, t), (a, b) = stride, padding
        count = output_size((x[2], x[3]), (w[2], w[3]), stride, padding, dilation)
        reach = dilation[0] * (w[2] - 1) // s  # rows of a part, beyond those of windows
        width = max(count[1] + dilation[1] * (w[3] - 1) // t, (x[3] - 1 + b) // t + 1)
        rows = strip_rows(count[0], max(x[1] * s * t, lanes) * width * dtype.itemsize, reach)
        height = rows + reach
        room = -(-rows * width // TILE) * TILE
        strips = Strips(-(-count[0] // rows), rows, width, s * t * height * width + room - rows * width + width, room,
                        s, a, s * reach - a, 1, 0, count[0])  # fmt: skip
        down, right = np.ogrid[a : x[2] + a, b : x[3] + b]
        reads = ((down % s * t + right % t) * height + down // s) * width + right // t
        down, right = np.ogrid[: count[0], : count[1]]
        writes = down * width + right
        p, q = np.ogrid[: dilation[0] * w[2] : dilation[0], : dilation[1] * w[3] : dilation[1]]
        taps = ((p % s * t + q % t) * height + p // s) * width + q // t
        starts = np.array([0, taps.size])
        return cls(
            count, strips, reads.ravel() * unit, writes.ravel() * lanes, np.arange(taps.size), starts,
            taps.ravel() * unit, pays(x[0], count, strips),
        )  # fmt: skip

    @classmethod
    @lru_cache(256)
    def transposed(cls, x: Shape, w: Shape, stride: Pair, padding: Pair, dilation: Pair, dtype: DType) -> StripPlan:
        """Plan its transpose in x; the strips are rows of x's parts."""
        lanes = BYTES // dtype.itemsize
        (s, t), (a, b) = stride, padding
        count = output_size((x[2], x[3]), (w[2], w[3]), stride, padding, dilation)
        above, left = dilation[0] * (w[2] - 1) // s, dilation[1] * (w[3] - 1) // t
        total = (x[2] - 1 + a) // s + 1
        width = left + max(count[1], (x[3] - 1 + b) // t + 1)
        rows = strip_rows(total, w[0] * width * dtype.itemsize, above)
        room = -(-rows * width // TILE) * TILE
        strips = Strips(-(-total // rows), rows, width, (rows + above) * width + room - rows * width + width, room,
                        1, above, 0, s, a, x[2])  # fmt: skip
        down, right = np.ogrid[above : count[0] + above, left : count[1] + left]
        reads = down * width + right
        down, right = np.ogrid[a : x[2] + a, b : x[3] + b]
        writes = (down % s * t + right % t) * room + down // s * width + right // t
        p, q = np.ogrid[: dilation[0] * w[2] : dilation[0], : dilation[1] * w[3] : dilation[1]]
        part = (p % s * t + q % t).ravel()
        order = np.argsort(part, kind="stable")
        taps = ((above - p // s) * width + left - q // t).ravel()[order]
        starts = np.searchsorted(part[order], np.arange(s * t + 1))
        return cls(
            count, strips, reads.ravel() * lanes, writes.ravel() * lanes, order, starts, taps * lanes,
            pays(x[0], count, strips),
        )  # fmt: skip


def strip_rows(total: int, row_bytes: int, reach: int) -> int:
    """How many of so many rows a strip has, which reads `reach` more."""
    most = max(1, STRIP_BYTES // row_bytes - reach)
    return -(-total // -(-total // most))


def pays(images: int, count: Pair, strips: Strips) -> bool:
    """Whether this is faster than other ways."""
    computed = strips.per_image * strips.room
    return images * count[0] * count[1] >= MIN_WINDOWS and computed <= MAX_WASTE * count[0] * count[1]
