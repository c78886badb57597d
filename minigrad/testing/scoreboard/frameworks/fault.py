"""A wrong derivative of a framework: the smallest call that shows it, as code that runs, and the right value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np

from minigrad.testing.check import GradientCheck
from minigrad.testing.frameworks.framework import Framework
from minigrad.testing.numeric.comparison import Verdict
from minigrad.testing.numeric.flat_function import FlatFunction
from minigrad.testing.scoreboard.frameworks.exact import derivative
from minigrad.testing.scoreboard.frameworks.forms import Call
from minigrad.testing.scoreboard.frameworks.language import Language
from minigrad.typing import Array, Function

SUM: Final = -1
"""In the place of an input: along all of them."""
MOST_OUTPUTS: Final = 24
MOST_INPUTS: Final = 60


@dataclass(frozen=True)
class Fault:
    """A wrong derivative.

    Attributes:
        code: the call.
        point: the kind of point.
        reproduction: statements, of which the last is an expression that gives the wrong gradient.
        element: which element of it is wrong.
        found: what it is.
        expected: what is right.
        source: whether that is from mpmath or from differences.
        confirmed: whether plain differences in one direction show it as well.
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
    reproduced: str = ""


@dataclass(frozen=True)
class Entry:
    """One wrong entry of a Jacobian: output, sign of the cotangent, input, and both values."""

    output: int
    sign: int
    input: int
    found: float
    expected: float


def fault_of(
    language: Language,
    framework: Framework,
    namespace: Mapping[str, Any],
    call: Call,
    f: Function,
    point: str,
    args: Sequence[Array],
) -> Fault:
    """Make a wrong verdict small, and write it down.

    Args:
        language: how the framework is spoken to.
        framework: its adapter.
        namespace: the names that code may use.
        call: what was called.
        f: the call as a function.
        point: the kind of point.
        args: the point.
    """
    check = GradientCheck(f, args, {}, framework)
    report = check.report(1)
    entry = wrong_entry(check.flat)
    if entry is not None:
        small = None if "[" in call.code or entry.input == SUM else _one_element(framework, f, args, entry)
        if small is not None:
            args, entry = small
            check = GradientCheck(f, args, {}, framework)
    if entry is None:
        index = 0 if check.comparison.index is None else check.comparison.index
        nan = float("nan")
        entry = Entry(0, 1, index, *(nan if v is None else v for v in (report.found, report.expected)))
    argument = check.flat.argument_at(max(entry.input, 0))
    element = argument.element(max(entry.input, 0))
    name = call.variables[argument.position]
    where = "the sum of all gradients" if entry.input == SUM else f"{name}{list(element)}" if element else name
    right, source = entry.expected, "differences"
    if len(args) == 1 and call.code == language.call(call.function, "x"):
        exact = derivative(call.function, float(np.asarray(args[0])[element]))
        one_to_one = check.flat.y.size == check.flat.x.size and entry.output == entry.input  # of each element
        if exact is not None and one_to_one:
            right, source = exact, "mpmath"
    sizes = [value.size if value.dtype.kind == "f" else 0 for value in framework.value(f, list(args), range(len(args)))]
    code = reproduction(language, call, args, name, entry, sizes)
    return Fault(
        call.code, point, code, where, entry.found, right, source,
        confirmed=_differs(entry.found, right), reproduced=run_reproduction(code, namespace),
    )  # fmt: skip


def raised_fault(
    language: Language, namespace: Mapping[str, Any], call: Call, args: Sequence[Array], text: str
) -> Fault:
    """A derivative that raises an error.

    Args:
        language: how the framework is spoken to.
        namespace: the names that code may use.
        call: what was called.
        args: the point.
        text: the error.
    """
    made = [
        f"{v} = {language.written(x, variable=k == 0)}"
        for k, (v, x) in enumerate(zip(call.variables, args, strict=True))
    ]
    total = "autograd.numpy.sum(autograd.numpy.exp({}))" if language.name == "autograd" else "({}).sum()"
    code = "; ".join([*made, language.gradient.format(out=total.format(call.code), x="x")])
    nan = float("nan")
    return Fault(
        call.code, "drawn", code, "x", nan, nan, f"raises {text}", confirmed=True,
        reproduced=run_reproduction(code, namespace),
    )  # fmt: skip


def _differs(found: float, right: float) -> bool:
    return not abs(found - right) <= 1e-8 * abs(right) + 1e-12


def wrong_entry(flat: FlatFunction) -> Entry | None:
    """The entry of the Jacobian that differs most from plain differences to both sides."""
    outputs, inputs = min(flat.y.size, MOST_OUTPUTS), min(flat.x.size, MOST_INPUTS)
    low, high, middle = _differences(flat, inputs)
    pull = flat.linearize(flat.x)
    best, worst = None, 0.0
    for k in range(outputs):
        for sign in (1, -1):
            u = np.zeros(flat.y.size)
            u[k] = sign
            found = sign * pull(u)
            for i in range(inputs):
                score = _score(found[i], low[k, i], high[k, i])
                if score > worst * 1.001:
                    best, worst = Entry(k, sign, i, float(found[i]), float(middle[k, i])), score
    return best or _joint_entry(flat)


def _joint_entry(flat: FlatFunction) -> Entry | None:
    """An output whose slope along all inputs at once is wrong, though that along each may be right."""
    v = np.ones(flat.x.size)
    scale = max(float(np.abs(flat.x).max()), 1e-3)
    h = 1e-5 * scale
    ahead, behind = (flat.value(flat.x + h) - flat.y) / h, (flat.y - flat.value(flat.x - h)) / h
    for k in range(min(flat.y.size, MOST_OUTPUTS)):
        for sign in (1, -1):
            u = np.zeros(flat.y.size)
            u[k] = sign
            found = float(sign * (flat.linearize(flat.x)(u) @ v))
            low, high = sorted((ahead[k], behind[k]))
            if not low - 1e-3 * abs(low) - 1e-6 <= found <= high + 1e-3 * abs(high) + 1e-6:
                return Entry(k, sign, SUM, found, float((low + high) / 2))
    return None


def _score(found: float, low: float, high: float) -> float:
    """How far a slope lies from the interval, beside its size; 0 within or where differences tell nothing."""
    if not np.isfinite(low + high):
        return 0.0
    if not np.isfinite(found):
        return float("inf")
    distance = max(low - found, found - high, 0.0)
    relative = distance / (abs(low) + abs(high) + abs(found) + 1e-300)
    return relative if relative > 1e-6 and distance > 1e-9 else 0.0


def _differences(flat: FlatFunction, inputs: int) -> tuple[Array, Array, Array]:
    """The least and the greatest slope to either side, and their mean, at the step where these change least."""
    lows, highs = (np.full((flat.y.size, inputs), np.nan) for _ in range(2))
    for i in range(inputs):
        scale = max(abs(flat.x[i]), 1e-3)
        slopes = []
        for step in (1e-3, 1e-4, 1e-5, 1e-6):
            h = step * scale
            sides = [_moved(flat, i, s * h) for s in (1, 2, -1, -2)]
            ahead = (4 * sides[0] - sides[1] - 3 * flat.y) / (2 * h)
            behind = -(4 * sides[2] - sides[3] - 3 * flat.y) / (2 * h)
            slopes.append(np.array([ahead, behind]))
        changes = np.array([np.abs(a - b).max(0) for a, b in pairwise(slopes)])
        steps = np.argmin(np.where(np.isnan(changes), np.inf, changes), 0)
        for k, step in enumerate(steps):
            a, b = slopes[step + 1][:, k]
            error = 10 * changes[step, k]
            lows[k, i], highs[k, i] = min(a, b) - error, max(a, b) + error
    return lows, highs, (lows + highs) / 2


def _moved(flat: FlatFunction, i: int, h: float) -> Array:
    x = flat.x.copy()
    x[i] += h
    try:
        return flat.value(x)
    except Exception:  # outside of its domain a function may raise anything
        return np.full(flat.y.size, np.nan)


def _one_element(
    framework: Framework, f: Function, args: Sequence[Array], entry: Entry
) -> tuple[list[Array], Entry] | None:
    """The same with arrays of size 1, where that is wrong as well."""
    if len({x.shape for x in args}) != 1 or not args[0].ndim or args[0].size == 1:
        return None
    place = entry.input % args[0].size
    small = [np.array([x.ravel()[place]]) for x in args]
    try:
        check = GradientCheck(f, small, {}, framework)
        if check.report(1).verdict is not Verdict.WRONG:
            return None
        found = wrong_entry(check.flat)
    except Exception:  # it wants another shape
        return None
    return None if found is None else (small, found)


def reproduction(
    language: Language, call: Call, args: Sequence[Array], name: str, entry: Entry, sizes: Sequence[int]
) -> str:
    """Statements that show a fault, in one line.

    Args:
        language: how the framework is spoken to.
        call: what is called.
        args: where.
        name: of the argument whose gradient is wrong.
        entry: the wrong entry.
        sizes: of the results; 0 for those that have no derivatives.
    """
    made = [
        f"{v} = {language.written(x, variable=v == name)}" for v, x in zip(call.variables, args, strict=True)
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
    return "; ".join([*made, language.gradient.format(out=out, x=name)])


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
