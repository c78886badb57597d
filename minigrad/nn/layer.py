"""The layers: modules around the functions of `minigrad.functional`, with PyTorch's names, arguments and defaults."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, overload

import numpy as np

from minigrad import functional as F  # noqa: N812  (the name that the field knows)
from minigrad import init, ops
from minigrad.errors import UsageError
from minigrad.nn.module import Module, Parameter
from minigrad.shapes import pair
from minigrad.tensor import Tensor

Rng = np.random.Generator | None
Pair = F.Pair


class Sequential(Module):
    """Modules called one after the other; their names are their positions.

    >>> Sequential(Linear(4, 3), ReLU())
    Sequential(
      (0): Linear(in_features=4, out_features=3, bias=True)
      (1): ReLU()
    )
    """

    def __init__(self, *modules: Module) -> None:
        for i, module in enumerate(modules):
            if not isinstance(module, Module):
                raise UsageError(
                    f"Sequential: item {i} is a {type(module).__name__}, not a Module: "
                    "write Sequential(a, b) in place of Sequential([a, b]), and nn.Tanh() in place of tanh"
                )
            setattr(self, str(i), module)

    def forward(self, x: Any) -> Any:
        """Shapes: as the modules have them."""
        for module in self:
            x = module(x)
        return x

    def __len__(self) -> int:
        return len(list(self.named_children()))

    def __iter__(self) -> Iterator[Module]:
        return (module for _, module in self.named_children())

    @overload
    def __getitem__(self, index: int) -> Module: ...
    @overload
    def __getitem__(self, index: slice) -> Sequential: ...
    def __getitem__(self, index: int | slice) -> Module:
        found = list(self)[index]
        return found if isinstance(found, Module) else Sequential(*found)


class Linear(Module):
    """y = x W' + b.

    Args:
        in_features: D, the size of each input.
        out_features: O, the size of each output.
        bias: whether b is there.
        rng: draws the initial values, uniform in +-1/sqrt(D).

    Shapes: x (..., D) -> (..., O); weight (O, D), bias (O).
    """

    def __init__(self, in_features: int, out_features: int, bias: bool = True, rng: Rng = None) -> None:
        self.in_features, self.out_features = in_features, out_features
        self.weight = Parameter(init.by_fan_in((out_features, in_features), in_features, rng))
        self.bias = Parameter(init.by_fan_in((out_features,), in_features, rng)) if bias else None

    def forward(self, x: Any) -> Tensor:
        """Shapes: x (..., D) -> (..., O)."""
        return F.linear(x, self.weight, self.bias)

    def extra_repr(self) -> str:
        """The settings."""
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


class Conv2d(Module):
    """Convolution of images; see `minigrad.functional.conv2d` for the formula.

    Args:
        in_channels: C.
        out_channels: O.
        kernel_size: P and Q, or one number for both; likewise stride, padding and dilation.
        groups: how many parts the channels fall into; C and O must be multiples of it.
        bias: whether there is one number to add an output channel.
        rng: draws the initial values, uniform in +-1/sqrt(C/groups * P * Q).

    Shapes: x (N, C, H, W) -> (N, O, I, J); weight (O, C/groups, P, Q), bias (O).
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Pair,
        stride: Pair = 1,
        padding: Pair = 0,
        dilation: Pair = 1,
        groups: int = 1,
        bias: bool = True,
        rng: Rng = None,
    ) -> None:
        if groups < 1 or in_channels % groups or out_channels % groups:
            channels = f"in_channels={in_channels} and out_channels={out_channels}"
            raise UsageError(f"Conv2d: {channels} must be multiples of groups={groups}")
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size, self.stride = pair(kernel_size), pair(stride)
        self.padding, self.dilation = pair(padding), pair(dilation)
        shape = (out_channels, in_channels // groups, *self.kernel_size)
        fan_in = math.prod(shape[1:])
        self.weight = Parameter(init.by_fan_in(shape, fan_in, rng))
        self.bias = Parameter(init.by_fan_in((out_channels,), fan_in, rng)) if bias else None

    def forward(self, x: Any) -> Tensor:
        """Shapes: x (N, C, H, W) -> (N, O, I, J)."""
        return F.conv2d(x, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups)

    def extra_repr(self) -> str:
        """The settings that differ from their defaults, after the three that define the layer."""
        given = {"padding": (0, 0), "dilation": (1, 1), "groups": 1}
        other = [f"{name}={getattr(self, name)}" for name, default in given.items() if getattr(self, name) != default]
        bias = [] if self.bias is not None else ["bias=False"]
        sizes = f"kernel_size={self.kernel_size}, stride={self.stride}"
        return ", ".join([f"{self.in_channels}, {self.out_channels}", sizes, *other, *bias])


class _Pool2d(Module):
    """What the two poolings share: their settings."""

    def __init__(
        self, kernel_size: Pair, stride: Pair | None = None, padding: Pair = 0, ceil_mode: bool = False
    ) -> None:
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.ceil_mode = ceil_mode

    def extra_repr(self) -> str:
        """The settings."""
        text = f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"
        return text + (", ceil_mode=True" if self.ceil_mode else "")


class MaxPool2d(_Pool2d):
    """The largest element of each window.

    Shapes: x (N, C, H, W) -> (N, C, I, J). The stride is the kernel's size unless given.
    """

    def __init__(
        self,
        kernel_size: Pair,
        stride: Pair | None = None,
        padding: Pair = 0,
        dilation: Pair = 1,
        *,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__(kernel_size, stride, padding, ceil_mode)
        self.dilation = dilation

    def extra_repr(self) -> str:
        """The settings."""
        return super().extra_repr() + (f", dilation={self.dilation}" if self.dilation not in (1, (1, 1)) else "")

    def forward(self, x: Any) -> Tensor:
        """Shapes: x (N, C, H, W) -> (N, C, I, J)."""
        return F.max_pool2d(x, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode)


class AvgPool2d(_Pool2d):
    """The mean of each window.

    Shapes: x (N, C, H, W) -> (N, C, I, J). The stride is the kernel's size unless given.
    """

    def __init__(
        self,
        kernel_size: Pair,
        stride: Pair | None = None,
        padding: Pair = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__(kernel_size, stride, padding, ceil_mode)
        self.count_include_pad = count_include_pad

    def forward(self, x: Any) -> Tensor:
        """Shapes: x (N, C, H, W) -> (N, C, I, J)."""
        settings = (self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad)
        return F.avg_pool2d(x, *settings)


class Flatten(Module):
    """All dimensions from `start_dim` to `end_dim` joined into one. Shapes: x (N, C, H, W) -> (N, C*H*W)."""

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, x: Any) -> Any:
        """Shapes: x (N, ...) -> (N, D)."""
        return ops.flatten(x, self.start_dim, self.end_dim)


class Dropout(Module):
    """In training, each element is 0 with probability p and else divided by 1 - p; in evaluation nothing happens.

    Source: Srivastava et al. 2014.
    """

    def __init__(self, p: float = 0.5, rng: Rng = None) -> None:
        self.p, self.rng = p, rng

    def forward(self, x: Any) -> Tensor:
        """Shapes: any, kept."""
        return F.dropout(x, self.p, self.training, self.rng)

    def extra_repr(self) -> str:
        """The settings."""
        return f"p={self.p}"


class Tanh(Module):
    """tanh(x), element by element."""

    def forward(self, x: Any) -> Tensor:
        """Shapes: any, kept."""
        return F.tanh(x)


class ReLU(Module):
    """max(x, 0), element by element."""

    def forward(self, x: Any) -> Tensor:
        """Shapes: any, kept."""
        return F.relu(x)


class Sigmoid(Module):
    """1 / (1 + exp(-x)), element by element."""

    def forward(self, x: Any) -> Tensor:
        """Shapes: any, kept."""
        return F.sigmoid(x)
