"""The geometry of sliding windows, which convolution and pooling share: how many there are, and what each reads.

Along one axis, window i reads the pixels

    stride * i + dilation * p - padding        for p = 0 ... kernel - 1

and a pixel outside of the image reads as a fill value. So an image is padded once; after that *tap* (p, q), the pixel
that every window reads at its place (p, q), is a strided slice of the padded image.
"""

from collections.abc import Iterator

import numpy as np

from minigrad.typing import Array, Pair


def effective_kernel_size(kernel: int, dilation: int) -> int:
    """The pixels from the first to the last that a window reads along an axis."""
    return dilation * (kernel - 1) + 1


def window_count(
    size: int, kernel: int, stride: int, padding: int, dilation: int = 1, *, ceil_mode: bool = False
) -> int:
    """floor((size + 2 padding - effective kernel size) / stride) + 1: how many windows fit along an axis.

    With `ceil_mode` the quotient is rounded up, but no window begins behind the image and the padding before it. Where
    nothing fits the number is below 1.
    """
    room = size + 2 * padding - effective_kernel_size(kernel, dilation)
    if not ceil_mode:
        return room // stride + 1
    count = -(-room // stride) + 1
    return count - 1 if (count - 1) * stride >= size + padding else count


def window_span(count: int, kernel: int, stride: int, dilation: int = 1) -> int:
    """The pixels from the first to the last that `count` windows read along an axis."""
    return stride * (count - 1) + effective_kernel_size(kernel, dilation)


def transposed_size(
    size: int, kernel: int, stride: int, padding: int, dilation: int = 1, output_padding: int = 0
) -> int:
    """(size - 1) stride - 2 padding + effective kernel size + output_padding: of a transposed convolution's result."""
    return window_span(size, kernel, stride, dilation) - 2 * padding + output_padding


def output_size(
    size: Pair, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair = (1, 1), *, ceil_mode: bool = False
) -> Pair:
    """How many windows fit along H and W."""
    rows = window_count(size[0], kernel[0], stride[0], padding[0], dilation[0], ceil_mode=ceil_mode)
    return rows, window_count(size[1], kernel[1], stride[1], padding[1], dilation[1], ceil_mode=ceil_mode)


def padded_size(count: Pair, kernel: Pair, stride: Pair, dilation: Pair = (1, 1)) -> Pair:
    """The height and width of the padded image that `count` windows read, from its first pixel to its last."""
    height = window_span(count[0], kernel[0], stride[0], dilation[0])
    return height, window_span(count[1], kernel[1], stride[1], dilation[1])


def overlap(size: int, padding: int, padded: int) -> tuple[slice, slice]:
    """The part of an image's axis that a padded axis holds: where it lies in the image, where in the padded one."""
    stop = max(0, min(size, padded - padding))
    return slice(0, stop), slice(min(padding, padded), min(padding, padded) + stop)


def pad_image(x: Array, padding: Pair, size: Pair, fill: float = 0) -> Array:
    """x (N, C, H, W), `padding` pixels from the top and left of images of `size`; x itself where that will do.

    Pixels beyond that size, which no window reads, are cut off.
    """
    if padding == (0, 0) and size[0] <= x.shape[2] and size[1] <= x.shape[3]:
        return x[:, :, : size[0], : size[1]]
    padded = np.full(x.shape[:2] + size, fill, x.dtype)
    (h, i), (w, j) = (overlap(*axis) for axis in zip(x.shape[2:], padding, size, strict=True))
    padded[:, :, i, j] = x[:, :, h, w]
    return padded


def crop_image(padded: Array, padding: Pair, out: Array) -> None:
    """Write the pixels of a padded image to `out` (N, C, H, W), zero so far: the transpose of `pad_image`."""
    (h, i), (w, j) = (overlap(*axis) for axis in zip(out.shape[2:], padding, padded.shape[2:], strict=True))
    out[:, :, h, w] = padded[:, :, i, j]


def taps(
    padded: Array, count: Pair, kernel: Pair, stride: Pair, dilation: Pair = (1, 1)
) -> Iterator[tuple[int, int, Array]]:
    """Yield (p, q, view): what each of `count` windows reads at its place (p, q), as a view (N, C, I, J)."""
    (i, j), (s, t) = count, stride
    for p in range(kernel[0]):
        for q in range(kernel[1]):
            top, left = dilation[0] * p, dilation[1] * q
            yield p, q, padded[:, :, top : top + s * (i - 1) + 1 : s, left : left + t * (j - 1) + 1 : t]
