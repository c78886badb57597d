"""Products of matrices and vectors, and the diagonals of matrices."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad import kernels
from minigrad.autograd.complex_numbers import conjugated
from minigrad.autograd.registry import op
from minigrad.autograd.tensor import Tensor
from minigrad.errors import ShapeError
from minigrad.ops.elementwise import add, multiply, subtract
from minigrad.ops.rearrange import roll
from minigrad.ops.reduce import sum
from minigrad.ops.shape import expand_dims, matrix_transpose, ordered_axes, permute_dims, reshape, squeeze, sum_to
from minigrad.ops.sparse import is_sparse, matmul_with_sparse
from minigrad.shapes import Shape, canonical_axis, shape_of
from minigrad.typing import ArrayLike, DTypeLike, Settings, Value


def _product_flops(x_shape: Shape, out_shape: Shape) -> int:
    """Multiply-adds: one for each element of the result and of the dimension that is summed over, x's last."""
    return math.prod(out_shape) * x_shape[-1]


@op(name="matmul", shapes="... I K, ... K J -> ... I J", linear=("x", "y"), onnx="MatMul", flops=_product_flops,
    hint="the columns of x must be as many as the rows of y: is one of them to be transposed (.mT)?",
    complex="holomorphic")  # fmt: skip
def matmul_matrices(x: Value, y: Value) -> Value:
    """out[..., i, j] = sum over k of x[..., i, k] * y[..., k, j]; leading dimensions broadcast."""
    return kernels.matrix_product(x, y)


@matmul_matrices.vjp("x")
def _(g: Value, y: Value, x_shape: Shape) -> Value:
    return sum_to(matmul_matrices(g, matrix_transpose(y)), shape=x_shape)


@matmul_matrices.vjp("y")
def _(g: Value, x: Value, y_shape: Shape) -> Value:
    return sum_to(matmul_matrices(matrix_transpose(x), g), shape=y_shape)


def matmul(x: Value, y: Value) -> Tensor:
    """out[..., i, j] = sum over k of x[..., i, k] * y[..., k, j]: the matrix product, as `@` has it.

    Args:
        x, y: matrices, or stacks of them, which broadcast; a vector on the left is a row, on the right a column. One of
            them may be a sparse matrix of SciPy, a constant.

    Shapes: x (..., I, K) or (K), y (..., K, J) or (K) -> (..., I, J), without the I or J of a vector.

    Raises:
        ShapeError: an operand is a number, or the inner sizes differ.
    """
    if is_sparse(x) or is_sparse(y):
        return matmul_with_sparse(x, y)
    x_ndim, y_ndim = len(shape_of(x)), len(shape_of(y))
    if not x_ndim or not y_ndim:
        raise ShapeError(f"matmul: needs vectors or matrices, got shapes {shape_of(x)} and {shape_of(y)}: use *")
    if x_ndim == 1:
        return squeeze(matmul(expand_dims(x, axis=0), y), axis=-2 if y_ndim > 1 else 0)
    if y_ndim == 1:
        return squeeze(matmul_matrices(x, expand_dims(y, axis=1)), axis=-1)
    return matmul_matrices(x, y)


def _linear_by_matmul(x: Value, w: Value, b: Value) -> Value:
    y = matmul_matrices(expand_dims(x, axis=-2), matrix_transpose(w))
    y = squeeze(y, axis=-2)
    return y if b is None else add(y, b)


@op(shapes="... D, O D, O -> ... O", linear=("x", "w", "b"), reference=_linear_by_matmul, onnx="Gemm",
    flops=_product_flops,
    hint="in_features must be the size of x's last dimension: is a Flatten missing, or the number wrong?",
    complex="holomorphic")  # fmt: skip
def linear(x: Value, w: Value, b: Value) -> Value:
    """out[..., o] = sum over d of x[..., d] * w[o, d] + b[o].

    Args:
        x: vectors.
        w: a row for each feature of the result.
        b: a number for each feature of the result, or None.

    Shapes: x (..., D), w (O, D), b (O) -> (..., O).
    """
    return kernels.linear(_rows(x), w, b).reshape(*x.shape[:-1], w.shape[0])


@linear.vjp("x")
def _(g: Value, w: Value) -> Value:
    return matmul(g, w)


@linear.vjp("w")
def _(g: Value, x: Value) -> Value:
    return matmul_matrices(matrix_transpose(_rows(g)), _rows(x))


@linear.vjp("b")
def _(g: Value) -> Value:
    return sum(_rows(g), axis=0)


# On arrays the same products need no ops in between.
@linear.fast_vjp("x")
def _(g: Value, w: Value) -> Value:
    return kernels.matrix_product(_rows(g), w).reshape(*g.shape[:-1], w.shape[1])


@linear.fast_vjp("w")
def _(g: Value, x: Value) -> Value:
    return kernels.matrix_product(_rows(g).T, _rows(x))


@linear.fast_vjp("b")
def _(g: Value) -> Value:
    return np.add.reduce(_rows(g), axis=0)


def _rows(x: Value) -> Value:
    return x if x.ndim == 2 else reshape(x, shape=(math.prod(x.shape[:-1]), x.shape[-1]))


# ---- products made of these ----------------------------------------------------------------------------------


def vecdot(x: Value, y: Value, axis: int = -1) -> Tensor:
    """out = sum over the axis of conj(x) * y; the other dimensions broadcast.

    Args:
        x, y: vectors.
        axis: the dimension of a vector (default -1: the last).

    Shapes: x (..., T, ...), y the same -> (...).

    Raises:
        ShapeError: the two differ in size along the axis.
    """
    x_shape, y_shape = shape_of(x), shape_of(y)
    if axis >= 0 and len(x_shape) != len(y_shape):
        raise ShapeError("vecdot: x and y differ in their number of dimensions: count the axis from the end, as -1")
    sizes = [shape[canonical_axis(axis, len(shape))] for shape in (x_shape, y_shape)]
    if sizes[0] != sizes[1]:
        raise ShapeError(f"vecdot: x has {sizes[0]} elements along axis {axis}, but y has {sizes[1]}")
    products = multiply(conjugated(x), y)
    return sum(products, axis=axis, dtype=products.dtype if products.dtype.kind in "iu" else None)


def outer(x: Value, y: Value) -> Tensor:
    """out[i, j] = x[i] * y[j].

    Args:
        x, y: vectors.

    Shapes: x (I), y (J) -> (I, J).

    Raises:
        ShapeError: one of them is no vector.
    """
    if len(shape_of(x)) != 1 or len(shape_of(y)) != 1:
        raise ShapeError(f"outer: needs two vectors, got shapes {shape_of(x)} and {shape_of(y)}")
    return multiply(expand_dims(x, axis=1), y)


def cross(x: Value, y: Value, axis: int = -1) -> Tensor:
    """The vector product (x[1]*y[2] - x[2]*y[1], x[2]*y[0] - x[0]*y[2], x[0]*y[1] - x[1]*y[0]); the rest broadcasts.

    Args:
        x, y: vectors of three elements.
        axis: the dimension of a vector (default -1: the last).

    Shapes: x (..., 3, ...), y the same -> the same.

    Raises:
        ShapeError: the axis does not have size 3.
    """
    for name, v in (("x", x), ("y", y)):
        shape = shape_of(v)
        if shape[canonical_axis(axis, len(shape))] != 3:
            raise ShapeError(f"cross: {name} of shape {shape} does not have size 3 along axis {axis}")

    def rolled(v: Value, places: int) -> Value:
        return roll(v, places, axis=axis)

    return subtract(multiply(rolled(x, -1), rolled(y, 1)), multiply(rolled(x, 1), rolled(y, -1)))


def tensordot(x: Value, y: Value, axes: int | tuple[Sequence[int], Sequence[int]] = 2) -> Tensor:
    """The sum over several dimensions of x and y at once, as one matrix product.

    Args:
        x, y: numbers.
        axes: how many of the last dimensions of x are summed with the first ones of y; or two sequences: the k-th named
            of x with the k-th named of y (default 2).

    Shapes: the other dimensions of x, then those of y.

    Raises:
        ShapeError: the sizes of two such dimensions differ.
    """
    x_shape, y_shape = shape_of(x), shape_of(y)
    if isinstance(axes, int):
        pairs: tuple[Any, Any] = (range(len(x_shape) - axes, len(x_shape)), range(axes))
    else:
        pairs = axes
    over_x, over_y = ordered_axes(pairs[0], len(x_shape)), ordered_axes(pairs[1], len(y_shape))
    summed = [x_shape[i] for i in over_x]
    if summed != [y_shape[i] for i in over_y]:
        raise ShapeError(
            f"tensordot: dimensions {over_x} of shape {x_shape} do not fit dimensions {over_y} of shape {y_shape}"
        )
    x_free = [i for i in range(len(x_shape)) if i not in over_x]
    y_free = [i for i in range(len(y_shape)) if i not in over_y]
    rows, inner = math.prod(x_shape[i] for i in x_free), math.prod(summed)
    left = reshape(permute_dims(x, axes=(*x_free, *over_x)), shape=(rows, inner))
    right = reshape(permute_dims(y, axes=(*over_y, *y_free)), shape=(inner, math.prod(y_shape[i] for i in y_free)))
    return reshape(matmul_matrices(left, right), shape=[*[x_shape[i] for i in x_free], *[y_shape[i] for i in y_free]])


# ---- diagonals -----------------------------------------------------------------------------------------------


def _placing(x: ArrayLike, *, offset: int = 0) -> Settings:
    if np.ndim(x) < 2:
        raise ShapeError(f"a diagonal is of a matrix: at least 2 dimensions, not {np.ndim(x)}")
    return {"offset": offset.__index__()}


@op(canonical=_placing, linear=("x",), complex="holomorphic")
def diagonal(x: Value, *, offset: int) -> Value:
    """out[k] = x[k, k + offset] of each matrix.

    Args:
        x: matrices.
        offset: the diagonal, counted from the main one upward (default 0).

    Shapes: x (..., M, N) -> (..., K).
    """
    return np.diagonal(x, offset, -2, -1)


@diagonal.vjp("x")
def _(g: Value, x_shape: Shape, *, offset: int) -> Value:
    return diagonal_matrix(g, offset=offset, shape=x_shape)


@op(linear=("x",), complex="holomorphic")
def diagonal_matrix(x: Value, *, offset: int, shape: Shape) -> Value:
    """Zeros with x on a diagonal: the transpose of `diagonal`.

    Args:
        x: diagonals.
        offset: the diagonal, counted from the main one upward.
        shape: the sizes of the result.

    Shapes: x (..., K) -> (..., M, N).
    """
    out = np.zeros(shape, x.dtype)
    steps = np.arange(x.shape[-1])
    out[..., steps + max(-offset, 0), steps + max(offset, 0)] = x
    return out


@diagonal_matrix.vjp("x")
def _(g: Value, *, offset: int) -> Value:
    return diagonal(g, offset=offset)


def trace(x: Value, offset: int = 0, dtype: DTypeLike | None = None) -> Tensor:
    """The sum of a diagonal of each matrix.

    Args:
        x: matrices.
        offset: the diagonal, counted from the main one upward (default 0).
        dtype: in what to compute (default None: x's own; for small integers int64 or uint64).

    Shapes: x (..., M, N) -> (...).
    """
    return sum(diagonal(x, offset=offset), axis=-1, dtype=dtype)
