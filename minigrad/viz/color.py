"""Colors that most color-blind people can tell apart, and that can be read in light and dark.

Classes take those of Okabe and Ito, amounts a scale from dark blue to yellow whose lightness grows evenly (viridis).
Filled boxes bring their own background, so that pictures can lie on any.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

BLUE, ORANGE, GREEN, VERMILION, SKY = "#0072b2", "#e69f00", "#009e73", "#d55e00", "#56b4e9"
QUIET: Final = "#808080"
UNKNOWN: Final = "#d9d9d9"
NOT_FINITE: Final = "#cc79a7"

VERDICTS: Final = {"correct": GREEN, "wrong": VERMILION, "inconclusive": ORANGE, "kink": SKY}

VIRIDIS: Final = (
    "#440154", "#482777", "#3f4a8a", "#31678e", "#26838f", "#1f9d8a", "#6cce5a", "#b6de2b", "#fee825",
)  # fmt: skip


@dataclass(frozen=True)
class Scale:
    """From amounts to colors.

    Attributes:
        low, high: the amounts at both ends.
        logarithmic: whether equal ratios, not equal differences, are equally far apart.
    """

    low: float
    high: float
    logarithmic: bool

    @classmethod
    def of(cls, amounts: Iterable[float], *, logarithmic: bool) -> Scale:
        """The scale that holds these amounts: from 0 on, or logarithmic over at least four decades."""
        known = [x for x in amounts if math.isfinite(x) and (x > 0 or not logarithmic)]
        low, high = (min(known), max(known)) if known else (0.0, 1.0)
        if not logarithmic:
            return cls(min(low, 0.0), high if high > min(low, 0.0) else 1.0, False)
        middle = math.sqrt(low * high) if known else 1.0
        return cls(min(low, middle / 100) or low, max(high, middle * 100), True)

    def color(self, amount: float) -> str:
        """The color of an amount; one of its own for what is not finite."""
        if not math.isfinite(amount):
            return NOT_FINITE
        return _between(self.share(amount))

    def share(self, amount: float) -> float:
        """Where an amount lies, from 0 to 1."""
        if self.logarithmic:
            if amount <= 0:
                return 0.0
            return _clipped((math.log(amount) - math.log(self.low)) / (math.log(self.high) - math.log(self.low)))
        return _clipped((amount - self.low) / (self.high - self.low))


def _clipped(share: float) -> float:
    return min(1.0, max(0.0, share))


def _between(share: float) -> str:
    place = share * (len(VIRIDIS) - 1)
    k = min(int(place), len(VIRIDIS) - 2)
    parts = [round(a + (b - a) * (place - k)) for a, b in zip(_rgb(VIRIDIS[k]), _rgb(VIRIDIS[k + 1]), strict=True)]
    return "#" + "".join([f"{part:02x}" for part in parts])


def _rgb(color: str) -> tuple[int, int, int]:
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def ink(background: str) -> str:
    """Black or white, whichever is easier to read on a color (WCAG 2.2: relative luminance)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (x / 255 for x in _rgb(background))]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "#000000" if (luminance + 0.05) / 0.05 >= 1.05 / (luminance + 0.05) else "#ffffff"
