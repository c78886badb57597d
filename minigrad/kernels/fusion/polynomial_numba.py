"""Polynomials for compiled loops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..jit import inlined


def polynomial(f: Any, coefficients: tuple[float, ...]) -> Callable[[Any], Any]:
    """The function of x with these coefficients, the constant first, written out in Horner's form."""
    *rest, leading = [f"f({c!r})" for c in coefficients]
    source = leading
    for c in reversed(rest):
        source = f"({source}) * x + {c}"
    names: dict[str, Any] = {"f": f, "__name__": __name__}  # Numba asks for the module of what it keeps on disk
    exec(f"def p(x):\n    return {source}\n", names)
    return inlined(names["p"])
