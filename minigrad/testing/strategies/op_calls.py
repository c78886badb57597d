"""`calls_of(op)`: a strategy of calls of any op."""

from __future__ import annotations

from hypothesis import strategies as st

from minigrad.autograd.op import Op
from minigrad.testing.calls.function_call import Call
from minigrad.testing.strategies import (  # noqa: F401  (they fill the table)
    array_op_calls,
    image_op_calls,
    network_op_calls,
)
from minigrad.testing.strategies.derived_calls import TABLE, derived_calls


def calls_of(op: Op) -> st.SearchStrategy[Call]:
    """Calls of an op, small ones, with all conditions that apply: broadcast, 0-d, empty, single precision, kinks ...

    Raises:
        UsageError: a setting without default is not known by name; give `gradtest` a strategy as `calls=`.
    """
    drawn = TABLE.get(op.name)
    if drawn is not None and (op.module or "").startswith("minigrad."):
        return st.composite(drawn)(op)
    return derived_calls(op)
