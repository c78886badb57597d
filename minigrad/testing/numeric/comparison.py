"""`Comparison`: what came of the comparison of a claimed derivative with numerical ones, on vectors."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np

from minigrad.testing.numeric.directional_derivative import DirectionalDerivative
from minigrad.testing.numeric.finite_difference import Vector


class Verdict(Enum):
    """Whether a derivative is right, as far as numerical ones can tell."""

    CORRECT = "correct"
    WRONG = "wrong"
    INCONCLUSIVE = "inconclusive"


@dataclass
class Comparison:
    """What came of a comparison; `check.py` makes a `Report` of it, which names arguments.

    Attributes:
        verdict: correct, wrong or inconclusive.
        error: the largest error of the numerical derivatives, relative to the largest of these.
        index: the element of the vector of arguments whose derivative is wrong.
        found, expected: the claimed and the numerical derivative there.
        jacobian, numerical: the claimed and the numerical Jacobian, outputs x inputs, where they are small.
        kinks: how many outputs have a kink at the point, or closer to it than can be resolved.
        convention: which subgradient was met at the kinks, in words.
        note: whatever else should be known, in words.
        no_kink_nearby: whether the first differences were enough for all outputs.
    """

    verdict: Verdict
    error: float = 0.0
    index: int | None = None
    found: float | None = None
    expected: float | None = None
    jacobian: Vector | None = None
    numerical: Vector | None = None
    kinks: int = 0
    convention: str = ""
    note: str = ""
    no_kink_nearby: bool = True


class Accuracy:
    """The largest error of the numerical derivatives so far, and the largest derivative."""

    def __init__(self) -> None:
        self.error = self.size = 0.0
        self.no_kink_nearby = True

    def add(self, derivative: DirectionalDerivative) -> None:
        """Include the outputs that have a derivative."""
        smooth = derivative.smooth
        self.error = max(self.error, float(np.max(derivative.error, initial=0.0, where=smooth)))
        self.no_kink_nearby = self.no_kink_nearby and derivative.no_kink_nearby
        self.size = max(self.size, float(np.max(np.abs(derivative.value), initial=0.0, where=smooth)))

    @property
    def relative(self) -> float:
        """The one relative to the other; where all derivatives are zero, to one."""
        return self.error / self.size if self.size > 1e-9 else self.error
