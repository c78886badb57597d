"""Cyclical schedules: cosine annealing with warm restarts, and the 1cycle policy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from minigrad.errors import UsageError
from minigrad.optim.schedule.base import (
    Count,
    Schedule,
    check_count,
    check_factor,
    check_positive,
    steps_of,
    whole_steps,
)
from minigrad.optim.schedule.decay import half_cosine


@dataclass(frozen=True)
class CosineRestarts(Schedule):
    """Cosine annealing with warm restarts: half a cosine down, then again from the top.

        factor = final + (1 - final) * (1 + cos(pi * t / T)) / 2,  t steps after the last restart, T the period

    Args:
        period: how long the first fall is (PyTorch's T_0): an integer counts steps (updates), a float is a share of all
            of them (default 0.25).
        growth: how many times longer each period is than the one before (PyTorch's T_mult), an integer (default 1).
        final: the factor that each fall approaches, in [0, 1] (default 0.0).

    Raises:
        UsageError: a setting lies outside of its range.

    Source: Loshchilov and Hutter 2017, "SGDR: stochastic gradient descent with warm restarts", arXiv:1608.03983.

    >>> [round(CosineRestarts(2, growth=2)(step, total=7), 3) for step in range(7)]
    [1.0, 0.5, 1.0, 0.854, 0.5, 0.146, 1.0]
    """

    period: Count = 0.25
    growth: int = 1
    final: float = 0.0

    def __post_init__(self) -> None:
        check_count(self, "period", self.period)
        check_factor(self, "final", self.final)
        if not isinstance(self.growth, int) or self.growth < 1:
            raise UsageError(f"CosineRestarts: growth is an integer of at least 1, got {self.growth!r}")

    @property
    def step_counts(self) -> tuple[int, ...]:
        """The length of the first fall."""
        return whole_steps(self.period)

    @property
    def uses_total(self) -> bool:
        """Whether the period is a share."""
        return isinstance(self.period, float)

    def __call__(self, step: int, total: int) -> float:
        """The factor in the present period."""
        period = max(1, steps_of(self.period, total))
        if self.growth == 1:
            step %= period
        while step >= period:
            step -= period
            period *= self.growth
        return half_cosine(1.0, self.final, step / period)


@dataclass(frozen=True)
class OneCycle(Schedule):
    """The 1cycle policy: one rise and one fall of the rate, while the momentum does the opposite.

        factor    1/div_factor  ->  1  ->  1/(div_factor * final_div_factor)
        momentum  max_momentum  ->  base_momentum  ->  max_momentum
        three phases: back to 1/div_factor, as long as the rise was, before the last fall

    The base learning rate is the peak (PyTorch's max_lr). The rise ends at step pct_start * total - 1.

    Args:
        pct_start: the share of all steps (updates) in which the rate rises, in (0, 1] (default 0.3).
        anneal_strategy: "cos" for half cosines, "linear" for lines (default "cos").
        cycle_momentum: whether the momentum (or the first of betas) is set too (default True).
        base_momentum: its lowest value, in [0, 1) (default 0.85).
        max_momentum: its highest value, in [0, 1) (default 0.95).
        div_factor: the peak over the first rate, above 0 (default 25.0).
        final_div_factor: the first rate over the last one, above 0 (default 1e4).
        three_phase: whether the fall stops at the first rate, before it goes on (default False).

    Raises:
        UsageError: a setting lies outside of its range.

    Source: Smith and Topin 2018, "Super-convergence: very fast training of neural networks using large learning
    rates", arXiv:1708.07120.

    >>> schedule = OneCycle(pct_start=0.5, anneal_strategy="linear", div_factor=4.0, final_div_factor=2.0)
    >>> [round(schedule(step, total=8), 3) for step in range(8)]
    [0.25, 0.5, 0.75, 1.0, 0.781, 0.562, 0.344, 0.125]
    >>> [round(schedule.momentum(step, total=8), 3) for step in range(8)]
    [0.95, 0.917, 0.883, 0.85, 0.875, 0.9, 0.925, 0.95]
    """

    pct_start: float = 0.3
    anneal_strategy: Literal["cos", "linear"] = "cos"
    cycle_momentum: bool = True
    base_momentum: float = 0.85
    max_momentum: float = 0.95
    div_factor: float = 25.0
    final_div_factor: float = 1e4
    three_phase: bool = False

    def __post_init__(self) -> None:
        check_positive(self, "div_factor", self.div_factor)
        check_positive(self, "final_div_factor", self.final_div_factor)
        if not 0 < self.pct_start <= (0.5 if self.three_phase else 1):
            raise UsageError(f"OneCycle: pct_start is a share in (0, 1], 0.5 with three phases, got {self.pct_start}")
        if self.anneal_strategy not in ("cos", "linear"):
            raise UsageError(f"OneCycle: anneal_strategy is 'cos' or 'linear', got {self.anneal_strategy!r}")
        for name in ("base_momentum", "max_momentum"):
            if not 0 <= getattr(self, name) < 1:
                raise UsageError(f"OneCycle: {name} must lie in [0, 1), got {getattr(self, name)}")

    @property
    def uses_total(self) -> bool:
        """Always."""
        return True

    def __call__(self, step: int, total: int) -> float:
        """The factor in the cycle."""
        first = 1 / self.div_factor
        last = first / self.final_div_factor
        return self._between((first, 1.0, first, last) if self.three_phase else (first, 1.0, last), step, total)

    def momentum(self, step: int, total: int) -> float | None:
        """The momentum in the cycle."""
        low, high = self.base_momentum, self.max_momentum
        values = (high, low, high, high) if self.three_phase else (high, low, high)
        return self._between(values, step, total) if self.cycle_momentum else None

    def _between(self, values: tuple[float, ...], step: int, total: int) -> float:
        """The value at a step on the way from one of `values` to the next."""
        peak = self.pct_start * total
        ends = [peak - 1, *([2 * peak - 2] if self.three_phase else []), total - 1.0]
        phase = next((i for i, end in enumerate(ends) if step <= end), len(ends) - 1)
        begin, end = ([0.0, *ends])[phase : phase + 2]
        t = (step - begin) / (end - begin) if end > begin else 1.0
        start, stop = values[phase : phase + 2]
        return half_cosine(start, stop, t) if self.anneal_strategy == "cos" else start + (stop - start) * t
