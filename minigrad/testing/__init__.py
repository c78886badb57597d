"""Tests of derivatives: a gradient is held to numerical derivatives and to laws, and a failure is made small.

    report = check_grads(f, x, w)     # correct, wrong or inconclusive, with the reason
    assert report, report

Functions of Tensors and plain NumPy functions with a gradient written by hand are checked alike.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from minigrad.errors import MissingExtraError

if TYPE_CHECKING:
    from minigrad.testing import laws, strategies
    from minigrad.testing.calls.real_parts import real_parts
    from minigrad.testing.check import check_grads
    from minigrad.testing.decorator import gradtest
    from minigrad.testing.laws.verdict_tally import InconclusiveGradients
    from minigrad.testing.laws.violation import LawViolation
    from minigrad.testing.numeric.comparison import Verdict
    from minigrad.testing.program.program_properties import check_program
    from minigrad.testing.program.program_strategy import programs
    from minigrad.testing.program.program_study import ProgramViolation
    from minigrad.testing.program.random_program import RandomProgram
    from minigrad.testing.report import Report
    from minigrad.testing.strategies.op_calls import calls_of

# Each name is imported when it is first asked for: the pytest plugin lives in this package, and is loaded in every run
# of pytest where minigrad is installed, with or without Hypothesis.
_MODULES = {
    "InconclusiveGradients": "laws.verdict_tally",
    "LawViolation": "laws.violation",
    "RandomProgram": "program.random_program",
    "ProgramViolation": "program.program_study",
    "Report": "report",
    "Verdict": "numeric.comparison",
    "calls_of": "strategies.op_calls",
    "check_grads": "check",
    "check_program": "program.program_properties",
    "gradtest": "decorator",
    "programs": "program.program_strategy",
    "real_parts": "calls.real_parts",
}
_SUBPACKAGES = ("laws", "strategies")


def __getattr__(name: str) -> object:
    """Import what is asked for.

    Raises:
        MissingExtraError: it needs Hypothesis, of the extra `testing`, which is not installed.
    """
    if name not in _MODULES and name not in _SUBPACKAGES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        module = import_module(f"{__name__}.{_MODULES.get(name, name)}")
    except ModuleNotFoundError as error:
        if error.name != "hypothesis":
            raise
        raise MissingExtraError("Hypothesis", extra="testing", purpose=f"minigrad.testing.{name}") from error
    value = globals()[name] = module if name in _SUBPACKAGES else getattr(module, name)
    return value


__all__ = [
    "InconclusiveGradients",
    "LawViolation",
    "ProgramViolation",
    "RandomProgram",
    "Report",
    "Verdict",
    "calls_of",
    "check_grads",
    "check_program",
    "gradtest",
    "laws",
    "programs",
    "real_parts",
    "strategies",
]  # fmt: skip
