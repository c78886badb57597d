"""How a failure is found and made small: examples first, then a choice of what to show, then shrinking within that.

Hypothesis shrinks whatever fails, and would slip from one fault to another on the way: a matrix rule that is transposed
also gives a wrong number for one element, where nothing tells that it was transposed. So all examples are looked at
before the law and the likely cause are chosen, and only calls that violate this law for this cause count as
failures while Hypothesis makes the call small.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from typing import Final

from hypothesis import HealthCheck, Phase, assume, given, seed, settings
from hypothesis import find as smallest
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample, Unsatisfiable

from minigrad.errors import UsageError
from minigrad.testing.calls.function_call import REFUSALS, Call, quiet
from minigrad.testing.calls.linearization import call_behind
from minigrad.testing.diagnose.gradient_diagnosis import cause_here, cause_of_failure
from minigrad.testing.laws.law_registry import Law, LawViolation

Calls = st.SearchStrategy[Call]

ENOUGH: Final = 8
"""After so many failing calls the remaining examples are spared."""

_AT_A_POINT: Final = ("", "not a number", "not a subgradient")
"""Causes that finite differences near the point do not show."""

_CHECKS: Final = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much)


def violation_of(call: Call, laws: Mapping[str, Law]) -> LawViolation | None:
    """The first of the laws that the call violates.

    An error of the backward pass is a violation, too; one of the function itself is let through, with the call named.
    """
    try:
        with quiet():
            call.value()
    except REFUSALS:
        raise
    except Exception as error:
        error.add_note(f"in {call.line()}")
        raise
    for law in laws.values():
        try:
            law.on(call)
        except LawViolation as violation:
            return violation
        except Exception as error:
            return _from_error(call, law.name, error, laws)
    return None


def _from_error(call: Call, law: str, error: Exception, laws: Mapping[str, Law]) -> LawViolation:
    """An error as a violation, of the call that failed: of its gradient, or else of the law that made this call."""
    failed = call_behind(error) or call
    if failed.args is call.args and "gradient" in laws:
        law = "gradient"
    about = cause_of_failure(failed, error)
    violation = LawViolation(law, failed, cause=about.cause, detail=about.detail, note=_said(error))
    violation.__cause__ = error
    return violation


def _said(error: Exception) -> str:
    return f"it raised {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"


def smallest_violation(calls: Calls, laws: Mapping[str, Law], examples: int | None = None) -> LawViolation | None:
    """Try the laws on drawn calls; None when all hold, else the violation with the smallest call."""
    profile = settings.default
    assert profile is not None
    start = 0 if profile.derandomize else random.SystemRandom().getrandbits(32)
    examples = examples or profile.max_examples
    enough = ENOUGH if Phase.shrink in profile.phases else 1
    found = _violations(calls, laws, examples, start, enough)
    if not found:
        return None
    if enough == 1:  # where nothing is to be shrunk (when mutants are tried), nobody reads explanations either
        return found[0]
    chosen = _most_telling(found, list(laws))
    return _shrunk(calls, {chosen.law: laws[chosen.law]}, chosen, examples, start)


def _violations(calls: Calls, laws: Mapping[str, Law], examples: int, start: int, enough: int) -> list[LawViolation]:
    found: list[LawViolation] = []
    refusal: list[Exception] = []

    options = settings(
        max_examples=examples, database=None, deadline=None, suppress_health_check=_CHECKS, phases=[Phase.generate]
    )

    @seed(random.Random(start).getrandbits(64))
    @options
    @given(calls)
    def try_one(call: Call) -> None:
        if len(found) >= enough:
            return
        try:
            violation = violation_of(call, laws)
        except REFUSALS as error:
            refusal.append(error)
            assume(False)
        else:
            found.extend([violation] if violation else [])

    try:
        try_one()
    except Unsatisfiable as error:
        said = f"; the last one with {type(refusal[-1]).__name__}: {refusal[-1]}" if refusal else ""
        raise UsageError(
            f"gradtest: the function takes hardly any of the arguments that were drawn{said}\n"
            "hint: say more about them: shapes=, domain=, arguments= or calls="
        ) from error
    return found


def _most_telling(found: list[LawViolation], order: list[str]) -> LawViolation:
    """Of the earliest law, the cause that most calls speak for; those with several elements are better witnesses."""
    first = min((v.law for v in found), key=order.index)
    witnesses = [v for v in found if v.law == first]
    several = [v for v in witnesses if v.weight > 1]
    votes = Counter(v.cause for v in several or witnesses)
    best = max(votes, key=lambda cause: (bool(cause), votes[cause]))
    return next(v for v in witnesses if v.cause == best)


def _shrunk(calls: Calls, law: Mapping[str, Law], chosen: LawViolation, examples: int, start: int) -> LawViolation:
    """The violation of the same law for the same cause by the smallest call.

    With the same start and number of examples Hypothesis draws the same calls again, so one that fails is among them.
    """

    quick = chosen.law == "gradient" and chosen.cause not in _AT_A_POINT

    def violates(call: Call) -> bool:
        try:
            with quiet():
                call.value()
                if quick:
                    return cause_here(call) == chosen.cause
            violation = violation_of(call, law)
        except REFUSALS:
            assume(False)
        except Exception:  # another failure than the one that is to be shown
            return False
        return violation is not None and violation.cause == chosen.cause

    options = settings(
        max_examples=examples,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )
    try:
        call = smallest(calls, violates, settings=options, random=random.Random(start))
    except NoSuchExample:  # the function does not do the same thing twice
        return chosen
    return violation_of(call, law) or chosen
