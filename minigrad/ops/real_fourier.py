"""Fourier transforms between real numbers and the first half of their transform, whose other half is its conjugate.

rfft and irfft are linear over the real numbers, and each other's transpose but for a conjugate and a weight: an element
of the half that stands for itself and for its conjugate counts twice.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minigrad.autograd.complex_numbers import require_real
from minigrad.autograd.registry import op
from minigrad.autograd.tensor import Tensor
from minigrad.errors import ShapeError
from minigrad.ops.complex_parts import conj
from minigrad.ops.fourier import OTHER_WAY, canonical_norm, resized, sizes_and_axes
from minigrad.ops.fourier import _fft as _fft
from minigrad.ops.fourier import _ifft as _ifft
from minigrad.shapes import Shape, shape_of
from minigrad.typing import Value


@op(name="rfft", linear=("x",), complex="nonholomorphic")
def _rfft(x: Value, *, axis: int, norm: str) -> Value:
    """The first half of the fft of real numbers: n/2 + 1 elements. Shapes: x (..., T, ...) -> (..., T/2 + 1, ...)."""
    require_real("rfft", x)
    return np.fft.rfft(x, axis=axis, norm=norm)  # type: ignore[arg-type]


@_rfft.vjp("x")
def _(g: Value, x_shape: Shape, *, axis: int, norm: str) -> Value:
    size = x_shape[axis]
    weight = 1 / _copies(size, axis, g)
    return _irfft(conj(g) * weight, n=size, axis=axis, norm=OTHER_WAY[norm])


@op(name="irfft", linear=("x",), complex="nonholomorphic")
def _irfft(x: Value, *, n: int, axis: int, norm: str) -> Value:
    """The n real numbers of which x is the rfft. Shapes: x (..., n/2 + 1, ...) -> (..., n, ...)."""
    return np.fft.irfft(x, n, axis, norm)  # type: ignore[arg-type]


@_irfft.vjp("x")
def _(g: Value, *, n: int, axis: int, norm: str) -> Value:
    found = conj(_rfft(g, axis=axis, norm=OTHER_WAY[norm]))
    return found * _copies(n, axis, found)


def _copies(n: int, axis: int, half: Value) -> Value:
    """How often each element of the half stands in the whole: once for itself, and once for its conjugate."""
    count = np.full(n // 2 + 1, 2, np.finfo(half.dtype).dtype)
    count[0] = 1
    if n % 2 == 0:
        count[-1] = 1
    return count.reshape([-1 if i == axis % half.ndim else 1 for i in range(half.ndim)])


# ---- as the Array API has them -----------------------------------------------------------------------------------


def rfft(x: Value, n: int | None = None, axis: int = -1, norm: str = "backward") -> Tensor:
    """The first half of the `fft` of real numbers; the other half would be its conjugate.

    Args:
        x: real numbers.
        n: the number of elements, to which x is cut off, or filled up with zeros (default None: all that x has).
        axis: the axis (default -1: the last).
        norm: as for `fft` (default "backward").

    Shapes: x (..., T, ...) -> complex (..., n//2 + 1, ...).

    Raises:
        DTypeError: x is complex.
        ShapeError: there are no elements.
        UsageError: another norm.
    """
    return rfftn(x, None if n is None else (n,), (axis,), norm)


def irfft(x: Value, n: int | None = None, axis: int = -1, norm: str = "backward") -> Tensor:
    """The inverse of `rfft`: real numbers of the first half of their transform.

    Args:
        x: complex numbers; the imaginary part of the first, and for even n of the last, counts for nothing.
        n: how many real numbers (default None: 2 (T - 1)).
        axis: the axis (default -1: the last).
        norm: as for `ifft` (default "backward").

    Shapes: x (..., T, ...) -> real (..., n, ...).

    Raises:
        ShapeError: there are no elements.
        UsageError: another norm.
    """
    return irfftn(x, None if n is None else (n,), (axis,), norm)


def rfftn(
    x: Value, s: Sequence[int] | None = None, axes: Sequence[int] | None = None, norm: str = "backward"
) -> Tensor:
    """`fftn` of real numbers, of which the last axis keeps the first half.

    Args:
        x: real numbers.
        s: the number of elements along each axis (default None: all that x has).
        axes: the axes (default None: all; with s, as many of the last ones).
        norm: as for `fft` (default "backward").

    Shapes: x (...) -> complex, with sizes s at the axes, and s//2 + 1 at the last of them.

    Raises:
        DTypeError: x is complex.
        ShapeError: there are no elements, or s and axes do not fit.
        UsageError: another norm.
    """
    sizes, exact = sizes_and_axes(x, s, axes)
    _require_axes("rfftn", exact)
    half = _rfft(resized(x, sizes, exact), axis=exact[-1], norm=canonical_norm(norm))
    return _fft(half, axes=exact[:-1], norm=norm) if exact[:-1] else half


def irfftn(
    x: Value, s: Sequence[int] | None = None, axes: Sequence[int] | None = None, norm: str = "backward"
) -> Tensor:
    """The inverse of `rfftn`.

    Args:
        x: complex numbers.
        s: the number of elements of the result along each axis (default None: x's, and 2 (T - 1) for the last).
        axes: the axes (default None: all; with s, as many of the last ones).
        norm: as for `ifft` (default "backward").

    Shapes: x (...) -> real, with sizes s at the axes.

    Raises:
        ShapeError: there are no elements, or s and axes do not fit.
        UsageError: another norm.
    """
    sizes, exact = sizes_and_axes(x, s, axes)
    _require_axes("irfftn", exact)
    n = 2 * (shape_of(x)[exact[-1]] - 1) if sizes[-1] is None else sizes[-1]
    if n < 1:
        raise ShapeError(f"a Fourier transform needs at least one element along axis {exact[-1]}, not {n}")
    half = resized(x, [*sizes[:-1], n // 2 + 1], exact)
    half = _ifft(half, axes=exact[:-1], norm=norm) if exact[:-1] else half
    return _irfft(half, n=n, axis=exact[-1], norm=canonical_norm(norm))


def _require_axes(name: str, axes: Sequence[int]) -> None:
    if not axes:
        raise ShapeError(f"{name}: there is no axis to transform")


def hfft(x: Value, n: int | None = None, axis: int = -1, norm: str = "backward") -> Tensor:
    """The `fft`, which is real, of a signal that is its own conjugate in reverse, of which x is the first half.

    Args:
        x: complex numbers.
        n: how many real numbers (default None: 2 (T - 1)).
        axis: the axis (default -1: the last).
        norm: as for `fft` (default "backward").

    Shapes: x (..., T, ...) -> real (..., n, ...).

    Raises:
        ShapeError: there are no elements.
        UsageError: another norm.
    """
    return irfft(conj(x), n, axis, OTHER_WAY[canonical_norm(norm)])


def ihfft(x: Value, n: int | None = None, axis: int = -1, norm: str = "backward") -> Tensor:
    """The inverse of `hfft`.

    Args:
        x: real numbers.
        n: the number of elements, to which x is cut off, or filled up with zeros (default None: all that x has).
        axis: the axis (default -1: the last).
        norm: as for `ifft` (default "backward").

    Shapes: x (..., T, ...) -> complex (..., n//2 + 1, ...).

    Raises:
        DTypeError: x is complex.
        ShapeError: there are no elements.
        UsageError: another norm.
    """
    return conj(rfft(x, n, axis, OTHER_WAY[canonical_norm(norm)]))
