"""Two-dimensional convolution and its two transposes, as matrix products over im2col columns.

    out[n, o, i, j] = b[o] + sum_cpq  x[n, c, s i + d p - pad, s j + d q - pad] * w[o, c, p, q]

Write everything that one window reads below each other and the sum is a matrix product. With K = C P Q
and L the windows of all images, every function here is one line of algebra:

    conv           out (O, L)      =  w (O, K)    @  columns (K, L)       columns gathered from x
    conv_weight    w' (O, K)       =  g (O, L)    @  columns.T (L, K)
    conv_input     columns (K, L)  =  w.T (K, O)  @  g (O, L)             columns added back to x'

With stride 1, the last is a convolution again: of g, with each kernel turned by half a turn. Columns repeat each
pixel P Q times, so they are made for a block of windows at a time. Groups are independent convolutions side by
side: one more axis in front of each matrix.
"""

from collections.abc import Iterator

import numpy as np

from minigrad.typing import Array, DType, Pair, Shape

from . import buffers
from .array_utils import accumulation_dtype, as_contiguous, chunks
from .columns import Windows, col2im, im2col
from .finish import FINISH_BYTES, Finish, finished
from .jit import with_compiled_variant
from .window_geometry import output_size

COLUMN_BYTES = 4 << 20  # of a block
WEIGHT_BYTES = 8 << 20  # of a block in `conv_weight`, which sums up a large result for each
MIN_IMAGE_WINDOWS = 256  # windows of an image that make a product of its own
MIN_IMAGE_PIXELS = 32  # likewise, where the columns are the image itself


@with_compiled_variant
def conv(
    x: Array, w: Array, b: Array | None, *, stride: Pair, padding: Pair, dilation: Pair, groups: int,
    finish: Finish | None = None,
) -> Array:  # fmt: skip
    """Slide each w[o] over x: x (N, C, H, W), w (O, C/groups, P, Q), b (O,) -> (N, O, I, J).

    `finish` is told of each part of the result as soon as it is complete; the result is float32 or float64 then.
    """
    if reads_some_pixels(w.shape, stride, padding):
        x = x[:, :, :: stride[0], :: stride[1]]
        return conv(x, w, b, stride=(1, 1), padding=padding, dilation=dilation, groups=groups, finish=finish)
    windows = windows_of(x.shape, w.shape, stride, padding, dilation)
    return _convolve(x, matrices(w, groups), b, windows, np.result_type(x, w), finish)


@with_compiled_variant
def conv_input(g: Array, w: Array, *, shape: Shape, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> Array:
    """The transpose of `conv` in x: g (N, O, I, J), w (O, C/groups, P, Q) -> `shape` (N, C, H, W)."""
    dtype = np.result_type(g, w)
    if reads_some_pixels(w.shape, stride, padding):
        read = np.zeros(shape, dtype)
        pixels = read[:, :, :: stride[0], :: stride[1]]
        pixels[...] = conv_input(
            g, w, shape=pixels.shape, stride=(1, 1), padding=padding, dilation=dilation, groups=groups
        )
        return read
    windows = windows_of(shape, w.shape, stride, padding, dilation)
    many = w.shape[0] > 2 * shape[1] and not windows.is_pointwise  # columns of g, then
    if stride == (1, 1) and not many:
        return _convolve(g, _flipped_kernels(w, groups), None, _reversed(windows, (shape[2], shape[3])), dtype)
    work = accumulation_dtype(dtype)
    out = np.zeros(shape, work)
    weights = matrices(w, groups).swapaxes(1, 2).astype(work, copy=False)
    for images, rows in _blocks(len(g), shape[1] * w.shape[2] * w.shape[3], windows.count, COLUMN_BYTES):
        columns = weights @ _stacked_outputs(g, groups, images, rows, work)
        taps = columns.reshape(shape[1], *windows.kernel, images.stop - images.start, -1, windows.count[1])
        col2im(taps, out[images], windows, rows.start)
    return out.astype(dtype, copy=False)


@with_compiled_variant
def conv_weight(x: Array, g: Array, *, shape: Shape, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> Array:
    """The transpose of `conv` in w: x (N, C, H, W), g (N, O, I, J) -> `shape` (O, C/groups, P, Q)."""
    if reads_some_pixels(shape, stride, padding):
        x = x[:, :, :: stride[0], :: stride[1]]
        return conv_weight(x, g, shape=shape, stride=(1, 1), padding=padding, dilation=dilation, groups=groups)
    windows = windows_of(x.shape, shape, stride, padding, dilation)
    dtype = np.result_type(x, g)
    work = accumulation_dtype(dtype)
    x = as_contiguous(x.astype(work, copy=False))
    out = np.zeros((groups, shape[0] // groups, shape[1] * shape[2] * shape[3]), work)
    if needs_no_columns(windows):
        product = np.empty_like(out)
        for pixels, slopes in zip(flat_images(x, groups), flat_images(g.astype(work, copy=False), groups), strict=True):
            out += np.matmul(slopes, pixels.swapaxes(1, 2), out=product)
        return out.reshape(shape).astype(dtype, copy=False)
    for images, rows in _blocks(len(x), x.shape[1] * shape[2] * shape[3], windows.count, WEIGHT_BYTES):
        columns = _columns(x, groups, windows, images, rows)
        out += _stacked_outputs(g, groups, images, rows, work) @ columns.swapaxes(1, 2)
    return out.reshape(shape).astype(dtype, copy=False)


def reads_some_pixels(w: Shape, stride: Pair, padding: Pair) -> bool:
    """Whether each window is one pixel, and others are left out: those that are read are soon gathered."""
    return w[2:] == (1, 1) and stride != (1, 1) and padding == (0, 0)


def windows_of(x: Shape, w: Shape, stride: Pair, padding: Pair, dilation: Pair) -> Windows:
    """The windows of w (O, C/groups, P, Q) over x (N, C, H, W)."""
    kernel = (w[2], w[3])
    return Windows(kernel, stride, padding, dilation, output_size((x[2], x[3]), kernel, stride, padding, dilation))


def matrices(w: Array, groups: int) -> Array:
    """w (O, C/groups, P, Q) as one matrix a group (groups, O/groups, K)."""
    return w.reshape(groups, w.shape[0] // groups, -1)


def needs_no_columns(windows: Windows) -> bool:
    """Whether images are multiplied where they lie, one by one."""
    return windows.is_pointwise and windows.count[0] * windows.count[1] >= MIN_IMAGE_PIXELS


def flat_images(x: Array, groups: int) -> Array:
    """x (N, C, H, W) as (N, groups, C/groups, H W)."""
    return x.reshape(len(x), groups, x.shape[1] // groups, x.shape[2] * x.shape[3])


def _convolve(
    x: Array, weights: Array, b: Array | None, windows: Windows, dtype: DType, finish: Finish | None = None
) -> Array:
    """weights (groups, O/groups, K) times the columns of x (N, C, H, W), plus b (O,): (N, O, I, J)."""
    groups, outs, depth = weights.shape
    work = accumulation_dtype(dtype)
    x, weights = as_contiguous(x.astype(work, copy=False)), weights.astype(work, copy=False)
    out = buffers.empty((len(x), groups * outs, *windows.count), work)
    bias = None if b is None else b.reshape(groups, outs, 1).astype(work, copy=False)
    if needs_no_columns(windows):
        pixels, products = flat_images(x, groups), flat_images(out, groups)
        together = len(x) if finish is None else max(1, FINISH_BYTES * len(x) // max(1, out.nbytes))
        for images in chunks(len(x), max(1, together)):
            product = np.matmul(weights, pixels[images], out=products[images])
            if bias is not None:
                product += bias
            if finish is not None:
                finish.images(out, images.start, images.stop)
        return out.astype(dtype, copy=False)
    for images, rows in _blocks(len(x), groups * depth, windows.count, COLUMN_BYTES):
        columns = _columns(x, groups, windows, images, rows)
        one = images.stop - images.start == 1
        part = out[images.start].reshape(groups, outs, -1)[:, :, _flat_rows(rows, windows.count)] if one else None
        product = np.matmul(weights, columns, out=part)
        if bias is not None:
            product += bias
        if not one:
            block = out[images, :, rows]
            block[...] = product.reshape(groups * outs, len(block), -1, windows.count[1]).swapaxes(0, 1)
    return finished(out, finish).astype(dtype, copy=False)


def _flipped_kernels(w: Array, groups: int) -> Array:
    """The matrices (groups, C/groups, O/groups P Q) of the convolution that is the transpose of w's in x."""
    turned = w.reshape(groups, -1, *w.shape[1:]).swapaxes(1, 2)[..., ::-1, ::-1]
    return turned.reshape(groups, w.shape[1], -1)


def _reversed(windows: Windows, size: Pair) -> Windows:
    """The windows of that convolution, over g; a pixel of x, of which there are `size`, for each."""
    (p, q), (a, b), (d, e) = windows.kernel, windows.padding, windows.dilation
    return Windows(windows.kernel, (1, 1), (d * (p - 1) - a, e * (q - 1) - b), windows.dilation, size)


def _blocks(images: int, depth: int, count: Pair, limit: int) -> Iterator[tuple[slice, slice]]:
    """Cut the windows of all images into blocks of (images, rows) whose columns have at most `limit` bytes.

    A block is a few rows of an image, or, where images are small, a few images.
    """
    rows = max(1, limit // max(1, 4 * depth * count[1]))
    together = rows // max(1, count[0]) if count[0] * count[1] < MIN_IMAGE_WINDOWS or limit > COLUMN_BYTES else 1
    for some in chunks(images, max(1, together)):
        for part in chunks(count[0], min(rows, max(1, count[0]))):
            yield some, part


def _columns(x: Array, groups: int, windows: Windows, images: slice, rows: slice) -> Array:
    """The columns (groups, K, L) of a block."""
    n, c = images.stop - images.start, x.shape[1]
    if windows.is_pointwise and n == 1:
        pixels: Array = x[images.start].reshape(groups, c // groups, -1)
        return pixels[:, :, _flat_rows(rows, windows.count)]
    columns = np.empty((c, *windows.kernel, n, rows.stop - rows.start, windows.count[1]), x.dtype)
    im2col(x[images], columns, windows, rows.start)
    return columns.reshape(groups, c // groups * windows.kernel[0] * windows.kernel[1], -1)


def _stacked_outputs(g: Array, groups: int, images: slice, rows: slice, dtype: DType) -> Array:
    """A block of g (N, O, I, J) as one matrix a group (groups, O/groups, L)."""
    block = g[images, :, rows]
    n, o, i, j = block.shape
    return block.swapaxes(0, 1).astype(dtype, copy=False).reshape(groups, o // groups, n * i * j)


def _flat_rows(rows: slice, count: Pair) -> slice:
    """Rows of windows as a stretch of all the windows of an image."""
    return slice(rows.start * count[1], rows.stop * count[1])
