"""The patterns that mistakes with complex numbers leave: a conjugate too many or missing, a part that is dropped."""

from __future__ import annotations

from typing import Final

import numpy as np

from minigrad.testing.calls.real_parts import RealParts
from minigrad.testing.diagnose.cause import NO_CAUSE, Diagnosis, almost_equal
from minigrad.testing.diagnose.generic_point import GenericPoint, numerical_gradient
from minigrad.typing import Array

CONJUGATED: Final = np.array([1.0, -1.0])
"""The factors of real and imaginary part by which a complex number becomes its conjugate."""

SIGNS: Final = (
    (CONJUGATED, Diagnosis("conjugate", "found = the complex conjugate of expected")),
    (-CONJUGATED, Diagnosis("conjugate", "found = -conjugate of expected: the sign of the real part is wrong")),
    (np.array([1.0, 0.0]), Diagnosis("part dropped", "the imaginary part is 0")),
    (np.array([0.0, 1.0]), Diagnosis("part dropped", "the real part is 0")),
)
"""What a gradient by the parts is, compared with the right one."""


def wrong_part(point: GenericPoint) -> Diagnosis:
    """Is the gradient the conjugate of the right one, or one part of it?"""
    f = point.call.f
    if not isinstance(f, RealParts) or point.position not in f.complex_arguments:
        return NO_CAUSE
    if any(almost_equal(point.found, sign * point.expected) for sign in (1, -1)):
        return NO_CAUSE
    return next((about for signs, about in SIGNS if almost_equal(point.found, point.expected * signs)), NO_CAUSE)


def missing_conjugate(point: GenericPoint) -> Diagnosis:
    """Would it be right if another argument, or the cotangent, were conjugated, or only its real part counted?"""
    call, f = point.call, point.call.f
    if not isinstance(f, RealParts):
        return NO_CAUSE
    for k in f.complex_arguments:
        if k != point.position:
            args = [*call.args[:k], call.args[k] * CONJUGATED, *call.args[k + 1 :]]
            if almost_equal(point.found, numerical_gradient(call.with_args(args), point.u, point.position)):
                return Diagnosis("conjugate", f"it would be right if {call.names[k]} were conjugated")
    call.results()  # which says what results are complex
    for text, signs in (("were conjugated", CONJUGATED), ("had no imaginary part", np.array([1.0, 0.0]))):
        u = [_changed(g, signs) if c else g for g, c in zip(point.u, f.complex_results, strict=True)]
        if any(f.complex_results) and almost_equal(point.found, numerical_gradient(call, u, point.position)):
            cause = "conjugate" if signs is CONJUGATED else "part dropped"
            return Diagnosis(cause, f"it would be right if the cotangent {text}")
    return NO_CAUSE


def _changed(g: Array, signs: Array) -> Array:
    return np.asarray(g * signs)
