"""Max pooling: the largest element of each window of a sequence, an image or a volume; and back to where it was."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minigrad import functional as F  # noqa: N812
from minigrad.autograd.tensor import Tensor
from minigrad.nn.pooling import Pooling
from minigrad.nn.setting import Configured
from minigrad.typing import ArrayLike, PairLike


class _MaxPool(Pooling):
    def __init__(
        self,
        kernel_size: PairLike,
        stride: PairLike | None = None,
        padding: PairLike = 0,
        dilation: PairLike = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__(kernel_size, stride, padding, ceil_mode)
        self.dilation, self.return_indices = dilation, return_indices

    def extra_repr(self) -> str:
        """The settings."""
        return super().extra_repr() + (
            f", dilation={self.dilation}" if self.dilation not in (1, (1,), (1, 1), (1, 1, 1)) else ""
        )


class MaxPool1d(_MaxPool):
    """The largest element of each window of a sequence; at a tie the first one gets the gradient.

    Args:
        kernel_size: Q, elements a window.
        stride: elements from one window to the next (default: kernel_size).
        padding: elements of minus infinity added at each end, at most Q/2 (default 0).
        dilation: elements from one to the next within a window (default 1).
        return_indices: whether there is a second result, where each of them is, for `MaxUnpool1d` (default False).
        ceil_mode: whether a last window may reach over the edge (default False).

    Shapes: x (N, C, T) or (C, T) -> (N, C, J) or (C, J), with
    J = floor((T + 2*padding - dilation*(Q - 1) - 1) / stride) + 1.

    Raises:
        ShapeError: when called, x has another number of dimensions, or the kernel does not fit.
        UsageError: when called, a setting is no integer, or out of range.

    >>> MaxPool1d(2)(Tensor([[1.0, 3.0, 2.0, 0.0]])).tolist()
    [[3.0, 2.0]]
    """

    def forward(self, x: ArrayLike) -> Tensor | tuple[Tensor, Tensor]:
        """Shapes: x (N, C, T) or (C, T) -> (N, C, J) or (C, J), with return_indices twice."""
        sizes = (self.kernel_size, self.stride, self.padding, self.dilation)
        settings: Any = (*sizes, self.ceil_mode, self.return_indices)  # sizes are numbers, or sequences of one
        out: Tensor | tuple[Tensor, Tensor] = F.max_pool1d(x, *settings)
        return out


class MaxPool2d(_MaxPool):
    """The largest pixel of each window of an image; at a tie the first one gets the gradient.

    Args:
        kernel_size: P and Q, the height and width of a window, or one number for both; likewise below.
        stride: pixels from one window to the next (default: kernel_size).
        padding: pixels of minus infinity added on each side, at most half of the kernel (default 0).
        dilation: pixels from one to the next within a window (default 1).
        return_indices: whether there is a second result, where each of them is as h*W + w, for `MaxUnpool2d` (default
            False).
        ceil_mode: whether a last window may reach over the edge (default False).

    Shapes: x (N, C, H, W) or (C, H, W) -> (N, C, I, J) or (C, I, J), with
    I = floor((H + 2*padding - dilation*(P - 1) - 1) / stride) + 1, and J likewise.

    Raises:
        ShapeError: when called, x has another number of dimensions, or the kernel does not fit.
        UsageError: when called, a setting is no integer, or out of range.

    Source: Ranzato et al. 2007, "Unsupervised learning of invariant feature hierarchies with applications to object
    recognition".

    >>> import minigrad as mg
    >>> MaxPool2d(2)(mg.zeros((1, 3, 8, 6))).shape
    (1, 3, 4, 3)
    """

    def forward(self, x: ArrayLike) -> Tensor | tuple[Tensor, Tensor]:
        """Shapes: x (N, C, H, W) or (C, H, W) -> (N, C, I, J) or (C, I, J), with return_indices twice."""
        settings = (self.kernel_size, self.stride, self.padding, self.dilation)
        out: Tensor | tuple[Tensor, Tensor] = F.max_pool2d(x, *settings, self.ceil_mode, self.return_indices)
        return out


class MaxPool3d(_MaxPool):
    """The largest element of each window of a volume; at a tie the first one gets the gradient.

    Args:
        kernel_size: R, P and Q, the depth, height and width of a window, or one number for all; likewise below.
        stride: elements from one window to the next (default: kernel_size).
        padding: elements of minus infinity added on each side, at most half of the kernel (default 0).
        dilation: elements from one to the next within a window (default 1).
        return_indices: whether there is a second result, where each of them is as (d*H + h)*W + w, for `MaxUnpool3d`
            (default False).
        ceil_mode: whether a last window may reach over the edge (default False).

    Shapes: x (N, C, D, H, W) or (C, D, H, W) -> (N, C, K, I, J) or (C, K, I, J), with
    K = floor((D + 2*padding - dilation*(R - 1) - 1) / stride) + 1, and I and J likewise.

    Raises:
        ShapeError: when called, x has another number of dimensions, or the kernel does not fit.
        UsageError: when called, a setting is no integer, or out of range.

    >>> import minigrad as mg
    >>> MaxPool3d((1, 2, 2))(mg.zeros((1, 3, 4, 8, 6))).shape
    (1, 3, 4, 4, 3)
    """

    def forward(self, x: ArrayLike) -> Tensor | tuple[Tensor, Tensor]:
        """Shapes: x (N, C, D, H, W) or (C, D, H, W) -> (N, C, K, I, J) or (C, K, I, J), with return_indices twice."""
        settings = (self.kernel_size, self.stride, self.padding, self.dilation)
        out: Tensor | tuple[Tensor, Tensor] = F.max_pool3d(x, *settings, self.ceil_mode, self.return_indices)
        return out


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
