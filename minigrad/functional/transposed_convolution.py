"""Transposed convolution: each pixel spreads its kernel over the result."""

from __future__ import annotations

from minigrad import ops
from minigrad.autograd.tensor import Tensor
from minigrad.errors import ShapeError, UsageError
from minigrad.functional.common import on_batch, on_rows, row_setting
from minigrad.kernels.window_geometry import transposed_size
from minigrad.shapes import per_axis, shape_of
from minigrad.typing import ArrayLike, PairLike, Settings


def conv_transpose2d(
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: PairLike = 1,
    padding: PairLike = 0,
    output_padding: PairLike = 0,
    groups: int = 1,
    dilation: PairLike = 1,
) -> Tensor:
    """out[n,o,h,w] = bias[o] + sum of x[n,c,i,j] * weight[c,o,p,q], where stride*i + dilation*p - padding = h.

    (And w likewise.) The transpose of `conv2d` in its image: each pixel of x spreads its kernel over the result.

    Args:
        x: images, or one image.
        weight: the kernels, one for each channel of x.
        bias: a number for each channel of the result; 0 unless given.
        stride: pixels of the result between what neighboring pixels of x spread (default 1).
        padding: pixels that are cut off all around the result (default 0).
        output_padding: pixels more at the bottom and right, less than stride or dilation: among the sizes that a
            `conv2d` would bring to that of x it chooses one (default 0).
        groups: into how many parts the channels fall, each with kernels of its own (default 1).
        dilation: pixels between the taps of a kernel (default 1).

    Shapes: x (N, C, H, W) or (C, H, W), weight (C, O/groups, P, Q), bias (O) -> (N, O, I, J) or (O, I, J) with
    I = (H - 1)*stride - 2*padding + dilation*(P - 1) + output_padding + 1, and J likewise.

    Raises:
        ShapeError: sizes that do not fit together, or a padding that leaves nothing.
        UsageError: output_padding not smaller than stride or dilation.

    Source: Zeiler et al. 2010, "Deconvolutional networks"; arithmetic: Dumoulin and Visin 2016, arXiv:1603.07285.
    """
    return _transposed(x, weight, bias, stride, padding, output_padding, groups, dilation, 2)


def conv_transpose3d(
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: PairLike = 1,
    padding: PairLike = 0,
    output_padding: PairLike = 0,
    groups: int = 1,
    dilation: PairLike = 1,
) -> Tensor:
    """out[n,o,k,i,j] = bias[o] + sum of x[n,c,d,h,w] * weight[c,o,r,p,q], where stride*d + dilation*r - padding = k.

    (And i and j likewise.) The transpose of `conv3d` in its volume: each element of x spreads its kernel over the
    result.

    Args:
        x: volumes, or one volume.
        weight: the kernels, one for each channel of x.
        bias: a number for each channel of the result; 0 unless given.
        stride: elements of the result between what neighbors in x spread (default 1).
        padding: elements that are cut off all around the result (default 0).
        output_padding: elements more at the end of each side, less than stride or dilation: among the sizes that a
            `conv3d` would bring to that of x it chooses one (default 0).
        groups: into how many parts the channels fall, each with kernels of its own (default 1).
        dilation: elements between the taps of a kernel (default 1).

    Shapes: x (N, C, D, H, W) or (C, D, H, W), weight (C, O/groups, R, P, Q), bias (O) -> (N, O, K, I, J) or
    (O, K, I, J) with K = (D - 1)*stride - 2*padding + dilation*(R - 1) + output_padding + 1, and I and J likewise.

    Raises:
        ShapeError: sizes that do not fit together, or a padding that leaves nothing.
        UsageError: output_padding not smaller than stride or dilation.

    Source: Zeiler et al. 2010, "Deconvolutional networks"; arithmetic: Dumoulin and Visin 2016, arXiv:1603.07285.
    """
    return _transposed(x, weight, bias, stride, padding, output_padding, groups, dilation, 3)


def _transposed(
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None,
    stride: PairLike,
    padding: PairLike,
    output_padding: PairLike,
    groups: int,
    dilation: PairLike,
    sides: int,
) -> Tensor:
    name, letters = f"conv_transpose{sides}d", {2: "P, Q", 3: "R, P, Q"}[sides]
    stride, padding, dilation, extra = (per_axis(n, sides) for n in (stride, padding, dilation, output_padding))
    if any(not 0 <= e < max(s, d) for e, s, d in zip(extra, stride, dilation, strict=True)):
        raise UsageError(f"{name}: output_padding {extra} must be smaller than stride {stride} or dilation {dilation}")
    if len(shape_of(weight)) != sides + 2:
        raise ShapeError(f"{name}: weight is (C, O/groups, {letters}), got shape {shape_of(weight)}")
    settings: Settings = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}

    def spread(images: ArrayLike) -> Tensor:
        (n, _, *size), (_, o, *kernel) = shape_of(images), shape_of(weight)
        axes = zip(size, kernel, stride, padding, dilation, extra, strict=True)
        sizes = [transposed_size(*axis) for axis in axes]
        if min(sizes) < 1:
            raise ShapeError(f"{name}: padding {padding} leaves no pixel of {tuple(sizes)}: use a smaller one")
        beyond = [e // s for e, s in zip(extra, stride, strict=True)]  # a convolution of the result has more pixels
        if any(beyond):
            images = ops.pad(images, widths=((0, 0), (0, 0), *((0, b) for b in beyond)))
        out = ops.conv_input(images, weight, shape=(n, o * groups, *sizes), **settings)
        return out if bias is None else ops.add(out, ops.reshape(bias, shape=(-1, *(1,) * sides)))

    return on_batch(spread, x, sides + 2)


def conv_transpose1d(
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: int = 1,
    padding: int = 0,
    output_padding: int = 0,
    groups: int = 1,
    dilation: int = 1,
) -> Tensor:
    """out[n,o,t] = bias[o] + sum of x[n,c,j] * weight[c,o,q], where stride*j + dilation*q - padding = t.

    The transpose of `conv1d`: `conv_transpose2d` on images that are one row high.

    Args:
        x: sequences, or one sequence.
        weight: the kernels, one for each channel of x.
        bias: a number for each channel of the result; 0 unless given.
        stride: elements of the result between what neighboring elements of x spread (default 1).
        padding: elements that are cut off at both ends of the result (default 0).
        output_padding: elements more at the end, less than stride or dilation (default 0).
        groups: into how many parts the channels fall, each with kernels of its own (default 1).
        dilation: elements between the taps of a kernel (default 1).

    Shapes: x (N, C, T) or (C, T), weight (C, O/groups, Q), bias (O) -> (N, O, J) or (O, J) with
    J = (T - 1)*stride - 2*padding + dilation*(Q - 1) + output_padding + 1.

    Raises:
        ShapeError: sizes that do not fit together, or a padding that leaves nothing.
        UsageError: output_padding not smaller than stride or dilation; a setting that is no single integer.
    """
    settings = (
        row_setting(stride),
        row_setting(padding, 0),
        row_setting(output_padding, 0),
        groups,
        row_setting(dilation),
    )
    kernel = ops.expand_dims(weight, axis=-2)
    return on_rows(lambda rows: conv_transpose2d(rows, kernel, bias, *settings), x)
