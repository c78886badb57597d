"""Padded images in flat buffers, with the pixels ordered such that a tap reads a single stretch.

Pixel (h, w) of a padded image goes to the part (h % s, w % t) of the buffer, for strides s and t, and there to row
h // s and column w // t. Where windows are as far apart, one after the other reads one pixel after the other of a part.
"""

from typing import NamedTuple

from minigrad.typing import Array, Pair

from .jit import compiled


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
    for b in range(t):
        begin, end = valid_range(image.shape[1], pitch, t, b - left)
        for h in range(min(image.shape[0], s * rows - top)):
            row = h + top
            at = base + ((row % s * t + b) * rows + row // s) * pitch
            line, pixels = buffer[at + begin : at + end], image[h, t * begin + b - left :]
            if t == 1:
                for j in range(len(line)):
                    line[j] = pixels[j]
            elif t == 2:  # a constant stride can be vectorized
                for j in range(len(line)):
                    line[j] = pixels[2 * j]
            else:
                for j in range(len(line)):
                    line[j] = pixels[t * j]


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
