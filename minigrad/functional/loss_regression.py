"""Losses of regression: how far predicted numbers are from the true ones.

Shapes never broadcast here, which would be a wrong loss: where PyTorch broadcasts two shapes with a warning, these
raise a ShapeError.
"""

from __future__ import annotations

from math import log, pi

from minigrad import ops
from minigrad.autograd.batched_array import any_true, physical
from minigrad.autograd.complex_numbers import require_real
from minigrad.autograd.tensor import Tensor
from minigrad.errors import DataError, ShapeError, UsageError
from minigrad.functional.reduction import check_same_shape, dtype_of, in_dtype_of, reduced, same_shape, values, weights
from minigrad.kernels.array_utils import least_divisor
from minigrad.shapes import shape_of
from minigrad.typing import Array, ArrayLike, Shape


def mse_loss(x: ArrayLike, target: ArrayLike, *, reduction: str = "mean", weight: ArrayLike | None = None) -> Tensor:
    """(x - target)^2: the squared error.

    Args:
        x: predicted numbers.
        target: the true ones.
        reduction: "mean" over the elements, weighted with their weights, "sum", or "none" (default "mean").
        weight: what each element counts for, of at least 0; 1 unless given.

    Shapes: x, target, weight equal -> () or, with reduction "none", x's shape.

    Raises:
        DataError: a negative weight.
        ShapeError: shapes differ.
        UsageError: another reduction.

    >>> mse_loss(Tensor([1.0, 3.0]), [0.0, 0.0]).item()
    5.0
    """
    return _weighted("mse_loss", _squared("mse_loss", x, target), weight, reduction)


def _squared(name: str, x: ArrayLike, target: ArrayLike) -> Tensor:
    require_real(name, x, target)  # of complex numbers it would be no distance
    return ops.square(same_shape(name, x, target))


def l1_loss(x: ArrayLike, target: ArrayLike, *, reduction: str = "mean", weight: ArrayLike | None = None) -> Tensor:
    """|x - target|: the absolute error. Where both are equal the gradient is 0.

    Args:
        x: predicted numbers.
        target: the true ones.
        reduction: "mean" over the elements, weighted with their weights, "sum", or "none" (default "mean").
        weight: what each element counts for, of at least 0; 1 unless given.

    Shapes: x, target, weight equal -> () or, with reduction "none", x's shape.

    Raises:
        DataError: a negative weight.
        ShapeError: shapes differ.
        UsageError: another reduction.
    """
    return _weighted("l1_loss", ops.abs(same_shape("l1_loss", x, target)), weight, reduction)


def smooth_l1_loss(x: ArrayLike, target: ArrayLike, *, reduction: str = "mean", beta: float = 1.0) -> Tensor:
    """d^2 / (2 beta) where |d| < beta, else |d| - beta / 2, for d = x - target. With beta = 0 it is `l1_loss`.

    Args:
        x: predicted numbers.
        target: the true ones.
        reduction: "mean" over the elements, "sum", or "none" (default "mean").
        beta: the error at which the loss becomes linear, of at least 0 (default 1.0).

    Shapes: x, target equal -> () or, with reduction "none", x's shape.

    Raises:
        ShapeError: shapes differ.
        UsageError: beta is negative; another reduction.

    Source: Girshick 2015, "Fast R-CNN", arXiv:1504.08083.
    """
    if beta < 0:
        raise UsageError(f"smooth_l1_loss: beta must not be negative, got {beta}")
    d = same_shape("smooth_l1_loss", x, target)
    return reduced(ops.abs(d) if beta == 0 else _huber(d, float(beta)) / float(beta), reduction)


def huber_loss(
    x: ArrayLike, target: ArrayLike, reduction: str = "mean", delta: float = 1.0, weight: ArrayLike | None = None
) -> Tensor:
    """d^2 / 2 where |d| <= delta, else delta * (|d| - delta / 2), for d = x - target.

    The mean of weighted elements is their plain one here, as in PyTorch: not divided by the sum of the weights.

    Args:
        x: predicted numbers.
        target: the true ones.
        reduction: "mean" over the elements, "sum", or "none" (default "mean").
        delta: the error at which the loss becomes linear, above 0 (default 1.0).
        weight: what each element is multiplied by, of at least 0; 1 unless given.

    Shapes: x, target, weight equal -> () or, with reduction "none", x's shape.

    Raises:
        DataError: a negative weight.
        ShapeError: shapes differ.
        UsageError: delta is not positive; another reduction.

    Source: Huber 1964, "Robust estimation of a location parameter".
    """
    if not delta > 0:
        raise UsageError(f"huber_loss: delta must be positive, got {delta}")
    loss = _huber(same_shape("huber_loss", x, target), float(delta))
    return reduced(loss if weight is None else ops.weighted(_weights("huber_loss", loss, weight), loss), reduction)


def _huber(d: Tensor, delta: float) -> Tensor:
    """With c = d moved into [-delta, delta] both branches are one product, which squares nothing large."""
    c = ops.clip(d, -delta, delta)
    return c * (d - c / 2)


def _weighted(name: str, loss: Tensor, weight: ArrayLike | None, reduction: str) -> Tensor:
    if weight is None:
        return reduced(loss, reduction)
    weight = _weights(name, loss, weight)
    return reduced(ops.weighted(weight, loss), reduction, weight)


def _weights(name: str, loss: Tensor, weight: ArrayLike) -> Tensor | Array:
    check_same_shape(name, x=loss, weight=weight)
    return weights(name, loss, weight)


def sum_squared_error(x: ArrayLike, target: ArrayLike) -> Tensor:
    """1/2 * sum of (x - target)^2: the loss of the perceptron and of LeNet-5's time.

    Args:
        x: predicted numbers.
        target: the true ones.

    Shapes: x, target equal -> ().

    Raises:
        ShapeError: shapes differ.
    """
    return ops.multiply(0.5, ops.sum(_squared("sum_squared_error", x, target)))


def gaussian_nll_loss(
    x: ArrayLike, target: ArrayLike, var: ArrayLike, full: bool = False, eps: float = 1e-6, reduction: str = "mean"
) -> Tensor:
    """(log var + (x - target)^2 / var) / 2: how unlikely the target is under a normal distribution. Unit: nats.

    Args:
        x: the mean of the distribution.
        target: the true numbers.
        var: the variance, of at least 0. Below eps it counts as eps, while its gradient flows as if it were free: it
            can grow again.
        full: whether the constant log(2π) / 2 is added (default False).
        eps: the smallest variance (default 1e-6). With 0, a variance of 0 gives infinity where x is not the target, and
            minus infinity where it is.
        reduction: "mean" over the elements, "sum", or "none" (default "mean").

    Shapes: x, target equal; var x's shape, or with size 1 in one of its dimensions, or without the last one, or () ->
    () or, with reduction "none", x's shape.

    Raises:
        DataError: a negative variance.
        ShapeError: shapes do not fit.
        UsageError: another reduction.

    Source: Nix and Weigend 1994, "Estimating the mean and variance of the target probability distribution".
    """
    d = same_shape("gaussian_nll_loss", x, target)
    var = in_dtype_of(d, _variance(d.shape, var))
    low = values(var) < eps
    if any_true(low):
        var = var + ops.where(low, eps - values(var), 0).astype(d.dtype)
    exact = (values(var) == 0) & (values(d) == 0)
    ratio = ops.where(ops.isinf(var) | exact, 0, ops.square(d / ops.sqrt(var)))  # log(var) has become infinite already
    certain = (values(var) == 0) & ~exact
    loss = (ops.where(certain, 0, ops.log(var)) + ratio) * 0.5  # and here the ratio, sooner than log(var)
    return reduced(loss + 0.5 * log(2 * pi) if full else loss, reduction)


def _variance(shape: Shape, var: ArrayLike) -> ArrayLike:
    """The variance in a shape that broadcasts to that of x as it is meant to."""
    if any_true(values(var) < 0):
        raise DataError(f"gaussian_nll_loss: var must not be negative, got {physical(var).min()}; give a variance")
    got = shape_of(var)
    if got in (shape, ()):
        return var
    if shape[:-1] == got:
        return ops.expand_dims(var, axis=-1)
    if len(got) == len(shape) and [size for size, wide in zip(got, shape, strict=True) if size != wide] == [1]:
        return var
    raise ShapeError(
        f"gaussian_nll_loss: var has shape {got}, but x {shape}: expected that shape, or with size 1 in one dimension, "
        "or without the last one"
    )


def poisson_nll_loss(
    x: ArrayLike,
    target: ArrayLike,
    log_input: bool = True,
    full: bool = False,
    *,
    eps: float = 1e-8,
    reduction: str = "mean",
) -> Tensor:
    """exp(x) - target * x, or with log_input=False x - target * log(x + eps): how unlikely a count is. Unit: nats.

    Args:
        x: the logarithm of the rate of a Poisson distribution, or the rate itself.
        target: the counts.
        log_input: whether x is the logarithm (default True).
        full: whether Stirling's approximation of log(target!) is added where target > 1 (default False).
        eps: what is added to a rate, so that it is not 0 (default 1e-8).
        reduction: "mean" over the elements, "sum", or "none" (default "mean").

    Shapes: x, target equal -> () or, with reduction "none", x's shape.

    Raises:
        ShapeError: shapes differ.
        UsageError: another reduction.
    """
    check_same_shape("poisson_nll_loss", x=x, target=target)
    target = in_dtype_of(x, target)
    rate, log_rate = (ops.exp(x), x) if log_input else (x, ops.log(ops.add(x, least_divisor(eps, dtype_of(x)))))
    loss = ops.subtract(rate, ops.weighted(target, ops.where(ops.isinf(rate), 0, log_rate)))  # inf - inf is inf here
    return reduced(loss + _log_factorial(target) if full else loss, reduction)


def _log_factorial(t: ArrayLike) -> Tensor:
    """Stirling: t log t - t + log(2πt) / 2 where t > 1, else 0."""
    large = values(t) > 1
    t = ops.where(large, t, 1)
    return ops.where(large, t * ops.log(t) - t + ops.log(t * (2 * pi)) * 0.5, 0)
