"""Max and average pooling of images and volumes, and the ops that are their transposes.

Where a pixel is, is told as one number: h*W + w, in a volume (d*H + h)*W + w.
"""

from __future__ import annotations

import numpy as np

from minigrad import kernels
from minigrad.autograd.registry import op
from minigrad.errors import ShapeError
from minigrad.kernels.window_geometry import effective_kernel_size, output_size, window_span
from minigrad.ops.convolution import checked_output_size, require_floating
from minigrad.ops.padding import pad
from minigrad.ops.reduce import max
from minigrad.ops.sliding_windows import unfold
from minigrad.shapes import per_axis, shape_of
from minigrad.typing import ArrayLike, PairLike, Settings, Shape, Value


def pooling(
    x: ArrayLike,
    *,
    kernel: PairLike,
    stride: PairLike | None = None,
    padding: PairLike = 0,
    dilation: PairLike = 1,
    ceil_mode: bool = False,
    size: Shape | None = None,
) -> Settings:
    """The settings of a pooling of x in canonical form, `ceil_mode` resolved to the size of the result."""
    require_floating(x)
    sides = np.ndim(x) - 2
    kernel, padding, dilation = per_axis(kernel, sides), per_axis(padding, sides), per_axis(dilation, sides)
    stride = kernel if stride is None else per_axis(stride, sides)
    if min(*kernel, *stride, *dilation) < 1 or min(padding) < 0:
        raise ShapeError("kernel, stride and dilation must be at least 1, and padding at least 0")
    if any(2 * p > k for p, k in zip(padding, kernel, strict=True)):
        raise ShapeError(f"padding {padding} is more than half of the kernel {kernel}: a window could be all padding")
    if size is None:
        size = _pooled_size(np.shape(x)[2:], kernel, stride, padding, dilation, ceil_mode)
    return {"kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation, "size": size}


def _pooled_size(size: Shape, kernel: Shape, stride: Shape, padding: Shape, dilation: Shape, ceil_mode: bool) -> Shape:
    """The sides of the result. With `ceil_mode`, a last window may hang over the edge if it starts inside."""
    if not ceil_mode:
        return checked_output_size(size, kernel, stride, padding, dilation)
    count = output_size(size, kernel, stride, padding, dilation, ceil_mode=True)
    for n, k, p, d, windows in zip(size, kernel, padding, dilation, count, strict=True):
        if windows < 1:
            raise ShapeError(
                f"a window of {effective_kernel_size(k, d)} pixels does not fit into {n} + 2*{p} pixels, with "
                "ceil_mode as well: make the kernel or its dilation smaller, or the padding larger"
            )
    return count


def _max_by_windows(x: Value, *, kernel: Shape, stride: Shape, padding: Shape, dilation: Shape, size: Shape) -> Value:
    widths = [(0, 0), (0, 0)]
    for n, k, s, p, d, count in zip(shape_of(x)[2:], kernel, stride, padding, dilation, size, strict=True):
        beyond = window_span(count, k, s, d) - n - p
        widths.append((p, beyond if beyond > 0 else 0))
    padded = pad(x, widths=widths, value=-np.inf)
    read = unfold(padded, kernel=kernel, stride=stride, dilation=dilation, count=size)
    return max(read, axis=tuple(range(2, 2 + len(size))))


@op(shapes="N C [D] H W -> N C [K] I J", canonical=pooling, residuals=("positions",), kinks="ties",
    reference=_max_by_windows, onnx="MaxPool",
    source="Ranzato et al. 2007; overlapping windows: Krizhevsky et al. 2012")  # fmt: skip
def max_pool(x: Value, *, kernel: Shape, stride: Shape, padding: Shape, dilation: Shape, size: Shape) -> Value:
    """out[n,c,i,j] = the largest x in the window at (i, j); at a tie the first in row-major order gets the gradient.

    Args:
        x: images or volumes.
        kernel: the rows and columns P, Q of a window; of volumes R, P, Q.
        stride: pixels between neighboring windows; the kernel's size unless given.
        padding: pixels around the image that windows may reach, at most half of the kernel (default 0).
        dilation: pixels between the taps of a window (default 1).
        ceil_mode: whether a last window may reach over the edge, if it begins inside (default False).
        size: the rows and columns of the result; as many as fit unless given.

    Shapes: x (N, C, H, W) -> (N, C, I, J), or (N, C, D, H, W) -> (N, C, K, I, J).

    Raises:
        DTypeError: x is not floating.
        ShapeError: the kernel is larger than the padded image; a setting that is too small, a padding that is too
            large.
    """
    return kernels.max_pool(x, kernel=kernel, stride=stride, padding=padding, dilation=dilation, out_size=size)


@op(shapes="N C [D] H W -> N C [K] I J", canonical=pooling, non_differentiable=("x",))
def max_positions(x: Value, *, kernel: Shape, stride: Shape, padding: Shape, dilation: Shape, size: Shape) -> Value:
    """The position h*W + w of the pixel that `max_pool` gives, or -1 for a window that sees no pixel.

    Args:
        x: images or volumes.
        kernel: the rows and columns P, Q of a window; of volumes R, P, Q.
        stride: pixels between neighboring windows; the kernel's size unless given.
        padding: pixels around the image that windows may reach, at most half of the kernel (default 0).
        dilation: pixels between the taps of a window (default 1).
        ceil_mode: whether a last window may reach over the edge, if it begins inside (default False).
        size: the rows and columns of the result; as many as fit unless given.

    Shapes: x (N, C, H, W) -> (N, C, I, J), or (N, C, D, H, W) -> (N, C, K, I, J).

    Raises:
        DTypeError: x is not floating.
        ShapeError: the kernel is larger than the padded image; a setting that is too small, a padding that is too
            large.
    """
    return kernels.max_pool(x, kernel=kernel, stride=stride, padding=padding, dilation=dilation, out_size=size)[1]


def _grid(x: ArrayLike, *, size: PairLike) -> Settings:
    require_floating(x)
    sides = np.shape(x)[2:]
    size = per_axis(size, len(sides))
    if min(size) < 0 or (0 in sides and any(size)):
        raise ShapeError(f"an image of {sides} pixels has no {' x '.join(map(str, size))} cells")
    return {"size": size}


@op(shapes="N C [D] H W -> N C [K] I J", canonical=_grid, non_differentiable=("x",))
def adaptive_positions(x: Value, *, size: Shape) -> Value:
    """The position h*W + w of the first largest pixel in each cell of a grid of I x J cells over the image.

    Args:
        x: images or volumes.
        size: the rows and columns I, J of the grid; of volumes K, I, J.

    Shapes: x (N, C, H, W) -> (N, C, I, J), or (N, C, D, H, W) -> (N, C, K, I, J).

    Raises:
        DTypeError: x is not floating.
        ShapeError: the image has no pixels.
    """
    return kernels.adaptive_positions(x, size=size)


@op(shapes="N C [K] I J, N C [K] I J -> N C [D] H W", non_differentiable=("positions",), linear=("x",),
    onnx="MaxUnpool")  # fmt: skip
def max_unpool(x: Value, positions: Value, *, shape: Shape) -> Value:
    """An image of zeros with each x added at its position h*W + w: the transpose of `max_pool` at fixed positions.

    Args:
        x: numbers.
        positions: integers; -1 is nowhere.
        shape: the sizes of the image or volume.

    Shapes: x, positions (N, C, I, J) -> (N, C, H, W), or (N, C, K, I, J) -> (N, C, D, H, W).
    """
    return kernels.max_pool_input(x, positions, shape=shape)


@op(shapes="N C [D] H W, N C [K] I J -> N C [K] I J", non_differentiable=("positions",), linear=("x",))
def pool_take(x: Value, positions: Value) -> Value:
    """out[n,c,i,j] = x at the position h*W + w named for it: `max_pool` at fixed positions.

    Args:
        x: images or volumes.
        positions: integers; at -1 the result is 0.

    Shapes: x (N, C, H, W), positions (N, C, I, J) -> as positions; likewise of volumes.
    """
    return kernels.max_pool_take(x, positions)


@max_pool.vjp("x")
def _(g: Value, positions: Value, x_shape: Shape) -> Value:
    return max_unpool(g, positions, shape=x_shape)


@max_pool.fast_vjp("x")
def _(g: Value, positions: Value, x_shape: Shape) -> Value:
    return kernels.max_pool_input(g, positions, shape=x_shape)


@max_unpool.vjp("x")
def _(g: Value, positions: Value) -> Value:
    return pool_take(g, positions)


@pool_take.vjp("x")
def _(g: Value, positions: Value, x_shape: Shape) -> Value:
    return max_unpool(g, positions, shape=x_shape)


def _averaging(
    x: ArrayLike,
    *,
    kernel: PairLike,
    stride: PairLike | None = None,
    padding: PairLike = 0,
    ceil_mode: bool = False,
    size: Shape | None = None,
    count_include_pad: bool = True,
) -> Settings:
    settings = pooling(x, kernel=kernel, stride=stride, padding=padding, ceil_mode=ceil_mode, size=size)
    del settings["dilation"]
    return {**settings, "count_include_pad": bool(count_include_pad)}


@op(shapes="N C [D] H W -> N C [K] I J", canonical=_averaging, linear=("x",), onnx="AveragePool")
def avg_pool(x: Value, *, kernel: Shape, stride: Shape, padding: Shape, size: Shape, count_include_pad: bool) -> Value:
    """out[n,c,i,j] = the mean of x over the window at (i, j).

    Args:
        x: images or volumes.
        kernel: the rows and columns P, Q of a window; of volumes R, P, Q.
        stride: pixels between neighboring windows; the kernel's size unless given.
        padding: pixels around the image that windows may reach, at most half of the kernel (default 0).
        ceil_mode: whether a last window may reach over the edge, if it begins inside (default False).
        size: the rows and columns of the result; as many as fit unless given.
        count_include_pad: whether the padding counts in the mean, as zeros (default True).

    Shapes: x (N, C, H, W) -> (N, C, I, J), or (N, C, D, H, W) -> (N, C, K, I, J).

    Raises:
        DTypeError: x is not floating.
        ShapeError: the kernel is larger than the padded image; a setting that is too small, a padding that is too
            large.
    """
    return kernels.avg_pool(
        x, kernel=kernel, stride=stride, padding=padding, count_include_pad=count_include_pad, out_size=size
    )


@op(shapes="N C [K] I J -> N C [D] H W", linear=("y",))
def avg_pool_input(
    y: Value, *, shape: Shape, kernel: Shape, stride: Shape, padding: Shape, count_include_pad: bool
) -> Value:
    """The transpose of `avg_pool`: each y spread evenly over the pixels of its window.

    Args:
        y: what `avg_pool` gives.
        shape: the sizes of the image or volume.
        kernel: the rows and columns P, Q of a window; of volumes R, P, Q.
        stride: pixels between neighboring windows.
        padding: pixels around the image that windows may reach.
        count_include_pad: whether the padding counts in the mean.

    Shapes: y (N, C, I, J) -> (N, C, H, W), or (N, C, K, I, J) -> (N, C, D, H, W).
    """
    return kernels.avg_pool_input(
        y, shape=shape, kernel=kernel, stride=stride, padding=padding, count_include_pad=count_include_pad
    )


@avg_pool.vjp("x")
def _(g: Value, x_shape: Shape, *, kernel: Shape, stride: Shape, padding: Shape, count_include_pad: bool) -> Value:
    return avg_pool_input(
        g, shape=x_shape, kernel=kernel, stride=stride, padding=padding, count_include_pad=count_include_pad
    )


@avg_pool.fast_vjp("x")
def _(g: Value, x_shape: Shape, *, kernel: Shape, stride: Shape, padding: Shape, count_include_pad: bool) -> Value:
    return kernels.avg_pool_input(
        g, shape=x_shape, kernel=kernel, stride=stride, padding=padding, count_include_pad=count_include_pad
    )


@avg_pool_input.vjp("y")
def _(g: Value, y_shape: Shape, *, kernel: Shape, stride: Shape, padding: Shape, count_include_pad: bool) -> Value:
    size = y_shape[2:]
    return avg_pool(g, kernel=kernel, stride=stride, padding=padding, size=size, count_include_pad=count_include_pad)
