"""A test suite against mutants: which of them does no test notice?

The tests run once as they are, while it is noted which of them runs which rule. Then each mutant is put in place and
the tests that run its rule are executed again, the most specific first, until one fails: the mutant is *killed*. If
none fails, it *survived*. A mutant that makes a test run on without end, or crashes the process, is not killed by that,
since no test reported it: it is listed like a survivor, with what happened.
"""

from __future__ import annotations

import re
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Final

import pytest
from _pytest.config import apply_warning_filters, parse_warning_filter
from _pytest.runner import runtestprotocol  # what plugins that run tests again build on; there is no public one

from minigrad.autograd.op import Op
from minigrad.testing.mutation.foreign_function import ForeignFunction
from minigrad.testing.mutation.mutant import Mutant, RuleKey, mutant_applied, rules_replaced
from minigrad.typing import Function

KILLED: Final = "killed"
SURVIVED: Final = "no test fails"
NOT_COVERED: Final = "no test runs this rule"
TIMED_OUT: Final = "a test did not end"
CRASHED: Final = "the process crashed"

TIMEOUT_MARGIN = 30.0
"""Seconds beyond five times what the tests took without a mutant."""


@dataclass(frozen=True)
class MutantResult:
    """What became of a mutant, and the test that noticed it ("" for none)."""

    mutant: Mutant
    outcome: str
    test: str = ""


@dataclass
class Suite:
    """Tests, how long each of them takes, and which rules it runs.

    Attributes:
        tests: the tests in their order.
        rules: the rules that each test runs, by its node id.
        seconds: how long each test took, by its node id.
    """

    tests: list[pytest.Item]
    rules: dict[str, set[RuleKey]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def run_observed(
        self, ops: Iterable[Op | ForeignFunction], run: Callable[[pytest.Item, pytest.Item | None], None]
    ) -> None:
        """Run every test as it is, by `run(test, next test)`, noting the rules that it runs."""
        seen: set[RuleKey] = set()

        def noting(key: RuleKey, function: Function) -> Function:
            def rule(*args: Any, **settings: Any) -> Any:
                seen.add(key)
                return function(*args, **settings)

            return rule

        with ExitStack() as stack:
            for op in ops:
                stack.enter_context(rules_replaced(op, noting))
            for test, following in zip(self.tests, [*self.tests[1:], None], strict=True):
                seen.clear()
                start = time.perf_counter()
                run(test, following)
                self.seconds[test.nodeid] = time.perf_counter() - start
                self.rules[test.nodeid] = set(seen)

    def tests_of(self, mutant: Mutant) -> list[pytest.Item]:
        """The tests that run a mutant's rule: those named after its op first, then the quick and specific ones."""
        changed = set(mutant.rules)
        named = re.compile(rf"(?<![A-Za-z0-9]){re.escape(mutant.op.name)}(?![A-Za-z0-9])")

        def cost(test: pytest.Item) -> tuple[bool, float]:
            name = test.nodeid.rpartition("::")[2]
            return not named.search(name), self.seconds[test.nodeid] * len(self.rules[test.nodeid])

        return sorted([test for test in self.tests if self.rules[test.nodeid] & changed], key=cost)

    def time_limit(self, mutant: Mutant) -> float:
        """How many seconds the tests of a mutant may take before it counts as timed out."""
        return TIMEOUT_MARGIN + 5 * sum(self.seconds[test.nodeid] for test in self.tests_of(mutant))


def mutant_results(suite: Suite, mutants: Iterable[Mutant]) -> Iterator[MutantResult]:
    """Try one mutant after the other in this process. The last test that killed one is tried first on the next."""
    last: pytest.Item | None = None
    for mutant in mutants:
        tests = suite.tests_of(mutant)
        if last in tests:
            tests.insert(0, last)
        with mutant_applied(mutant):
            killer = next((test for test in dict.fromkeys(tests) if _fails(test)), None)
        last = killer or last
        outcome = KILLED if killer is not None else SURVIVED if tests else NOT_COVERED
        yield MutantResult(mutant, outcome, killer.nodeid if killer is not None else "")


def _fails(test: pytest.Item) -> bool:
    """Run a test again, with its fixtures and its filters of warnings, but without reporting it."""
    config = test.config
    with warnings.catch_warnings():
        apply_warning_filters(config.getini("filterwarnings"), config.known_args_namespace.pythonwarnings or [])
        for mark in reversed(list(test.iter_markers("filterwarnings"))):
            for argument in mark.args:
                warnings.filterwarnings(*parse_warning_filter(argument, escape=False))
        return any(report.failed for report in runtestprotocol(test, log=False, nextitem=None))
