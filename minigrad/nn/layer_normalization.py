"""Normalization of each sample by mean and variance of its features or of groups of channels, or by its size."""

from __future__ import annotations

from collections.abc import Sequence

from minigrad import functional as F  # noqa: N812
from minigrad import init
from minigrad.autograd.tensor import Tensor
from minigrad.errors import ShapeError
from minigrad.nn.module import Parameter
from minigrad.nn.setting import Configured, count
from minigrad.typing import ArrayLike, Shape


class LayerNorm(Configured):
    """Layer normalization: the last dimensions are brought to mean 0 and variance 1 together, for each sample.

        y = weight * (x - mean) / sqrt(variance + eps) + bias,  mean and variance over normalized_shape

    Args:
        normalized_shape: the sizes of these dimensions, or the one size.
        eps: is added to the variance (default 1e-5).
        elementwise_affine: whether there are weight (initially 1) and bias (0), one of each an element (default True).
        bias: whether bias is among weight and bias (default True).

    Shapes: x (..., *normalized_shape) -> the same; weight and bias (*normalized_shape).

    Raises:
        UsageError: a size is no integer of at least 0.
        ShapeError: when called, x does not end with normalized_shape.
        DataError: when called, normalized_shape has one element, which has no variance.

    Source: Ba, Kiros and Hinton 2016, "Layer normalization", arXiv:1607.06450.

    >>> LayerNorm(2)(Tensor([[1.0, 3.0], [10.0, 30.0]])).numpy().round(3).tolist()
    [[-1.0, 1.0], [-1.0, 1.0]]
    """

    shown = ("normalized_shape", "eps", "elementwise_affine")

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
    ) -> None:
        sizes = tuple(normalized_shape) if isinstance(normalized_shape, Sequence) else (normalized_shape,)
        sizes = tuple([count(self, "normalized_shape", size) for size in sizes])
        self.normalized_shape: Shape = sizes
        self.eps, self.elementwise_affine = eps, elementwise_affine
        self.weight = Parameter(init.constant(sizes, 1.0)) if elementwise_affine else None
        self.bias = Parameter(init.constant(sizes)) if elementwise_affine and bias else None

    def forward(self, x: ArrayLike) -> Tensor:
        """Shapes: x (..., *normalized_shape) -> the same."""
        return F.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)


class GroupNorm(Configured):
    """Group normalization: each group of channels of each sample is brought to mean 0 and variance 1.

        y = weight * (x - mean) / sqrt(variance + eps) + bias,  mean and variance over a group's channels and pixels

    One group is layer normalization over (C, ...); a group a channel is instance normalization.

    Args:
        num_groups: how many groups the channels make.
        num_channels: C, a multiple of it.
        eps: is added to the variance (default 1e-5).
        affine: whether there are weight (initially 1) and bias (0), one of each a channel (default True).
        bias: whether bias is among weight and bias (default True).

    Shapes: x (N, C, ...) -> the same; weight and bias (C).

    Raises:
        UsageError: a number is no integer of at least 0.
        ShapeError: C is no multiple of num_groups; when called, x has another number of channels.
        DataError: when called, there is only one value a group, which has no variance.

    Source: Wu and He 2018, "Group normalization", arXiv:1803.08494.
    """

    shown = ("num_groups", "num_channels", "eps", "affine")

    def __init__(
        self, num_groups: int, num_channels: int, eps: float = 1e-5, affine: bool = True, *, bias: bool = True
    ) -> None:
        num_groups, num_channels = count(self, "num_groups", num_groups), count(self, "num_channels", num_channels)
        if num_groups < 1 or num_channels % num_groups:
            raise ShapeError(f"GroupNorm: {num_channels} channels do not make {num_groups} equal groups")
        self.num_groups, self.num_channels, self.eps, self.affine = num_groups, num_channels, eps, affine
        self.weight = Parameter(init.constant((num_channels,), 1.0)) if affine else None
        self.bias = Parameter(init.constant((num_channels,))) if affine and bias else None

    def forward(self, x: ArrayLike) -> Tensor:
        """Shapes: x (N, C, ...) -> the same."""
        return F.group_norm(x, self.num_groups, self.weight, self.bias, self.eps)


class RMSNorm(Configured):
    """Normalization by the root of the mean square of the last dimensions, for each sample.

        y = weight * x / sqrt(mean of x^2 + eps),  mean over normalized_shape

    Args:
        normalized_shape: the sizes of these dimensions, or the one size.
        eps: is added to the mean (default None: the distance of 1 to the next number of x's dtype).
        elementwise_affine: whether there is a weight (initially 1), one an element (default True).

    Shapes: x (..., *normalized_shape) -> the same; weight (*normalized_shape).

    Raises:
        UsageError: a size is no integer of at least 0.
        ShapeError: when called, x does not end with normalized_shape.

    Source: Zhang and Sennrich 2019, "Root mean square layer normalization", arXiv:1910.07467.
    """

    shown = ("normalized_shape", "eps", "elementwise_affine")

    def __init__(
        self, normalized_shape: int | Sequence[int], eps: float | None = None, elementwise_affine: bool = True
    ) -> None:
        sizes = tuple(normalized_shape) if isinstance(normalized_shape, Sequence) else (normalized_shape,)
        sizes = tuple([count(self, "normalized_shape", size) for size in sizes])
        self.normalized_shape: Shape = sizes
        self.eps, self.elementwise_affine = eps, elementwise_affine
        self.weight = Parameter(init.constant(sizes, 1.0)) if elementwise_affine else None

    def forward(self, x: ArrayLike) -> Tensor:
        """Shapes: x (..., *normalized_shape) -> the same."""
        return F.rms_norm(x, self.normalized_shape, self.weight, self.eps)
