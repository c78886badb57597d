"""The transforms of Winograd's convolution: A, B, G and their transposes, as `winograd_numba` defines them.

A buffer holds a plane of LANES numbers, of as many tiles or channels, for each of 6 x 6 places, which lie ROW and
LANES apart. A pass transforms the first of these axes and exchanges the two. So two passes transform both and leave
them in order.
"""

import numpy as np

from minigrad.typing import Array, Pair

from .jit import compiled
from .simd import load_scalar, store_scalar

POINTS = 36
LANES = 32
ROW = 6 * LANES

# Powers and products of a and b, which single precision holds exactly.
A, AA, AAA = (np.float32(0.75**k) for k in (1, 2, 3))
B, BB, BBB = (np.float32(1.5**k) for k in (1, 2, 3))
PRODUCT, SUM = AA * BB, AA + BB
# 1 / n[t]
N0, NA, NB = 1 / float(PRODUCT), 0.5 / float(AA * (AA - BB)), 0.5 / float(BB * (BB - AA))


@compiled
def pixels_pass(x: Array, y: Array) -> None:
    """B along an axis of 6 pixels."""
    for j in range(6):
        column, row = j * LANES, j * ROW
        for t in range(LANES):
            s = column + t
            x0, x1, x2, x3, x4, x5 = x[s], x[s + ROW], x[s + 2 * ROW], x[s + 3 * ROW], x[s + 4 * ROW], x[s + 5 * ROW]
            s = row + t
            y[s] = PRODUCT * x0 - SUM * x2 + x4
            even, odd = x4 - BB * x2, A * (x3 - BB * x1)
            y[s + LANES], y[s + 2 * LANES] = even + odd, even - odd
            even, odd = x4 - AA * x2, B * (x3 - AA * x1)
            y[s + 3 * LANES], y[s + 4 * LANES] = even + odd, even - odd
            y[s + 5 * LANES] = PRODUCT * x1 - SUM * x3 + x5


@compiled
def kernels_pass(x: Array, y: Array, columns: int) -> None:
    """G along an axis of 3 taps."""
    n0, na, nb = x.dtype.type(N0), x.dtype.type(NA), x.dtype.type(NB)
    for j in range(columns):
        column, row = j * LANES, j * ROW
        for t in range(LANES):
            s = column + t
            x0, x1, x2 = x[s], x[s + ROW], x[s + 2 * ROW]
            s = row + t
            y[s] = n0 * x0
            even, odd = na * (x0 + AA * x2), na * (A * x1)
            y[s + LANES], y[s + 2 * LANES] = even + odd, even - odd
            even, odd = nb * (x0 + BB * x2), nb * (B * x1)
            y[s + 3 * LANES], y[s + 4 * LANES] = even + odd, even - odd
            y[s + 5 * LANES] = x2


@compiled
def taps_pass(x: Array, y: Array, columns: int) -> None:
    """The transpose of G along an axis of 6 points."""
    n0, na, nb = x.dtype.type(N0), x.dtype.type(NA), x.dtype.type(NB)
    for j in range(columns):
        column, row = j * LANES, j * ROW
        for t in range(LANES):
            s = column + t
            x0, x1, x2, x3, x4, x5 = x[s], x[s + ROW], x[s + 2 * ROW], x[s + 3 * ROW], x[s + 4 * ROW], x[s + 5 * ROW]
            s = row + t
            a, b = na * (x1 + x2), nb * (x3 + x4)
            y[s] = n0 * x0 + a + b
            y[s + LANES] = A * (na * (x1 - x2)) + B * (nb * (x3 - x4))
            y[s + 2 * LANES] = AA * a + BB * b + x5


@compiled
def windows_pass(x: Array, y: Array, columns: int) -> None:
    """A along an axis of 4 windows."""
    for j in range(columns):
        column, row = j * LANES, j * ROW
        for t in range(LANES):
            s = column + t
            x0, x1, x2, x3 = x[s], x[s + ROW], x[s + 2 * ROW], x[s + 3 * ROW]
            s = row + t
            y[s] = x0
            even, odd = x0 + AA * x2, A * (x1 + AA * x3)
            y[s + LANES], y[s + 2 * LANES] = even + odd, even - odd
            even, odd = x0 + BB * x2, B * (x1 + BB * x3)
            y[s + 3 * LANES], y[s + 4 * LANES] = even + odd, even - odd
            y[s + 5 * LANES] = x3


@compiled
def sums_pass(x: Array, y: Array, columns: int) -> None:
    """The transpose of A along an axis of 6 points."""
    for j in range(columns):
        column, row = j * LANES, j * ROW
        for t in range(LANES):
            s = column + t
            x0, x1, x2, x3, x4, x5 = x[s], x[s + ROW], x[s + 2 * ROW], x[s + 3 * ROW], x[s + 4 * ROW], x[s + 5 * ROW]
            s = row + t
            even_a, odd_a, even_b, odd_b = x1 + x2, x1 - x2, x3 + x4, x3 - x4
            y[s] = x0 + even_a + even_b
            y[s + LANES] = A * odd_a + B * odd_b
            y[s + 2 * LANES] = AA * even_a + BB * even_b
            y[s + 3 * LANES] = AAA * odd_a + BBB * odd_b + x5


@compiled
def transform_pixels(
    x: Array, out: Array, padding: Pair, grid: Pair, first: int, last: int, start: int, stop: int,
) -> None:  # fmt: skip
    """Write B x to out (T/width, 36, C, width), for the channels from start to stop of the tiles from first to last."""
    buffer, other = np.zeros(POINTS * LANES, x.dtype), np.zeros(POINTS * LANES, x.dtype)
    width = out.shape[3]
    for c in range(start, stop):
        for at in range(0, len(out) * width, LANES):
            # Tiles that fill up the last factor are what was left in the buffer: numbers, which is all that matters.
            read_tiles(x, c, buffer, padding, grid, first + at, min(LANES, last - first - at))
            pixels_pass(buffer, other)
            pixels_pass(other, buffer)
            write_points(out[at // width], c, at % width, buffer, LANES)


@compiled
def transform_windows(g: Array, first_out: int, grid: Pair, first: int, tiles: int, out: Array) -> None:
    """Write A g to out (36, T, O), for some tiles and outputs of g (N, O, I, J)."""
    buffer, other = np.zeros(POINTS * LANES, g.dtype), np.zeros(POINTS * LANES, g.dtype)
    rows, columns = grid
    outs = out.shape[2]
    for t in range(tiles):
        row, column = (first + t) // columns, (first + t) % columns
        n, top, left = row // rows, 4 * (row % rows), 4 * column
        height, width = min(4, g.shape[2] - top), min(4, g.shape[3] - left)
        if height < 4 or width < 4:
            buffer[:] = 0
        for o in range(outs):
            corner = ((n * g.shape[1] + first_out + o) * g.shape[2] + top) * g.shape[3] + left
            for i in range(height):
                if width == 4:  # a loop of fixed length is unrolled
                    for j in range(4):
                        store_scalar(buffer, i * ROW + j * LANES + o, load_scalar(g, corner + i * g.shape[3] + j))
                else:
                    for j in range(width):
                        store_scalar(buffer, i * ROW + j * LANES + o, load_scalar(g, corner + i * g.shape[3] + j))
        windows_pass(buffer, other, 4)
        windows_pass(other, buffer, 6)
        write_points(out, t, 0, buffer, outs)


@compiled
def transform_kernels(w: Array, steps: tuple[int, ...], first_out: int, out: Array) -> None:
    """Write G w to out (36, O, C)."""
    buffer, other = np.zeros(POINTS * LANES, w.dtype), np.zeros(POINTS * LANES, w.dtype)
    for o in range(out.shape[1]):
        for at in range(0, out.shape[2], LANES):
            kernels = min(LANES, out.shape[2] - at)
            for t in range(kernels):
                tap = steps[2] + (first_out + o) * steps[0] + (at + t) * steps[1]
                for i in range(3):
                    for j in range(3):
                        store_scalar(buffer, i * ROW + j * LANES + t, load_scalar(w, tap + (3 * i + j) * steps[3]))
            kernels_pass(buffer, other, 3)
            kernels_pass(other, buffer, 6)
            write_points(out, o, at, buffer, kernels)


@compiled
def write_windows(products: Array, bias: Array, out: Array, first_out: int, grid: Pair, first: int, last: int) -> None:
    """Write A' of products (T/width, 36, O, width), plus bias, to out (N, O, I, J)."""
    buffer, other = np.zeros(POINTS * LANES, out.dtype), np.zeros(POINTS * LANES, out.dtype)
    lines = np.zeros((4, 4 * LANES), out.dtype)
    width = products.shape[3]
    for o in range(products.shape[2]):
        for tile in range(first, last, LANES):
            block, at = (tile - first) // width, (tile - first) % width
            read_points(products[block], o, at, buffer, LANES)
            sums_pass(buffer, other, 6)
            sums_pass(other, buffer, 4)
            write_tiles(buffer, lines, bias[first_out + o], out, first_out + o, grid, tile, min(LANES, last - tile))


@compiled
def add_taps(products: Array, out: Array, first_out: int) -> None:
    """Add G' of products (36, C, O) to out (O, C, 3, 3)."""
    buffer, other = np.zeros(POINTS * LANES, out.dtype), np.zeros(POINTS * LANES, out.dtype)
    outs = products.shape[2]
    for c in range(products.shape[1]):
        read_points(products, c, 0, buffer, outs)
        taps_pass(buffer, other, 6)
        taps_pass(other, buffer, 3)
        for o in range(outs):
            for i in range(3):
                for j in range(3):
                    out[first_out + o, c, i, j] += buffer[i * ROW + j * LANES + o]


@compiled
def read_points(products: Array, row: int, at: int, buffer: Array, count: int) -> None:
    """Read some of products (36, rows, columns)."""
    for k in range(POINTS):
        copy(products[k, row, at : at + count], buffer[k * LANES : k * LANES + count])


@compiled
def write_points(out: Array, row: int, at: int, buffer: Array, count: int) -> None:
    """Write some of out (36, rows, columns)."""
    for k in range(POINTS):
        copy(buffer[k * LANES : k * LANES + count], out[k, row, at : at + count])


@compiled
def copy(source: Array, target: Array) -> None:
    """target[:] = source, without the checks."""
    for i in range(len(target)):
        target[i] = source[i]


@compiled
def read_tiles(x: Array, c: int, buffer: Array, padding: Pair, grid: Pair, first: int, tiles: int) -> None:
    """Read 6 x 6 pixels for each of some tiles; 0 outside of x (N, C, H, W)."""
    height, width = x.shape[2], x.shape[3]
    for t in range(tiles):
        row, column = (first + t) // grid[1], (first + t) % grid[1]
        n, top, left = row // grid[0], 4 * (row % grid[0]) - padding[0], 4 * column - padding[1]
        start, stop, begin, end = max(0, -top), min(6, height - top), max(0, -left), min(6, width - left)
        corner = ((n * x.shape[1] + c) * height + top) * width + left
        if stop - start == 6 and end - begin == 6:  # loops of fixed length are unrolled
            for i in range(6):
                for j in range(6):
                    store_scalar(buffer, i * ROW + j * LANES + t, load_scalar(x, corner + i * width + j))
            continue
        for i in range(6):
            for j in range(6):
                if start <= i < stop and begin <= j < end:
                    store_scalar(buffer, i * ROW + j * LANES + t, load_scalar(x, corner + i * width + j))
                else:
                    store_scalar(buffer, i * ROW + j * LANES + t, 0)


@compiled
def write_tiles(
    buffer: Array, lines: Array, bias: float, out: Array, o: int, grid: Pair, first: int, tiles: int,
) -> None:  # fmt: skip
    """Write 4 x 4 windows for each of some tiles, without what lies outside of out (N, O, I, J)."""
    height, width = out.shape[2], out.shape[3]
    for i in range(4):
        line, planes = lines[i], buffer[i * ROW :]
        for t in range(LANES):
            line[4 * t], line[4 * t + 1] = planes[t] + bias, planes[t + LANES] + bias
            line[4 * t + 2], line[4 * t + 3] = planes[t + 2 * LANES] + bias, planes[t + 3 * LANES] + bias
    at = 0
    while at < tiles:
        row, column = (first + at) // grid[1], (first + at) % grid[1]
        n, top, left = row // grid[0], 4 * (row % grid[0]), 4 * column
        run = min(grid[1] - column, tiles - at)
        for i in range(min(4, height - top)):
            copy(lines[i, 4 * at :], out[n, o, top + i, left : min(width, left + 4 * run)])
        at += run
