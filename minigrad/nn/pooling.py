"""Pooling by means and norms: one value for each window of a sequence, an image or a volume. Windows may overlap."""

from __future__ import annotations

from typing import Any

from minigrad import functional as F  # noqa: N812
from minigrad.autograd.tensor import Tensor
from minigrad.nn.setting import Configured
from minigrad.typing import ArrayLike, PairLike


class Pooling(Configured):
    """The settings of poolings: kernel, stride, padding, and whether a last window may reach over the edge."""

    def __init__(self, kernel_size: PairLike, stride: PairLike | None, padding: PairLike, ceil_mode: bool) -> None:
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding, self.ceil_mode = padding, ceil_mode

    def extra_repr(self) -> str:
        """The settings."""
        text = f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"
        return text + (", ceil_mode=True" if self.ceil_mode else "")


class AvgPool1d(Pooling):
    """The mean of each window of a sequence.

    Args:
        kernel_size: Q, elements a window.
        stride: elements from one window to the next (default: kernel_size).
        padding: zeros added at each end, at most Q/2 (default 0).
        ceil_mode: whether a last window may reach over the edge (default False).
        count_include_pad: whether the mean counts them (default True).

    Shapes: x (N, C, T) or (C, T) -> (N, C, J) or (C, J), J = floor((T + 2*padding - Q) / stride) + 1.

    Raises:
        ShapeError: when called, x has another number of dimensions, or the kernel does not fit.
        UsageError: when called, a setting is no integer, or out of range.

    >>> AvgPool1d(2)(Tensor([[1.0, 3.0, 2.0, 0.0]])).tolist()
    [[2.0, 1.0]]
    """

    def __init__(
        self,
        kernel_size: int,
        stride: int | None = None,
        padding: int = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__(kernel_size, stride, padding, ceil_mode)
        self.count_include_pad = count_include_pad

    def forward(self, x: ArrayLike) -> Tensor:
        """Shapes: x (N, C, T) or (C, T) -> (N, C, J) or (C, J)."""
        sizes = (self.kernel_size, self.stride, self.padding)
        settings: Any = (*sizes, self.ceil_mode, self.count_include_pad)  # sizes are numbers, or sequences of one
        return F.avg_pool1d(x, *settings)


class _AvgPool(Pooling):
    def __init__(
        self,
        kernel_size: PairLike,
        stride: PairLike | None = None,
        padding: PairLike = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__(kernel_size, stride, padding, ceil_mode)
        self.count_include_pad, self.divisor_override = count_include_pad, divisor_override


class AvgPool2d(_AvgPool):
    """The mean of each window of an image, or its sum over a given divisor.

    Args:
        kernel_size: P and Q, the height and width of a window, or one number for both; likewise below.
        stride: pixels from one window to the next (default: kernel_size).
        padding: zeros added on each side, at most half of the kernel (default 0).
        ceil_mode: whether a last window may reach over the edge (default False).
        count_include_pad: whether the mean counts them (default True).
        divisor_override: what sums are divided by (default None: the number of pixels), not 0.

    Shapes: x (N, C, H, W) or (C, H, W) -> (N, C, I, J) or (C, I, J), I = floor((H + 2*padding - P) / stride) + 1, and J
    likewise.

    Raises:
        ShapeError: when called, x has another number of dimensions, or the kernel does not fit.
        UsageError: when called, a setting is no integer, or out of range.

    Source: LeCun et al. 1998, "Gradient-based learning applied to document recognition".
    """

    def forward(self, x: ArrayLike) -> Tensor:
        """Shapes: x (N, C, H, W) or (C, H, W) -> (N, C, I, J) or (C, I, J)."""
        settings = (self.kernel_size, self.stride, self.padding, self.ceil_mode)
        return F.avg_pool2d(x, *settings, self.count_include_pad, self.divisor_override)


class AvgPool3d(_AvgPool):
    """The mean of each window of a volume, or its sum over a given divisor.

    Args:
        kernel_size: R, P and Q, the depth, height and width of a window, or one number for all; likewise below.
        stride: elements from one window to the next (default: kernel_size).
        padding: zeros added on each side, at most half of the kernel (default 0).
        ceil_mode: whether a last window may reach over the edge (default False).
        count_include_pad: whether the mean counts them (default True).
        divisor_override: what sums are divided by (default None: the number of elements), not 0.

    Shapes: x (N, C, D, H, W) or (C, D, H, W) -> (N, C, K, I, J) or (C, K, I, J),
    K = floor((D + 2*padding - R) / stride) + 1, and I and J likewise.

    Raises:
        ShapeError: when called, x has another number of dimensions, or the kernel does not fit.
        UsageError: when called, a setting is no integer, or out of range.
    """

    def forward(self, x: ArrayLike) -> Tensor:
        """Shapes: x (N, C, D, H, W) or (C, D, H, W) -> (N, C, K, I, J) or (C, K, I, J)."""
        settings = (self.kernel_size, self.stride, self.padding, self.ceil_mode)
        return F.avg_pool3d(x, *settings, self.count_include_pad, self.divisor_override)


class _LPPool(Pooling):
    def __init__(
        self, norm_type: float, kernel_size: PairLike, stride: PairLike | None = None, ceil_mode: bool = False
    ) -> None:
        super().__init__(kernel_size, stride, 0, ceil_mode)
        self.norm_type = norm_type

    def extra_repr(self) -> str:
        """The settings."""
        return f"norm_type={self.norm_type}, {super().extra_repr().replace(', padding=0', '')}"


class LPPool1d(_LPPool):
    """The p-norm of each window of a sequence: (sum of |x|^p)^(1/p).

    Args:
        norm_type: p, above 0: 1 sums the sizes, 2 is L2 pooling, inf takes the largest size.
        kernel_size: Q, elements a window.
        stride: elements from one window to the next (default: kernel_size).
        ceil_mode: whether a last window may reach over the edge, as if its mean went on there (default False).

    Shapes: x (N, C, T) or (C, T) -> (N, C, J) or (C, J), J = floor((T - Q) / stride) + 1.

    Raises:
        ShapeError: when called, x has another number of dimensions, or the kernel does not fit.
        UsageError: when called, norm_type is not positive, or another setting is no integer, or out of range.

    Source: Sermanet, Chintala and LeCun 2012, "Convolutional neural networks applied to house numbers digit
    classification", arXiv:1204.3968.
    """

    def forward(self, x: ArrayLike) -> Tensor:
        """Shapes: x (N, C, T) or (C, T) -> (N, C, J) or (C, J)."""
        settings: Any = (self.kernel_size, self.stride, self.ceil_mode)  # sizes are numbers, or sequences of one
        return F.lp_pool1d(x, self.norm_type, *settings)


class LPPool2d(_LPPool):
    """The p-norm of each window of an image: (sum of |x|^p)^(1/p).

    Args:
        norm_type: p, above 0: 1 sums the sizes, 2 is L2 pooling, inf takes the largest size.
        kernel_size: P and Q, the height and width of a window, or one number for both; likewise the stride.
        stride: pixels from one window to the next (default: kernel_size).
        ceil_mode: whether a last window may reach over the edge, as if its mean went on there (default False).

    Shapes: x (N, C, H, W) or (C, H, W) -> (N, C, I, J) or (C, I, J), I = floor((H - P) / stride) + 1, and J likewise.

    Raises:
        ShapeError: when called, x has another number of dimensions, or the kernel does not fit.
        UsageError: when called, norm_type is not positive, or another setting is no integer, or out of range.

    Source: Sermanet, Chintala and LeCun 2012, "Convolutional neural networks applied to house numbers digit
    classification", arXiv:1204.3968.

    >>> LPPool2d(2, (1, 2))(Tensor([[[3.0, 4.0]]])).tolist()
    [[[5.0]]]
    """

    def forward(self, x: ArrayLike) -> Tensor:
        """Shapes: x (N, C, H, W) or (C, H, W) -> (N, C, I, J) or (C, I, J)."""
        return F.lp_pool2d(x, self.norm_type, self.kernel_size, self.stride, self.ceil_mode)


class LPPool3d(_LPPool):
    """The p-norm of each window of a volume: (sum of |x|^p)^(1/p).

    Args:
        norm_type: p, above 0: 1 sums the sizes, 2 is L2 pooling, inf takes the largest size.
        kernel_size: R, P and Q, the depth, height and width of a window, or one number for all; likewise the stride.
        stride: elements from one window to the next (default: kernel_size).
        ceil_mode: whether a last window may reach over the edge, as if its mean went on there (default False).

    Shapes: x (N, C, D, H, W) or (C, D, H, W) -> (N, C, K, I, J) or (C, K, I, J), K = floor((D - R) / stride) + 1, and I
    and J likewise.

    Raises:
        ShapeError: when called, x has another number of dimensions, or the kernel does not fit.
        UsageError: when called, norm_type is not positive, or another setting is no integer, or out of range.
    """

    def forward(self, x: ArrayLike) -> Tensor:
        """Shapes: x (N, C, D, H, W) or (C, D, H, W) -> (N, C, K, I, J) or (C, K, I, J)."""
        return F.lp_pool3d(x, self.norm_type, self.kernel_size, self.stride, self.ceil_mode)
