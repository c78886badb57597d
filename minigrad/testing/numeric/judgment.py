"""`Finding`: what came of a check, on vectors."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minigrad.testing.numeric.directional_derivative import Line

Vector = NDArray[Any]


class Verdict(Enum):
    """The three answers that a check can give."""

    CORRECT = "correct"
    WRONG = "wrong"
    INCONCLUSIVE = "inconclusive"


@dataclass
class Finding:
    """What came of a check, on vectors; `check.py` puts it into words of arguments.

    `index` is an element of the vector of arguments; `jacobian` and `numerical` are the claimed and the numerical
    derivative, outputs x inputs, when they are small; `easy` says that no kink is near. The rest is as in `Report`.
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
    easy: bool = True


class Accuracy:
    """The largest error met so far, and the largest derivative."""

    def __init__(self) -> None:
        self.error = self.size = 0.0
        self.easy = True

    def add(self, line: Line) -> None:
        """Take note of the outputs that have a derivative."""
        self.error = max(self.error, float(np.max(line.error, initial=0.0, where=line.smooth)))
        self.easy = self.easy and line.easy
        self.size = max(self.size, float(np.max(np.abs(line.value), initial=0.0, where=line.smooth)))

    @property
    def relative(self) -> float:
        """The one relative to the other; where all derivatives are zero, to one."""
        return self.error / self.size if self.size > 1e-9 else self.error
