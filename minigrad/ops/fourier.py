"""Discrete Fourier transforms: linear, so each rule is the transpose.

    fft: out[k] = sum over t of x[t] exp(-2 pi i k t / n)

The matrix of fft, and that of its inverse, is symmetric: each is its own transpose.

`norm` says which way is divided by n: "backward" the inverse one, "forward" the other one, "ortho" both by its root.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minigrad.autograd.registry import op
from minigrad.autograd.tensor import Tensor
from minigrad.errors import ShapeError, UsageError
from minigrad.ops.index import getitem
from minigrad.ops.padding import pad
from minigrad.ops.shape import ordered_axes
from minigrad.shapes import shape_of
from minigrad.typing import ArrayLike, Settings, Value

OTHER_WAY = {"backward": "forward", "ortho": "ortho", "forward": "backward"}
"""The norm with which an inverse transform divides as a forward one does with the given norm, and the reverse."""


def canonical_norm(norm: str | None) -> str:
    """The name of a norm; None stands for "backward", as in NumPy.

    Raises:
        UsageError: another norm.
    """
    norm = norm or "backward"
    if norm not in OTHER_WAY:
        raise UsageError(f"norm is {', '.join(map(repr, OTHER_WAY))}, not {norm!r}")
    return norm


def _transform(x: ArrayLike, *, axes: Sequence[int], norm: str) -> Settings:
    return {"axes": tuple(axes), "norm": canonical_norm(norm)}


@op(name="fft", canonical=_transform, linear=("x",), complex="holomorphic")
def _fft(x: Value, *, axes: tuple[int, ...], norm: str) -> Value:
    """out[k] = sum over t of x[t] exp(-2 pi i k t / n) along each axis. Shapes: x (..., T, ...) -> the same."""
    return np.fft.fftn(x, axes=axes, norm=norm)  # type: ignore[arg-type]


@_fft.vjp("x")
def _(g: Value, *, axes: tuple[int, ...], norm: str) -> Value:
    return _fft(g, axes=axes, norm=norm)


@op(name="ifft", canonical=_transform, linear=("x",), complex="holomorphic")
def _ifft(x: Value, *, axes: tuple[int, ...], norm: str) -> Value:
    """out[t] = 1/n sum over k of x[k] exp(2 pi i k t / n) along each axis. Shapes: x (..., T, ...) -> the same."""
    return np.fft.ifftn(x, axes=axes, norm=norm)  # type: ignore[arg-type]


@_ifft.vjp("x")
def _(g: Value, *, axes: tuple[int, ...], norm: str) -> Value:
    return _ifft(g, axes=axes, norm=norm)


# ---- as the Array API has them -----------------------------------------------------------------------------------


def resized(x: Value, sizes: Sequence[int | None], axes: Sequence[int]) -> Value:
    """x cut off, or filled up with zeros, at the end of some axes.

    Raises:
        ShapeError: there are no elements along one of them.
    """
    shape = shape_of(x)
    for axis, size in zip(axes, sizes, strict=True):
        if not (shape[axis] if size is None else size > 0):
            raise ShapeError(f"a Fourier transform needs at least one element along axis {axis}, not {size or 0}")
        if size is not None and size < shape[axis]:
            x = getitem(x, index=(*[slice(None)] * axis, slice(0, size)))
        elif size is not None and size > shape[axis]:
            x = pad(x, widths=[(0, size - n if i == axis else 0) for i, n in enumerate(shape)])
        shape = shape_of(x)
    return x


def sizes_and_axes(
    x: Value, s: Sequence[int] | None, axes: Sequence[int] | None
) -> tuple[Sequence[int | None], Sequence[int]]:
    """The sizes and the axes of a transform over several axes: the last ones, if sizes alone are given.

    Raises:
        ShapeError: they do not fit each other.
    """
    ndim = len(shape_of(x))
    if axes is None:
        axes = range(ndim) if s is None else range(ndim - len(s), ndim)
    exact = ordered_axes(tuple(axes), ndim)
    sizes = [None] * len(exact) if s is None else list(s)
    if len(sizes) != len(exact):
        raise ShapeError(f"{len(sizes)} sizes s do not fit {len(exact)} axes")
    return sizes, exact


def fft(x: Value, n: int | None = None, axis: int = -1, norm: str = "backward") -> Tensor:
    """The discrete Fourier transform: out[k] = sum over t of x[t] exp(-2 pi i k t / n).

    Args:
        x: real or complex numbers.
        n: the number of elements, to which x is cut off, or filled up with zeros (default None: all that x has).
        axis: the axis (default -1: the last).
        norm: "backward": no factor; "ortho": 1/sqrt(n); "forward": 1/n (default "backward").

    Shapes: x (..., T, ...) -> complex (..., n, ...).

    Raises:
        ShapeError: there are no elements.
        UsageError: another norm.
    """
    return fftn(x, None if n is None else (n,), (axis,), norm)


def ifft(x: Value, n: int | None = None, axis: int = -1, norm: str = "backward") -> Tensor:
    """The inverse of `fft`: out[t] = 1/n sum over k of x[k] exp(2 pi i k t / n).

    Args:
        x: real or complex numbers.
        n: the number of elements, to which x is cut off, or filled up with zeros (default None: all that x has).
        axis: the axis (default -1: the last).
        norm: "backward": the factor 1/n; "ortho": 1/sqrt(n); "forward": none (default "backward").

    Shapes: x (..., T, ...) -> complex (..., n, ...).

    Raises:
        ShapeError: there are no elements.
        UsageError: another norm.
    """
    return ifftn(x, None if n is None else (n,), (axis,), norm)


def fftn(x: Value, s: Sequence[int] | None = None, axes: Sequence[int] | None = None, norm: str = "backward") -> Tensor:
    """The discrete Fourier transform along several axes.

    Args:
        x: real or complex numbers.
        s: the number of elements along each axis (default None: all that x has).
        axes: the axes (default None: all; with s, as many of the last ones).
        norm: as for `fft` (default "backward").

    Shapes: x (...) -> complex, with sizes s at the axes.

    Raises:
        ShapeError: there are no elements, or s and axes do not fit.
        UsageError: another norm.
    """
    sizes, exact = sizes_and_axes(x, s, axes)
    return _fft(resized(x, sizes, exact), axes=exact, norm=norm)


def ifftn(
    x: Value, s: Sequence[int] | None = None, axes: Sequence[int] | None = None, norm: str = "backward"
) -> Tensor:
    """The inverse of `fftn`.

    Args:
        x: real or complex numbers.
        s: the number of elements along each axis (default None: all that x has).
        axes: the axes (default None: all; with s, as many of the last ones).
        norm: as for `ifft` (default "backward").

    Shapes: x (...) -> complex, with sizes s at the axes.

    Raises:
        ShapeError: there are no elements, or s and axes do not fit.
        UsageError: another norm.
    """
    sizes, exact = sizes_and_axes(x, s, axes)
    return _ifft(resized(x, sizes, exact), axes=exact, norm=norm)
