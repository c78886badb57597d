"""The pixels of images in panels, as `pointwise_convolution_numba` multiplies them.

The pixels of all images are counted in one row; so many follow each other in a panel, those of small images too. A
piece is what a panel has of one image.
"""

from typing import Final

from minigrad.typing import Array

from .jit import compiled
from .partial_vectors_numba import load_part, store_part
from .simd import BYTES, load, prefetch, store

AT, IMAGE, PIXEL, SIZE, ROOM = range(5)
"""Of a piece: where it begins in the panels, its image, its first pixel there, how many it has, for how many there is
room."""

AHEAD: Final = 4
"""Channels by which pixels are fetched before they are copied."""


@compiled
def cut(first: int, last: int, plane: int, panel: int, width: int, pieces: Array, firsts: Array) -> int:
    """Cut the pixels from first to last into panels, so many numbers apart, and these where an image ends.

    The pieces of panel k are those from firsts[k] to firsts[k + 1]; how many panels there are is returned.
    """
    count, k = 0, 0
    for begin in range(first, last, width):
        firsts[k] = count
        end, f = min(begin + width, last), begin
        while f < end:
            piece, n, pixel = pieces[count], f // plane, f % plane
            size = min(plane - pixel, end - f)
            piece[AT], piece[IMAGE], piece[PIXEL], piece[SIZE] = k * panel + f - begin, n, pixel, size
            piece[ROOM] = size if f + size < end else begin + width - f
            f += size
            count += 1
        k += 1
    firsts[k] = count
    return k


@compiled
def read_pieces(x: Array, sources: Array, panels: Array, pieces: Array, count: int, plane: int, width: int) -> None:
    """Copy the pieces of each channel to the panels.

    A vector that is not full is written before what lies behind it: the next piece, and then the next channel.
    """
    lanes = BYTES // x.itemsize
    column = 0
    for s in range(len(sources)):
        base, ins = sources[s, 0], sources[s, 1]
        for c in range(ins):
            for p in range(count):
                piece = pieces[p]
                to, of = piece[AT] + column, base + (piece[IMAGE] * ins + c) * plane + piece[PIXEL]
                for j in range(0, piece[ROOM], lanes):
                    prefetch(x, of + AHEAD * plane + j)
                    store(panels, to + j, load_part(x, of + j, piece[SIZE] - j))
            column += width


@compiled
def write_pieces(
    target: Array, out: Array, pieces: Array, begin: int, end: int, panel: int, base: int, first: int, last: int,
    outs: int, plane: int, width: int,
) -> None:  # fmt: skip
    """Copy the pieces from begin to end, of the outputs from first to last, to where they belong.

    Their panel begins at `panel`, the images of all outputs at `base`.
    """
    lanes = BYTES // out.itemsize
    for p in range(begin, end):
        piece = pieces[p]
        for o in range(first, last):
            of, to = (o - first) * width + piece[AT] - panel, base + (piece[IMAGE] * outs + o) * plane + piece[PIXEL]
            for j in range(0, piece[SIZE], lanes):
                store_part(out, to + j, load(target, of + j), piece[SIZE] - j)
