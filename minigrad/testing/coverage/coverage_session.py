"""`CoverageSession`: a run of pytest with `--grad-coverage`."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from minigrad.testing.coverage.coverage_matrix import CoverageMatrix
from minigrad.testing.coverage.observer import Observer
from minigrad.testing.mutation.project import allowlist_of, project_ops

if TYPE_CHECKING:
    from _pytest.terminal import TerminalReporter

RESULT = "minigrad-coverage"
"""What a worker of pytest-xdist hands its cells over as."""


class CoverageSession:
    """The hooks of a run that fills the matrix of conditions.

    Under pytest-xdist the workers observe the tests, and the first process joins their matrices.
    """

    def __init__(self, config: pytest.Config) -> None:
        self.config, self.matrix, self.observer = config, CoverageMatrix(), Observer()
        self.allowlist = allowlist_of(config, "coverage")
        self._observing = ExitStack()

    def pytest_sessionstart(self) -> None:
        """Observe from before the first test file is imported."""
        self._observing.enter_context(self.observer.observing())

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self) -> Generator[None, object, object]:
        """Keep the cells of a test that passes."""
        self.observer.cells = set()
        result = yield  # a test that fails raises here
        self.matrix.filled |= self.observer.cells
        return result

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:  # pytest-xdist has no types
        """Add the matrix of a worker, unless it crashed."""
        data = getattr(node, "workeroutput", {}).get(RESULT)
        if data is not None:
            self.matrix.join(data)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Add the ops, all of which are imported by now; hand the matrix over, or judge it."""
        self._observing.close()
        self.matrix.applies.update(self.observer.foreign)
        self.matrix.add_ops(project_ops(self.config, getattr(session, "items", []), names=""))
        if hasattr(self.config, "workeroutput"):
            self.config.workeroutput[RESULT] = self.matrix.as_data()
        elif self._strict() and session.exitstatus == 0 and "empty" in self.matrix.states(self.allowlist).values():
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def _strict(self) -> bool:
        return bool(self.config.option.grad_coverage == "strict")

    def pytest_terminal_summary(self, terminalreporter: TerminalReporter) -> None:
        """Print the matrix."""
        terminalreporter.section("gradient coverage")
        for line in self.matrix.summary(self.allowlist):
            terminalreporter.write_line(line)
