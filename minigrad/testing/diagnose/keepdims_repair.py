"""A diagnosis by repair: if the gradient is right once reductions keep their dimensions, a lost keepdims was the cause.

This names a lost `keepdims` with certainty, where the numbers of the gradient show any of a dozen patterns.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from minigrad.autograd.op import Op
from minigrad.autograd.registry import REGISTRY
from minigrad.testing.calls.function_call import FunctionCall
from minigrad.testing.diagnose.cause import NO_CAUSE, Diagnosis, almost_equal
from minigrad.testing.diagnose.keepdims_in_source import lost_keepdims_in_source
from minigrad.testing.frameworks.run import ArrayTuple
from minigrad.typing import Array, Function


def lost_keepdims(call: FunctionCall, u: ArrayTuple, position: int, expected: Array) -> Diagnosis:
    """Whether the gradient of one argument becomes right when the rules' reductions keep their dimensions.

    The rules run on Tensors for it, so that every reduction in them is an op. Dimensions that a rule rightly removes do
    no harm when they are kept: the engine takes them away, as after broadcasting.

    Args:
        call: a call with a wrong gradient, or with none.
        u: the cotangents of its results.
        position: the argument.
        expected: its numerical gradient for these cotangents.
    """
    if not expected.size:
        return NO_CAUSE
    if not call.on_tensors:
        return lost_keepdims_in_source(call, u, position, expected)
    given = _recorded(call, u, position)
    if given is not None and almost_equal(given, expected):
        return NO_CAUSE  # only the fast rule is wrong
    with _reductions_that_keep_dimensions():
        repaired = _recorded(call, u, position)
    if repaired is None or not almost_equal(repaired, expected):
        return NO_CAUSE
    return Diagnosis(
        "lost keepdims", "it is right once the sums and means in the rule keep their dimensions", proven=True
    )


def _recorded(call: FunctionCall, u: ArrayTuple, position: int) -> Array | None:
    """The gradient of a recorded pass, None where the rules raise an error."""
    at_call = call.linearize_tensors()
    try:
        return at_call.recorded_vjp(u)[call.positions.index(position)]
    except Exception:  # a rule that is being diagnosed may raise anything
        return None


@contextmanager
def _reductions_that_keep_dimensions() -> Iterator[None]:
    """Every op with a setting `keepdims` behaves as if it were given as True."""
    ops = {op: op.canonical for op in REGISTRY.values() if "keepdims" in op.settings and op.canonical is not None}
    for op in ops:
        op.canonical = _keeping(op)
    try:
        yield
    finally:
        for op, canonical in ops.items():
            op.canonical = canonical


def _keeping(op: Op) -> Function:
    canonical = op.canonical
    assert canonical is not None
    return lambda *xs, **settings: canonical(*xs, **{**settings, "keepdims": True})
