"""Run a model or function once, to see what it does, and leave everything as it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from minigrad.errors import UsageError
from minigrad.nn import Module
from minigrad.node import Leaf, switched
from minigrad.rng import rng_state, set_rng_state
from minigrad.tensor import Tensor, record, wrap
from minigrad.tracer import Trace, trace
from minigrad.viz.record import Record


def traced(
    function: Callable[..., Any], inputs: Sequence[Any], model: Module | None, names: dict[str, Tensor]
) -> Record:
    """The record of one run. Inputs of floating dtype become variables, so that all that is done with them is seen.

    Buffers of the model and random numbers are afterwards as before.

    Raises:
        UsageError: no Tensor came out, or nothing was recorded.
    """
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
    array = x._data if isinstance(x, Tensor) else np.asarray(x) if isinstance(x, (np.ndarray, float)) else None
    if array is None or array.dtype.kind != "f":
        return x
    return wrap(array, Leaf(array.shape, array.dtype))


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
