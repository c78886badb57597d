"""How large the results of convolutions and poolings are.

    convolution, pooling      (W - F + 2P) / S + 1, F being dilation * (kernel_size - 1) + 1
    transposed convolution    (W - 1) * S - 2P + F + output_padding

A division that leaves a rest means that the last pixels are not looked at: it is rounded down, or with exact=True
refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, overload

from minigrad.errors import ShapeError, UsageError
from minigrad.kernels.window_geometry import effective_kernel_size, transposed_size, window_count
from minigrad.shapes import per_axis

Sizes = int | Sequence[int]


@overload
def conv_output_size(
    size: int, kernel_size: int, stride: int = 1, padding: int = 0, dilation: int = 1, *, exact: bool = False
) -> int: ...
@overload
def conv_output_size(
    size: Sequence[int], kernel_size: Any, stride: Any = 1, padding: Any = 0, dilation: Any = 1, *, exact: bool = False
) -> tuple[int, ...]: ...
def conv_output_size(
    size: Sizes, kernel_size: Sizes, stride: Sizes = 1, padding: Sizes = 0, dilation: Sizes = 1, *, exact: bool = False
) -> Any:
    """floor((W - F + 2P) / S) + 1: the size of a convolution's result, of one side or of each.

    With exact=True, a stride that does not reach the last pixel is an error.

    Raises:
        ShapeError: the kernel does not fit, or not exactly when asked to.

    >>> conv_output_size(227, 11, stride=4), conv_output_size((7, 5), 3, padding=1)
    (55, (7, 5))
    >>> conv_output_size(10, 3, stride=2, exact=True)
    Traceback (most recent call last):
        ...
    minigrad.errors.ShapeError: (W - F + 2P)/S + 1 = (10 - 3 + 2*0)/2 + 1 = 4.5 is not whole: try a size of 9 or 11
    """
    axes = _axes(size, kernel_size, stride, padding, dilation)
    return _like(size, [_count(*axis, exact=exact) for axis in axes])


def pool_output_size(
    size: Sizes,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    *,
    exact: bool = False,
) -> Any:
    """The size of a pooling's result, of one side or of each; the stride is the kernel's size unless given.

    With `ceil_mode` the division is rounded up, but no window starts behind the image.

    Raises:
        ShapeError: the kernel does not fit, or not exactly when asked to.

    >>> pool_output_size(224, 2), pool_output_size(7, 2, ceil_mode=True), pool_output_size((6, 6), 2, 1, 1)
    (112, 4, (7, 7))
    """
    axes = _axes(size, kernel_size, kernel_size if stride is None else stride, padding, dilation)
    return _like(size, [_count(*axis, exact=exact, ceil_mode=ceil_mode) for axis in axes])


def conv_transpose_output_size(
    size: Sizes,
    kernel_size: Sizes,
    stride: Sizes = 1,
    padding: Sizes = 0,
    output_padding: Sizes = 0,
    dilation: Sizes = 1,
) -> Any:
    """(W - 1)*S - 2P + F + output_padding: the size of a transposed convolution's result, of one side or of each.

    >>> conv_transpose_output_size(55, 11, stride=4)
    227

    Raises:
        ShapeError: nothing is left of the result.
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


def _axes(size: Sizes, *settings: Sizes) -> list[tuple[int, ...]]:
    """Size, kernel, stride, padding and dilation of each axis."""
    dims = len(size) if isinstance(size, Sequence) else 1
    axes = list(zip(*[per_axis(setting, dims) for setting in (size, *settings)], strict=True))
    for w, f, s, p, d in axes:
        if min(w, f, s, d) < 1 or p < 0:
            raise UsageError("size, kernel_size, stride and dilation must be at least 1, and padding at least 0")
    return axes


def _like(size: Sizes, results: list[int]) -> Any:
    return tuple(results) if isinstance(size, Sequence) else results[0]
