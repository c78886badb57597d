"""The colors of all pictures, which most color-blind people can tell apart, on light and dark backgrounds.

Classes and lines take the colors of Okabe and Ito (2008, "Color universal design"), quantities viridis, whose lightness
grows evenly from dark blue to yellow. In plots, measurements take cividis, and values of both signs PuOr.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

BLUE, VERMILION, GREEN, ORANGE, SKY_BLUE, PINK, YELLOW = LINE_COLORS = (
    "#0072b2", "#d55e00", "#009e73", "#e69f00", "#56b4e9", "#cc79a7", "#f0e442",
)  # fmt: skip
GRAY: Final = "#808080"
"""Grids, notes and edges; as far from white as from black."""

UNKNOWN: Final = "#d9d9d9"
NOT_FINITE: Final = PINK
VERDICT_COLORS: Final = {"correct": GREEN, "wrong": VERMILION, "inconclusive": ORANGE, "kink": SKY_BLUE}

VIRIDIS: Final = (
    "#440154", "#482777", "#3f4a8a", "#31678e", "#26838f", "#1f9d8a", "#6cce5a", "#b6de2b", "#fee825",
)  # fmt: skip
SEQUENTIAL_MAP, DIVERGING_MAP = "cividis", "PuOr"
"""Matplotlib's color maps for measurements, and for values of both signs."""


@dataclass(frozen=True)
class ColorScale:
    """A map from numbers to the colors of viridis.

    Attributes:
        low, high: the numbers at both ends.
        logarithmic: whether equal ratios, not equal differences, are equally far apart.
    """

    low: float
    high: float
    logarithmic: bool

    @classmethod
    def of(cls, amounts: Iterable[float], *, logarithmic: bool) -> ColorScale:
        """The scale of these numbers: linear from 0 on, or logarithmic over at least four decades."""
        known = [x for x in amounts if math.isfinite(x) and (x > 0 or not logarithmic)]
        low, high = (min(known), max(known)) if known else (0.0, 1.0)
        if not logarithmic:
            return cls(min(low, 0.0), high if high > min(low, 0.0) else 1.0, False)
        middle = math.sqrt(low * high) if known else 1.0
        return cls(min(low, middle / 100) or low, max(high, middle * 100), True)

    def color(self, amount: float) -> str:
        """The color of a number; NOT_FINITE if it is not finite."""
        return _interpolated(self.position(amount)) if math.isfinite(amount) else NOT_FINITE

    def position(self, amount: float) -> float:
        """Where a number lies on the scale, from 0 to 1."""
        if not self.logarithmic:
            return _clipped((amount - self.low) / (self.high - self.low))
        if amount <= 0:
            return 0.0
        return _clipped((math.log(amount) - math.log(self.low)) / (math.log(self.high) - math.log(self.low)))


def _clipped(position: float) -> float:
    return min(1.0, max(0.0, position))


def _interpolated(position: float) -> str:
    place = position * (len(VIRIDIS) - 1)
    k = min(int(place), len(VIRIDIS) - 2)
    parts = [round(a + (b - a) * (place - k)) for a, b in zip(_rgb(VIRIDIS[k]), _rgb(VIRIDIS[k + 1]), strict=True)]
    return "#" + "".join([f"{part:02x}" for part in parts])


def _rgb(color: str) -> tuple[int, int, int]:
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def text_color_on(background: str) -> str:
    """Black or white, whichever is easier to read on a color (WCAG 2.2: relative luminance)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (x / 255 for x in _rgb(background))]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "#000000" if (luminance + 0.05) / 0.05 >= 1.05 / (luminance + 0.05) else "#ffffff"
