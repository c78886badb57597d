"""The likely cause of a wrong gradient, as far as its numbers, its shape or its error tell."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from minigrad.testing.calls.function_call import FunctionCall
from minigrad.typing import Array, Shape

CAUSES: Final = (
    "missing un-broadcast", "wrong sign", "transposed", "constant factor", "lost keepdims", "dtype leak", "wrong axis",
    "input mutated", "zero gradient", "operands swapped", "missing factor", "not linear in the cotangent",
    "cotangent ignored", "element missed", "depends on memory layout", "not repeatable", "output aliases an input",
    "second order wrong", "stale saved value", "conjugate", "part dropped", "not a number", "not a subgradient",
)  # fmt: skip
"""The texts of all causes."""

NOISE: Final = 1e-8  # relative to the largest element: the error of the finite differences
CLOSE: Final = 1e-5  # relative: far above the error of the finite differences, far below any mistake


@dataclass(frozen=True)
class Diagnosis:
    """A cause, "" where none is known, and the evidence for it.

    It is proven where the gradient was seen to be right once the mistake is repaired; numbers and shapes alone suggest.
    """

    cause: str
    detail: str = ""
    proven: bool = field(default=False, repr=False)


NO_CAUSE: Final = Diagnosis("")


def almost_equal(a: Array, b: Array) -> bool:
    """Whether two arrays are equal up to what finite differences can tell."""
    if np.shape(a) != np.shape(b):
        return False
    scale = max(float(np.max(np.abs(b), initial=0.0)), float(np.max(np.abs(a), initial=0.0)), 1e-3)
    return bool(np.all(np.abs(a - b) <= CLOSE * scale))


# ---- from two gradients alone --------------------------------------------------------------------------------


def likely_cause(found: Array, expected: Array, factors: Sequence[tuple[str, Array]] = ()) -> Diagnosis:
    """The likely cause of a wrong gradient of one argument, judged by its numbers alone.

    Args:
        found, expected: the two gradients, for one generic cotangent.
        factors: arrays by name that a rule may have left out: arguments, the result.

    >>> likely_cause(np.array([2.0, 4.0]), np.array([1.0, 2.0]))
    Diagnosis(cause='constant factor', detail='found = 2 * expected')
    >>> likely_cause(np.array([1.0, 0.0]), np.array([1.0, 2.0])).cause
    'element missed'
    """
    if found.shape != expected.shape:
        return _from_shapes(found.shape, expected.shape)
    return cause_of_numbers(found[None], expected[None], [(name, factor[None]) for name, factor in factors])


def cause_of_numbers(found: Array, expected: Array, factors: Sequence[tuple[str, Array]]) -> Diagnosis:
    """The likely cause for several gradients at once, one a row: it must be true of all."""
    if not np.isfinite(found).all():
        return Diagnosis("not a number", "the gradient is not finite where the function is smooth")
    if almost_equal(found, expected) or not expected.size:
        return NO_CAUSE
    if not np.any(found):
        return Diagnosis("zero gradient", "all of it is 0")
    if almost_equal(found, -expected):
        return Diagnosis("wrong sign", "found = -expected")
    if axes := _permutation(found, expected):
        return Diagnosis("transposed", f"found = expected with axes {axes}")
    ratio = _ratio(found, expected)
    if ratio is not None and np.ptp(ratio) <= CLOSE * np.max(np.abs(ratio)):
        return Diagnosis("constant factor", f"found = {_number(ratio.flat[0])} * expected")
    if ratio is not None and (name := _left_out(ratio, factors)):
        return Diagnosis("missing factor", f"expected = found {name}")
    return _element_missed(found, expected)


def _from_shapes(found: Shape, expected: Shape) -> Diagnosis:
    detail = f"the gradient has shape {found} for an argument of shape {expected}"
    if len(found) > 1 and found == expected[::-1]:
        return Diagnosis("transposed", detail)
    wide = len(found) >= len(expected) and all(
        size in (1, big) for size, big in zip(expected[::-1], found[::-1], strict=False)
    )
    return Diagnosis("missing un-broadcast" if wide else "", detail)


def _permutation(found: Array, expected: Array) -> str:
    """The axes to exchange so that expected becomes found, in words."""
    for a in range(1, found.ndim):
        for b in range(1, a):
            if almost_equal(found, np.swapaxes(expected, a, b)):
                return f"{b - 1} and {a - 1} exchanged"
    return ""


def _ratio(found: Array, expected: Array) -> Array | None:
    """found / expected where expected is not 0; None where only one of them is 0."""
    small = NOISE * max(float(np.max(np.abs(expected), initial=0.0)), 1.0)
    zero = np.abs(expected) <= small
    if zero.all() or np.any(np.abs(found[zero]) > small) or np.any(np.abs(found[~zero]) <= small):
        return None
    return np.asarray(found[~zero] / expected[~zero]) if zero.any() else found / expected


def _left_out(ratio: Array, factors: Sequence[tuple[str, Array]]) -> str:
    """The factor f with expected = c * found * f (or f^2, 1/f, 1/f^2) and c constant."""
    for name, factor in factors:
        if factor.shape != ratio.shape or not np.all(factor):
            continue
        for power, text in ((1, "* {}"), (-1, "/ {}"), (2, "* {}^2"), (-2, "/ {}^2")):
            rest = 1 / (ratio * factor**power)
            if np.ptp(rest) <= CLOSE * np.max(np.abs(rest)):
                c = rest.flat[0]
                return text.format(name) + ("" if abs(c - 1) < CLOSE else f" * {_number(c)}")
    return ""


def _element_missed(found: Array, expected: Array) -> Diagnosis:
    """Right but for a minority of elements."""
    if found[0].size < 2:
        return NO_CAUSE
    noise = NOISE * max(float(np.max(np.abs(expected))), 1.0)
    wrong = np.abs(found - expected) > CLOSE * np.abs(expected) + noise
    if 2 * np.count_nonzero(wrong) > wrong.size or wrong.all():
        return NO_CAUSE
    places = sorted({tuple(int(i) for i in place[1:]) for place in np.argwhere(wrong)})
    return Diagnosis("element missed", f"wrong at {', '.join(map(str, places[:3]))}{', ...' * (len(places) > 3)}")


def _number(x: float) -> str:
    """A factor, with so many digits that it is not mistaken for the whole number next to it: 1.0001, not 1."""
    from_whole = abs(x - round(x))
    if from_whole <= NOISE * max(abs(x), 1):
        return f"{round(x)}"
    return shortest(x, 0.1 * from_whole)


def shortest(x: float, tolerance: float) -> str:
    """A number with as few digits, of four and more, as it takes to be this close to it."""
    texts = (f"{x:.{digits}g}" for digits in range(4, 18))
    return next((text for text in texts if abs(float(text) - x) <= tolerance), repr(x))


# ---- from shapes and errors ----------------------------------------------------------------------------------


def cause_of_shape(call: FunctionCall, position: int, found: Shape) -> Diagnosis:
    """The likely cause of a gradient of the wrong shape."""
    expected = call.args[position].shape
    detail = f"the gradient has shape {found} for an argument of shape {expected}"
    if "axis" in call.settings and len(found) != len(expected):
        return Diagnosis("lost keepdims", detail)
    if len(found) > 1 and found == expected[::-1]:
        return Diagnosis("transposed", detail)
    if any(found == out.shape for out in call.results()):
        return Diagnosis("missing un-broadcast", detail)
    return _from_shapes(found, expected)


def cause_of_error(call: FunctionCall, error: Exception) -> Diagnosis:
    """The likely cause of an error that a backward pass raised, mostly from shapes that do not fit."""
    text = str(error)
    detail = "the backward pass fails"
    if "broadcast together" in text or "cotangent of shape" in text:
        if "axis" in call.settings:
            return Diagnosis("lost keepdims", detail)
        shapes = re.findall(r"shape (\([\d, ]*\))", text)
        if len(shapes) == 2:
            found, expected = (ast.literal_eval(shape) for shape in shapes)
            return _from_shapes(found, expected)
    return Diagnosis("", detail)
