"""Right values of derivatives, from mpmath, for functions of one number that it knows."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any


def derivative(function: str, x: float) -> float | None:
    """The derivative at x with 50 digits; None where mpmath knows no such function, or has no value.

    Args:
        function: a path, whose last part tells the function.
        x: where.
    """
    table = tomllib.loads((Path(__file__).parent / "exact.toml").read_text("utf-8"))
    name = function.rpartition(".")[2]
    expression = table["expressions"].get(table["other_names"].get(name, name))
    try:
        mpmath: Any = import_module("mpmath")
    except ModuleNotFoundError:
        return None
    if expression is None:
        return None
    f: Callable[[Any], Any] = eval(f"lambda x: {expression}", vars(mpmath).copy())
    with mpmath.workdps(50):
        try:
            ahead, behind = (mpmath.diff(f, mpmath.mpf(x), direction=side) for side in (1, -1))
            if abs(ahead - behind) > 1e-9 * (abs(ahead) + abs(behind)) + mpmath.mpf(10) ** -15:
                return None  # a kink, or the edge of its domain
            return float(mpmath.diff(f, mpmath.mpf(x)))
        except (ValueError, ZeroDivisionError, TypeError, mpmath.libmp.NoConvergence):
            return None
