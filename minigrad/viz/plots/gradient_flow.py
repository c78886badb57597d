"""A plot of the gradient flow, which shows whether gradients vanish or explode on their way to the first layer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from minigrad.errors import UsageError
from minigrad.nn import Module
from minigrad.viz.gradient_norms import GradientNorm, gradient_flow
from minigrad.viz.palette import BLUE, ORANGE, VERMILION
from minigrad.viz.plots.style import background_color, given_or_new_axes, remove_clutter

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_gradient_flow(
    flow: Module | Sequence[GradientNorm], ax: Axes | None = None, *, vanishing: float = 1e-6, exploding: float = 10.0
) -> Axes:
    """Plot the norm of each parameter's gradient after backward, and its ratio to the norm of the parameter.

    There is a row for each parameter, the first layer on top, and a logarithmic axis. Gradients with a ratio below
    `vanishing` or above `exploding` are marked and named in the margin, as are those that are 0, NaN, infinite or
    missing. Biases and other vectors are not compared with the limits, because they begin at or near 0.

    Args:
        flow: a model after `loss.backward()`, or what `gradient_flow` returned.
        ax: the Axes to draw on (default: new ones).
        vanishing: the lower limit of the ratio (default 1e-6).
        exploding: the upper limit of the ratio (default 10).

    Returns:
        The Axes.

    Raises:
        UsageError: no parameter has a gradient, or the limits are not two positive numbers in order.
        MissingExtraError: matplotlib, of the extra `plot`, is not installed.
    """
    if not 0 < vanishing < exploding:
        raise UsageError(f"plot_gradient_flow: 0 < vanishing < exploding, got {vanishing} and {exploding}")
    rows = gradient_flow(flow) if isinstance(flow, Module) else list(flow) if isinstance(flow, Sequence) else [flow]
    if not all(isinstance(row, GradientNorm) for row in rows):
        raise UsageError(
            f"plot_gradient_flow: takes a model, or what gradient_flow(model) returned, not a {type(flow).__name__}"
        )
    if not rows:
        raise UsageError("plot_gradient_flow: there is no parameter to draw")
    longest = max(len(row.name) for row in rows)
    ax = given_or_new_axes(ax, 4.6 + 0.075 * longest, 1.3 + 0.24 * len(rows))
    ax.set_xscale("log")
    _draw(ax, [row.gradient for row in rows], color=BLUE, marker="o", label="gradient")
    _draw(ax, [row.ratio for row in rows], color=ORANGE, marker="D", label="gradient / parameter")
    verdicts = [_verdict(row, vanishing, exploding) for row in rows]
    for y, verdict in enumerate(verdicts):
        if verdict:
            ax.axhspan(y - 0.5, y + 0.5, color=VERMILION, alpha=0.13, linewidth=0)
            ax.annotate(
                verdict, (1.0, y), xycoords=("axes fraction", "data"), xytext=(5, 0), textcoords="offset points",
                va="center", size=8, color=VERMILION, weight="bold", annotation_clip=False,
            )  # fmt: skip
    remove_clutter(ax, "x")
    ax.set_yticks(range(len(rows)), [row.name for row in rows])
    ax.tick_params(axis="y", length=0, labelsize=8)
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ax.set_xlabel(f"norm (marked where a weight's ratio is outside of {vanishing:g} to {exploding:g})", size=8.5)
    _widen(ax)
    ends = [row.gradient if row.gradient and math.isfinite(row.gradient) else math.nan for row in rows]
    ax.hlines(range(len(rows)), ax.get_xlim()[0], ends, color=BLUE, linewidth=2.2, alpha=0.35, zorder=2)
    ax.legend(frameon=False, fontsize=8, loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0.2)
    return ax


def _draw(ax: Axes, values: Sequence[float | None], *, color: str, marker: str, label: str) -> None:
    """One point for each row, without those that a logarithmic axis cannot show."""
    xs = [x if x is not None and math.isfinite(x) and x > 0 else math.nan for x in values]
    style: dict[str, Any] = {
        "linestyle": "",
        "markeredgecolor": background_color(ax),
        "markeredgewidth": 0.6,
        "zorder": 3,
    }
    ax.plot(xs, range(len(xs)), color=color, marker=marker, markersize=6.5, label=label, **style)


def _verdict(row: GradientNorm, vanishing: float, exploding: float) -> str:
    """What is wrong with a gradient, in a word or two; "" if nothing is."""
    if row.gradient is None:
        return "no gradient"
    if math.isnan(row.gradient):
        return "NaN"
    if math.isinf(row.gradient):
        return "infinite"
    if row.gradient == 0:
        return "zero"
    if row.ndim < 2 or row.ratio is None or vanishing <= row.ratio <= exploding:
        return ""
    return "vanishing" if row.ratio < vanishing else "exploding"


def _widen(ax: Axes) -> None:
    """Let the axis span at least two powers of ten, so that small differences do not look large."""
    low, high = ax.get_xlim()
    if high / low < 100:
        middle = math.sqrt(low * high)
        ax.set_xlim(middle / 10, middle * 10)
