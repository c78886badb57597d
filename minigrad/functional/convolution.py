"""Convolutions: plain, transposed, with a flipped kernel, and without shared weights."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeAlias

from minigrad import ops
from minigrad.autograd.tensor import Tensor
from minigrad.errors import ShapeError, UsageError, shape_text
from minigrad.functional.common import on_batch, on_rows, row_setting
from minigrad.kernels.window_geometry import effective_kernel_size
from minigrad.shapes import per_axis, shape_of
from minigrad.typing import ArrayLike, PairLike, Settings, Shape

Padding: TypeAlias = "PairLike | str"
"""Pixels of zeros at each end, one number or one for each side, or "valid" (none), or "same"."""


def conv2d(
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: PairLike = 1,
    padding: Padding = 0,
    dilation: PairLike = 1,
    groups: int = 1,
) -> Tensor:
    """out[n,o,i,j] = bias[o] + sum_cpq x[n, c, stride*i + dilation*p - padding, ...] * weight[o,c,p,q].

    Convolution of images, without flipping the kernel; x outside of the image counts as 0.

    Args:
        x: images, or one image.
        weight: the kernels, one for each channel of the result.
        bias: a number for each channel of the result; 0 unless given.
        stride: pixels between neighboring windows (default 1).
        padding: pixels of zeros around the image; or "valid", none; or "same", so many that I = H and J = W, which
            needs stride 1: an odd one goes to the bottom and to the right (default 0).
        dilation: pixels between the taps of a kernel (default 1).
        groups: into how many parts the channels fall, each with kernels of its own (default 1).

    Shapes: x (N, C, H, W) or (C, H, W), weight (O, C/groups, P, Q), bias (O) -> (N, O, I, J) or (O, I, J) with
    I = floor((H + 2*padding - dilation*(P - 1) - 1) / stride) + 1, and J likewise.

    Raises:
        DTypeError: x is not floating.
        ShapeError: sizes that do not fit together, or a kernel that is larger than the padded image.
        UsageError: padding "same" with a stride, or another word.

    Source: LeCun et al. 1998, "Gradient-based learning applied to document recognition"; arithmetic: Dumoulin and Visin
    2016, arXiv:1603.07285.

    >>> x = Tensor([[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]])
    >>> conv2d(x, [[[[1.0, -1.0]]]]).tolist()
    [[[-1.0, -1.0], [-1.0, -1.0]]]
    """
    return _convolution(x, weight, bias, stride, padding, dilation, groups, 2)


def conv3d(
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: PairLike = 1,
    padding: Padding = 0,
    dilation: PairLike = 1,
    groups: int = 1,
) -> Tensor:
    """out[n,o,k,i,j] = bias[o] + sum_crpq x[n, c, stride*k + dilation*r - padding, ...] * weight[o,c,r,p,q].

    Convolution of volumes, such as videos, without flipping the kernel; x outside of the volume counts as 0.

    Args:
        x: volumes, or one volume.
        weight: the kernels, one for each channel of the result.
        bias: a number for each channel of the result; 0 unless given.
        stride: elements between neighboring windows, one number or one for each of depth, height and width; likewise
            below (default 1).
        padding: zeros around the volume; or "valid", none; or "same", so many that the size stays, which needs stride
            1: an odd one goes to the ends (default 0).
        dilation: elements between the taps of a kernel (default 1).
        groups: into how many parts the channels fall, each with kernels of its own (default 1).

    Shapes: x (N, C, D, H, W) or (C, D, H, W), weight (O, C/groups, R, P, Q), bias (O) -> (N, O, K, I, J) or
    (O, K, I, J) with K = floor((D + 2*padding - dilation*(R - 1) - 1) / stride) + 1, and I and J likewise.

    Raises:
        DTypeError: x is not floating.
        ShapeError: sizes that do not fit together, or a kernel that is larger than the padded volume.
        UsageError: padding "same" with a stride, or another word.

    Source: Tran et al. 2015, "Learning spatiotemporal features with 3D convolutional networks", arXiv:1412.0767.

    >>> x = Tensor([[[[1.0, 2.0]], [[3.0, 5.0]]]])
    >>> conv3d(x, [[[[[-1.0]], [[1.0]]]]]).tolist()
    [[[[2.0, 3.0]]]]
    """
    return _convolution(x, weight, bias, stride, padding, dilation, groups, 3)


def _convolution(
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None,
    stride: PairLike,
    padding: Padding,
    dilation: PairLike,
    groups: int,
    sides: int,
) -> Tensor:
    settings: Settings = {"stride": stride, "dilation": dilation, "groups": groups}

    def convolved(images: ArrayLike) -> Tensor:
        if not isinstance(padding, str):
            return ops.conv(images, weight, bias, padding=padding, **settings)
        padded, width = _evenly_padded(images, shape_of(weight)[2:], stride, padding, dilation)
        return ops.conv(padded, weight, bias, padding=width, **settings)

    return on_batch(convolved, x, sides + 2)


def _evenly_padded(
    x: ArrayLike, kernel: Sequence[int], stride: PairLike, padding: str, dilation: PairLike
) -> tuple[ArrayLike, Shape]:
    """x with the pixels that make uneven padding even, and the even padding."""
    if padding not in ("valid", "same"):
        raise UsageError(f'padding is a number, one for each side, "valid" or "same", not {padding!r}')
    sides = len(kernel)
    if padding == "valid" or len(shape_of(x)) != sides + 2:
        return x, (0,) * (len(shape_of(x)) - 2)
    if max(per_axis(stride, sides)) > 1:
        raise UsageError(f'padding "same" keeps the size, which stride {stride} does not: give the padding in pixels')
    total = [effective_kernel_size(k, d) - 1 for k, d in zip(kernel, per_axis(dilation, sides), strict=True)]
    if any(n % 2 for n in total):
        x = ops.pad(x, widths=((0, 0), (0, 0), *[(0, n % 2) for n in total]))
    return x, tuple([n // 2 for n in total])


def conv1d(
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: int = 1,
    padding: int | str = 0,
    dilation: int = 1,
    groups: int = 1,
) -> Tensor:
    """out[n,o,j] = bias[o] + sum_cq x[n, c, stride*j + dilation*q - padding] * weight[o,c,q].

    Convolution of sequences: `conv2d` on images that are one row high.

    Args:
        x: sequences, or one sequence.
        weight: the kernels, one for each channel of the result.
        bias: a number for each channel of the result; 0 unless given.
        stride: elements between neighboring windows (default 1).
        padding: zeros at both ends; or "valid", none; or "same", so many that J = T, which needs stride 1 (default 0).
        dilation: elements between the taps of a kernel (default 1).
        groups: into how many parts the channels fall, each with kernels of its own (default 1).

    Shapes: x (N, C, T) or (C, T), weight (O, C/groups, Q), bias (O) -> (N, O, J) or (O, J) with
    J = floor((T + 2*padding - dilation*(Q - 1) - 1) / stride) + 1.

    Raises:
        DTypeError: x is not floating.
        ShapeError: sizes that do not fit together, or a kernel that is longer than the padded sequence.
        UsageError: padding "same" with a stride, or another word; a setting that is no single integer.
    """
    width = padding if isinstance(padding, str) else row_setting(padding, 0)
    settings = (row_setting(stride), width, row_setting(dilation), groups)
    kernel = ops.expand_dims(weight, axis=-2)
    return on_rows(lambda rows: conv2d(rows, kernel, bias, *settings), x)


def true_conv2d(
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: PairLike = 1,
    padding: Padding = 0,
    dilation: PairLike = 1,
    groups: int = 1,
) -> Tensor:
    """out[n,o,i,j] = bias[o] + sum_cpq x[n, c, stride*i + dilation*p - padding, ...] * weight[o, c, P-1-p, Q-1-q].

    Convolution as mathematics has it, with the kernel flipped: `conv2d` by weight[:, :, ::-1, ::-1]. With a single
    pixel that is 1 for x (and padding all around), the result is the kernel itself.

    Args:
        x: images, or one image.
        weight: the kernels, one for each channel of the result.
        bias: a number for each channel of the result; 0 unless given.
        stride: pixels between neighboring windows (default 1).
        padding: pixels of zeros around the image, or "valid" or "same" as for `conv2d` (default 0).
        dilation: pixels between the taps of a kernel (default 1).
        groups: into how many parts the channels fall, each with kernels of its own (default 1).

    Shapes: x (N, C, H, W) or (C, H, W), weight (O, C/groups, P, Q), bias (O) -> (N, O, I, J) or (O, I, J), as `conv2d`.

    Raises:
        DTypeError: x is not floating.
        ShapeError: sizes that do not fit together, or a kernel that is larger than the padded image.
        UsageError: padding "same" with a stride, or another word.
    """
    return conv2d(x, ops.flip(weight, axis=(-2, -1)), bias, stride, padding, dilation, groups)


def locally_connected2d(
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: PairLike = 1,
    padding: PairLike = 0,
    dilation: PairLike = 1,
) -> Tensor:
    """out[n,o,i,j] = bias[o,i,j] + sum_cpq x[n, c, stride*i + dilation*p - padding, ...] * weight[i,j,o,c,p,q].

    Convolution whose weights are not shared: each position of the result has kernels of its own.

    Args:
        x: images, or one image.
        weight: the kernels, one for each channel and position of the result.
        bias: a number for each channel and position of the result; 0 unless given.
        stride: pixels between neighboring windows (default 1).
        padding: pixels of zeros around the image (default 0).
        dilation: pixels between the taps of a kernel (default 1).

    Shapes: x (N, C, H, W) or (C, H, W), weight (I, J, O, C, P, Q), bias (O, I, J) -> (N, O, I, J) or (O, I, J), I and J
    as for `conv2d`.

    Raises:
        ShapeError: sizes that do not fit together, or a kernel that is larger than the padded image.

    Source: Taigman et al. 2014, "DeepFace"; LeCun 1989, "Generalization and network design strategies".
    """
    if len(shape_of(weight)) != 6:
        raise ShapeError(f"locally_connected2d: weight is (I, J, O, C, P, Q), got shape {shape_of(weight)}")
    rows, columns, o, c, *kernel = shape_of(weight)

    def connected(images: ArrayLike) -> Tensor:
        read = ops.unfold(images, kernel=kernel, stride=stride, padding=padding, dilation=dilation)
        n, channels, *_, i, j = shape_of(read)
        if (i, j, channels) != (rows, columns, c):
            expected = shape_text((i, j, o, channels, *kernel), "I J O C P Q")
            raise ShapeError(
                f"locally_connected2d: images {shape_text(shape_of(images), 'N C H W')} need a weight of {expected}, "
                f"got {shape_text(shape_of(weight), 'I J O C P Q')}"
            )
        depth = c * math.prod(kernel)
        inputs = ops.reshape(ops.permute_dims(read, axes=(4, 5, 1, 2, 3, 0)), shape=(i, j, depth, n))
        kernels = ops.reshape(weight, shape=(i, j, o, depth))
        return ops.permute_dims(ops.matmul(kernels, inputs), axes=(3, 2, 0, 1))

    out = on_batch(connected, x, 4)
    return out if bias is None else ops.add(out, bias)
