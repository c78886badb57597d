"""Transposed convolutions, which make sequences, images and volumes larger."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad import functional as F  # noqa: N812
from minigrad.autograd.tensor import Tensor
from minigrad.errors import UsageError
from minigrad.nn.convolution import Convolution
from minigrad.nn.output_size import conv_transpose_output_size
from minigrad.nn.setting import sides
from minigrad.shapes import shape_of
from minigrad.typing import ArrayLike, PairLike, Shape

Rng = np.random.Generator | None


class _ConvTranspose(Convolution):
    """Transposed convolutions: kernels by input channel, and a choice among several sizes of the result."""

    padding: Shape
    paddings = ()

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: PairLike,
        stride: PairLike = 1,
        padding: PairLike = 0,
        output_padding: PairLike = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: PairLike = 1,
        padding_mode: str = "zeros",
        *,
        rng: Rng = None,
    ) -> None:
        self.output_padding = sides(self, "output_padding", output_padding, self.dims, 0)
        settings = (stride, padding, dilation, groups, bias, padding_mode)
        super().__init__(in_channels, out_channels, kernel_size, *settings, rng=rng)

    def _weight_shape(self) -> Shape:
        if self.padding_mode != "zeros":
            raise UsageError(f'{type(self).__name__}: padding_mode is "zeros", not {self.padding_mode!r}')
        return (self.in_channels, self.out_channels // self.groups, *self.kernel_size)

    def _output_padding(self, x: ArrayLike, output_size: Sequence[int] | None) -> Shape:
        """The output padding that gives a wanted size."""
        if output_size is None:
            return self.output_padding
        dims = len(self.kernel_size)
        wanted, size = tuple(output_size)[-dims:], shape_of(x)[-dims:]
        least = conv_transpose_output_size(size, self.kernel_size, self.stride, self.padding, 0, self.dilation)
        extra = tuple([w - n for w, n in zip(wanted, least, strict=True)])
        if any(not 0 <= e < max(s, d) for e, s, d in zip(extra, self.stride, self.dilation, strict=True)):
            most = tuple([n + max(s, d) - 1 for n, s, d in zip(least, self.stride, self.dilation, strict=True)])
            raise UsageError(
                f"{type(self).__name__}: output_size {wanted} cannot be reached from {size}: choose one from "
                f"{tuple(least)} to {most}"
            )
        return extra


class ConvTranspose1d(_ConvTranspose):
    """The transpose of `Conv1d`: each element spreads its kernel, so that sequences grow by the stride.

        out[n, o, stride*t + dilation*q - padding] gets x[n,c,t] * weight[c,o,q] for all c, t and q, and bias[o] once

    Args:
        in_channels: C.
        out_channels: O.
        kernel_size: Q.
        stride: how many elements apart neighbors of x are in the result (default 1).
        padding: elements that are cut off at each end (default 0).
        output_padding: elements more at the end, fewer than stride or dilation (default 0).
        groups: how many groups the channels make, a divisor of C and O (default 1).
        bias: whether there is one number to add an output channel (default True).
        dilation: elements from one that a kernel reaches to the next (default 1).
        padding_mode: nothing but "zeros", what the transpose pads with (default "zeros").
        rng: draws the initial values, uniform in +-1/sqrt(O/groups * Q); the default generator unless given.

    Shapes: x (N, C, T) or (C, T) -> (N, O, J) or (O, J) with
    J = (T - 1)*stride - 2*padding + dilation*(Q - 1) + output_padding + 1; weight (C, O/groups, Q), bias (O).

    Raises:
        UsageError: channels and groups that do not fit, sizes that are no integers or too small, another padding_mode;
            when called, an output_size or output_padding that cannot be reached.
        ShapeError: when called, x has another number of channels or dimensions.
    """

    dims = 1

    def forward(self, x: ArrayLike, output_size: Sequence[int] | None = None) -> Tensor:
        """Shapes: x (N, C, T) or (C, T) -> (N, O, J) or (O, J).

        Where the stride leaves a choice, `output_size` (..., J) makes it.
        """
        extra = self._output_padding(x, output_size)
        settings: Any = (self.stride, self.padding, extra, self.groups, self.dilation)  # sequences of one
        return F.conv_transpose1d(x, self.weight, self.bias, *settings)


class ConvTranspose2d(_ConvTranspose):
    """The transpose of `Conv2d`: each pixel spreads its kernel, so that images grow by the stride.

        out[n, o, stride*h + dilation*p - padding, stride*w + dilation*q - padding] gets x[n,c,h,w] * weight[c,o,p,q]
        for all c, h, w, p and q, and bias[o] once

    Args:
        in_channels: C.
        out_channels: O.
        kernel_size: P and Q, or one number for both; likewise the other sizes.
        stride: how many pixels apart neighbors of x are in the result (default 1).
        padding: pixels that are cut off on each side (default 0).
        output_padding: rows and columns more at the bottom and to the right, fewer than stride or dilation (default 0).
        groups: how many groups the channels make, a divisor of C and O (default 1).
        bias: whether there is one number to add an output channel (default True).
        dilation: pixels from one that a kernel reaches to the next (default 1).
        padding_mode: nothing but "zeros", what the transpose pads with (default "zeros").
        rng: draws the initial values, uniform in +-1/sqrt(O/groups * P * Q); the default generator unless given.

    Shapes: x (N, C, H, W) or (C, H, W) -> (N, O, I, J) or (O, I, J) with
    I = (H - 1)*stride - 2*padding + dilation*(P - 1) + output_padding + 1, and J likewise; weight (C, O/groups, P, Q),
    bias (O).

    Raises:
        UsageError: channels and groups that do not fit, sizes that are no integers or too small, another padding_mode;
            when called, an output_size or output_padding that cannot be reached.
        ShapeError: when called, x has another number of channels or dimensions.

    Source: Zeiler et al. 2010, "Deconvolutional networks"; arithmetic: Dumoulin and Visin 2016, arXiv:1603.07285.

    >>> import minigrad as mg
    >>> ConvTranspose2d(8, 3, kernel_size=4, stride=2, padding=1)(mg.zeros((1, 8, 16, 16))).shape
    (1, 3, 32, 32)
    """

    dims = 2

    def forward(self, x: ArrayLike, output_size: Sequence[int] | None = None) -> Tensor:
        """Shapes: x (N, C, H, W) or (C, H, W) -> (N, O, I, J) or (O, I, J).

        Where the stride leaves a choice, `output_size` (..., I, J) makes it.
        """
        extra = self._output_padding(x, output_size)
        settings = (self.stride, self.padding, extra, self.groups, self.dilation)
        return F.conv_transpose2d(x, self.weight, self.bias, *settings)


class ConvTranspose3d(_ConvTranspose):
    """The transpose of `Conv3d`: each element spreads its kernel, so that volumes grow by the stride.

        out[n, o, stride*d + dilation*r - padding, ...] gets x[n,c,d,h,w] * weight[c,o,r,p,q] for all c, d, h, w, r, p
        and q, and bias[o] once

    Args:
        in_channels: C.
        out_channels: O.
        kernel_size: R, P and Q, or one number for all; likewise the other sizes.
        stride: how many elements apart neighbors of x are in the result (default 1).
        padding: elements that are cut off on each side (default 0).
        output_padding: elements more at the end of each side, fewer than stride or dilation (default 0).
        groups: how many groups the channels make, a divisor of C and O (default 1).
        bias: whether there is one number to add an output channel (default True).
        dilation: elements from one that a kernel reaches to the next (default 1).
        padding_mode: nothing but "zeros", what the transpose pads with (default "zeros").
        rng: draws the initial values, uniform in +-1/sqrt(O/groups * R * P * Q); the default generator unless given.

    Shapes: x (N, C, D, H, W) or (C, D, H, W) -> (N, O, K, I, J) or (O, K, I, J) with
    K = (D - 1)*stride - 2*padding + dilation*(R - 1) + output_padding + 1, and I and J likewise;
    weight (C, O/groups, R, P, Q), bias (O).

    Raises:
        UsageError: channels and groups that do not fit, sizes that are no integers or too small, another padding_mode;
            when called, an output_size or output_padding that cannot be reached.
        ShapeError: when called, x has another number of channels or dimensions.

    >>> import minigrad as mg
    >>> ConvTranspose3d(4, 2, kernel_size=2, stride=2)(mg.zeros((1, 4, 2, 3, 3))).shape
    (1, 2, 4, 6, 6)
    """

    dims = 3

    def forward(self, x: ArrayLike, output_size: Sequence[int] | None = None) -> Tensor:
        """Shapes: x (N, C, D, H, W) or (C, D, H, W) -> (N, O, K, I, J) or (O, K, I, J).

        Where the stride leaves a choice, `output_size` (..., K, I, J) makes it.
        """
        extra = self._output_padding(x, output_size)
        settings = (self.stride, self.padding, extra, self.groups, self.dilation)
        return F.conv_transpose3d(x, self.weight, self.bias, *settings)
