"""Convolutions of sequences and images, with shared weights and without."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from minigrad import functional as F  # noqa: N812
from minigrad import init
from minigrad.autograd.tensor import Tensor
from minigrad.errors import UsageError
from minigrad.nn.module import Parameter
from minigrad.nn.output_size import conv_output_size
from minigrad.nn.setting import Configured, count, sides
from minigrad.shapes import Shape
from minigrad.typing import PairLike

Rng = np.random.Generator | None
PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


class Convolution(Configured):
    """What convolutions share: their settings, checked, and their parameters."""

    dims: ClassVar[int]
    paddings: ClassVar[tuple[str, ...]] = ("same", "valid")

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: PairLike,
        stride: PairLike,
        padding: PairLike | str,
        dilation: PairLike,
        groups: int,
        bias: bool,
        padding_mode: str,
        rng: Rng,
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

    def _framed(self, x: Any) -> tuple[Any, Any]:
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
    """Convolution of sequences; see `minigrad.functional.conv1d`. The arguments are those of `Conv2d`.

    Shapes: x (N, C, T) or (C, T) -> (N, O, J); weight (O, C/groups, Q), bias (O).
    """

    dims = 1

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        padding: int | str = 0,
        dilation: int = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        *,
        rng: Rng = None,
    ) -> None:
        settings = (stride, padding, dilation, groups, bias, padding_mode, rng)
        super().__init__(in_channels, out_channels, kernel_size, *settings)

    def forward(self, x: Any) -> Tensor:
        """Shapes: x (N, C, T) or (C, T) -> (N, O, J)."""
        x, padding = self._framed(x)
        settings: Any = (self.stride, padding, self.dilation, self.groups)
        return F.conv1d(x, self.weight, self.bias, *settings)


class Conv2d(Convolution):
    """Convolution of images; see `minigrad.functional.conv2d` for the formula.

    Args:
        in_channels: C.
        out_channels: O.
        kernel_size: P and Q, or one number for both; likewise stride, padding and dilation.
        stride: how many pixels the kernel moves.
        padding: pixels at each end, or "valid" (none), or "same" (as many as keep the size).
        dilation: how many pixels lie between those that the kernel looks at, plus 1.
        groups: how many parts the channels fall into; C and O must be multiples of it.
        bias: whether there is one number to add an output channel.
        padding_mode: what is padded with: "zeros", or pixels by "reflect", "replicate", "circular".
        rng: draws the initial values, uniform in +-1/sqrt(C/groups * P * Q).

    Shapes: x (N, C, H, W) or (C, H, W) -> (N, O, I, J); weight (O, C/groups, P, Q), bias (O).

    Raises:
        UsageError: channels and groups that do not fit, sizes that are no integers or too small, an unknown padding or
            padding_mode, padding "same" with a stride.
    """

    dims = 2

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
        settings = (stride, padding, dilation, groups, bias, padding_mode, rng)
        super().__init__(in_channels, out_channels, kernel_size, *settings)

    def forward(self, x: Any) -> Tensor:
        """Shapes: x (N, C, H, W) or (C, H, W) -> (N, O, I, J)."""
        x, padding = self._framed(x)
        settings: Any = (self.stride, padding, self.dilation, self.groups)
        return F.conv2d(x, self.weight, self.bias, *settings)


class LocallyConnected2d(Configured):
    """Convolution whose weights are not shared: each position of the result has kernels of its own.

    Args:
        in_channels: C.
        out_channels: O.
        input_size: H and W of the images, which the number of weights depends on.
        kernel_size: P and Q, or one number for both; likewise stride, padding and dilation.
        stride: how many pixels the windows are apart.
        padding: pixels of zeros at each end.
        dilation: as in `Conv2d`.
        bias: whether there is one number to add an output channel and position.
        rng: draws the initial values, uniform in +-1/sqrt(C*P*Q).

    Shapes: x (N, C, H, W) or (C, H, W) -> (N, O, I, J); weight (I, J, O, C, P, Q), bias (O, I, J).

    Source: Taigman et al. 2014, "DeepFace"; LeCun 1989, "Generalization and network design strategies".
    """

    shown = ("in_channels", "out_channels", "input_size", "kernel_size", "stride", "padding", "dilation")

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        input_size: PairLike,
        kernel_size: PairLike,
        stride: PairLike = 1,
        padding: PairLike = 0,
        dilation: PairLike = 1,
        bias: bool = True,
        *,
        rng: Rng = None,
    ) -> None:
        self.in_channels, self.out_channels = (
            count(self, "in_channels", in_channels),
            count(self, "out_channels", out_channels),
        )
        self.input_size = sides(self, "input_size", input_size, 2, 1)
        self.kernel_size, self.stride = (
            sides(self, "kernel_size", kernel_size, 2, 1),
            sides(self, "stride", stride, 2, 1),
        )
        self.padding, self.dilation = sides(self, "padding", padding, 2, 0), sides(self, "dilation", dilation, 2, 1)
        grid = conv_output_size(self.input_size, self.kernel_size, self.stride, self.padding, self.dilation)
        fan_in = in_channels * math.prod(self.kernel_size)
        shape = (*grid, out_channels, in_channels, *self.kernel_size)
        self.weight = Parameter(init.torch_default_uniform(shape, fan_in, rng))
        self.bias = Parameter(init.torch_default_uniform((out_channels, *grid), fan_in, rng)) if bias else None

    def forward(self, x: Any) -> Tensor:
        """Shapes: x (N, C, H, W) or (C, H, W) -> (N, O, I, J)."""
        return F.locally_connected2d(x, self.weight, self.bias, self.stride, self.padding, self.dilation)
