"""Products of matrices and vectors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad.errors import ShapeError
from minigrad.op import op
from minigrad.ops.elementwise import add
from minigrad.ops.reduce import sum
from minigrad.ops.shape import expand_dims, matrix_transpose, reshape, squeeze, sum_to
from minigrad.shapes import Shape, shape_of
from minigrad.tensor import Tensor


@op(name="matmul", shapes="... I K, ... K J -> ... I J", linear=("x", "y"), onnx="MatMul",
    hint="the columns of x must be as many as the rows of y: is one of them to be transposed (.mT)?")  # fmt: skip
def matmul_matrices(x: Any, y: Any) -> Any:
    """out[..., i, j] = sum over k of x[..., i, k] * y[..., k, j]; leading dimensions broadcast."""
    return np.matmul(x, y)


@matmul_matrices.vjp("x")
def _(g: Any, y: Any, x_shape: Shape) -> Any:
    return sum_to(matmul_matrices(g, matrix_transpose(y)), shape=x_shape)


@matmul_matrices.vjp("y")
def _(g: Any, x: Any, y_shape: Shape) -> Any:
    return sum_to(matmul_matrices(matrix_transpose(x), g), shape=y_shape)


def matmul(x: Any, y: Any) -> Tensor:
    """Matrix product as `@` has it: a vector on the left is a row, on the right a column; stacks of matrices broadcast.

    Raises:
        ShapeError: an operand is a number, or the inner sizes differ.
    """
    x_ndim, y_ndim = len(shape_of(x)), len(shape_of(y))
    if not x_ndim or not y_ndim:
        raise ShapeError(f"matmul: needs vectors or matrices, got shapes {shape_of(x)} and {shape_of(y)}: use *")
    if x_ndim == 1:
        return squeeze(matmul(expand_dims(x, axis=0), y), axis=-2 if y_ndim > 1 else 0)
    if y_ndim == 1:
        return squeeze(matmul_matrices(x, expand_dims(y, axis=1)), axis=-1)
    return matmul_matrices(x, y)


def _linear_by_matmul(x: Any, w: Any, b: Any) -> Any:
    y = matmul_matrices(expand_dims(x, axis=-2), matrix_transpose(w))
    y = squeeze(y, axis=-2)
    return y if b is None else add(y, b)


@op(shapes="... D, O D, O -> ... O", linear=("x", "w", "b"), reference=_linear_by_matmul, onnx="Gemm",
    hint="in_features must be the size of x's last dimension: is a Flatten missing, or the number wrong?")  # fmt: skip
def linear(x: Any, w: Any, b: Any) -> Any:
    """out[..., o] = sum over d of x[..., d] * w[o, d] + b[o]; b may be None."""
    rows = _rows(x)
    out = rows @ w.T
    if b is not None:
        out = np.add(out, b, out=out if out.dtype == b.dtype else None)
    return out.reshape(*x.shape[:-1], w.shape[0])


@linear.vjp("x")
def _(g: Any, w: Any) -> Any:
    return matmul(g, w)


@linear.vjp("w")
def _(g: Any, x: Any) -> Any:
    return matmul_matrices(matrix_transpose(_rows(g)), _rows(x))


@linear.vjp("b")
def _(g: Any) -> Any:
    return sum(_rows(g), axis=0)


# On arrays the same products need no ops in between.
@linear.fast_vjp("x")
def _(g: Any, w: Any) -> Any:
    return g @ w


@linear.fast_vjp("w")
def _(g: Any, x: Any) -> Any:
    return _rows(g).T @ _rows(x)


@linear.fast_vjp("b")
def _(g: Any) -> Any:
    return np.add.reduce(_rows(g), axis=0)


def _rows(x: Any) -> Any:
    return x if x.ndim == 2 else reshape(x, shape=(math.prod(x.shape[:-1]), x.shape[-1]))
