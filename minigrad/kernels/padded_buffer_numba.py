"""Padded images in flat buffers, with the pixels ordered such that a tap reads a single stretch.

Pixel (h, w) of a padded image goes to the part (h % s, w % t) of the buffer, for strides s and t, and there to row
h // s and column w // t. Where windows are as far apart, one after the other reads one pixel after the other of a part.
"""

from typing import NamedTuple

from minigrad.typing import Array, Pair

from .jit import compiled
from .partial_vectors_numba import load_part, store_part
from .simd import BYTES, even, load_scalar, odd, store_scalar


class PlaneLayout(NamedTuple):
    """How a plane of an image lies in a flat buffer."""

    size: Pair  # rows and columns of each of the stride[0] * stride[1] parts
    stride: Pair
    padding: Pair

    @property
    def length(self) -> int:
        """Numbers in a plane."""
        return self.stride[0] * self.stride[1] * self.size[0] * self.size[1]


@compiled
def pack_pixels(image: Array, buffer: Array, base: int, layout: PlaneLayout) -> None:
    """Write the pixels (H, W) that windows read to a plane of the buffer, which begins at base; no padding."""
    (rows, pitch), (s, t), (top, left) = layout
    height, width = image.shape
    lanes, part = BYTES // image.itemsize, rows * pitch
    for a in range(s):
        above = max(0, (top - a + s - 1) // s)  # the image's first row
        for row in range(above, min(rows, (height + top - a + s - 1) // s)):
            line, pixels = base + a * t * part + row * pitch, (row * s + a - top) * width
            if t == 1:
                count = min(width, pitch - left)
                for j in range(0, count, lanes):
                    here = load_part(image, pixels + j, image.size - pixels - j)
                    store_part(buffer, line + left + j, here, count - j)
            elif t == 2:
                # Where pixels 0, 2, ... go, and where 1, 3, ...; and how many there are of each.
                to_even = line + left % 2 * part + left // 2
                to_odd = line + (left + 1) % 2 * part + (left + 1) // 2
                evens, odds = min((width + 1) // 2, pitch - left // 2), min(width // 2, pitch - (left + 1) // 2)
                for j in range(0, evens, lanes):
                    here = load_part(image, pixels + 2 * j, image.size - pixels - 2 * j)
                    there = load_part(image, pixels + 2 * j + lanes, image.size - pixels - 2 * j - lanes)
                    store_part(buffer, to_even + j, even(here, there), evens - j)
                    store_part(buffer, to_odd + j, odd(here, there), odds - j)
            else:
                for b in range(t):
                    begin, end = valid_range(width, pitch, t, b - left)
                    for j in range(begin, end):
                        pixel = load_scalar(image, pixels + t * j + b - left)
                        store_scalar(buffer, line + b * part + j, pixel)


@compiled
def unpack_pixels(image: Array, buffer: Array, base: int, layout: PlaneLayout) -> None:
    """Read the pixels (H, W) back; 0 for those that no window reads."""
    (rows, pitch), (s, t), (top, left) = layout
    if image.shape[0] + top > s * rows or image.shape[1] + left > t * pitch:
        image[:] = 0
    for b in range(t):
        begin, end = valid_range(image.shape[1], pitch, t, b - left)
        for h in range(min(image.shape[0], s * rows - top)):
            row = h + top
            at = base + ((row % s * t + b) * rows + row // s) * pitch
            line, pixels = buffer[at + begin : at + end], image[h, t * begin + b - left :]
            if t == 1:
                for j in range(len(line)):
                    pixels[j] = line[j]
            else:
                for j in range(len(line)):
                    pixels[t * j] = line[j]


@compiled
def valid_range(size: int, pitch: int, stride: int, offset: int) -> Pair:
    """The columns j < pitch from where to where stride * j + offset is a pixel of a row of `size`."""
    return max(0, -(offset // stride)), max(0, min(pitch, (size - 1 - offset) // stride + 1))
