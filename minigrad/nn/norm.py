"""Normalization: by statistics of the batch, of a layer, of an instance, of groups of channels, or of neighbors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from minigrad import functional as F  # noqa: N812
from minigrad import init
from minigrad.autograd.tensor import Tensor
from minigrad.errors import ShapeError
from minigrad.functional.common import on_batch
from minigrad.nn.module import Parameter
from minigrad.nn.setting import Configured, count
from minigrad.shapes import Shape, shape_of


class _Running(Configured):
    """Normalization of channels that may scale and shift them, and may keep running statistics.

    Args:
        num_features: C.
        eps: is added to the variance.
        momentum: how far the running statistics move toward those of each batch; None: they are the plain mean over
            all batches.
        affine: whether there are weight (which begins as 1) and bias (0), one of each a channel.
        track_running_stats: whether running statistics are kept, and used in evaluation.
        bias: whether bias is among them.
    """

    shown = ("num_features", "eps", "momentum", "affine", "track_running_stats")
    ndims: ClassVar[tuple[int, ...]]
    letters: ClassVar[str]

    def __init__(
        self, num_features: int, eps: float, momentum: float | None, affine: bool, track_running_stats: bool, bias: bool
    ) -> None:
        num_features = count(self, "num_features", num_features)
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        shape = (num_features,)
        self.weight = Parameter(init.constant(shape, 1.0)) if affine else None
        self.bias = Parameter(init.constant(shape)) if affine and bias else None
        tracked = track_running_stats
        self.register_buffer("running_mean", Tensor(init.constant(shape)) if tracked else None)
        self.register_buffer("running_var", Tensor(init.constant(shape, 1.0)) if tracked else None)
        self.register_buffer("num_batches_tracked", Tensor(np.array(0, np.int64)) if tracked else None)
        self.running_mean: Tensor | None
        self.running_var: Tensor | None
        self.num_batches_tracked: Tensor | None

    def reset_running_stats(self) -> None:
        """Begin the running statistics anew."""
        if self.running_mean is not None and self.running_var is not None and self.num_batches_tracked is not None:
            for buffer, value in ((self.running_mean, 0), (self.running_var, 1), (self.num_batches_tracked, 0)):
                buffer.writable()[...] = value

    def _step(self) -> float:
        """How far the running statistics move with the batch that is coming."""
        if self.num_batches_tracked is None or not self.training:
            return 0.0
        count = self.num_batches_tracked.writable()
        count += 1
        return 1 / int(count) if self.momentum is None else self.momentum

    def _require(self, x: Any) -> None:
        shape = shape_of(x)
        if len(shape) not in self.ndims:
            raise ShapeError(f"expected x {self.letters}, got shape {shape}")


class _BatchNorm(_Running):
    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, bias)

    def forward(self, x: Any) -> Tensor:
        """Shapes: x (N, C, ...), kept."""
        self._require(x)
        statistics = (self.running_mean, self.running_var)
        live = self.training or self.running_mean is None
        return F.batch_norm(x, *statistics, self.weight, self.bias, live, self._step(), self.eps)


class BatchNorm1d(_BatchNorm):
    """Each channel brought to mean 0 and variance 1 over the batch; see `minigrad.functional.batch_norm`.

    In training by statistics of the batch, in evaluation by running ones. Their number is in `num_batches_tracked`.

    Shapes: x (N, C) or (N, C, T), kept; weight, bias, running_mean and running_var (C).

    Source: Ioffe and Szegedy 2015, arXiv:1502.03167.
    """

    ndims, letters = (2, 3), "(N, C) or (N, C, T)"


class BatchNorm2d(_BatchNorm):
    """Each channel brought to mean 0 and variance 1 over N, H and W; see `BatchNorm1d`.

    Shapes: x (N, C, H, W), kept; weight, bias, running_mean and running_var (C).
    """

    ndims, letters = (4,), "(N, C, H, W)"


class _InstanceNorm(_Running):
    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, bias)

    def forward(self, x: Any) -> Tensor:
        """Shapes: x (N, C, ...) or (C, ...), kept."""
        self._require(x)
        parts = (self.running_mean, self.running_var, self.weight, self.bias)
        live = self.training or not self.track_running_stats
        momentum = self.momentum or 0.0
        return on_batch(lambda images: F.instance_norm(images, *parts, live, momentum, self.eps), x, self.ndims[0])


class InstanceNorm1d(_InstanceNorm):
    """Each channel of each sequence brought to mean 0 and variance 1. Shapes: x (N, C, T) or (C, T), kept."""

    ndims, letters = (3, 2), "(N, C, T) or (C, T)"


class InstanceNorm2d(_InstanceNorm):
    """Each channel of each image brought to mean 0 and variance 1; see `minigrad.functional.instance_norm`.

    Shapes: x (N, C, H, W) or (C, H, W), kept; weight and bias, with affine=True, (C).

    Source: Ulyanov, Vedaldi and Lempitsky 2016, arXiv:1607.08022.
    """

    ndims, letters = (4, 3), "(N, C, H, W) or (C, H, W)"


class LayerNorm(Configured):
    """The last dimensions brought to mean 0 and variance 1 together; see `minigrad.functional.layer_norm`.

    Args:
        normalized_shape: the sizes of these dimensions, or the one size.
        eps: is added to the variance.
        elementwise_affine: whether there are weight (which begins as 1) and bias (0), one of each an element.
        bias: whether bias is among them.

    Shapes: x (..., *normalized_shape), kept; weight and bias (*normalized_shape).

    Source: Ba, Kiros and Hinton 2016, arXiv:1607.06450.
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

    def forward(self, x: Any) -> Tensor:
        """Shapes: x (..., *normalized_shape), kept."""
        return F.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)


class GroupNorm(Configured):
    """Each group of channels of each sample brought to mean 0 and variance 1; see `minigrad.functional.group_norm`.

    Args:
        num_groups: how many groups the channels make.
        num_channels: C, a multiple of it.
        eps: is added to the variance.
        affine: whether there are weight (which begins as 1) and bias (0), one of each a channel.
        bias: whether bias is among them.

    Shapes: x (N, C, ...), kept; weight and bias (C).

    Raises:
        ShapeError: C is no multiple of num_groups.

    Source: Wu and He 2018, arXiv:1803.08494.
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

    def forward(self, x: Any) -> Tensor:
        """Shapes: x (N, C, ...), kept."""
        return F.group_norm(x, self.num_groups, self.weight, self.bias, self.eps)


class LocalResponseNorm(Configured):
    """Each element divided by the response of its neighbors in other channels; see the function of that name.

    (AlexNet's paper does not divide alpha by the size: its 1e-4 over 5 channels is alpha=5e-4 here, as in PyTorch.)

    Shapes: x (N, C, ...), kept. Source: Krizhevsky et al. 2012, section 3.3.
    """

    shown = ("size", "alpha", "beta", "k")

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k

    def forward(self, x: Any) -> Tensor:
        """Shapes: x (N, C, ...), kept."""
        return F.local_response_norm(x, self.size, self.alpha, self.beta, self.k)


class LocalContrastNorm(Configured):
    """Each pixel minus the mean around it, over the deviation around it; see the function of that name.

    Shapes: x (N, C, H, W) or (C, H, W), kept.

    Source: Jarrett et al. 2009, "What is the best multi-stage architecture for object recognition?", section 2.1.
    """

    shown = ("kernel_size", "sigma", "eps")

    def __init__(self, kernel_size: int = 9, sigma: float | None = None, eps: float = 1e-5) -> None:
        self.kernel_size, self.sigma, self.eps = kernel_size, sigma, eps

    def forward(self, x: Any) -> Tensor:
        """Shapes: x (N, C, H, W) or (C, H, W), kept."""
        return F.local_contrast_norm(x, self.kernel_size, self.sigma, self.eps)
