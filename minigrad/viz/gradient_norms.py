"""Gradient flow: the norms of parameters and of their gradients after backward."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from minigrad.errors import UsageError
from minigrad.nn import Module
from minigrad.typing import Array


class GradientNorm(NamedTuple):
    """The norm of one parameter and of its gradient.

    Attributes:
        name: the path of the parameter.
        gradient: the Euclidean norm of its gradient; NaN or infinite if an element is, None where there is no gradient.
        weight: the Euclidean norm of the parameter.
        ndim: the number of dimensions of the parameter.
    """

    name: str
    gradient: float | None
    weight: float
    ndim: int = 2

    @property
    def ratio(self) -> float | None:
        """The norm of the gradient divided by that of the parameter; None without a gradient or if the latter is 0."""
        return None if self.gradient is None or self.weight == 0 else self.gradient / self.weight


def gradient_flow(model: Module) -> list[GradientNorm]:
    """Compute the norms of all parameters that are trained and of their gradients.

    Args:
        model: a model after `loss.backward()`.

    Returns:
        The norms, in the order of `named_parameters`.

    Raises:
        UsageError: no parameter has a gradient.

    >>> from minigrad import nn
    >>> model = nn.Linear(2, 1)
    >>> model(np.ones((3, 2), np.float32)).sum().backward()
    >>> [(norm.name, round(norm.gradient, 2)) for norm in gradient_flow(model)]
    [('weight', 4.24), ('bias', 3.0)]
    """
    trained = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    found = [
        GradientNorm(name, _norm(p.grad.numpy()) if p.grad is not None else None, _norm(p.numpy()), p.ndim)
        for name, p in trained
    ]
    if all(norm.gradient is None for norm in found):
        raise UsageError(
            f"gradient_flow: no parameter of {type(model).__name__} has a gradient: call loss.backward() first, and "
            "look before zero_grad()"
        )
    return found


def _norm(values: Array) -> float:
    """The Euclidean norm in double precision: squares of small gradients are 0 in float32."""
    return float(np.linalg.norm(np.asarray(values, np.float64).ravel()))
