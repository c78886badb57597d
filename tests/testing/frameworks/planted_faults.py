"""Wrong and right derivative rules, written once for all frameworks: `xp` is what a framework computes with.

What people do write: a forgotten sign or factor, a sum over the wrong axis, a lost keepdims. A test of a framework says
how a function is given a rule in it (`build`), and runs `find`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from minigrad.domain import POSITIVE
from minigrad.testing import LawViolation

Build = Callable[[Callable[..., Any], Callable[..., Any]], Callable[..., Any]]
"""From forward(xp, *args) and backward(xp, g, *args), a gradient for each argument, to a function of the framework."""


@dataclass(frozen=True)
class Fault:
    """A function, its right rule, a wrong one, and what the report must say.

    Attributes:
        forward: forward(xp, *args).
        right, wrong: rule(xp, g, *args).
        cause: the likely cause.
        options: of gradtest.
        size: the largest argument that the smallest call may have.
    """

    forward: Callable[..., Any]
    right: Callable[..., Any]
    wrong: Callable[..., Any]
    cause: str
    options: dict[str, Any] = field(default_factory=dict)
    size: int = 4


ROWS = {"shapes": "N D -> N D", "domain": {"x": POSITIVE}}
SQUARE = {"shapes": "N N -> N N"}
PRODUCT = {"shapes": "N D, D O -> N O"}
FAULTS: dict[str, Fault] = {}


def plant(name, cause, forward, right, wrong, size=4, **options):
    FAULTS[name] = Fault(forward, right, wrong, cause, options, size)


# ---- numbers -------------------------------------------------------------------------------------------------

SQUARED = (lambda xp, x: x * x, lambda xp, g, x: 2 * g * x)
SINE = (lambda xp, x: xp.sin(x), lambda xp, g, x: g * xp.cos(x))
CUBED = (lambda xp, x: x * x * x, lambda xp, g, x: 3 * g * x * x)

plant("wrong sign", "wrong sign", *SINE, lambda xp, g, x: -g * xp.cos(x))
plant("factor 2", "constant factor", *SINE, lambda xp, g, x: 2 * g * xp.cos(x))
plant("factor 2 forgotten", "constant factor", *SQUARED, lambda xp, g, x: g * x)
plant("missing factor", "missing factor", *SQUARED, lambda xp, g, x: 2 * g)
plant("power one too low", "missing factor", *CUBED, lambda xp, g, x: 3 * g * x)
plant("zero gradient", "zero gradient", *SINE, lambda xp, g, x: 0 * g * x)
plant("cotangent forgotten", "cotangent ignored", *SINE, lambda xp, g, x: xp.cos(x))
plant("cotangent squared", "not linear in the cotangent", *SINE, lambda xp, g, x: g * g * xp.cos(x))
plant("first element missed", "element missed", *SINE,
      lambda xp, g, x: g * xp.cos(x) * xp.all_but_first(x), shapes="D -> D")  # fmt: skip
plant("not a number", "not a number", lambda xp, x: x * x * x, lambda xp, g, x: 3 * g * x * x,
      lambda xp, g, x: 3 * g * x * x * x / x, kinks=(0.0,))  # fmt: skip

# ---- kinks ---------------------------------------------------------------------------------------------------

ABS = (lambda xp, x: xp.where(x > 0, x, -x), lambda xp, g, x: xp.where(x > 0, g, -g))
plant("beyond the slopes of a kink", "not a subgradient", *ABS,
      lambda xp, g, x: xp.where(x > 0, g, xp.where(x < 0, -g, 2 * g)), kinks=(0.0,))  # fmt: skip
plant("sign at negative numbers", "", *ABS, lambda xp, g, x: g, shapes="D -> D", size=8)

# ---- operands ------------------------------------------------------------------------------------------------

TIMES = (lambda xp, x, y: x * y, lambda xp, g, x, y: (g * y, g * x))
MATMUL = (lambda xp, x, y: x @ y, lambda xp, g, x, y: (g @ xp.mT(y), xp.mT(x) @ g))
BIAS = (lambda xp, x, b: x + b, lambda xp, g, x, b: (g * 1.0, xp.sum(g, 0)))
DIVIDED = (lambda xp, x, y: x / y, lambda xp, g, x, y: (g / y, -g * x / (y * y)))

plant("operands swapped", "operands swapped", *TIMES, lambda xp, g, x, y: (g * x, g * y), shapes="D, D -> D")
plant("denominator once", "missing factor", *DIVIDED, lambda xp, g, x, y: (g / y, -g * x / y), shapes="D, D -> D",
      domain=POSITIVE)  # fmt: skip
plant("sign of one operand", "wrong sign", *DIVIDED, lambda xp, g, x, y: (g / y, g * x / (y * y)), shapes="D, D -> D",
      domain=POSITIVE)  # fmt: skip
plant("transposed operand", "transposed", *MATMUL, lambda xp, g, x, y: (g @ y, xp.mT(x) @ g), shapes="N N, N N -> N N")
plant("transposed cotangent", "transposed", *MATMUL, lambda xp, g, x, y: (g @ xp.mT(y), xp.mT(x) @ xp.mT(g)),
      shapes="N N, N N -> N N")  # fmt: skip
plant("transpose forgotten", "transposed", lambda xp, x: 2 * xp.mT(x), lambda xp, g, x: 2 * xp.mT(g),
      lambda xp, g, x: 2 * g, **SQUARE)  # fmt: skip
plant("one copy of a bias", "missing un-broadcast", *BIAS, lambda xp, g, x, b: (g * 1.0, g[0] * 1.0),
      shapes="N D, D -> N D")  # fmt: skip
plant("mean over the copies of a bias", "missing un-broadcast", *BIAS,
      lambda xp, g, x, b: (g * 1.0, xp.sum(g, 0) / g.shape[0]), shapes="N D, D -> N D")  # fmt: skip

# ---- axes ----------------------------------------------------------------------------------------------------

SHARE = (
    lambda xp, x: x / xp.sum(x, -1, True),
    lambda xp, g, x: (g - xp.sum(g * x, -1, True) / xp.sum(x, -1, True)) / xp.sum(x, -1, True),
)
CENTERED = (lambda xp, x: x - xp.sum(x, -1, True) / x.shape[-1], lambda xp, g, x: g - xp.sum(g, -1, True) / g.shape[-1])
TOTAL = (lambda xp, x: xp.sum(x * x, -1), lambda xp, g, x: 2 * x * g[..., None])
RUNNING = (lambda xp, x: xp.cumsum(x), lambda xp, g, x: xp.flip(xp.cumsum(xp.flip(g))))

plant("keepdims lost", "lost keepdims", *SHARE,
      lambda xp, g, x: (g - xp.sum(g * x, -1) / xp.sum(x, -1)) / xp.sum(x, -1, True), **ROWS)  # fmt: skip
plant("keepdims lost in a mean", "lost keepdims", *CENTERED, lambda xp, g, x: g - xp.sum(g, -1) / g.shape[-1], **ROWS)
plant("wrong axis", "wrong axis", *CENTERED, lambda xp, g, x: g - xp.sum(g, 0, True) / g.shape[0], **ROWS)
plant("row instead of column", "lost keepdims", *TOTAL, lambda xp, g, x: 2 * x * g, shapes="N N -> N")
plant(
    "divided by the wrong size", "wrong axis", *CENTERED, lambda xp, g, x: g - xp.sum(g, -1, True) / g.shape[0], **ROWS
)
plant("term of the denominator forgotten", "", *SHARE, lambda xp, g, x: g / xp.sum(x, -1, True), **ROWS)
plant("not reversed", "wrong axis", *RUNNING, lambda xp, g, x: xp.cumsum(g), shapes="D -> D")
plant("reversed once", "", *RUNNING, lambda xp, g, x: xp.cumsum(xp.flip(g)), shapes="D -> D")

every_fault = pytest.mark.parametrize("name", FAULTS)


def find(gradtest: Any, function: Callable[..., Any], fault: Fault, **options: Any) -> LawViolation:
    """The violation that a fault leads to; it must be small and name the cause."""
    test = decorated(gradtest, function, fault, **options)
    with pytest.raises(LawViolation) as caught:
        test()
    violation: LawViolation = caught.value
    assert violation.size <= fault.size, violation
    if fault.cause:
        assert violation.cause == fault.cause, violation
    return violation


def decorated(gradtest: Any, function: Callable[..., Any], fault: Fault, **options: Any) -> Any:
    """The test of one function, under a name that every framework lets it have."""
    return gradtest(**{"examples": 20, **fault.options, **options})(function).gradtest


def with_names(apply: Callable[..., Any], count: int) -> Callable[..., Any]:
    """A function of one or two parameters, x and y (or b), which gradtest asks for."""
    return (lambda x: apply(x)) if count == 1 else (lambda x, y: apply(x, y))


def arity(f: Callable[..., Any]) -> int:
    """How many arguments a forward function takes besides xp."""
    return f.__code__.co_argcount - 1
