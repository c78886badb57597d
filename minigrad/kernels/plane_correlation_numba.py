"""The compiled loops of `plane_convolution_numba.conv_weight`: pixels in all lanes, outputs in those of a few vectors.

Of each strip, all outputs of the cotangent are packed such that those of a window lie one behind the other; then the
pixels, for some channels at a time. Sums of a few taps and vectors of outputs are in registers for all windows.
"""

from typing import Any

import numpy as np

from minigrad.typing import Array

from .jit import compiled, inlined
from .plane_products_numba import Reads, Strips, aligned, read_planes, room_for_lines, room_for_planes
from .register_tiles_numba import (
    HAS_AVX512,
    add_outer_product,
    load_contiguous,
    load_grid,
    splat_at_offsets,
    store_grid,
)
from .simd import BYTES
from .winograd_blocks_numba import pack, unpack

TAPS, VECTORS = (8, 3) if HAS_AVX512 else (6, 1)  # of the kernels' gradient, whose sums are in registers


@compiled
def correlate_strips(
    sums: Array, x: Array, g: Array, reads: Reads, places: Array, windows: Array, groups: Array, taps: int,
    strips: Strips, each: int, blocks: Array, start: int, stop: int,
) -> None:  # fmt: skip
    """`conv_weight`, for the pairs of a sum, of so many strips each, and some blocks of channels."""
    lanes = BYTES // x.itemsize
    lines, source = room_for_lines(x, reads, strips), room_for_planes(x, reads, strips)
    slopes = aligned(x, groups[-1] * strips.images * strips.rows * strips.width * lanes)
    parts, units = len(blocks) - 1, -(-len(x) // strips.images) * strips.per_image
    depth = sums.shape[1] // (groups[-1] * lanes)  # taps of all channels
    for which in range(start, stop):
        s, part = which // parts, which % parts
        for group in range(len(groups) - 1):
            base, size = groups[group] * depth, (groups[group + 1] - groups[group]) * len(places)
            sums[s, (base + blocks[part] * size) * lanes : (base + blocks[part + 1] * size) * lanes] = 0
        for unit in range(s * each, min((s + 1) * each, units)):
            n, first = unit // strips.per_image * strips.images, unit % strips.per_image * strips.rows
            images, rows = min(strips.images, len(x) - n), min(strips.rows, g.shape[2] - first)
            count = ((images - 1) * strips.rows + rows) * strips.width
            read_slopes(g, n, images, first, rows, slopes, windows, groups, strips)
            for block in range(blocks[part], blocks[part + 1]):
                channel = block * strips.channels
                some = min(strips.channels, x.shape[1] - channel)
                read_planes(x, n, images, channel, some, first, lines, source, reads, strips)
                for group in range(len(groups) - 1):
                    size = groups[group + 1] - groups[group]
                    at = (groups[group] * depth + block * len(places) * size) * lanes
                    slope = groups[group] * strips.images * strips.rows * strips.width * lanes
                    for k in range(0, some * taps, TAPS):
                        tile = at + k * size * lanes
                        if size == 1:
                            correlate_one(source, places, k, slopes, slope, sums[s], tile, count, lanes)
                        elif size == 2:
                            correlate_two(source, places, k, slopes, slope, sums[s], tile, count, lanes)
                        else:
                            correlate_all(source, places, k, slopes, slope, sums[s], tile, count, lanes)


def tile_correlation(n: int) -> Any:
    """The sums of a few taps and n vectors of outputs, over all windows of a strip."""

    @inlined
    def correlate_tile(
        source: Array, places: Array, k: int, slopes: Array, slope: int, sums: Array, at: int, count: int, lanes: int
    ) -> None:
        s = load_grid(sums, at, n * lanes, lanes, TAPS, n)
        for window in range(count):
            pixels = splat_at_offsets(source, places, k, window, TAPS)
            s = add_outer_product(s, pixels, load_contiguous(slopes, slope, n))
            slope += n * lanes
        store_grid(sums, at, n * lanes, lanes, s, TAPS)

    return correlate_tile


correlate_one = tile_correlation(1)
correlate_two = tile_correlation(min(2, VECTORS))
correlate_all = tile_correlation(VECTORS)


@compiled
def read_slopes(
    g: Array, n: int, images: int, first: int, rows: int, slopes: Array, windows: Array, groups: Array, strips: Strips
) -> None:
    """Pack the rows of a strip; `windows` tells where each of an image lies if there are 1, 2, ... vectors of it."""
    lanes, plane = BYTES // g.itemsize, g.shape[2] * g.shape[3]
    area = strips.rows * strips.width
    for group in range(len(groups) - 1):
        size = groups[group + 1] - groups[group]
        for image in range(images):
            into = groups[group] * strips.images * area + (image * area - first * strips.width) * size
            for v in range(size):
                at = ((n + image) * g.shape[1] + (groups[group] + v) * lanes) * plane
                pack(g, at, plane, lanes, slopes, windows[size - 1], first * g.shape[3], (first + rows) * g.shape[3],
                     (into + v) * lanes)  # fmt: skip


@compiled
def write_kernels(total: Array, out: Array, rows: Array, groups: Array, start: int, stop: int) -> None:
    """Write sums to out (O, K), for the groups from start to stop; `rows` as `windows` above, of taps."""
    lanes, taps = BYTES // out.itemsize, out.shape[1]
    flat, depth = out.reshape(-1), len(total) // (groups[-1] * BYTES // out.itemsize)
    for group in range(start, stop):
        size = groups[group + 1] - groups[group]
        for v in range(size):
            unpack(flat, (groups[group] + v) * lanes * taps, taps, lanes, total, rows[size - 1], 0, taps,
                   (groups[group] * depth + v) * lanes)  # fmt: skip


def vector_groups(vectors: int) -> Array:
    """Where each few vectors begin whose sums are in registers together, and where the last ones end."""
    sizes = [VECTORS] * (vectors // VECTORS) + [vectors % VECTORS] * (vectors % VECTORS > 0)
    if sizes[-1] == 1 < VECTORS and len(sizes) > 1:
        sizes[-2:] = [VECTORS - 1, 2]
    return np.cumsum([0, *sizes])
