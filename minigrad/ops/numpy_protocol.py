"""NumPy's functions on Tensors: each becomes the op that records it, or an error that names one. Never a bare array."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from minigrad.errors import GraphError
from minigrad.op import REGISTRY, Op
from minigrad.ops import elementwise, linalg, reduce, shape


@cache
def _ufuncs() -> dict[Any, Any]:
    return {
        np.tanh: elementwise.tanh,
        np.matmul: linalg.matmul,
        **{op.forward: op for op in REGISTRY.values() if isinstance(op.forward, np.ufunc)},
    }


@cache
def _functions() -> dict[Any, Any]:
    return {
        np.sum: reduce.sum, np.mean: reduce.mean, np.prod: reduce.prod,
        np.max: reduce.max, np.min: reduce.min, np.amax: reduce.max, np.amin: reduce.min,
        np.argmax: reduce.argmax, np.argmin: reduce.argmin, np.any: reduce.any, np.all: reduce.all,
        np.where: elementwise.where, np.zeros_like: elementwise.zeros_like, np.clip: elementwise.clip,
        np.round: elementwise.round, 
        np.squeeze: lambda x, axis=None: shape.squeeze(x, axis=axis),
        np.expand_dims: lambda x, axis: shape.expand_dims(x, axis=axis),
        np.var: lambda x, axis=None, **settings: reduce.var(x, axis=axis, **_correction(**settings)),
        np.std: lambda x, axis=None, **settings: reduce.std(x, axis=axis, **_correction(**settings)),
        np.reshape: lambda x, shape_, **settings: shape.reshape(x, shape=shape_),
        np.transpose: lambda x, axes=None: shape.permute_dims(x, axes=axes),
        np.permute_dims: lambda x, axes=None: shape.permute_dims(x, axes=axes),
        np.matrix_transpose: shape.matrix_transpose,
        np.broadcast_to: lambda x, shape_: shape.broadcast_to(x, shape=shape_),
        np.concatenate: lambda xs, axis=0: shape.concat(*xs, axis=axis),
        np.stack: lambda xs, axis=0: shape.stack(*xs, axis=axis),
        np.ravel: lambda x: shape.reshape(x, shape=(-1,)),
        np.ndim: lambda x: x.ndim,
        np.shape: lambda x: x.shape,
        np.size: lambda x: x.size,
    }  # fmt: skip


def _correction(ddof: float = 0, keepdims: bool = False) -> dict[str, Any]:
    """NumPy's `ddof` is the Array API's `correction`."""
    return {"correction": ddof, "keepdims": keepdims}


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
    settings = {name: value for name, value in settings.items() if value is not None}
    if ours is None or settings.keys() & {"out", "dtype", "where", "initial", "casting", "order"}:
        extra = f" with {', '.join(settings)}" if ours is not None else ""
        raise _unknown(f"numpy.{function.__name__}{extra}")
    if isinstance(ours, Op) and ours.settings:  # NumPy takes axis by position, an op by name
        count = len(ours.inputs)
        named = dict(zip(("axis",), inputs[count:], strict=False))
        return ours(*inputs[:count], **named, **settings)
    return ours(*inputs, **settings)


def _unknown(name: str) -> GraphError:
    return GraphError(
        f"{name} does not know Tensors, and would lose their history: use a minigrad function, "
        "or give it t.numpy() if no gradient is wanted"
    )
