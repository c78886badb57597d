"""Padding with one value; cutting it off again is indexing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minigrad.autograd.registry import op
from minigrad.errors import ShapeError
from minigrad.ops.index import getitem
from minigrad.shapes import Shape
from minigrad.typing import ArrayLike, Settings, Value

Widths = tuple[tuple[int, int], ...]


def _padding(x: ArrayLike, *, widths: Sequence[Sequence[int]], value: float = 0.0) -> Settings:
    exact = tuple([(before.__index__(), after.__index__()) for before, after in widths])
    if len(exact) != np.ndim(x) or any(n < 0 for width in exact for n in width):
        raise ShapeError(f"widths are two numbers of at least 0 for each of {np.ndim(x)} dimensions, got {widths}")
    return {"widths": exact, "value": value}


@op(canonical=_padding, onnx="Pad", complex="holomorphic")
def pad(x: Value, *, widths: Widths, value: float) -> Value:
    """x with elements of one value before and after it along each dimension.

    Args:
        x: numbers.
        widths: how many, (before, after) for each dimension.
        value: what they are (default 0.0).

    Shapes: x (..., T, ...) -> (..., before + T + after, ...).

    Raises:
        ShapeError: there are not two widths of at least 0 for each dimension.
    """
    out = np.full([n + before + after for n, (before, after) in zip(x.shape, widths, strict=True)], value, x.dtype)
    out[_inside(x.shape, widths)] = x
    return out


@pad.vjp("x")
def _(g: Value, x_shape: Shape, *, widths: Widths) -> Value:
    return getitem(g, index=_inside(x_shape, widths))


def _inside(shape: Shape, widths: Widths) -> tuple[slice, ...]:
    """Where x lies in the padded array."""
    return tuple([slice(before, before + n) for n, (before, _) in zip(shape, widths, strict=True)])
