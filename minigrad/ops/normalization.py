"""Standardization to mean 0 and variance 1 over some axes, then scale and shift: the op of all normalization layers.

    out = w * (x - mean) / sqrt(variance + eps) + b

The mean and the variance are results of `standardize`, too: whoever keeps running statistics needs them. The
second-order rule is exact for all three. `standardize_layer` is the same without these results.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from minigrad import kernels
from minigrad.autograd.batched_array import any_true
from minigrad.autograd.registry import op
from minigrad.errors import ShapeError, UsageError
from minigrad.kernels.array_utils import representable
from minigrad.ops.convolution import require_floating
from minigrad.ops.elementwise import sqrt, where
from minigrad.ops.logic import isinf
from minigrad.ops.norms import vector_norm
from minigrad.ops.reduce import mean as mean_of
from minigrad.ops.shape import sum_to
from minigrad.shapes import Shape, canonical_axes
from minigrad.typing import ArrayLike, Axis, Settings, Value

Axes = tuple[int, ...]


def _canonical(x: ArrayLike, w: ArrayLike | None, b: ArrayLike | None, *, axis: Axis, eps: float = 1e-5) -> Settings:
    require_floating(x)
    axis = axis if type(axis) is tuple or not isinstance(axis, Sequence) else tuple(axis)
    return {"axis": _axes(_shape(x), _shape(w), _shape(b), axis, eps), "eps": float(eps)}


def _shape(x: ArrayLike | None) -> Shape | None:
    return None if x is None else getattr(x, "shape", ())


@lru_cache(1000, typed=True)
def _axes(x: Shape, w: Shape | None, b: Shape | None, axis: Axis, eps: float) -> Axes:
    """The axes, counted from the first."""
    for name, shape in (("w", w), ("b", b)):
        if shape is not None and not _fits(shape, x):
            raise ShapeError(f"{name} of shape {shape} does not broadcast to x's shape {x}")
    if eps < 0:
        raise UsageError(f"eps must be at least 0, got {eps}")
    return canonical_axes(axis, len(x))


def _fits(shape: Shape, target: Shape) -> bool:
    return len(shape) <= len(target) and all(
        n in (1, m) for n, m in zip(reversed(shape), reversed(target), strict=False)
    )


@op(canonical=_canonical, results=("out", "mean", "variance"),
    source="arXiv:1502.03167, arXiv:1607.06450 (layers), arXiv:1607.08022 (instances), arXiv:1803.08494 (groups)"
)  # fmt: skip
def standardize(x: Value, w: Value, b: Value, *, axis: Axes, eps: float) -> Value:
    """out = w * (x - mean) / sqrt(variance + eps) + b, with the mean and the (biased) variance of x over the axes.

    Args:
        x: floating numbers.
        w: the factor, or None for 1.
        b: the term, or None for 0.
        axis: the axis or axes of a mean.
        eps: what is added to the variance, so that it is not 0 (default 1e-5).

    Returns:
        Three results: out, the mean, and the variance.

    Shapes: x (...), w and b such as broadcast to x's -> out (...), mean and variance of size 1 along the axes.

    Raises:
        DTypeError: x is not floating.
        ShapeError: w or b does not broadcast to x.
        UsageError: eps is negative.
    """
    out, mean, variance = kernels.standardize(x, w, b, axis=axis, eps=eps)
    if not kernels.overflows(x, variance):
        return out, mean, variance
    with np.errstate(over="ignore", invalid="ignore"):
        scale = kernels.overflow_scale(x, variance, axis)
        out, mean, variance = kernels.standardize(x / scale, w, b, axis=axis, eps=eps)
        return out, mean * scale, variance * scale * scale


@standardize.vjp("x")
def _(g: Value, x: Value, w: Value, mean: Value, variance: Value, *, axis: Axes, eps: float) -> Value:
    g_out, g_mean, g_variance = g
    count = max(1, kernels.reduced_size(x.shape, axis))
    deviation = x - mean
    factor = _factor(deviation, variance, axis, eps)
    unit = deviation * factor
    slope = factor * (g_out if w is None else g_out * w)
    centered = slope - mean_of(slope, axis=axis, keepdims=True)
    along = mean_of(slope * unit, axis=axis, keepdims=True)
    return centered - along * unit + g_variance * (2 / count) * deviation + g_mean / count


def _to_x(g: Value, x: Value, w: Value, mean: Value, variance: Value, *, axis: Axes, eps: float) -> Value:
    scale = kernels.overflow_scale(x, variance, axis)
    if scale is None:
        return kernels.standardize_input(g, x, w, mean, variance, axis=axis, eps=eps)
    x_, mean_, variance_ = _scaled(x, mean, axis, scale)
    return kernels.standardize_input(g, x_, w, mean_, variance_, axis=axis, eps=eps) / scale


@standardize.vjp("w")
def _(g: Value, x: Value, mean: Value, variance: Value, *, axis: Axes, eps: float) -> Value:
    deviation = x - mean
    return g[0] * (deviation * _factor(deviation, variance, axis, eps))


def _to_w(g: Value, x: Value, mean: Value, variance: Value, w_shape: Shape, *, axis: Axes, eps: float) -> Value:
    scale = kernels.overflow_scale(x, variance, axis)
    if scale is not None:
        x, mean, variance = _scaled(x, mean, axis, scale)
    return kernels.standardize_weight(g, x, mean, variance, shape=w_shape, eps=eps)


@standardize.vjp("b")
def _(g: Value) -> Value:
    return g[0]


@standardize.fast_vjp("x", "w", "b")
def _(
    g: Value, x: Value, w: Value, mean: Value, variance: Value, w_shape: Shape, b_shape: Shape, *, axis: Axes,
    eps: float, wanted: frozenset[str],
) -> tuple[Value | None, ...]:  # fmt: skip
    g_out, g_mean, g_variance = g
    products = _products(g_out, x, w, mean, variance, w_shape, b_shape, axis, eps, wanted)
    if "x" not in wanted or not (g_mean.any() or g_variance.any()):
        return products
    count = kernels.reduced_size(x.shape, axis)
    return products[0] + (g_mean + g_variance * (2 * (x - mean))) / count, *products[1:]


@op(canonical=_canonical, residuals=("mean", "variance"), source="arXiv:1607.06450",
    reference=lambda x, w, b, *, axis, eps: standardize(x, w, b, axis=axis, eps=eps)[0],
)  # fmt: skip
def standardize_layer(x: Value, w: Value, b: Value, *, axis: Axes, eps: float) -> Value:
    """out = w * (x - mean) / sqrt(variance + eps) + b, with the mean and the (biased) variance of x over the axes.

    Args:
        x: floating numbers.
        w: the factor, or None for 1.
        b: the term, or None for 0.
        axis: the axis or axes of a mean.
        eps: what is added to the variance, so that it is not 0 (default 1e-5).

    Shapes: x (...), w and b such as broadcast to x's -> as x.

    Raises:
        DTypeError: x is not floating.
        ShapeError: w or b does not broadcast to x.
        UsageError: eps is negative.
    """
    return standardize.forward(x, w, b, axis=axis, eps=eps)


@standardize_layer.fast_vjp("x", "w", "b")
def _(
    g: Value, x: Value, w: Value, mean: Value, variance: Value, w_shape: Shape, b_shape: Shape, *, axis: Axes,
    eps: float, wanted: frozenset[str],
) -> tuple[Value | None, ...]:  # fmt: skip
    return _products(g, x, w, mean, variance, w_shape, b_shape, axis, eps, wanted)


def _products(
    g: Value, x: Value, w: Value, mean: Value, variance: Value, w_shape: Shape, b_shape: Shape, axis: Axes,
    eps: float, wanted: frozenset[str],
) -> tuple[Value | None, ...]:  # fmt: skip
    """What a cotangent of `out` means for x, w and b."""
    if len(wanted) == 3 and w_shape == b_shape and not kernels.overflows(x, variance):
        return kernels.standardize_gradients(g, x, w, mean, variance, axis=axis, eps=eps)
    to_x = _to_x(g, x, w, mean, variance, axis=axis, eps=eps) if "x" in wanted else None
    to_w = _to_w(g, x, mean, variance, w_shape, axis=axis, eps=eps) if "w" in wanted else None
    return to_x, to_w, sum_to(g, shape=b_shape) if "b" in wanted else None


def _factor(deviation: Value, variance: Value, axis: Axes, eps: float) -> Value:
    """1 / sqrt(variance + eps), also where the variance is too large for its dtype."""
    factor = 1 / sqrt(variance + representable(eps, variance.dtype))
    overflowed = isinf(variance)
    if not any_true(overflowed):
        return factor
    size = vector_norm(deviation, axis=axis, keepdims=True)
    return where(overflowed, math.sqrt(kernels.reduced_size(deviation.shape, axis)) / size, factor)


def _scaled(x: Value, mean: Value, axis: Axes, scale: Value) -> tuple[Value, Value, Value]:
    """x, mean and variance in units of `scale`."""
    x = x / scale
    return x, mean / scale, kernels.moments(x, axis)[1]
