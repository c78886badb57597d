"""Functions of matrices that are made of products, solutions and decompositions: no rules here."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from minigrad.autograd.tensor import Tensor
from minigrad.errors import ShapeError, UsageError
from minigrad.ops.decomposition import svdvals
from minigrad.ops.elementwise import divide, multiply, square
from minigrad.ops.fill import ones_like
from minigrad.ops.index import getitem
from minigrad.ops.linalg import matmul
from minigrad.ops.linear_systems import inv, matrix_rank, pinv, solve
from minigrad.ops.norms import matrix_norm
from minigrad.ops.reduce import sum
from minigrad.ops.scan import cumulative_prod
from minigrad.ops.shape import broadcast_to, concat, expand_dims, permute_dims, reshape, squeeze
from minigrad.shapes import Shape, shape_of
from minigrad.typing import ArrayLike, Value


def kron(x: Value, y: Value) -> Tensor:
    """The Kronecker product: each element of x replaced by it times y.

    Args:
        x, y: matrices, or arrays of any number of dimensions.

    Shapes: x (I, J), y (P, Q) -> (I*P, J*Q).
    """
    ndim = max(len(shape_of(x)), len(shape_of(y)))
    x_shape, y_shape = [(1,) * (ndim - len(s)) + s for s in (shape_of(x), shape_of(y))]
    places = range(ndim)
    left = reshape(x, shape=[n for i in places for n in (x_shape[i], 1)])
    right = reshape(y, shape=[n for i in places for n in (1, y_shape[i])])
    return reshape(multiply(left, right), shape=[x_shape[i] * y_shape[i] for i in places])


def multi_dot(arrays: Sequence[Value]) -> Tensor:
    """The product of several matrices, in the order that needs the fewest multiplications.

    Args:
        arrays: matrices; the first and the last may be vectors, a row and a column.

    Shapes: (I, K), (K, L), ..., (M, J) -> (I, J), without the I or J of a vector.

    Raises:
        ShapeError: an array has another number of dimensions, or two neighbors do not fit.
        UsageError: there are fewer than two.

    Source: Cormen et al., "Introduction to algorithms", matrix-chain multiplication.
    """
    xs = list(arrays)
    if len(xs) < 2:
        raise UsageError(f"multi_dot: needs two matrices at least, got {len(xs)}")
    row, column = len(shape_of(xs[0])) == 1, len(shape_of(xs[-1])) == 1
    xs[0] = expand_dims(xs[0], axis=0) if row else xs[0]
    xs[-1] = expand_dims(xs[-1], axis=1) if column else xs[-1]
    shapes = [shape_of(x) for x in xs]
    if any(len(s) != 2 for s in shapes) or any(a[1] != b[0] for a, b in pairwise(shapes)):
        raise ShapeError(f"multi_dot: matrices of shapes {', '.join(map(str, shapes))} do not fit one another")
    cuts = _cheapest_cuts([s[0] for s in shapes] + [shapes[-1][1]])

    def product(first: int, last: int) -> Value:
        if first == last:
            return xs[first]
        cut = cuts[first, last]
        return matmul(product(first, cut), product(cut + 1, last))

    out: Tensor = product(0, len(xs) - 1)
    axes = tuple([axis for axis, gone in ((0, row), (1, column)) if gone])
    return squeeze(out, axis=axes) if axes else out


def _cheapest_cuts(sizes: list[int]) -> dict[tuple[int, int], int]:
    """Behind which matrix each product from one to another is cut."""
    count = len(sizes) - 1
    costs, cuts = {(i, i): 0 for i in range(count)}, {}
    for length in range(1, count):
        for i in range(count - length):
            j = i + length
            costs[i, j], cuts[i, j] = min(
                (costs[i, k] + costs[k + 1, j] + sizes[i] * sizes[k + 1] * sizes[j + 1], k) for k in range(i, j)
            )
    return cuts


def vander(x: Value, N: int | None = None) -> Tensor:
    """out[..., i, j] = x[..., i]^j: the Vandermonde matrix, with rising powers.

    Args:
        x: numbers.
        N: the number of columns (default None: that of the rows).

    Shapes: x (..., M) -> (..., M, N).

    Raises:
        ShapeError: x has no dimension.
        UsageError: N is negative.
    """
    shape = shape_of(x)
    if not shape:
        raise ShapeError("vander: x has no dimension: give a vector")
    columns = shape[-1] if N is None else N.__index__()
    if columns < 0:
        raise UsageError(f"vander: N is the number of columns, at least 0, got {N}")
    repeated = broadcast_to(expand_dims(x, axis=-1), shape=(*shape, max(columns - 1, 0)))
    ones = ones_like(getitem(expand_dims(x, axis=-1), index=(..., slice(0, min(columns, 1)))))
    return concat([ones, cumulative_prod(repeated, axis=len(shape))], axis=-1)


def cond(x: Value, p: float | str | None = None) -> Tensor:
    """|x| |x^-1|: by how much a solution of x @ y = b may change, relatively, beside b.

    Args:
        x: matrices, square ones unless p is None, 2 or -2.
        p: the norm: 2, -2, 1, -1, inf, -inf, "fro" or "nuc" (default None: 2, the quotient of the largest and the
            smallest singular value).

    Shapes: x (..., M, N) -> (...).

    Raises:
        LinAlgError: a matrix is singular, for another norm than 2.
    """
    if p in (None, 2, -2):
        s = svdvals(x)
        first, last = getitem(s, index=(..., 0)), getitem(s, index=(..., -1))
        return divide(last, first) if p == -2 else divide(first, last)
    order: Any = p
    return multiply(matrix_norm(x, ord=order), matrix_norm(inv(x), ord=order))


def tensorinv(x: Value, ind: int = 2) -> Tensor:
    """The inverse of `tensordot` with x: tensordot(tensorinv(x, ind), tensordot(x, y, ind), ind) = y.

    Args:
        x: an array whose first `ind` dimensions have as many elements as the others.
        ind: how many dimensions are the rows (default 2).

    Shapes: x (*rows, *columns) -> (*columns, *rows).

    Raises:
        LinAlgError: it has no inverse.
        ShapeError: the elements of rows and columns are not as many.
        UsageError: ind is not above 0.
    """
    if ind <= 0:
        raise UsageError(f"tensorinv: ind must be above 0, got {ind}")
    shape = shape_of(x)
    rows, columns = shape[:ind], shape[ind:]
    _require_square("tensorinv", rows, columns)
    return reshape(inv(reshape(x, shape=(math.prod(rows), -1))), shape=(*columns, *rows))


def tensorsolve(x: Value, y: Value, axes: Sequence[int] | None = None) -> Tensor:
    """The solution of tensordot(x, out, out.ndim) = y.

    Args:
        x: an array with as many elements for y as for the result.
        y: the right side.
        axes: dimensions of x that are moved to its end first (default None: none).

    Shapes: x (*rows, *columns), y (*rows) -> (*columns).

    Raises:
        LinAlgError: there is no one solution.
        ShapeError: the elements of rows and columns are not as many.
    """
    ndim = len(shape_of(x))
    if axes is not None:
        moved = [axis % ndim for axis in axes]
        x = permute_dims(x, axes=(*[k for k in range(ndim) if k not in moved], *moved))
    rows, columns = shape_of(x)[: len(shape_of(y))], shape_of(x)[len(shape_of(y)) :]
    _require_square("tensorsolve", rows, columns)
    size = math.prod(rows)
    return reshape(solve(reshape(x, shape=(size, size)), reshape(y, shape=(size,))), shape=columns)


def _require_square(name: str, rows: Shape, columns: Shape) -> None:
    if math.prod(rows) != math.prod(columns):
        raise ShapeError(f"{name}: dimensions {rows} and {columns} of x have not as many elements")


class Lstsq(NamedTuple):
    """What `lstsq` gives; the names are PyTorch's."""

    solution: Tensor
    residuals: Tensor
    rank: Tensor
    singular_values: Tensor


def lstsq(x: Value, y: Value, rcond: ArrayLike | None = None) -> Lstsq:
    """The out for which |x @ out - y| is smallest, and of several such the smallest one.

    Args:
        x: matrices. The derivative holds where the rank does not change.
        y: a vector, or matrices, one problem for each column.
        rcond: singular values up to this times the largest count as 0; max(M, N) times the dtype's epsilon unless
            given.

    Returns:
        `solution`; `residuals`, the squared norms of x @ solution - y (NumPy gives none where the rank is not full);
        `rank`; and `singular_values`.

    Shapes: x (..., M, N), y (M) or (..., M, K) -> solution (N) or (..., N, K), residuals () or (..., K), rank (...),
    singular_values (..., min(M, N)).
    """
    solution = matmul(pinv(x, rtol=rcond), y)
    rest = matmul(x, solution) - y
    axis = -1 if len(shape_of(y)) == 1 else -2
    size = sum(square(rest), axis=axis) if rest.dtype.kind != "c" else sum((rest * rest.conj()).real, axis=axis)
    return Lstsq(solution, size, matrix_rank(x, rtol=rcond), svdvals(x))
