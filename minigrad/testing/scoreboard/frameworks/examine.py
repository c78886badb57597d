"""A function of a framework, checked at all points."""

from __future__ import annotations

import inspect
import re
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from importlib import import_module
from itertools import pairwise
from typing import Any, Final

import numpy as np

from minigrad.testing.check import GradientCheck
from minigrad.testing.frameworks.framework import Framework
from minigrad.testing.frameworks.tensors import TENSORS
from minigrad.testing.numeric.comparison import Verdict
from minigrad.testing.scoreboard.frameworks.fault import Fault, fault_of, raised_fault
from minigrad.testing.scoreboard.frameworks.forms import Call, calls_of, documented_signature
from minigrad.testing.scoreboard.frameworks.language import LANGUAGES, Language
from minigrad.testing.scoreboard.frameworks.points import TRIED, points
from minigrad.testing.scoreboard.time_limit import OutOfTime, at_most
from minigrad.typing import Array, Function

MOST_CALLS: Final = 4
MOST_SHAPES: Final = 2
MOST_FAULTS: Final = 3
LARGEST_RESULT: Final = 200
ENOUGH: Final = 5
"""Wrong points of a call after which the others are not checked."""
OVERTIME: Final = 6.0
"""A check that has begun, and the writing of a fault, may take so many times the budget: what is wrong takes long."""

Status = str
CORRECT, WRONG, INCONCLUSIVE, NO_GRADIENT, NOT_CALLED = (
    "correct", "wrong", "inconclusive", "not implemented", "not called"
)  # fmt: skip


@dataclass
class Examined:
    """What came of one function.

    Attributes:
        function: its path.
        status: correct, wrong at some point, inconclusive at all, not implemented (no gradient), or not called.
        calls: the code of the calls that were checked.
        correct, wrong, inconclusive: at how many points.
        faults: of some wrong points, of different calls and kinds.
        seconds: how long it took.
        note: why there is no verdict.
    """

    function: str
    status: Status = NOT_CALLED
    calls: list[str] = field(default_factory=list)
    correct: int = 0
    wrong: int = 0
    inconclusive: int = 0
    faults: list[Fault] = field(default_factory=list)
    seconds: float = 0.0
    note: str = ""

    def as_json(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)


class NotFloating(Exception):  # noqa: N818  what a call returned, which is no error
    """A call returns integers or truth values, or more numbers than are looked at."""


class BackwardRaised(Exception):  # noqa: N818  what a framework did, told as a fault
    """A derivative that is there raised an error."""


# How frameworks say that there is no derivative.
_SAYS_SO: Final = re.compile(
    r"not implemented|not require grad|failed to compute gradient|not differentiable|not defined|"
    r"not support(?!.*ArrayBox)|Reverse-mode differentiation does not work|"
    r"'(NoneType|numpy\.\w+)' object has no attribute"  # a plain number or array came back, or no gradient at all
)


def adapter(name: str) -> Framework:
    """What the kit knows of a framework that is installed."""
    if name == TENSORS.name:
        return TENSORS
    found: Framework = import_module(f"minigrad.testing.{name}").FRAMEWORK
    return found


class Examiner:
    """Checks the functions of one framework.

    Args:
        language: how it is spoken to.
        framework: its adapter; that of `minigrad.testing` unless given.
    """

    def __init__(self, language: Language, framework: Framework | None = None) -> None:
        self.language = language
        self.framework: Framework = framework or adapter(language.name)
        self.namespace = language.namespace()

    def examine(self, function: str, budget: float) -> Examined:
        """Check a function at all points.

        Args:
            function: its path.
            budget: seconds after which the points that are left are not checked.
        """
        found, start = Examined(function), time.process_time()
        self._wrong_checks: list[tuple[Call, str, GradientCheck]] = []
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                self._check_points(found, budget)
                for wrong in self._wrong_checks:
                    if _wanted(found.faults, wrong[0]):
                        with at_most(OVERTIME * budget):
                            self._tell(found, *wrong)
            except OutOfTime:
                found.note = f"stopped after {budget:g} s"
        if found.correct or found.wrong or found.inconclusive:
            verdicts = [(WRONG, found.wrong), (CORRECT, found.correct), (INCONCLUSIVE, found.inconclusive)]
            found.status = next(status for status, times in verdicts if times)
        found.seconds = time.process_time() - start
        return found

    def _check_points(self, found: Examined, budget: float) -> None:
        """Check the calls by turns until the budget is used up."""
        start = time.process_time()
        with at_most(budget):
            calls = self._calls(found, budget)
        found.calls = [call.code for call, _ in calls]
        per_call = [_checks(call, f) for call, f in calls]
        while per_call:
            for checks in list(per_call):
                check = next(checks, None)
                if check is None or sum(call == check[0] for call, *_ in self._wrong_checks) >= ENOUGH:
                    per_call.remove(checks)
                    continue
                if time.process_time() - start > budget:
                    found.note = f"stopped after {budget:g} s"
                    return
                with at_most(OVERTIME * budget):
                    self._check(found, *check)

    def _calls(self, found: Examined, budget: float) -> list[tuple[Call, Function]]:
        """The calls that run and have gradients, of different forms and shapes."""
        accepted: list[tuple[Call, Function]] = []
        times: Counter[str] = Counter()
        start, not_floating = time.process_time(), 0
        for call in calls_of(found.function, self.language, *self._signatures(found.function)):
            if time.process_time() - start > budget / 3 or not_floating > ENOUGH:
                break
            if times[call.code] >= MOST_SHAPES or len(accepted) >= MOST_CALLS:
                continue
            try:
                f = eval(f"lambda {', '.join(call.variables)}: {call.code}", self.namespace)
                values = [self._value(f, args) for point, args in points(call.shapes) if point in TRIED]
                if not _depends(values):
                    continue
            except NotFloating:
                not_floating += 1
                continue
            except Exception:  # not a call of this function
                continue
            try:
                self._pull(f, next(points(call.shapes))[1])
            except Exception as error:  # it can be called, and not be differentiated
                self._no_gradient(found, call, f, error)
                continue
            times[call.code] += 1
            accepted.append((call, f))
        return accepted

    def _signatures(self, function: str) -> tuple[inspect.Signature | None, inspect.Signature | None]:
        """The signature of a function, and that of its documentation where it has none."""
        value = eval(function, self.namespace)
        try:
            return inspect.signature(value), None
        except (TypeError, ValueError):  # written in C
            return None, documented_signature(value.__doc__)

    def _value(self, f: Function, args: Sequence[Array]) -> Array:
        outs = self.framework.value(f, list(args), range(len(args)))
        floating = [np.ravel(out).astype(float) for out in outs if out.dtype.kind == "f"]
        if not floating or sum(out.size for out in floating) > LARGEST_RESULT:
            raise NotFloating
        return np.concatenate(floating)

    def _pull(self, f: Function, args: Sequence[Array]) -> None:
        run = self.framework.linearize(f, list(args), range(len(args)))
        if any(value.dtype.kind == "O" for value in run.values):
            raise BackwardRaised("an array of objects is returned instead of one node of the graph")
        try:
            run.pull([np.ones_like(value) for value in run.values])
        except NotImplementedError:
            raise
        except Exception as error:
            raise BackwardRaised(f"{type(error).__name__}: {error}") from error

    def _no_gradient(self, found: Examined, call: Call, f: Function, error: Exception) -> None:
        text = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        if isinstance(error, BackwardRaised) and not _SAYS_SO.search(str(error)):
            args = next(points(call.shapes))[1]
            several = len(self.framework.value(f, args, range(len(args)))) > 1
            fault = raised_fault(self.language, self.namespace, call, args, text, several=several)
            # An error of its own, not of how it was asked, and not one that says that there is no derivative.
            if not fault.reproduced.startswith("[") and not _SAYS_SO.search(fault.reproduced):
                found.wrong += 1
                if not found.faults:  # other calls most often raise it as well
                    found.faults.append(fault)
        elif not found.note:
            found.status, found.note = NO_GRADIENT, f"{call.code}: {text}"

    def _check(self, found: Examined, call: Call, f: Function, point: str, args: list[Array]) -> None:
        try:
            if not np.isfinite(self._value(f, args)).all():
                return  # outside of the domain
            check = GradientCheck(f, args, {}, self.framework)
            report = check.report(1)
        except Exception as error:  # refused here, as outside of a domain
            found.note = found.note or f"{call.code} at {point}: {type(error).__name__}: {error}"[:300]
            return
        if "not deterministic" in report.note:
            return
        if report.verdict is Verdict.CORRECT:
            found.correct += 1
        elif report.verdict is Verdict.INCONCLUSIVE:
            found.inconclusive += 1
        else:
            found.wrong += 1
            self._wrong_checks.append((call, point, check))

    def _tell(self, found: Examined, call: Call, point: str, check: GradientCheck) -> None:
        """Write down what is wrong at a point."""
        fault = fault_of(self.language, self.namespace, call, point, check, self.framework)
        if _SAYS_SO.search(fault.reproduced):  # a constant for the framework, which says so when it is asked
            found.wrong -= 1
            found.status, found.note = NO_GRADIENT, f"{call.code}: {fault.reproduced}"
        else:
            found.faults.append(fault)


def _wanted(faults: Sequence[Fault], call: Call) -> bool:
    """Whether one more fault of a call is written down; those that differences do not confirm are not counted."""
    confirmed = [fault for fault in faults if fault.confirmed]
    return len(confirmed) < MOST_FAULTS and sum(fault.code == call.code for fault in confirmed) < 2


def _checks(call: Call, f: Function) -> Iterator[tuple[Call, Function, str, list[Array]]]:
    for name, args in points(call.shapes):
        yield call, f, name, args


def _depends(values: Sequence[Array]) -> bool:
    """Whether finite results differ from point to point."""
    finite = [v[np.isfinite(v)] for v in values]
    return any(a.shape != b.shape or not np.array_equal(a, b) for a, b in pairwise(finite))


def examiner(framework: str) -> Callable[[str, float], Examined]:
    """`examine` of a framework that is installed."""
    return Examiner(LANGUAGES[framework]).examine
