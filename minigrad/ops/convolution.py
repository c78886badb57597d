"""Convolution: three ops, each the transpose of another, so that derivatives of all orders stay among them.

    out[n, o, i, j] = b[o] + sum over c, p, q of
        x[n, c, stride*i + dilation*p - padding, stride*j + dilation*q - padding] * w[o, c, p, q]

where x outside of the image counts as 0. (This is cross-correlation, which the field calls convolution: the kernel is
not flipped.) With `groups` = G, channels and kernels fall into G parts that do not see each other. The result has
I = floor((H + 2*padding - dilation*(P - 1) - 1) / stride) + 1 rows, and columns likewise. In volumes there is one side
more, the depth, in front of rows and columns: x[n, c, d, h, w], w[o, c, r, p, q] -> out[n, o, k, i, j].
"""

from __future__ import annotations

import math

import numpy as np

from minigrad import kernels
from minigrad.autograd.registry import op
from minigrad.errors import DTypeError, ShapeError
from minigrad.kernels.window_geometry import effective_kernel_size, output_size
from minigrad.ops.reduce import sum
from minigrad.shapes import per_axis, shape_of
from minigrad.typing import ArrayLike, PairLike, Settings, Shape, Value


def _settings(sides: int, stride: Value, padding: Value, dilation: Value, groups: int) -> Settings:
    stride, padding, dilation = per_axis(stride, sides), per_axis(padding, sides), per_axis(dilation, sides)
    if min(*stride, *dilation, groups) < 1 or min(padding) < 0:
        raise ShapeError("stride, dilation and groups must be at least 1, and padding at least 0")
    return {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}


def checked_output_size(size: Shape, kernel: Shape, stride: Shape, padding: Shape, dilation: Shape) -> Shape:
    """The sides of a convolution's or pooling's result.

    Raises:
        ShapeError: the kernel is larger than the padded image.
    """
    count = output_size(size, kernel, stride, padding, dilation)
    if min(count) < 1:
        reach = tuple(map(effective_kernel_size, kernel, dilation))
        padded = tuple(n + 2 * p for n, p in zip(size, padding, strict=True))
        raise ShapeError(
            f"the kernel reaches over {reach} pixels but the padded image has only {padded}: "
            "pad more, or use a smaller kernel or dilation"
        )
    return count


def require_floating(x: Value) -> None:
    """Refuse images of integers: their sums would overflow, and padding has no smallest value."""
    if x.dtype.kind != "f":
        raise DTypeError(f"images must be floating numbers, not {x.dtype}: use .astype(float)")


def _canonical_conv(
    x: ArrayLike,
    w: ArrayLike,
    b: ArrayLike | None,
    *,
    stride: PairLike = 1,
    padding: PairLike = 0,
    dilation: PairLike = 1,
    groups: int = 1,
) -> Settings:
    shape, kernels = np.shape(x), np.shape(w)
    settings = _settings(len(shape) - 2, stride, padding, dilation, groups)
    require_floating(x)
    if kernels[0] % groups:
        raise ShapeError(f"the number of kernels O={kernels[0]} must be a multiple of groups={groups}")
    checked_output_size(shape[2:], kernels[2:], settings["stride"], settings["padding"], settings["dilation"])
    return settings


def _canonical_input(
    y: ArrayLike,
    w: ArrayLike,
    *,
    shape: Shape,
    stride: PairLike = 1,
    padding: PairLike = 0,
    dilation: PairLike = 1,
    groups: int = 1,
) -> Settings:
    return {"shape": tuple(shape), **_settings(len(shape) - 2, stride, padding, dilation, groups)}


def _canonical_weight(
    x: ArrayLike,
    y: ArrayLike,
    *,
    shape: Shape,
    stride: PairLike = 1,
    padding: PairLike = 0,
    dilation: PairLike = 1,
    groups: int = 1,
) -> Settings:
    return {"shape": tuple(shape), **_settings(len(shape) - 2, stride, padding, dilation, groups)}


def conv_flops(x_shape: Shape, w_shape: Shape, out_shape: Shape) -> int:
    """Multiply-adds: one a weight and output position."""
    return math.prod(out_shape) * math.prod(w_shape[1:])


def _input_flops(y_shape: Shape, w_shape: Shape) -> int:
    return math.prod(y_shape) * math.prod(w_shape[1:])


def _weight_flops(y_shape: Shape, *, shape: Shape) -> int:
    return math.prod(y_shape) * math.prod(shape[1:])


@op(shapes="N C [D] H W, O C/groups [R] P Q, O -> N O [K] I J", canonical=_canonical_conv, linear=("x", "w"),
    onnx="Conv", flops=conv_flops,
    hint="in_channels must be x's second dimension: images are N C H W, so permute those that are N H W C",
    source="LeCun et al. 1998; arithmetic: arXiv:1603.07285")  # fmt: skip
def conv(x: Value, w: Value, b: Value, *, stride: Shape, padding: Shape, dilation: Shape, groups: int) -> Value:
    """out[n,o,i,j] = b[o] + sum_cpq x[n, c, stride*i + dilation*p - padding, ...] * w[o,c,p,q].

    Args:
        x: images or volumes.
        w: the kernels, one for each channel of the result.
        b: a number for each channel of the result, or None.
        stride: pixels between neighboring windows (default 1).
        padding: pixels of zeros around the image (default 0).
        dilation: pixels between the taps of a kernel (default 1).
        groups: into how many parts the channels fall, each with kernels of its own (default 1).

    Shapes: x (N, C, H, W), w (O, C/groups, P, Q), b (O) -> (N, O, I, J); of volumes x (N, C, D, H, W),
    w (O, C/groups, R, P, Q) -> (N, O, K, I, J).

    Raises:
        DTypeError: x is not floating.
        ShapeError: sizes that do not fit together, or a kernel that is larger than the padded image.
    """
    return kernels.conv(x, w, b, stride=stride, padding=padding, dilation=dilation, groups=groups)


@op(shapes="N O [K] I J, O C/groups [R] P Q -> N C [D] H W", canonical=_canonical_input, linear=("y", "w"),
    onnx="ConvTranspose", flops=_input_flops)  # fmt: skip
def conv_input(
    y: Value, w: Value, *, shape: Shape, stride: Shape, padding: Shape, dilation: Shape, groups: int
) -> Value:
    """The transpose of `conv` in x: y[n,o,i,j] * w[o] added to the pixels of an image that `conv` would read.

    Args:
        y: what `conv` gives.
        w: its kernels.
        shape: the sizes of the image or volume.
        stride: pixels between neighboring windows (default 1).
        padding: pixels of zeros around the image (default 0).
        dilation: pixels between the taps of a kernel (default 1).
        groups: into how many parts the channels fall, each with kernels of its own (default 1).

    Shapes: y (N, O, I, J), w (O, C/groups, P, Q) -> (N, C, H, W); of volumes y (N, O, K, I, J),
    w (O, C/groups, R, P, Q) -> (N, C, D, H, W).
    """
    return kernels.conv_input(y, w, shape=shape, stride=stride, padding=padding, dilation=dilation, groups=groups)


@op(shapes="N C [D] H W, N O [K] I J -> O C [R] P Q", canonical=_canonical_weight, linear=("x", "y"),
    flops=_weight_flops)  # fmt: skip
def conv_weight(
    x: Value, y: Value, *, shape: Shape, stride: Shape, padding: Shape, dilation: Shape, groups: int
) -> Value:
    """The transpose of `conv` in w: the correlation of x with y at each offset of a kernel.

    Args:
        x: images or volumes.
        y: what `conv` gives.
        shape: the sizes of the kernels.
        stride: pixels between neighboring windows (default 1).
        padding: pixels of zeros around the image (default 0).
        dilation: pixels between the taps of a kernel (default 1).
        groups: into how many parts the channels fall, each with kernels of its own (default 1).

    Shapes: x (N, C, H, W), y (N, O, I, J) -> (O, C/groups, P, Q); of volumes x (N, C, D, H, W), y (N, O, K, I, J) ->
    (O, C/groups, R, P, Q).
    """
    return kernels.conv_weight(x, y, shape=shape, stride=stride, padding=padding, dilation=dilation, groups=groups)


@conv.vjp("x")
def _(g: Value, w: Value, x_shape: Shape, *, stride: Shape, padding: Shape, dilation: Shape, groups: int) -> Value:
    return conv_input(g, w, shape=x_shape, stride=stride, padding=padding, dilation=dilation, groups=groups)


@conv.vjp("w")
def _(g: Value, x: Value, w_shape: Shape, *, stride: Shape, padding: Shape, dilation: Shape, groups: int) -> Value:
    return conv_weight(x, g, shape=w_shape, stride=stride, padding=padding, dilation=dilation, groups=groups)


# On arrays the same needs no ops in between, whose settings are checked anew.
@conv.fast_vjp("x")
def _(g: Value, w: Value, x_shape: Shape, *, stride: Shape, padding: Shape, dilation: Shape, groups: int) -> Value:
    return kernels.conv_input(g, w, shape=x_shape, stride=stride, padding=padding, dilation=dilation, groups=groups)


@conv.fast_vjp("w")
def _(g: Value, x: Value, w_shape: Shape, *, stride: Shape, padding: Shape, dilation: Shape, groups: int) -> Value:
    return kernels.conv_weight(x, g, shape=w_shape, stride=stride, padding=padding, dilation=dilation, groups=groups)


@conv_input.vjp("y")
def _(g: Value, w: Value, *, stride: Shape, padding: Shape, dilation: Shape, groups: int) -> Value:
    return conv(g, w, None, stride=stride, padding=padding, dilation=dilation, groups=groups)


@conv_input.vjp("w")
def _(g: Value, y: Value, w_shape: Shape, *, stride: Shape, padding: Shape, dilation: Shape, groups: int) -> Value:
    return conv_weight(g, y, shape=w_shape, stride=stride, padding=padding, dilation=dilation, groups=groups)


@conv_weight.vjp("x")
def _(g: Value, y: Value, x_shape: Shape, *, stride: Shape, padding: Shape, dilation: Shape, groups: int) -> Value:
    return conv_input(y, g, shape=x_shape, stride=stride, padding=padding, dilation=dilation, groups=groups)


@conv_weight.vjp("y")
def _(g: Value, x: Value, *, stride: Shape, padding: Shape, dilation: Shape, groups: int) -> Value:
    return conv(x, g, None, stride=stride, padding=padding, dilation=dilation, groups=groups)


@conv.vjp("b")
def _(g: Value) -> Value:
    return sum(g, axis=(0, *range(2, len(shape_of(g)))))


@conv.fast_vjp("b")
def _(g: Value) -> Value:
    return kernels.sum_by_channel(g)
