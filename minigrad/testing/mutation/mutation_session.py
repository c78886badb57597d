"""`MutationSession`: a run of pytest with `--grad-mutants`."""

from __future__ import annotations

from collections.abc import Sequence
from io import StringIO
from typing import TYPE_CHECKING

import pytest
from _pytest.config import create_terminal_writer

from minigrad.autograd.op import Op
from minigrad.testing.mutation.foreign_function import ForeignFunction
from minigrad.testing.mutation.mutant import mutants_of
from minigrad.testing.mutation.mutant_ranks import processes_of, ranks, results_of_ranks
from minigrad.testing.mutation.mutation_run import MutantResult, Suite
from minigrad.testing.mutation.mutation_summary import summary_lines, survivors
from minigrad.testing.mutation.project import allowlist_of, mutated

if TYPE_CHECKING:
    from _pytest.terminal import TerminalReporter


class MutationSession:
    """The hooks of a run that executes the tests once as they are, and then against each mutant."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.allowlist = allowlist_of(config, "mutants")
        self.results: list[MutantResult] | None = None
        self.ranks = ranks()

    def pytest_sessionstart(self) -> None:
        """Begin before test files are imported, whose Hypothesis settings start from the profile."""
        _load_hypothesis_profile()
        reporter: TerminalReporter | None = self.config.pluginmanager.get_plugin("terminalreporter")
        if self.ranks.rank and reporter is not None:  # rank 0 tells the results of all
            reporter._tw = create_terminal_writer(self.config, StringIO())

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """In place of pytest's own loop."""
        if session.testsfailed or self.config.option.collectonly:
            return None  # files that cannot be imported, or nothing to run: pytest knows what to say
        ops = mutated(self.config, session.items)
        suite = Suite(list(session.items))
        suite.run_observed(ops, self._run)
        if not session.testsfailed:
            self.results = self._run_mutants(suite, ops)
        return True

    @staticmethod
    def _run(test: pytest.Item, following: pytest.Item | None) -> None:
        test.ihook.pytest_runtest_protocol(item=test, nextitem=following)

    def _run_mutants(self, suite: Suite, ops: Sequence[Op | ForeignFunction]) -> list[MutantResult]:
        asked = self.config.option.grad_processes
        self.config.option.tbstyle = "line"  # nobody reads these tracebacks
        mutants = [mutant for op in ops for mutant in mutants_of(op)]
        results: list[MutantResult] = []
        reporter: TerminalReporter | None = self.config.pluginmanager.get_plugin("terminalreporter")
        processes = processes_of(self.ranks) if asked is None else asked
        for chunk in results_of_ranks(self.ranks, suite, mutants, processes):
            results += chunk
            if reporter is not None and reporter.isatty:
                reporter.rewrite(f"mutants: {len(results)} of {len(mutants)} tried", erase=True)
        return results

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fail when a mutant survives that is not on the allowlist."""
        if self.results and survivors(self.results, self.allowlist) and session.exitstatus == 0:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: TerminalReporter) -> None:
        """Print survivors and the score."""
        terminalreporter.section("gradient mutants")
        named = bool(self.config.option.grad_mutants)
        for line in summary_lines(self.results, self.allowlist, self.config.rootpath, named=named):
            terminalreporter.write_line(line)


def _load_hypothesis_profile() -> None:
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
