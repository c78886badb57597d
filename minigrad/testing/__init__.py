"""Prove derivatives: an honest verdict on a gradient, or a minimal counterexample.

    report = check_grads(f, x, w)     # correct, wrong or inconclusive, with the reason in words
    assert report, report

Functions of Tensors and of plain NumPy arrays with a gradient written by hand are checked alike.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from minigrad.errors import MissingExtraError

if TYPE_CHECKING:
    from minigrad.testing import laws
    from minigrad.testing import strategy as strategies
    from minigrad.testing.calls import calls_of
    from minigrad.testing.check import check_grads
    from minigrad.testing.decorator import gradtest
    from minigrad.testing.law import LawViolation
    from minigrad.testing.report import Report, Verdict

# The file of each name. It is imported when it is first asked for: the pytest plugin
# lives in this package and is loaded by everybody who has minigrad installed, with or without Hypothesis.
_HOMES = {
    "LawViolation": "law",
    "Report": "report",
    "Verdict": "report",
    "calls_of": "calls",
    "check_grads": "check",
    "gradtest": "decorator",
}
_FILES = {"laws": "laws", "strategies": "strategy"}


def __getattr__(name: str) -> Any:
    """Import what is asked for.

    Raises:
        MissingExtraError: it needs Hypothesis, of the extra `testing`, which is not installed.
    """
    home = _HOMES.get(name) or _FILES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        module = import_module(f"{__name__}.{home}")
    except ModuleNotFoundError as error:
        if error.name != "hypothesis":
            raise
        raise MissingExtraError("Hypothesis", extra="testing", purpose=f"minigrad.testing.{name}") from error
    value = globals()[name] = module if name in _FILES else getattr(module, name)
    return value


__all__ = [
    "LawViolation", "Report", "Verdict", "calls_of", "check_grads", "gradtest", "laws", "strategies",
]  # fmt: skip
