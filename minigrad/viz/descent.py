"""Paths of optimizers over a surface of two numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from minigrad.autograd.tensor import Tensor
from minigrad.errors import UsageError
from minigrad.optim import Optimizer
from minigrad.typing import Array

Surface = Callable[[Any, Any], Any]
"""A function of two numbers or Tensors, which works on arrays of them as well: lambda x, y: x**2 / 20 + y**2."""


class Descent(NamedTuple):
    """A path: points (T + 1, 2), the start first, and the value (T + 1,) at each."""

    points: Array
    values: Array


def descend(
    f: Surface,
    start: Sequence[float],
    optimizer: Callable[[Iterable[Tensor]], Optimizer],
    *,
    steps: int = 100,
    limit: float = 1e3,
) -> Descent:
    """Let an optimizer walk down a surface. The path ends early where it flies off or is not a number.

    Args:
        f: the surface, of ops.
        start: x and y.
        optimizer: makes one from a list of parameters: `lambda p: SGD(p, lr=0.1)`.
        steps: how many.
        limit: a point with a larger coordinate is the last one.

    Raises:
        UsageError: the start has not two numbers, or there are no steps.

    >>> from minigrad.optim import SGD
    >>> descend(lambda x, y: x**2 + y**2, (1, 2), lambda p: SGD(p, lr=0.25), steps=2).points.tolist()
    [[1.0, 2.0], [0.5, 1.0], [0.25, 0.5]]
    """
    if len(start) != 2 or steps < 1:
        raise UsageError(f"descend: start is x and y, and steps at least 1, got {start} and {steps}")
    point = Tensor([float(n) for n in start], requires_grad=True)
    walker = optimizer([point])
    points, values = [], []
    with np.errstate(all="ignore"):  # a path may fly off
        for step in range(steps + 1):
            walker.zero_grad()
            value = f(point[0], point[1])
            points.append(np.array(point.numpy()))
            values.append(float(value.item()))
            near = np.abs(points[-1]).max() <= limit  # NaN is not
            if step == steps or not near or not np.isfinite(values[-1]):
                break
            value.backward()
            walker.step()
    return Descent(np.array(points), np.array(values))
