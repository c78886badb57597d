"""Normalization by mean and variance of the batch, or of each channel of each sample, with running statistics."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from minigrad import functional as F  # noqa: N812
from minigrad import init
from minigrad.autograd.python_call import python_call
from minigrad.autograd.tensor import Tensor
from minigrad.errors import ShapeError
from minigrad.functional.common import on_batch
from minigrad.nn.module import Parameter
from minigrad.nn.setting import Configured, count
from minigrad.shapes import shape_of
from minigrad.typing import ArrayLike


class _Running(Configured):
    """Normalization of channels that may scale and shift them, and may keep running statistics."""

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
        """Begin the running statistics anew: mean 0, variance 1, no batch."""
        if self.running_mean is not None and self.running_var is not None and self.num_batches_tracked is not None:
            for buffer, value in ((self.running_mean, 0), (self.running_var, 1), (self.num_batches_tracked, 0)):
                buffer.writable()[...] = value

    def _running_momentum(self) -> float:
        """How far the running statistics move toward the batch that is coming."""
        if self.num_batches_tracked is None or self.momentum is not None:
            return self.momentum or 0.0
        return 1 / (self.num_batches_tracked.item() + 1)

    @python_call
    def _count_batch(self) -> None:
        if self.num_batches_tracked is not None and self.training:
            self.num_batches_tracked.writable()[...] += 1

    def _check_ndim(self, x: ArrayLike) -> None:
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

    def forward(self, x: ArrayLike) -> Tensor:
        """Shapes: x (N, C, ...) -> the same."""
        self._check_ndim(x)
        statistics = (self.running_mean, self.running_var)
        use_batch = self.training or self.running_mean is None
        y = F.batch_norm(x, *statistics, self.weight, self.bias, use_batch, self._running_momentum(), self.eps)
        self._count_batch()
        return y


class BatchNorm1d(_BatchNorm):
    """Batch normalization: each channel is brought to mean 0 and variance 1 over the batch, then scaled and shifted.

        y = weight * (x - mean) / sqrt(variance + eps) + bias

    In training mean and (biased) variance are those of the batch, over N (and T); in evaluation the running ones, which
    training moves: running = (1 - momentum) * running + momentum * of the batch (of the variance, the unbiased one).

    Args:
        num_features: C.
        eps: is added to the variance (default 1e-5).
        momentum: how far the running statistics move toward those of each batch (default 0.1); None: they are the mean
            over all batches.
        affine: whether there are weight (initially 1) and bias (0), one of each a channel (default True).
        track_running_stats: whether running statistics are kept, and used in evaluation (default True).
        bias: whether bias is among weight and bias (default True).

    Shapes: x (N, C) or (N, C, T) -> the same; weight, bias, running_mean and running_var (C), num_batches_tracked ().

    Raises:
        UsageError: num_features is no integer of at least 0.
        ShapeError: when called, x has another number of dimensions or channels.
        DataError: when called in training, there is only one value a channel, which has no variance.

    Source: Ioffe and Szegedy 2015, "Batch normalization: accelerating deep network training by reducing internal
    covariate shift", arXiv:1502.03167.

    >>> layer = BatchNorm1d(1)
    >>> layer(Tensor([[1.0], [3.0]])).numpy().round(3).tolist()
    [[-1.0], [1.0]]
    >>> layer.running_mean.tolist()
    [0.20000000298023224]
    """

    ndims, letters = (2, 3), "(N, C) or (N, C, T)"


class BatchNorm2d(_BatchNorm):
    """Batch normalization of images: each channel is brought to mean 0 and variance 1 over N, H and W.

        y = weight * (x - mean) / sqrt(variance + eps) + bias

    In training by statistics of the batch, in evaluation by running ones: see `BatchNorm1d`.

    Args:
        num_features: C.
        eps: is added to the variance (default 1e-5).
        momentum: how far the running statistics move toward those of each batch (default 0.1); None: they are the mean
            over all batches.
        affine: whether there are weight (initially 1) and bias (0), one of each a channel (default True).
        track_running_stats: whether running statistics are kept, and used in evaluation (default True).
        bias: whether bias is among weight and bias (default True).

    Shapes: x (N, C, H, W) -> the same; weight, bias, running_mean and running_var (C), num_batches_tracked ().

    Raises:
        UsageError: num_features is no integer of at least 0.
        ShapeError: when called, x has another number of dimensions or channels.
        DataError: when called in training, there is only one value a channel, which has no variance.

    Source: Ioffe and Szegedy 2015, "Batch normalization: accelerating deep network training by reducing internal
    covariate shift", arXiv:1502.03167.
    """

    ndims, letters = (4,), "(N, C, H, W)"


class BatchNorm3d(_BatchNorm):
    """Batch normalization of volumes: each channel is brought to mean 0 and variance 1 over N, D, H and W.

        y = weight * (x - mean) / sqrt(variance + eps) + bias

    In training by statistics of the batch, in evaluation by running ones: see `BatchNorm1d`.

    Args:
        num_features: C.
        eps: is added to the variance (default 1e-5).
        momentum: how far the running statistics move toward those of each batch (default 0.1); None: they are the mean
            over all batches.
        affine: whether there are weight (initially 1) and bias (0), one of each a channel (default True).
        track_running_stats: whether running statistics are kept, and used in evaluation (default True).
        bias: whether bias is among weight and bias (default True).

    Shapes: x (N, C, D, H, W) -> the same; weight, bias, running_mean and running_var (C), num_batches_tracked ().

    Raises:
        UsageError: num_features is no integer of at least 0.
        ShapeError: when called, x has another number of dimensions or channels.
        DataError: when called in training, there is only one value a channel, which has no variance.

    Source: Ioffe and Szegedy 2015, "Batch normalization: accelerating deep network training by reducing internal
    covariate shift", arXiv:1502.03167.
    """

    ndims, letters = (5,), "(N, C, D, H, W)"


class _InstanceNorm(_Running):
    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, bias)

    def forward(self, x: ArrayLike) -> Tensor:
        """Shapes: x (N, C, ...) or (C, ...) -> the same."""
        self._check_ndim(x)
        tensors = (self.running_mean, self.running_var, self.weight, self.bias)
        settings = (self.training or not self.track_running_stats, self._running_momentum(), self.eps)
        y = on_batch(lambda images: F.instance_norm(images, *tensors, *settings), x, self.ndims[0])
        if self.momentum is None:  # else PyTorch does not count here
            self._count_batch()
        return y


class InstanceNorm1d(_InstanceNorm):
    """Instance normalization: each channel of each sequence is brought to mean 0 and variance 1.

        y = weight * (x - mean) / sqrt(variance + eps) + bias,  mean and variance over T

    Args:
        num_features: C.
        eps: is added to the variance (default 1e-5).
        momentum: how far the running statistics move toward those of each batch (default 0.1); None: they are the mean
            over all batches.
        affine: whether there are weight (initially 1) and bias (0), one of each a channel (default False).
        track_running_stats: whether running statistics are kept, and used in evaluation (default False).
        bias: whether bias is among weight and bias (default True).

    Shapes: x (N, C, T) or (C, T) -> the same; weight and bias, with affine=True, (C).

    Raises:
        UsageError: num_features is no integer of at least 0.
        ShapeError: when called, x has another number of dimensions or channels.
        DataError: when called, there is only one value a channel, which has no variance.

    Source: Ulyanov, Vedaldi and Lempitsky 2016, "Instance normalization: the missing ingredient for fast stylization",
    arXiv:1607.08022.
    """

    ndims, letters = (3, 2), "(N, C, T) or (C, T)"


class InstanceNorm2d(_InstanceNorm):
    """Instance normalization: each channel of each image is brought to mean 0 and variance 1.

        y = weight * (x - mean) / sqrt(variance + eps) + bias,  mean and variance over H and W

    Args:
        num_features: C.
        eps: is added to the variance (default 1e-5).
        momentum: how far the running statistics move toward those of each batch (default 0.1); None: they are the mean
            over all batches.
        affine: whether there are weight (initially 1) and bias (0), one of each a channel (default False).
        track_running_stats: whether running statistics are kept, and used in evaluation (default False).
        bias: whether bias is among weight and bias (default True).

    Shapes: x (N, C, H, W) or (C, H, W) -> the same; weight and bias, with affine=True, (C).

    Raises:
        UsageError: num_features is no integer of at least 0.
        ShapeError: when called, x has another number of dimensions or channels.
        DataError: when called, there is only one value a channel, which has no variance.

    Source: Ulyanov, Vedaldi and Lempitsky 2016, "Instance normalization: the missing ingredient for fast stylization",
    arXiv:1607.08022.
    """

    ndims, letters = (4, 3), "(N, C, H, W) or (C, H, W)"


class InstanceNorm3d(_InstanceNorm):
    """Instance normalization: each channel of each volume is brought to mean 0 and variance 1.

        y = weight * (x - mean) / sqrt(variance + eps) + bias,  mean and variance over D, H and W

    Args:
        num_features: C.
        eps: is added to the variance (default 1e-5).
        momentum: how far the running statistics move toward those of each batch (default 0.1); None: they are the mean
            over all batches.
        affine: whether there are weight (initially 1) and bias (0), one of each a channel (default False).
        track_running_stats: whether running statistics are kept, and used in evaluation (default False).
        bias: whether bias is among weight and bias (default True).

    Shapes: x (N, C, D, H, W) or (C, D, H, W) -> the same; weight and bias, with affine=True, (C).

    Raises:
        UsageError: num_features is no integer of at least 0.
        ShapeError: when called, x has another number of dimensions or channels.
        DataError: when called, there is only one value a channel, which has no variance.

    Source: Ulyanov, Vedaldi and Lempitsky 2016, "Instance normalization: the missing ingredient for fast stylization",
    arXiv:1607.08022.
    """

    ndims, letters = (5, 4), "(N, C, D, H, W) or (C, D, H, W)"
