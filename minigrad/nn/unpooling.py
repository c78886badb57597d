"""Unpooling: the largest elements put back where max pooling found them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minigrad import functional as F  # noqa: N812
from minigrad.autograd.tensor import Tensor
from minigrad.nn.setting import Configured
from minigrad.typing import ArrayLike, PairLike


class _MaxUnpool(Configured):
    shown = ("kernel_size", "stride", "padding")

    def __init__(self, kernel_size: PairLike, stride: PairLike | None = None, padding: PairLike = 0) -> None:
        self.kernel_size, self.padding = kernel_size, padding
        self.stride = kernel_size if stride is None else stride


class MaxUnpool1d(_MaxUnpool):
    """Each element put where `MaxPool1d` found it, in zeros. Of several at one place the last one counts.

    Args:
        kernel_size: Q, as of the pooling; likewise below.
        stride: elements from one window to the next (default: kernel_size).
        padding: elements added at each end (default 0).

    Shapes: x and indices (N, C, J) or (C, J) -> (N, C, T) or (C, T), with T the last number of `output_size`, or else
    (J - 1)*stride - 2*padding + Q.

    Raises:
        ShapeError: when called, x and indices differ in shape.
        UsageError: when called, an index lies outside of the result.

    Source: Zeiler and Fergus 2014, "Visualizing and understanding convolutional networks", arXiv:1311.2901.

    >>> pooled, indices = F.max_pool1d(Tensor([[1.0, 3.0, 2.0, 0.0]]), 2, return_indices=True)
    >>> MaxUnpool1d(2)(pooled, indices).tolist()
    [[0.0, 3.0, 2.0, 0.0]]
    """

    def forward(self, x: ArrayLike, indices: ArrayLike, output_size: Sequence[int] | None = None) -> Tensor:
        """Shapes: x and indices (N, C, J) or (C, J), output_size (..., T) -> (N, C, T) or (C, T)."""
        settings: Any = (self.kernel_size, self.stride, self.padding, output_size)  # numbers, or sequences of one
        return F.max_unpool1d(x, indices, *settings)


class MaxUnpool2d(_MaxUnpool):
    """Each pixel put where `MaxPool2d` found it, in zeros. Of several at one place the last one counts.

    Args:
        kernel_size: P and Q, as of the pooling, or one number for both; likewise below.
        stride: pixels from one window to the next (default: kernel_size).
        padding: pixels added on each side (default 0).

    Shapes: x and indices (N, C, I, J) or (C, I, J) -> (N, C, H, W) or (C, H, W), with H and W the last numbers of
    `output_size`, or else H = (I - 1)*stride - 2*padding + P, and W likewise.

    Raises:
        ShapeError: when called, x and indices differ in shape.
        UsageError: when called, an index lies outside of the result.

    Source: Zeiler and Fergus 2014, "Visualizing and understanding convolutional networks", arXiv:1311.2901.
    """

    def forward(self, x: ArrayLike, indices: ArrayLike, output_size: Sequence[int] | None = None) -> Tensor:
        """Shapes: x and indices (N, C, I, J) or (C, I, J), output_size (..., H, W) -> (N, C, H, W) or (C, H, W)."""
        return F.max_unpool2d(x, indices, self.kernel_size, self.stride, self.padding, output_size)


class MaxUnpool3d(_MaxUnpool):
    """Each element put where `MaxPool3d` found it, in zeros. Of several at one place the last one counts.

    Args:
        kernel_size: R, P and Q, as of the pooling, or one number for all; likewise below.
        stride: elements from one window to the next (default: kernel_size).
        padding: elements added on each side (default 0).

    Shapes: x and indices (N, C, K, I, J) or (C, K, I, J) -> (N, C, D, H, W) or (C, D, H, W), with D, H and W the last
    numbers of `output_size`, or else D = (K - 1)*stride - 2*padding + R, and H and W likewise.

    Raises:
        ShapeError: when called, x and indices differ in shape.
        UsageError: when called, an index lies outside of the result.
    """

    def forward(self, x: ArrayLike, indices: ArrayLike, output_size: Sequence[int] | None = None) -> Tensor:
        """Shapes: x and indices (N, C, K, I, J) or without N, output_size (..., D, H, W) -> (N, C, D, H, W)."""
        return F.max_unpool3d(x, indices, self.kernel_size, self.stride, self.padding, output_size)
