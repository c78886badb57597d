"""The sizes of the results of convolutions and poolings, to plan a network with.

    convolution, pooling      (W - F + 2P) / S + 1, F being dilation * (kernel_size - 1) + 1
    transposed convolution    (W - 1) * S - 2P + F + output_padding

A division that leaves a remainder means that the last pixels are not read: it is rounded down, or with exact=True
refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import overload

from minigrad.errors import ShapeError, UsageError
from minigrad.kernels.window_geometry import effective_kernel_size, transposed_size, window_count
from minigrad.shapes import per_axis
from minigrad.typing import PairLike


@overload
def conv_output_size(
    size: int,
    kernel_size: PairLike,
    stride: PairLike = 1,
    padding: PairLike = 0,
    dilation: PairLike = 1,
    *,
    exact: bool = False,
) -> int: ...
@overload
def conv_output_size(
    size: Sequence[int],
    kernel_size: PairLike,
    stride: PairLike = 1,
    padding: PairLike = 0,
    dilation: PairLike = 1,
    *,
    exact: bool = False,
) -> tuple[int, ...]: ...
def conv_output_size(
    size: PairLike,
    kernel_size: PairLike,
    stride: PairLike = 1,
    padding: PairLike = 0,
    dilation: PairLike = 1,
    *,
    exact: bool = False,
) -> int | tuple[int, ...]:
    """The size of a convolution's result, of one side or of each: floor((W - F + 2P) / S) + 1.

    Args:
        size: W, the size of the input in pixels, or one number for each side.
        kernel_size: of the kernel, one number or one for each side; likewise below.
        stride: pixels from one position of the kernel to the next (default 1).
        padding: pixels added on each side (default 0).
        dilation: pixels from one that the kernel reads to the next (default 1).
        exact: whether a stride that does not reach the last pixel is an error (default False).

    Returns:
        A number for a number, a tuple for one number a side.

    Raises:
        ShapeError: the kernel does not fit, or not exactly when asked to.
        UsageError: a setting is no integer, or too small.

    >>> conv_output_size(227, 11, stride=4), conv_output_size((7, 5), 3, padding=1)
    (55, (7, 5))
    >>> conv_output_size(10, 3, stride=2, exact=True)
    Traceback (most recent call last):
        ...
    minigrad.errors.ShapeError: (W - F + 2P)/S + 1 = (10 - 3 + 2*0)/2 + 1 = 4.5 is not whole: try a size of 9 or 11
    """
    axes = _axes(size, kernel_size, stride, padding, dilation)
    return _like(size, [_count(*axis, exact=exact) for axis in axes])


@overload
def pool_output_size(
    size: int,
    kernel_size: PairLike,
    stride: PairLike | None = None,
    padding: PairLike = 0,
    dilation: PairLike = 1,
    ceil_mode: bool = False,
    *,
    exact: bool = False,
) -> int: ...
@overload
def pool_output_size(
    size: Sequence[int],
    kernel_size: PairLike,
    stride: PairLike | None = None,
    padding: PairLike = 0,
    dilation: PairLike = 1,
    ceil_mode: bool = False,
    *,
    exact: bool = False,
) -> tuple[int, ...]: ...
def pool_output_size(
    size: PairLike,
    kernel_size: PairLike,
    stride: PairLike | None = None,
    padding: PairLike = 0,
    dilation: PairLike = 1,
    ceil_mode: bool = False,
    *,
    exact: bool = False,
) -> int | tuple[int, ...]:
    """The size of a pooling's result, of one side or of each: floor((W - F + 2P) / S) + 1.

    Args:
        size: W, the size of the input in pixels, or one number for each side.
        kernel_size: of the kernel, one number or one for each side; likewise below.
        stride: pixels from one window to the next (default: kernel_size).
        padding: pixels added on each side (default 0).
        dilation: pixels from one that the kernel reads to the next (default 1).
        ceil_mode: whether the division is rounded up; no window starts behind the image (default False).
        exact: whether a stride that does not reach the last pixel is an error (default False).

    Returns:
        A number for a number, a tuple for one number a side.

    Raises:
        ShapeError: the kernel does not fit, or not exactly when asked to.
        UsageError: a setting is no integer, or too small.

    >>> pool_output_size(224, 2), pool_output_size(7, 2, ceil_mode=True), pool_output_size((6, 6), 2, 1, 1)
    (112, 4, (7, 7))
    """
    axes = _axes(size, kernel_size, kernel_size if stride is None else stride, padding, dilation)
    return _like(size, [_count(*axis, exact=exact, ceil_mode=ceil_mode) for axis in axes])


@overload
def conv_transpose_output_size(
    size: int,
    kernel_size: PairLike,
    stride: PairLike = 1,
    padding: PairLike = 0,
    output_padding: PairLike = 0,
    dilation: PairLike = 1,
) -> int: ...
@overload
def conv_transpose_output_size(
    size: Sequence[int],
    kernel_size: PairLike,
    stride: PairLike = 1,
    padding: PairLike = 0,
    output_padding: PairLike = 0,
    dilation: PairLike = 1,
) -> tuple[int, ...]: ...
def conv_transpose_output_size(
    size: PairLike,
    kernel_size: PairLike,
    stride: PairLike = 1,
    padding: PairLike = 0,
    output_padding: PairLike = 0,
    dilation: PairLike = 1,
) -> int | tuple[int, ...]:
    """The size of a transposed convolution's result, of one side or of each: (W - 1) * S - 2P + F + output_padding.

    Args:
        size: W, the size of the input in pixels, or one number for each side.
        kernel_size: of the kernel, one number or one for each side; likewise below.
        stride: how many pixels apart neighbors of the input are in the result (default 1).
        padding: pixels cut off on each side (default 0).
        output_padding: pixels more at one end (default 0).
        dilation: pixels from one that the kernel reads to the next (default 1).

    Returns:
        A number for a number, a tuple for one number a side.

    Raises:
        ShapeError: nothing is left of the result.
        UsageError: a setting is no integer, or too small.

    >>> conv_transpose_output_size(55, 11, stride=4)
    227
    """
    axes = _axes(size, kernel_size, stride, padding, dilation)
    extra = per_axis(output_padding, len(axes))
    results = [transposed_size(w, f, s, p, d, e) for (w, f, s, p, d), e in zip(axes, extra, strict=True)]
    if min(results) < 1:
        raise ShapeError(f"padding {padding} leaves nothing of {tuple(results)}: use a smaller one")
    return _like(size, results)


def _count(w: int, f: int, s: int, p: int, d: int, *, exact: bool, ceil_mode: bool = False) -> int:
    """How many windows fit along an axis."""
    reach = effective_kernel_size(f, d)
    room = w - reach + 2 * p
    if room < 0:
        raise ShapeError(
            f"the kernel reaches over {reach} pixels but the padded side has only {w + 2 * p}: "
            "pad more, or use a smaller kernel or dilation"
        )
    if exact and (rest := room % s):
        raise ShapeError(
            f"(W - F + 2P)/S + 1 = ({w} - {reach} + 2*{p})/{s} + 1 = {room / s + 1:g} is not whole: "
            f"try a size of {w - rest} or {w - rest + s}"
        )
    return window_count(w, f, s, p, d, ceil_mode=ceil_mode)


def _axes(size: PairLike, *settings: PairLike) -> list[tuple[int, ...]]:
    """Size, kernel, stride, padding and dilation of each axis."""
    dims = len(size) if isinstance(size, Sequence) else 1
    axes = list(zip(*[per_axis(setting, dims) for setting in (size, *settings)], strict=True))
    for w, f, s, p, d in axes:
        if min(w, f, s, d) < 1 or p < 0:
            raise UsageError("size, kernel_size, stride and dilation must be at least 1, and padding at least 0")
    return axes


def _like(size: PairLike, results: list[int]) -> int | tuple[int, ...]:
    return tuple(results) if isinstance(size, Sequence) else results[0]
