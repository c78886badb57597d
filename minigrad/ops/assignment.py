"""Writing into Tensors: `setitem`, the copy with other elements, and what `x[index] = y` makes of a recorded x."""

from __future__ import annotations

import sys
from typing import Any, ClassVar

import numpy as np

from minigrad.autograd.complex_numbers import DIFFERENTIABLE
from minigrad.autograd.registry import op
from minigrad.autograd.tensor import Tensor, as_array
from minigrad.autograd.variable import alias
from minigrad.errors import MutationError, ShapeError
from minigrad.ops.elementwise import where
from minigrad.ops.index import canonical_index, getitem, may_repeat
from minigrad.ops.logic import equal
from minigrad.ops.shape import astype, reshape, sum_to
from minigrad.shapes import Shape, shape_of
from minigrad.typing import Array, ArrayLike, Settings, Value


def _assigning(x: ArrayLike, y: ArrayLike, *, index: Value) -> Settings:
    return {"index": canonical_index(index)}


@op(canonical=_assigning, complex="holomorphic")
def setitem(x: Value, y: Value, *, index: Value) -> Value:
    """out = x, with y in place of x[index]. Where an element is named twice, the last one stays.

    Args:
        x: numbers.
        y: what is written, which broadcasts to the place.
        index: as for `getitem`.

    Shapes: x (...), y as `x[index]` or what broadcasts to it -> x's.

    Raises:
        DTypeError: an index of floating numbers.
        ValueError: y does not broadcast to the place.
        ShapeError: y has two dimensions or more, and the index is a mask.
    """
    out = np.array(x, np.result_type(x, y))
    write(out, index, y)
    return out


def write(array: Array, index: Any, y: Array) -> None:
    """array[index] = y.

    Raises:
        ShapeError: the index is a mask, and y has more than one dimension.
    """
    try:
        array[index] = y
    except TypeError:
        raise ShapeError(f"what is written where a mask holds has one dimension or none, not {np.shape(y)}") from None


@setitem.vjp("x")
def _(g: Value, *, index: Value) -> Value:
    return setitem(g, np.zeros((), g.dtype), index=index)


@setitem.vjp("y")
def _(g: Value, x_shape: Shape, y_shape: Shape, *, index: Value) -> Value:
    g = getitem(g, index=index)
    if may_repeat(index):
        g = where(_stays(x_shape, index), g, 0)
    superfluous = max(len(y_shape) - len(shape_of(g)), 0)  # ones in front, which assignment ignores
    return reshape(sum_to(g, shape=y_shape[superfluous:]), shape=y_shape)


def _stays(shape: Shape, index: Value) -> Value:
    """Which of the elements that are written are not written over by later ones."""
    nobody = np.zeros(shape, np.intp)
    place = getitem(nobody, index=index)
    numbers = np.arange(place.size).reshape(place.shape)
    return equal(getitem(setitem(nobody, numbers, index=index), index=index), numbers)


def assigned(x: Tensor, index: Any, y: Any) -> Tensor:
    """What a Tensor becomes by `x[index] = y` while that is recorded: a result, with its own place in the graph.

    Raises:
        MutationError: x is the argument of a function that is being differentiated; or it holds integers, which would
            lose the history of y.
    """
    if x.node is not None and x.node.op is alias:
        raise MutationError(
            "a function that is differentiated must not write into its arguments: write into a copy, "
            "x = minigrad.asarray(x, copy=True)"
        )
    if not isinstance(y, Tensor):
        return setitem(x, as_array(y, x.dtype), index=index)
    if x.dtype.kind not in DIFFERENTIABLE and y.requires_grad:
        raise MutationError(
            f"writing recorded values into a Tensor of {x.dtype} would lose their history: convert it "
            "with .astype(float)"
        )
    return setitem(x, y if y.dtype == x.dtype else astype(y, dtype=x.dtype), index=index)


class _Counted:
    """Counts the references to an object that something is written to: those of the interpreter alone."""

    counts: ClassVar[list[int]] = []

    def __setitem__(self, index: Any, y: Any) -> None:
        _Counted.counts.append(sys.getrefcount(self))


def _reference_counts() -> list[int]:
    """Of what `f()[index] = y` writes to, and of what a variable holds.

    They are equal where the interpreter does not count what a variable lends to an expression (Python 3.14).
    """
    _Counted()[0] = None
    held = _Counted()
    held[0] = None
    return _Counted.counts


_OF_TEMPORARY, _OF_VARIABLE = _reference_counts()


def refuse_chained(references: int) -> None:
    """Refuse to write into what nobody will see: `x[0][1] = y` writes into x[0], a Tensor of its own.

    Args:
        references: how many there are to the Tensor, counted in its `__setitem__`.

    Raises:
        MutationError: no variable, container or attribute holds the Tensor, as far as the interpreter tells.
    """
    if references <= _OF_TEMPORARY < _OF_VARIABLE:
        raise MutationError(
            "this writes into a temporary Tensor, and would be lost: results of indexing, reshaping and the like are "
            "no views. Write x[0, 1] = y in place of x[0][1] = y"
        )
