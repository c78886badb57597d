"""Convolution by planes, for any stride: all that a tap reads of a channel lies in a row, as the windows do.

A strip of images is packed for some channels at a time: for each channel, the columns of pixels that the taps of one
column of kernels read, and that one after the other. With stride s, rows are cut into those that are 0, 1, ..., s - 1
more than a multiple of s. Then a tap k = (c, p, q) reads the pixels from `places[k]` on, in the order of the windows l:

    conv           y[o, l]        +=  sum_k  w[o, k] * x[places[k] + l]       l in the lanes of vectors, w in all lanes
    conv_input     x[part, c, l]  +=  sum_k  w[k, c] * g[places[k] + l]       likewise, for a part's taps k = (o, p, q)

The transpose makes `parts` of the image, the pixels whose rows and columns leave the same remainders, by windows of g
that are 1 apart. No window is computed that does not exist, but a few at the end of a strip. Where images are small, a
strip has several, and packs the pixels of each row of kernels for itself, so that the images lie close together too.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from math import prod

import numpy as np

from minigrad.typing import Array, Pair, Shape

from . import buffers
from .array_utils import as_contiguous, flat
from .finish import Finish, in_groups
from .jit import VariantResult
from .plane_correlation_numba import TAPS, VECTORS, correlate_strips, vector_groups, write_kernels
from .plane_products_numba import COLUMNS, FEW_ROWS, ROWS, TILES, Strips, pack_weights, sweep
from .simd import BYTES
from .threads import PIECES_PER_THREAD, parallel, thread_count
from .window_geometry import output_size

STRIP_BYTES = 3 << 17  # of pixels and sums; more where kernels are large, which each strip reads from far away
WEIGHTS_PER_NUMBER = 4  # of a strip, then
NEAR_BYTES = 32 << 10  # of pixels that the windows of a tile read
JOINED_WINDOWS = 192  # of an image: with fewer, a strip has several, as vectors at its end are not full
MIN_WINDOWS = 256  # of all images
SUMS, SUM_BYTES = 16, 4 << 20  # that `conv_weight` makes at most before it adds them up, and their bytes
MAX_TAPS = 512  # in all channels, if these are no multiple of the lanes


def conv(
    x: Array, w: Array, b: Array | None, *, stride: Pair, padding: Pair, dilation: Pair, groups: int,
    finish: Finish | None = None,
) -> VariantResult:  # fmt: skip
    """See `convolution.conv`."""
    if not suits(x, w, w.shape, groups):
        return NotImplemented
    plan = StripPlan.forward(x.shape, w.shape, stride, padding, dilation, x.itemsize, fewest_strips())
    if len(x) * prod(plan.count) < MIN_WINDOWS:
        return NotImplemented
    out = buffers.empty((len(x), len(w), *plan.count), x.dtype)
    bias = np.zeros(len(w), x.dtype) if b is None else b.astype(x.dtype)
    sweep_strips(x, plan.packed(w, transposed=False), bias, out, plan, finish)
    return out


def conv_input(
    g: Array, w: Array, *, shape: Shape, stride: Pair, padding: Pair, dilation: Pair, groups: int
) -> VariantResult:
    """See `convolution.conv_input`."""
    if not suits(g, w, w.shape, groups) or shape[1] % (BYTES // g.itemsize) != 0:
        return NotImplemented
    plan = StripPlan.transposed(shape, w.shape, stride, padding, dilation, g.itemsize, fewest_strips())
    if len(g) * prod(plan.count) < MIN_WINDOWS:
        return NotImplemented
    out = buffers.empty(shape, g.dtype)
    sweep_strips(g, plan.packed(w, transposed=True), np.zeros(shape[1], g.dtype), out, plan)
    return out


def conv_weight(
    x: Array, g: Array, *, shape: Shape, stride: Pair, padding: Pair, dilation: Pair, groups: int
) -> VariantResult:
    """See `convolution.conv_weight`."""
    if not suits(x, g, shape, groups):
        return NotImplemented
    plan = StripPlan.forward(x.shape, shape, stride, padding, dilation, x.itemsize, 1)  # not by threads: sums are split
    if len(x) * prod(plan.count) < MIN_WINDOWS:
        return NotImplemented
    strips, lanes, taps = plan.strips, BYTES // x.itemsize, len(plan.order)
    vectors, blocks = vector_groups(shape[0] // lanes), -(-shape[1] // strips.channels)
    places = np.append(plan.places, np.zeros(-len(plan.places) % TAPS, plan.places.dtype))
    units = -(-len(x) // strips.images) * strips.per_image
    # One sum for each few strips, then the sum of those: the same order for any number of threads.
    each = max(1, -(-units // max(1, min(SUMS, SUM_BYTES // (prod(shape) * x.itemsize)))))
    count = -(-units // each)
    parts = min(blocks, -(-PIECES_PER_THREAD * thread_count() // max(1, count)))
    sums = buffers.scratch((count, shape[0] * blocks * len(places)), x.dtype)
    some = np.arange(1, VECTORS + 1)[:, None] * lanes
    parallel(correlate_strips, count * parts, sums, as_contiguous(x), as_contiguous(g), plan.reads, places,
             some * np.arange(prod(plan.count)), vectors, taps, strips, each,
             blocks * np.arange(parts + 1) // parts)  # fmt: skip
    out = np.empty((shape[0], prod(shape[1:])), x.dtype)
    k, block = np.arange(prod(shape[1:])), strips.channels * taps
    total = sums[0] if count == 1 else sums.sum(axis=0)
    parallel(write_kernels, len(vectors) - 1, total, out, some * (k // block * len(places) + k % block), vectors)
    return out.reshape(shape)


def fewest_strips() -> int:
    """How many strips there should be if images are joined, so that all threads have some."""
    return 2 * thread_count()


def suits(x: Array, y: Array, w: Shape, groups: int) -> bool:
    """Whether this may be the way, for arguments x and y and weights of shape w."""
    lanes = BYTES // x.itemsize
    return (
        groups == 1
        and w[0] % lanes == 0
        and (w[1] % lanes == 0 or prod(w[1:]) <= MAX_TAPS)
        and x.dtype == y.dtype
        and x.dtype in (np.float32, np.float64)
        and w[2] * w[3] > 1  # else columns are the image itself
    )


def sweep_strips(x: Array, u: Array, bias: Array, out: Array, plan: StripPlan, finish: Finish | None = None) -> None:
    """Write what the plan says to out, and finish each strip of the result while it is in the cache."""
    strips, height = plan.strips, out.shape[2]
    units = -(-len(x) // strips.images) * strips.per_image
    arguments = (as_contiguous(x), u, bias, out, plan.reads, plan.places, plan.starts, plan.tiles, strips)
    if finish is None:
        parallel(sweep, units, *arguments)
        return

    def row(unit: int) -> int:
        some, strip = divmod(unit, strips.per_image)
        return int(min(len(x), some * strips.images) * height + min(height, strip * strips.rows))

    def finish_strips(start: int, stop: int) -> None:
        unit_bytes = out[: strips.images].nbytes // strips.per_image
        in_groups(lambda first, last: sweep(*arguments, first, last), finish, out, unit_bytes, row, start, stop)

    parallel(finish_strips, units)


@dataclass(frozen=True, slots=True)
class StripPlan:
    """A convolution by strips."""

    count: Pair  # windows
    strips: Strips
    reads: tuple[Array, Array, Array]  # see `plane_products_numba.read_planes`
    order: Array  # of the kernel's taps, by parts of the result
    starts: Array  # where each part's begin
    places: Array  # where what a tap reads begins, for each part, channel and tap
    tiles: Array  # where each tile of outputs begins, and where the last one ends

    @classmethod
    @lru_cache(256)  # a network asks for the same few, in every step
    def forward(
        cls, x: Shape, w: Shape, stride: Pair, padding: Pair, dilation: Pair, itemsize: int, fewest: int
    ) -> StripPlan:
        """Plan the convolution of x (N, C, H, W) by w (O, C, P, Q)."""
        count = output_size((x[2], x[3]), (w[2], w[3]), stride, padding, dilation)
        p, q = np.indices(w[2:]).reshape(2, -1)
        taps = dilation[0] * p - padding[0], dilation[1] * q - padding[1], np.zeros_like(p)
        return cls.of(count, x, w[0], count, taps, stride, (1, 1), itemsize, fewest)

    @classmethod
    @lru_cache(256)
    def transposed(
        cls, x: Shape, w: Shape, stride: Pair, padding: Pair, dilation: Pair, itemsize: int, fewest: int
    ) -> StripPlan:
        """Plan its transpose in x: pixel s i + a of a column is the sum over g[i + (a + pad - d p) / s], if whole."""
        (s, t), count = stride, output_size((x[2], x[3]), (w[2], w[3]), stride, padding, dilation)
        p, q = np.indices(w[2:]).reshape(2, -1)
        down, right = dilation[0] * p - padding[0], dilation[1] * q - padding[1]
        taps = -(down // s), -(right // t), down % s * t + right % t
        size = -(-x[2] // s), -(-x[3] // t)
        return cls.of(count, (x[0], w[0], *count), x[1], size, taps, (1, 1), stride, itemsize, fewest)

    @classmethod
    def of(
        cls, count: Pair, source: Shape, outs: int, size: Pair, taps: tuple[Array, Array, Array], read: Pair,
        write: Pair, itemsize: int, fewest: int,
    ) -> StripPlan:  # fmt: skip
        """Plan for taps that read so far below and right of a window, for a part each, which has `size` windows."""
        (images, ins, _, line), lanes = source, BYTES // itemsize
        order = np.argsort(taps[2], kind="stable")
        down, right, part = (numbers[order] for numbers in taps)
        starts = np.searchsorted(part, np.arange(write[0] * write[1] + 1))
        tiles, lefts = row_tiles(outs), np.unique(right)
        channels, most = limits(ins, lefts.size, down, read[0], size[1], (len(starts) - 1) * int(tiles[-1]), itemsize)
        rows = evenly(size[0], most)
        together = (
            evenly(images, min(most // size[0], images // fewest)) if images > 0 and prod(size) < JOINED_WINDOWS else 1
        )
        kind = down if together > 1 else down % read[0]
        kinds = np.unique(kind)
        tops = np.array([down[kind == k].min() for k in kinds])
        more = np.array([down[kind == k].max() for k in kinds]) - tops  # multiples of the step
        windows = together * rows * size[1]
        plane = ((windows + int(more.max()) // read[0] * size[1]) // lanes + 2 | 1) * lanes
        r, q = np.searchsorted(kinds, kind), np.searchsorted(lefts, right)
        at = (r * lefts.size + q) * plane + (down - tops[r]) // read[0] * size[1]
        c = np.arange(channels)[:, None] * kinds.size * lefts.size * plane
        left = max(0, -int(lefts.min()))
        behind = max(-(-line // lanes), read[1] * -(-size[1] // lanes)) * lanes + max(0, int(lefts.max()))
        strips = Strips(
            together, -(-size[0] // rows), rows, size[1], read, write, channels, plane,
            (windows // lanes + 2 | 1) * lanes, left, left + behind,
        )  # fmt: skip
        places = np.concatenate([(c + at[a:b]).ravel() for a, b in pairwise(starts)])
        return cls(count, strips, (tops, more // read[0], lefts), order, starts, places, tiles)

    def packed(self, w: Array, *, transposed: bool) -> Array:
        """The kernels (O, C, P, Q) in the order in which they are read; those of the transpose have C outputs."""
        taps = len(self.order)
        (outs, ins), (step, inner) = w.shape[:2], (w.shape[1] * taps, taps)
        if transposed:
            outs, ins, step, inner = ins, outs, inner, step
        u = buffers.scratch((int(self.tiles[-1]) * ins * taps,), w.dtype)
        pack_weights(
            flat(as_contiguous(w)), u, self.order, self.starts, self.tiles, self.strips.channels, (outs, ins),
            (step, inner),
        )  # fmt: skip
        return u


def row_tiles(outs: int) -> Array:
    """Where each tile of outputs begins, and where the last one ends: the full ones first."""
    few = next((n for n in range(ROWS) if (outs - n * FEW_ROWS) % ROWS == 0), 0)
    if few * FEW_ROWS > outs:
        few = 0
    return np.cumsum([0] + [ROWS] * -(-(outs - few * FEW_ROWS) // ROWS) + [FEW_ROWS] * few)


def limits(ins: int, columns: int, down: Array, step: int, width: int, outs: int, itemsize: int) -> tuple[int, int]:
    """How many channels are packed together, and how many rows of windows a strip may have."""
    tile = TILES * COLUMNS * BYTES // itemsize
    rows = [np.ptp(down[down % step == k]) // step for k in np.unique(down % step)]
    line = BYTES // itemsize
    read = sum(min(line + tile + n * width, (n + 1) * (tile + line)) for n in rows) * columns
    channels = evenly(ins, int(NEAR_BYTES // (read * itemsize)))
    room = max(STRIP_BYTES, ins * outs * down.size // WEIGHTS_PER_NUMBER * itemsize)
    return channels, max(1, room // ((outs + channels * len(rows) * columns) * width * itemsize))


def evenly(total: int, most: int) -> int:
    """The size of parts of nearly the same size, of at most so many."""
    return int(-(-total // -(-total // max(1, most))))
