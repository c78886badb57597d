"""The law of silence: what is masked out of a loss stays out of its gradients, whatever it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

import numpy as np

from minigrad.testing.calls.function_call import FunctionCall
from minigrad.testing.calls.real_parts import RealParts
from minigrad.testing.diagnose.cause import Diagnosis
from minigrad.testing.frameworks.run import ArrayTuple
from minigrad.testing.laws.law_registry import is_recorded, law
from minigrad.testing.laws.violation import expect, largest
from minigrad.typing import Array

NONFINITE: Final = (np.nan, np.inf, -np.inf)


@law(applies=is_recorded)
def silence(call: FunctionCall) -> None:
    """A cotangent of exactly 0 passes on 0, whatever the slope: NaN and infinities that are masked do not come back.

    One element of an argument is made NaN, inf or -inf. The results that depend on it get the cotangent 0, as behind
    `where(ok, f(x), 0)`. Then its own gradient is 0, and all others are what they are beside a finite value, at first
    and at second order.
    """
    call = call.in_double()
    finite = call.results()
    if not all(np.isfinite(out).all() for out in finite if out.dtype.kind == "f"):
        return
    for k, element in _elements(call):
        masked = _dependent(call, k, element)
        u = [np.where(mask, 0.0, g) for mask, g in zip(masked, call.cotangents(), strict=True)]
        for value in NONFINITE:
            changed = _with_element(call, k, element, value)
            outs = _results(changed)
            if outs is None or [out.shape for out in outs] != [out.shape for out in finite]:
                continue
            _check_masked(call, changed, k, element, u, str(value))


def _check_masked(
    call: FunctionCall, changed: FunctionCall, k: int, element: tuple[int, ...], u: Sequence[Array], value: str
) -> None:
    """Raise unless the changed call has the derivatives of the call, and 0 by the element that was changed."""
    __tracebackhide__ = True
    about = Diagnosis("", f"{value} at {call.names[call.positions[k]]}{list(element)}, whose results are masked")

    def derivatives(moved: FunctionCall) -> tuple[list[Array], list[Array]]:
        expected = _derivatives(_with_element(moved, k, element, float(call.values[k][element])), u)
        for order in expected:
            order[k][element] = 0
        return expected

    orders: tuple[Callable[[FunctionCall], list[Array]], ...] = (
        lambda moved: derivatives(moved)[0],
        lambda moved: derivatives(moved)[1],
    )
    for found, expected, compute in zip(_derivatives(changed, u), derivatives(call), orders, strict=True):
        scales = [largest([g]) + 1 for g in expected]  # second derivatives may be the rounding of 0
        expect("silence", changed, found, expected, scales=scales, diagnosis=about, compute=compute)


def _elements(call: FunctionCall) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Elements to replace: of each argument the first and the one in the middle.

    Of a Module only inputs: data is masked, a parameter that is NaN is a mistake.
    """
    inputs = len(call.args) - len(getattr(call.f, "parameters", ()))
    for k, (i, x) in enumerate(zip(call.positions, call.values, strict=True)):
        for number in sorted({0, x.size // 2}) if x.size and i < inputs else ():
            yield k, tuple(int(place) for place in np.unravel_index(number, x.shape))


def _with_element(call: FunctionCall, k: int, element: tuple[int, ...], value: float) -> FunctionCall:
    values = [x.copy() for x in call.values]
    values[k][element] = value
    return call.with_values(values)


def _results(call: FunctionCall) -> ArrayTuple | None:
    """The results; None where f does not take the arguments."""
    refusals: tuple[type[Exception], ...] = (*call.refusals, np.linalg.LinAlgError)
    try:
        return call.results()
    except refusals:
        return None


def _dependent(call: FunctionCall, k: int, element: tuple[int, ...]) -> list[Array]:
    """Which elements of the results depend on one element of an argument.

    They change when it does, at the call or where no number is 0: a product with 0 depends on the other factor, too.
    Both parts of a complex number are one element here, as they are for a cotangent.
    """
    masks = [np.zeros(out.shape, bool) for out in call.results()]
    for base in (call, call.without_zeros()):
        before = _results(base)
        if before is None or [out.shape for out in before] != [mask.shape for mask in masks]:
            continue
        for value in NONFINITE:
            after = _results(_with_element(base, k, element, value))
            if after is not None and [out.shape for out in after] == [mask.shape for mask in masks]:
                masks = [mask | _differs(a, b) for mask, a, b in zip(masks, before, after, strict=True)]
    if isinstance(call.f, RealParts):
        pairs = zip(masks, call.f.complex_results, strict=True)
        return [np.repeat(mask.any(-1, keepdims=True), 2, -1) if c else mask for mask, c in pairs]
    return masks


def _differs(a: Array, b: Array) -> Array:
    return np.asarray((a != b) & ~((a != a) & (b != b)))  # NaN is equal to NaN here


def _derivatives(call: FunctionCall, u: Sequence[Array]) -> tuple[list[Array], list[Array]]:
    """The gradients for the cotangents u, and the product of the second derivatives with tangents."""
    at_call = call.linearize()
    return [x.copy() for x in at_call.vjp(u)], [x.copy() for x in at_call.hvp(u, call.tangents())]
