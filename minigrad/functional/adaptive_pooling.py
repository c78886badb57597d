"""Pooling to a given size, of images and volumes of any size."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from minigrad import kernels, ops
from minigrad.autograd.tensor import Tensor
from minigrad.errors import ShapeError, UsageError
from minigrad.functional.common import SIDES, on_batch, row_setting
from minigrad.functional.max_pooling import with_indices
from minigrad.kernels.array_utils import of_sizes
from minigrad.shapes import shape_of
from minigrad.typing import Array, ArrayLike, Shape

Size = int | Sequence[int | None]


def adaptive_avg_pool2d(x: ArrayLike, output_size: Size) -> Tensor:
    """out[n,c,i,j] = the mean of x in cell (i, j) of a grid of I x J cells over the image.

    Cell i begins at row floor(i*H/I) and ends before row ceil((i+1)*H/I); where H is no multiple of I, neighbors share
    a row. Size 1 is global average pooling.

    Args:
        x: images, or one image.
        output_size: the rows and columns I, J of the grid, or one number for both; None keeps that side.

    Shapes: x (N, C, H, W) or (C, H, W) -> (N, C, I, J) or (C, I, J).

    Raises:
        ShapeError: the image has no pixels, or x is no image.
        UsageError: output_size is neither one nor two numbers of at least 0.

    >>> adaptive_avg_pool2d(Tensor([[[1.0, 2.0, 3.0]]]), (1, 2)).tolist()
    [[[1.5, 2.5]]]
    """
    return _adaptive_avg_pool(x, output_size, 2)


def adaptive_avg_pool3d(x: ArrayLike, output_size: Size) -> Tensor:
    """out[n,c,k,i,j] = the mean of x in cell (k, i, j) of a grid of K x I x J cells, as in `adaptive_avg_pool2d`.

    Args:
        x: volumes, or one volume.
        output_size: the depth, rows and columns K, I, J of the grid, or one number for all; None keeps that side.

    Shapes: x (N, C, D, H, W) or (C, D, H, W) -> (N, C, K, I, J) or (C, K, I, J).

    Raises:
        ShapeError: the volume has no elements, or x is no volume.
        UsageError: output_size is neither one nor three numbers of at least 0.
    """
    return _adaptive_avg_pool(x, output_size, 3)


def _adaptive_avg_pool(x: ArrayLike, output_size: Size, sides: int) -> Tensor:
    size = _target(x, output_size, sides)
    even = _even_cells(shape_of(x)[-sides:], size)
    if even is not None:
        return on_batch(lambda images: ops.avg_pool(images, kernel=even), x, sides + 2)
    for axis, cells in enumerate(size, start=-sides):
        index, weight = _means(shape_of(x)[axis], cells)
        x = ops.resample(x, axis=axis, index=index, weight=weight)
    return x  # type: ignore[return-value]  # the loop has made it a Tensor


def adaptive_max_pool2d(x: ArrayLike, output_size: Size, return_indices: bool = False) -> Any:  # a Tensor, or two
    """out[n,c,i,j] = the largest x in cell (i, j) of a grid of I x J cells over the image, as in `adaptive_avg_pool2d`.

    At a tie the first one gets the gradient.

    Args:
        x: images, or one image.
        output_size: the rows and columns I, J of the grid, or one number for both; None keeps that side.
        return_indices: whether to say where each is, too (default False).

    Returns:
        The largest elements; with `return_indices` two results, the second with the position h*W + w of each.

    Shapes: x (N, C, H, W) or (C, H, W) -> (N, C, I, J) or (C, I, J).

    Raises:
        DTypeError: x is not floating.
        ShapeError: the image has no pixels, or the grid no cells, or x is no image.
        UsageError: output_size is neither one nor two numbers of at least 0.
    """
    return _adaptive_max_pool(x, output_size, return_indices, 2)


def adaptive_max_pool3d(x: ArrayLike, output_size: Size, return_indices: bool = False) -> Any:  # a Tensor, or two
    """out[n,c,k,i,j] = the largest x in cell (k, i, j) of a grid of K x I x J cells, as in `adaptive_avg_pool2d`.

    At a tie the first one gets the gradient.

    Args:
        x: volumes, or one volume.
        output_size: the depth, rows and columns K, I, J of the grid, or one number for all; None keeps that side.
        return_indices: whether to say where each is, too (default False).

    Returns:
        The largest elements; with `return_indices` two results, the second with the position (d*H + h)*W + w of each.

    Shapes: x (N, C, D, H, W) or (C, D, H, W) -> (N, C, K, I, J) or (C, K, I, J).

    Raises:
        DTypeError: x is not floating.
        ShapeError: the volume has no elements, or the grid no cells, or x is no volume.
        UsageError: output_size is neither one nor three numbers of at least 0.
    """
    return _adaptive_max_pool(x, output_size, return_indices, 3)


def _adaptive_max_pool(x: ArrayLike, output_size: Size, return_indices: bool, sides: int) -> Any:
    size = _target(x, output_size, sides)
    if 0 in size:
        grid = " x ".join(map(str, size))
        raise ShapeError(f"adaptive_max_pool{sides}d: a grid of {grid} cells has none to take the largest of")
    even = _even_cells(shape_of(x)[-sides:], size)
    if even is not None and not return_indices:
        return on_batch(lambda images: ops.max_pool(images, kernel=even), x, sides + 2)
    out, positions = with_indices(lambda images: ops.adaptive_positions(images, size=size), x, sides)
    return (out, positions) if return_indices else out


def adaptive_avg_pool1d(x: ArrayLike, output_size: int | Sequence[int]) -> Tensor:
    """out[n,c,j] = the mean of x in cell j of J cells over the sequence, as in `adaptive_avg_pool2d`.

    Args:
        x: sequences, or one sequence.
        output_size: the number J of cells.

    Shapes: x (N, C, T) or (C, T) -> (N, C, J) or (C, J).

    Raises:
        ShapeError: the sequence has no elements, or x is no sequence.
        UsageError: output_size is no number of at least 0.
    """
    out = adaptive_avg_pool2d(ops.expand_dims(x, axis=-2), row_setting(output_size))
    return ops.squeeze(out, axis=-2)


def adaptive_max_pool1d(
    x: ArrayLike, output_size: int | Sequence[int], return_indices: bool = False
) -> Any:  # a Tensor, or two
    """out[n,c,j] = the largest x in cell j of J cells over the sequence, as in `adaptive_avg_pool2d`.

    At a tie the first one gets the gradient.

    Args:
        x: sequences, or one sequence.
        output_size: the number J of cells.
        return_indices: whether to say where each is, too (default False).

    Returns:
        The largest elements; with `return_indices` two results, the second with the position of each.

    Shapes: x (N, C, T) or (C, T) -> (N, C, J) or (C, J).

    Raises:
        DTypeError: x is not floating.
        ShapeError: the sequence has no elements, or J is 0, or x is no sequence.
        UsageError: output_size is no number of at least 0.
    """
    out = adaptive_max_pool2d(ops.expand_dims(x, axis=-2), row_setting(output_size), return_indices)
    return tuple([ops.squeeze(y, axis=-2) for y in out]) if return_indices else ops.squeeze(out, axis=-2)


def spatial_pyramid_pool(x: ArrayLike, levels: Sequence[Size] = (1, 2, 4), mode: str = "max") -> Tensor:
    """out = adaptive pooling on grids from coarse to fine, all joined: a vector of one length for any image size.

    Within a level, channels come first, then the cells in row-major order.

    Args:
        x: images, or one image.
        levels: the grids; a number n stands for n x n cells (default (1, 2, 4)).
        mode: "max" for the largest element of each cell, or "avg" for the mean (default "max").

    Shapes: x (N, C, H, W) or (C, H, W) -> (N, C * number of all cells) or (C * number of all cells).

    Raises:
        DTypeError: x is not floating, in mode "max".
        ShapeError: the image has no pixels, or a grid no cells, or x is no image.
        UsageError: mode is neither "max" nor "avg", or there are no levels.

    Source: He et al. 2014, "Spatial pyramid pooling in deep convolutional networks for visual recognition",
    arXiv:1406.4729.
    """
    if mode not in ("max", "avg"):
        raise UsageError(f'spatial_pyramid_pool: mode is "max" or "avg", not {mode!r}')
    if not levels:
        raise UsageError("spatial_pyramid_pool: there are no levels: give one at least, such as (1, 2, 4)")
    pool = adaptive_max_pool2d if mode == "max" else adaptive_avg_pool2d
    start = len(shape_of(x)) - 3
    return ops.concat([ops.flatten(pool(x, level), start_dim=start) for level in levels], axis=-1)


def _target(x: ArrayLike, output_size: Size, sides: int) -> Shape:
    """`output_size` as a number for each side."""
    shape, letters = shape_of(x), SIDES[sides]
    if len(shape) not in (sides + 1, sides + 2):
        raise ShapeError(f"adaptive pooling: expected x (N, C, {letters}) or (C, {letters}), got shape {shape}")
    given = tuple(output_size) if isinstance(output_size, Sequence) else (output_size,) * sides
    if len(given) != sides or not all(n is None or (hasattr(n, "__index__") and n >= 0) for n in given):
        many = {2: "two", 3: "three"}[sides]
        raise UsageError(f"adaptive pooling: output_size is one or {many} numbers of at least 0, not {output_size!r}")
    if 0 in shape[-sides:]:
        raise ShapeError(f"adaptive pooling: an image of shape {shape} has no pixels to pool")
    return tuple([kept if n is None else n.__index__() for n, kept in zip(given, shape[-sides:], strict=True)])


def _even_cells(image: Shape, size: Shape) -> Shape | None:
    """The kernel that cuts the image into cells of one size, if there is one: then pooling is of plain windows."""
    if 0 in size or any(n % cells for n, cells in zip(image, size, strict=True)):
        return None
    return tuple([n // cells for n, cells in zip(image, size, strict=True)])


@lru_cache(256)  # a network asks for the same few, in every step
def _means(size: int, cells: int) -> tuple[Array, Array]:
    """The table for `resample` that takes the mean of each cell of an axis."""
    start, stop = kernels.adaptive_bounds(size, cells)
    length = stop - start
    tap = np.arange(int(np.max(length, initial=1)))[:, None]
    return of_sizes(np.minimum(start + tap, stop - 1)), of_sizes((tap < length) / length)
