"""Winograd convolution, F(4x4, 3x3): 3 x 3 kernels over tiles of 4 x 4 windows, with 36 products in place of 144.

Two polynomials can be multiplied by multiplying their values at a few points. Convolution along one axis is a
product of polynomials, so the three derivatives of conv's trilinear form become, for 3 taps w, 4 windows g and the
6 pixels x that they read, products of values at 6 points t:

    sum_ip  g[i] * w[p] * x[i + p]   =   sum_t  (A g)[t] * (G w)[t] * (B x)[t]

    (A g)[t] = sum_i g[i] t^i    (G w)[t] = sum_p w[p] t^p / n[t]    (B x)[t] = sum_j x[j] * [z^j] f(z) / (z - t)

with f(z) = z (z^2 - a^2) (z^2 - b^2), points its zeros 0, a, -a, b, -b, scale n[t] = f'(t), and a sixth point
"infinity" that reads off the last g and the last w, with B's row f itself. Both axes of an image are transformed,
which makes 36 points, each of them a product of matrices over channels or tiles:

    conv           y  =  A' ( (G w)  (O, C)  @  (B x)    (C, T) )      A', G': transposed, T tiles of all images
    conv_weight    w' =  G' ( (B x)  (C, T)  @  (A g)    (T, O) )
    conv_input     conv of g, with each kernel turned by half a turn

a = 3/4, b = 3/2 make A and B exact in binary, and the error a third of that with the customary 1 and 2: over 512
channels in single precision about 6e-6 of the largest output, ten times that of adding up plainly. An infinite
pixel spoils its whole tile, not only the windows that read it.

Time goes into reading, transforming and writing as much as into products. So transforms work on a few planes in the
first cache, tiles are transformed in blocks, and outputs come in blocks small enough for BLAS to multiply them
where they lie: beyond a million multiplications, OpenBLAS repacks its factors first and is a third slower. Where
channels are a multiple of 16, `winograd_lanes_numba` is up to twice as fast.

Source: Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", arXiv:1509.09308; for the choice of
points, Barabasz et al., "Error Analysis and Improving the Accuracy of Winograd Convolution", arXiv:1803.10986.
"""

from collections.abc import Iterator

import numpy as np

from minigrad.typing import Array, Pair, Shape

from . import buffers
from .array_utils import as_contiguous, chunks
from .jit import VariantResult
from .threads import parallel
from .window_geometry import output_size
from .winograd_transforms_numba import (
    POINTS,
    add_taps,
    transform_kernels,
    transform_pixels,
    transform_windows,
    write_windows,
)

PRODUCT_TILES = (64, 32)  # tiles of a product; the second where the first would leave much of it empty
BLOCK_OUTPUTS = 16  # outputs of a product
BLOCK_TILES = 256  # tiles that are transformed before their products are made; more would leave the cache
BLOCK_BYTES = 16 << 20  # at most, of transformed pixels
MIN_CHANNELS = 32  # of input and output; with fewer, transforms cost more than they save
MIN_TILES = 32  # likewise
MAX_WASTE = 2  # windows computed for each that exists; at the right and bottom edge, tiles are cut


def conv(
    x: Array, w: Array, b: Array | None, *, stride: Pair, padding: Pair, dilation: Pair, groups: int
) -> VariantResult:
    """See `convolution.conv`."""
    count = output_size((x.shape[2], x.shape[3]), (w.shape[2], w.shape[3]), stride, padding, dilation)
    if not suits(x, w, w.shape, count, stride, padding, dilation, groups):
        return NotImplemented
    bias = np.zeros(len(w), x.dtype) if b is None else b.astype(x.dtype)
    steps = (w.shape[1] * 9, 9, 0, 1)
    return convolve(x, as_contiguous(w), steps, bias, padding, count)


def conv_input(
    g: Array, w: Array, *, shape: Shape, stride: Pair, padding: Pair, dilation: Pair, groups: int
) -> VariantResult:
    """See `convolution.conv_input`."""
    size = (shape[2], shape[3])
    if not suits(g, w, w.shape, size, stride, padding, dilation, groups):
        return NotImplemented
    steps = (9, w.shape[1] * 9, 8, -1)
    return convolve(g, as_contiguous(w), steps, np.zeros(shape[1], g.dtype), (2 - padding[0], 2 - padding[1]), size)


def conv_weight(
    x: Array, g: Array, *, shape: Shape, stride: Pair, padding: Pair, dilation: Pair, groups: int
) -> VariantResult:
    """See `convolution.conv_weight`."""
    count = (g.shape[2], g.shape[3])
    if not suits(x, g, shape, count, stride, padding, dilation, groups):
        return NotImplemented
    x, g = as_contiguous(x), as_contiguous(g)
    out = np.zeros(shape, x.dtype)
    grid = tiling(count)
    for tiles in tile_blocks(len(x), x.shape[1], grid, PRODUCT_TILES[0], x.itemsize):
        pixels = transformed_pixels(x, padding, grid, tiles, PRODUCT_TILES[0])
        parallel(correlate_block, -(-shape[0] // BLOCK_OUTPUTS), pixels, g, out, grid, tiles)
    return out


def suits(x: Array, y: Array, w: Shape, count: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> bool:
    """Whether this is the way to compute `count` windows, for arguments x and y and weights of shape w."""
    return min(w[0], w[1]) >= MIN_CHANNELS and saves(x, y, w, count, stride, padding, dilation, groups)


def saves(x: Array, y: Array, w: Shape, count: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> bool:
    """Whether Winograd's tiles can compute `count` windows, with many products less."""
    rows, columns = tiling(count)
    return (
        w[2:] == (3, 3)
        and stride == dilation == (1, 1)
        and groups == 1
        and max(padding) <= 2
        and x.dtype == y.dtype
        and x.dtype in (np.float32, np.float64)
        and len(x) * rows * columns >= MIN_TILES
        and 16 * rows * columns <= MAX_WASTE * count[0] * count[1]
    )


def convolve(x: Array, w: Array, steps: tuple[int, int, int, int], bias: Array, padding: Pair, count: Pair) -> Array:
    """Slide kernels over x (N, C, H, W). Output o's tap k in channel c is w.flat[steps @ (o, c, 1, k)]."""
    x = as_contiguous(x)
    out = buffers.empty((len(x), len(bias), *count), x.dtype)
    grid = tiling(count)
    width = PRODUCT_TILES[-len(x) * grid[0] * grid[1] % PRODUCT_TILES[0] >= PRODUCT_TILES[1]]
    for tiles in tile_blocks(len(x), x.shape[1], grid, width, x.itemsize):
        pixels = transformed_pixels(x, padding, grid, tiles, width)
        parallel(convolve_block, -(-len(bias) // BLOCK_OUTPUTS), pixels, w.reshape(-1), steps, bias, out, grid, tiles)
    return out


def convolve_block(
    pixels: Array, w: Array, steps: tuple[int, ...], bias: Array, out: Array, grid: Pair, tiles: slice,
    start: int, stop: int,
) -> None:  # fmt: skip
    """`convolve`, for a block of tiles and the blocks of outputs from start to stop."""
    for outs in chunks_between(start, stop, len(bias)):
        kernels = np.empty((POINTS, outs.stop - outs.start, pixels.shape[2]), out.dtype)
        transform_kernels(w, steps, outs.start, kernels)
        write_windows(kernels @ pixels, bias, out, outs.start, grid, tiles.start, tiles.stop)


def correlate_block(pixels: Array, g: Array, out: Array, grid: Pair, tiles: slice, start: int, stop: int) -> None:
    """`conv_weight`, for a block of tiles and the blocks of outputs from start to stop."""
    for outs in chunks_between(start, stop, len(out)):
        total = np.zeros((POINTS, out.shape[1], outs.stop - outs.start), out.dtype)
        product = np.empty_like(total)
        windows = np.empty((POINTS, pixels.shape[3], outs.stop - outs.start), out.dtype)
        for i, some in enumerate(pixels):
            first = tiles.start + i * windows.shape[1]
            depth = min(windows.shape[1], tiles.stop - first)
            transform_windows(g, outs.start, grid, first, depth, windows)
            total += np.matmul(some[:, :, :depth], windows[:, :depth], out=product)
        add_taps(total, out, outs.start)


def chunks_between(start: int, stop: int, outs: int) -> Iterator[slice]:
    """The blocks of outputs from start to stop."""
    for block in range(start, stop):
        yield slice(block * BLOCK_OUTPUTS, min(outs, (block + 1) * BLOCK_OUTPUTS))


def tiling(count: Pair) -> Pair:
    """The rows and columns of tiles that cover the windows of an image."""
    return -(-count[0] // 4), -(-count[1] // 4)


def tile_blocks(images: int, channels: int, grid: Pair, width: int, itemsize: int) -> Iterator[slice]:
    """Cut the tiles of all images, counted in one row, into blocks."""
    block = min(BLOCK_TILES, BLOCK_BYTES // (POINTS * channels * itemsize))
    return chunks(images * grid[0] * grid[1], max(1, block // width) * width)


def transformed_pixels(x: Array, padding: Pair, grid: Pair, tiles: slice, width: int) -> Array:
    """B x: a block of tiles of x (N, C, H, W), as factors (T/width, 36, C, width)."""
    pixels = buffers.empty((-(-(tiles.stop - tiles.start) // width), POINTS, x.shape[1], width), x.dtype)
    parallel(transform_pixels, x.shape[1], x, pixels, padding, grid, tiles.start, tiles.stop)
    return pixels
