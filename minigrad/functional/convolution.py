"""Convolutions: plain, transposed, with a flipped kernel, and without shared weights."""

from __future__ import annotations

import math
from typing import Any, TypeAlias

from minigrad import ops
from minigrad.autograd.tensor import Tensor
from minigrad.errors import ShapeError, UsageError, shape_text
from minigrad.functional.common import on_batch, on_rows, row_setting
from minigrad.kernels.window_geometry import effective_kernel_size, transposed_size
from minigrad.shapes import pair, shape_of
from minigrad.typing import PairLike, Settings

Padding: TypeAlias = "PairLike | str"
"""Pixels of zeros at each end, one number or one for height and one for width, or "valid" (none), or "same"."""


def conv2d(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: PairLike = 1,
    padding: Padding = 0,
    dilation: PairLike = 1,
    groups: int = 1,
) -> Tensor:
    """Convolution of images (without flipping the kernel).

    out[n,o,i,j] = bias[o] + sum_cpq x[n, c, stride*i + dilation*p - padding, ...] * weight[o,c,p,q]

    Shapes: x (N, C, H, W) or (C, H, W), weight (O, C/groups, P, Q), bias (O) -> (N, O, I, J) with
    I = floor((H + 2*padding - dilation*(P - 1) - 1) / stride) + 1, and J likewise. With padding "same", which needs
    stride 1, I = H and J = W: an odd pixel of padding goes to the bottom and to the right.

    Raises:
        ShapeError: sizes that do not fit together.
        UsageError: padding "same" with a stride.

    Source: LeCun et al. 1998, "Gradient-based learning applied to document recognition".
    """
    settings: Settings = {"stride": stride, "dilation": dilation, "groups": groups}

    def convolved(images: Any) -> Tensor:
        if not isinstance(padding, str):
            return ops.conv(images, weight, bias, padding=padding, **settings)
        framed, width = _framed(images, shape_of(weight)[2:], stride, padding, dilation)
        return ops.conv(framed, weight, bias, padding=width, **settings)

    return on_batch(convolved, x, 4)


def _framed(x: Any, kernel: Any, stride: PairLike, padding: str, dilation: PairLike) -> tuple[Any, tuple[int, int]]:
    """x with the pixels that make uneven padding even, and the even padding."""
    if padding not in ("valid", "same"):
        raise UsageError(f'padding is a number, two numbers, "valid" or "same", not {padding!r}')
    if padding == "valid" or len(kernel) != 2:
        return x, (0, 0)
    if pair(stride) != (1, 1):
        raise UsageError(f'padding "same" keeps the size, which stride {stride} does not: give the padding in pixels')
    height, width = (effective_kernel_size(k, d) - 1 for k, d in zip(kernel, pair(dilation), strict=True))
    if height % 2 or width % 2:
        x = ops.pad(x, widths=((0, 0), (0, 0), (0, height % 2), (0, width % 2)))
    return x, (height // 2, width // 2)


def conv1d(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: int = 1,
    padding: int | str = 0,
    dilation: int = 1,
    groups: int = 1,
) -> Tensor:
    """Convolution of sequences: `conv2d` on images that are one row high.

    Shapes: x (N, C, T) or (C, T), weight (O, C/groups, Q), bias (O) -> (N, O, J).
    """
    width = padding if isinstance(padding, str) else row_setting(padding, 0)
    settings = (row_setting(stride), width, row_setting(dilation), groups)
    kernel = ops.expand_dims(weight, axis=-2)
    return on_rows(lambda rows: conv2d(rows, kernel, bias, *settings), x)


def true_conv2d(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: PairLike = 1,
    padding: Padding = 0,
    dilation: PairLike = 1,
    groups: int = 1,
) -> Tensor:
    """Convolution as mathematics has it, with the kernel flipped: `conv2d` by weight[:, :, ::-1, ::-1].

    With a single pixel that is 1 for x (and padding all around), the result is the kernel itself.

    Shapes: as `conv2d`.
    """
    return conv2d(x, ops.flip(weight, axis=(-2, -1)), bias, stride, padding, dilation, groups)


def conv_transpose2d(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: PairLike = 1,
    padding: PairLike = 0,
    output_padding: PairLike = 0,
    groups: int = 1,
    dilation: PairLike = 1,
) -> Tensor:
    """The transpose of `conv2d` in its image: each pixel of x spreads its kernel over the result.

    out[n, o, stride*i + dilation*p - padding, ...] gets x[n,c,i,j] * weight[c,o,p,q], and bias[o] once.

    Shapes: x (N, C, H, W) or (C, H, W), weight (C, O/groups, P, Q), bias (O) -> (N, O, I, J) with
    I = (H - 1)*stride - 2*padding + dilation*(P - 1) + output_padding + 1, and J likewise.

    Raises:
        ShapeError: sizes that do not fit together.
        UsageError: output_padding not smaller than stride or dilation.

    Source: Zeiler et al. 2010, "Deconvolutional networks"; arithmetic: arXiv:1603.07285.
    """
    stride, padding, dilation, extra = pair(stride), pair(padding), pair(dilation), pair(output_padding)
    if any(not 0 <= e < max(s, d) for e, s, d in zip(extra, stride, dilation, strict=True)):
        raise UsageError(
            f"conv_transpose2d: output_padding {extra} must be smaller than stride {stride} or dilation {dilation}"
        )
    if len(shape_of(weight)) != 4:
        raise ShapeError(f"conv_transpose2d: weight is (C, O/groups, P, Q), got shape {shape_of(weight)}")
    settings: Settings = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}

    def spread(images: Any) -> Tensor:
        (n, _, *size), (_, o, *kernel) = shape_of(images), shape_of(weight)
        axes = zip(size, kernel, stride, padding, dilation, extra, strict=True)
        sizes = [transposed_size(*axis) for axis in axes]
        if min(sizes) < 1:
            raise ShapeError(
                f"conv_transpose2d: padding {padding} leaves no pixel of {tuple(sizes)}: use a smaller one"
            )
        beyond = [e // s for e, s in zip(extra, stride, strict=True)]  # a convolution of the result has more pixels
        if any(beyond):
            images = ops.pad(images, widths=((0, 0), (0, 0), *((0, b) for b in beyond)))
        out = ops.conv_input(images, weight, shape=(n, o * groups, *sizes), **settings)
        return out if bias is None else ops.add(out, ops.reshape(bias, shape=(-1, 1, 1)))

    return on_batch(spread, x, 4)


def conv_transpose1d(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: int = 1,
    padding: int = 0,
    output_padding: int = 0,
    groups: int = 1,
    dilation: int = 1,
) -> Tensor:
    """The transpose of `conv1d`: `conv_transpose2d` on images that are one row high.

    Shapes: x (N, C, T) or (C, T), weight (C, O/groups, Q), bias (O) -> (N, O, J).
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


def locally_connected2d(
    x: Any, weight: Any, bias: Any = None, stride: PairLike = 1, padding: PairLike = 0, dilation: PairLike = 1
) -> Tensor:
    """Convolution whose weights are not shared: each position of the result has kernels of its own.

    out[n,o,i,j] = bias[o,i,j] + sum_cpq x[n, c, stride*i + dilation*p - padding, ...] * weight[i,j,o,c,p,q]

    Shapes: x (N, C, H, W) or (C, H, W), weight (I, J, O, C, P, Q), bias (O, I, J) -> (N, O, I, J), I and J as for
    `conv2d`.

    Raises:
        ShapeError: sizes that do not fit together.

    Source: Taigman et al. 2014, "DeepFace"; LeCun 1989, "Generalization and network design strategies".
    """
    if len(shape_of(weight)) != 6:
        raise ShapeError(f"locally_connected2d: weight is (I, J, O, C, P, Q), got shape {shape_of(weight)}")
    rows, columns, o, c, *kernel = shape_of(weight)

    def connected(images: Any) -> Tensor:
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
