"""The compiled steps of `winograd_numba`: a block of tiles is packed, transformed, multiplied, transformed back.

A block is some rows of tiles, which may lie in several images; a strip, rows of one image that are packed together.
Where points lie is told in `winograd_products_numba`. The last vector of channels repeats the last one, where these are
no multiple of L: see `winograd_simd`.
"""

from typing import NamedTuple

import numpy as np

from minigrad.typing import Array, Pair

from .jit import compiled
from .simd import BYTES, load_scalar, store_scalar
from .winograd_matrices import SIDE
from .winograd_products_numba import clear, correlate, multiply, point_step, vectors
from .winograd_simd import pack_block, transform_pixels, transform_sums, transform_windows, unpack_block


class Layout(NamedTuple):
    """Where tiles lie: `rows` x `columns` of them in an image, counted in one row over all images."""

    rows: int
    columns: int
    window: int  # windows of a tile's side
    padding: Pair
    block: int  # rows of a block
    strip: int  # rows that are packed together
    tiles: int  # for which there is room in a block, a multiple of TILE
    parts: int  # into which the outputs are cut, each of which makes its own points of pixels


@compiled
def convolve_blocks(
    v: Array, sums: Array, x: Array, kernels: Array, bias: Array, out: Array, pixels: Array, windows: Array,
    layout: Layout, start: int, stop: int,
) -> None:  # fmt: skip
    """`convolve`, for the pairs of a block and a part of the outputs from start to stop; v and sums are room."""
    lanes = BYTES // x.itemsize
    before, after = strip_room(layout, x), strip_room(layout, x)
    held = -1  # the block whose points are in v
    for unit in range(start, stop):
        block, part = unit // layout.parts, unit % layout.parts
        first = block * layout.block
        last = min(first + layout.block, len(x) * layout.rows)
        outs = cut(vectors(out.shape[1], lanes), part, layout.parts)
        if block != held:
            read_pixels(x, pixels, before, v, first, last, layout)
        held = block
        multiply(v, kernels, sums, x.shape[1], out.shape[1], outs, (last - first) * layout.columns, layout.tiles)
        write_windows(sums, bias, after, out, windows, outs, first, last, layout)


@compiled
def correlate_blocks(
    v: Array, a: Array, sums: Array, x: Array, g: Array, pixels: Array, windows: Array, layout: Layout, blocks: int,
    start: int, stop: int,
) -> None:  # fmt: skip
    """`conv_weight`, for the pairs of a sum, of so many blocks each, and a part of the outputs from start to stop."""
    lanes = BYTES // x.itemsize
    before, after = strip_room(layout, x), strip_room(layout, x)
    total = len(x) * layout.rows
    for unit in range(start, stop):
        s, outs = unit // layout.parts, cut(vectors(g.shape[1], lanes), unit % layout.parts, layout.parts)
        clear(sums[s], x.shape[1], g.shape[1], outs)
        for first in range(s * blocks * layout.block, min((s + 1) * blocks * layout.block, total), layout.block):
            last = min(first + layout.block, total)
            read_pixels(x, pixels, before, v, first, last, layout)
            read_windows(g, windows, after, a, outs, first, last, layout)
            count = (last - first) * layout.columns
            correlate(v, a, sums[s], x.shape[1], g.shape[1], outs, count, layout.tiles)


@compiled
def cut(total: int, part: int, parts: int) -> Pair:
    """Where a part of range(total) starts and stops."""
    return part * total // parts, (part + 1) * total // parts


@compiled
def strip_room(layout: Layout, x: Array) -> Array:
    """Zeros for a strip of the dtype of x, which begin with a cache line: then so do all vectors."""
    lanes = BYTES // x.itemsize
    room = np.zeros(strip_size(layout, lanes) + lanes, x.dtype)
    return room[-room.ctypes.data % BYTES // x.itemsize :]


@compiled
def strip_size(layout: Layout, lanes: int) -> int:
    """Numbers in a strip of pixels, which is larger than one of windows."""
    return (layout.window * (layout.strip - 1) + SIDE) * pixel_pitch(layout, lanes)


@compiled
def pixel_pitch(layout: Layout, lanes: int) -> int:
    """From a row of a strip's pixels to the next."""
    return (layout.window * (layout.columns - 1) + SIDE) * lanes


@compiled
def read_pixels(x: Array, places: Array, strip: Array, v: Array, first: int, last: int, layout: Layout) -> None:
    """Write B x B' to v, for the rows of tiles from first to last."""
    lanes = BYTES // x.itemsize
    plane, step = x.shape[2] * x.shape[3], point_step(x.shape[1], layout.tiles, lanes)
    pitch, side = pixel_pitch(layout, lanes), layout.window
    row = first
    while row < last:
        n, r = row // layout.rows, row % layout.rows
        count = min(layout.strip, layout.rows - r, last - row)
        top = side * r - layout.padding[0]  # the image's row that is the strip's first
        height = side * (count - 1) + SIDE
        begin, end = max(0, top), min(x.shape[2], top + height)
        strip[: (begin - top) * pitch] = 0
        strip[(end - top) * pitch : height * pitch] = 0
        for c in range(vectors(x.shape[1], lanes)):
            channel = c * lanes
            pack(x, (n * x.shape[1] + channel) * plane, plane, x.shape[1] - channel, strip, places,
                 begin * x.shape[3], end * x.shape[3], -top * pitch)  # fmt: skip
            at = (c * layout.tiles + (row - first) * layout.columns) * lanes
            for i in range(count):
                for j in range(layout.columns):
                    transform_pixels(strip, side * (i * pitch + j * lanes), pitch, v, at, step)
                    at += lanes
        row += count


@compiled
def read_windows(
    g: Array, places: Array, strip: Array, a: Array, outs: Pair, first: int, last: int, layout: Layout
) -> None:
    """Write A g A' to a, for a part of the outputs and the rows of tiles from first to last."""
    lanes = BYTES // g.itemsize
    plane, step = g.shape[2] * g.shape[3], point_step((outs[1] - outs[0]) * lanes, layout.tiles, lanes)
    side = layout.window
    pitch = side * layout.columns * lanes
    row = first
    while row < last:
        n, r = row // layout.rows, row % layout.rows
        count = min(layout.strip, layout.rows - r, last - row)
        end = min(g.shape[2], side * (r + count))
        strip[(end - side * r) * pitch : side * count * pitch] = 0
        for o in range(outs[0], outs[1]):
            channel = o * lanes
            pack(g, (n * g.shape[1] + channel) * plane, plane, g.shape[1] - channel, strip, places,
                 side * r * g.shape[3], end * g.shape[3], -side * r * pitch)  # fmt: skip
            at = ((o - outs[0]) * layout.tiles + (row - first) * layout.columns) * lanes
            for i in range(count):
                for j in range(layout.columns):
                    transform_windows(strip, side * (i * pitch + j * lanes), pitch, side, a, at, step)
                    at += lanes
        row += count


@compiled
def write_windows(
    sums: Array, bias: Array, strip: Array, out: Array, places: Array, outs: Pair, first: int, last: int, layout: Layout
) -> None:
    """Write A' sums A, plus bias, to a part of out (N, O, I, J), for the rows of tiles from first to last."""
    lanes = BYTES // out.itemsize
    plane, step = out.shape[2] * out.shape[3], point_step((outs[1] - outs[0]) * lanes, layout.tiles, lanes)
    side = layout.window
    pitch = side * layout.columns * lanes
    row = first
    while row < last:
        n, r = row // layout.rows, row % layout.rows
        count = min(layout.strip, layout.rows - r, last - row)
        for o in range(outs[0], outs[1]):
            at = ((o - outs[0]) * layout.tiles + (row - first) * layout.columns) * lanes
            for i in range(count):
                for j in range(layout.columns):
                    transform_sums(sums, at, step, bias, o * lanes, strip, side * (i * pitch + j * lanes), pitch, side)
                    at += lanes
            channel, end = o * lanes, min(out.shape[2], side * (r + count))
            unpack(out, (n * out.shape[1] + channel) * plane, plane, out.shape[1] - channel, strip, places,
                   side * r * out.shape[3], end * out.shape[3], -side * r * pitch)  # fmt: skip
        row += count


@compiled
def pack(
    x: Array, at: int, step: int, channels: int, strip: Array, places: Array, begin: int, end: int, base: int
) -> None:
    """Write the pixels from begin to end of the plane x[at:], and of those behind it, to strip[base + places].

    Where there are fewer than L `channels`, the last one is repeated.
    """
    lanes = BYTES // x.itemsize
    if end - begin >= lanes:
        for f in range(begin, end, lanes):
            some = min(f, end - lanes)  # the last block may repeat what the one before has done
            pack_block(x, at + some, step, channels, strip, places, some, base)
        return
    for f in range(begin, end):
        for c in range(lanes):
            channel = min(c, channels - 1)
            store_scalar(strip, base + places[f] + c, load_scalar(x, at + channel * step + f))


@compiled
def unpack(
    y: Array, at: int, step: int, channels: int, strip: Array, places: Array, begin: int, end: int, base: int
) -> None:
    """The inverse of `pack`."""
    lanes = BYTES // y.itemsize
    if end - begin >= lanes:
        for f in range(begin, end, lanes):
            some = min(f, end - lanes)
            unpack_block(y, at + some, step, channels, strip, places, some, base)
        return
    for f in range(begin, end):
        for c in range(min(lanes, channels)):
            store_scalar(y, at + c * step + f, load_scalar(strip, base + places[f] + c))
