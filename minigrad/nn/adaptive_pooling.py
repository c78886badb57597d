"""Adaptive pooling: windows are chosen so that images and volumes of any size give results of one size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minigrad import functional as F  # noqa: N812
from minigrad import ops
from minigrad.autograd.tensor import Tensor
from minigrad.functional.adaptive_pooling import Size
from minigrad.nn.setting import Configured
from minigrad.typing import ArrayLike


class _AdaptiveAvg(Configured):
    shown = ("output_size",)

    def __init__(self, output_size: Size) -> None:
        self.output_size = output_size


class AdaptiveAvgPool1d(_AdaptiveAvg):
    """The mean of each of J cells of a sequence: cell j is from floor(j*T/J) up to, and without, ceil((j+1)*T/J).

    Args:
        output_size: J.

    Shapes: x (N, C, T) or (C, T) -> (N, C, J) or (C, J).

    Raises:
        ShapeError: when called, x has another number of dimensions, or no elements.
        UsageError: when called, output_size is no number of at least 0.

    >>> AdaptiveAvgPool1d(2)(Tensor([[1.0, 3.0, 2.0, 0.0]])).tolist()
    [[2.0, 1.0]]
    """

    def forward(self, x: ArrayLike) -> Tensor:
        """Shapes: x (N, C, T) or (C, T) -> (N, C, J) or (C, J)."""
        size: Any = self.output_size  # a number, or a sequence of one
        return F.adaptive_avg_pool1d(x, size)


class AdaptiveAvgPool2d(_AdaptiveAvg):
    """The mean of each cell of a grid of I x J cells: row i is from floor(i*H/I) up to, and without, ceil((i+1)*H/I).

    Args:
        output_size: I and J, or one number for both; None keeps that side.

    Shapes: x (N, C, H, W) or (C, H, W) -> (N, C, I, J) or (C, I, J).

    Raises:
        ShapeError: when called, x has another number of dimensions, or no pixels.
        UsageError: when called, output_size is neither one number of at least 0 nor two.

    >>> import minigrad as mg
    >>> AdaptiveAvgPool2d((2, None))(mg.ones((1, 3, 7, 5))).shape
    (1, 3, 2, 5)
    """

    def forward(self, x: ArrayLike) -> Tensor:
        """Shapes: x (N, C, H, W) or (C, H, W) -> (N, C, I, J) or (C, I, J)."""
        return F.adaptive_avg_pool2d(x, self.output_size)


class AdaptiveAvgPool3d(_AdaptiveAvg):
    """The mean of each cell of a grid of K x I x J cells over a volume; the cells are as those of `AdaptiveAvgPool2d`.

    Args:
        output_size: K, I and J, or one number for all; None keeps that side.

    Shapes: x (N, C, D, H, W) or (C, D, H, W) -> (N, C, K, I, J) or (C, K, I, J).

    Raises:
        ShapeError: when called, x has another number of dimensions, or no elements.
        UsageError: when called, output_size is neither one number of at least 0 nor three.
    """

    def forward(self, x: ArrayLike) -> Tensor:
        """Shapes: x (N, C, D, H, W) or (C, D, H, W) -> (N, C, K, I, J) or (C, K, I, J)."""
        return F.adaptive_avg_pool3d(x, self.output_size)


class _AdaptiveMax(Configured):
    shown = ("output_size",)

    def __init__(self, output_size: Size, return_indices: bool = False) -> None:
        self.output_size, self.return_indices = output_size, return_indices


class AdaptiveMaxPool1d(_AdaptiveMax):
    """The largest element of each of J cells of a sequence; the cells are those of `AdaptiveAvgPool1d`.

    Args:
        output_size: J.
        return_indices: whether there is a second result, where each of them is (default False).

    Shapes: x (N, C, T) or (C, T) -> (N, C, J) or (C, J).

    Raises:
        ShapeError: when called, x has another number of dimensions or no elements, or there are no cells.
        UsageError: when called, output_size is no number of at least 0.
    """

    def forward(self, x: ArrayLike) -> Tensor | tuple[Tensor, Tensor]:
        """Shapes: x (N, C, T) or (C, T) -> (N, C, J) or (C, J), with return_indices twice."""
        size: Any = self.output_size  # a number, or a sequence of one
        out: Tensor | tuple[Tensor, Tensor] = F.adaptive_max_pool1d(x, size, self.return_indices)
        return out


class AdaptiveMaxPool2d(_AdaptiveMax):
    """The largest pixel of each cell of a grid of I x J cells; the cells are those of `AdaptiveAvgPool2d`.

    Args:
        output_size: I and J, or one number for both; None keeps that side.
        return_indices: whether there is a second result, where each of them is as h*W + w (default False).

    Shapes: x (N, C, H, W) or (C, H, W) -> (N, C, I, J) or (C, I, J).

    Raises:
        ShapeError: when called, x has another number of dimensions or no pixels, or there are no cells.
        UsageError: when called, output_size is neither one number of at least 0 nor two.
    """

    def forward(self, x: ArrayLike) -> Tensor | tuple[Tensor, Tensor]:
        """Shapes: x (N, C, H, W) or (C, H, W) -> (N, C, I, J) or (C, I, J), with return_indices twice."""
        out: Tensor | tuple[Tensor, Tensor] = F.adaptive_max_pool2d(x, self.output_size, self.return_indices)
        return out


class AdaptiveMaxPool3d(_AdaptiveMax):
    """The largest element of each cell of a grid of K x I x J cells; the cells are as those of `AdaptiveAvgPool2d`.

    Args:
        output_size: K, I and J, or one number for all; None keeps that side.
        return_indices: whether there is a second result, where each of them is as (d*H + h)*W + w (default False).

    Shapes: x (N, C, D, H, W) or (C, D, H, W) -> (N, C, K, I, J) or (C, K, I, J).

    Raises:
        ShapeError: when called, x has another number of dimensions or no elements, or there are no cells.
        UsageError: when called, output_size is neither one number of at least 0 nor three.
    """

    def forward(self, x: ArrayLike) -> Tensor | tuple[Tensor, Tensor]:
        """Shapes: x (N, C, D, H, W) or (C, D, H, W) -> (N, C, K, I, J) or (C, K, I, J), with return_indices twice."""
        out: Tensor | tuple[Tensor, Tensor] = F.adaptive_max_pool3d(x, self.output_size, self.return_indices)
        return out


class _Global(Configured):
    shown = ("keepdims",)

    def __init__(self, keepdims: bool = False) -> None:
        self.keepdims = keepdims

    def _without_pixels(self, pooled: Tensor) -> Tensor:
        return pooled if self.keepdims else ops.squeeze(pooled, axis=(-2, -1))


class GlobalAvgPool2d(_Global):
    """The mean of each channel: a vector for an image of any size, in place of fully connected layers.

    Args:
        keepdims: whether height and width stay, with size 1 (default False).

    Shapes: x (N, C, H, W) or (C, H, W) -> (N, C) or (C), or with keepdims (N, C, 1, 1) or (C, 1, 1).

    Raises:
        ShapeError: when called, x has another number of dimensions, or no pixels.

    Source: Lin, Chen and Yan 2013, "Network in network", arXiv:1312.4400.

    >>> GlobalAvgPool2d()(Tensor([[[1.0, 3.0]], [[5.0, 5.0]]])).tolist()
    [2.0, 5.0]
    """

    def forward(self, x: ArrayLike) -> Tensor:
        """Shapes: x (N, C, H, W) or (C, H, W) -> (N, C) or (C), or with keepdims (N, C, 1, 1) or (C, 1, 1)."""
        return self._without_pixels(F.adaptive_avg_pool2d(x, 1))


class GlobalMaxPool2d(_Global):
    """The largest pixel of each channel: a vector for an image of any size.

    Args:
        keepdims: whether height and width stay, with size 1 (default False).

    Shapes: x (N, C, H, W) or (C, H, W) -> (N, C) or (C), or with keepdims (N, C, 1, 1) or (C, 1, 1).

    Raises:
        ShapeError: when called, x has another number of dimensions, or no pixels.
    """

    def forward(self, x: ArrayLike) -> Tensor:
        """Shapes: x (N, C, H, W) or (C, H, W) -> (N, C) or (C), or with keepdims (N, C, 1, 1) or (C, 1, 1)."""
        return self._without_pixels(F.adaptive_max_pool2d(x, 1))


class SpatialPyramidPool(Configured):
    """Adaptive pooling on grids from coarse to fine, all results joined: a vector of one length for any image size.

    Within a level, channels come first, then the cells in row-major order.

    Args:
        levels: the grids; n stands for one of n x n cells (default (1, 2, 4)).
        mode: "max" or "avg" (default "max").

    Shapes: x (N, C, H, W) or (C, H, W) -> (N, C * number of all cells) or (C * number of all cells).

    Raises:
        ShapeError: when called, x has another number of dimensions, or no pixels.
        UsageError: when called, the mode is neither "max" nor "avg", or there are no levels.

    Source: He et al. 2014, "Spatial pyramid pooling in deep convolutional networks for visual recognition",
    arXiv:1406.4729.

    >>> import minigrad as mg
    >>> SpatialPyramidPool()(mg.ones((2, 3, 13, 9))).shape, 3 * (1 + 4 + 16)
    ((2, 63), 63)
    """

    shown = ("levels", "mode")

    def __init__(self, levels: Sequence[Size] = (1, 2, 4), mode: str = "max") -> None:
        self.levels, self.mode = tuple(levels), mode

    def forward(self, x: ArrayLike) -> Tensor:
        """Shapes: x (N, C, H, W) or (C, H, W) -> (N, C * number of all cells), or without N."""
        return F.spatial_pyramid_pool(x, self.levels, self.mode)
