"""A deep network's gradients against numerical derivatives, along random directions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import minigrad as mg
from minigrad.autograd.tensor import default_dtype, set_default_dtype
from minigrad.nn import Module
from minigrad.testing import Verdict, check_grads
from minigrad.testing.calls.module_function import ModuleFunction
from minigrad.typing import Array


def assert_gradients_along(make: Callable[[], Module], x: Array, directions: int = 1) -> None:
    """In float64, the gradients of all of a network's parameters are correct, as far as random directions show.

    Where `assert_gradients` moves the parameters one after the other, all of them move here at once, t[k] times a
    random direction each: a wrong gradient anywhere changes the derivative to t. That is for networks of hundreds of
    arrays of parameters.

    Args:
        make: makes the network.
        x: a batch of input; it is converted to float64.
        directions: how many.
    """
    before = default_dtype()
    set_default_dtype(np.float64)
    try:
        call = ModuleFunction(make)
        rng = np.random.default_rng(2)
        start = [parameter.numpy() for parameter in call.parameters.values()]
        moves = [rng.normal(0, np.abs(p).mean() + 0.01, (directions, *p.shape)) for p in start]
        images = np.asarray(x, np.float64)

        def moved(t: Any) -> Any:
            weights = [
                p + mg.matmul(t, mg.Tensor(move.reshape(directions, -1))).reshape(p.shape)
                for p, move in zip(start, moves, strict=True)
            ]
            return call(images, *weights)

        report = check_grads(moved, np.zeros(directions), order=1)
    finally:
        set_default_dtype(before)
    assert report.verdict is Verdict.CORRECT, str(report)
