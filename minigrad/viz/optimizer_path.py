"""The path of an optimizer on a surface: a function of two numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np

from minigrad.autograd.tensor import Tensor
from minigrad.errors import UsageError
from minigrad.optim import Optimizer
from minigrad.typing import Array, Value

Surface = Callable[[Value, Value], Value]
"""A function of two Tensors, which works on arrays as well: lambda x, y: x**2 / 20 + y**2."""


class OptimizerPath(NamedTuple):
    """A path: its points (T + 1, 2), the start first, and the value of the surface at each (T + 1,)."""

    points: Array
    values: Array


def descend(
    f: Surface,
    start: Sequence[float],
    optimizer: Callable[[Iterable[Tensor]], Optimizer],
    *,
    steps: int = 100,
    limit: float = 1e3,
) -> OptimizerPath:
    """Let an optimizer minimize a surface, and return its path. The path ends early where it diverges or is NaN.

    Args:
        f: the surface, written with operators and ops.
        start: x and y.
        optimizer: a function that makes one for a list of parameters: `lambda p: SGD(p, lr=0.1)`.
        steps: the number of steps, at least 1 (default 100).
        limit: a point with a larger coordinate is the last one (default 1000).

    Returns:
        The path.

    Raises:
        UsageError: the start has not two numbers, or there are no steps.

    >>> from minigrad.optim import SGD
    >>> descend(lambda x, y: x**2 + y**2, (1, 2), lambda p: SGD(p, lr=0.25), steps=2).points.tolist()
    [[1.0, 2.0], [0.5, 1.0], [0.25, 0.5]]
    """
    if len(start) != 2 or steps < 1:
        raise UsageError(f"descend: start is x and y, and steps at least 1, got {start} and {steps}")
    point = Tensor([float(n) for n in start], requires_grad=True)
    stepper = optimizer([point])
    points, values = [], []
    with np.errstate(all="ignore"):  # a path may diverge
        for step in range(steps + 1):
            stepper.zero_grad()
            value = f(point[0], point[1])
            points.append(np.array(point.numpy()))
            values.append(float(value.item()))
            near = np.abs(points[-1]).max() <= limit  # NaN is not
            if step == steps or not near or not np.isfinite(values[-1]):
                break
            value.backward()
            stepper.step()
    return OptimizerPath(np.array(points), np.array(values))
