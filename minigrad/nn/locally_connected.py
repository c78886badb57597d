"""Locally connected layers: convolutions whose weights are not shared."""

from __future__ import annotations

import math

import numpy as np

from minigrad import functional as F  # noqa: N812
from minigrad import init
from minigrad.autograd.tensor import Tensor
from minigrad.nn.module import Parameter
from minigrad.nn.output_size import conv_output_size
from minigrad.nn.setting import Configured, count, sides
from minigrad.typing import ArrayLike, PairLike

Rng = np.random.Generator | None


class LocallyConnected2d(Configured):
    """A convolution whose weights are not shared: each position of the result has kernels of its own.

        out[n,o,i,j] = bias[o,i,j] + sum over c, p, q of
                       x[n, c, stride*i + dilation*p - padding, stride*j + dilation*q - padding] * weight[i,j,o,c,p,q]

    Args:
        in_channels: C.
        out_channels: O.
        input_size: H and W of the images, or one number for both.
        kernel_size: P and Q, or one number for both; likewise stride, padding and dilation.
        stride: pixels from one position of the kernel to the next (default 1).
        padding: pixels of zeros added on each side (default 0).
        dilation: pixels from one that the kernel reads to the next (default 1).
        bias: whether there is one number to add an output channel and position (default True).
        rng: draws the initial values, uniform in +-1/sqrt(C*P*Q); the default generator unless given.

    Shapes: x (N, C, H, W) or (C, H, W) -> (N, O, I, J) or (O, I, J), I and J as of `Conv2d`;
    weight (I, J, O, C, P, Q), bias (O, I, J).

    Raises:
        UsageError: a size is no integer, or too small.
        ShapeError: the kernel does not fit; when called, x has another size.

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
        self.in_channels = count(self, "in_channels", in_channels)
        self.out_channels = count(self, "out_channels", out_channels)
        self.input_size = sides(self, "input_size", input_size, 2, 1)
        self.kernel_size = sides(self, "kernel_size", kernel_size, 2, 1)
        self.stride = sides(self, "stride", stride, 2, 1)
        self.padding = sides(self, "padding", padding, 2, 0)
        self.dilation = sides(self, "dilation", dilation, 2, 1)
        grid = conv_output_size(self.input_size, self.kernel_size, self.stride, self.padding, self.dilation)
        fan_in = in_channels * math.prod(self.kernel_size)
        shape = (*grid, out_channels, in_channels, *self.kernel_size)
        self.weight = Parameter(init.torch_default_uniform(shape, fan_in, rng))
        self.bias = Parameter(init.torch_default_uniform((out_channels, *grid), fan_in, rng)) if bias else None

    def forward(self, x: ArrayLike) -> Tensor:
        """Shapes: x (N, C, H, W) or (C, H, W) -> (N, O, I, J) or (O, I, J)."""
        return F.locally_connected2d(x, self.weight, self.bias, self.stride, self.padding, self.dilation)
