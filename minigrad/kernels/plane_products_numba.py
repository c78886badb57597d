"""The compiled loops of `plane_convolution_numba`: strips of images are packed, multiplied, and their sums written."""

from typing import Any, NamedTuple, TypeAlias

import numpy as np

from minigrad.typing import Array, Pair

from .jit import compiled, inlined
from .partial_vectors_numba import load_part, store_part
from .register_tiles_numba import (
    HAS_AVX512,
    add_outer_product,
    load_contiguous,
    load_grid,
    splat_tile,
    store_grid,
)
from .simd import BYTES, even, fill, interleave_high, interleave_low, load, load_scalar, prefetch, store, store_scalar

ROWS, FEW_ROWS = (8, 8) if HAS_AVX512 else (6, 4)  # of sums in registers
COLUMNS, FEW_COLUMNS = (3, 2) if HAS_AVX512 else (1, 1)  # vectors of each
TILES = 1 if HAS_AVX512 else 3  # of windows, one after the other, that read the same kernels from the nearest cache


Reads: TypeAlias = tuple[Array, Array, Array]


class Strips(NamedTuple):
    """How images are cut into strips, and how a strip lies in buffers."""

    images: int  # of a strip
    per_image: int  # strips of so many images
    rows: int  # of windows, in each image of a strip
    width: int  # of these
    read_step: Pair  # from the pixel of a window to that of the next one, down and right
    write_step: Pair  # likewise in the result
    channels: int  # that are packed together
    plane: int  # from a plane of pixels to the next
    pitch: int  # from the sums of an output to those of the next
    left: int  # zeros before a row of pixels
    line: int  # from a row of pixels to the next, with zeros


@compiled
def sweep(
    x: Array, u: Array, bias: Array, out: Array, reads: Reads, places: Array, starts: Array, tiles: Array,
    strips: Strips, start: int, stop: int,
) -> None:  # fmt: skip
    """Convolve, for the strips from start to stop."""
    lanes = BYTES // x.itemsize
    ins, outs, parts, rows_in_tiles = x.shape[1], out.shape[1], len(starts) - 1, tiles[-1]
    lines, source = room_for_lines(x, reads, strips), room_for_planes(x, reads, strips)
    target = aligned(x, parts * rows_in_tiles * strips.pitch)
    for unit in range(start, stop):
        n, first = unit // strips.per_image * strips.images, unit % strips.per_image * strips.rows
        images = min(strips.images, len(x) - n)
        rows = strips.rows
        if strips.per_image > 1:
            rows = min(rows, -(-out.shape[2] // strips.write_step[0]) - first)
        count = ((images - 1) * strips.rows + rows) * strips.width
        for part in range(parts):
            for o in range(outs):
                b = fill(x, load_scalar(bias, o))
                at = (part * rows_in_tiles + o) * strips.pitch
                for k in range(at, at + count, lanes):
                    store(target, k, b)
        weight = 0
        for c in range(0, ins, strips.channels):
            some = min(strips.channels, ins - c)
            read_planes(x, n, images, c, some, first, lines, source, reads, strips)
            for part in range(parts):
                taps = starts[part + 1] - starts[part]
                begin = starts[part] * strips.channels
                multiply(source, u, target, places, begin, begin + taps * some, weight, part * rows_in_tiles, tiles,
                         count, strips.pitch)  # fmt: skip
                weight += taps * some * rows_in_tiles
        write_sums(out, target, n, images, first, rows, rows_in_tiles, strips)


@inlined
def room_for_lines(x: Array, reads: Reads, strips: Strips) -> Array:
    """The first buffer of `read_planes`; behind what is needed lies what vectors read that are not full."""
    return aligned(x, (strips.images * line_count(reads, strips) + 1) * strips.line + 4 * BYTES // x.itemsize)


@inlined
def room_for_planes(x: Array, reads: Reads, strips: Strips) -> Array:
    """Likewise the second one."""
    tops, _, lefts = reads
    return aligned(x, strips.channels * len(tops) * len(lefts) * strips.plane + 4 * BYTES // x.itemsize)


@inlined
def aligned(x: Array, size: int) -> Array:
    """So many zeros, of which a vector lies in one line of the cache."""
    room = np.zeros(size + BYTES // x.itemsize, x.dtype)
    return room[-room.ctypes.data % BYTES // x.itemsize :]


@compiled
def line_count(reads: Reads, strips: Strips) -> int:
    """How many rows of pixels a strip reads, with those between."""
    tops, more, _ = reads
    return int((tops + strips.read_step[0] * (strips.rows + more - 1)).max() - tops.min() + 1)


@compiled
def read_planes(
    x: Array, n: int, images: int, channel: int, channels: int, first: int, lines: Array, source: Array, reads: Reads,
    strips: Strips,
) -> None:  # fmt: skip
    """Write planes of what the strip that begins with row `first` reads of some channels.

    Rows are copied first, between zeros: lines of them. Each kind of rows has a top, by how much it lies below a
    window, and so many more than there are rows of windows; each plane of it begins so far right of a window.
    """
    tops, more, lefts = reads
    lanes = BYTES // x.itemsize
    down, right = strips.read_step
    top, count = tops.min(), line_count(reads, strips)
    height, width = x.shape[2:]
    flat = x.reshape(-1)
    for c in range(channels):
        for image in range(images):
            base = ((n + image) * x.shape[1] + channel + c) * height
            line = strips.left + image * count * strips.line
            for h in range(down * first + top, down * first + top + count):
                size = width if 0 <= h < height else 0
                for k in range(0, width, lanes):
                    at = (base + h) * width + k
                    prefetch(flat, at + height * width)  # the next channel
                    store(lines, line + k, load_part(flat, at, size - k))
                line += strips.line
        for r in range(len(tops)):
            for q in range(len(lefts)):
                plane = ((c * len(tops) + r) * len(lefts) + q) * strips.plane
                for image in range(images):
                    at = strips.left + (image * count + tops[r] - top) * strips.line + lefts[q]
                    into, rows = plane + image * strips.rows * strips.width, strips.rows + more[r]
                    take_pixels(lines, at, down * strips.line, right, source, into, rows, strips.width, lanes)


@inlined
def take_pixels(
    lines: Array, at: int, pitch: int, step: int, source: Array, into: int, rows: int, width: int, lanes: int
) -> None:
    """Rows of pixels that are `step` apart, one behind the other; behind the last one, anything."""
    if step == 1:
        for _ in range(rows):
            for j in range(0, width, lanes):
                store(source, into + j, load(lines, at + j))
            at += pitch
            into += width
    elif step == 2:
        for _ in range(rows):
            for j in range(0, width, lanes):
                store(source, into + j, every_second(lines, at + 2 * j, lanes))
            at += pitch
            into += width
    elif step == 4:
        for _ in range(rows):
            for j in range(0, width, lanes):
                i = at + 4 * j
                store(source, into + j, even(every_second(lines, i, lanes), every_second(lines, i + 2 * lanes, lanes)))
            at += pitch
            into += width
    else:
        for _ in range(rows):
            for j in range(width):
                store_scalar(source, into + j, load_scalar(lines, at + step * j))
            at += pitch
            into += width


@inlined
def every_second(x: Array, i: int, lanes: int) -> Any:
    """A vector of x[i], x[i + 2], ..."""
    return even(load(x, i), load(x, i + lanes))


def tile_product(m: int, n: int) -> Any:
    """The product of a tile of m rows of sums, of n vectors each."""

    @inlined
    def multiply_tile(
        source: Array, u: Array, target: Array, places: Array, begin: int, end: int, weight: int, at: int, window: int,
        pitch: int, lanes: int,
    ) -> None:  # fmt: skip
        s = load_grid(target, at, pitch, lanes, m, n)
        for k in range(begin, end):
            s = add_outer_product(s, splat_tile(u, weight, m), load_contiguous(source, places[k] + window, n))
            weight += m
        store_grid(target, at, pitch, lanes, s, m)

    return multiply_tile


full = tile_product(ROWS, COLUMNS)
partial = tile_product(FEW_ROWS, FEW_COLUMNS)


@compiled
def multiply(
    source: Array, u: Array, target: Array, places: Array, begin: int, end: int, weight: int, base: int, tiles: Array,
    count: int, pitch: int,
) -> None:  # fmt: skip
    """target[base + o, l] += sum_k u[k, o] * source[places[k] + l], for so many windows l; k from begin to end."""
    lanes = BYTES // source.itemsize
    left = (count + lanes - 1) // lanes
    window = 0
    while left > 0:
        wide = HAS_AVX512 and (left == COLUMNS or left > 2 * FEW_COLUMNS)
        vectors = COLUMNS if wide else FEW_COLUMNS
        taken = min(left, TILES * vectors)
        for tile in range(len(tiles) - 1):
            o = tiles[tile]
            first = weight + (end - begin) * o
            for some in range(window, window + taken * lanes, vectors * lanes):
                at = (base + o) * pitch + some
                if wide or (not HAS_AVX512 and tiles[tile + 1] - o == ROWS):
                    full(source, u, target, places, begin, end, first, at, some, pitch, lanes)
                else:
                    partial(source, u, target, places, begin, end, first, at, some, pitch, lanes)
        window += taken * lanes
        left -= taken


@compiled
def write_sums(
    out: Array, target: Array, n: int, images: int, first: int, rows: int, outs: int, strips: Strips
) -> None:
    """Write the sums of a strip to where they belong."""
    lanes = BYTES // out.itemsize
    (down, right), (height, width) = strips.write_step, out.shape[2:]
    flat = out.reshape(-1)
    for image in range(images):
        for o in range(out.shape[1]):
            base = ((n + image) * out.shape[1] + o) * height * width
            if down == right == 1:
                at, size = o * strips.pitch + image * strips.rows * strips.width, rows * strips.width
                for k in range(0, size, lanes):
                    store_part(flat, base + first * width + k, load(target, at + k), size - k)
                continue
            for i in range(rows):
                for a in range(min(down, height - down * (first + i))):
                    row = base + (down * (first + i) + a) * width
                    at = (a * right * outs + o) * strips.pitch + (image * strips.rows + i) * strips.width
                    if right == 2:
                        for j in range(0, width, 2 * lanes):
                            x, y = load(target, at + j // 2), load(target, at + outs * strips.pitch + j // 2)
                            store_part(flat, row + j, interleave_low(x, y), width - j)
                            store_part(flat, row + j + lanes, interleave_high(x, y), width - j - lanes)
                        continue
                    for b in range(right):
                        part = at + b * outs * strips.pitch
                        for j in range(b, width, right):
                            store_scalar(flat, row + j, load_scalar(target, part))
                            part += 1


@compiled
def pack_weights(
    w: Array, u: Array, order: Array, starts: Array, tiles: Array, channels: int, shape: Pair, steps: Pair
) -> None:
    """u = the kernels for each block of channels, part, and tile of outputs (k, o); 0 where there is no such output.

    The numbers of outputs and of channels are `shape`; w is flat, where these are `steps` apart.
    """
    at = 0
    for block in range(0, shape[1], channels):
        some = min(channels, shape[1] - block)
        for part in range(len(starts) - 1):
            taps = starts[part + 1] - starts[part]
            for tile in range(len(tiles) - 1):
                rows = tiles[tile + 1] - tiles[tile]
                for o in range(rows):
                    into = at + o
                    if tiles[tile] + o >= shape[0]:
                        for k in range(some * taps):
                            store_scalar(u, into + k * rows, w.dtype.type(0))
                        continue
                    base = (tiles[tile] + o) * steps[0] + block * steps[1]
                    for _ in range(some):
                        for k in range(starts[part], starts[part + 1]):
                            store_scalar(u, into, load_scalar(w, base + order[k]))
                            into += rows
                        base += steps[1]
                at += some * taps * rows
