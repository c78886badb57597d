"""Windows of an image as columns of a matrix, and the sum of such columns as an image."""

from __future__ import annotations

import math
from typing import Any

from minigrad import ops
from minigrad.autograd.tensor import Tensor
from minigrad.errors import ShapeError
from minigrad.functional.common import on_batch
from minigrad.ops.convolution import checked_output_size
from minigrad.shapes import pair, shape_of
from minigrad.typing import PairLike


def unfold(
    x: Any,
    kernel_size: PairLike,
    dilation: PairLike = 1,
    padding: PairLike = 0,
    stride: PairLike = 1,
) -> Tensor:
    """Each window as a column: column l holds the C*P*Q pixels that window l reads. Also known as im2col.

    A convolution is then the product of the kernels, a matrix (O, C*P*Q), with this one.

    Shapes: x (N, C, H, W) or (C, H, W) -> (N, C*P*Q, L), L windows in row-major order.

    Raises:
        ShapeError: the kernel is larger than the padded image.
    """
    kernel = pair(kernel_size)

    def columns(images: Any) -> Tensor:
        read = ops.unfold(images, kernel=kernel, stride=stride, padding=padding, dilation=dilation)
        n, c, p, q, i, j = shape_of(read)
        return ops.reshape(read, shape=(n, c * p * q, i * j))

    return on_batch(columns, x, 4)


def fold(
    x: Any,
    output_size: PairLike,
    kernel_size: PairLike,
    dilation: PairLike = 1,
    padding: PairLike = 0,
    stride: PairLike = 1,
) -> Tensor:
    """Columns added to the pixels that `unfold` would read them from: its transpose. Also known as col2im.

    `fold(unfold(x))` is x times the number of windows that read each pixel.

    Shapes: x (N, C*P*Q, L) or (C*P*Q, L) -> (N, C, H, W), with `output_size` (H, W).

    Raises:
        ShapeError: the columns are no multiple of the kernel, or not as many as there are windows.
    """
    size, kernel = pair(output_size), pair(kernel_size)
    settings = {"stride": pair(stride), "padding": pair(padding), "dilation": pair(dilation)}
    count = checked_output_size(size, kernel, **settings)

    def image(columns: Any) -> Tensor:
        shape, area = shape_of(columns), math.prod(kernel)
        if len(shape) != 3 or shape[1] % area or shape[2] != math.prod(count):
            raise ShapeError(
                f"fold: an image of {size} has {math.prod(count)} windows of {kernel}, so that columns are "
                f"(N, C*{area}, {math.prod(count)}), got shape {shape}"
            )
        read = ops.reshape(columns, shape=(shape[0], shape[1] // area, *kernel, *count))
        return ops.fold(read, shape=(shape[0], shape[1] // area, *size), **settings)

    return on_batch(image, x, 3)


im2col, col2im = unfold, fold
