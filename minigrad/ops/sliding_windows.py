"""Windows of an image or volume side by side, and added back to the image: each op is the transpose of the other.

    out[n, c, p, q, i, j] = x[n, c, stride*i + dilation*p - padding, stride*j + dilation*q - padding]

where x outside of the image counts as 0. With them a convolution is a matrix product, and any function of windows a
reduction over p and q.
"""

from __future__ import annotations

import numpy as np

from minigrad import kernels
from minigrad.autograd.registry import op
from minigrad.errors import ShapeError
from minigrad.ops.convolution import checked_output_size
from minigrad.shapes import per_axis
from minigrad.typing import ArrayLike, PairLike, Settings, Shape, Value


def _geometry(sides: int, stride: Value, padding: Value, dilation: Value) -> dict[str, Shape]:
    settings = {
        "stride": per_axis(stride, sides), "padding": per_axis(padding, sides), "dilation": per_axis(dilation, sides)
    }  # fmt: skip
    if min(*settings["stride"], *settings["dilation"]) < 1 or min(settings["padding"]) < 0:
        raise ShapeError("stride and dilation must be at least 1, and padding at least 0")
    return settings


def _unfolding(
    x: ArrayLike,
    *,
    kernel: PairLike,
    stride: PairLike = 1,
    padding: PairLike = 0,
    dilation: PairLike = 1,
    count: Shape | None = None,
) -> Settings:
    sides = np.ndim(x) - 2
    settings, kernel = _geometry(sides, stride, padding, dilation), per_axis(kernel, sides)
    if min(kernel) < 1:
        raise ShapeError(f"a kernel has at least one pixel, not {kernel}")
    if count is None:
        count = checked_output_size(np.shape(x)[2:], kernel, **settings)
    return {"kernel": kernel, **settings, "count": tuple(count)}


def _folding(
    y: ArrayLike, *, shape: Shape, stride: PairLike = 1, padding: PairLike = 0, dilation: PairLike = 1
) -> Settings:
    return {"shape": tuple(shape), **_geometry(len(shape) - 2, stride, padding, dilation)}


@op(shapes="N C [D] H W -> N C [R] P Q [K] I J", canonical=_unfolding, linear=("x",))
def unfold(x: Value, *, kernel: Shape, stride: Shape, padding: Shape, dilation: Shape, count: Shape) -> Value:
    """out[n,c,p,q,i,j] = x[n, c, stride*i + dilation*p - padding, ...], and 0 where that is outside of x.

    (`minigrad.functional.unfold` has the same numbers in PyTorch's layout, (N, C*P*Q, I*J).)

    Args:
        x: images or volumes.
        kernel: the rows and columns P, Q of a window; of volumes R, P, Q.
        stride: pixels between neighboring windows (default 1).
        padding: pixels of zeros around the image (default 0).
        dilation: pixels between the taps of a window (default 1).
        count: the number I, J of windows, or K, I, J; as many as fit unless given.

    Shapes: x (N, C, H, W) -> (N, C, P, Q, I, J), or (N, C, D, H, W) -> (N, C, R, P, Q, K, I, J).

    Raises:
        ShapeError: the kernel is larger than the padded image; a setting that is too small.
    """
    return kernels.unfold(x, kernel=kernel, stride=stride, padding=padding, dilation=dilation, count=count)


@op(shapes="N C [R] P Q [K] I J -> N C [D] H W", canonical=_folding, linear=("y",), onnx="Col2Im")
def fold(y: Value, *, shape: Shape, stride: Shape, padding: Shape, dilation: Shape) -> Value:
    """The transpose of `unfold`: each y added to the pixel of an image that it would be read from.

    Args:
        y: windows.
        shape: the sizes of the image or volume.
        stride: pixels between neighboring windows (default 1).
        padding: pixels around the image that windows read, too (default 0).
        dilation: pixels between the taps of a window (default 1).

    Shapes: y (N, C, P, Q, I, J) -> (N, C, H, W), or (N, C, R, P, Q, K, I, J) -> (N, C, D, H, W).

    Raises:
        ShapeError: a setting that is too small.
    """
    return kernels.fold(y, shape=shape, stride=stride, padding=padding, dilation=dilation)


@unfold.vjp("x")
def _(g: Value, x_shape: Shape, *, stride: Shape, padding: Shape, dilation: Shape) -> Value:
    return fold(g, shape=x_shape, stride=stride, padding=padding, dilation=dilation)


@fold.vjp("y")
def _(g: Value, y_shape: Shape, *, stride: Shape, padding: Shape, dilation: Shape) -> Value:
    settings = {"stride": stride, "padding": padding, "dilation": dilation}
    sides = len(stride)
    return unfold(g, kernel=y_shape[2 : 2 + sides], count=y_shape[2 + sides :], **settings)
