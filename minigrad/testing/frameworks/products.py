"""Products with derivatives that do not come from the reverse pass: J v of a forward mode, H v written by hand."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from minigrad.testing.frameworks.by_hand import ByHand
from minigrad.testing.numeric.comparison import Comparison, Verdict
from minigrad.testing.numeric.finite_difference import Vector, step_scale
from minigrad.testing.numeric.flat_function import FlatFunction, split

PAIRS: Final = 4
"""So many random pairs (u, v) are tried: one shows nearly every mistake."""
STEP: Final = 2.0**-9
"""Of second differences, relative to the arguments."""
ACCURATE_ENOUGH: Final = 1e-2
"""Second differences with a larger error, relatively, decide nothing."""


def transposition_error(f: FlatFunction, rng: np.random.Generator) -> str:
    """Whether <J v, u> = <v, J'u> for random u and v: "" or what is wrong.

    Args:
        f: a function whose framework has a forward mode.
        rng: draws them.
    """
    pullback, args = f.linearize(f.x), f._args_at(f.x)
    for _ in range(PAIRS):
        u, v = rng.normal(size=f.y.size), rng.normal(size=f.x.size)
        shapes = [argument.shape for argument in f.arguments]
        moved = f.framework.push_forward(f.function, args, f.positions, split(v, shapes))
        if [np.shape(part) for part in moved] != f.shapes:
            return f"J v has the shapes {[np.shape(part) for part in moved]}, but the results have {f.shapes}"
        forward = np.concatenate([np.asarray(part, np.float64).ravel() for part in moved]) * u
        backward = pullback(u) * v
        size = float(np.sum(np.abs(forward)) + np.sum(np.abs(backward)))
        apart = abs(float(np.sum(forward)) - float(np.sum(backward)))
        if not apart <= float(np.max(f.epsilon)) ** 0.75 * (size + float(np.max(np.abs(f.y), initial=0.0))):
            return f"forward mode: <J v, u> = {np.sum(forward):.10g}, but <v, J'u> = {np.sum(backward):.10g}"
    return ""


def gradient_with_hessian(f: FlatFunction) -> FlatFunction:
    """The gradient of f as a function whose claimed derivative is `hvp`, which is symmetric.

    Args:
        f: a function to one number, with a gradient and `hvp` in its framework.
    """

    def gradient(*args: Any) -> Any:
        run = f.framework.linearize(f.function, args, f.positions)
        parts = run.pull([np.ones(value.shape) for value in run.values])
        return parts if len(parts) > 1 else parts[0]

    return FlatFunction(ByHand(vjp=f.framework.hvp), gradient, f._args_at(f.x), f.names, f.positions)


def compare_hessian(f: FlatFunction, rng: np.random.Generator) -> Comparison:
    """`hvp` alone against second differences of f's values, along random directions.

    Args:
        f: a function to one number, with `hvp` in its framework.
        rng: draws the directions.
    """
    error, magnitude = 0.0, float(np.max(np.abs(f.y)))
    for _ in range(PAIRS):
        v = rng.uniform(0.5, 1.5, f.x.size) * rng.choice((-1.0, 1.0), f.x.size)
        claimed, numerical, bound = _hessian_product(f, v), np.zeros(f.x.size), np.zeros(f.x.size)
        for k in range(f.x.size):
            coarse, fine = (_second_difference(f, v, k, h) for h in (STEP, STEP / 2))
            numerical[k], bound[k] = (4 * fine - coarse) / 3, abs(coarse - fine)
        size = max(float(np.max(np.abs(numerical))), float(np.max(np.abs(claimed))), 1e-6 * magnitude)
        bound += np.finfo(float).eps * magnitude * 64 / STEP**2 + 1e-9 * size
        off = np.where(np.isfinite(claimed), np.abs(claimed - numerical), np.inf) - 2 * bound
        k = int(np.argmax(off))
        if off[k] > 0:
            found, expected = float(claimed[k]), float(numerical[k])
            return Comparison(Verdict.WRONG, float(bound[k]) / size, k, found, expected, note="of H v, v random")
        error = max(error, float(np.max(bound)) / size)
    if not error < ACCURATE_ENOUGH:
        return Comparison(Verdict.INCONCLUSIVE, error, note="second differences are too coarse: give the gradient, too")
    return Comparison(Verdict.CORRECT, error)


def _hessian_product(f: FlatFunction, v: Vector) -> Vector:
    vs, args = split(v, [argument.shape for argument in f.arguments]), f._args_at(f.x)
    found = f.framework.second_derivative(f.function, args, f.positions, [np.ones(())], vs)
    return np.concatenate([np.asarray(part, np.float64).ravel() for part in found])


def _second_difference(f: FlatFunction, v: Vector, k: int, h: float) -> float:
    """The derivative of element k of the gradient along v, from four values."""
    steps = h * step_scale(f.x)
    w = np.where(np.arange(f.x.size) == k, steps, 0.0)
    s = float(np.min(steps))
    values = [float(f.value(f.x + a * s * v + b * w)[0]) for a, b in ((1, 1), (1, -1), (-1, 1), (-1, -1))]
    return (values[0] - values[1] - values[2] + values[3]) / (4 * s * float(steps[k]))
