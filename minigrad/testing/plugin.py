"""The pytest plugin: collects what `@gradtest` marked, and measures how well a suite tests derivatives.

    pytest --grad-coverage            in which conditions was each op exercised?  (=strict: fail on an empty cell)
    pytest --grad-mutants[=NAME,...]  which mistakes in the rules would the suite not notice?

`mpiexec -n 4 pytest --grad-mutants` divides the mutants among ranks, on one machine or several (extra `mpi`).

With `--grad-mutants=mylayers:Share.backward` a rule of any other code is mutated: of PyTorch, JAX, NumPy. Otherwise
both look at the ops that are defined under the root directory and outside of test files, unless ops are named. What an
op cannot do, and mutants that change nothing, are listed with the reason in the file that the ini option
`grad_equivalent` names (see `mutation/allowlist.py`).

In the matrix a cell is x (exercised by a test that passed), - (empty: add a test in this condition), e (excluded by the
list), or blank (the condition does not apply; a function that is no op has kinks once its gradient was judged at one).
A survivor is printed as

    SURVIVED    prod.x: in _as_rows: term dropped: x.ndim - len(axis) -> -len(axis)  [ops/reduce.py:218] no test fails

that is: the op and the input whose rule is wrong, what is wrong, the source before and after, the location, and what
the tests did. Either a test is missing (here one with axis=()), or that part of the rule does nothing and can go, or
the mutant is the same function, and is listed with the reason. The cheapest tests are tried first: examples that are
written down refute most mutants within milliseconds.

pytest loads this file in every run where minigrad is installed, so it imports what it needs when it is used.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from minigrad.testing.mutation.allowlist import ALLOWLIST_FILE

if TYPE_CHECKING:
    from _pytest._code.code import TerminalRepr, TracebackStyle


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("minigrad", "derivatives (minigrad)")
    group.addoption(
        "--grad-coverage",
        nargs="?",
        const="report",
        type=_one_of("report", "strict"),
        metavar="strict",
        help="print in which conditions the tests exercised each op; strict: fail when a cell that applies is empty",
    )
    group.addoption(
        "--grad-mutants",
        nargs="?",
        const="",
        type=_no_path,
        metavar="NAME,...",
        help="run the tests against mistakes in the rules of ops (all of yours, or those named; * may stand for "
        "anything; module:Class.method names a rule of other code), in one process a core (or -n N), and report which "
        "of them no test notices",
    )
    parser.addini(
        "grad_equivalent",
        f"equivalent mutants and excluded cells, with the reasons ({ALLOWLIST_FILE})",
    )


def _one_of(*words: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in words:
            raise _argument_error(f"{text!r} is none of {', '.join(words)}")
        return text

    return read


def _no_path(text: str) -> str:
    if "/" in text or (text and Path(text).exists()):
        raise _argument_error(f"{text!r} is no name of an op")
    return text


def _argument_error(text: str) -> Exception:
    from argparse import ArgumentTypeError

    return ArgumentTypeError(f"{text}; put paths before the option")


@pytest.hookimpl(wrapper=True)
def pytest_cmdline_main(config: pytest.Config) -> Generator[None, object, object]:
    """Turn pytest-xdist and pytest-cov off for mutants, which are put in place in this process."""
    if config.option.grad_mutants is not None:
        asked = getattr(config.option, "numprocesses", None)
        config.option.grad_processes = asked if isinstance(asked, int) else None
        config.option.numprocesses, config.option.dist, config.option.tx = 0, "no", []
        tracer: Any = config.pluginmanager.unregister(name="_cov") if config.pluginmanager.has_plugin("_cov") else None
        if getattr(tracer, "cov_controller", None) is not None:
            tracer.cov_controller.cov.stop()
    return (yield)


def pytest_configure(config: pytest.Config) -> None:
    """Register what was asked for."""
    if config.getoption("grad_mutants", None) is not None:
        from minigrad.testing.mutation.mutation_session import MutationSession

        config.pluginmanager.register(MutationSession(config), "minigrad-mutants")
    if config.getoption("grad_coverage", None) is not None:
        from minigrad.testing.coverage.coverage_session import CoverageSession

        config.pluginmanager.register(CoverageSession(config), "minigrad-coverage")


# ---- @gradtest ---------------------------------------------------------------------------------------------------


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makeitem(collector: pytest.Collector, name: str, obj: object) -> list[pytest.Item] | None:
    """One test for each object of a module that `@gradtest` marked."""
    # A class has a test of its own only: one that inherits from it is another function.
    test = vars(obj).get("gradtest") if inspect.isclass(obj) else inspect.getattr_static(obj, "gradtest", None)
    if test is None or not callable(test) or not isinstance(collector, pytest.Module):
        return None
    if inspect.isclass(obj) and inspect.isfunction(test):
        return None  # a method of that name
    first = next(key for key, value in vars(collector.obj).items() if value is obj)
    if name != first:
        return []  # another name of the same object

    def run() -> None:
        test()

    item: pytest.Item = GradTestItem.from_parent(collector, name=name, callobj=run)
    return [item]


class GradTestItem(pytest.Function):
    """The laws of one object. It has the fixtures that every test has, and no arguments."""

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """File, line and name."""
        tested = getattr(self.module, self.name)
        code = getattr(inspect.unwrap(getattr(tested, "forward", tested)), "__code__", None)
        return self.path, code.co_firstlineno - 1 if code is not None else None, self.name

    def repr_failure(
        self, excinfo: pytest.ExceptionInfo[BaseException], style: TracebackStyle | None = None
    ) -> str | TerminalRepr:
        """What was found, without a traceback; another error as usual."""
        if type(excinfo.value).__name__ in ("LawViolation", "InconclusiveGradients"):
            return str(excinfo.value)
        return super().repr_failure(excinfo)
