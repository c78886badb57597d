"""`LawViolation`: a call for which a law does not hold; and `expect`, which raises it where two results differ.

What two ways of computing must agree on is compared with a tolerance that the dtype sets: rounding may take a quarter
of its digits, eps^(3/4), of the size of the terms that were summed. Where larger terms cancel inside of a rule, as in
second derivatives of an almost singular determinant, it may take more: several times what the last digits of x do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from minigrad.testing.calls.function_call import FunctionCall
from minigrad.testing.diagnose.cause import Diagnosis, shortest
from minigrad.typing import Array

OF_LAST_DIGITS: Final = 20
"""Times the change by last digits of the arguments: what rounding may amount to."""


class LawViolation(AssertionError):  # noqa: N818  (it is no error of a program, it is what was found)
    """A law does not hold for a call.

    Attributes:
        law: its name.
        call: the call as one line of Python.
        name: the name of the function.
        argument: the name of the argument (or result) that is wrong, "" where it is none.
        element: the index of the element in it, or None.
        expected, found: the values there, or None.
        cause: the likely cause, one of `minigrad.testing.diagnose.cause.CAUSES`, or "".
        detail: the evidence for that cause, in words.
        note: whatever else should be known, in words.
        proven: whether the gradient was seen to be right once that is repaired.
        harmless: whether it makes no number wrong by itself, so that a wrong gradient is told first.
        size: the number of elements of the call's largest argument.
    """

    def __init__(
        self,
        law: str,
        call: FunctionCall,
        *,
        argument: str = "",
        element: tuple[int, ...] | None = None,
        expected: float | str | None = None,
        found: float | str | None = None,
        cause: str = "",
        detail: str = "",
        note: str = "",
        proven: bool = False,
        harmless: bool = False,
    ) -> None:
        self.law, self.call, self.name = law, call.as_python(law), call.name
        self.argument, self.element, self.expected, self.found = argument, element, expected, found
        self.cause, self.detail, self.note = cause, detail, note
        self.proven, self.harmless = proven, harmless
        self.size = max((x.size for x in call.values), default=0)
        super().__init__(self._text())

    def _text(self) -> str:
        cause = f": likely cause: {self.cause}" if self.cause else ""
        detail = f" ({self.detail})" if self.detail else ""
        lines = [f"law `{self.law}` does not hold for {self.name}{cause}{detail}", self.call]
        if self.argument:
            place = f"{self.argument}, element {self.element}" if self.element else self.argument
            lines.append(f"{place}: {_both(self.expected, self.found)}")
        return "\n    ".join(lines + [self.note] * bool(self.note))


def _both(expected: object, found: object) -> str:
    """What was expected and what was found, with so many digits that they differ."""
    if not (isinstance(expected, (float, np.floating)) and isinstance(found, (float, np.floating))):
        return f"expected {expected}, found {found}"
    apart = abs(float(found) - float(expected))
    tolerance = 0.1 * apart if np.isfinite(apart) else np.inf
    a, b = (shortest(float(x), tolerance) if np.isfinite(x) else str(x) for x in (expected, found))
    return f"expected {a}, found {b}"


def expect(
    law: str,
    call: FunctionCall,
    found: Sequence[Array],
    expected: Sequence[Array],
    *,
    names: Sequence[str] | None = None,
    scales: Sequence[float] | None = None,
    exact: bool = False,
    diagnosis: Callable[[int], Diagnosis] | Diagnosis | None = None,
    compute: Callable[[FunctionCall], Sequence[Array]] | None = None,
) -> None:
    """Raise unless found and expected agree.

    Args:
        law: the name of the law that asks.
        call: the call it is about.
        found, expected: arrays, one an argument or result.
        names: what each of them is called; the differentiated arguments unless given.
        scales: the size of the terms that were summed to each array; that of the expected array unless given.
        exact: bit for bit, NaN being equal to NaN (default False).
        diagnosis: the likely cause, or a function from the number of the wrong array to it; none unless given.
        compute: how `found` is computed of a call, to see what rounding does to it; not asked unless given.

    Raises:
        LawViolation: names the element that is furthest off.
    """
    __tracebackhide__ = True
    names = [f"input {call.names[i]}" for i in call.positions] if names is None else names
    for k, (a, b) in enumerate(zip(found, expected, strict=True)):
        element = None
        if a.shape == b.shape:
            scale = None if scales is None else scales[k]
            wrong = _beyond(a, b, 0 if exact else _tolerance(a, b, scale))
            if wrong is None or (not exact and _beyond(a, b, _tolerance(a, b, scale, call)) is None):
                continue
            if compute is not None and _beyond(a, b, OF_LAST_DIGITS * _change_by_last_digits(call, compute, k)) is None:
                continue
            element = tuple(int(i) for i in np.unravel_index(int(np.argmax(wrong)), a.shape))
        about = diagnosis(k) if callable(diagnosis) else diagnosis or Diagnosis("")
        raise LawViolation(
            law,
            call,
            argument=names[k],
            element=element,
            expected=f"shape {b.shape}" if element is None else float(b[element]),
            found=f"shape {a.shape}" if element is None else float(a[element]),
            cause=about.cause,
            detail=about.detail,
            proven=about.proven,
        )


def _beyond(found: Array, expected: Array, tolerance: float) -> Array | None:
    """How far off each element is, 0 within the tolerance; None when all are within."""
    with np.errstate(all="ignore"):
        a, b = found.astype(np.float64), expected.astype(np.float64)
        off = np.where((a == b) | (np.isnan(a) & np.isnan(b)), 0, np.abs(a - b))
        off = np.where(np.isnan(off), np.inf, off)
        wrong = off > tolerance
        return np.where(wrong, off, 0) if wrong.any() else None


def _tolerance(found: Array, expected: Array, scale: float | None, call: FunctionCall | None = None) -> float:
    """eps^(3/4) of the dtype (the least precise of the call's), times the size of what was summed."""
    met = [found, expected] if call is None else [found, expected, *call.values, *call.results()]
    dtypes = [x.dtype for x in met if x.dtype.kind == "f"]
    if not dtypes:
        return 0
    eps = max(float(np.finfo(dtype).eps) for dtype in dtypes)
    size = float(np.max(np.abs(expected[np.isfinite(expected)]), initial=0.0)) if scale is None else max(scale, 0.0)
    return float(eps**0.75) * size


def _change_by_last_digits(call: FunctionCall, compute: Callable[[FunctionCall], Sequence[Array]], k: int) -> float:
    """What array k changes by when the arguments are moved in their last digits."""
    rng, plain, change = np.random.default_rng(0), compute(call)[k], 0.0
    for _ in range(3):
        factors = [1 + np.finfo(x.dtype).eps * rng.choice((-4, -2, 2, 4), x.shape) for x in call.values]
        moved = call.with_values([np.asarray(x * f, x.dtype) for x, f in zip(call.values, factors, strict=True)])
        change = max(change, largest([np.asarray(compute(moved)[k] - plain)]))
    return change


def largest(arrays: Sequence[Array]) -> float:
    """The largest finite magnitude among all elements of floating arrays, 0 if there is none."""
    sizes = [float(np.max(np.abs(a[np.isfinite(a)]), initial=0.0)) for a in arrays if a.dtype.kind == "f"]
    return max(sizes, default=0.0)


def result_names(outs: Sequence[object]) -> list[str]:
    """What results are called: the only one, or each by its number."""
    return ["the result"] if len(outs) == 1 else [f"result {k}" for k in range(len(outs))]
