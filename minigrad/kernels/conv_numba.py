"""Direct convolution with few channels, where making columns would cost more than the product.

Lay a framed image out flat, sorted as in `frames_numba`. Then what one tap reads in all windows is a single stretch of
it: with stride 1, the image shifted by the tap's (c, p, q). (Across the end of each row lie a few windows that do not
exist; they are computed and dropped.) Give each plane of outputs an offset rows[o], each tap k = (c, p, q) an offset
columns[k], and convolution with its transposes is the three derivatives of one trilinear form

    sum_okl  g[rows[o] + l] * w[o, k] * x[columns[k] + l]

    conv           y[rows[o] + l]     +=  sum_k  w[o, k] * x[columns[k] + l]
    conv_input     x[columns[k] + l]  +=  sum_o  w[o, k] * g[rows[o] + l]
    conv_weight    w[o, k]            +=  sum_l  g[rows[o] + l] * x[columns[k] + l]

The second is the first with rows and columns exchanged, so two compiled loops do all the work. Where channels are
many, `winograd_numba` may have an answer.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from . import winograd_numba
from .frames_numba import Frame, sort_pixels, unsort_pixels
from .jit import Answer, compiled
from .lanes import BYTES
from .threads import parallel
from .tiles_numba import (
    MANY,
    add_products,
    add_rows,
    each_of,
    load_at,
    load_side_by_side,
    no_sums,
    write_totals,
)
from .windows import Array, Pair, Shape, owned, window_count

# Rows of outputs, and registers of each, whose sums `accumulate` keeps; g's and x's whose sums `correlate` keeps.
TILE, WIDTH = (8, 2) if MANY else (6, 1)
LEFT, RIGHT = (4, 6) if MANY else (2, 3)
SPAN = 16 * WIDTH  # windows that `accumulate` takes at a time, or a multiple of them
CACHE = 1 << 19  # bytes of buffers that one thread should work in
ROOM = (8 if MANY else 2) * CACHE  # and at most
FEW = (32 if MANY else 16) << 10  # weights of a group; above, Winograd or a product over columns may be faster
MOST = (1024 if MANY else 16) << 10  # weights of a group where Winograd has no answer


def conv(x: Array, w: Array, b: Array | None, *, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> Answer:
    """See `conv.conv`."""
    flat = Flat.of(x.shape, w.shape, stride, padding, dilation, groups)
    if not flat.suits(x, w):
        return winograd_numba.conv(x, w, b, stride=stride, padding=padding, dilation=dilation, groups=groups)
    y = np.empty((len(x), len(w), *flat.count), x.dtype)
    bias = np.zeros(len(w), x.dtype) if b is None else b.astype(x.dtype)
    weights = w.reshape(groups * flat.blocks, len(flat.rows), -1)
    sweep(y, bias, weights, x, groups, flat.rows, flat.columns, flat.windows, flat.image, flat.length)
    return y


def conv_input(g: Array, w: Array, *, shape: Shape, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> Answer:
    """See `conv.conv_input`."""
    flat = Flat.of(shape, w.shape, stride, padding, dilation, groups, whole=True)  # each g counts for all of x
    if not flat.suits(g, w):
        return winograd_numba.conv_input(
            g, w, shape=shape, stride=stride, padding=padding, dilation=dilation, groups=groups
        )
    x = np.empty(shape, g.dtype)
    weights = w.reshape(groups, w.shape[0] // groups, -1).swapaxes(1, 2)
    bias = np.zeros(shape[1], g.dtype)
    sweep(x, bias, weights, g, groups, flat.columns, flat.rows, flat.image, flat.windows, flat.length)
    return x


def conv_weight(
    x: Array, g: Array, *, shape: Shape, stride: Pair, padding: Pair, dilation: Pair, groups: int
) -> Answer:
    """See `conv.conv_weight`."""
    flat = Flat.of(x.shape, shape, stride, padding, dilation, groups)
    if not flat.suits(x, g):
        return winograd_numba.conv_weight(
            x, g, shape=shape, stride=stride, padding=padding, dilation=dilation, groups=groups
        )
    images = max(1, min(8, CACHE // flat.bytes))
    rows, columns = (up_to_multiple(v, n) for v, n in zip((flat.rows, flat.columns), (LEFT, RIGHT), strict=True))
    # One sum for each block of images, then the sum of those: the same order for any number of threads.
    sums = np.empty((-(-len(x) // images), groups * flat.blocks, len(rows), len(columns)), x.dtype)
    parallel(
        correlate_blocks, sums.shape[0] * sums.shape[1], sums, owned(g), owned(x), groups, rows, columns,
        flat.windows, flat.image, flat.length, images,
    )  # fmt: skip
    return sums.sum(axis=0)[:, : len(flat.rows), : len(flat.columns)].reshape(shape)


class Layout(NamedTuple):
    """How planes lie in a flat buffer."""

    plane: int  # from one to the next
    frame: Frame


@dataclass(frozen=True, slots=True)
class Flat:
    """A convolution on flat buffers."""

    count: Pair  # windows
    rows: Array
    columns: Array
    windows: Layout  # of an image's y or g
    image: Layout  # of its x
    length: int  # of a plane of windows, as a multiple of any register
    blocks: int  # into which the outputs of a group are cut, such that buffers are small
    bytes: int  # of the buffers for a block of an image
    pays: bool  # whether this is faster than other ways

    @classmethod
    @lru_cache(256)  # a network asks for the same few, in every step
    def of(
        cls, x: Shape, w: Shape, stride: Pair, padding: Pair, dilation: Pair, groups: int, *, whole: bool = False
    ) -> "Flat":
        """Plan the convolution of x (N, C, H, W) by w (O, C/groups, P, Q); `whole` forbids to cut the outputs."""
        o, c = w[0] // groups, w[1]
        count = window_count((x[2], x[3]), (w[2], w[3]), stride, padding, dilation)
        height, width = (n + d * (k - 1) // s for n, k, s, d in zip(count, w[2:], stride, dilation, strict=True))
        length = -(-(width * (count[0] - 1) + count[1]) // SPAN) * SPAN
        frame = Frame((height, width), stride, padding)
        channel, down, right = np.ogrid[:c, : dilation[0] * w[2] : dilation[0], : dilation[1] * w[3] : dilation[1]]
        part = down % stride[0] * stride[1] + right % stride[1]
        columns = channel * frame.length + (part * height + down // stride[0]) * width + right // stride[1]
        sizes = {n: 4 * (o // n * length + c * frame.length) for n in range(1, o + 1) if o % n == 0}
        allowed = [n for n in sizes if n == 1 or (o // n >= TILE and not whole)]
        blocks = next((n for n in allowed if sizes[n] <= 2 * CACHE), allowed[-1])
        winograd = (w[2], w[3], *stride) == (3, 3, 1, 1) and min(o, c) >= winograd_numba.CHANNELS
        repeated = w[2] * w[3] > stride[0] * stride[1]  # pixels; else columns are no more than the image
        wasted = length / max(1, count[0] * count[1])
        return cls(
            count, np.arange(o // blocks) * length, columns.ravel(),
            Layout(length, Frame((count[0], width), (1, 1), (0, 0))), Layout(frame.length, frame), length, blocks,
            sizes[blocks],
            pays=repeated and sizes[blocks] <= ROOM and (
                (wasted <= 2 and o * columns.size <= FEW)
                or (wasted <= 1.5 and o * columns.size <= MOST and not winograd)
            ),
        )  # fmt: skip

    def suits(self, x: Array, y: Array) -> bool:
        """Whether this is the way to compute it, for arguments x and y."""
        return self.pays and x.dtype == y.dtype and x.dtype in (np.float32, np.float64)


def sweep(
    y: Array, bias: Array, w: Array, x: Array, groups: int, rows: Array, columns: Array, into: Layout, out_of: Layout,
    length: int,
) -> None:  # fmt: skip
    """In every image, and block of outputs (w's first axis), y[rows] = bias + w @ x[columns]; x is in `groups`."""
    blocks, _, depth = w.shape
    order = up_to_multiple(rows, TILE, fill=into.plane * (y.shape[1] // blocks) + BYTES).reshape(TILE, -1)
    tiles = np.zeros((blocks, order.size, depth), w.dtype)
    tiles[:, : len(rows)] = w
    # A tile's rows lie far apart: to read what was just written, a pixel aside, would stall the processor.
    tiles = np.ascontiguousarray(tiles.reshape(blocks, TILE, -1, depth).transpose(0, 2, 3, 1))
    parallel(
        sweep_images, len(x) * blocks, y, bias, tiles.reshape(blocks, -1), owned(x), groups, order.T.ravel(), columns,
        into, out_of, length,
    )  # fmt: skip


def up_to_multiple(offsets: Array, n: int, fill: int = 0) -> Array:
    """Append `fill` until the length is a multiple of n."""
    return np.append(offsets, np.full(-len(offsets) % n, fill, offsets.dtype))


@compiled
def sweep_images(
    y: Any, bias: Any, w: Any, x: Any, groups: Any, rows: Any, columns: Any, into: Any, out_of: Any, length: Any,
    start: Any, stop: Any,
) -> None:  # fmt: skip
    """`sweep`, for the pairs of an image and a block of outputs from start to stop."""
    blocks = len(w)
    outs, ins = y.shape[1] // blocks, x.shape[1] // groups
    source = np.zeros(ins * out_of.plane + 2 * BYTES, x.dtype)
    target = np.zeros(outs * into.plane + length + 2 * BYTES, x.dtype)  # behind: what rows that fill a tile write
    held = -1  # the group whose pixels are in the buffer
    for unit in range(start, stop):
        n, block, group = unit // blocks, unit % blocks, unit * groups // blocks
        for c in range(ins if group != held else 0):
            sort_pixels(x[n, group % groups * ins + c], source, c * out_of.plane, out_of.frame)
        held = group
        for o in range(outs):
            target[o * into.plane : (o + 1) * into.plane] = bias[block * outs + o]
        accumulate(target, rows, w[block], source, columns, length)
        for o in range(outs):
            unsort_pixels(y[n, block * outs + o], target, o * into.plane, into.frame)


@compiled
def accumulate(y: Any, rows: Any, w: Any, x: Any, columns: Any, length: Any) -> None:
    """y[rows[i] + l] += sum_k w[i, k] * x[columns[k] + l], with w as tiles (i / TILE, k, i % TILE)."""
    for i in range(0, len(rows), TILE):
        for at in range(0, length, WIDTH * BYTES // x.itemsize):
            s = no_sums(x, TILE, WIDTH)
            weight = i * len(columns)
            for k in range(len(columns)):
                s = add_products(s, each_of(w, weight, TILE), load_side_by_side(x, columns[k] + at, WIDTH))
                weight += TILE
            add_rows(y, rows, i, at, s, TILE)


@compiled
def correlate_blocks(
    sums: Any, g: Any, x: Any, groups: Any, rows: Any, columns: Any, windows: Any, image: Any, length: Any,
    images: Any, start: Any, stop: Any,
) -> None:  # fmt: skip
    """`conv_weight`, for the pairs of some images and a block of outputs from start to stop."""
    blocks = sums.shape[1]
    outs, ins = g.shape[1] // blocks, x.shape[1] // groups
    left_size, right_size = (outs + 1) * windows.plane, ins * image.plane
    left = np.zeros(images * left_size, x.dtype)  # 0 between the windows, and in a plane behind
    right = np.zeros(images * right_size + 2 * BYTES, x.dtype)
    held = -1  # the group whose pixels are in the buffer
    for unit in range(start, stop):
        first, block, group = unit // blocks * images, unit % blocks, unit * groups // blocks
        n = min(images, len(x) - first)
        for m in range(n):
            for o in range(outs):
                sort_pixels(g[first + m, block * outs + o], left, m * left_size + o * windows.plane, windows.frame)
            for c in range(ins if group != held else 0):
                pixels = x[first + m, group % groups * ins + c]
                sort_pixels(pixels, right, m * right_size + c * image.plane, image.frame)
        held = group
        correlate(sums[unit // blocks, block], left, rows, left_size, right, columns, right_size, length, n)


@compiled
def correlate(
    w: Any, g: Any, rows: Any, g_size: Any, x: Any, columns: Any, x_size: Any, length: Any, images: Any
) -> None:
    """w[i, k] = sum_l g[rows[i] + l] * x[columns[k] + l], summed over images."""
    for i in range(0, len(rows), LEFT):
        for k in range(0, len(columns), RIGHT):
            s = no_sums(x, LEFT, RIGHT)
            for m in range(images):
                for at in range(0, length, BYTES // x.itemsize):
                    left = load_at(g, rows, i, m * g_size + at, LEFT)
                    s = add_products(s, left, load_at(x, columns, k, m * x_size + at, RIGHT))
            write_totals(w, i * len(columns) + k, len(columns), s, LEFT)
