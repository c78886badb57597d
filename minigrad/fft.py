"""The Array API's `fft` extension: discrete Fourier transforms, with derivatives of every order, and frequencies."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minigrad.autograd.array_protocol import check_device
from minigrad.autograd.tensor import Tensor, default_dtype, wrap
from minigrad.errors import UsageError
from minigrad.ops import roll
from minigrad.ops.fourier import fft, fftn, ifft, ifftn
from minigrad.ops.real_fourier import hfft, ihfft, irfft, irfftn, rfft, rfftn
from minigrad.ops.shape import ordered_axes
from minigrad.pytorch_names.keywords import explained as _explained
from minigrad.shapes import Shape, shape_of
from minigrad.typing import DTypeLike, Function, Value

__all__ = [
    "fft", "fftfreq", "fftn", "fftshift", "hfft", "ifft", "ifftn", "ifftshift", "ihfft", "irfft", "irfftn", "rfft",
    "rfftfreq", "rfftn",
]  # fmt: skip


def fftfreq(n: int, d: float = 1.0, *, dtype: DTypeLike | None = None, device: str | None = None) -> Tensor:
    """The frequency of each element of an `fft`, in cycles per unit of d: 0, 1, ..., -2, -1 over n d.

    Args:
        n: the number of elements, at least 1.
        d: the distance between two samples (default 1.0).
        dtype: the dtype (default None: `default_dtype()`).
        device: "cpu", the only one (default None: the same).

    Returns:
        (n).

    Raises:
        UsageError: n is not positive, or another device.

    >>> fftfreq(4).tolist()
    [0.0, 0.25, -0.5, -0.25]
    """
    return _frequencies("fftfreq", np.fft.fftfreq, n, d, dtype, device)


def rfftfreq(n: int, d: float = 1.0, *, dtype: DTypeLike | None = None, device: str | None = None) -> Tensor:
    """The frequency of each element of an `rfft`, in cycles per unit of d: 0, 1, ..., n//2 over n d.

    Args:
        n: the number of real elements, at least 1.
        d: the distance between two samples (default 1.0).
        dtype: the dtype (default None: `default_dtype()`).
        device: "cpu", the only one (default None: the same).

    Returns:
        (n//2 + 1).

    Raises:
        UsageError: n is not positive, or another device.

    >>> rfftfreq(4).tolist()
    [0.0, 0.25, 0.5]
    """
    return _frequencies("rfftfreq", np.fft.rfftfreq, n, d, dtype, device)


def _frequencies(
    name: str, function: Function, n: int, d: float, dtype: DTypeLike | None, device: str | None
) -> Tensor:
    check_device(device)
    if n < 1:
        raise UsageError(f"{name}: n is the number of elements, at least 1, not {n}")
    return wrap(function(n, d).astype(dtype or default_dtype()))


def fftshift(x: Value, axes: int | Sequence[int] | None = None) -> Tensor:
    """With the element of frequency 0 moved to the middle.

    Args:
        x: numbers.
        axes: the axis or axes (default None: all).

    Shapes: x (...) -> (...).

    Raises:
        ShapeError: an axis does not exist, or is named twice.
    """
    shape, exact = _shifted(x, axes)
    return roll(x, [shape[i] // 2 for i in exact], axis=exact)


def ifftshift(x: Value, axes: int | Sequence[int] | None = None) -> Tensor:
    """The inverse of `fftshift`: with the middle moved to the front.

    Args:
        x: numbers.
        axes: the axis or axes (default None: all).

    Shapes: x (...) -> (...).

    Raises:
        ShapeError: an axis does not exist, or is named twice.
    """
    shape, exact = _shifted(x, axes)
    return roll(x, [-(shape[i] // 2) for i in exact], axis=exact)


def _shifted(x: Value, axes: int | Sequence[int] | None) -> tuple[Shape, tuple[int, ...]]:
    """The shape, and the axes as non-negative numbers."""
    shape = shape_of(x)
    return shape, ordered_axes(tuple(range(len(shape))) if axes is None else axes, len(shape))


def __dir__() -> list[str]:
    return __all__


globals().update(_explained(globals(), __all__))
