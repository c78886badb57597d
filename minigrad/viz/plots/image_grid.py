"""Many small images as one: a grid, with gaps between the images and room for labels above them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from minigrad.typing import Array


def grid_columns(count: int) -> int:
    """The number of columns for so many images: few gaps at the end, and somewhat more columns than rows."""
    root = math.sqrt(count)
    choices = range(max(1, math.ceil(root)), max(1, math.ceil(1.7 * root)) + 1)
    return min(choices, key=lambda n: (-count % n, abs(n - math.sqrt(1.6) * root)))


def image_grid(images: Sequence[Array], columns: int, gap: int = 1, above: int = 0) -> Array:
    """Images of one size in rows, with gaps between them, and `above` more pixels above each for its label.

    Shapes: each (H, W) or (H, W, 3) -> one (H', W') with gaps of NaN, or (H', W', 4) with transparent ones.
    """
    height, width, *colors = images[0].shape
    columns = min(columns, len(images))
    rows = math.ceil(len(images) / columns)
    size = (rows * (height + gap + above) - gap, columns * (width + gap) - gap, *colors)
    grid = np.full(size, np.nan, np.float64)
    for i, image in enumerate(images):
        top, left = cell_corner(i, columns, (height, width), gap, above)
        grid[top : top + height, left : left + width] = image
    if colors:  # matplotlib knows no missing colors, but transparent ones
        opaque = ~np.isnan(grid[..., :1])
        grid = np.concatenate([np.nan_to_num(grid), opaque], axis=-1)
    return grid


def cell_corner(i: int, columns: int, size: Sequence[int], gap: int = 1, above: int = 0) -> tuple[int, int]:
    """The first row and column of the i-th image (H, W) of a grid."""
    height, width = size
    return (i // columns) * (height + gap + above) + above, (i % columns) * (width + gap)


def grid_gap(side: int) -> int:
    """The gap between images with so many pixels a side."""
    return max(1, round(side / 12))
