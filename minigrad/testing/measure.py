"""What `--grad-coverage` and `--grad-mutants` do in a run of pytest."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from contextlib import ExitStack
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from minigrad.autograd.op import REGISTRY, Op
from minigrad.testing.campaign import Fate, Suite, try_all
from minigrad.testing.coverage import Matrix, Observer
from minigrad.testing.excuse import Excuses
from minigrad.testing.mutant import mutants_of
from minigrad.testing.plugin import DEFAULT_LIST
from minigrad.testing.report_text import coverage_lines, mutant_lines, survivors


def ops_under_test(config: pytest.Config, items: list[pytest.Item], names: str = "") -> list[Op]:
    """The named ops, or else those that files under the root directory define, test files left out.

    Raises:
        pytest.UsageError: a name is no op's.
    """
    if names:
        found = {name: fnmatches(name) for name in names.split(",")}
        for name, ops in found.items():
            if not ops:
                raise pytest.UsageError(f"--grad-mutants: there is no op named {name!r}")
        return [REGISTRY[op] for op in sorted({op for ops in found.values() for op in ops})]
    tests = {item.path for item in items if isinstance(item, pytest.Function)}
    files = {
        name: Path(file)
        for name, module in list(sys.modules.items())
        if isinstance(file := getattr(module, "__file__", None), str)
    }
    own = {
        name
        for name, file in files.items()
        if file.is_relative_to(config.rootpath) and "site-packages" not in file.parts and file not in tests
    }
    # Ops that a doctest or a function makes are in the registry as well, but no module holds them.
    held = {id(value) for name in own for value in list(vars(sys.modules[name]).values())}
    return [op for _, op in sorted(REGISTRY.items()) if op.module in own and id(op) in held]


def fnmatches(pattern: str) -> list[str]:
    """The names of ops that fit a pattern."""
    return [op for op in REGISTRY if fnmatchcase(op, pattern)]


def excuses_of(config: pytest.Config, table: str) -> Excuses:
    """The list of excuses of this project."""
    try:
        return Excuses.read(config.rootpath / (config.getini("grad_equivalent") or DEFAULT_LIST), table)
    except ValueError as error:
        raise pytest.UsageError(str(error)) from error


class CoverageRun:
    """Fills the matrix. Under pytest-xdist the workers observe, and the first process joins what they saw."""

    def __init__(self, config: pytest.Config) -> None:
        self.config, self.matrix, self.observer = config, Matrix(), Observer()
        self.excuses = excuses_of(config, "coverage")
        self.watching = ExitStack()

    def pytest_sessionstart(self) -> None:
        """Watch from before the first test file is imported."""
        self.watching.enter_context(self.observer.watching())

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self) -> Generator[None, Any, Any]:
        """Keep what a test exercised if it passed."""
        self.observer.cells = set()
        result = yield  # a test that fails raises here
        self.matrix.filled |= self.observer.cells
        return result

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Add what a worker saw; one that crashed tells nothing."""
        data = getattr(node, "workeroutput", {}).get("minigrad-coverage")
        if data is not None:
            self.matrix.join(data)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Know the ops, which are all imported now; hand over what was seen, or judge it."""
        self.watching.close()
        self.matrix.add_ops(ops_under_test(self.config, getattr(session, "items", [])))
        if hasattr(self.config, "workeroutput"):
            self.config.workeroutput["minigrad-coverage"] = self.matrix.as_data()
        elif self._strict() and session.exitstatus == 0 and "empty" in self.matrix.states(self.excuses).values():
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def _strict(self) -> bool:
        return bool(self.config.option.grad_coverage == "strict")

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Print the matrix."""
        terminalreporter.section("gradient coverage")
        for line in coverage_lines(self.matrix, self.excuses):
            terminalreporter.write_line(line)


class MutantRun:
    """Runs the tests once as they are, and then against each mutant."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.excuses = excuses_of(config, "mutants")
        self.fates: list[Fate] | None = None

    def pytest_sessionstart(self) -> None:
        """Begin before test files are imported, whose Hypothesis settings start from the profile."""
        calm_hypothesis()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """In place of pytest's own loop."""
        if session.testsfailed or self.config.option.collectonly:
            return None  # files that cannot be imported, or nothing to run: pytest knows what to say
        ops = ops_under_test(self.config, session.items, self.config.option.grad_mutants)
        suite = Suite(list(session.items))
        suite.run_observed(ops, self._run)
        if not session.testsfailed:
            self.fates = self._try_mutants(suite, ops)
        return True

    @staticmethod
    def _run(test: pytest.Item, following: pytest.Item | None) -> None:
        test.ihook.pytest_runtest_protocol(item=test, nextitem=following)

    def _try_mutants(self, suite: Suite, ops: list[Op]) -> list[Fate]:
        asked = self.config.option.grad_processes
        self.config.option.tbstyle = "line"  # nobody reads these tracebacks
        mutants = [mutant for op in ops for mutant in mutants_of(op)]
        fates: list[Fate] = []
        reporter: Any = self.config.pluginmanager.get_plugin("terminalreporter")
        for chunk in try_all(suite, mutants, (os.cpu_count() or 1) if asked is None else asked):
            fates += chunk
            if reporter is not None and reporter.isatty:
                reporter.rewrite(f"mutants: {len(fates)} of {len(mutants)} tried", erase=True)
        return fates

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fail when a mutant survives that nobody has listed."""
        if self.fates and survivors(self.fates, self.excuses) and session.exitstatus == 0:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Print survivors and the score."""
        terminalreporter.section("gradient mutants")
        lines = mutant_lines(self.fates, self.excuses, self.config.rootpath, self.config.option.grad_mutants)
        for line in lines:
            terminalreporter.write_line(line)


def calm_hypothesis() -> None:
    """The same examples in each run, none from a database, and no search for smaller ones: it would take minutes."""
    try:
        from hypothesis import HealthCheck, Phase, settings
    except ImportError:
        return  # the tests do without, then
    settings.register_profile(
        "minigrad-mutants",
        parent=settings(),
        phases=(Phase.explicit, Phase.generate),
        database=None,
        derandomize=True,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    settings.load_profile("minigrad-mutants")
