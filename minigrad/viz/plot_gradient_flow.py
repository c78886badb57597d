"""A plot of the gradient flow: do gradients vanish or explode on their way to the first layer?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from minigrad.errors import UsageError
from minigrad.nn import Module
from minigrad.viz.gradient_flow import Flow, gradient_flow
from minigrad.viz.plot_style import BLUE, ORANGE, VERMILION, axes, paper, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_gradient_flow(
    flow: Module | Sequence[Flow], ax: Axes | None = None, *, vanishing: float = 1e-6, exploding: float = 10.0
) -> Axes:
    """The norm of each parameter's gradient after backward, and what share of the parameter's norm that is.

    A row a parameter, the first layer on top, on a logarithmic axis. Gradients that are less than `vanishing` or more
    than `exploding` times the parameter are marked and named in the margin; so are those that are 0, not a number,
    infinite or missing. Biases and other vectors are not held to the limits: they begin at 0, or anywhere near.

    Args:
        flow: a model after `loss.backward()`, or what `gradient_flow` gave.
        ax: where to; new Axes unless given.
        vanishing, exploding: the limits of the share.

    Raises:
        UsageError: no parameter has a gradient, or the limits are not two positive numbers in order.
        MissingExtraError: matplotlib, of the extra `plot`, is not installed.
    """
    if not 0 < vanishing < exploding:
        raise UsageError(f"plot_gradient_flow: 0 < vanishing < exploding, got {vanishing} and {exploding}")
    rows = gradient_flow(flow) if isinstance(flow, Module) else list(flow)
    if not rows:
        raise UsageError("plot_gradient_flow: there is no parameter to draw")
    longest = max(len(row.name) for row in rows)
    ax = axes(ax, 4.6 + 0.075 * longest, 1.3 + 0.24 * len(rows))
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
    tidy(ax, "x")
    ax.set_yticks(range(len(rows)), [row.name for row in rows])
    ax.tick_params(axis="y", length=0, labelsize=8)
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ax.set_xlabel(f"norm (marked where a weight's share is outside of {vanishing:g} to {exploding:g})", size=8.5)
    _room(ax)
    ends = [row.gradient if row.gradient and math.isfinite(row.gradient) else math.nan for row in rows]
    ax.hlines(range(len(rows)), ax.get_xlim()[0], ends, color=BLUE, linewidth=2.2, alpha=0.35, zorder=2)
    ax.legend(frameon=False, fontsize=8, loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0.2)
    return ax


def _draw(ax: Axes, values: Sequence[float | None], *, color: str, marker: str, label: str) -> None:
    """One point a row; what has no place on a logarithmic axis is left out."""
    xs = [x if x is not None and math.isfinite(x) and x > 0 else math.nan for x in values]
    style: dict[str, Any] = {"linestyle": "", "markeredgecolor": paper(ax), "markeredgewidth": 0.6, "zorder": 3}
    ax.plot(xs, range(len(xs)), color=color, marker=marker, markersize=6.5, label=label, **style)


def _verdict(row: Flow, vanishing: float, exploding: float) -> str:
    """What is the matter with a gradient, in a word; nothing if it is fine."""
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


def _room(ax: Axes) -> None:
    """At least two factors of ten, so that small differences do not look large."""
    low, high = ax.get_xlim()
    if high / low < 100:
        middle = math.sqrt(low * high)
        ax.set_xlim(middle / 10, middle * 10)
