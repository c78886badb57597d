"""The convolution of `winograd_numba` with channels in the lanes of vectors: for multiples of 16, not for very many.

Where channels are few, products are too small for BLAS, and what they save is lost in transforms that read and write
scattered pixels. Here a thread takes a block of tiles through all steps while it is in its cache:

    pack         some rows of pixels, transposed in registers: the channels of a pixel lie in a row of L lanes
    transform    a tile's 6 x 6 vectors in registers, to points v[t, C/L, tile, L]
    multiply     m[t, O/L, tile, L] = sum_c  v[t, c, tile] * u[t, O/L, c, L], in register tiles: v in all lanes
    transform    back to 4 x 4 windows, and transposed back to images

`conv_weight` sums v[t, c, tile] * a[t, O/L, tile, L] over tiles in the same way, with a = A g A'. Kernels are
transformed by a product with the matrix of G on both axes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from minigrad.typing import Array, DType, Pair, Shape

from . import buffers, winograd_numba
from .array_utils import as_contiguous
from .jit import VariantResult
from .simd import BYTES
from .threads import parallel
from .window_geometry import output_size
from .winograd_lane_blocks_numba import TILE, Layout, convolve_blocks, correlate_blocks
from .winograd_transforms_numba import N0, NA, NB, POINTS, A, B

BLOCK_BYTES = 1 << 19  # of a block's points
STRIP_BYTES = 3 << 14  # of rows of pixels, with the channels of a vector
MAX_KERNEL_BYTES = 5 << 20  # of transformed kernels, which each block reads; with more, `winograd_numba` is as fast
SUM_TILES = 256  # tiles whose sum `conv_weight` makes on its own

G = np.array([[N0, 0, 0], *[[n, s * n * z, n * z * z] for n, z in ((NA, float(A)), (NB, float(B))) for s in (1, -1)],
              [0, 0, 1]])  # fmt: skip
BOTH_AXES = np.kron(G, G)  # (36, 9)


def conv(
    x: Array, w: Array, b: Array | None, *, stride: Pair, padding: Pair, dilation: Pair, groups: int
) -> VariantResult:
    """See `convolution.conv`."""
    count = output_size((x.shape[2], x.shape[3]), (w.shape[2], w.shape[3]), stride, padding, dilation)
    if not suits(x, w, w.shape, count, stride, padding, dilation, groups):
        return NotImplemented
    bias = np.zeros(len(w), x.dtype) if b is None else b.astype(x.dtype)
    return convolve(x, transformed_kernels(w), bias, padding, count)


def conv_input(
    g: Array, w: Array, *, shape: Shape, stride: Pair, padding: Pair, dilation: Pair, groups: int
) -> VariantResult:
    """See `convolution.conv_input`."""
    size = (shape[2], shape[3])
    if not suits(g, w, w.shape, size, stride, padding, dilation, groups):
        return NotImplemented
    turned = w.swapaxes(0, 1)[:, :, ::-1, ::-1]
    outside = 2 - padding[0], 2 - padding[1]
    return convolve(g, transformed_kernels(turned), np.zeros(shape[1], g.dtype), outside, size)


def conv_weight(
    x: Array, g: Array, *, shape: Shape, stride: Pair, padding: Pair, dilation: Pair, groups: int
) -> VariantResult:
    """See `convolution.conv_weight`."""
    count = (g.shape[2], g.shape[3])
    if not suits(x, g, shape, count, stride, padding, dilation, groups):
        return NotImplemented
    lanes, plan = BYTES // x.itemsize, LanesPlan.of(x.shape, shape[0], count, padding, x.dtype)
    blocks = max(1, SUM_TILES // plan.layout.tiles)
    # One sum for each few blocks, then the sum of those: the same order for any number of threads.
    sums = buffers.empty((-(-plan.blocks // blocks), POINTS * shape[0] * shape[1]), x.dtype)
    parallel(correlate_blocks, len(sums), sums, as_contiguous(x), as_contiguous(g), *plan.arguments, blocks)
    taps = product(BOTH_AXES.T, sums.sum(axis=0)).reshape(9, shape[0] // lanes, shape[1], lanes)
    return np.ascontiguousarray(taps.transpose(1, 3, 2, 0)).reshape(shape)


def suits(x: Array, y: Array, w: Shape, count: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> bool:
    """Whether this is the way to compute `count` windows, for arguments x and y and weights of shape w."""
    lanes = BYTES // x.itemsize
    return (
        w[0] % lanes == w[1] % lanes == 0
        and POINTS * w[0] * w[1] * x.itemsize <= MAX_KERNEL_BYTES
        and winograd_numba.saves(x, y, w, count, stride, padding, dilation, groups)
    )


def convolve(x: Array, kernels: Array, bias: Array, padding: Pair, count: Pair) -> Array:
    """Slide transformed kernels over x (N, C, H, W)."""
    out = buffers.empty((len(x), len(bias), *count), x.dtype)
    plan = LanesPlan.of(x.shape, len(bias), count, padding, x.dtype)
    parallel(convolve_blocks, plan.blocks, as_contiguous(x), kernels, bias, out, *plan.arguments)
    return out


def transformed_kernels(w: Array) -> Array:
    """G w G' of kernels (O, C, 3, 3), flat in the order (36, O/L, C, L)."""
    outs, ins = w.shape[:2]
    lanes = BYTES // w.itemsize
    taps = np.ascontiguousarray(w.reshape(outs // lanes, lanes, ins, 9).transpose(3, 0, 2, 1))
    return product(BOTH_AXES, taps).reshape(-1)


def product(matrix: Array, x: Array) -> Array:
    """The matrix times x, seen as another."""
    with np.errstate(invalid="ignore"):  # 0 times infinity, which the definition does not have
        out: Array = matrix.astype(x.dtype) @ x.reshape(matrix.shape[1], -1)
    return out


@dataclass(frozen=True, slots=True)
class LanesPlan:
    """How a convolution is cut into blocks."""

    layout: Layout
    blocks: int
    pixels: Array  # where a pixel of x is in a strip, were that its whole image
    windows: Array  # likewise, a pixel of the result or its cotangent

    @property
    def arguments(self) -> tuple[Array, Array, Layout]:
        """What kernels are told."""
        return self.pixels, self.windows, self.layout

    @classmethod
    @lru_cache(256)  # a network asks for the same few, in every step
    def of(cls, x: Shape, outs: int, count: Pair, padding: Pair, dtype: DType) -> LanesPlan:
        """Plan the convolution of x (N, C, H, W) to (N, outs, *count)."""
        lanes = BYTES // dtype.itemsize
        rows, columns = -(-count[0] // 4), -(-count[1] // 4)
        most = max(TILE, BLOCK_BYTES // (POINTS * max(x[1], outs) * dtype.itemsize))
        largest = max(1, min(most // columns, x[0] * rows))
        # Of blocks that are nearly as large, the one that leaves the least of its last register tile empty.
        block = min(range(-(-largest // 2), largest + 1), key=lambda n: (-n * columns % TILE / (n * columns), -n))
        strip = max(1, min(rows, (STRIP_BYTES // (BYTES * (4 * columns + 2)) - 2) // 4))
        layout = Layout(rows, columns, padding, block, strip, -(-block * columns // TILE) * TILE)
        down, right = np.ogrid[: x[2], : x[3]]
        pixels = (down * (4 * columns + 2) + right + padding[1]) * lanes
        down, right = np.ogrid[: count[0], : count[1]]
        windows = (down * 4 * columns + right) * lanes
        return cls(layout, -(-x[0] * rows // block), pixels.ravel(), windows.ravel())
