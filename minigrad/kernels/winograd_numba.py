"""Winograd's convolution, see `winograd_matrices`, with channels in the lanes of vectors.

Transforms want many channels at a time, products many tiles, and images have neither side by side. So a thread takes a
block of tiles through all steps while it is in its cache:

    pack         some rows of pixels, transposed in registers: the channels of a pixel lie in a row of L lanes
    transform    a tile's 6 x 6 vectors in registers, to points v[t, C/L, tile, L]
    multiply     m[t, O/L, tile, L] = sum_c  v[t, c, tile] * u[t, O/L, c, L], in register tiles: v in all lanes
    transform    back to 4 x 4 or 2 x 2 windows, and transposed back to images

`conv_weight` sums v[t, c, tile] * a[t, O/L, tile, L] over tiles in the same way, with a = A g A'. With many channels
the points of a block lie in a cache further away, but those of one t still in a near one, and a block needs so many
tiles that it takes longer to multiply by the kernels than to read them.

Channels need not fill the last vector: an input costs its own products only, and outputs those of all lanes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from minigrad.typing import Array, DType, Pair, Shape

from . import buffers, threads
from .array_utils import as_contiguous
from .finish import Finish, in_groups, rows_by_image
from .jit import VariantResult
from .simd import BYTES
from .threads import parallel
from .window_geometry import output_size
from .winograd_blocks_numba import Layout, convolve_blocks, correlate_blocks, cut
from .winograd_kernels_numba import add_up, transform_kernels, transform_total_back
from .winograd_matrices import POINTS, SIDE, TAPS, windows
from .winograd_products_numba import TILE, kernel_step, point_step, vectors

BLOCK_BYTES = 1 << 18  # of a block's points, of which there are two: of pixels, and of sums
MIN_BLOCK_TILES = 48  # that a block has at least, for each time that it reads the kernels
STRIP_BYTES = 3 << 14  # of rows of pixels, with the channels of a vector
MAX_KERNEL_BYTES = 256 << 20  # of transformed kernels, which are made in each call
SUM_TILES = 256  # tiles whose sum `conv_weight` makes on its own
SUM_BYTES = 16 << 20  # of all these sums, unless there is one only
SUM_GRAIN = 1 << 14  # numbers of a sum for which a thread pays
UNITS_PER_THREAD = 2  # into which the work is cut at least: where blocks are few, by outputs too
PART_OUTPUTS = 64  # of which a unit has at least as many
MIN_CHANNELS = 8  # of input and output; with fewer, most lanes of a vector repeat one channel
MIN_KERNELS = 128  # pairs of an input and an output; with fewer, transforms cost more than products save
KERNEL_TILES = 20  # to transform the kernels takes as long as to multiply by them for so many tiles


def conv(
    x: Array, w: Array, b: Array | None, *, stride: Pair, padding: Pair, dilation: Pair, groups: int,
    finish: Finish | None = None,
) -> VariantResult:  # fmt: skip
    """See `convolution.conv`."""
    count = output_size((x.shape[2], x.shape[3]), (w.shape[2], w.shape[3]), stride, padding, dilation)
    if not suits(x, w, w.shape, count, stride, padding, dilation, groups):
        return NotImplemented
    bias = np.zeros(len(w), x.dtype) if b is None else b.astype(x.dtype)
    return convolve(x, w, bias, padding, count, finish=finish)


def conv_input(
    g: Array, w: Array, *, shape: Shape, stride: Pair, padding: Pair, dilation: Pair, groups: int
) -> VariantResult:
    """See `convolution.conv_input`."""
    size = (shape[2], shape[3])
    if not suits(g, w, w.shape, size, stride, padding, dilation, groups):
        return NotImplemented
    outside = w.shape[2] - 1 - padding[0], w.shape[3] - 1 - padding[1]
    return convolve(g, w, np.zeros(shape[1], g.dtype), outside, size, turned=True)


def conv_weight(
    x: Array, g: Array, *, shape: Shape, stride: Pair, padding: Pair, dilation: Pair, groups: int
) -> VariantResult:
    """See `convolution.conv_weight`."""
    count = (g.shape[2], g.shape[3])
    if not suits(x, g, shape, count, stride, padding, dilation, groups):
        return NotImplemented
    plan = WinogradPlan.of(x.shape, shape, count, padding, x.dtype)
    # One sum for each few blocks, then the sum of those: the same order for any number of threads.
    sums = buffers.scratch((-(-plan.blocks // plan.sum_blocks), POINTS * plan.kernel_step), x.dtype)
    layout = plan.cut(len(sums), shape[0])
    parallel(correlate_units, len(sums) * layout.parts, sums, as_contiguous(x), as_contiguous(g), plan, layout)
    total = sums[0] if len(sums) == 1 else buffers.scratch(sums.shape[1:], x.dtype)
    if len(sums) != 1:
        parallel(add_up, total.size, sums, total, grain=SUM_GRAIN)
    out = buffers.empty(shape, x.dtype)
    parallel(transform_total_back, vectors(shape[0], BYTES // x.itemsize), total, out)
    return out


def suits(x: Array, y: Array, w: Shape, count: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> bool:
    """Whether this is the way to compute `count` windows, for arguments x and y and weights of shape w."""
    if w[2] != w[3] or w[2] not in TAPS:
        return False
    rows, columns = tiling(count, w[2])
    return (
        stride == dilation == (1, 1)
        and groups == 1
        and max(padding) < w[2]
        and x.dtype == y.dtype
        and x.dtype in (np.float32, np.float64)
        and min(w[0], w[1]) >= MIN_CHANNELS
        and w[0] * w[1] >= MIN_KERNELS
        and POINTS * w[0] * w[1] * x.itemsize <= MAX_KERNEL_BYTES
        and len(x) * count[0] * count[1] * w[2] * w[3] >= POINTS * (len(x) * rows * columns + KERNEL_TILES)
    )


def tiling(count: Pair, taps: int) -> Pair:
    """The rows and columns of tiles that cover the windows of an image."""
    return -(-count[0] // windows(taps)), -(-count[1] // windows(taps))


def convolve(
    x: Array, w: Array, bias: Array, padding: Pair, count: Pair, *, turned: bool = False, finish: Finish | None = None
) -> Array:
    """Slide kernels over x (N, C, H, W); `turned`: those of the transpose of w's convolution in x."""
    outs, lanes = len(bias), BYTES // x.itemsize
    out = buffers.empty((len(x), outs, *count), x.dtype)
    plan = WinogradPlan.of(x.shape, (outs, x.shape[1], *w.shape[2:]), count, padding, x.dtype)
    kernels = buffers.scratch((POINTS * plan.kernel_step,), x.dtype)
    parallel(transform_kernels, vectors(outs, lanes), as_contiguous(w), kernels, turned)
    bias = np.append(bias, np.repeat(bias[-1:], -outs % lanes))  # as the other lanes repeat the last channel
    layout = plan.cut(plan.blocks, outs)
    parallel(convolve_units, plan.blocks * layout.parts, as_contiguous(x), kernels, bias, out, plan, layout, finish)
    return out


def convolve_units(
    x: Array, kernels: Array, bias: Array, out: Array, plan: WinogradPlan, layout: Layout, finish: Finish | None,
    start: int, stop: int,
) -> None:  # fmt: skip
    """`convolve`, for the pairs of a block and a part of the outputs from start to stop."""
    v, sums = plan.room(x.shape[1], x.dtype), plan.room(out.shape[1], x.dtype)
    arguments = v, sums, x, kernels, bias, out, plan.pixels, plan.results, layout
    if finish is None:
        convolve_blocks(*arguments, start, stop)
        return
    if layout.parts > 1:  # there are few blocks
        convolve_blocks(*arguments, start, stop)
        finish_parts(finish, out, plan, layout, start, stop)
        return
    unit_bytes = out[0].nbytes * layout.block // layout.rows

    def compute(first: int, last: int) -> None:
        convolve_blocks(*arguments, first, last)

    in_groups(compute, finish, out, unit_bytes, lambda block: plan.row_of(block, out), start, stop)


def finish_parts(finish: Finish, out: Array, plan: WinogradPlan, layout: Layout, start: int, stop: int) -> None:
    """Finish the pairs of a block and a part of the outputs from start to stop."""
    lanes = BYTES // out.itemsize
    for unit in range(start, stop):
        block, part = divmod(unit, layout.parts)
        first, last = cut(vectors(out.shape[1], lanes), part, layout.parts)
        for images, rows in rows_by_image(plan.row_of(block, out), plan.row_of(block + 1, out), out.shape[2]):
            finish.part(out, images, (first * lanes, min(out.shape[1], last * lanes)), rows)


def correlate_units(sums: Array, x: Array, g: Array, plan: WinogradPlan, layout: Layout, start: int, stop: int) -> None:
    """`conv_weight`, for the pairs of a sum and a part of the outputs from start to stop."""
    v, a = plan.room(x.shape[1], x.dtype), plan.room(g.shape[1], x.dtype)
    correlate_blocks(v, a, sums, x, g, plan.pixels, plan.results, layout, plan.sum_blocks, start, stop)


@dataclass(frozen=True, slots=True)
class WinogradPlan:
    """How a convolution is cut into blocks."""

    layout: Layout
    blocks: int
    sum_blocks: int  # of each sum that `conv_weight` makes
    kernel_step: int
    pixels: Array  # where a pixel of x is in a strip, were that its whole image
    results: Array  # likewise, a pixel of the result or its cotangent

    def cut(self, units: int, outs: int) -> Layout:
        """The layout with outputs in as many parts as it takes to have work for all threads."""
        parts = min(-(-UNITS_PER_THREAD * threads.thread_count() // max(1, units)), outs // PART_OUTPUTS)
        return self.layout._replace(parts=max(1, parts))

    def row_of(self, block: int, out: Array) -> int:
        """At which row of the result a block begins, those of all images counted."""
        height: int = out.shape[2]
        image, row = divmod(min(block * self.layout.block, len(out) * self.layout.rows), self.layout.rows)
        return image * height + min(height, self.layout.window * row)

    def room(self, channels: int, dtype: DType) -> Array:
        """For the points of a block of so many channels."""
        return buffers.scratch((POINTS * point_step(channels, self.layout.tiles, BYTES // dtype.itemsize),), dtype)

    @classmethod
    @lru_cache(256)  # a network asks for the same few, in every step
    def of(cls, x: Shape, w: Shape, count: Pair, padding: Pair, dtype: DType) -> WinogradPlan:
        """Plan the convolution of x (N, C, H, W) by w (O, C, r, r) to (N, O, *count)."""
        lanes, side = BYTES // dtype.itemsize, windows(w[2])
        rows, columns = tiling(count, w[2])
        most = max(MIN_BLOCK_TILES, BLOCK_BYTES // (POINTS * max(x[1], w[0]) * dtype.itemsize))
        largest = max(1, min(most // columns, x[0] * rows))
        # Of blocks that are nearly as large, the one that leaves the least of its last register tile empty.
        block = min(range(-(-largest // 2), largest + 1), key=lambda n: (-n * columns % TILE / (n * columns), -n))
        pitch = side * (columns - 1) + SIDE
        strip = max(1, min(rows, (STRIP_BYTES // (BYTES * pitch) + side - SIDE) // side))
        blocks = -(-x[0] * rows // block)
        kernels = kernel_step(x[1], w[0], lanes)
        most_sums = max(1, SUM_BYTES // (POINTS * kernels * dtype.itemsize))
        sum_blocks = max(1, SUM_TILES // (block * columns), -(-blocks // most_sums))
        layout = Layout(rows, columns, side, padding, block, strip, -(-block * columns // TILE) * TILE, 1)
        down, right = np.ogrid[: x[2], : x[3]]
        pixels = (down * pitch + right + padding[1]) * lanes
        down, right = np.ogrid[: count[0], : count[1]]
        results = (down * side * columns + right) * lanes
        return cls(layout, blocks, sum_blocks, kernels, pixels.ravel(), results.ravel())
