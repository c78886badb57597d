"""NumPy's functions that a loop may hold: what each is in the source of a loop, and what is simpler.

A primitive's source is a Python expression without branches, so that LLVM can compute many elements at a time. Those
that have a name only are functions of `vector_math_numba`. The cost is about that of so many additions. A few functions
are right up to a limit only: elements beyond it are computed once more, one by one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from .expression import Symbol


@dataclass(frozen=True, slots=True)
class Primitive:
    """What a function is in a loop.

    Attributes:
        source: with {0}, {1} ... for the operands; f is the dtype.
        cost: in additions.
        of_truth: whether operands may be truth values.
        gives_truth: whether the result is one.
        beyond: the test for operands that it is not made for ("": it is for all).
        otherwise: the source for these.
    """

    source: str
    cost: int = 1
    of_truth: bool = False
    gives_truth: bool = False
    beyond: str = ""
    otherwise: str = ""


def _test(source: str) -> Primitive:
    return Primitive(source, gives_truth=True)


def _logic(source: str) -> Primitive:
    return Primitive(source, of_truth=True, gives_truth=True)


VECTOR_MATH: Final = {
    "exp": 12, "exp_nonpositive": 8, "expm1": 16, "exp2": 11, "log": 18, "log1p": 28, "log2": 26, "log10": 26,
    "tanh": 24, "gaussian": 12, "erf_given": 24, "erfc_given": 18, "sin": 30, "cos": 30, "tan": 36, "arcsin": 22,
    "arccos": 24, "arctan": 24, "arctan2": 36, "sinh": 26, "cosh": 20, "arcsinh": 44, "arccosh": 44, "arctanh": 40,
    "hypot": 18, "remainder": 12, "floor_divide": 12, "wide_power": 90,
}  # fmt: skip
"""Functions of `vector_math_numba`, and their costs."""

OF_TWO: Final = {"erf_given", "erfc_given", "arctan2", "hypot", "remainder", "floor_divide", "wide_power"}
"""Those that have two operands."""

ANGLE: Final = "abs({0}) > f(131072.0)"
QUOTIENT: Final = "abs({0} / {1}) > f(4194304.0)"
LIMITED: Final = {
    "sin": (ANGLE, "np.sin({0})"), "cos": (ANGLE, "np.cos({0})"), "tan": (ANGLE, "np.tan({0})"),
    "remainder": (QUOTIENT, "{0} % {1}"), "floor_divide": (QUOTIENT, "{0} // {1}"),
}  # fmt: skip
"""Those that are not for all operands: see `beyond` and `otherwise` of `Primitive`."""

PRIMITIVES: Final = {
    "add": Primitive("{0} + {1}"), "subtract": Primitive("{0} - {1}"), "multiply": Primitive("{0} * {1}"),
    "divide": Primitive("{0} / {1}", 4), "reciprocal": Primitive("f(1.0) / {0}", 4), "negative": Primitive("-{0}"),
    "absolute": Primitive("abs({0})"), "sqrt": Primitive("np.sqrt({0})", 6),
    "copysign": Primitive("copysign({0}, {1})"),
    "minimum": Primitive("{0} if ({0} < {1}) | ({0} != {0}) else {1}", 2),
    "maximum": Primitive("{0} if ({0} > {1}) | ({0} != {0}) else {1}", 2),
    "sign": Primitive("f(1.0) if {0} > f(0.0) else (f(-1.0) if {0} < f(0.0) else ({0} if {0} != {0} else f(0.0)))", 3),
    "floor": Primitive("np.floor({0})"), "ceil": Primitive("np.ceil({0})"), "trunc": Primitive("np.trunc({0})"),
    "rint": Primitive("np.rint({0})"), "where": Primitive("{1} if {0} else {2}", of_truth=True),
    "equal": _test("{0} == {1}"), "not_equal": _test("{0} != {1}"), "less": _test("{0} < {1}"),
    "less_equal": _test("{0} <= {1}"), "greater": _test("{0} > {1}"), "greater_equal": _test("{0} >= {1}"),
    "isnan": _test("{0} != {0}"), "isinf": _test("abs({0}) == f(np.inf)"), "isfinite": _test("abs({0}) < f(np.inf)"),
    "logical_and": _logic("{0} & {1}"), "logical_or": _logic("{0} | {1}"), "logical_not": _logic("not {0}"),
    **{name: Primitive(name + ("({0}, {1})" if name in OF_TWO else "({0})"), cost, False, False,
                       *LIMITED.get(name, ("", ""))) for name, cost in VECTOR_MATH.items()},
}  # fmt: skip


# ---- what is simpler -------------------------------------------------------------------------------------------------
# A rewrite gives the simpler expression, or None. Only such as give the same numbers, signs of zeros included.

Rewrite = Callable[..., Any]


def _absolute(x: Symbol) -> Any:
    return abs(x.parts[0]) if x.node.function in ("negative", "absolute") else None


def _negative(x: Symbol) -> Any:
    if x.node.function == "negative":
        return x.parts[0]
    return None if x.value is None else -x.value


def _multiply(x: Symbol, y: Symbol) -> Any:
    if x.value is not None and y.value is not None:
        return x.value * y.value
    if x.value == 1:
        return y
    return x if y.value == 1 else None


def _divide(x: Symbol, y: Symbol) -> Any:
    """Divisions are slow: those by one number, which is at least 1, are products with its reciprocal."""
    if y.value == 1:
        return x
    return x * y.graph.apply("reciprocal", y) if y.value is None and _at_least_one(y) else None


def _at_least_one(x: Symbol) -> bool:
    return x.node.function == "add" and any(
        part.value is not None and part.value >= 1 and _not_negative(other) for part, other in (x.parts, x.parts[::-1])
    )


def _not_negative(x: Symbol) -> bool:
    """Whether x is 0, positive or NaN, as far as its expression tells."""
    function, parts = x.node.function, x.parts
    if function == "multiply":
        return parts[0].is_same(parts[1])
    return function in ("absolute", "exp", "exp_nonpositive", "gaussian") or (x.value is not None and x.value >= 0)


def _not_positive(x: Symbol) -> bool:
    """Whether x is 0, negative or NaN, as far as its expression tells."""
    if x.node.function == "negative":
        return _not_negative(x.parts[0])
    return x.node.function == "minimum" and any(part.value is not None and part.value <= 0 for part in x.parts)


def _where(condition: Symbol, x: Symbol, y: Symbol) -> Any:
    if condition.dtype.kind != "b":
        return x.graph.apply("where", x.graph.apply("not_equal", condition, 0.0), x, y)
    if condition.value is not None:
        return x if condition.value else y
    if x.is_same(y):
        return x
    if x.dtype.kind == y.dtype.kind == "b":
        return (condition & x) | (x.graph.apply("logical_not", condition) & y)
    if "b" in (x.dtype.kind, y.dtype.kind):
        return x.graph.apply("where", condition, x.graph.as_number(x), x.graph.as_number(y))
    return None


def _power(x: Symbol, y: Symbol) -> Any:
    """Whole powers up to 4 are products; others have a loop for float32, which float64 serves."""
    n = y.value
    if n == 0:
        return 1.0
    if n == 1:
        return x
    if n == 2:
        return x * x
    if n == 3:
        return x * x * x
    if n == 4:
        return (x * x) * (x * x)
    if n == -1:
        return 1 / x
    if x.graph.dtype.char != "f" or _depends_on_numbers(y):  # a loop for this very number may be a product
        return None
    return x.graph.apply("wide_power", x, y)


def _depends_on_numbers(x: Symbol) -> bool:
    """Whether x is made of an input that is the same for all elements."""
    return x.node.args[0] in x.graph.numbers if x.node.function == "input" else any(map(_depends_on_numbers, x.parts))


def _logaddexp(x: Symbol, y: Symbol) -> Any:
    graph = x.graph
    gap = graph.apply("where", x == y, 0.0, abs(x - y))  # infinities, too
    return graph.apply("maximum", x, y) + graph.apply("log1p", graph.apply("exp", -gap))


def _exp(x: Symbol) -> Any:
    """exp(-y**2) is a function of its own, which erf(y) and erfc(y) need; that of numbers up to 0 is less work."""
    if x.node.function == "negative":
        (square,) = x.parts
        if square.node.function == "multiply" and square.parts[0].is_same(square.parts[1]):
            return _gaussian(square.parts[0])
    return x.graph.apply("exp_nonpositive", x) if _not_positive(x) else None


def _gaussian(x: Symbol) -> Symbol:
    return x.graph.apply("gaussian", abs(x))


REWRITES: Final[dict[str, Rewrite]] = {
    "absolute": _absolute, "negative": _negative, "multiply": _multiply, "divide": _divide, "where": _where,
    "power": _power, "logaddexp": _logaddexp, "exp": _exp,
    "erf": lambda x: x.graph.apply("erf_given", x, _gaussian(x)),
    "erfc": lambda x: x.graph.apply("erfc_given", x, _gaussian(x)),
    "positive": lambda x: x, "square": lambda x: x * x,
    "clip": lambda x, low, high: x.graph.apply("minimum", x.graph.apply("maximum", x, low), high),
    "bitwise_and": lambda x, y: x.graph.apply("logical_and", x, y),
    "bitwise_or": lambda x, y: x.graph.apply("logical_or", x, y),
    "bitwise_xor": lambda x, y: (x | y) & ~(x & y),
    "invert": lambda x: x.graph.apply("logical_not", x),
    "zeros_like": lambda x: 0.0, "ones_like": lambda x: 1.0,
}  # fmt: skip
