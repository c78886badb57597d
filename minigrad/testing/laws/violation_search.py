"""The minimal violation: drawn calls are tried, a failure is chosen among all, and Hypothesis shrinks within it.

Hypothesis shrinks whatever fails, and would slip from one fault to another on the way: a matrix rule that is transposed
also gives a wrong number for one element, where nothing tells that it was transposed. So all examples are tried
before the law and the likely cause are chosen, and only calls that violate this law for this cause count as
failures while Hypothesis makes the call small.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeAlias

import numpy as np
from hypothesis import HealthCheck, Phase, assume, given, seed, settings
from hypothesis import find as find_minimal
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample, Unsatisfiable

from minigrad.errors import UsageError
from minigrad.testing.calls.function_call import FunctionCall, no_arithmetic_warnings
from minigrad.testing.calls.linearization import attached_call
from minigrad.testing.diagnose.gradient_diagnosis import cause_at_point, cause_of_failure
from minigrad.testing.laws.example_quota import ExampleQuota
from minigrad.testing.laws.law_registry import Law
from minigrad.testing.laws.verdict_tally import VerdictTally
from minigrad.testing.laws.violation import LawViolation

CallStrategy: TypeAlias = st.SearchStrategy[FunctionCall]

ENOUGH_FAILURES: Final = 8
"""After so many failing calls, of which a large one counts several times, the remaining examples are skipped."""

SPECIAL_CASES: Final = ("zero gradient", "not a number")
"""Causes that other mistakes look like for some arguments, so that they are named only where nothing else was seen."""

_AT_THE_POINT: Final = ("", "not a number", "not a subgradient")
"""Causes that finite differences near the point do not show."""

_HEALTH_CHECKS: Final = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much)


def minimal_violation(calls: CallStrategy, laws: Mapping[str, Law], examples: int | None = None) -> LawViolation | None:
    """Try the laws on drawn calls.

    Args:
        calls: draws the calls.
        laws: the laws to try, by name.
        examples: how many calls are drawn; as many as Hypothesis's profile says unless given, fewer of large ones.

    Returns:
        The violation with the smallest call; None when all laws hold for all calls.

    Raises:
        UsageError: the function refuses nearly all calls.
        InconclusiveGradients: no law is violated, but of most gradients nothing could be said.
    """
    profile = settings.default
    assert profile is not None
    start = 0 if profile.derandomize else random.SystemRandom().getrandbits(32)
    quota = ExampleQuota(profile.max_examples if examples is None else None)
    examples = examples or profile.max_examples
    enough = ENOUGH_FAILURES if Phase.shrink in profile.phases else 1
    tally = VerdictTally()
    found = _violations(calls, laws, examples, start, enough, tally, quota)
    if not found:
        tally.raise_if_inconclusive()
        return None
    if enough == 1:  # where nothing is to be shrunk (when mutants are tried), nobody reads explanations either
        return found[0]
    chosen = _most_telling(found, list(laws))
    return _shrunk(calls, {chosen.law: laws[chosen.law]}, chosen, examples, start)


def violation_of(call: FunctionCall, laws: Mapping[str, Law]) -> LawViolation | None:
    """The first of the laws that the call violates; a harmless one only where no other is violated.

    An error of the backward pass is a violation, too; one of the function itself is let through, with the call named.
    """
    try:
        with no_arithmetic_warnings():
            call.results()
    except call.refusals:
        raise
    except Exception as error:
        error.add_note(f"in {call.as_python()}")
        raise
    harmless = None
    for law in laws.values():
        try:
            law.check_if_applies(call)
        except LawViolation as violation:
            if not violation.harmless:
                return violation
            harmless = harmless or violation
        except Exception as error:
            return _from_error(call, law.name, error, laws)
    return harmless


def _from_error(call: FunctionCall, law: str, error: Exception, laws: Mapping[str, Law]) -> LawViolation:
    """An error as a violation, of the call that failed: of its gradient, or else of the law that made this call."""
    failed = attached_call(error) or call
    if failed.args is call.args and "gradient" in laws:
        law = "gradient"
    about = cause_of_failure(failed, error)
    text = str(error).splitlines()[0] if str(error) else ""
    note = f"it raised {type(error).__name__}: {text}"
    violation = LawViolation(law, failed, cause=about.cause, detail=about.detail, note=note, proven=about.proven)
    violation.__cause__ = error
    return violation


def _violations(
    calls: CallStrategy,
    laws: Mapping[str, Law],
    examples: int,
    start: int,
    enough: int,
    tally: VerdictTally,
    quota: ExampleQuota,
) -> list[LawViolation]:
    found: list[LawViolation] = []
    refusals: list[Exception] = []
    failures = 0.0

    options = settings(
        max_examples=examples, database=None, deadline=None, suppress_health_check=_HEALTH_CHECKS,
        phases=[Phase.generate],
    )  # fmt: skip

    @seed(random.Random(start).getrandbits(64))
    @options
    @given(calls)
    def try_one(call: FunctionCall) -> None:
        nonlocal failures
        if quota.is_used_up or (failures >= enough and (enough == 1 or any(_tells(v) for v in found))):
            return
        try:
            violation = violation_of(call, laws)
        except call.refusals as error:
            refusals.append(error)
            assume(False)
        else:
            tally.add(call)
            examples_tried = quota.add(call)
            if violation is not None:
                found.append(violation)
                failures += examples_tried

    try:
        try_one()
    except Unsatisfiable as error:
        last = f"; the last one with {type(refusals[-1]).__name__}: {refusals[-1]}" if refusals else ""
        raise UsageError(
            f"gradtest: the function refuses nearly all of the arguments that were drawn{last}\n"
            "hint: say more about them: shapes=, domain=, arguments= or calls="
        ) from error
    return found


def _tells(violation: LawViolation) -> bool:
    """Whether it is likely to be the mistake itself: others show the same for single elements, or no elements."""
    return violation.size > 1 and not violation.harmless and violation.cause not in ("", *SPECIAL_CASES)


def _most_telling(found: Sequence[LawViolation], order: Sequence[str]) -> LawViolation:
    """Of the earliest law, a violation with the cause that most calls have; arrays of several elements count first.

    Harmless violations come after all others, and what is proven before what numbers only suggest.
    """
    for telling in (_tells, lambda v: not v.harmless):
        found = [v for v in found if telling(v)] or found
    found = [v for v in found if v.proven] or found
    first = min((v.law for v in found), key=order.index)
    candidates = [v for v in found if v.law == first]
    several = [v for v in candidates if v.size > 1]
    votes = Counter(v.cause for v in several or candidates)
    best = max(votes, key=lambda cause: (bool(cause), cause not in SPECIAL_CASES, votes[cause]))
    return next(v for v in candidates if v.cause == best)


def _shrunk(
    calls: CallStrategy, law: Mapping[str, Law], chosen: LawViolation, examples: int, start: int
) -> LawViolation:
    """The violation of the same law for the same cause by the smallest call.

    With the same start and number of examples Hypothesis draws the same calls again, so one that fails is among them.
    """
    cause_is_enough = chosen.law == "gradient" and chosen.cause not in _AT_THE_POINT

    def violates(call: FunctionCall) -> bool:
        try:
            with no_arithmetic_warnings():
                call.results()
                if cause_is_enough:
                    return cause_at_point(call) == chosen.cause
            violation = violation_of(call, law)
        except Exception:  # f refuses these arguments, or it is another failure than the one that is to be shown
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
        call = find_minimal(calls, violates, settings=options, random=random.Random(start))
    except NoSuchExample:  # the function does not do the same thing twice
        return chosen
    call = next((plain for plain in _plainer(call) if violates(plain)), call)
    return violation_of(call, law) or chosen


def _plainer(call: FunctionCall) -> Iterator[FunctionCall]:
    """The same call in C order and double precision, or one of both: Hypothesis may leave what does not matter."""
    in_order = [np.array(x, order="C") if isinstance(x, np.ndarray) else x for x in call.args]
    for plain in (call.with_args(in_order).in_double(), call.with_args(in_order), call.in_double()):
        if plain.as_python() != call.as_python():
            yield plain
