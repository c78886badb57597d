"""The geometry of sliding windows, which convolution and pooling share: how many there are, and what each reads.

Along one axis, window i reads the pixels

    stride * i + dilation * p - padding        for p = 0 ... kernel - 1

and a pixel outside of the image reads as a fill value. So an image is padded once; after that *tap* (p, q), the pixel
that every window reads at its place (p, q), is a strided slice of the padded image.

All of this is the same for any number of sides. Names speak of images; volumes have a depth in front of their height.
"""

from collections.abc import Iterator
from functools import lru_cache
from itertools import product, repeat
from typing import TypeVar, cast

import numpy as np

from minigrad.typing import Array, Shape

Sides = TypeVar("Sides", bound=Shape)
"""A number for each side: a pair for images."""


def effective_kernel_size(kernel: int, dilation: int) -> int:
    """The pixels from the first to the last that a window reads along an axis."""
    return dilation * (kernel - 1) + 1


def window_count(size: int, kernel: int, stride: int, padding: int, dilation: int = 1, ceil_mode: bool = False) -> int:
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
    size: Sides, kernel: Shape, stride: Shape, padding: Shape, dilation: Shape | None = None, *, ceil_mode: bool = False
) -> Sides:
    """How many windows fit along each side."""
    counts = map(window_count, size, kernel, stride, padding, dilation or (1,) * len(size), repeat(ceil_mode))
    return cast(Sides, tuple(counts))


def padded_size(count: Sides, kernel: Shape, stride: Shape, dilation: Shape | None = None) -> Sides:
    """The sides of the padded image that `count` windows read, from its first pixel to its last."""
    return cast(Sides, tuple(map(window_span, count, kernel, stride, dilation or (1,) * len(count))))


def overlap(size: int, padding: int, padded: int) -> tuple[slice, slice]:
    """The part of an image's axis that a padded axis holds: where it lies in the image, where in the padded one."""
    stop = max(0, min(size, padded - padding))
    return slice(0, stop), slice(min(padding, padded), min(padding, padded) + stop)


def pad_image(x: Array, padding: Shape, size: Shape, fill: float = 0) -> Array:
    """x (N, C, H, W), `padding` pixels from the top and left of images of `size`; x itself where that will do.

    Pixels beyond that size, which no window reads, are cut off.
    """
    sides = x.shape[2:]
    if size == sides and not any(padding):
        return x
    if not any(padding) and all(n <= m for n, m in zip(size, sides, strict=True)):
        return x[:, :, *map(slice, size)]
    padded = np.full(x.shape[:2] + size, fill, x.dtype)
    inside = [overlap(*side) for side in zip(sides, padding, size, strict=True)]
    padded[:, :, *[there for _, there in inside]] = x[:, :, *[here for here, _ in inside]]
    return padded


def crop_image(padded: Array, padding: Shape, out: Array) -> None:
    """Write the pixels of a padded image to `out` (N, C, H, W), zero so far: the transpose of `pad_image`."""
    inside = [overlap(*side) for side in zip(out.shape[2:], padding, padded.shape[2:], strict=True)]
    out[:, :, *[here for here, _ in inside]] = padded[:, :, *[there for _, there in inside]]


def taps(
    padded: Array, count: Shape, kernel: Shape, stride: Shape, dilation: Shape | None = None
) -> Iterator[tuple[Shape, Array]]:
    """Yield (p, q) and what each of `count` windows reads at that place, as a view (N, C, I, J)."""
    for place, at in _tap_indices(count, kernel, stride, dilation or (1,) * len(kernel)):
        yield place, padded[at]


@lru_cache(256)  # a network asks for the same few, in every step
def _tap_indices(count: Shape, kernel: Shape, stride: Shape, dilation: Shape) -> list[tuple[Shape, tuple[slice, ...]]]:
    """Each place (p, q), and the index of what `count` windows read there."""
    sides = zip(kernel, count, stride, dilation, strict=True)
    read = [[slice(d * p, d * p + s * (n - 1) + 1, s) for p in range(k)] for k, n, s, d in sides]
    return list(zip(product(*map(range, kernel)), product([slice(None)], [slice(None)], *read), strict=True))
