"""The likely cause of a wrong gradient, from what its call does at generic points near the failing one.

A gradient is compared where there are no kinks and no numbers that happen to be equal. Each mistake leaves a pattern
there (see `mistake_patterns.py`); a cause is named only if its pattern is found at all points.
"""

from __future__ import annotations

import numpy as np

from minigrad.testing.calls.function_call import FunctionCall
from minigrad.testing.diagnose.cause import (
    NO_CAUSE,
    Diagnosis,
    almost_equal,
    cause_of_error,
    cause_of_shape,
    likely_cause,
)
from minigrad.testing.diagnose.generic_point import MAX_ELEMENTS, generic_points, numerical_gradient
from minigrad.testing.diagnose.keepdims_repair import lost_keepdims
from minigrad.testing.diagnose.mistake_patterns import PATTERNS
from minigrad.typing import Shape


def diagnose_gradient(call: FunctionCall, position: int, *, at_kink: bool = False) -> Diagnosis:
    """The likely cause of the wrong gradient that a call gives for one argument.

    Args:
        call: the call.
        position: the argument.
        at_kink: whether the call is at a kink of the function.
    """
    if call.args[position].size > MAX_ELEMENTS or not call.args[position].size:
        return NO_CAUSE
    points = list(generic_points(call, position))
    wrong = [point for point in points if not almost_equal(point.found, point.expected)]
    if not wrong:
        return _wrong_at_this_point_only(call, position, at_kink)
    for pattern in PATTERNS:
        found = pattern(*wrong)
        if found.cause:
            return found
    return NO_CAUSE


def diagnose_shape(call: FunctionCall, position: int, found: Shape) -> Diagnosis:
    """The likely cause of a gradient of the wrong shape.

    Args:
        call: the call.
        position: the argument.
        found: the shape of its gradient.
    """
    double = call.in_double()
    if 0 < call.args[position].size <= MAX_ELEMENTS:
        u = double.cotangents()
        repaired = lost_keepdims(double, u, position, numerical_gradient(double, u, position))
        if repaired.cause:
            return repaired
    return cause_of_shape(call, position, found)


def cause_at_point(call: FunctionCall) -> str | None:
    """The cause where the gradient differs from finite differences at this very point; None where it does not.

    Quicker than a verdict with an error estimate, and enough to make a call small that was found to be wrong.
    """
    call = call.in_double()
    u = call.cotangents()
    try:
        gradients = call.gradients(u)
    except Exception as error:  # of a rule: f itself has given its results
        return cause_of_failure(call, error).cause
    for position, found in zip(call.positions, gradients, strict=True):
        if not 0 < found.size <= MAX_ELEMENTS or not almost_equal(found, numerical_gradient(call, u, position)):
            return diagnose_gradient(call, position).cause
    return None


def cause_of_failure(call: FunctionCall, error: Exception) -> Diagnosis:
    """The likely cause of an error that a call raised, forward or backward."""
    double = call.in_double()
    try:
        u = double.cotangents()
    except Exception:  # f itself fails, so it is no matter of derivatives
        return NO_CAUSE
    for position in call.positions:
        if call.args[position].size <= MAX_ELEMENTS:
            repaired = lost_keepdims(double, u, position, numerical_gradient(double, u, position))
            if repaired.cause:
                return repaired
    return cause_of_error(call, error)


def _wrong_at_this_point_only(call: FunctionCall, position: int, at_kink: bool) -> Diagnosis:
    """The cause where the gradient is right all around."""
    g = call.gradients()[call.positions.index(position)]
    if not np.isfinite(g).all():
        return Diagnosis("not a number", "the gradient is not finite here, and right at points nearby")
    if at_kink:
        return Diagnosis("not a subgradient", "right on both sides of the kink, but outside of their range at it")
    return likely_cause(g, numerical_gradient(call, call.cotangents(), position))
