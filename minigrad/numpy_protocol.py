"""NumPy's functions on Tensors: each calls the op that records it, or raises an error. None returns a bare array."""

from __future__ import annotations

import inspect
import sys
from functools import cache

import numpy as np

from minigrad import ops
from minigrad.autograd import operators
from minigrad.autograd.batched_array import is_batched
from minigrad.autograd.nested import leaves, mapped
from minigrad.autograd.registry import REGISTRY
from minigrad.autograd.tensor import Tensor
from minigrad.errors import GraphError
from minigrad.numpy_functions import Functions, Result, numpy_functions
from minigrad.typing import ArrayLike, Function, Settings


@cache
def _ufuncs() -> Functions:
    aliases: Functions = {
        np.tanh: ops.tanh, np.matmul: ops.matmul, np.vecdot: ops.vecdot, np.rint: ops.round,
        np.floor_divide: ops.floor_divide, np.conjugate: ops.conj,
    }  # fmt: skip
    return aliases | {op.forward: op for op in REGISTRY.values() if isinstance(op.forward, np.ufunc)}


@cache
def _special() -> Functions:
    """The functions of `scipy.special`, which are ufuncs of NumPy's."""
    from minigrad import special

    scipy_special = sys.modules["scipy.special"]
    found = {name: getattr(scipy_special, name) for name in special.__all__}
    return {f: getattr(special, name) for name, f in found.items() if isinstance(f, np.ufunc)}


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
    ours = numpy_functions().get(function)
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
