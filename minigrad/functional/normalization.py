"""Normalization by mean and variance: over the batch, a layer's features, an instance's pixels, or groups of channels.

    out = weight * (x - mean) / sqrt(variance + eps) + bias

All are one op, `ops.standardize` (that of layers, whose moments nobody keeps, is `ops.standardize_layer`), over
different axes: for images (N, C, H, W) a mean is taken over

    batch_norm     N, H, W   for each channel
    layer_norm     C, H, W   for each sample
    instance_norm  H, W      for each sample and channel
    group_norm     H, W and the channels of a group, for each sample and group
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np

from minigrad import ops
from minigrad.autograd.batched_array import is_batched
from minigrad.autograd.python_call import python_call
from minigrad.autograd.tensor import Tensor
from minigrad.errors import DataError, MutationError, ShapeError, UsageError, shape_text
from minigrad.functional.common import tensor_or_array
from minigrad.functional.reduction import dtype_of
from minigrad.kernels.array_utils import representable
from minigrad.shapes import shape_of
from minigrad.typing import Array, ArrayLike, Shape


def batch_norm(
    x: ArrayLike,
    running_mean: Tensor | Array | None,
    running_var: Tensor | Array | None,
    weight: ArrayLike | None = None,
    bias: ArrayLike | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """out = weight * (x - mean) / sqrt(variance + eps) + bias, with mean and variance of each channel over the batch.

    In training the statistics are those of x, and the running ones, where there are any, move toward them in place:
    running = (1 - momentum) * running + momentum * of x, where the variance is the unbiased one, sum of squares over
    (count - 1). Outside of training the running ones take their place.

    Args:
        x: a batch.
        running_mean: the running mean of each channel, or None.
        running_var: the running variance of each channel, or None.
        weight: the factor of each channel; 1 unless given.
        bias: the term of each channel; 0 unless given.
        training: whether the statistics are those of x (default False).
        momentum: how far the running statistics move, in [0, 1] (default 0.1).
        eps: what is added to the variance, so that it is not 0 (default 1e-5).

    Shapes: x (N, C) or (N, C, ...), all others (C) -> as x.

    Raises:
        DataError: in training there is only one value a channel, which has no variance.
        DTypeError: x is not floating.
        ShapeError: sizes that do not fit together.
        UsageError: running statistics are missing outside of training; momentum is out of range; eps is negative.

    Source: Ioffe and Szegedy 2015, "Batch normalization: accelerating deep network training by reducing internal
    covariate shift", arXiv:1502.03167.

    >>> x = Tensor([[1.0, 10.0], [3.0, 30.0]])
    >>> batch_norm(x, None, None, training=True, eps=0.0).tolist()
    [[-1.0, -1.0], [1.0, 1.0]]
    """
    channels = _channels("batch_norm", x, 2)
    _require_momentum("batch_norm", momentum)
    parts = {"running_mean": running_mean, "running_var": running_var, "weight": weight, "bias": bias}
    _require_shapes("batch_norm", parts, (channels,), "C")
    if not training:
        return _by_running("batch_norm", x, running_mean, running_var, weight, bias, eps)
    count = math.prod(shape_of(x)) // max(1, channels)
    if count == 1:
        instead = "keep running statistics" if running_mean is None else "evaluate"
        raise DataError(f"batch_norm: one value a channel has no variance: use a batch of more than one, or {instead}")
    axis = (0, *range(2, len(shape_of(x))))
    out, mean, variance = ops.standardize(x, _over(x, weight), _over(x, bias), axis=axis, eps=eps)
    if count:
        move_running(running_mean, mean, momentum, 1.0)
        move_running(running_var, variance, momentum, count / (count - 1))
    return out


def layer_norm(
    x: ArrayLike,
    normalized_shape: int | Sequence[int],
    weight: ArrayLike | None = None,
    bias: ArrayLike | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """out = weight * (x - mean) / sqrt(variance + eps) + bias, with mean and variance over the last dimensions.

    Args:
        x: numbers.
        normalized_shape: the sizes of these dimensions, or the size of one.
        weight: the factor of each element of them; 1 unless given.
        bias: the term of each element of them; 0 unless given.
        eps: what is added to the variance, so that it is not 0 (default 1e-5).

    Shapes: x (..., *normalized_shape), weight and bias (*normalized_shape) -> as x.

    Raises:
        DataError: the dimensions have one value, which has no variance.
        DTypeError: x is not floating.
        ShapeError: x does not end with normalized_shape, or weight or bias is not of that shape.
        UsageError: eps is negative.

    Source: Ba, Kiros and Hinton 2016, "Layer normalization", arXiv:1607.06450.
    """
    normalized = normalized_shape if type(normalized_shape) is tuple else _as_tuple(normalized_shape)
    of_weight, of_bias = (weight if weight is None else shape_of(weight)), (bias if bias is None else shape_of(bias))
    axis = _layer_axes(shape_of(x), normalized, of_weight, of_bias)
    return ops.standardize_layer(x, weight, bias, axis=axis, eps=eps)


@lru_cache(1000, typed=True)
def _layer_axes(shape: Shape, normalized: Shape, weight: Shape | None, bias: Shape | None) -> tuple[int, ...]:
    """The axes of `layer_norm` for such shapes."""
    if not normalized or shape[-len(normalized) :] != normalized:
        raise ShapeError(f"layer_norm: expected x (..., {', '.join(map(str, normalized))}), got shape {shape}")
    for part, found in (("weight", weight), ("bias", bias)):
        if found is not None and found != normalized:
            raise ShapeError(f"layer_norm: {part} must have shape {shape_text(normalized)}, got {found}")
    if math.prod(normalized) == 1:
        raise DataError("layer_norm: one value has no variance: normalize over more dimensions")
    return tuple(range(-len(normalized), 0))


def instance_norm(
    x: ArrayLike,
    running_mean: Tensor | Array | None = None,
    running_var: Tensor | Array | None = None,
    weight: ArrayLike | None = None,
    bias: ArrayLike | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """out = weight * (x - mean) / sqrt(variance + eps) + bias, with mean and variance of each channel of each sample.

    Running statistics, where there are any, move toward the means over the batch of those of x (the unbiased variance),
    in place; without `use_input_stats` they take their place.

    Args:
        x: a batch of sequences or images.
        running_mean: the running mean of each channel; none unless given.
        running_var: the running variance of each channel; none unless given.
        weight: the factor of each channel; 1 unless given.
        bias: the term of each channel; 0 unless given.
        use_input_stats: whether the statistics are those of x (default True).
        momentum: how far the running statistics move, in [0, 1] (default 0.1).
        eps: what is added to the variance, so that it is not 0 (default 1e-5).

    Shapes: x (N, C, ...), all others (C) -> as x.

    Raises:
        DataError: there is only one value a channel, which has no variance.
        DTypeError: x is not floating.
        ShapeError: sizes that do not fit together.
        UsageError: running statistics are needed and missing; momentum is out of range; eps is negative.

    Source: Ulyanov, Vedaldi and Lempitsky 2016, "Instance normalization: the missing ingredient for fast stylization",
    arXiv:1607.08022.
    """
    channels = _channels("instance_norm", x, 3)
    _require_momentum("instance_norm", momentum)
    parts = {"running_mean": running_mean, "running_var": running_var, "weight": weight, "bias": bias}
    _require_shapes("instance_norm", parts, (channels,), "C")
    if not use_input_stats:
        return _by_running("instance_norm", x, running_mean, running_var, weight, bias, eps)
    count = math.prod(shape_of(x)[2:])
    if count == 1:
        raise DataError("instance_norm: one value a channel has no variance: use images of more than one pixel")
    axis = tuple(range(2, len(shape_of(x))))
    out, mean, variance = ops.standardize(x, _over(x, weight), _over(x, bias), axis=axis, eps=eps)
    if count and shape_of(x)[0]:
        move_running(running_mean, mean, momentum, 1.0)
        move_running(running_var, variance, momentum, count / (count - 1))
    return out


def group_norm(
    x: ArrayLike, num_groups: int, weight: ArrayLike | None = None, bias: ArrayLike | None = None, eps: float = 1e-5
) -> Tensor:
    """out = weight * (x - mean) / sqrt(variance + eps) + bias, with mean and variance of each group of channels of a
    sample.

    One group is layer normalization over (C, H, W); a group a channel is instance normalization.

    Args:
        x: a batch.
        num_groups: into how many groups the channels fall.
        weight: the factor of each channel; 1 unless given.
        bias: the term of each channel; 0 unless given.
        eps: what is added to the variance, so that it is not 0 (default 1e-5).

    Shapes: x (N, C, ...), weight and bias (C) -> as x.

    Raises:
        DataError: there is only one value a group, which has no variance.
        DTypeError: x is not floating.
        ShapeError: C is no multiple of num_groups, or weight or bias is not (C).
        UsageError: eps is negative.

    Source: Wu and He 2018, "Group normalization", arXiv:1803.08494.
    """
    channels, shape = _channels("group_norm", x, 2), shape_of(x)
    if num_groups < 1 or channels % num_groups:
        raise ShapeError(f"group_norm: C={channels} channels do not make {num_groups} equal groups")
    _require_shapes("group_norm", {"weight": weight, "bias": bias}, (channels,), "C")
    if math.prod(shape[1:]) == num_groups:
        raise DataError("group_norm: one value a group has no variance: use fewer groups or more pixels")
    parts = (num_groups, channels // num_groups, *shape[2:])
    affine = [None if y is None else ops.reshape(y, shape=(*parts[:2], *(1,) * len(shape[2:]))) for y in (weight, bias)]
    grouped = ops.reshape(x, shape=(shape[0], *parts))
    out = ops.standardize(grouped, *affine, axis=tuple(range(2, len(shape) + 1)), eps=eps)[0]
    return ops.reshape(out, shape=shape)


def _by_running(
    name: str,
    x: ArrayLike,
    mean: ArrayLike | None,
    variance: ArrayLike | None,
    weight: ArrayLike | None,
    bias: ArrayLike | None,
    eps: float,
) -> Tensor:
    """x normalized by given statistics: one factor and one term a channel."""
    if mean is None or variance is None:
        raise UsageError(f"{name}: without statistics of x there must be running_mean and running_var")
    factor = ops.divide(
        1 if weight is None else weight, ops.sqrt(ops.add(variance, representable(eps, dtype_of(variance))))
    )
    term = ops.multiply(ops.negative(mean), factor)
    if bias is not None:
        term = ops.add(bias, term)
    x = tensor_or_array(x)
    factor, term = (ops.astype(_over(x, y), dtype=x.dtype) for y in (factor, term))
    return ops.add(ops.multiply(x, factor), term)


@python_call
def move_running(running: Tensor | Array | None, values: Tensor, momentum: float, factor: float) -> None:
    """Move a running statistic (C), in place, toward the mean over all samples of `values`."""
    if running is None:
        return
    if is_batched(running) or is_batched(values):
        raise MutationError(
            "inside of vmap running statistics cannot be moved, for each sample would move them elsewhere: call "
            "model.eval(), or normalize without them (GroupNorm, LayerNorm, or track_running_stats=False)"
        )
    array = running.writable() if isinstance(running, Tensor) else running
    fresh = np.asarray(values._data if isinstance(values, Tensor) else values)
    fresh = fresh.reshape(len(fresh), len(array)).mean(axis=0) * factor
    array += momentum * (fresh - array)


def _as_tuple(shape: int | Sequence[int]) -> Shape:
    return tuple(shape) if isinstance(shape, Sequence) else (shape,)


def _require_momentum(name: str, momentum: float) -> None:
    if not isinstance(momentum, (int, float)) or not 0 <= momentum <= 1:
        raise UsageError(f"{name}: momentum is a number in [0, 1], got {momentum!r} (None is for the layers)")


def _over(x: ArrayLike, y: ArrayLike | None) -> Tensor | None:
    """y (C), or None, in a shape that broadcasts along the channels of x (N, C, ...)."""
    return None if y is None else ops.reshape(y, shape=(-1, *(1,) * (len(shape_of(x)) - 2)))


def _channels(name: str, x: ArrayLike, least: int) -> int:
    shape = shape_of(x)
    if len(shape) < least:
        raise ShapeError(f"{name}: expected x (N, C, ...) of {least} or more dimensions, got shape {shape}")
    return shape[1]


def _require_shapes(name: str, parts: Mapping[str, ArrayLike | None], expected: Shape, letters: str = "") -> None:
    for part, y in parts.items():
        if y is not None and (shape := shape_of(y)) != expected:
            raise ShapeError(f"{name}: {part} must have shape {shape_text(expected, letters)}, got {shape}")
