"""`capture`: run a model or function once, and return what it recorded as a Computation."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from minigrad.autograd.node import Leaf
from minigrad.autograd.tensor import Tensor, as_array, wrap
from minigrad.autograd.trace import Trace
from minigrad.errors import UsageError
from minigrad.nn import Module
from minigrad.viz.computation import Computation
from minigrad.viz.dry_run import dry_run, modules_within


def capture(
    function: Callable[..., object], inputs: Sequence[object], model: Module | None, names: dict[str, Tensor]
) -> Computation:
    """The computation of one run, after which modules and random generators are restored.

    Args:
        function: a function or module that returns Tensors, in tuples, lists and dicts or not.
        inputs: its arguments. Those of floating dtype become variables, so that everything computed from them is seen.
        model: names the parameters; None for the model that the function uses, if there is only one.
        names: names for other variables.

    Raises:
        UsageError: there are too few or too many inputs, no Tensor was returned, or nothing was recorded.
    """
    _require_inputs(function, inputs)
    given = [_variable(x) for x in inputs]
    several = sum(isinstance(x, Tensor) for x in given) > 1
    named = {f"input {k}" if several else "input": x for k, x in enumerate(given) if isinstance(x, Tensor)} | names

    modules = modules_within(*([model] if model is not None else []), function, *inputs)
    if model is None and len(modules) == 1:
        (model,) = modules

    def rerun() -> Trace:
        return dry_run(function, tuple(given), modules)[1]

    result, seen = dry_run(function, tuple(given), modules)
    outputs = [x for x in _leaves(result) if isinstance(x, Tensor) and x.node is not None]
    if not outputs:
        what = "a constant" if isinstance(result, Tensor) else type(result).__name__
        raise UsageError(
            f"graph: the function must return a Tensor that was recorded, or several, and returned {what}: "
            "something in it must require gradients, outside of no_grad()"
        )
    return Computation.of(*outputs, model=model, names=named, trace=seen, rerun=rerun)


def _variable(x: object) -> object:
    """A variable with the value of x, if x is a floating number, an array or list of these; else x itself."""
    if isinstance(x, Tensor) and x.node is not None:
        return x
    if not isinstance(x, (Tensor, np.ndarray, np.floating, float)) and not _is_list_of_floats(x):
        return x
    array = as_array(x)
    return wrap(array, Leaf(array.shape, array.dtype)) if array.dtype.kind == "f" else x


def _is_list_of_floats(x: object) -> bool:
    """Whether x is a list of floating numbers, or of such lists."""
    leaves = list(_leaves(x)) if isinstance(x, list) else []
    return bool(leaves) and all(isinstance(leaf, float) for leaf in leaves)


def _require_inputs(function: Callable[..., object], inputs: Sequence[object]) -> None:
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
            f"they follow it, as in graph({'model' if isinstance(function, Module) else 'f'}, x)"
        ) from error


def _leaves(values: object) -> Iterator[object]:
    """The elements of nested tuples, lists and dicts."""
    if isinstance(values, (tuple, list, dict)):
        for part in values.values() if isinstance(values, dict) else values:
            yield from _leaves(part)
    else:
        yield values
