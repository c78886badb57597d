"""Sampling of images at places of a grid, and the grids of affine maps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minigrad import ops
from minigrad.autograd.tensor import Tensor
from minigrad.errors import ShapeError
from minigrad.kernels.array_utils import of_sizes
from minigrad.shapes import shape_of
from minigrad.typing import Array, ArrayLike


def grid_sample(
    x: ArrayLike,
    grid: ArrayLike,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool | None = None,
) -> Tensor:
    """out[n, c, p] = x[n, c] at the place grid[n, p]: a weighted sum of the elements around it.

    Places go from -1 to 1 along each side; the last number of a place is along the last side (x, y and, of volumes, z).

    Args:
        x: images or volumes.
        grid: the places, such as `affine_grid` makes; NaN counts as -1.
        mode: "bilinear" (of volumes: by 8 elements), "nearest", or "bicubic", of images only (default "bilinear").
        padding_mode: what lies outside: "zeros", the "border", or a "reflection" (default "zeros").
        align_corners: whether -1 and 1 are the centers of the first and last elements; unless given they are their
            outer ends.

    Shapes: x (N, C, H, W), grid (N, I, J, 2) -> (N, C, I, J); or x (N, C, D, H, W), grid (N, I, J, K, 3) ->
    (N, C, I, J, K).

    Raises:
        DTypeError: x or grid is not floating.
        ShapeError: the shapes do not fit, or x has no elements.
        UsageError: another mode or padding_mode; bicubic of volumes.

    Source: Jaderberg et al. 2015, "Spatial transformer networks", arXiv:1506.02025.

    >>> image = Tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    >>> grid_sample(image, [[[[0.0, 0.0], [0.5, -0.5]]]]).tolist()
    [[[[2.5, 2.0]]]]
    """
    return ops.grid_sample(x, grid, mode=mode, padding_mode=padding_mode, align_corners=bool(align_corners))


def affine_grid(theta: ArrayLike, size: Sequence[int], align_corners: bool | None = None) -> Tensor:
    """grid[n, i, j] = theta[n] @ (x_j, y_i, 1): the grid for `grid_sample` that moves images by affine maps.

    Args:
        theta: a matrix a sample.
        size: of the images that are to be made: (N, C, H, W) or (N, C, D, H, W).
        align_corners: as for `grid_sample`, which must be given the same; the outer ends unless given.

    Shapes: theta (N, 2, 3), size (N, C, H, W) -> (N, H, W, 2); theta (N, 3, 4), size (N, C, D, H, W) ->
    (N, D, H, W, 3).

    Raises:
        ShapeError: theta and size do not fit together, or a size is below 1.

    Source: Jaderberg et al. 2015, "Spatial transformer networks", arXiv:1506.02025.

    >>> affine_grid([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]], (1, 1, 2, 2)).tolist()
    [[[[-0.5, -0.5], [0.5, -0.5]], [[-0.5, 0.5], [0.5, 0.5]]]]
    """
    shape, sides = shape_of(theta), tuple(size[2:])
    dimensions = len(sides)
    if dimensions not in (2, 3) or shape != (size[0], dimensions, dimensions + 1) or min(size) < 1:
        raise ShapeError(
            "affine_grid: expected theta (N, 2, 3) with size (N, C, H, W), or theta (N, 3, 4) with size "
            f"(N, C, D, H, W), got theta {shape} and size {tuple(size)}"
        )
    dtype = theta.dtype if isinstance(theta, (Tensor, np.ndarray)) else np.dtype(np.float32)
    axes = np.meshgrid(*[_along(side, bool(align_corners)) for side in sides], indexing="ij")
    points = of_sizes(np.stack([*axes[::-1], np.ones(sides)], -1).reshape(-1, dimensions + 1).astype(dtype))
    return ops.reshape(ops.matmul(points, ops.matrix_transpose(theta)), shape=(shape[0], *sides, dimensions))


def _along(side: int, align_corners: bool) -> Array:
    """The places of the elements of a side."""
    if align_corners:
        return np.linspace(-1, 1, side) if side > 1 else np.zeros(1)
    return (2 * np.arange(side) + 1) / side - 1
