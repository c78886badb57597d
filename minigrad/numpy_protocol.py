"""NumPy's functions on Tensors: each calls the op that records it, or raises an error. None returns a bare array."""

from __future__ import annotations

import inspect
import sys
from functools import cache
from typing import Any, TypeAlias

import numpy as np

from minigrad import ops
from minigrad.autograd import operators
from minigrad.autograd.batched_array import is_batched
from minigrad.autograd.nested import leaves, mapped
from minigrad.autograd.registry import REGISTRY
from minigrad.autograd.tensor import Tensor
from minigrad.errors import GraphError
from minigrad.typing import ArrayLike, Function, Settings

Result: TypeAlias = Any  # as the op's: a Tensor, several in a tuple, or for `np.shape` and the like a plain value
"""What NumPy's functions return on Tensors."""

Functions: TypeAlias = dict[Function, Function]
"""What is called instead of a function of NumPy's."""


@cache
def _ufuncs() -> Functions:
    aliases: Functions = {
        np.tanh: ops.tanh, np.matmul: ops.matmul, np.vecdot: ops.vecdot, np.rint: ops.round,
        np.floor_divide: ops.floor_divide,
    }  # fmt: skip
    return aliases | {op.forward: op for op in REGISTRY.values() if isinstance(op.forward, np.ufunc)}


@cache
def _special() -> Functions:
    """The functions of `scipy.special`, which are ufuncs of NumPy's."""
    from minigrad import special

    scipy_special = sys.modules["scipy.special"]
    found = {name: getattr(scipy_special, name) for name in special.__all__}
    return {f: getattr(special, name) for name, f in found.items() if isinstance(f, np.ufunc)}


@cache
def _functions() -> Functions:
    """Each function with NumPy's names for its parameters; parameters that are not here are not supported."""
    return {**_reductions(), **_arrangements(), **_searches(), **_products(), **_decompositions()}


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
        np.linalg.eigh: lambda a: ops.eigh(a),
        np.linalg.eigvalsh: lambda a: ops.eigvalsh(a),
        np.linalg.svd: lambda a, full_matrices=True: ops.svd(a, full_matrices=full_matrices),
        np.linalg.svdvals: ops.svdvals,
        np.linalg.qr: lambda a, mode="reduced": ops.qr(a, mode=mode),
        np.linalg.norm: ops.norm,
        np.linalg.vector_norm: ops.vector_norm,
        np.linalg.matrix_norm: ops.matrix_norm,
    }


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


def apply_ufunc(ufunc: np.ufunc, method: str, inputs: tuple[ArrayLike, ...], settings: Settings) -> Result:
    """Call the op for a ufunc: what `np.exp(tensor)`, `array * tensor` and the like do.

    Args:
        ufunc: NumPy's function.
        method: "__call__", or another such as "reduce", which no op has.
        inputs: as they were given; at least one is a Tensor.
        settings: the keyword arguments.

    Raises:
        GraphError: there is no op for this call.
    """
    function = _ufuncs().get(ufunc)
    if function is None and "scipy.special" in sys.modules:
        function = _special().get(ufunc)
    if function is None or method != "__call__" or settings:
        extra = f".{method}" if method != "__call__" else f" with {', '.join(settings)}" if settings else ""
        raise _unknown(f"numpy.{ufunc.__name__}{extra}")
    return function(*inputs)


def apply_function(function: Function, inputs: tuple[object, ...], settings: Settings) -> Result:
    """Call the op for a function: what `np.sum(tensor, axis=0)`, `np.stack([tensor, tensor])` and the like do.

    Args:
        function: NumPy's function.
        inputs: the positional arguments.
        settings: the keyword arguments.

    Raises:
        GraphError: there is no op for this call.
    """
    ours = _functions().get(function)
    name = f"{function.__module__}.{function.__name__}"
    if ours is None:
        return _on_arrays(function, name, inputs, settings)
    given = _by_name(function, inputs, settings)
    try:
        _signature(ours).bind(**given)
    except TypeError as error:
        raise _unknown(f"{name} called like this ({error})") from None
    return ours(**given)


def _on_arrays(function: Function, name: str, inputs: tuple[object, ...], settings: Settings) -> Result:
    """Call a function that has no op, such as `np.allclose` or `np.save`, on the values of constants.

    Raises:
        GraphError: an argument requires gradients: its history would be lost.
    """
    arguments = [*[value for _, value in leaves(inputs)], *[value for _, value in leaves(settings)]]
    if any(isinstance(x, Tensor) and x.requires_grad for x in arguments):
        raise _unknown(name)

    def value(x: object) -> object:
        return x.numpy() if isinstance(x, Tensor) else np.asarray(x) if is_batched(x) else x

    return function(*mapped(value, inputs), **mapped(value, settings))


def _by_name(function: Function, inputs: tuple[object, ...], settings: Settings) -> Settings:
    """The arguments by NumPy's own parameter names (`*xs` is one, a tuple), without those at their defaults."""
    try:
        signature = _signature(function)
    except ValueError:  # a few are written in C and have no signature
        return dict(zip(_C_PARAMETERS.get(function, ()), inputs, strict=False)) | settings
    bound = signature.bind(*inputs, **settings).arguments
    defaults = {name: parameter.default for name, parameter in signature.parameters.items()}
    return {name: value for name, value in bound.items() if value is not defaults[name]}


_C_PARAMETERS: dict[Function, tuple[str, ...]] = {
    np.concatenate: ("arrays", "axis", "out"),
    np.where: ("condition", "x", "y"),
    np.dot: ("a", "b", "out"),
}
_signature = cache(inspect.signature)


def _unknown(name: str) -> GraphError:
    return GraphError(
        f"{name} does not know Tensors, and would lose their history: use a minigrad function, "
        "or give it t.numpy() if no gradient is wanted"
    )


operators.bind(numpy_protocol=sys.modules[__name__])
