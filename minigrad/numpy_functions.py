"""NumPy's functions, and what is called in place of each on Tensors, with NumPy's names for the parameters."""

from __future__ import annotations

from functools import cache
from typing import Any, TypeAlias

import numpy as np

from minigrad import fft, ops
from minigrad.ops.matrix_products import cond
from minigrad.typing import ArrayLike, Function

Result: TypeAlias = Any  # as the op's: a Tensor, several in a tuple, or for `np.shape` and the like a plain value
"""What NumPy's functions return on Tensors."""

Functions: TypeAlias = dict[Function, Function]
"""What is called instead of a function of NumPy's."""


@cache
def numpy_functions() -> Functions:
    """Each function with NumPy's names for its parameters; parameters that are not here are not supported."""
    return {**_reductions(), **_arrangements(), **_searches(), **_products(), **_decompositions(), **_fourier()}


def _reductions() -> Functions:
    def reduction(op: Function) -> Function:
        return lambda a, axis=None, keepdims=False: op(a, axis=axis, keepdims=keepdims)

    def moments(function: Function) -> Function:
        return lambda a, axis=None, ddof=0, keepdims=False: function(a, axis=axis, correction=ddof, keepdims=keepdims)

    def scanned(function: Function) -> Function:
        """NumPy's older names flatten the array when no axis is given."""
        return lambda a, axis=None: function(a if axis is not None else ops.reshape(a, shape=(-1,)), axis=axis or 0)

    names = ("sum", "mean", "prod", "max", "min", "argmax", "argmin", "any", "all", "count_nonzero")
    return {
        **{getattr(np, name): reduction(getattr(ops, name)) for name in names},
        np.amax: reduction(ops.max),
        np.amin: reduction(ops.min),
        np.var: moments(ops.var),
        np.std: moments(ops.std),
        np.cumsum: scanned(ops.cumulative_sum),
        np.cumprod: scanned(ops.cumulative_prod),
        np.cumulative_sum: ops.cumulative_sum,
        np.cumulative_prod: ops.cumulative_prod,
        np.diff: lambda a, n=1, axis=-1, prepend=None, append=None: ops.diff(
            a, axis=axis, n=n, prepend=prepend, append=append
        ),
    }


def _arrangements() -> Functions:
    return {
        np.where: _where,
        np.clip: _clip,
        np.zeros_like: lambda a, dtype=None: ops.zeros_like(a, dtype=dtype),
        np.ones_like: lambda a, dtype=None: ops.ones_like(a, dtype=dtype),
        np.full_like: lambda a, fill_value, dtype=None: ops.full_like(a, fill_value, dtype=dtype),
        np.round: lambda a: ops.round(a),
        np.real: lambda val: ops.real(val),
        np.imag: lambda val: ops.imag(val),
        np.angle: lambda z: ops.angle(z),
        np.astype: lambda x, dtype: ops.astype(x, dtype=dtype),
        np.reshape: lambda a, shape: ops.reshape(a, shape=shape),
        np.ravel: lambda a: ops.reshape(a, shape=(-1,)),
        np.transpose: lambda a, axes=None: ops.permute_dims(a, axes=axes),
        np.matrix_transpose: ops.matrix_transpose,
        np.linalg.matrix_transpose: ops.matrix_transpose,
        np.moveaxis: lambda a, source, destination: ops.moveaxis(a, source, destination),
        np.swapaxes: lambda a, axis1, axis2: ops.moveaxis(a, (axis1, axis2), (axis2, axis1)),
        np.broadcast_to: lambda array, shape: ops.broadcast_to(array, shape=shape),
        np.broadcast_arrays: lambda args: tuple(ops.broadcast_arrays(*args)),
        np.squeeze: lambda a, axis=None: ops.squeeze(a, axis=axis),
        np.expand_dims: lambda a, axis: ops.expand_dims(a, axis=axis),
        np.concatenate: lambda arrays, axis=0: ops.concat(arrays, axis=axis),
        np.stack: lambda arrays, axis=0: ops.stack(arrays, axis=axis),
        np.unstack: ops.unstack,
        np.split: lambda ary, indices_or_sections, axis=0: ops.split(ary, indices_or_sections, axis=axis),
        np.flip: lambda m, axis=None: ops.flip(m, axis=axis),
        np.roll: lambda a, shift, axis=None: ops.roll(a, shift, axis=axis),
        np.repeat: lambda a, repeats, axis=None: ops.repeat(a, repeats, axis=axis),
        np.tile: lambda A, reps: ops.tile(A, reps),
        np.tril: lambda m, k=0: ops.tril(m, k=k),
        np.triu: lambda m, k=0: ops.triu(m, k=k),
        np.meshgrid: lambda xi, indexing="xy": tuple(ops.meshgrid(*xi, indexing=indexing)),
        np.ndim: lambda a: a.ndim,
        np.shape: lambda a: a.shape,
        np.size: lambda a: a.size,
    }


def _searches() -> Functions:
    def flattened(a: ArrayLike, axis: int | None) -> tuple[ArrayLike, int]:
        """NumPy flattens the array when no axis is given."""
        return (ops.reshape(a, shape=(-1,)), 0) if axis is None else (a, axis)

    def sorting(function: Function) -> Function:
        def sorted_(a: ArrayLike, axis: int | None = -1, stable: bool | None = None) -> Result:
            a, axis = flattened(a, axis)
            return function(a, axis=axis)

        return sorted_

    def taking(function: Function) -> Function:
        def take_flattened(a: ArrayLike, indices: ArrayLike, axis: int | None = None) -> Result:
            a, axis = flattened(a, axis)
            return function(a, indices, axis=axis)

        return take_flattened

    return {
        np.sort: sorting(ops.sort),
        np.argsort: sorting(ops.argsort),
        np.searchsorted: lambda a, v, side="left", sorter=None: ops.searchsorted(a, v, side=side, sorter=sorter),
        np.nonzero: lambda a: ops.nonzero(a),
        np.take: taking(ops.take),
        np.take_along_axis: lambda arr, indices, axis=-1: taking(ops.take_along_axis)(arr, indices, axis),
    }


def _products() -> Functions:
    return {
        np.dot: _dot,
        np.outer: lambda a, b: ops.outer(ops.reshape(a, shape=(-1,)), ops.reshape(b, shape=(-1,))),
        np.linalg.outer: lambda x1, x2: ops.outer(x1, x2),
        np.linalg.matmul: lambda x1, x2: ops.matmul(x1, x2),
        np.linalg.vecdot: lambda x1, x2, axis=-1: ops.vecdot(x1, x2, axis=axis),
        np.linalg.cross: lambda x1, x2, axis=-1: ops.cross(x1, x2, axis=axis),
        np.cross: lambda a, b, axis=-1: ops.cross(a, b, axis=-1 if axis is None else axis),
        np.tensordot: lambda a, b, axes=2: ops.tensordot(a, b, axes=axes),
        np.linalg.tensordot: lambda x1, x2, axes=2: ops.tensordot(x1, x2, axes=axes),
        np.kron: lambda a, b: ops.kron(a, b),
        np.einsum: lambda operands, optimize=False: ops.einsum(*operands),
        np.diagonal: lambda a, offset=0, axis1=0, axis2=1: ops.diagonal(_axes_last(a, axis1, axis2), offset=offset),
        np.linalg.diagonal: lambda x, offset=0: ops.diagonal(x, offset=offset),
        np.trace: lambda a, offset=0, axis1=0, axis2=1: ops.trace(_axes_last(a, axis1, axis2), offset=offset),
        np.linalg.trace: ops.trace,
    }


def _decompositions() -> Functions:
    return {
        np.linalg.inv: lambda a: ops.inv(a),
        np.linalg.solve: lambda a, b: ops.solve(a, b),
        np.linalg.det: lambda a: ops.det(a),
        np.linalg.slogdet: lambda a: ops.slogdet(a),
        np.linalg.pinv: lambda a, rtol=None: ops.pinv(a, rtol=rtol),
        np.linalg.matrix_rank: lambda A, rtol=None: ops.matrix_rank(A, rtol=rtol),
        np.linalg.matrix_power: lambda a, n: ops.matrix_power(a, n),
        np.linalg.cholesky: lambda a, upper=False: ops.cholesky(a, upper=upper),
        np.linalg.eig: lambda a: ops.eig(a),
        np.linalg.eigvals: lambda a: ops.eigvals(a),
        np.linalg.eigh: lambda a: ops.eigh(a),
        np.linalg.lstsq: lambda a, b, rcond=None: ops.lstsq(a, b, rcond=rcond),
        np.linalg.cond: lambda x, p=None: cond(x, p),
        np.linalg.multi_dot: lambda arrays: ops.multi_dot(arrays),
        np.linalg.tensorinv: lambda a, ind=2: ops.tensorinv(a, ind),
        np.linalg.tensorsolve: lambda a, b, axes=None: ops.tensorsolve(a, b, axes),
        np.linalg.eigvalsh: lambda a: ops.eigvalsh(a),
        np.linalg.svd: lambda a, full_matrices=True: ops.svd(a, full_matrices=full_matrices),
        np.linalg.svdvals: ops.svdvals,
        np.linalg.qr: lambda a, mode="reduced": ops.qr(a, mode=mode),
        np.linalg.norm: ops.norm,
        np.linalg.vector_norm: ops.vector_norm,
        np.linalg.matrix_norm: ops.matrix_norm,
    }


def _fourier() -> Functions:
    def transform(function: Function) -> Function:
        """Of one axis, or of several: the two have names of their own for sizes and axes."""
        return lambda a, n=None, axis=-1, s=None, axes=None, norm="backward": (
            function(a, s, axes, norm) if function.__name__.endswith("n") else function(a, n, axis, norm)
        )

    names = [name for name in fft.__all__ if not name.endswith(("freq", "shift"))]
    return {getattr(np.fft, name): transform(getattr(fft, name)) for name in names}


def _where(condition: ArrayLike, x: ArrayLike | None = None, y: ArrayLike | None = None) -> Result:
    return ops.nonzero(condition) if x is None and y is None else ops.where(condition, x, y)


def _clip(
    a: ArrayLike,
    a_min: ArrayLike | None = None,
    a_max: ArrayLike | None = None,
    min: ArrayLike | None = None,
    max: ArrayLike | None = None,
) -> Result:
    return ops.clip(a, a_min if min is None else min, a_max if max is None else max)


def _dot(a: ArrayLike, b: ArrayLike) -> Result:
    """`numpy.dot`: numbers multiply, and stacks of matrices are combined each with each, unlike in `@`."""
    if not (np.ndim(a) and np.ndim(b)):
        return ops.multiply(a, b)
    return ops.tensordot(a, b, axes=((-1,), (-2 if np.ndim(b) > 1 else -1,)))


def _axes_last(a: ArrayLike, axis1: int, axis2: int) -> Result:
    return ops.moveaxis(a, (axis1, axis2), (-2, -1))
