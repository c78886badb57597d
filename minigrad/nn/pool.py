"""Pooling: one value for each window of a sequence or an image. The stride is the kernel's size unless given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minigrad import functional as F  # noqa: N812
from minigrad.autograd.tensor import Tensor
from minigrad.nn.setting import Configured
from minigrad.typing import PairLike


class _Pool(Configured):
    """What poolings share: kernel, stride, and whether a last window may hang over the edge."""

    def __init__(self, kernel_size: Any, stride: Any, padding: Any, ceil_mode: bool) -> None:
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding, self.ceil_mode = padding, ceil_mode

    def extra_repr(self) -> str:
        """The settings."""
        text = f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"
        return text + (", ceil_mode=True" if self.ceil_mode else "")


class _MaxPool(_Pool):
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
        return super().extra_repr() + (f", dilation={self.dilation}" if self.dilation not in (1, (1, 1)) else "")

    def _settings(self) -> Any:
        return (self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode, self.return_indices)


class MaxPool1d(_MaxPool):
    """The largest element of each window. Shapes: x (N, C, T) or (C, T) -> (N, C, J)."""

    def forward(self, x: Any) -> Any:
        """Shapes: x (N, C, T) or (C, T) -> (N, C, J), with return_indices twice."""
        return F.max_pool1d(x, *self._settings())


class MaxPool2d(_MaxPool):
    """The largest element of each window.

    Shapes: x (N, C, H, W) or (C, H, W) -> (N, C, I, J). The stride is the kernel's size unless given. With
    return_indices there is a second result, for `MaxUnpool2d`: where each of them is.
    """

    def forward(self, x: Any) -> Any:
        """Shapes: x (N, C, H, W) or (C, H, W) -> (N, C, I, J), with return_indices twice."""
        return F.max_pool2d(x, *self._settings())


class _MaxUnpool(Configured):
    shown = ("kernel_size", "stride", "padding")

    def __init__(self, kernel_size: PairLike, stride: PairLike | None = None, padding: PairLike = 0) -> None:
        self.kernel_size, self.padding = kernel_size, padding
        self.stride = kernel_size if stride is None else stride


class MaxUnpool1d(_MaxUnpool):
    """Each element put where `MaxPool1d` found it, in zeros. Shapes: x and indices (N, C, J) -> (N, C, T)."""

    def forward(self, x: Any, indices: Any, output_size: Sequence[int] | None = None) -> Tensor:
        """Shapes: x and indices (N, C, J) or (C, J) -> (N, C, T)."""
        settings: Any = (self.kernel_size, self.stride, self.padding, output_size)
        return F.max_unpool1d(x, indices, *settings)


class MaxUnpool2d(_MaxUnpool):
    """Each element put where `MaxPool2d` found it, in zeros. Shapes: x and indices (N, C, I, J) -> (N, C, H, W)."""

    def forward(self, x: Any, indices: Any, output_size: Sequence[int] | None = None) -> Tensor:
        """Shapes: x and indices (N, C, I, J) or (C, I, J) -> (N, C, H, W)."""
        return F.max_unpool2d(x, indices, self.kernel_size, self.stride, self.padding, output_size)


class AvgPool1d(_Pool):
    """The mean of each window. Shapes: x (N, C, T) or (C, T) -> (N, C, J)."""

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

    def forward(self, x: Any) -> Tensor:
        """Shapes: x (N, C, T) or (C, T) -> (N, C, J)."""
        return F.avg_pool1d(x, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad)


class AvgPool2d(_Pool):
    """The mean of each window; with divisor_override, its sum over that number.

    Shapes: x (N, C, H, W) or (C, H, W) -> (N, C, I, J). The stride is the kernel's size unless given.
    """

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

    def forward(self, x: Any) -> Tensor:
        """Shapes: x (N, C, H, W) or (C, H, W) -> (N, C, I, J)."""
        settings = (self.kernel_size, self.stride, self.padding, self.ceil_mode)
        return F.avg_pool2d(x, *settings, self.count_include_pad, self.divisor_override)


class _LPPool(_Pool):
    def __init__(
        self, norm_type: float, kernel_size: PairLike, stride: PairLike | None = None, ceil_mode: bool = False
    ) -> None:
        super().__init__(kernel_size, stride, 0, ceil_mode)
        self.norm_type = norm_type

    def extra_repr(self) -> str:
        """The settings."""
        return f"norm_type={self.norm_type}, {super().extra_repr().replace(', padding=0', '')}"


class LPPool1d(_LPPool):
    """The p-norm of each window, with p = norm_type. Shapes: x (N, C, T) or (C, T) -> (N, C, J)."""

    def forward(self, x: Any) -> Tensor:
        """Shapes: x (N, C, T) or (C, T) -> (N, C, J)."""
        return F.lp_pool1d(x, self.norm_type, self.kernel_size, self.stride, self.ceil_mode)


class LPPool2d(_LPPool):
    """The p-norm of each window, with p = norm_type: 2 is L2 pooling. See `minigrad.functional.lp_pool2d`.

    Shapes: x (N, C, H, W) or (C, H, W) -> (N, C, I, J). Source: Sermanet et al. 2012, arXiv:1204.3968.
    """

    def forward(self, x: Any) -> Tensor:
        """Shapes: x (N, C, H, W) or (C, H, W) -> (N, C, I, J)."""
        return F.lp_pool2d(x, self.norm_type, self.kernel_size, self.stride, self.ceil_mode)
