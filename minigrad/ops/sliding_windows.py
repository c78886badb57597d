"""Windows of an image side by side, and added back to the image: each op is the transpose of the other.

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
from minigrad.shapes import pair
from minigrad.typing import ArrayLike, Pair, PairLike, Settings, Shape, Value


def _geometry(stride: Value, padding: Value, dilation: Value) -> dict[str, Pair]:
    settings = {"stride": pair(stride), "padding": pair(padding), "dilation": pair(dilation)}
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
    settings, kernel = _geometry(stride, padding, dilation), pair(kernel)
    if min(kernel) < 1:
        raise ShapeError(f"a kernel has at least one pixel, not {kernel}")
    if count is None:
        count = checked_output_size(np.shape(x)[2:], kernel, **settings)
    return {"kernel": kernel, **settings, "count": tuple(count)}


def _folding(
    y: ArrayLike, *, shape: Shape, stride: PairLike = 1, padding: PairLike = 0, dilation: PairLike = 1
) -> Settings:
    return {"shape": tuple(shape), **_geometry(stride, padding, dilation)}


@op(shapes="N C H W -> N C P Q I J", canonical=_unfolding, linear=("x",))
def unfold(x: Value, *, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair, count: Pair) -> Value:
    """out[n,c,p,q,i,j] = x[n, c, stride*i + dilation*p - padding, ...], and 0 where that is outside of x.

    (`minigrad.functional.unfold` has the same numbers in PyTorch's layout, (N, C*P*Q, I*J).)

    Args:
        x: images.
        kernel: the rows and columns P, Q of a window.
        stride: pixels between neighboring windows (default 1).
        padding: pixels of zeros around the image (default 0).
        dilation: pixels between the taps of a window (default 1).
        count: the number I, J of windows; as many as fit unless given.

    Shapes: x (N, C, H, W) -> (N, C, P, Q, I, J).

    Raises:
        ShapeError: the kernel is larger than the padded image; a setting that is too small.
    """
    return kernels.unfold(x, kernel=kernel, stride=stride, padding=padding, dilation=dilation, count=count)


@op(shapes="N C P Q I J -> N C H W", canonical=_folding, linear=("y",), onnx="Col2Im")
def fold(y: Value, *, shape: Shape, stride: Pair, padding: Pair, dilation: Pair) -> Value:
    """The transpose of `unfold`: each y added to the pixel of an image that it would be read from.

    Args:
        y: windows.
        shape: the sizes of the image.
        stride: pixels between neighboring windows (default 1).
        padding: pixels around the image that windows read, too (default 0).
        dilation: pixels between the taps of a window (default 1).

    Shapes: y (N, C, P, Q, I, J) -> (N, C, H, W).

    Raises:
        ShapeError: a setting that is too small.
    """
    return kernels.fold(y, shape=shape, stride=stride, padding=padding, dilation=dilation)


@unfold.vjp("x")
def _(g: Value, x_shape: Shape, *, stride: Pair, padding: Pair, dilation: Pair) -> Value:
    return fold(g, shape=x_shape, stride=stride, padding=padding, dilation=dilation)


@fold.vjp("y")
def _(g: Value, y_shape: Shape, *, stride: Pair, padding: Pair, dilation: Pair) -> Value:
    settings = {"stride": stride, "padding": padding, "dilation": dilation}
    return unfold(g, kernel=y_shape[2:4], count=y_shape[4:], **settings)
