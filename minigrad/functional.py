"""Functions for networks, with PyTorch's names, argument order and defaults. Each is made of ops: no rules here.

Shapes use the letters of `minigrad.shapes`. An image may come without its batch dimension N, and leaves without it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.errors import ShapeError, UsageError
from minigrad.ops.softmax import check_classes
from minigrad.rng import default_rng
from minigrad.shapes import shape_of
from minigrad.tensor import Tensor

Pair = int | Sequence[int]

relu = ops.relu
sigmoid = ops.sigmoid
tanh = ops.tanh


def linear(x: Any, weight: Any, bias: Any = None) -> Tensor:
    """y = x W' + b.

    Shapes: x (..., D), weight (O, D), bias (O) -> (..., O).
    """
    return ops.linear(x, weight, bias)


def conv2d(
    x: Any, weight: Any, bias: Any = None, stride: Pair = 1, padding: Pair = 0, dilation: Pair = 1, groups: int = 1
) -> Tensor:
    """Convolution of images (without flipping the kernel).

    out[n,o,i,j] = bias[o] + sum_cpq x[n, c, stride*i + dilation*p - padding, ...] * weight[o,c,p,q]

    Shapes: x (N, C, H, W) or (C, H, W), weight (O, C/groups, P, Q), bias (O) -> (N, O, I, J) with
    I = floor((H + 2*padding - dilation*(P - 1) - 1) / stride) + 1, and J likewise.

    Raises:
        ShapeError: sizes that do not fit together.

    Source: LeCun et al. 1998, "Gradient-based learning applied to document recognition".
    """
    settings = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    return _on_batch(lambda images: ops.conv(images, weight, bias, **settings), x, 4)


def conv1d(
    x: Any, weight: Any, bias: Any = None, stride: int = 1, padding: int = 0, dilation: int = 1, groups: int = 1
) -> Tensor:
    """Convolution of sequences: `conv2d` on images that are one row high.

    Shapes: x (N, C, T) or (C, T), weight (O, C/groups, Q), bias (O) -> (N, O, J).
    """
    settings = ((1, _one(stride)), (0, _one(padding)), (1, _one(dilation)), groups)
    kernel = ops.expand_dims(weight, axis=-2)
    return _on_rows(lambda rows: conv2d(rows, kernel, bias, *settings), x)


def max_pool2d(
    x: Any,
    kernel_size: Pair,
    stride: Pair | None = None,
    padding: Pair = 0,
    dilation: Pair = 1,
    ceil_mode: bool = False,
) -> Tensor:
    """The largest element of each window; at a tie the first one gets the gradient.

    Shapes: x (N, C, H, W) or (C, H, W) -> (N, C, I, J). The stride is the kernel's size unless given.
    """
    settings = {"kernel": kernel_size, "stride": stride, "padding": padding, "dilation": dilation}
    return _on_batch(lambda images: ops.max_pool(images, ceil_mode=ceil_mode, **settings), x, 4)


def avg_pool2d(
    x: Any,
    kernel_size: Pair,
    stride: Pair | None = None,
    padding: Pair = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """The mean of each window; padding counts as zeros unless `count_include_pad` is False.

    Shapes: x (N, C, H, W) or (C, H, W) -> (N, C, I, J). The stride is the kernel's size unless given.
    """
    settings = {"kernel": kernel_size, "stride": stride, "padding": padding, "ceil_mode": ceil_mode}
    return _on_batch(lambda images: ops.avg_pool(images, count_include_pad=count_include_pad, **settings), x, 4)


def max_pool1d(
    x: Any,
    kernel_size: int,
    stride: int | None = None,
    padding: int = 0,
    dilation: int = 1,
    ceil_mode: bool = False,
) -> Tensor:
    """The largest element of each window of a sequence. Shapes: x (N, C, T) or (C, T) -> (N, C, J)."""
    along = None if stride is None else (1, _one(stride))
    settings = ((1, _one(kernel_size)), along, (0, _one(padding)), (1, _one(dilation)), ceil_mode)
    return _on_rows(lambda rows: max_pool2d(rows, *settings), x)


def avg_pool1d(
    x: Any,
    kernel_size: int,
    stride: int | None = None,
    padding: int = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """The mean of each window of a sequence. Shapes: x (N, C, T) or (C, T) -> (N, C, J)."""
    along = None if stride is None else (1, _one(stride))
    settings = ((1, _one(kernel_size)), along, (0, _one(padding)), ceil_mode, count_include_pad)
    return _on_rows(lambda rows: avg_pool2d(rows, *settings), x)


def dropout(x: Any, p: float = 0.5, training: bool = True, rng: np.random.Generator | None = None) -> Tensor:
    """Each element set to 0 with probability p, the others divided by 1 - p; nothing changes unless training.

    Source: Srivastava et al. 2014, "Dropout: a simple way to prevent neural networks from overfitting".
    """
    if not 0 <= p <= 1:
        raise UsageError(f"dropout: the probability p must lie in [0, 1], got {p}")
    if not training or p == 0:
        return x  # type: ignore[no-any-return]
    if p == 1:
        return ops.multiply(x, 0)
    kept = (rng or default_rng()).random(x.shape, np.float32) >= p
    return ops.multiply(x, kept.astype(x.dtype) / x.dtype.type(1 - p))


def softmax(x: Any, dim: int = -1, temperature: float = 1.0) -> Tensor:
    """out = exp(x / temperature) / sum of it along `dim`: positive, and summing to 1.

    A temperature above 1 evens the values out, one below 1 sharpens them.
    """
    return ops.softmax(x if temperature == 1 else x / temperature, axis=dim)


def log_softmax(x: Any, dim: int = -1) -> Tensor:
    """out = log(softmax(x)), computed without overflow or loss of digits."""
    return ops.log_softmax(x, axis=dim)


def cross_entropy(x: Any, target: Any, *, reduction: str = "mean") -> Tensor:
    """-log softmax(x)[target]: the loss of a classifier that gives one score a class.

    Shapes: x (N, D) scores, target (N) class numbers -> () or, with reduction "none", (N). Unit: nats.
    """
    return _reduced(ops.softmax_cross_entropy(x, target), reduction)


def nll_loss(x: Any, target: Any, *, reduction: str = "mean") -> Tensor:
    """-x[target], for x of log-probabilities. Shapes: x (N, D), target (N) -> () or (N)."""
    target = np.asarray(target.data if isinstance(target, Tensor) else target)
    check_classes(target, x.shape[1])
    return _reduced(ops.negative(x[np.arange(len(target)), target]), reduction)


def mse_loss(x: Any, target: Any, *, reduction: str = "mean") -> Tensor:
    """(x - target)^2, by default its mean over all elements."""
    return _reduced(ops.square(_same_shape("mse_loss", x, target)), reduction)


def sum_squared_error(x: Any, target: Any) -> Tensor:
    """1/2 * sum of (x - target)^2: the loss of the perceptron and of LeNet-5's time."""
    return ops.multiply(0.5, ops.sum(ops.square(_same_shape("sum_squared_error", x, target))))


def _same_shape(name: str, x: Any, target: Any) -> Tensor:
    """x - target; a silent broadcast here would be a wrong loss."""
    if shape_of(x) != shape_of(target):
        raise ShapeError(f"{name}: x has shape {shape_of(x)} but target has {shape_of(target)}: reshape one of them")
    return ops.subtract(x, target)


def _reduced(loss: Tensor, reduction: str) -> Tensor:
    if reduction == "none":
        return loss
    if reduction not in ("mean", "sum"):
        raise UsageError(f'reduction is "mean", "sum" or "none", not {reduction!r}')
    return ops.mean(loss) if reduction == "mean" else ops.sum(loss)


def _on_batch(function: Callable[[Any], Tensor], x: Any, ndim: int) -> Tensor:
    """Run a function of a batch also on a single sample."""
    if len(shape_of(x)) == ndim - 1:
        return ops.squeeze(function(ops.expand_dims(x, axis=0)), axis=0)
    return function(x)


def _on_rows(function: Callable[[Any], Tensor], x: Any) -> Tensor:
    """Run a function of images on sequences (N, C, T) or (C, T): images that are one row high."""
    return ops.squeeze(function(ops.expand_dims(x, axis=-2)), axis=-2)


def _one(value: int | Sequence[int]) -> int:
    """A setting of a function of sequences: a number, or a sequence of one."""
    (size,) = value if isinstance(value, Sequence) and len(value) == 1 else (value,)
    if not hasattr(size, "__index__"):
        raise UsageError(f"this setting takes one integer, not {value!r}")
    return int(size.__index__())
