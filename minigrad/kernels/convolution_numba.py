"""Direct convolution, without im2col: for few channels, where making columns would cost more than the product.

Lay a padded image out flat, ordered as in `padded_buffer_numba`. Then what one tap reads in all windows is a single
stretch of it: with stride 1, the image shifted by the tap's (c, p, q). (Across the end of each row lie a few windows
that do not exist; they are computed and dropped.) Give each plane of outputs an offset rows[o], each tap k = (c, p, q)
an offset columns[k], and convolution with its transposes is the three derivatives of one trilinear form

    sum_okl  g[rows[o] + l] * w[o, k] * x[columns[k] + l]

    conv           y[rows[o] + l]     +=  sum_k  w[o, k] * x[columns[k] + l]
    conv_input     x[columns[k] + l]  +=  sum_o  w[o, k] * g[rows[o] + l]
    conv_weight    w[o, k]            +=  sum_l  g[rows[o] + l] * x[columns[k] + l]

The second is the first with rows and columns exchanged, so two compiled loops do all the work. Kernels of 1 x 1 with
enough channels are left to `pointwise_convolution_numba`, of 3 x 3 and 5 x 5 to `winograd_numba`, outputs that are a
multiple of 16 to `plane_convolution_numba`, rows that fill vectors to `row_convolution_numba`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from minigrad.typing import Array, Pair, Shape

from . import buffers, special_convolutions_numba
from . import row_convolution_numba as by_rows
from .array_utils import as_contiguous
from .finish import Finish, in_groups_of_images
from .jit import VariantResult, compiled
from .padded_buffer_numba import PlaneLayout, pack_pixels, unpack_pixels
from .register_tiles_numba import (
    HAS_AVX512,
    accumulate_rows,
    add_outer_product,
    load_at_offsets,
    load_contiguous,
    splat_tile,
    store_sums,
    zero_tile,
)
from .simd import BYTES
from .threads import parallel
from .window_geometry import output_size

# Rows of outputs, and registers of each, whose sums `accumulate` keeps; g's and x's whose sums `correlate` keeps.
TILE_ROWS, TILE_REGISTERS = (8, 2) if HAS_AVX512 else (6, 1)
CORRELATE_ROWS, CORRELATE_COLUMNS = (2, 9) if HAS_AVX512 else (2, 3)
LENGTH_MULTIPLE = 16 * TILE_REGISTERS  # windows that `accumulate` takes at a time, or a multiple of them
ADDED = 4  # what it costs to add a sum to memory, in multiply-adds
CACHE_BYTES = 1 << 19  # bytes of buffers that one thread should work in
MAX_BUFFER_BYTES = (8 if HAS_AVX512 else 2) * CACHE_BYTES  # and at most
# Weights of a group, where up to 2 windows are computed for each that exists, and up to 1.5: with more, a product over
# columns is faster.
FEW_WEIGHTS, MAX_WEIGHTS = (32 << 10, 1024 << 10) if HAS_AVX512 else (16 << 10, 16 << 10)


def conv(
    x: Array, w: Array, b: Array | None, *, stride: Pair, padding: Pair, dilation: Pair, groups: int,
    finish: Finish | None = None,
) -> VariantResult:  # fmt: skip
    """See `convolution.conv`."""
    where: Any = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    y = special_convolutions_numba.first_of("conv", w.shape, (x, w, b), where, finish=finish)
    if y is not NotImplemented:
        return y
    plan = DirectPlan.of(x.shape, w.shape, stride, padding, dilation, groups)
    if not plan.suits(x, w):
        return NotImplemented
    limit = plan.cost(len(plan.rows) * plan.blocks, len(plan.columns), x.itemsize)
    if (y := by_rows.conv(x, w, b, **where, count=plan.count, limit=limit, finish=finish)) is not NotImplemented:
        return y
    y = buffers.empty((len(x), len(w), *plan.count), x.dtype)
    bias = np.zeros(len(w), x.dtype) if b is None else b.astype(x.dtype)
    weights = w.reshape(groups * plan.blocks, len(plan.rows), -1)
    sweep(y, bias, weights, x, groups, plan.rows, plan.columns, plan.windows, plan.image, plan.length, finish)
    return y


def conv_input(
    g: Array, w: Array, *, shape: Shape, stride: Pair, padding: Pair, dilation: Pair, groups: int
) -> VariantResult:
    """See `convolution.conv_input`."""
    where: Any = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    x = special_convolutions_numba.first_of("conv_input", shape, (g, w), where, shape=shape)
    if x is not NotImplemented:
        return x
    plan = DirectPlan.of(shape, w.shape, stride, padding, dilation, groups, whole=True)  # each g counts for all of x
    if not plan.suits(g, w):
        return NotImplemented
    limit = plan.cost(len(plan.columns), len(plan.rows), g.itemsize)
    x = by_rows.conv_input(g, w, shape=shape, **where, limit=limit)
    if x is not NotImplemented:
        return x
    x = buffers.empty(shape, g.dtype)
    weights = w.reshape(groups, w.shape[0] // groups, -1).swapaxes(1, 2)
    sweep(x, np.zeros(shape[1], g.dtype), weights, g, groups, plan.columns, plan.rows, plan.image, plan.windows,
          plan.length)  # fmt: skip
    return x


def conv_weight(
    x: Array, g: Array, *, shape: Shape, stride: Pair, padding: Pair, dilation: Pair, groups: int
) -> VariantResult:
    """See `convolution.conv_weight`."""
    where = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    out = special_convolutions_numba.first_of("conv_weight", shape, (x, g), where, shape=shape)
    if out is not NotImplemented:
        return out
    plan = DirectPlan.of(x.shape, shape, stride, padding, dilation, groups)
    if not plan.suits(x, g):
        return NotImplemented
    images = max(1, min(8, CACHE_BYTES // plan.bytes))
    rows, columns = plan.correlated
    # One sum for each block of images, then the sum of those: the same order for any number of threads.
    sums = buffers.scratch((-(-len(x) // images), groups * plan.blocks, len(rows), len(columns)), x.dtype)
    parallel(
        correlate_blocks, sums.shape[0] * sums.shape[1], sums, as_contiguous(g), as_contiguous(x), groups, rows,
        columns, plan.windows, plan.image, plan.length, images,
    )  # fmt: skip
    return sums.sum(axis=0)[:, : len(plan.rows), : len(plan.columns)].reshape(shape)


class BufferLayout(NamedTuple):
    """How planes lie in a flat buffer."""

    plane_size: int  # from one to the next
    layout: PlaneLayout


@dataclass(frozen=True, slots=True)
class DirectPlan:
    """A convolution on flat buffers."""

    count: Pair  # windows
    rows: Array
    columns: Array
    correlated: tuple[Array, Array]  # rows and columns, repeated to multiples of what `correlate` takes at a time
    windows: BufferLayout  # of an image's y or g
    image: BufferLayout  # of its x
    length: int  # of a plane of windows, as a multiple of any register
    blocks: int  # into which the outputs of a group are cut, such that buffers are small
    bytes: int  # of the buffers for a block of an image
    pays: bool  # whether this is faster than other ways

    @classmethod
    @lru_cache(256)  # a network asks for the same few, in every step
    def of(
        cls, x: Shape, w: Shape, stride: Pair, padding: Pair, dilation: Pair, groups: int, *, whole: bool = False
    ) -> "DirectPlan":
        """Plan the convolution of x (N, C, H, W) by w (O, C/groups, P, Q); `whole` forbids to cut the outputs."""
        o, c = w[0] // groups, w[1]
        count = output_size((x[2], x[3]), (w[2], w[3]), stride, padding, dilation)
        height, width = (n + d * (k - 1) // s for n, k, s, d in zip(count, w[2:], stride, dilation, strict=True))
        length = -(-(width * (count[0] - 1) + count[1]) // LENGTH_MULTIPLE) * LENGTH_MULTIPLE
        layout = PlaneLayout((height, width), stride, padding)
        channel, down, right = np.ogrid[:c, : dilation[0] * w[2] : dilation[0], : dilation[1] * w[3] : dilation[1]]
        part = down % stride[0] * stride[1] + right % stride[1]
        columns = channel * layout.length + (part * height + down // stride[0]) * width + right // stride[1]
        sizes = {n: 4 * (o // n * length + c * layout.length) for n in range(1, o + 1) if o % n == 0}
        allowed = [n for n in sizes if n == 1 or (o // n >= TILE_ROWS and not whole)]
        blocks = next((n for n in allowed if sizes[n] <= 2 * CACHE_BYTES), allowed[-1])
        repeated = w[2] * w[3] > stride[0] * stride[1]  # pixels; else columns are no more than the image
        wasted = length / max(1, count[0] * count[1])
        rows, columns = np.arange(o // blocks) * length, columns.ravel()
        return cls(
            count, rows, columns,
            (up_to_multiple(rows, CORRELATE_ROWS), up_to_multiple(columns, CORRELATE_COLUMNS)),
            BufferLayout(length, PlaneLayout((count[0], width), (1, 1), (0, 0))), BufferLayout(layout.length, layout),
            length, blocks, sizes[blocks],
            pays=repeated and sizes[blocks] <= MAX_BUFFER_BYTES and (
                (wasted <= 2 and o * columns.size <= FEW_WEIGHTS)
                or (wasted <= 1.5 and o * columns.size <= MAX_WEIGHTS)
            ),
        )  # fmt: skip

    def cost(self, sums: int, terms: int, itemsize: int) -> int:
        """The multiply-adds of vectors for one image: so many stretches, each the sum of so many others."""
        return -(-sums // TILE_ROWS) * TILE_ROWS * (terms + ADDED) * self.length * itemsize // BYTES

    def suits(self, x: Array, y: Array) -> bool:
        """Whether this is the way to compute it, for arguments x and y."""
        return self.pays and x.dtype == y.dtype and x.dtype in (np.float32, np.float64)


def sweep(
    y: Array, bias: Array, w: Array, x: Array, groups: int, rows: Array, columns: Array, into: BufferLayout,
    out_of: BufferLayout, length: int, finish: Finish | None = None,
) -> None:  # fmt: skip
    """In every image, and block of outputs (w's first axis), y[rows] = bias + w @ x[columns]; x is in `groups`."""
    blocks, _, depth = w.shape
    unused = into.plane_size * (y.shape[1] // blocks) + BYTES  # behind the outputs: what rows that fill a tile write
    order = up_to_multiple(rows, TILE_ROWS, fill=unused).reshape(TILE_ROWS, -1)
    tiles = np.zeros((blocks, order.size, depth), w.dtype)
    tiles[:, : len(rows)] = w
    # A tile's rows lie far apart: to read what was just written, a pixel aside, would stall the processor.
    tiles = np.ascontiguousarray(tiles.reshape(blocks, TILE_ROWS, -1, depth).transpose(0, 2, 3, 1))
    arguments = (y, bias, tiles.reshape(blocks, -1), as_contiguous(x), groups, order.T.ravel(), columns, into, out_of,
                 length)  # fmt: skip
    if finish is None:
        parallel(sweep_images, len(x) * blocks, *arguments)
    else:
        parallel(sweep_and_finish, len(x), finish, blocks, y, arguments)


def sweep_and_finish(finish: Finish, blocks: int, y: Array, arguments: tuple[Any, ...], start: int, stop: int) -> None:
    """`sweep` of the images from start to stop."""

    def compute(first: int, last: int) -> None:
        kernel: Callable[..., None] = sweep_images
        kernel(*arguments, first * blocks, last * blocks)

    in_groups_of_images(compute, finish, y, start, stop)


def up_to_multiple(offsets: Array, n: int, fill: int = 0) -> Array:
    """Append `fill` until the length is a multiple of n."""
    return np.append(offsets, np.full(-len(offsets) % n, fill, offsets.dtype))


@compiled
def sweep_images(
    y: Array, bias: Array, w: Array, x: Array, groups: int, rows: Array, columns: Array, into: BufferLayout,
    out_of: BufferLayout, length: int, start: int, stop: int,
) -> None:  # fmt: skip
    """`sweep`, for the pairs of an image and a block of outputs from start to stop."""
    blocks = len(w)
    outs, ins = y.shape[1] // blocks, x.shape[1] // groups
    source = np.zeros(ins * out_of.plane_size + 2 * BYTES, x.dtype)
    target = np.zeros(outs * into.plane_size + length + 2 * BYTES, x.dtype)  # behind: what rows that fill a tile write
    held = -1  # the group whose pixels are in the buffer
    for unit in range(start, stop):
        n, block, group = unit // blocks, unit % blocks, unit * groups // blocks
        for c in range(ins if group != held else 0):
            pack_pixels(x[n, group % groups * ins + c], source, c * out_of.plane_size, out_of.layout)
        held = group
        for o in range(outs):
            target[o * into.plane_size : (o + 1) * into.plane_size] = bias[block * outs + o]
        accumulate(target, rows, w[block], source, columns, length)
        for o in range(outs):
            unpack_pixels(y[n, block * outs + o], target, o * into.plane_size, into.layout)


@compiled
def accumulate(y: Array, rows: Array, w: Array, x: Array, columns: Array, length: int) -> None:
    """y[rows[i] + l] += sum_k w[i, k] * x[columns[k] + l], with w as tiles (i / TILE_ROWS, k, i % TILE_ROWS)."""
    for i in range(0, len(rows), TILE_ROWS):
        for at in range(0, length, TILE_REGISTERS * BYTES // x.itemsize):
            s = zero_tile(x, TILE_ROWS, TILE_REGISTERS)
            weight = i * len(columns)
            for k in range(len(columns)):
                pixels = load_contiguous(x, columns[k] + at, TILE_REGISTERS)
                s = add_outer_product(s, splat_tile(w, weight, TILE_ROWS), pixels)
                weight += TILE_ROWS
            accumulate_rows(y, rows, i, at, s, TILE_ROWS)


@compiled
def correlate_blocks(
    sums: Array, g: Array, x: Array, groups: int, rows: Array, columns: Array, windows: BufferLayout,
    image: BufferLayout, length: int, images: int, start: int, stop: int,
) -> None:  # fmt: skip
    """`conv_weight`, for the pairs of some images and a block of outputs from start to stop."""
    blocks = sums.shape[1]
    outs, ins = g.shape[1] // blocks, x.shape[1] // groups
    left_size, right_size = (outs + 1) * windows.plane_size, ins * image.plane_size
    left = np.zeros(images * left_size, x.dtype)  # 0 between the windows, and in a plane behind
    right = np.zeros(images * right_size + 2 * BYTES, x.dtype)
    held = -1  # the group whose pixels are in the buffer
    for unit in range(start, stop):
        first, block, group = unit // blocks * images, unit % blocks, unit * groups // blocks
        n = min(images, len(x) - first)
        for m in range(n):
            for o in range(outs):
                slopes = g[first + m, block * outs + o]
                pack_pixels(slopes, left, m * left_size + o * windows.plane_size, windows.layout)
            for c in range(ins if group != held else 0):
                pixels = x[first + m, group % groups * ins + c]
                pack_pixels(pixels, right, m * right_size + c * image.plane_size, image.layout)
        held = group
        correlate(sums[unit // blocks, block], left, rows, left_size, right, columns, right_size, length, n)


@compiled
def correlate(
    w: Array, g: Array, rows: Array, g_size: int, x: Array, columns: Array, x_size: int, length: int, images: int
) -> None:
    """w[i, k] = sum_l g[rows[i] + l] * x[columns[k] + l], summed over images."""
    for i in range(0, len(rows), CORRELATE_ROWS):
        for k in range(0, len(columns), CORRELATE_COLUMNS):
            s = zero_tile(x, CORRELATE_ROWS, CORRELATE_COLUMNS)
            for m in range(images):
                for at in range(0, length, BYTES // x.itemsize):
                    left = load_at_offsets(g, rows, i, m * g_size + at, CORRELATE_ROWS)
                    s = add_outer_product(s, left, load_at_offsets(x, columns, k, m * x_size + at, CORRELATE_COLUMNS))
            store_sums(w, i * len(columns) + k, len(columns), s, CORRELATE_ROWS)
