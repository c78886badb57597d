"""Batching rules of indexing and its transpose, where the array, the index or both differ between samples.

A batch of arrays gets one more index in front: a slice, if all samples share the index, and otherwise 0, 1, ..., which
takes each sample's index to its own array. NumPy puts the dimensions that integer arrays make in front when slices
stand between these, and in the place of the first one otherwise, so that afterwards the batch may have to move.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.autograd.batched_array import BatchedArray
from minigrad.autograd.batching import Batched, everywhere, size_of, with_rank
from minigrad.errors import BatchingError
from minigrad.ops.assignment import setitem
from minigrad.ops.index import getitem, scatter_add
from minigrad.ops.rearrange import moveaxis
from minigrad.ops.shape import broadcast_to, reshape
from minigrad.shapes import Shape, shape_of
from minigrad.typing import Array

Moves = tuple[tuple[int, ...], tuple[int, ...]]
"""Dimensions of what NumPy gives, and where they belong."""


@getitem.batching
def _(xs: Sequence[Any], batched: Batched, *, index: Any) -> Any:
    (x,) = xs
    if not batched[0] and _size(index) == 0:
        x = everywhere(x, 0)
    whole, (source, destination) = _with_batch(index, len(shape_of(x)) - batched[0], _size(index), batched[0])
    return moveaxis(getitem(x, index=whole), source, destination)


@scatter_add.batching
def _(xs: Sequence[Any], batched: Batched, *, index: Any, shape: Shape) -> Any:
    (x,) = xs
    size = shape_of(x)[0] if batched[0] else _size(index) or 0
    whole, (source, destination) = _with_batch(index, len(shape), size, True)
    x = x if batched[0] else everywhere(x, size)
    return scatter_add(moveaxis(x, destination, source), index=whole, shape=(size, *shape))


@setitem.batching
def _(xs: Sequence[Any], batched: Batched, *, index: Any) -> Any:
    x, y = xs
    size = size_of(xs, batched) if any(batched) else _size(index) or 0
    x = x if batched[0] else everywhere(x, size)
    whole, (source, destination) = _with_batch(index, len(shape_of(x)) - 1, size, True)
    place = shape_of(moveaxis(getitem(x, index=whole), source, destination))
    if batched[1]:
        kept = shape_of(y)[1:]
        kept = kept[max(len(kept) - len(place) + 1, 0) :]  # without ones in front, which assignment ignores
        y = reshape(y, shape=(size, *(1,) * (len(place) - 1 - len(kept)), *kept))
        y = moveaxis(broadcast_to(y, shape=place), destination, source)
    elif source:
        y = moveaxis(broadcast_to(y, shape=place), destination, source)
    return setitem(x, y, index=whole)


def _size(index: Any) -> int | None:
    """The number of samples, if the index differs between them."""
    parts = index if isinstance(index, tuple) else (index,)
    return next((part.level.size for part in parts if type(part) is BatchedArray), None)


def _with_batch(index: Any, ndim: int, size: int | None, x_batched: bool) -> tuple[tuple[Any, ...], Moves]:
    """The index of the whole batch, and what has to move afterwards.

    Args:
        index: of one sample.
        ndim: the number of dimensions of one sample's array.
        size: the number of samples.
        x_batched: whether each sample has an array of its own.
    """
    parts = [part for each in (index if isinstance(index, tuple) else (index,)) for part in _as_integers(each)]
    arrays = [part for part in parts if isinstance(part, (np.ndarray, BatchedArray))]
    made = max([part.ndim for part in arrays], default=0)  # the dimensions that arrays of integers make
    differs = any(type(part) is BatchedArray for part in arrays)
    advanced = [k for k, part in enumerate(parts) if arrays and _is_advanced(part)]
    apart = bool(advanced) and advanced != list(range(advanced[0], advanced[-1] + 1))
    before = 0 if apart or not advanced else _made_by(parts[: advanced[0]], parts, ndim)
    whole = [with_rank(part.value, made) if type(part) is BatchedArray else part for part in parts]
    if not differs:
        return (slice(None), *whole), ((made,), (0,)) if apart else ((), ())
    if not x_batched:
        return tuple(whole), ((before,), (0,))
    assert size is not None
    samples = np.arange(size).reshape(size, *(1,) * made)
    # Before the arrays there are slices, so that NumPy puts all that arrays make in front, the batch first.
    ours = tuple(range(1, made + 1))
    return (samples, *whole), (ours, tuple([before + k for k in ours])) if before else ((), ())


def _as_integers(part: Any) -> Sequence[Any]:
    """A part of an index with a mask as the integers that it stands for.

    Raises:
        BatchingError: the mask differs between samples, and so would the shapes of the results.
    """
    if isinstance(part, (np.ndarray, BatchedArray)) and part.dtype.kind == "b":
        if type(part) is BatchedArray:
            raise BatchingError(
                "inside of vmap a mask that differs between samples cannot choose elements, for their number would "
                "differ: use minigrad.where(mask, x, 0)"
            )
        return _nonzero(part)  # type: ignore[arg-type]
    return (np.asarray(part),) if isinstance(part, (bool, np.bool_)) and not isinstance(part, np.ndarray) else (part,)


def _nonzero(mask: Array) -> Sequence[Any]:
    return np.nonzero(mask) if mask.ndim else (mask,)


def _is_advanced(part: Any) -> bool:
    """Whether a part counts as an array of integers; a number does, beside one."""
    return isinstance(part, (int, np.integer, np.ndarray, BatchedArray))


def _made_by(parts: Sequence[Any], all_parts: Sequence[Any], ndim: int) -> int:
    """How many dimensions of the result the first parts of an index make."""
    used = sum(1 for part in all_parts if part is not None and part is not Ellipsis)
    return sum(ndim - used if part is Ellipsis else not isinstance(part, int) for part in parts)
