"""`capture`: run a model or function once, and return what it recorded as a Computation."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from minigrad.autograd.node import Leaf
from minigrad.autograd.tensor import Tensor, as_array, wrap
from minigrad.autograd.trace import Trace
from minigrad.errors import UsageError
from minigrad.nn import Module
from minigrad.viz.computation import Computation
from minigrad.viz.dry_run import dry_run, modules_within


def capture(
    function: Callable[..., object],
    inputs: Sequence[object],
    keywords: Mapping[str, object],
    model: Module | None,
    names: dict[str, Tensor],
) -> Computation:
    """The computation of one run, after which modules and random generators are restored.

    Args:
        function: a function or module that returns Tensors, in tuples, lists and dicts or not.
        inputs: its arguments. Those of floating dtype become variables, so that everything computed from them is seen,
            also inside of tuples, lists and dicts.
        keywords: its keyword arguments, treated likewise.
        model: names the parameters; None for the model that the function uses, if there is only one.
        names: names for other variables.

    Raises:
        UsageError: there are too few or too many inputs, no Tensor was returned, or nothing was recorded.
    """
    _require_inputs(function, inputs, keywords)
    found: dict[str, Tensor] = {}
    given = [_variable(x, f"input {k}", found) for k, x in enumerate(inputs)]
    settings = {name: _variable(x, name, found) for name, x in keywords.items()}
    named = {"input" if len(found) == 1 and not settings else name: x for name, x in found.items()} | names

    modules = modules_within(*([model] if model is not None else []), function, *inputs, *keywords.values())
    if model is None and len(modules) == 1:
        (model,) = modules

    call = functools.partial(function, **settings) if settings else function

    def rerun() -> Trace:
        return dry_run(call, tuple(given), modules)[1]

    result, seen = dry_run(call, tuple(given), modules)
    outputs = [x for x in _leaves(result) if isinstance(x, Tensor) and x.node is not None]
    if not outputs:
        what = "a constant" if isinstance(result, Tensor) else type(result).__name__
        raise UsageError(
            f"graph: the function must return a Tensor that was recorded, or several, and returned {what}: "
            "something in it must require gradients, outside of no_grad()"
        )
    return Computation.of(*outputs, model=model, names=named, trace=seen, rerun=rerun)


def _variable(x: object, name: str, found: dict[str, Tensor]) -> object:
    """A variable with the value of x, if x is a floating number, an array or list of these; else x itself.

    In tuples, lists and dicts of arrays and Tensors, each becomes one. What is found is noted by its name.
    """
    if isinstance(x, (Tensor, np.ndarray, np.floating, float)) or _is_list_of_floats(x):
        recorded = isinstance(x, Tensor) and x.node is not None
        array = as_array(x)
        if not recorded and array.dtype.kind == "f":
            x = wrap(array, Leaf(array.shape, array.dtype))
        if isinstance(x, Tensor) and x.node is not None:
            found[name] = x
        return x
    if not any(isinstance(leaf, (Tensor, np.ndarray)) for leaf in _leaves(x)):
        return x
    if isinstance(x, dict):
        return {key: _variable(part, f"{name}[{key!r}]", found) for key, part in x.items()}
    assert isinstance(x, (list, tuple))
    parts = [_variable(part, f"{name}[{k}]", found) for k, part in enumerate(x)]
    if isinstance(x, list):
        return parts
    make: Any = getattr(type(x), "_make", tuple)  # of a named tuple
    return make(parts)


def _is_list_of_floats(x: object) -> bool:
    """Whether x is a list of floating numbers, or of such lists."""
    leaves = list(_leaves(x)) if isinstance(x, list) else []
    return bool(leaves) and all(isinstance(leaf, float) for leaf in leaves)


def _require_inputs(function: Callable[..., object], inputs: Sequence[object], keywords: Mapping[str, object]) -> None:
    called = function.forward if isinstance(function, Module) else function
    try:
        signature = inspect.signature(called)
    except (ValueError, TypeError):  # of what is written in C
        return
    try:
        signature.bind(*inputs, **keywords)
    except TypeError as error:
        name = getattr(function, "__name__", type(function).__name__)
        raise UsageError(
            f"graph: {name} takes {signature}, and {len(inputs) + len(keywords)} inputs were given ({error}): "
            f"they follow it, as in graph({'model' if isinstance(function, Module) else 'f'}, x)"
        ) from error


def _leaves(values: object) -> Iterator[object]:
    """The elements of nested tuples, lists and dicts."""
    if isinstance(values, (tuple, list, dict)):
        for part in values.values() if isinstance(values, dict) else values:
            yield from _leaves(part)
    else:
        yield values
