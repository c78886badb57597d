"""`Memory`: the last steps of L-BFGS and how the gradient changed along them, which stand for a Hessian."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from minigrad.errors import StateError
from minigrad.typing import Array

SMALLEST_CURVATURE = 1e-10
"""A pair of step s and change y of the gradient is kept if s . y is larger."""


@dataclass
class Memory:
    """What L-BFGS keeps from step to step; vectors hold the numbers of all parameters in a row.

    Attributes:
        steps: the last steps s, newest last.
        changes: by how much the gradient changed along each, y.
        scale: s . y / y . y of the newest pair, the size of the inverse Hessian that the recursion begins with.
        gradient: the gradient at the last point from which a step was made.
        step: that step.
        iterations: how many steps there were.
        evaluations: how often the closure was called.
    """

    steps: list[Array] = field(default_factory=list)
    changes: list[Array] = field(default_factory=list)
    scale: float = 1.0
    gradient: Array | None = None
    step: Array | None = None
    iterations: int = 0
    evaluations: int = 0

    def update(self, gradient: Array, history_size: int) -> None:
        """Take in the last step and by how much the gradient changed along it."""
        if self.gradient is None or self.step is None:
            return
        change = gradient - self.gradient
        curvature = float(change @ self.step)
        if curvature > SMALLEST_CURVATURE:
            self.steps = [*self.steps, self.step][-history_size:]
            self.changes = [*self.changes, change][-history_size:]
            self.scale = curvature / float(change @ change)

    def direction(self, gradient: Array) -> Array:
        """-H g, H the inverse Hessian that the pairs (s, y) tell, by the two-loop recursion."""
        d = -gradient
        pairs = [(s, y, 1 / float(y @ s)) for s, y in zip(self.steps, self.changes, strict=True)]
        coefficients = []
        for s, y, inverse in reversed(pairs):
            coefficients.append(float(s @ d) * inverse)
            d = d - coefficients[-1] * y
        d = d * self.scale
        for (s, y, inverse), coefficient in zip(pairs, reversed(coefficients), strict=True):
            d = d + (coefficient - float(y @ d) * inverse) * s
        return d


def saved(memory: Memory) -> dict[str, Any]:
    """A memory as a dict of numbers and arrays, which a file can hold, without what is not there yet."""
    stacked = {name: np.array(value) if isinstance(value, list) else value for name, value in asdict(memory).items()}
    return {
        name: value.copy() if isinstance(value, np.ndarray) else value
        for name, value in stacked.items()
        if value is not None
    }


def loaded(state: Any, values: Array) -> Memory:
    """A memory from what was saved, for parameters with these numbers.

    Raises:
        StateError: it is none, or of other parameters.
    """
    if not isinstance(state, Mapping) or not {"steps", "changes", "scale", "iterations", "evaluations"} <= set(state):
        raise StateError('LBFGS: this state does not fit: it has no "memory" of steps and changes of gradients')
    vectors: dict[str, list[Array]] = {}
    for name in ("steps", "changes", "gradient", "step"):
        array = np.array(state.get(name, []), values.dtype)
        rows = array[None] if name in ("gradient", "step") and array.size else array
        if rows.size and rows.shape[1:] != values.shape:
            raise StateError(
                f"LBFGS: this state does not fit: its {name} have shape {array.shape}, and the parameters hold "
                f"{values.size} numbers"
            )
        vectors[name] = list(rows)
    if len(vectors["steps"]) != len(vectors["changes"]):
        raise StateError("LBFGS: this state does not fit: there is not one change of the gradient for each step")
    return Memory(
        vectors["steps"],
        vectors["changes"],
        float(state["scale"]),
        vectors["gradient"][0] if vectors["gradient"] else None,
        vectors["step"][0] if vectors["step"] else None,
        int(state["iterations"]),
        int(state["evaluations"]),
    )
