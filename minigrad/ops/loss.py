"""Binary cross entropy, an op so that its gradient is bounded where that of the formula is not."""

from __future__ import annotations

from typing import Final

import numpy as np

from minigrad.autograd.elementwise import elementwise
from minigrad.domain import Domain
from minigrad.ops.elementwise import log, log1p, maximum, where
from minigrad.typing import Value

LEAST_LOG: Final = -100.0
LEAST_VARIANCE: Final = 1e-12


def _binary_cross_entropy(x: Value, target: Value) -> Value:
    """-(target log x + (1 - target) log(1 - x)), each logarithm at least -100."""
    with np.errstate(divide="ignore"):
        yes, no = np.maximum(np.log(x), LEAST_LOG), np.maximum(np.log1p(-x), LEAST_LOG)
    return -(target * yes + (yes.dtype.type(1) - target) * no)


def _variance(x: Value) -> Value:
    """x (1 - x), never so small that the quotient overflows."""
    return maximum(x * (1 - x), np.maximum(np.finfo(x.dtype).tiny, x.dtype.type(LEAST_VARIANCE)))


def _log_odds(x: Value) -> Value:
    """log(x) - log(1 - x), each at least -100."""
    yes = maximum(log(where(x > 0, x, 1)), LEAST_LOG)
    no = maximum(log1p(where(x < 1, -x, 0)), LEAST_LOG)
    return where(x > 0, yes, LEAST_LOG) - where(x < 1, no, LEAST_LOG)


binary_cross_entropy = elementwise(
    "binary_cross_entropy",
    _binary_cross_entropy,
    x=lambda g, x, target: g * ((x - target) / _variance(x)),
    target=lambda g, x: g * -_log_odds(x),
    domain={"x": Domain(0.0, 1.0)},
)
