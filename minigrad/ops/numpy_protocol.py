"""NumPy's functions on Tensors: each becomes the op that records it, or an error that names one. Never a bare array."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from minigrad.errors import GraphError
from minigrad.op import REGISTRY
from minigrad.ops import elementwise, linalg, reduce
from minigrad.ops import shape as shapes

Function = Callable[..., Any]


@cache
def _ufuncs() -> dict[Any, Function]:
    own: dict[Any, Function] = {np.tanh: elementwise.tanh, np.matmul: linalg.matmul}
    return own | {op.forward: op for op in REGISTRY.values() if isinstance(op.forward, np.ufunc)}


@cache
def _functions() -> dict[Any, Function]:
    """Each function under NumPy's names for its parameters; parameters that stand nowhere here are not supported."""

    def reduction(op: Function) -> Function:
        return lambda a, axis=None, keepdims=False: op(a, axis=axis, keepdims=keepdims)

    def moment(function: Function) -> Function:
        return lambda a, axis=None, ddof=0, keepdims=False: function(a, axis=axis, correction=ddof, keepdims=keepdims)

    names = ("sum", "mean", "prod", "max", "min", "argmax", "argmin", "any", "all")
    return {
        **{getattr(np, name): reduction(getattr(reduce, name)) for name in names},
        np.amax: reduction(reduce.max),
        np.amin: reduction(reduce.min),
        np.var: moment(reduce.var),
        np.std: moment(reduce.std),
        np.where: lambda condition, x, y: elementwise.where(condition, x, y),
        np.clip: _clip,
        np.zeros_like: lambda a: elementwise.zeros_like(a),
        np.round: lambda a: elementwise.round(a),
        np.reshape: lambda a, shape: shapes.reshape(a, shape=shape),
        np.ravel: lambda a: shapes.reshape(a, shape=(-1,)),
        np.transpose: lambda a, axes=None: shapes.permute_dims(a, axes=axes),
        np.matrix_transpose: lambda x: shapes.matrix_transpose(x),
        np.broadcast_to: lambda array, shape: shapes.broadcast_to(array, shape=shape),
        np.squeeze: lambda a, axis=None: shapes.squeeze(a, axis=axis),
        np.expand_dims: lambda a, axis: shapes.expand_dims(a, axis=axis),
        np.concatenate: lambda arrays, axis=0: shapes.concat(arrays, axis=axis),
        np.stack: lambda arrays, axis=0: shapes.stack(arrays, axis=axis),
        np.ndim: lambda a: a.ndim,
        np.shape: lambda a: a.shape,
        np.size: lambda a: a.size,
    }


def _clip(a: Any, a_min: Any = None, a_max: Any = None, min: Any = None, max: Any = None) -> Any:
    return elementwise.clip(a, a_min if min is None else min, a_max if max is None else max)


def apply_ufunc(ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], settings: dict[str, Any]) -> Any:
    """What `np.exp(tensor)`, `array * tensor` and the like do."""
    function = _ufuncs().get(ufunc)
    if function is None or method != "__call__" or settings:
        extra = f".{method}" if method != "__call__" else f" with {', '.join(settings)}" if settings else ""
        raise _unknown(f"numpy.{ufunc.__name__}{extra}")
    return function(*inputs)


def apply_function(function: Any, inputs: tuple[Any, ...], settings: dict[str, Any]) -> Any:
    """What `np.sum(tensor, axis=0)`, `np.concatenate([tensor, tensor])` and the like do."""
    ours = _functions().get(function)
    name = f"numpy.{function.__name__}"
    if ours is None:
        raise _unknown(name)
    given = _by_name(function, inputs, settings)
    try:
        _signature(ours).bind(**given)
    except TypeError as error:
        raise _unknown(f"{name} called like this ({error})") from None
    return ours(**given)


def _by_name(function: Any, inputs: tuple[Any, ...], settings: dict[str, Any]) -> dict[str, Any]:
    """The arguments by NumPy's own parameter names, without those at their defaults."""
    try:
        signature = _signature(function)
    except ValueError:  # a few are written in C and do not tell
        names = {np.concatenate: ("arrays", "axis", "out"), np.where: ("condition", "x", "y")}.get(function, ())
        return dict(zip(names, inputs, strict=False)) | settings
    bound = signature.bind(*inputs, **settings).arguments
    defaults = {name: parameter.default for name, parameter in signature.parameters.items()}
    return {name: value for name, value in bound.items() if value is not defaults[name]}


_signature = cache(inspect.signature)


def _unknown(name: str) -> GraphError:
    return GraphError(
        f"{name} does not know Tensors, and would lose their history: use a minigrad function, "
        "or give it t.numpy() if no gradient is wanted"
    )
