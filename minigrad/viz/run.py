"""Run a model or function once, to see what it does, and leave everything as it was."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from minigrad.errors import UsageError
from minigrad.nn import Module
from minigrad.node import Leaf, switched
from minigrad.rng import rng_state, set_rng_state
from minigrad.tensor import Tensor, as_array, record, wrap
from minigrad.tracer import Trace, trace
from minigrad.viz.record import Record


def traced(
    function: Callable[..., Any], inputs: Sequence[Any], model: Module | None, names: dict[str, Tensor]
) -> Record:
    """The record of one run. Inputs of floating dtype become variables, so that all that is done with them is seen.

    Buffers of the model and random numbers are afterwards as before.

    Raises:
        UsageError: there are too few or too many inputs, no Tensor came out, or nothing was recorded.
    """
    _require_inputs(function, inputs)
    given = [_variable(x) for x in inputs]
    plural = sum(isinstance(x, Tensor) for x in given) > 1
    named = {f"input {k}" if plural else "input": x for k, x in enumerate(given) if isinstance(x, Tensor)} | names

    def run() -> tuple[Any, Trace]:
        with _kept_as_it_is(model), np.errstate(all="ignore"), switched(scope=None, recorder=record), trace() as seen:
            return function(*given), seen

    result, seen = run()
    outputs = [x for x in _leaves(result) if isinstance(x, Tensor) and x.node is not None]
    if not outputs:
        what = type(result).__name__ if not isinstance(result, Tensor) else "a constant"
        raise UsageError(
            f"graph: the function must return a Tensor that was recorded, or several, and returned {what}: "
            "something in it must require gradients, outside of no_grad()"
        )
    return Record.of(*outputs, model=model, names=named, trace=seen, again=lambda: run()[1])


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


@contextmanager
def _kept_as_it_is(model: Module | None) -> Iterator[None]:
    random = rng_state()
    buffers = {buffer: buffer._data for buffer in model.buffers()} if model is not None else {}
    try:
        yield
    finally:
        set_rng_state(random)
        for buffer, array in buffers.items():
            buffer._data = array
