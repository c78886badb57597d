"""Penalties on parameters, to be added to a loss: they keep weights small (L2), or few (L1)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import reduce
from typing import Any

from minigrad import ops
from minigrad.autograd.tensor import Tensor
from minigrad.errors import UsageError


def l1_penalty(parameters: Tensor | Iterable[Tensor], rate: float = 1.0) -> Tensor:
    """rate * sum of |w| over all parameters w (Lasso). Its gradient is rate * sign(w), and 0 at w = 0.

    Shapes: parameters of any shapes -> ().

    Raises:
        UsageError: no parameters, or a negative rate.

    Source: Tibshirani 1996, "Regression shrinkage and selection via the lasso".
    """
    return _penalty("l1_penalty", ops.abs, parameters, rate)


def l2_penalty(parameters: Tensor | Iterable[Tensor], rate: float = 1.0) -> Tensor:
    """rate / 2 * sum of w^2 over all parameters w (Ridge). Its gradient is rate * w.

    Added to a loss it does in plain SGD what an optimizer's weight_decay=rate does.

    Shapes: parameters of any shapes -> ().

    Raises:
        UsageError: no parameters, or a negative rate.

    Source: Hoerl and Kennard 1970, "Ridge regression: biased estimation for nonorthogonal problems".
    """
    return _penalty("l2_penalty", ops.square, parameters, rate) * 0.5


def _penalty(name: str, of: Callable[[Any], Tensor], parameters: Tensor | Iterable[Tensor], rate: float) -> Tensor:
    if rate < 0:
        raise UsageError(f"{name}: the rate must not be negative, got {rate}")
    terms = [ops.sum(of(w)) for w in ([parameters] if isinstance(parameters, Tensor) else parameters)]
    if not terms:
        raise UsageError(
            f"{name}: there are no parameters; an iterator, such as parameters() may be, can be read only once: "
            "call parameters() again"
        )
    return reduce(ops.add, terms) * float(rate)
