"""Pooling to a given size: images of any size come out alike."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from minigrad import kernels, ops
from minigrad.autograd.tensor import Tensor
from minigrad.errors import ShapeError, UsageError
from minigrad.functional.common import on_batch, row_setting
from minigrad.functional.pooling import _with_indices
from minigrad.shapes import shape_of

Size = int | Sequence[int | None]


def adaptive_avg_pool2d(x: Any, output_size: Size) -> Tensor:
    """The mean of each cell of a grid of I x J cells over the image; None in `output_size` keeps that side.

    Cell i begins at row floor(i*H/I) and ends before row ceil((i+1)*H/I); where H is no multiple of I, neighbors share
    a row. Size 1 is global average pooling.

    Shapes: x (N, C, H, W) or (C, H, W) -> (N, C, I, J).

    Raises:
        ShapeError: the image has no pixels.
    """
    size = _target(x, output_size)
    even = _even_cells(shape_of(x)[-2:], size)
    if even is not None:
        return on_batch(lambda images: ops.avg_pool(images, kernel=even), x, 4)
    for axis, cells in ((-2, size[0]), (-1, size[1])):
        index, weight = _means(shape_of(x)[axis], cells)
        x = ops.resample(x, axis=axis, index=index, weight=weight)
    return x  # type: ignore[no-any-return]


def adaptive_max_pool2d(x: Any, output_size: Size, return_indices: bool = False) -> Any:
    """The largest element of each cell of a grid of I x J cells over the image, cut as in `adaptive_avg_pool2d`.

    At a tie the first one gets the gradient. With `return_indices` a second result says where each is, as h*W + w.

    Shapes: x (N, C, H, W) or (C, H, W) -> (N, C, I, J).

    Raises:
        ShapeError: the image has no pixels, or the grid no cells.
    """
    size = _target(x, output_size)
    if 0 in size:
        raise ShapeError(f"adaptive_max_pool2d: a grid of {size[0]} x {size[1]} cells has none to take the largest of")
    even = _even_cells(shape_of(x)[-2:], size)
    if even is not None and not return_indices:
        return on_batch(lambda images: ops.max_pool(images, kernel=even), x, 4)
    out, positions = _with_indices(lambda images: ops.adaptive_positions(images, size=size), x)
    return (out, positions) if return_indices else out


def adaptive_avg_pool1d(x: Any, output_size: int | Sequence[int]) -> Tensor:
    """The mean of each of J cells of a sequence. Shapes: x (N, C, T) or (C, T) -> (N, C, J)."""
    out = adaptive_avg_pool2d(ops.expand_dims(x, axis=-2), row_setting(output_size))
    return ops.squeeze(out, axis=-2)


def adaptive_max_pool1d(x: Any, output_size: int | Sequence[int], return_indices: bool = False) -> Any:
    """The largest element of each of J cells of a sequence. Shapes: x (N, C, T) or (C, T) -> (N, C, J)."""
    out = adaptive_max_pool2d(ops.expand_dims(x, axis=-2), row_setting(output_size), return_indices)
    return tuple([ops.squeeze(y, axis=-2) for y in out]) if return_indices else ops.squeeze(out, axis=-2)


def spatial_pyramid_pool(x: Any, levels: Sequence[Size] = (1, 2, 4), mode: str = "max") -> Tensor:
    """Adaptive pooling on grids from coarse to fine, all results joined: a vector of one length for any image size.

    A level n stands for n x n cells. Within a level, channels come first, then the cells in row-major order.

    Shapes: x (N, C, H, W) or (C, H, W) -> (N, C * number of all cells).

    Raises:
        UsageError: mode is neither "max" nor "avg", or there are no levels.

    Source: He et al. 2014, arXiv:1406.4729.
    """
    if mode not in ("max", "avg"):
        raise UsageError(f'spatial_pyramid_pool: mode is "max" or "avg", not {mode!r}')
    if not levels:
        raise UsageError("spatial_pyramid_pool: there are no levels: give one at least, such as (1, 2, 4)")
    pool = adaptive_max_pool2d if mode == "max" else adaptive_avg_pool2d
    start = len(shape_of(x)) - 3
    return ops.concat([ops.flatten(pool(x, level), start_dim=start) for level in levels], axis=-1)


def _target(x: Any, output_size: Size) -> tuple[int, int]:
    """`output_size` as two numbers."""
    shape = shape_of(x)
    if len(shape) not in (3, 4):
        raise ShapeError(f"adaptive pooling: expected x (N, C, H, W) or (C, H, W), got shape {shape}")
    given = tuple(output_size) if isinstance(output_size, Sequence) else (output_size, output_size)
    if len(given) != 2 or not all(n is None or (hasattr(n, "__index__") and n >= 0) for n in given):
        raise UsageError(f"adaptive pooling: output_size is one or two numbers of at least 0, not {output_size!r}")
    size = tuple([kept if n is None else n.__index__() for n, kept in zip(given, shape[-2:], strict=True)])
    if 0 in shape[-2:]:
        raise ShapeError(f"adaptive pooling: an image of shape {shape} has no pixels to pool")
    return size  # type: ignore[return-value]  # two, as was given


def _even_cells(image: Sequence[int], size: Sequence[int]) -> tuple[int, int] | None:
    """The kernel that cuts the image into cells of one size, if there is one: then pooling is of plain windows."""
    if 0 in size or any(n % cells for n, cells in zip(image, size, strict=True)):
        return None
    return image[0] // size[0], image[1] // size[1]


@lru_cache(256)  # a network asks for the same few, in every step
def _means(size: int, cells: int) -> tuple[Any, Any]:
    """The table for `resample` that takes the mean of each cell of an axis."""
    start, stop = kernels.adaptive_bounds(size, cells)
    length = stop - start
    tap = np.arange(int(np.max(length, initial=1)))[:, None]
    return np.minimum(start + tap, stop - 1), (tap < length) / length
