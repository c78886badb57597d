"""Windows of an image as columns of a matrix (im2col), and the sum of such columns as an image (col2im)."""

from __future__ import annotations

import math

from minigrad import ops
from minigrad.autograd.tensor import Tensor
from minigrad.errors import ShapeError
from minigrad.functional.common import on_batch
from minigrad.ops.convolution import checked_output_size
from minigrad.shapes import pair, shape_of
from minigrad.typing import ArrayLike, PairLike, Settings


def unfold(
    x: ArrayLike,
    kernel_size: PairLike,
    dilation: PairLike = 1,
    padding: PairLike = 0,
    stride: PairLike = 1,
) -> Tensor:
    """Each window as a column: column l holds the C*P*Q pixels that window l reads. Also known as im2col.

    out[n, c*P*Q + p*Q + q, i*J + j] = x[n, c, stride*i + dilation*p - padding, stride*j + dilation*q - padding], and 0
    where that is outside of x. A convolution is the product of the kernels, a matrix (O, C*P*Q), with it.

    Args:
        x: images, or one image.
        kernel_size: the rows and columns P, Q of a window.
        dilation: pixels between the taps of a window (default 1).
        padding: pixels of zeros around the image (default 0).
        stride: pixels between neighboring windows (default 1).

    Shapes: x (N, C, H, W) or (C, H, W) -> (N, C*P*Q, L) or (C*P*Q, L), with L windows in row-major order.

    Raises:
        ShapeError: the kernel is larger than the padded image; a setting that is too small.
        UsageError: a setting that is neither one integer nor two.

    Source: Chellapilla, Puri and Simard 2006, "High performance convolutional neural networks for document processing".

    >>> unfold(Tensor([[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]]), (2, 2)).tolist()
    [[1.0, 2.0], [2.0, 3.0], [4.0, 5.0], [5.0, 6.0]]
    """
    kernel = pair(kernel_size)

    def columns(images: ArrayLike) -> Tensor:
        read = ops.unfold(images, kernel=kernel, stride=stride, padding=padding, dilation=dilation)
        n, c, p, q, i, j = shape_of(read)
        return ops.reshape(read, shape=(n, c * p * q, i * j))

    return on_batch(columns, x, 4)


def fold(
    x: ArrayLike,
    output_size: PairLike,
    kernel_size: PairLike,
    dilation: PairLike = 1,
    padding: PairLike = 0,
    stride: PairLike = 1,
) -> Tensor:
    """Columns added to the pixels that `unfold` would read them from: its transpose. Also known as col2im.

    `fold(unfold(x))` is x times the number of windows that read each pixel.

    Args:
        x: columns, such as those of `unfold`.
        output_size: the height and width H, W of the image.
        kernel_size: the rows and columns P, Q of a window.
        dilation: pixels between the taps of a window (default 1).
        padding: pixels around the image that windows read, too (default 0).
        stride: pixels between neighboring windows (default 1).

    Shapes: x (N, C*P*Q, L) or (C*P*Q, L) -> (N, C, H, W) or (C, H, W).

    Raises:
        ShapeError: the columns are no multiple of the kernel, or not as many as there are windows.
        UsageError: a setting that is neither one integer nor two.

    >>> fold(Tensor([[1.0, 1.0], [1.0, 1.0]]), output_size=(1, 3), kernel_size=(1, 2)).tolist()
    [[[1.0, 2.0, 1.0]]]
    """
    size, kernel = pair(output_size), pair(kernel_size)
    settings: Settings = {"stride": pair(stride), "padding": pair(padding), "dilation": pair(dilation)}
    count = checked_output_size(size, kernel, **settings)

    def image(columns: ArrayLike) -> Tensor:
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
