"""`calls_of(op)`: a strategy of calls of any op."""

from __future__ import annotations

from hypothesis import strategies as st

from minigrad.autograd.op import Op
from minigrad.testing.calls.function_call import FunctionCall
from minigrad.testing.strategies import (  # noqa: F401  (they fill CALLS_BY_NAME)
    array_op_calls,
    fourier_op_calls,
    image_op_calls,
    network_op_calls,
)
from minigrad.testing.strategies.calls_from_facts import CALLS_BY_NAME, derived_calls


def calls_of(op: Op) -> st.SearchStrategy[FunctionCall]:
    """Calls of an op, small ones, in all conditions that apply: broadcast, 0-d, empty, single precision, kinks ...

    Args:
        op: an op of minigrad, or one of your own.

    Returns:
        A Hypothesis strategy of calls; `@gradtest` takes such a one as `calls=`.

    Raises:
        UsageError: a setting without default is not known by name; give `gradtest` a strategy as `calls=`.
    """
    draw_call = CALLS_BY_NAME.get(op.name)
    if draw_call is not None and (op.module or "").startswith("minigrad."):
        return st.composite(draw_call)(op)
    return derived_calls(op)
