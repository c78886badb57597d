"""The law of silence: what is masked out of a loss stays out of its gradients, whatever it is."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from minigrad.testing.calls.function_call import FunctionCall
from minigrad.testing.calls.linearization import ArrayTuple
from minigrad.testing.diagnose.cause import Diagnosis
from minigrad.testing.laws.law_registry import is_recorded, law
from minigrad.testing.laws.violation import expect
from minigrad.typing import Array

POISONS = (np.nan, np.inf, -np.inf)


@law(applies=is_recorded)
def silence(call: FunctionCall) -> None:
    """A cotangent of exactly 0 passes on 0, whatever the slope: NaN and infinities that are masked do not come back.

    One element of an argument is made NaN, inf or -inf. The results that change get the cotangent 0, as behind
    `where(ok, f(x), 0)`. Then nothing depends on that element: its own gradient is 0, and all others are what they
    are beside a finite value, at first and at second order.
    """
    call = call.in_double()
    clean = call.results()
    if not all(np.isfinite(out).all() for out in clean if out.dtype.kind == "f"):
        return
    for k, element, poison in _places(call):
        values = [x.copy() for x in call.values]
        values[k][element] = poison
        poisoned = call.with_values(values)
        try:
            outs = poisoned.results()
        except (ValueError, np.linalg.LinAlgError):
            continue
        if [out.shape for out in outs] != [out.shape for out in clean]:
            continue
        u = [np.where(a == b, g, 0.0) for a, b, g in zip(clean, outs, call.cotangents(), strict=True)]
        about = Diagnosis("", f"{poison} at {call.names[call.positions[k]]}{list(element)}, whose results are masked")
        first, second = _derivatives(poisoned, u)
        first_clean, second_clean = _derivatives(call, u)
        for found, expected in ((first, first_clean), (second, second_clean)):
            expected[k][element] = 0
            expect("silence", poisoned, found, expected, diagnosis=about)


def _places(call: FunctionCall) -> Iterator[tuple[int, tuple[int, ...], float]]:
    """Elements to poison: of each argument the first and the one in the middle."""
    for k, x in enumerate(call.values):
        for number in sorted({0, x.size // 2}) if x.size else ():
            place = tuple(int(i) for i in np.unravel_index(number, x.shape))
            yield from ((k, place, poison) for poison in POISONS)


def _derivatives(call: FunctionCall, u: list[Array]) -> tuple[list[Array], list[Array]]:
    """The gradients for the cotangents u, and the product of the second derivatives with tangents."""
    linear = call.linearize()
    first: ArrayTuple = linear.vjp(u)
    second: ArrayTuple = linear.hvp(u, call.tangents())
    return [x.copy() for x in first], [x.copy() for x in second]
