"""`Law`: a property that holds for every correct derivative, and `LawViolation`: a call for which it does not.

A law is written as a function of one `Call` that raises when it does not hold:

    @law(applies=lambda call: len(call.args) == 2)
    def commutes(call):
        \"\"\"f(x, y) = f(y, x).\"\"\"
        x, y = call.args
        expect("commutes", call, call.with_args([y, x]).value(), call.value())

It is used alone as `laws.commutes(f, x, y, axis=0)`, together with all others as `laws.all_of(f, x, y, axis=0)`, and by
`@gradtest` once it stands in `LAWS`.

What two ways of computing must agree on is compared with a tolerance that the dtype sets: rounding may take a quarter
of its digits, eps^(3/4), of the size of the terms that were summed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, overload

import numpy as np

from minigrad.testing.calls.function_call import Call, Function, quiet
from minigrad.testing.diagnose.cause import Diagnosis
from minigrad.typing import Array

LAWS: Final[dict[str, Law]] = {}
"""Every law by its name, in the order in which they are tried: those come first whose failure would explain others."""


class LawViolation(AssertionError):  # noqa: N818  (it is no error of a program, it is what was found)
    """A law does not hold for a call.

    Attributes:
        law: its name.
        call: the call as one line of Python.
        argument: the name of the argument (or result) that is wrong, "" where it is none.
        element: the index of the element in it, or None.
        expected, found: the values there, or None.
        cause: the likely cause, one of `minigrad.testing.diagnose.cause.CAUSES`, or "".
        detail: what speaks for that cause, in words.
        note: whatever else should be known, in words.
        weight: the number of elements of the call's largest argument.
    """

    def __init__(
        self,
        law: str,
        call: Call,
        *,
        argument: str = "",
        element: tuple[int, ...] | None = None,
        expected: Any = None,
        found: Any = None,
        cause: str = "",
        detail: str = "",
        note: str = "",
    ) -> None:
        self.law, self.call, self.name = law, call.line(law), call.name
        self.argument, self.element, self.expected, self.found = argument, element, expected, found
        self.cause, self.detail, self.note = cause, detail, note
        self.weight = max((x.size for x in call.values), default=0)
        super().__init__(self._text())

    def _text(self) -> str:
        cause = f": likely cause: {self.cause}" if self.cause else ""
        detail = f" ({self.detail})" if self.detail else ""
        lines = [f"law `{self.law}` does not hold for {self.name}{cause}{detail}", self.call]
        if self.argument:
            place = self.argument if self.element is None else f"{self.argument}, element {self.element}"
            lines.append(f"{place}: expected {_shown(self.expected)}, found {_shown(self.found)}")
        return "\n    ".join(lines + [self.note] * bool(self.note))


def _shown(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, (float, np.floating)) else str(value)


@dataclass(frozen=True)
class Law:
    """A property of calls. Called with a function, arguments and settings, it raises `LawViolation` or returns None."""

    name: str
    check: Callable[[Call], None]
    applicable: Callable[[Call], bool]

    @property
    def __doc__(self) -> str | None:  # type: ignore[override]
        """What the law says."""
        return self.check.__doc__

    def __call__(self, f: Function, *args: Any, **settings: Any) -> None:
        """Hold f to this law at these arguments.

        Args:
            f: a function of Tensors; with `grad=` or `vjp=`, a function of NumPy arrays with that gradient.
            *args: arrays, Tensors, numbers or whatever f takes; floating ones are differentiated.
            **settings: what f takes by keyword; besides `grad=`, `vjp=`, and `argnums=`.

        Raises:
            LawViolation: it does not hold.
        """
        __tracebackhide__ = True
        self.on(Call.of(f, *args, **settings))

    def on(self, call: Call) -> None:
        """Hold a call to this law, if it applies."""
        __tracebackhide__ = True
        with quiet():
            if self.applies(call):
                self.check(call)

    def applies(self, call: Call) -> bool:
        """Whether the law says anything about this call."""
        return self.applicable(call)

    def __repr__(self) -> str:
        return f"laws.{self.name}"


def differentiable(call: Call) -> bool:
    """Whether anything of the call is differentiated at all."""
    return call.is_differentiable


def recorded(call: Call) -> bool:
    """Whether minigrad makes the derivatives, so that there are Tensors and higher orders."""
    return not call.on_arrays and differentiable(call)


@overload
def law(check: Callable[[Call], None], /) -> Law: ...
@overload
def law(*, applies: Callable[[Call], bool]) -> Callable[[Callable[[Call], None]], Law]: ...
def law(check: Any = None, /, *, applies: Callable[[Call], bool] = differentiable) -> Any:
    """Make a law of a function that takes a `Call` and raises; see this module's docstring.

    Args:
        applies: which calls it speaks of; those with something to differentiate, unless given.
    """

    def made(check: Callable[[Call], None]) -> Law:
        result = LAWS[check.__name__] = Law(check.__name__, check, applies)
        return result

    return made if check is None else made(check)


def expect(
    law: str,
    call: Call,
    found: Sequence[Array],
    expected: Sequence[Array],
    *,
    names: Sequence[str] | None = None,
    scales: Sequence[Any] | None = None,
    exact: bool = False,
    diagnosis: Callable[[int], Diagnosis] | Diagnosis | None = None,
) -> None:
    """Raise unless found and expected agree.

    Args:
        law: the name of the law that asks.
        call: the call it is about.
        found, expected: arrays, one an argument or result.
        names: what each of them is called; the differentiated arguments unless given.
        scales: the size of the terms that were summed to each element; that of the expected array unless given.
        exact: bit for bit, NaN being equal to NaN.
        diagnosis: the likely cause, or a function from the number of the wrong array to it.

    Raises:
        LawViolation: names the element that is furthest off.
    """
    __tracebackhide__ = True
    names = [f"input {call.names[i]}" for i in call.positions] if names is None else names
    for k, (a, b) in enumerate(zip(found, expected, strict=True)):
        element = None
        if a.shape == b.shape:
            wrong = _difference(a, b, 0 if exact else _tolerance(a, b, None if scales is None else scales[k]))
            if wrong is None or (not exact and _difference(a, b, _tolerance(a, b, scales and scales[k], call)) is None):
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
        )


def _difference(found: Array, expected: Array, tolerance: Any) -> Array | None:
    """How far off each element is, in tolerances; None when all are within."""
    with np.errstate(all="ignore"):
        a, b = found.astype(np.float64), expected.astype(np.float64)
        off = np.where((a == b) | (np.isnan(a) & np.isnan(b)), 0, np.abs(a - b))
        off = np.where(np.isnan(off), np.inf, off)
        wrong = off > tolerance
        return np.where(wrong, off, 0) if wrong.any() else None


def _tolerance(found: Array, expected: Array, scale: Any, call: Call | None = None) -> Any:
    """eps^(3/4) of the dtype (the least precise of the call's), times the size of what was summed."""
    met = [found, expected] if call is None else [found, expected, *call.values, *call.value()]
    dtypes = [x.dtype for x in met if x.dtype.kind == "f"]
    if not dtypes:
        return 0
    eps = max(float(np.finfo(dtype).eps) for dtype in dtypes)
    finite = np.abs(expected[np.isfinite(expected)]) if scale is None else scale
    return eps**0.75 * float(np.max(finite, initial=0.0))
