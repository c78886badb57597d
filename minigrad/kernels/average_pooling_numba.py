"""Average pooling of whole planes (n, c) and its transpose, in SIMD vectors of neighboring windows and pixels.

A window's sum is that of its columns: forward, the rows of a row of windows are added up to a line, then the line's
columns; backward, the columns of a row of windows give a line, which is added to each of their rows. Windows of two by
two pixels, each in one window at most, are shorter.
"""

from typing import NamedTuple

import numpy as np

from minigrad.typing import Array, Shape

from .jit import compiled
from .partial_vectors_numba import load_part, store_part
from .simd import (
    BYTES,
    add,
    even,
    fma,
    interleave_high,
    interleave_low,
    load,
    load_scalar,
    odd,
    splat,
    store,
    store_scalar,
    zeros,
)


class WindowSizes(NamedTuple):
    """A plane and its windows: rows and columns of each."""

    image: Shape
    windows: Shape
    kernel: Shape
    stride: Shape
    padding: Shape

    @property
    def are_squares(self) -> bool:
        """Whether windows are pairs of pixels in pairs of rows, none of which is outside of the image."""
        inside = all(2 * n <= size for n, size in zip(self.windows, self.image, strict=True))
        return inside and self.kernel == self.stride == (2, 2) and self.padding == (0, 0)


@compiled
def mean_planes(x: Array, out: Array, shares: Array, sizes: WindowSizes, start: int, stop: int) -> None:
    """`avg_pool` of the planes from start to stop, where a window's sum counts by its share."""
    (height, width), (rows, columns), kernel, stride, padding = sizes
    lanes = BYTES // x.itemsize
    # What lies left and right of the image stays 0.
    line = np.zeros(padding[1] + max(width, stride[1] * (columns + lanes)) + kernel[1] + 2 * lanes, x.dtype)
    for row in range(start * rows, stop * rows):
        plane, i = row // rows, row % rows
        top = i * stride[0] - padding[0]
        for w in range(0, width, lanes):
            s = zeros(x)
            for h in range(max(top, 0), min(top + kernel[0], height)):
                s = add(s, load_part(x, (plane * height + h) * width + w, width - w))
            store(line, padding[1] + w, s)
        for j in range(0, columns, lanes):
            rest = columns - j
            if stride[1] > 2:
                for window in range(j, j + min(lanes, rest)):
                    total = x.dtype.type(0)
                    for q in range(kernel[1]):
                        total += load_scalar(line, stride[1] * window + q)
                    store_scalar(out, row * columns + window, total * load_scalar(shares, i * columns + window))
                continue
            s = zeros(x)
            for q in range(kernel[1]):
                here = load(line, stride[1] * j + q)
                s = add(s, here if stride[1] == 1 else even(here, load(line, 2 * j + q + lanes)))
            store_part(out, row * columns + j, fma(zeros(x), s, load_part(shares, i * columns + j, rest)), rest)


@compiled
def spread_planes(out: Array, g: Array, shares: Array, sizes: WindowSizes, start: int, stop: int) -> None:
    """`avg_pool_input` of the planes from start to stop."""
    (height, width), (rows, columns), kernel, stride, padding = sizes
    lanes = BYTES // g.itemsize
    before = kernel[1] // stride[1] + 1  # zeros in front of the windows' numbers, and behind them
    line = np.zeros(stride[1] * columns + kernel[1] + width + 4 * lanes, g.dtype)
    scaled = np.zeros(before + columns + padding[1] + width + kernel[1] + 4 * lanes, g.dtype)
    for plane in range(start, stop):
        image, done = plane * height * width, 0  # rows that hold something
        for i in range(rows):
            for j in range(0, columns, lanes):
                share = load_part(shares, i * columns + j, columns - j)
                value = load_part(g, (plane * rows + i) * columns + j, columns - j)
                store(scaled, before + j, fma(zeros(g), value, share))
            spread_columns(line, scaled, before, width, columns, kernel[1], stride[1], padding[1])
            top = i * stride[0] - padding[0]
            for h in range(done, min(top, height)):
                out[image + h * width : image + (h + 1) * width] = 0
            bottom = min(top + kernel[0], height)
            for h in range(max(top, 0), bottom):
                for w in range(0, width, lanes):
                    at, s = image + h * width + w, load(line, w)
                    if h < done:
                        s = add(s, load_part(out, at, width - w))
                    store_part(out, at, s, width - w)
            done = max(done, bottom)
        out[image + done * width : image + height * width] = 0


@compiled
def spread_columns(
    line: Array, scaled: Array, before: int, width: int, columns: int, kernel: int, stride: int, padding: int
) -> None:
    """line[w] = the sum of scaled[before + j] for the windows j that read pixel w of a row."""
    lanes = BYTES // line.itemsize
    if stride == 1:
        for w in range(0, width, lanes):
            s = zeros(line)
            for q in range(kernel):
                s = add(s, load(scaled, before + w + padding - q))
            store(line, w, s)
    elif stride == 2:
        for k in range(0, (width + 1) // 2, lanes):
            s, t = zeros(line), zeros(line)  # of pixels 2 k, 2 k + 2, ..., and of those between
            for q in range(padding % 2, kernel, 2):
                s = add(s, load(scaled, before + k + (padding - q) // 2))
            for q in range((padding + 1) % 2, kernel, 2):
                t = add(t, load(scaled, before + k + (padding + 1 - q) // 2))
            store(line, 2 * k, interleave_low(s, t))
            store(line, 2 * k + lanes, interleave_high(s, t))
    else:
        line[:width] = 0
        for j in range(columns):
            share, at = load_scalar(scaled, before + j), stride * j - padding
            for w in range(max(at, 0), min(at + kernel, width)):
                store_scalar(line, w, load_scalar(line, w) + share)


@compiled
def mean_squares(x: Array, out: Array, shares: Array, sizes: WindowSizes, start: int, stop: int) -> None:
    """`mean_planes`, where each window is a square of four pixels."""
    (height, width), (rows, columns), _, _, _ = sizes
    lanes = BYTES // x.itemsize
    share = splat(shares, 0)
    for plane in range(start, stop):
        for i in range(rows):
            upper, result = (plane * height + 2 * i) * width, (plane * rows + i) * columns
            for j in range(0, columns, lanes):
                at, s = upper + 2 * j, zeros(x)
                for line in range(at, at + 2 * width, width):
                    here = load_part(x, line, width - 2 * j)
                    there = load_part(x, line + lanes, width - 2 * j - lanes)
                    s = add(add(s, even(here, there)), odd(here, there))
                store_part(out, result + j, fma(zeros(x), s, share), columns - j)


@compiled
def spread_squares(out: Array, g: Array, shares: Array, sizes: WindowSizes, start: int, stop: int) -> None:
    """`spread_planes`, where each window is a square of four pixels."""
    (height, width), (rows, columns), _, _, _ = sizes
    lanes = BYTES // g.itemsize
    share = splat(shares, 0)
    for plane in range(start, stop):
        for i in range(rows):
            upper, window = (plane * height + 2 * i) * width, (plane * rows + i) * columns
            for j in range(0, (width + 1) // 2, lanes):
                at, s = upper + 2 * j, fma(zeros(g), load_part(g, window + j, columns - j), share)
                for line in range(at, at + 2 * width, width):
                    store_part(out, line, interleave_low(s, s), width - 2 * j)
                    store_part(out, line + lanes, interleave_high(s, s), width - 2 * j - lanes)
        for pixel in range((plane * height + 2 * rows) * width, (plane + 1) * height * width):
            store_scalar(out, pixel, g.dtype.type(0))
