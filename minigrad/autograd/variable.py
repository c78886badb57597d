"""`variable`: a fresh variable with a given value, by which each derivative tells its own variables from all others."""

from __future__ import annotations

from minigrad.autograd.complex_numbers import DIFFERENTIABLE
from minigrad.autograd.elementwise import elementwise
from minigrad.autograd.node import STATE
from minigrad.autograd.tensor import Tensor, wrap
from minigrad.errors import DTypeError
from minigrad.typing import ArrayLike

alias = elementwise(
    "alias", lambda x: x, "The same value as a new node of the graph.", x=lambda g: g, complex="holomorphic"
)


def variable(x: ArrayLike, what: str = "the input") -> Tensor:
    """A fresh variable with the value of x, joined to x's own graph if it has one.

    Raises:
        DTypeError: x holds integers or booleans, which have no derivatives. (A Python number is a real one.)
    """
    if type(x) is int:
        x = float(x)
    x = x if isinstance(x, Tensor) else Tensor(x)
    if STATE.level is not None:  # inside of vmap a history from outside is not one of a variable
        x = STATE.level.lift(x)
    if x.node is not None:
        return alias(x)
    if x.dtype.kind not in DIFFERENTIABLE:
        raise DTypeError(f"{what} holds {x.dtype}, which has no derivatives: convert it with .astype(float)")
    fresh = wrap(x._data)
    fresh.requires_grad = True
    return fresh
