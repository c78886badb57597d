"""Class numbers as targets of losses: checked against the scores, flattened, and with the weights of their classes."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import NoReturn

import numpy as np

from minigrad import ops
from minigrad.autograd.batched_array import any_true
from minigrad.autograd.python_call import python_check
from minigrad.autograd.tensor import Tensor
from minigrad.errors import DTypeError, ShapeError
from minigrad.functional.reduction import check_reduction, flat, raw, reduced, weights
from minigrad.ops.softmax_family import check_classes
from minigrad.shapes import ShapeSpec, shape_of
from minigrad.typing import Array, ArrayLike, Shape

_check_classes = python_check(check_classes)


def rows(x: ArrayLike) -> ArrayLike:
    """Scores (N, C), (C) or (N, C, ...) as a table (M, C): a row for each class number that is asked for."""
    shape = shape_of(x)
    if len(shape) == 2:
        return x
    if len(shape) > 2:
        x = ops.permute_dims(x, axes=(0, *range(2, len(shape)), 1))
    return ops.reshape(x, shape=(prod(shape) // max(shape[classes_axis(shape)], 1), shape[classes_axis(shape)]))


def classes_axis(shape: Shape) -> int:
    """The axis of the classes."""
    return min(1, len(shape) - 1)


@dataclass(frozen=True)
class ClassTargets:
    """Class numbers (M), which of them count (None: all), their weights, and the shape they came in.

    Class numbers that are ignored have become 0, so that they can index.
    """

    classes: Array
    kept: Array | None
    weight: ArrayLike | None
    shape: Shape

    @classmethod
    def of(
        cls,
        name: str,
        x: ArrayLike,
        target: ArrayLike,
        weight: ArrayLike | None = None,
        ignore_index: int | None = None,
    ) -> ClassTargets:
        """Check class numbers and class weights against scores.

        Raises:
            ShapeError: the target is not x's shape without the classes, or there is not one weight a class.
            DTypeError: class numbers of floating dtype.
            DataError: a class that does not exist, or a negative weight.
        """
        shape, numbers = shape_of(x), raw(target)
        if numbers.size == 0 and numbers.dtype == np.float64:
            numbers = numbers.astype(np.intp)  # an empty list has no dtype
        if not shape:
            raise ShapeError(f"{name}: x has no dimensions: expected scores (C), (N, C) or (N, C, ...)")
        axis = classes_axis(shape)
        if numbers.shape != shape[:axis] + shape[axis + 1 :]:
            _explain_shape(name, shape, numbers)
        if numbers.dtype.kind not in "iu":
            raise DTypeError(
                f"{name}: class numbers are integers, not {numbers.dtype}: use .astype(int); class probabilities, "
                "where a loss takes them, have the shape of x"
            )
        count, kept = shape[axis], None
        if ignore_index is not None:
            kept, numbers = _without_ignored(numbers, ignore_index)
        if numbers.ndim > 1:
            _check_classes(numbers, count)  # here the error can say where; in a row whoever indexes checks
        if weight is not None:
            if shape_of(weight) != (count,):
                raise ShapeError(
                    f"{name}: weight has shape {shape_of(weight)}, but x {shape} has {count} classes: "
                    f"expected ({count},), a weight for each class"
                )
            weight = weights(name, x, weight)
        return cls(_in_a_row(numbers), None if kept is None else _in_a_row(kept), weight, numbers.shape)

    def chosen(self, table: ArrayLike) -> Tensor:
        """table[m, classes[m]]."""
        _check_classes(self.classes, shape_of(table)[1])
        return ops.getitem(table, index=(np.arange(len(self.classes)), self.classes))

    def weighted(self, loss: Tensor) -> Tensor:
        """The loss of each row times the weight of its class."""
        return loss if self.weight is None else ops.weighted(ops.getitem(self.weight, index=self.classes), loss)

    def reduced(self, loss: Tensor, reduction: str) -> Tensor:
        """Join the losses of the rows that count; in the mean each counts for its weight."""
        check_reduction(reduction)
        if self.kept is not None:
            loss = ops.where(self.kept, loss, 0)
        if reduction == "none":
            return flat(loss, self.shape)
        if self.kept is None and self.weight is None:
            return reduced(loss, reduction)
        share = self.weighted(ops.ones_like(loss))
        return reduced(loss, reduction, share if self.kept is None else ops.where(self.kept, share, 0))


def _in_a_row(array: Array) -> Array:
    return array if array.ndim == 1 else _flattened(array)


@python_check
def _flattened(array: Array) -> Array:
    return array.reshape(-1)


@python_check
def _without_ignored(numbers: Array, ignore_index: int) -> tuple[Array | None, Array]:
    """Which class numbers count (None: all), and the numbers, those that are ignored 0."""
    if not any_true(numbers == ignore_index):
        return None, numbers
    kept = numbers != ignore_index
    return kept, np.where(kept, numbers, 0)


def _explain_shape(name: str, shape: Shape, target: Array) -> NoReturn:
    inner = {3: ["T"], 4: ["H", "W"]}.get(len(shape), [f"D{i}" for i in range(1, len(shape) - 1)])
    letters = ["C"] if len(shape) == 1 else ["N", "C", *inner]
    spec = ShapeSpec(f"{' '.join(letters)}, {' '.join(x for x in letters if x != 'C')}")
    problem = spec.mismatch(["x", "target"], [shape, target.shape])
    if target.shape == shape:
        raise DTypeError(
            f"{name}: target has the shape of x and dtype {target.dtype}: class probabilities, where the loss takes "
            "them, are floating: use .astype(x.dtype); for class numbers of one-hot rows, .argmax(1)"
        )
    raise ShapeError(f"{name}: the target has the shape of x without its classes\n{problem}")
