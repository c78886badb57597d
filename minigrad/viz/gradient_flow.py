"""Gradient flow: how large the gradient of each parameter is after backward."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from minigrad.errors import UsageError
from minigrad.nn import Module
from minigrad.typing import Array


class Flow(NamedTuple):
    """The gradient of one parameter.

    Attributes:
        name: the path of the parameter.
        gradient: its gradient's norm, the root of the sum of squares; NaN or infinite if an element is, and None where
            no gradient has arrived.
        weight: the norm of the parameter itself.
        ndim: how many dimensions the parameter has.
    """

    name: str
    gradient: float | None
    weight: float
    ndim: int = 2

    @property
    def ratio(self) -> float | None:
        """The gradient's norm as a share of the parameter's; None where there is no gradient, or the parameter is 0."""
        return None if self.gradient is None or self.weight == 0 else self.gradient / self.weight


def gradient_flow(model: Module) -> list[Flow]:
    """The norms of all parameters that are trained and of their gradients, in the order of `named_parameters`.

    Raises:
        UsageError: no parameter has a gradient.

    >>> from minigrad import nn
    >>> model = nn.Linear(2, 1)
    >>> model(np.ones((3, 2), np.float32)).sum().backward()
    >>> [(flow.name, round(flow.gradient, 2)) for flow in gradient_flow(model)]
    [('weight', 4.24), ('bias', 3.0)]
    """
    trained = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    found = [
        Flow(name, _norm(p.grad.numpy()) if p.grad is not None else None, _norm(p.numpy()), p.ndim)
        for name, p in trained
    ]
    if all(flow.gradient is None for flow in found):
        raise UsageError(
            f"gradient_flow: no parameter of {type(model).__name__} has a gradient: call loss.backward() first, and "
            "look before zero_grad()"
        )
    return found


def _norm(values: Array) -> float:
    """The root of the sum of squares, in double precision: squares of small gradients are 0 in float32."""
    return float(np.linalg.norm(np.asarray(values, np.float64).ravel()))
