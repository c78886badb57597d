"""Batch normalization whose statistics are those of the batch on all ranks."""

from __future__ import annotations

import math

import numpy as np

from minigrad import ops
from minigrad.autograd.node import STATE
from minigrad.autograd.tensor import Tensor
from minigrad.errors import DataError
from minigrad.functional.normalization import move_running
from minigrad.kernels.array_utils import accumulation_dtype, representable
from minigrad.nn.module import Module
from minigrad.nn.normalization import _BatchNorm
from minigrad.typing import ArrayLike


class SyncBatchNorm(_BatchNorm):
    """Batch normalization over the samples of all ranks of a distributed training.

        y = weight * (x - mean) / sqrt(variance + eps) + bias

    In training mean and variance are those of the whole batch, of which each rank has a part; gradients flow through
    them to all ranks. All ranks must run it, in the same order. In one process, and in evaluation, it is `BatchNorm2d`.

    Args:
        num_features: C.
        eps: is added to the variance (default 1e-5).
        momentum: how far the running statistics move toward those of each batch (default 0.1); None: they are the mean
            over all batches.
        affine: whether there are weight (initially 1) and bias (0), one of each a channel (default True).
        track_running_stats: whether running statistics are kept, and used in evaluation (default True).
        bias: whether bias is among weight and bias (default True).

    Shapes: x (N, C) or (N, C, ...) -> the same; N may be 0 on some ranks. weight, bias, running_mean and running_var
        (C), num_batches_tracked ().

    Raises:
        UsageError: num_features is no integer of at least 0.
        ShapeError: when called, x has another number of dimensions or channels.
        DataError: when called in training, there is only one value a channel on all ranks together.
        DistributedError: a rank does not come within the time limit.

    Source: Ioffe and Szegedy 2015, "Batch normalization: accelerating deep network training by reducing internal
    covariate shift", arXiv:1502.03167; over several processes Zhang et al. 2018, "Context encoding for semantic
    segmentation", arXiv:1803.08904.

    >>> layer = SyncBatchNorm(1)
    >>> layer(Tensor([[1.0], [3.0]])).numpy().round(3).tolist()
    [[-1.0], [1.0]]
    """

    ndims, letters = tuple(range(2, 9)), "(N, C) or (N, C, ...)"

    def forward(self, x: ArrayLike) -> Tensor:
        """Shapes: x (N, C, ...) -> the same."""
        if not self.training and self.running_mean is not None:
            return super().forward(x)
        from minigrad.distributed import world  # only for those who need it

        if world().size == 1:
            return super().forward(x)
        self._check_ndim(x)
        if STATE.capture is not None:
            STATE.capture.refuse("SyncBatchNorm exchanges statistics with the other ranks")
        given = x if isinstance(x, Tensor) else Tensor(x)
        y = self._normalized(given.astype(accumulation_dtype(given.dtype)))
        self._count_batch()
        return y.astype(given.dtype)

    def _normalized(self, x: Tensor) -> Tensor:
        from minigrad.distributed import all_sum

        axis, channels = (0, *range(2, x.ndim)), x.shape[1]
        values = np.full(1, math.prod(x.shape) // max(1, channels), x.dtype)
        sums = all_sum(ops.concat([ops.sum(x, axis=axis), Tensor(values)]))
        count = float(sums._data[-1])
        if count <= 1:
            raise DataError("SyncBatchNorm: one value a channel has no variance: use a batch of more than one")
        mean = sums[:channels] / count
        per_channel = (channels, *[1] * (x.ndim - 2))
        centered = x - mean.reshape(per_channel)
        variance = all_sum(ops.sum(centered * centered, axis=axis)) / count
        move_running(self.running_mean, mean[None], self._running_momentum(), 1.0)
        move_running(self.running_var, variance[None], self._running_momentum(), count / (count - 1))
        factor = 1 / ops.sqrt(variance + representable(self.eps, x.dtype))
        y = centered * (factor if self.weight is None else factor * self.weight).reshape(per_channel)
        out: Tensor = y if self.bias is None else y + self.bias.reshape(per_channel)
        return out

    @classmethod
    def convert_sync_batchnorm(cls, module: Module) -> Module:
        """Put such a layer in the place of each `BatchNorm1d`, `2d` and `3d`, with its weights and statistics.

        Args:
            module: changed in place, but where it is itself such a layer.

        Returns:
            The module, or the layer in its place.
        """
        if isinstance(module, _BatchNorm) and not isinstance(module, SyncBatchNorm):
            layer = cls(
                module.num_features, module.eps, module.momentum, module.affine, module.track_running_stats,
                bias=module.bias is not None,
            )  # fmt: skip
            for name in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked"):
                if getattr(layer, name) is not None:
                    setattr(layer, name, getattr(module, name))
            return layer.train(module.training)
        for path, child in list(module.named_children()):
            setattr(module, path, cls.convert_sync_batchnorm(child))
        return module
