"""Run a model or function once, to see what it does, and leave everything as it was."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from minigrad.autograd.node import Leaf
from minigrad.autograd.tensor import Tensor, as_array, wrap
from minigrad.autograd.trace import Trace
from minigrad.errors import UsageError
from minigrad.nn import Module
from minigrad.viz.dry_run import dry_run, modules_within
from minigrad.viz.record import Record


def traced(
    function: Callable[..., Any], inputs: Sequence[Any], model: Module | None, names: dict[str, Tensor]
) -> Record:
    """The record of one run. Inputs of floating dtype become variables, so that all that is done with them is seen.

    Modules and random generators that the function can reach are afterwards as before; where it uses one model, and
    none is given, the parameters are named by that.

    Raises:
        UsageError: there are too few or too many inputs, no Tensor came out, or nothing was recorded.
    """
    _require_inputs(function, inputs)
    given = [_variable(x) for x in inputs]
    plural = sum(isinstance(x, Tensor) for x in given) > 1
    named = {f"input {k}" if plural else "input": x for k, x in enumerate(given) if isinstance(x, Tensor)} | names

    modules = modules_within(*([model] if model is not None else []), function, *inputs)
    if model is None and len(modules) == 1:
        (model,) = modules

    def again() -> Trace:
        return dry_run(function, tuple(given), modules)[1]

    result, seen = dry_run(function, tuple(given), modules)
    outputs = [x for x in _leaves(result) if isinstance(x, Tensor) and x.node is not None]
    if not outputs:
        what = type(result).__name__ if not isinstance(result, Tensor) else "a constant"
        raise UsageError(
            f"graph: the function must return a Tensor that was recorded, or several, and returned {what}: "
            "something in it must require gradients, outside of no_grad()"
        )
    return Record.of(*outputs, model=model, names=named, trace=seen, again=again)


def _variable(x: Any) -> Any:
    if isinstance(x, Tensor) and x.node is not None:
        return x
    if not isinstance(x, (Tensor, np.ndarray, np.floating, float)) and not _is_list_of_numbers(x):
        return x
    array = as_array(x)
    return wrap(array, Leaf(array.shape, array.dtype)) if array.dtype.kind == "f" else x


def _is_list_of_numbers(x: Any) -> bool:
    """Whether it is a list of floating numbers, in other lists or not."""
    parts = list(_leaves(x)) if isinstance(x, list) else []
    return bool(parts) and all(isinstance(part, float) for part in parts)


def _require_inputs(function: Callable[..., Any], inputs: Sequence[Any]) -> None:
    called = function.forward if isinstance(function, Module) else function
    try:
        signature = inspect.signature(called)
    except (ValueError, TypeError):  # of what is written in C
        return
    try:
        signature.bind(*inputs)
    except TypeError as error:
        name = getattr(function, "__name__", type(function).__name__)
        raise UsageError(
            f"graph: {name} takes {signature}, and {len(inputs)} inputs were given ({error}): "
            f"they stand behind it, as in graph({'model' if isinstance(function, Module) else 'f'}, x)"
        ) from error


def _leaves(values: Any) -> Iterator[Any]:
    if isinstance(values, (tuple, list, dict)):
        for part in values.values() if isinstance(values, dict) else values:
            yield from _leaves(part)
    else:
        yield values
