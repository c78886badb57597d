"""Moving, flipping, rolling, repeating, splitting and masking along axes. Negative axes count from the end."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from minigrad.autograd.registry import op
from minigrad.autograd.tensor import Tensor
from minigrad.errors import ShapeError, UsageError
from minigrad.ops.index import getitem
from minigrad.ops.shape import broadcast_to, expand_dims, ordered_axes, permute_dims, reshape
from minigrad.shapes import Shape, canonical_axes, canonical_axis, shape_of
from minigrad.typing import ArrayLike, Axis, Settings, Value


def moveaxis(x: Value, source: int | Sequence[int], destination: int | Sequence[int]) -> Tensor:
    """Some dimensions moved to other places; the others keep their order.

    Args:
        x: numbers.
        source: the dimensions.
        destination: the place of each in the result.

    Shapes: x (...) -> its sizes in that order.

    Raises:
        ShapeError: a dimension is named twice or does not exist, or the two lists differ in length.
    """
    ndim = len(shape_of(x))
    moved, places = ordered_axes(source, ndim), ordered_axes(destination, ndim)
    if len(moved) != len(places):
        raise ShapeError(f"moveaxis: {len(moved)} dimensions {source} cannot go to {len(places)} places {destination}")
    order = [i for i in range(ndim) if i not in moved]
    for place, i in sorted(zip(places, moved, strict=True)):
        order.insert(place, i)
    return permute_dims(x, axes=tuple(order))


def _flipping(x: ArrayLike, *, axis: Axis = None) -> Settings:
    return {"axis": canonical_axes(axis, np.ndim(x))}


@op(canonical=_flipping, linear=("x",), complex="holomorphic")
def flip(x: Value, *, axis: Value) -> Value:
    """The elements in reverse order along some axes.

    Args:
        x: numbers.
        axis: the axis or axes (default None: all).

    Shapes: x (...) -> (...).
    """
    return np.flip(x, axis)


@flip.vjp("x")
def _(g: Value, *, axis: Value) -> Value:
    return flip(g, axis=axis)


def _rolling(x: ArrayLike, *, shift: Value, axis: Axis = None) -> Settings:
    shifts = tuple(shift) if isinstance(shift, Sequence) else (shift,)
    if axis is None:
        return {"shift": sum([s.__index__() for s in shifts]), "axis": None}
    axes = ordered_axes(axis, np.ndim(x))
    shifts = shifts * len(axes) if len(shifts) == 1 else shifts
    if len(shifts) != len(axes):
        raise ShapeError(f"{len(shifts)} shifts do not fit {len(axes)} axes: give one for each, or one for all")
    return {"shift": tuple([s.__index__() for s in shifts]), "axis": axes}


@op(name="roll", canonical=_rolling, linear=("x",), complex="holomorphic")
def _roll(x: Value, *, shift: Value, axis: Value) -> Value:
    """out[i] = x[(i - shift) mod n] along each axis: what leaves at one end comes in at the other. Shapes: (...)."""
    return np.roll(x, shift, axis)


@_roll.vjp("x")
def _(g: Value, *, shift: Value, axis: Value) -> Value:
    return _roll(g, shift=-shift if axis is None else tuple([-s for s in shift]), axis=axis)


def roll(x: Value, shift: int | Sequence[int], axis: int | Sequence[int] | None = None) -> Tensor:
    """out[i] = x[(i - shift) mod n] along each axis: what leaves at one end comes in at the other.

    Args:
        x: numbers.
        shift: by how many places, one number for each axis or one for all.
        axis: the axis or axes (default None: of the flattened array).

    Shapes: x (...) -> (...).

    Raises:
        ShapeError: an axis is named twice or does not exist, or the shifts do not fit the axes.
    """
    return _roll(x, shift=shift, axis=axis)


def _triangle(x: ArrayLike, *, k: int = 0) -> Settings:
    if np.ndim(x) < 2:
        raise ShapeError(f"a triangle is of a matrix: at least 2 dimensions, not {np.ndim(x)}")
    return {"k": k.__index__()}


@op(canonical=_triangle, linear=("x",), onnx="Trilu", complex="holomorphic")
def tril(x: Value, *, k: int) -> Value:
    """out = x[i, j] where j <= i + k, else 0: the lower triangle of each matrix.

    Args:
        x: matrices.
        k: the highest diagonal that is kept, counted from the main one upward (default 0).

    Shapes: x (..., I, J) -> (..., I, J).
    """
    return np.tril(x, k)


@tril.vjp("x")
def _(g: Value, *, k: int) -> Value:
    return tril(g, k=k)


@op(canonical=_triangle, linear=("x",), onnx="Trilu", complex="holomorphic")
def triu(x: Value, *, k: int) -> Value:
    """out = x[i, j] where j >= i + k, else 0: the upper triangle of each matrix.

    Args:
        x: matrices.
        k: the lowest diagonal that is kept, counted from the main one upward (default 0).

    Shapes: x (..., I, J) -> (..., I, J).
    """
    return np.triu(x, k)


@triu.vjp("x")
def _(g: Value, *, k: int) -> Value:
    return triu(g, k=k)


def repeat(x: Value, repeats: Value, axis: int | None = None) -> Tensor:
    """Each element repeated in its place along an axis.

    Args:
        x: numbers.
        repeats: how often, one number or an array with one for each element of the axis.
        axis: the axis (default None: of the flattened array).

    Shapes: x (..., T, ...) -> (..., sum of repeats, ...).

    Raises:
        ShapeError: there are not as many repeats as elements.
        UsageError: repeats that are no integers of at least 0.
    """
    if axis is None:
        return repeat(reshape(x, shape=(-1,)), repeats, axis=0)
    shape = shape_of(x)
    axis = canonical_axis(axis, len(shape))
    counts = np.asarray(repeats.data if isinstance(repeats, Tensor) else repeats)
    if counts.dtype.kind not in "iu" or counts.ndim > 1 or (counts < 0).any():
        raise UsageError(f"repeat: repeats must be integers of at least 0, one or a row of them, not {repeats!r:.60}")
    if counts.size == 1:
        count = counts.item()
        each = broadcast_to(expand_dims(x, axis=axis + 1), shape=(*shape[: axis + 1], count, *shape[axis + 1 :]))
        return reshape(each, shape=(*shape[:axis], shape[axis] * count, *shape[axis + 1 :]))
    if counts.size != shape[axis]:
        raise ShapeError(f"repeat: {counts.size} repeats do not fit axis {axis} of shape {shape}, of {shape[axis]}")
    return getitem(x, index=(*_all(axis), np.repeat(np.arange(shape[axis]), counts)))


def tile(x: Value, repetitions: int | Sequence[int]) -> Tensor:
    """The whole array laid out again and again: repetitions[i] times along dimension i.

    Args:
        x: numbers.
        repetitions: how often, for each dimension; the shorter of it and x's shape is filled up with ones from the
            left.

    Shapes: x (..., T) -> (..., repetitions[-1] * T).

    Raises:
        UsageError: a negative number of repetitions.
    """
    times = tuple(repetitions) if isinstance(repetitions, Sequence) else (repetitions,)
    ndim = max(len(times), len(shape_of(x)))
    times = (1,) * (ndim - len(times)) + times
    shape = (1,) * (ndim - len(shape_of(x))) + shape_of(x)
    if any(t < 0 for t in times):
        raise UsageError(f"tile: repetitions must be at least 0, got {repetitions}")
    apart = reshape(x, shape=_interleaved((1,) * ndim, shape))
    copies = broadcast_to(apart, shape=_interleaved(times, shape))
    return reshape(copies, shape=[t * n for t, n in zip(times, shape, strict=True)])


def unstack(x: Value, axis: int = 0) -> tuple[Tensor, ...]:
    """The slices along an axis, without it: `stack` undone.

    Args:
        x: numbers.
        axis: the axis (default 0).

    Shapes: x (T, ...) -> T times (...).

    Raises:
        ShapeError: x has no such axis.
    """
    axis = canonical_axis(axis, len(shape_of(x)))
    return tuple([getitem(x, index=(*_all(axis), k)) for k in range(shape_of(x)[axis])])


def split(x: Value, sections: int | Sequence[int], axis: int = 0) -> list[Tensor]:
    """The pieces of x along an axis, cut into so many equal ones or before each of the given positions, as NumPy does.

    Args:
        x: numbers.
        sections: the number of pieces, or the positions of the cuts.
        axis: the axis (default 0).

    Shapes: x (T, ...) -> pieces (T/sections, ...).

    Raises:
        ShapeError: the axis cannot be cut into equal pieces.
    """
    axis = canonical_axis(axis, len(shape_of(x)))
    size = shape_of(x)[axis]
    if isinstance(sections, Sequence):
        cuts = [None, *sections, None]
    elif sections < 1 or size % sections:
        raise ShapeError(f"split: {size} elements do not make {sections} equal pieces: give the positions of the cuts")
    else:
        cuts = list(range(0, size + 1, size // sections)) if size else [0] * (sections + 1)
    pieces = [slice(start, stop) for start, stop in pairwise(cuts)]
    return [getitem(x, index=(*_all(axis), piece)) for piece in pieces]


def broadcast_arrays(*xs: Value) -> list[Tensor]:
    """All of them broadcast to one shape.

    Args:
        xs: numbers.

    Shapes: any that broadcast -> the common one, for each.

    Raises:
        ShapeError: the shapes do not broadcast.
    """
    try:
        shape = np.broadcast_shapes(*[shape_of(x) for x in xs])
    except ValueError as error:
        shapes = ", ".join(str(shape_of(x)) for x in xs)
        raise ShapeError(f"broadcast_arrays: the shapes {shapes} do not broadcast") from error
    return [broadcast_to(x, shape=shape) for x in xs]


def meshgrid(*xs: Value, indexing: str = "xy") -> list[Tensor]:
    """The coordinates of each point of a grid, one array an axis, from the positions along each axis.

    Args:
        xs: the positions, a vector for each axis.
        indexing: "ij" for the axes in their order, or "xy" with the first two exchanged (default "xy").

    Shapes: x[k] (n[k]) -> each (n[0], n[1], ...) with indexing "ij", and (n[1], n[0], ...) with "xy".

    Raises:
        ShapeError: positions that are no vector.
        UsageError: another indexing.
    """
    if indexing not in ("xy", "ij"):
        raise UsageError(f'meshgrid: indexing is "xy" or "ij", not {indexing!r}')
    if any(len(shape_of(x)) > 1 for x in xs):
        raise ShapeError(f"meshgrid: positions are one-dimensional, got shapes {[shape_of(x) for x in xs]}")
    places = list(range(len(xs)))
    if indexing == "xy":
        places[:2] = places[:2][::-1]
    along = [reshape(x, shape=[-1 if i == k else 1 for i in places]) for k, x in enumerate(xs)]
    return broadcast_arrays(*along)


def _all(count: int) -> tuple[slice, ...]:
    return (slice(None),) * count


def _interleaved(outer: Sequence[int], inner: Sequence[int]) -> Shape:
    """(o0, i0, o1, i1, ...)."""
    return tuple(size for pair in zip(outer, inner, strict=True) for size in pair)
