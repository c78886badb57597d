"""Pooling to a given size: images of any size come out alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minigrad import functional as F  # noqa: N812
from minigrad import ops
from minigrad.autograd.tensor import Tensor
from minigrad.functional.adaptive_pooling import Size
from minigrad.nn.setting import Configured


class _AdaptiveAvg(Configured):
    shown = ("output_size",)

    def __init__(self, output_size: Any) -> None:
        self.output_size = output_size


class AdaptiveAvgPool1d(_AdaptiveAvg):
    """The mean of each of J cells. Shapes: x (N, C, T) or (C, T) -> (N, C, J)."""

    def forward(self, x: Any) -> Tensor:
        """Shapes: x (N, C, T) or (C, T) -> (N, C, J)."""
        return F.adaptive_avg_pool1d(x, self.output_size)


class AdaptiveAvgPool2d(_AdaptiveAvg):
    """The mean of each cell of a grid of I x J cells; None keeps a side. Shapes: x (N, C, H, W) -> (N, C, I, J)."""

    def forward(self, x: Any) -> Tensor:
        """Shapes: x (N, C, H, W) or (C, H, W) -> (N, C, I, J)."""
        return F.adaptive_avg_pool2d(x, self.output_size)


class _AdaptiveMax(Configured):
    shown = ("output_size",)

    def __init__(self, output_size: Any, return_indices: bool = False) -> None:
        self.output_size, self.return_indices = output_size, return_indices


class AdaptiveMaxPool1d(_AdaptiveMax):
    """The largest element of each of J cells. Shapes: x (N, C, T) or (C, T) -> (N, C, J)."""

    def forward(self, x: Any) -> Any:
        """Shapes: x (N, C, T) or (C, T) -> (N, C, J), with return_indices twice."""
        return F.adaptive_max_pool1d(x, self.output_size, self.return_indices)


class AdaptiveMaxPool2d(_AdaptiveMax):
    """The largest element of each cell of a grid of I x J cells. Shapes: x (N, C, H, W) -> (N, C, I, J)."""

    def forward(self, x: Any) -> Any:
        """Shapes: x (N, C, H, W) or (C, H, W) -> (N, C, I, J), with return_indices twice."""
        return F.adaptive_max_pool2d(x, self.output_size, self.return_indices)


class _Global(Configured):
    shown = ("keepdims",)

    def __init__(self, keepdims: bool = False) -> None:
        self.keepdims = keepdims

    def _ended(self, pooled: Any) -> Any:
        return pooled if self.keepdims else ops.squeeze(pooled, axis=(-2, -1))


class GlobalAvgPool2d(_Global):
    """The mean of each channel: a vector for an image of any size, in place of layers of full connection.

    Shapes: x (N, C, H, W) or (C, H, W) -> (N, C), or with keepdims (N, C, 1, 1).

    Source: Lin, Chen and Yan 2013, "Network in network", arXiv:1312.4400.
    """

    def forward(self, x: Any) -> Any:
        """Shapes: x (N, C, H, W) or (C, H, W) -> (N, C), or with keepdims (N, C, 1, 1)."""
        return self._ended(F.adaptive_avg_pool2d(x, 1))


class GlobalMaxPool2d(_Global):
    """The largest element of each channel. Shapes: x (N, C, H, W) -> (N, C), or with keepdims (N, C, 1, 1)."""

    def forward(self, x: Any) -> Any:
        """Shapes: x (N, C, H, W) or (C, H, W) -> (N, C), or with keepdims (N, C, 1, 1)."""
        return self._ended(F.adaptive_max_pool2d(x, 1))


class SpatialPyramidPool(Configured):
    """Pooling on grids from coarse to fine, all results joined: a vector of one length for any image size.

    Args:
        levels: n stands for a grid of n x n cells.
        mode: "max" or "avg".

    Shapes: x (N, C, H, W) or (C, H, W) -> (N, C * number of all cells).

    Source: He et al. 2014, arXiv:1406.4729.
    """

    shown = ("levels", "mode")

    def __init__(self, levels: Sequence[Size] = (1, 2, 4), mode: str = "max") -> None:
        self.levels, self.mode = tuple(levels), mode

    def forward(self, x: Any) -> Tensor:
        """Shapes: x (N, C, H, W) or (C, H, W) -> (N, C * number of all cells)."""
        return F.spatial_pyramid_pool(x, self.levels, self.mode)
