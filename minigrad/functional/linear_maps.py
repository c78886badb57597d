"""Linear and bilinear maps, embeddings, and one-hot vectors."""

from __future__ import annotations

import numpy as np

from minigrad import ops
from minigrad.autograd.batched_array import physical
from minigrad.autograd.python_call import python_check
from minigrad.autograd.tensor import Tensor, wrap
from minigrad.errors import DataError, DTypeError, ShapeError, UsageError
from minigrad.functional.reduction import raw, values
from minigrad.shapes import shape_of
from minigrad.typing import Array, ArrayLike


def linear(x: ArrayLike, weight: ArrayLike, bias: ArrayLike | None = None) -> Tensor:
    """out[..., o] = sum_d x[..., d] * weight[o, d] + bias[o]. A weight that is a vector gives one number for each x.

    Args:
        x: vectors.
        weight: a row for each feature of the result.
        bias: a number for each feature of the result; 0 unless given.

    Shapes: x (..., D), weight (O, D), bias (O) -> (..., O); or weight (D), bias () -> (...).

    Raises:
        ShapeError: sizes that do not fit together.

    >>> linear(Tensor([[1.0, 2.0]]), Tensor([[3.0, 4.0], [0.0, 1.0]]), Tensor([0.0, 1.0])).tolist()
    [[11.0, 3.0]]
    """
    if len(shape_of(weight)) != 1:
        return ops.linear(x, weight, bias)
    if bias is not None and shape_of(bias) != ():
        raise ShapeError(f"linear: beside a weight (D) the bias is one number, got shape {shape_of(bias)}")
    out = ops.squeeze(ops.linear(x, ops.expand_dims(weight, axis=0), None), axis=-1)
    return out if bias is None else ops.add(out, bias)


def bilinear(x1: ArrayLike, x2: ArrayLike, weight: ArrayLike, bias: ArrayLike | None = None) -> Tensor:
    """out[..., o] = sum over i, j of x1[..., i] * weight[o,i,j] * x2[..., j] + bias[o].

    Args:
        x1: vectors.
        x2: vectors.
        weight: a matrix for each feature of the result.
        bias: a number for each feature of the result; 0 unless given.

    Shapes: x1 (..., D1), x2 (..., D2), weight (O, D1, D2), bias (O) -> (..., O).

    Raises:
        ShapeError: sizes that do not fit together.
    """
    (*lead, d1), (*other, d2), w = shape_of(x1), shape_of(x2), shape_of(weight)
    if lead != other or w[1:] != (d1, d2) or len(w) != 3:
        raise ShapeError(
            f"bilinear: expected x1 (..., D1), x2 (..., D2) and weight (O, D1, D2), "
            f"got x1 {shape_of(x1)}, x2 {shape_of(x2)} and weight {w}"
        )
    out = ops.einsum("ni,oij,nj->no", ops.reshape(x1, shape=(-1, d1)), weight, ops.reshape(x2, shape=(-1, d2)))
    out = ops.reshape(out, shape=(*lead, w[0]))
    return out if bias is None else ops.add(out, bias)


def embedding(
    x: ArrayLike,
    weight: ArrayLike,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """out[..., d] = weight[x[...], d]: for each class number its row of the table.

    Args:
        x: class numbers, integers.
        weight: the table, a row for each class.
        padding_idx: the row that gets no gradient; none unless given.
        max_norm: not supported: None; it would rewrite the table.
        norm_type: not used; here for PyTorch's order of arguments (default 2.0).
        scale_grad_by_freq: not supported (default False).
        sparse: not supported (default False).

    Shapes: x (...), weight (M, D) -> (..., D).

    Raises:
        DataError: a number is not a row of the table.
        DTypeError: numbers that are not integers.
        ShapeError: the weight is no table.
        UsageError: padding_idx is no row of the table; max_norm, scale_grad_by_freq or sparse is asked for.
    """
    if max_norm is not None:
        raise UsageError("embedding: max_norm would change the weight on the way: use normalize on the result")
    if scale_grad_by_freq or sparse:
        raise UsageError("embedding: scale_grad_by_freq and sparse gradients are not supported: leave them out")
    if len(shape_of(weight)) != 2:
        raise ShapeError(f"embedding: weight is a table (M, D), got shape {shape_of(weight)}")
    if isinstance(x, Tensor) and x.dtype.kind in "iu" and x.dtype != np.intp:
        x = ops.astype(x, dtype=np.intp)
    numbers, count = _class_numbers("embedding", raw(x)), shape_of(weight)[0]
    _require_below("embedding", numbers, count, "row")
    rows = ops.getitem(weight, index=numbers)
    if padding_idx is None:
        return rows
    if not -count <= padding_idx < count:
        raise UsageError(f"embedding: padding_idx {padding_idx} is no row of a table of {count}")
    fixed = ops.getitem(weight, index=padding_idx)
    fixed = Tensor(raw(fixed)) if isinstance(fixed, Tensor) else fixed  # a copy: no weight
    padding = ops.equal(x if isinstance(x, Tensor) else numbers, padding_idx % count)
    return ops.where(ops.expand_dims(padding, axis=-1), fixed, rows)


def one_hot(x: ArrayLike, num_classes: int = -1) -> Tensor | Array:
    """out[..., k] = 1 where x[...] is k, else 0: for each class number a row of integers.

    Args:
        x: class numbers, integers.
        num_classes: how many classes there are; the largest number + 1 if -1 (default -1).

    Returns:
        A Tensor if x is one, else an array.

    Shapes: x (...) -> (..., num_classes).

    Raises:
        DataError: a number is negative or too large, or there is none to count the classes by.
        DTypeError: numbers that are not integers.

    >>> one_hot([0, 2]).tolist()
    [[1, 0, 0], [0, 0, 1]]
    """
    numbers = _class_numbers("one_hot", values(x))
    if num_classes == -1:
        if not numbers.size:
            raise DataError("one_hot: no number tells how many classes there are: give num_classes")
        num_classes = int(numbers.max()) + 1
    _require_below("one_hot", numbers, num_classes, "class")
    out = (numbers[..., None] == np.arange(num_classes)).astype(np.int64)
    return wrap(out) if isinstance(x, Tensor) else out


def _class_numbers(name: str, numbers: Array) -> Array:
    if numbers.dtype.kind not in "iu" and numbers.size:
        raise DTypeError(f"{name}: class numbers are integers, not {numbers.dtype}: use .astype(int)")
    integers: Array = numbers.astype(np.intp, copy=False)
    return integers


@python_check
def _require_below(name: str, numbers: Array, count: int, what: str) -> None:
    wrong = physical((numbers < 0) | (numbers >= count))
    if wrong.any():
        raise DataError(
            f"{name}: {physical(numbers)[wrong].flat[0]} is no {what}: there are {count}, from 0 to {count - 1}"
        )
