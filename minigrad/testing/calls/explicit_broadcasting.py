"""Broadcasting made explicit: a call with all arrays in one shape, and sums over the copies."""

from __future__ import annotations

import numpy as np

from minigrad.testing.calls.function_call import FunctionCall
from minigrad.typing import Array, Shape


def tiled(call: FunctionCall, shape: Shape) -> FunctionCall:
    """The call with all arrays copied to one shape.

    Raises:
        ValueError: an array does not broadcast to the shape.
    """
    return call.with_args([np.broadcast_to(x, shape).copy() if isinstance(x, np.ndarray) else x for x in call.args])


def unbroadcast(g: Array, shape: Shape) -> Array:
    """The sum of g over what broadcasting from `shape` repeated."""
    lead = g.ndim - len(shape)
    axes = tuple(range(lead)) + tuple(lead + k for k, size in enumerate(shape) if size == 1)
    return np.asarray(g.sum(axis=axes)).reshape(shape)
