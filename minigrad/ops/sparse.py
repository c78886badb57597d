"""Products with sparse matrices of SciPy, which are constants.

    A @ x    x @ A        A: any format of scipy.sparse, x: a Tensor of one, two or more dimensions

Both are one op, whose derivative is the product with the transpose. Who has a sparse matrix has imported SciPy.
The values are copied when x requires gradients, so that later changes of A change nothing that was recorded.
"""

from __future__ import annotations

import math
import sys
from importlib import import_module
from typing import Any

import numpy as np

from minigrad.autograd.batched_array import is_batched
from minigrad.autograd.complex_numbers import complex_dtype
from minigrad.autograd.python_call import python_check
from minigrad.autograd.registry import op
from minigrad.autograd.tensor import Tensor, as_operand
from minigrad.errors import DTypeError, ShapeError
from minigrad.ops.shape import astype, expand_dims, matrix_transpose, squeeze
from minigrad.shapes import Shape, shape_of
from minigrad.typing import Array, ArrayLike, Settings, Value

Rows = tuple[Array, Array, Array]
"""The stored numbers row by row, the column of each, and where each row begins: SciPy's CSR format."""


def is_sparse(x: object) -> bool:
    """Whether x is a sparse matrix or array of SciPy."""
    sparse = None if type(x) is Tensor or type(x) is np.ndarray else sys.modules.get("scipy.sparse")
    return sparse is not None and bool(sparse.issparse(x))


@python_check
def _rows_of(a: Any, copy: bool) -> Rows:
    """The numbers of a sparse matrix of SciPy.

    Raises:
        DTypeError: they are neither real nor complex.
        ShapeError: it has not two dimensions.
    """
    if a.ndim != 2:
        raise ShapeError(f"a product with a sparse array needs one of two dimensions, not of shape {a.shape}")
    if a.dtype.kind not in "fiubc":
        raise DTypeError(f"a product with a sparse matrix needs one of numbers, not of {a.dtype}")
    rows = a.tocsr()
    if copy and rows is a:
        rows = rows.copy()
    return rows.data, rows.indices, rows.indptr


def _settings(x: ArrayLike, *, rows: Rows, shape: Shape, transposed: bool = False) -> Settings:
    count, columns = shape_of(x)[-2], shape[0 if transposed else 1]
    if count != columns:
        of = f"the transpose of a sparse matrix of shape {shape}" if transposed else f"a sparse matrix of shape {shape}"
        raise ShapeError(f"{of} has {columns} columns, but x has {count} rows")
    return {"rows": rows, "shape": tuple(shape), "transposed": bool(transposed)}


def _flops(x_shape: Shape, rows: Rows) -> int:
    """Multiply-adds: one for each stored number and column of x."""
    return len(rows[0]) * x_shape[-1] * math.prod(x_shape[:-2])


@op(shapes="... N K -> ... M K", canonical=_settings, linear=("x",), flops=_flops, complex="holomorphic")
def sparse_matmul(x: Value, *, rows: Rows, shape: Shape, transposed: bool) -> Value:
    """out[..., m, k] = sum over n of A[m, n] * x[..., n, k], for a constant sparse matrix A, in the precision of x.

    Args:
        x: matrices.
        rows: the stored numbers of A row by row, the column of each, and where each row begins (CSR).
        shape: of A.
        transposed: whether its transpose takes its place (default False).

    Shapes: x (..., N, K) -> (..., M, K), with A (M, N), or (N, M) if it is transposed.

    Raises:
        ShapeError: A has another number of columns than x has rows.
    """
    matrix: Any = import_module("scipy.sparse").csr_array(rows, shape=shape)
    matrix = matrix.T if transposed else matrix
    *lead, count, columns = x.shape
    side_by_side = np.moveaxis(x, -2, 0).reshape(count, math.prod(lead) * columns)
    half = x.dtype == np.float16  # which SciPy does not know
    out = np.asarray(matrix @ (side_by_side.astype(np.float32) if half else side_by_side))
    out = out.astype(complex_dtype(x.dtype) if rows[0].dtype.kind == "c" else x.dtype, copy=False)
    return np.moveaxis(out.reshape(matrix.shape[0], *lead, columns), 0, -2)


@sparse_matmul.vjp("x")
def _(g: Value, *, rows: Rows, shape: Shape, transposed: bool) -> Value:
    return sparse_matmul(g, rows=rows, shape=shape, transposed=not transposed)


def matmul_with_sparse(x: Value, y: Value) -> Tensor:
    """x @ y where one of them is a sparse matrix of SciPy.

    Raises:
        DTypeError: both are sparse, or the numbers of one are none.
        ShapeError: the shapes do not fit.
    """
    if is_sparse(x) and is_sparse(y):
        raise DTypeError("matmul: two sparse matrices have no Tensor between them: multiply them by SciPy, A @ B")
    on_left = is_sparse(x)
    a, dense = (x, y) if on_left else (y, x)
    dense = dense if hasattr(dense, "dtype") else as_operand(dense)
    ndim = len(shape_of(dense))
    if not ndim:
        raise ShapeError("matmul: a number and a sparse matrix: needs vectors or matrices")
    recorded = is_batched(dense) or (isinstance(dense, Tensor) and dense.node is not None)
    rows, shape = _rows_of(a, recorded), tuple(a.shape)
    dtype = np.result_type(rows[0], dense.dtype)
    if dtype.kind == "c" and dense.dtype.kind != "c":
        dtype = np.finfo(dtype).dtype  # of the parts: a real x stays real
    dense = dense if dense.dtype == dtype else astype(dense, dtype=dtype)
    if ndim == 1:
        column = expand_dims(dense, axis=1)
        return squeeze(sparse_matmul(column, rows=rows, shape=shape, transposed=not on_left), axis=1)
    if on_left:
        return sparse_matmul(dense, rows=rows, shape=shape)
    return matrix_transpose(sparse_matmul(matrix_transpose(dense), rows=rows, shape=shape, transposed=True))
