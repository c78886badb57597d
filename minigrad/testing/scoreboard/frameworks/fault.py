"""A wrong derivative of a framework: the smallest call that shows it, as code that runs, and the right value."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from minigrad.testing.check import GradientCheck
from minigrad.testing.frameworks.framework import Framework
from minigrad.testing.numeric.flat_function import FlatFunction
from minigrad.testing.scoreboard.frameworks.differences import SUM, Entry, wrong_entry
from minigrad.testing.scoreboard.frameworks.exact import derivative
from minigrad.testing.scoreboard.frameworks.forms import Call
from minigrad.testing.scoreboard.frameworks.language import Language
from minigrad.typing import Array, Function


@dataclass(frozen=True)
class Fault:
    """A wrong derivative.

    Attributes:
        code: the call.
        point: the kind of point.
        reproduction: statements, of which the last is an expression that gives the wrong gradient.
        element: which element of it is wrong.
        found: what it is.
        expected: what is right; at a kink the middle of what is.
        source: whether that is from mpmath or from differences; or which error is raised.
        confirmed: whether plain differences in one direction, or mpmath, contradict it as well.
        no_slope_of_others: whether other outputs have no slope along this element: it is infinite, or at a jump.
        between: at a kink the slopes to both sides, else none.
        reproduced: what the last expression gave; "" where it failed.
    """

    code: str
    point: str
    reproduction: str
    element: str
    found: float
    expected: float
    source: str
    confirmed: bool
    between: tuple[float, ...] = ()
    no_slope_of_others: bool = False
    reproduced: str = ""


def fault_of(
    language: Language, namespace: Mapping[str, Any], call: Call, point: str, check: GradientCheck, framework: Framework
) -> Fault:
    """Make a wrong verdict small, and write it down.

    Args:
        language: how the framework is spoken to.
        namespace: the names that code may use.
        call: what was called.
        point: the kind of point.
        check: the check of the call there, whose verdict is wrong.
        framework: its adapter.
    """
    args = [np.asarray(x) for x in check.args]
    flat, entry = check.flat, wrong_entry(check.flat)
    confirmed = entry is not None
    if entry is None:
        report, nan = check.first, float("nan")
        found, expected = (nan if value is None else value for value in (report.found, report.expected))
        entry = Entry(0, 1, check.comparison.index or 0, found, expected, expected, nan)
    elif entry.input != SUM and "[" not in call.code:
        small = _one_element(framework, check.f, args, entry)
        if small is not None:
            args, flat, entry = small
    argument = flat.argument_at(max(entry.input, 0))
    element = argument.element(max(entry.input, 0))
    names = list(call.variables) if entry.input == SUM else [call.variables[argument.position]]
    where = "the sum of all entries" if entry.input == SUM else f"{names[0]}{list(element)}" if element else names[0]
    right, source = entry.expected, "differences"
    if len(args) == 1 and call.code == language.call(call.function, "x"):
        exact = derivative(call.function, float(args[0][element]))
        if exact is not None and flat.y.size == flat.x.size and entry.output == entry.input:  # of each element
            right, source = entry.sign * exact, "mpmath"
            confirmed = not abs(entry.found - right) <= 1e-8 * abs(right) + 1e-12
    sizes = [out.size if out.dtype.kind == "f" else 0 for out in framework.value(check.f, list(args), range(len(args)))]
    code = reproduction(language, call, args, names, entry, sizes)
    return Fault(
        call.code, point, code, where, entry.found, right, source, confirmed,
        between=entry.sides if confirmed and entry.kink and source == "differences" else (),
        no_slope_of_others=entry.no_slope_of_others,
        reproduced=run_reproduction(code, namespace),
    )  # fmt: skip


def raised_fault(
    language: Language, namespace: Mapping[str, Any], call: Call, args: Sequence[Array], text: str, *, several: bool
) -> Fault:
    """A derivative that raises an error.

    Args:
        language: how the framework is spoken to.
        namespace: the names that code may use.
        call: what was called.
        args: the point.
        text: the error.
        several: whether the call returns several arrays, of which the first is taken.
    """
    made = [
        f"{v} = {language.written(x, variable=k == 0)}"
        for k, (v, x) in enumerate(zip(call.variables, args, strict=True))
    ]
    total = "autograd.numpy.sum(autograd.numpy.exp({}))" if language.name == "autograd" else "({}).sum()"
    out = f"{call.code}[0]" if several else call.code
    code = "; ".join([*made, language.gradient.format(out=total.format(out), x="x")])
    nan = float("nan")
    return Fault(
        call.code, "drawn", code, "x", nan, nan, f"raises {text}", confirmed=True,
        reproduced=run_reproduction(code, namespace),
    )  # fmt: skip


def _one_element(
    framework: Framework, f: Function, args: Sequence[Array], entry: Entry
) -> tuple[list[Array], FlatFunction, Entry] | None:
    """The same with arrays of size 1, where that is wrong as well."""
    if len({x.shape for x in args}) != 1 or not args[0].ndim or args[0].size == 1:
        return None
    place = entry.input % args[0].size
    small = [np.array([x.ravel()[place]]) for x in args]
    try:
        flat = GradientCheck(f, small, {}, framework).flat
        found = wrong_entry(flat)
    except Exception:  # it wants another shape
        return None
    return None if found is None or math.isnan(found.found) != math.isnan(entry.found) else (small, flat, found)


def reproduction(
    language: Language, call: Call, args: Sequence[Array], names: Sequence[str], entry: Entry, sizes: Sequence[int]
) -> str:
    """Statements that show a fault, in one line.

    Args:
        language: how the framework is spoken to.
        call: what is called.
        args: where.
        names: of the arguments whose gradients are wrong.
        entry: the wrong entry.
        sizes: of the results; 0 for those that have no derivatives.
    """
    made = [
        f"{v} = {language.written(x, variable=v in names)}" for v, x in zip(call.variables, args, strict=True)
    ]  # fmt: skip
    ends = np.cumsum(sizes)
    result = int(np.searchsorted(ends, entry.output, side="right"))
    out = call.code if len(sizes) == 1 else f"{call.code}[{result}]"
    if sizes[result] > 1:
        ravel = {"autograd": "autograd.numpy.ravel({})[{}]", "mygrad": "mygrad.reshape({}, -1)[{}]"}
        out = ravel.get(language.name, "{}.reshape(-1)[{}]").format(
            out, entry.output - int(ends[result]) + sizes[result]
        )
    elif language.name != "torch":
        out = f"{out}.sum()" if language.name != "autograd" else f"autograd.numpy.sum({out})"
    if entry.sign < 0:
        out = f"(-{out})"
    return "; ".join([*made, language.gradient_code(out, names)])


def run_reproduction(code: str, namespace: Mapping[str, Any]) -> str:
    """What the last expression of a reproduction gives."""
    *statements, expression = code.split("; ")
    names = dict(namespace)
    try:
        for statement in statements:
            exec(statement, names)
        return str(eval(expression, names))
    except Exception as error:  # it is shown as it is
        return f"{type(error).__name__}: {error}"[:200]
