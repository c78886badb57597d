"""Direct convolution with stride 1 and few channels, where making columns would cost more than the product.

Lay a framed image out flat, row after row. Then what one tap reads in all windows is a single stretch of it:
the image shifted by the tap's (c, p, q). (Across the end of each row lie a few windows that do not exist;
they are computed and dropped.) Give each plane of outputs an offset rows[o], each tap k = (c, p, q) an offset
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
from .windows import Array, Pair, Shape, owned, reach, window_count

# Rows of outputs, and registers of each, whose sums `accumulate` keeps; g's and x's whose sums `correlate` keeps.
TILE, WIDTH = (8, 2) if MANY else (6, 1)
LEFT, RIGHT = (4, 6) if MANY else (2, 3)
SPAN = 16 * WIDTH  # windows that `accumulate` takes at a time, or a multiple of them
CACHE = 1 << 19  # bytes of buffers that one thread should work in
FEW = (32 if MANY else 16) << 10  # weights of a group; above, a matrix product over columns is faster


def conv(x: Array, w: Array, b: Array | None, *, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> Answer:
    """See `conv.conv`."""
    flat = Flat.of(x.shape, w.shape, stride, padding, dilation, groups)
    if not flat.suits(x, w):
        return winograd_numba.conv(x, w, b, stride=stride, padding=padding, dilation=dilation, groups=groups)
    y = np.empty((len(x), len(w), *flat.count), x.dtype)
    bias = np.zeros(len(w), x.dtype) if b is None else b.astype(x.dtype)
    weights = w.reshape(groups, w.shape[0] // groups, -1)
    sweep(y, bias, weights, x, flat.rows, flat.columns, flat.windows, flat.image, flat.length)
    return y


def conv_input(g: Array, w: Array, *, shape: Shape, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> Answer:
    """See `conv.conv_input`."""
    flat = Flat.of(shape, w.shape, stride, padding, dilation, groups)
    if not flat.suits(g, w):
        return winograd_numba.conv_input(
            g, w, shape=shape, stride=stride, padding=padding, dilation=dilation, groups=groups
        )
    x = np.empty(shape, g.dtype)
    weights = w.reshape(groups, w.shape[0] // groups, -1).swapaxes(1, 2)
    bias = np.zeros(shape[1], g.dtype)
    sweep(x, bias, weights, g, flat.columns, flat.rows, flat.image, flat.windows, flat.length)
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
    sums = np.empty((-(-len(x) // images), groups, len(rows), len(columns)), x.dtype)
    parallel(
        correlate_blocks, len(sums) * groups, sums, owned(g), owned(x), rows, columns,
        flat.windows, flat.image, flat.length, images,
    )  # fmt: skip
    return sums.sum(axis=0)[:, : len(flat.rows), : len(flat.columns)].reshape(shape)


class Layout(NamedTuple):
    """Where a plane's pixel (i, j) lies in a flat buffer: plane * c + start + pitch * i + j."""

    plane: int
    pitch: int
    start: int


@dataclass(frozen=True, slots=True)
class Flat:
    """A convolution on flat buffers."""

    stride: Pair
    count: Pair  # windows
    rows: Array
    columns: Array
    windows: Layout  # of an image's y or g
    image: Layout  # of its x
    length: int  # of a plane of windows, as a multiple of any register
    bytes: int  # of the buffers for an image

    @classmethod
    @lru_cache(256)  # a network asks for the same few, in every step
    def of(cls, x: Shape, w: Shape, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> "Flat":
        """Plan the convolution of x (N, C, H, W) by w (O, C/groups, P, Q)."""
        o, c = w[0] // groups, w[1]
        kernel = (w[2], w[3])
        count = window_count((x[2], x[3]), kernel, stride, padding, dilation)
        height, width = reach(count, kernel, stride, dilation)
        length = -(-(width * (count[0] - 1) + count[1]) // SPAN) * SPAN
        image = Layout(height * width, width, padding[0] * width + padding[1])
        taps = np.ogrid[:c, : w[2], : w[3]]
        columns = taps[0] * image.plane + taps[1] * dilation[0] * width + taps[2] * dilation[1]
        return cls(
            stride, count, np.arange(o) * length, columns.ravel(), Layout(length, width, 0), image, length,
            bytes=4 * (o * length + c * image.plane),
        )  # fmt: skip

    def suits(self, x: Array, y: Array) -> bool:
        """Whether this is the way to compute it, for arguments x and y."""
        return (
            self.stride == (1, 1)
            and x.dtype == y.dtype
            and x.dtype in (np.float32, np.float64)
            and self.bytes <= 2 * CACHE
            and self.length <= 2 * self.count[0] * self.count[1]
            and len(self.rows) * len(self.columns) <= FEW
        )


def sweep(
    y: Array, bias: Array, w: Array, x: Array, rows: Array, columns: Array, into: Layout, out_of: Layout, length: int
) -> None:
    """In every image, and group (w's first axis), y[rows] = bias + w @ x[columns]."""
    groups, _, depth = w.shape
    order = up_to_multiple(rows, TILE, fill=into.plane * (y.shape[1] // groups) + BYTES).reshape(TILE, -1)
    tiles = np.zeros((groups, order.size, depth), w.dtype)
    tiles[:, : len(rows)] = w
    # A tile's rows lie far apart: to read what was just written, a pixel aside, would stall the processor.
    tiles = np.ascontiguousarray(tiles.reshape(groups, TILE, -1, depth).transpose(0, 2, 3, 1))
    parallel(
        sweep_images, len(x) * groups, y, bias, tiles.reshape(groups, -1), owned(x), order.T.ravel(), columns,
        into, out_of, length,
    )  # fmt: skip


def up_to_multiple(offsets: Array, n: int, fill: int = 0) -> Array:
    """Append `fill` until the length is a multiple of n."""
    return np.append(offsets, np.full(-len(offsets) % n, fill, offsets.dtype))


@compiled
def sweep_images(
    y: Any,
    bias: Any,
    w: Any,
    x: Any,
    rows: Any,
    columns: Any,
    into: Any,
    out_of: Any,
    length: Any,
    start: Any,
    stop: Any,
) -> None:
    """`sweep`, for the pairs of an image and a group from start to stop."""
    groups = len(w)
    outs, ins = y.shape[1] // groups, x.shape[1] // groups
    source = np.zeros(ins * out_of.plane + 2 * BYTES, x.dtype)
    target = np.zeros(outs * into.plane + length + 2 * BYTES, x.dtype)  # behind: what rows that fill a tile write
    for unit in range(start, stop):
        n, group = unit // groups, unit % groups
        for c in range(ins):
            spread(source, 0, x[n, group * ins + c], c, out_of)
        for o in range(outs):
            target[o * into.plane : (o + 1) * into.plane] = bias[group * outs + o]
        accumulate(target, rows, w[group], source, columns, length)
        for o in range(outs):
            collect(y[n, group * outs + o], target, o, into)


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
    sums: Any, g: Any, x: Any, rows: Any, columns: Any, windows: Any, image: Any, length: Any, images: Any,
    start: Any, stop: Any,
) -> None:  # fmt: skip
    """`conv_weight`, for the pairs of a block of images and a group from start to stop."""
    groups = sums.shape[1]
    outs, ins = g.shape[1] // groups, x.shape[1] // groups
    left_size, right_size = (outs + 1) * windows.plane, ins * image.plane
    left = np.zeros(images * left_size, x.dtype)  # 0 between the windows, and in a plane behind
    right = np.zeros(images * right_size + 2 * BYTES, x.dtype)
    for unit in range(start, stop):
        block, group = unit // groups, unit % groups
        n = min(images, len(x) - block * images)
        for m in range(n):
            for o in range(outs):
                spread(left, m * left_size, g[block * images + m, group * outs + o], o, windows)
            for c in range(ins):
                spread(right, m * right_size, x[block * images + m, group * ins + c], c, image)
        correlate(sums[block, group], left, rows, left_size, right, columns, right_size, length, n)


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


@compiled
def spread(buffer: Any, base: Any, pixels: Any, plane: Any, layout: Any) -> None:
    """Write pixels (H, W) to a plane of the buffer."""
    height, width = pixels.shape
    for h in range(height):
        at = base + plane * layout.plane + layout.start + h * layout.pitch
        line = buffer[at : at + width]
        for w in range(width):
            line[w] = pixels[h, w]


@compiled
def collect(pixels: Any, buffer: Any, plane: Any, layout: Any) -> None:
    """Read pixels (H, W) from a plane of the buffer."""
    height, width = pixels.shape
    for h in range(height):
        at = plane * layout.plane + layout.start + h * layout.pitch
        line = buffer[at : at + width]
        for w in range(width):
            pixels[h, w] = line[w]
