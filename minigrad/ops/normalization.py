"""Standardization to mean 0 and variance 1 over some axes, then scale and shift: the op of all normalization layers.

    out = w * (x - mean) / sqrt(variance + eps) + b

The mean and the variance are results, too: whoever keeps running statistics needs them. The second-order rule is exact
for all three.
"""

from __future__ import annotations

import numpy as np

from minigrad import kernels
from minigrad.autograd.registry import op
from minigrad.errors import ShapeError, UsageError
from minigrad.ops.convolution import require_floating
from minigrad.ops.elementwise import sqrt
from minigrad.ops.reduce import mean as mean_of
from minigrad.shapes import Shape, canonical_axes
from minigrad.typing import ArrayLike, Axis, Settings, Value

Axes = tuple[int, ...]


def _canonical(x: ArrayLike, w: ArrayLike | None, b: ArrayLike | None, *, axis: Axis, eps: float = 1e-5) -> Settings:
    require_floating(x)
    for name, y in (("w", w), ("b", b)):
        if y is not None and not _fits(np.shape(y), np.shape(x)):
            raise ShapeError(f"{name} of shape {np.shape(y)} does not broadcast to x's shape {np.shape(x)}")
    if eps < 0:
        raise UsageError(f"eps must be at least 0, got {eps}")
    return {"axis": canonical_axes(axis, np.ndim(x)), "eps": float(eps)}


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
    return kernels.standardize(x, w, b, axis=axis, eps=eps)


@standardize.vjp("x")
def _(g: Value, x: Value, w: Value, mean: Value, variance: Value, *, axis: Axes, eps: float) -> Value:
    g_out, g_mean, g_variance = g
    count = max(1, kernels.reduced_size(x.shape, axis))
    deviation = x - mean
    factor = 1 / sqrt(variance + eps)
    slope = factor * (g_out if w is None else g_out * w)
    along = mean_of(slope * deviation, axis=axis, keepdims=True) * factor * factor
    centered = slope - mean_of(slope, axis=axis, keepdims=True)
    return centered + (g_variance * (2 / count) - along) * deviation + g_mean / count


@standardize.fast_vjp("x")
def _(g: Value, x: Value, w: Value, mean: Value, variance: Value, *, axis: Axes, eps: float) -> Value:
    g_out, g_mean, g_variance = g
    back = kernels.standardize_input(g_out, x, w, mean, variance, axis=axis, eps=eps)
    if g_mean.any() or g_variance.any():
        count = kernels.reduced_size(x.shape, axis)
        back = back + (g_mean + g_variance * (2 * (x - mean))) / count
    return back


@standardize.vjp("w")
def _(g: Value, x: Value, mean: Value, variance: Value, *, eps: float) -> Value:
    return g[0] * (x - mean) / sqrt(variance + eps)


@standardize.fast_vjp("w")
def _(g: Value, x: Value, mean: Value, variance: Value, w_shape: Shape, *, eps: float) -> Value:
    return kernels.standardize_weight(g[0], x, mean, variance, shape=w_shape, eps=eps)


@standardize.vjp("b")
def _(g: Value) -> Value:
    return g[0]
