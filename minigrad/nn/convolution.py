"""Convolutions of sequences, images and volumes."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from minigrad import functional as F  # noqa: N812
from minigrad import init
from minigrad.autograd.tensor import Tensor
from minigrad.errors import UsageError
from minigrad.nn.module import Parameter
from minigrad.nn.setting import Configured, count, sides
from minigrad.typing import ArrayLike, PairLike, Shape

Rng = np.random.Generator | None
PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


class Convolution(Configured):
    """The settings of convolutions, checked, and their parameters."""

    dims: ClassVar[int]
    paddings: ClassVar[tuple[str, ...]] = ("same", "valid")

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: PairLike,
        stride: PairLike = 1,
        padding: PairLike | str = 0,
        dilation: PairLike = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        *,
        rng: Rng = None,
    ) -> None:
        kind = type(self).__name__
        in_channels, out_channels = count(self, "in_channels", in_channels), count(self, "out_channels", out_channels)
        self.kernel_size = sides(self, "kernel_size", kernel_size, self.dims, 1)
        self.stride = sides(self, "stride", stride, self.dims, 1)
        self.dilation = sides(self, "dilation", dilation, self.dims, 1)
        self.padding = self._checked_padding(padding)
        if groups < 1 or in_channels % groups or out_channels % groups:
            channels = f"in_channels={in_channels} and out_channels={out_channels}"
            raise UsageError(f"{kind}: {channels} must be multiples of groups={groups}")
        if padding_mode not in PADDING_MODES:
            raise UsageError(f"{kind}: padding_mode is one of {', '.join(PADDING_MODES)}, not {padding_mode!r}")
        if padding == "same" and max(self.stride) > 1:
            raise UsageError(f'{kind}: padding "same" keeps the size, which stride {self.stride} does not')
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.padding_mode = padding_mode
        shape = self._weight_shape()
        fan_in = math.prod(shape[1:])
        self.weight = Parameter(init.torch_default_uniform(shape, fan_in, rng))
        self.bias = Parameter(init.torch_default_uniform((out_channels,), fan_in, rng)) if bias else None

    def _checked_padding(self, padding: PairLike | str) -> Shape | str:
        if not self.paddings or not isinstance(padding, str):
            return sides(self, "padding", padding, self.dims, 0)
        if padding not in self.paddings:
            kind = type(self).__name__
            raise UsageError(f'{kind}: padding is "same", "valid" or a number of pixels, not {padding!r}')
        return padding

    def _weight_shape(self) -> Shape:
        return (self.out_channels, self.in_channels // self.groups, *self.kernel_size)

    def _padded(self, x: ArrayLike) -> tuple[ArrayLike, PairLike | str]:
        """x with the padding that is not of zeros, and the padding that is left to do."""
        if self.padding_mode == "zeros" or self.padding == "valid":
            return x, self.padding
        widths: list[int] = []
        for k, (kernel, dilation) in enumerate(zip(self.kernel_size, self.dilation, strict=True)):
            total = dilation * (kernel - 1)
            left, right = (total // 2, total - total // 2) if self.padding == "same" else (int(self.padding[k]),) * 2
            widths[:0] = (left, right)  # the last dimension comes first
        return F.pad(x, widths, self.padding_mode), 0

    def extra_repr(self) -> str:
        """The settings that differ from their defaults, after those that define the layer."""
        ones = (1,) * len(self.kernel_size)
        given = {
            "padding": (0,) * len(ones), "output_padding": (0,) * len(ones), "dilation": ones, "groups": 1,
            "padding_mode": "zeros",
        }  # fmt: skip
        other = [
            f"{name}={getattr(self, name)!r}"
            for name, default in given.items()
            if getattr(self, name, default) != default
        ]
        bias = [] if self.bias is not None else ["bias=False"]
        sizes = f"kernel_size={self.kernel_size}, stride={self.stride}"
        return ", ".join([f"{self.in_channels}, {self.out_channels}", sizes, *other, *bias])


class Conv1d(Convolution):
    """Convolution of sequences: out[n,o,j] = bias[o] + sum over c, q of x[n, c, stride*j + dilation*q] * weight[o,c,q].

    Args:
        in_channels: C.
        out_channels: O.
        kernel_size: Q.
        stride: elements from one position of the kernel to the next (default 1).
        padding: elements added at each end, or "valid" (none), or "same" (as many as keep the size) (default 0).
        dilation: elements from one that the kernel reads to the next (default 1).
        groups: how many groups the channels make, a divisor of C and O: outputs see their own group (default 1).
        bias: whether there is one number to add an output channel (default True).
        padding_mode: what is added: "zeros", or elements of x by "reflect", "replicate", "circular" (default "zeros").
        rng: draws the initial values, uniform in +-1/sqrt(C/groups * Q); the default generator unless given.

    Shapes: x (N, C, T) or (C, T) -> (N, O, J) or (O, J) with
    J = floor((T + 2*padding - dilation*(Q - 1) - 1) / stride) + 1; weight (O, C/groups, Q), bias (O).

    Raises:
        UsageError: channels and groups that do not fit, sizes that are no integers or too small, an unknown padding or
            padding_mode, padding "same" with a stride.
        ShapeError: when called, x has another number of channels or dimensions, or the kernel does not fit.

    >>> import minigrad as mg
    >>> Conv1d(2, 3, kernel_size=5, padding=2)(mg.zeros((4, 2, 10))).shape
    (4, 3, 10)
    """

    dims = 1

    def forward(self, x: ArrayLike) -> Tensor:
        """Shapes: x (N, C, T) or (C, T) -> (N, O, J) or (O, J)."""
        x, padding = self._padded(x)
        settings: Any = (self.stride, padding, self.dilation, self.groups)  # sizes are sequences of one
        return F.conv1d(x, self.weight, self.bias, *settings)


class Conv2d(Convolution):
    """Convolution of images (without flipping the kernel, as everywhere in the field).

        out[n,o,i,j] = bias[o] + sum over c, p, q of
                       x[n, c, stride*i + dilation*p - padding, stride*j + dilation*q - padding] * weight[o,c,p,q]

    Args:
        in_channels: C.
        out_channels: O.
        kernel_size: P and Q, or one number for both; likewise stride, padding and dilation.
        stride: pixels from one position of the kernel to the next (default 1).
        padding: pixels added on each side, or "valid" (none), or "same" (as many as keep the size) (default 0).
        dilation: pixels from one that the kernel reads to the next (default 1).
        groups: how many groups the channels make, a divisor of C and O: outputs see their own group (default 1).
        bias: whether there is one number to add an output channel (default True).
        padding_mode: what is added: "zeros", or pixels of x by "reflect", "replicate", "circular" (default "zeros").
        rng: draws the initial values, uniform in +-1/sqrt(C/groups * P * Q); the default generator unless given.

    Shapes: x (N, C, H, W) or (C, H, W) -> (N, O, I, J) or (O, I, J) with
    I = floor((H + 2*padding - dilation*(P - 1) - 1) / stride) + 1, and J likewise; weight (O, C/groups, P, Q),
    bias (O).

    Raises:
        UsageError: channels and groups that do not fit, sizes that are no integers or too small, an unknown padding or
            padding_mode, padding "same" with a stride.
        ShapeError: when called, x has another number of channels or dimensions, or the kernel does not fit.

    Source: LeCun et al. 1998, "Gradient-based learning applied to document recognition".

    >>> import minigrad as mg
    >>> layer = Conv2d(1, 6, kernel_size=5)
    >>> layer.weight.shape, layer(mg.zeros((2, 1, 32, 32))).shape
    ((6, 1, 5, 5), (2, 6, 28, 28))
    """

    dims = 2

    def forward(self, x: ArrayLike) -> Tensor:
        """Shapes: x (N, C, H, W) or (C, H, W) -> (N, O, I, J) or (O, I, J)."""
        x, padding = self._padded(x)
        return F.conv2d(x, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)


class Conv3d(Convolution):
    """Convolution of volumes, such as videos (without flipping the kernel, as everywhere in the field).

        out[n,o,k,i,j] = bias[o] + sum over c, r, p, q of
                         x[n, c, stride*k + dilation*r - padding, ...] * weight[o,c,r,p,q]

    Args:
        in_channels: C.
        out_channels: O.
        kernel_size: R, P and Q, or one number for all; likewise stride, padding and dilation.
        stride: elements from one position of the kernel to the next (default 1).
        padding: elements added on each side, or "valid" (none), or "same" (as many as keep the size) (default 0).
        dilation: elements from one that the kernel reads to the next (default 1).
        groups: how many groups the channels make, a divisor of C and O: outputs see their own group (default 1).
        bias: whether there is one number to add an output channel (default True).
        padding_mode: what is added: "zeros", or elements of x by "reflect", "replicate", "circular" (default "zeros").
        rng: draws the initial values, uniform in +-1/sqrt(C/groups * R * P * Q); the default generator unless given.

    Shapes: x (N, C, D, H, W) or (C, D, H, W) -> (N, O, K, I, J) or (O, K, I, J) with
    K = floor((D + 2*padding - dilation*(R - 1) - 1) / stride) + 1, and I and J likewise; weight (O, C/groups, R, P, Q),
    bias (O).

    Raises:
        UsageError: channels and groups that do not fit, sizes that are no integers or too small, an unknown padding or
            padding_mode, padding "same" with a stride.
        ShapeError: when called, x has another number of channels or dimensions, or the kernel does not fit.

    Source: Tran et al. 2015, "Learning spatiotemporal features with 3D convolutional networks", arXiv:1412.0767.

    >>> import minigrad as mg
    >>> layer = Conv3d(3, 8, kernel_size=3, padding=1)
    >>> layer.weight.shape, layer(mg.zeros((2, 3, 4, 6, 6))).shape
    ((8, 3, 3, 3, 3), (2, 8, 4, 6, 6))
    """

    dims = 3

    def forward(self, x: ArrayLike) -> Tensor:
        """Shapes: x (N, C, D, H, W) or (C, D, H, W) -> (N, O, K, I, J) or (O, K, I, J)."""
        x, padding = self._padded(x)
        return F.conv3d(x, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)
