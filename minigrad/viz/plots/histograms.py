"""A plot of histograms over time: as a ridgeline plot, or as a heat map."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from minigrad.errors import UsageError
from minigrad.nn import Module
from minigrad.typing import Array
from minigrad.viz.histograms import HistogramRecorder, Histograms, histogram, rebinned
from minigrad.viz.palette import GRAY, SEQUENTIAL_MAP
from minigrad.viz.plots.style import (
    background_color,
    color_bar,
    color_map,
    given_or_new_axes,
    remove_clutter,
    text_color,
    title,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAX_RIDGES = 24
"""The number of histograms that a ridgeline plot shows at most."""
BINS = 128


def plot_histograms(
    histograms: Histograms | HistogramRecorder | Module,
    ax: Axes | None = None,
    *,
    kind: str = "ridges",
    name: str = "",
    trim: float = 0.001,
) -> Axes:
    """Plot how the distribution of weights or activations changes in a training, or those of a model as it is.

    Args:
        histograms: the histograms of a parameter or layer, `recorder[name]` of a `HistogramRecorder`; or the recorder
            itself, if it has only one; or a model, for a curve for each of its weights (which are no vectors).
        ax: the Axes to draw on (default: new ones).
        kind: "ridges": a curve for each step, the earliest at the back; or "map": a column for each step, with colors
            for the density (default "ridges").
        name: the name of the parameter or layer, for the title (default "").
        trim: the share of the values that may lie outside of the plot, on both sides together (default 0.001).

    Returns:
        The Axes.

    Raises:
        UsageError: there is no histogram, or no such kind; a recorder has several; a model has no map.
        MissingExtraError: matplotlib, of the extra `plot`, is not installed.
    """
    if kind not in ("ridges", "map"):
        raise UsageError(f'plot_histograms: kind is "ridges" or "map", not {kind!r}')
    labels: list[str] = []
    if isinstance(histograms, Module):
        histograms, labels = _of_model(histograms, kind)
    elif isinstance(histograms, HistogramRecorder):
        histograms = _only_one(histograms)
    if not isinstance(histograms, Histograms):
        raise UsageError(
            "plot_histograms: takes recorder[name] of a HistogramRecorder, or a model for its weights as they are, "
            f"not a {type(histograms).__name__}"
        )
    if not len(histograms.steps) or not histograms.counts.any():
        raise UsageError("plot_histograms: there is no finite value in these histograms")
    ax = given_or_new_axes(ax, 5.0, 3.8)
    edges = _common_edges(histograms, trim)
    shown = _evenly_spaced(len(histograms.steps), MAX_RIDGES) if kind == "ridges" else np.arange(len(histograms.steps))
    density = np.stack([_density(histograms, t, edges) for t in shown.tolist()])
    (_ridges if kind == "ridges" else _map)(ax, histograms.steps[shown], density, edges)
    nonfinite = int(histograms.nonfinite.sum())
    if labels:
        ax.set_yticks(-shown, [labels[t] for t in shown])
        ax.set_ylabel("")
    title(ax, name + (f"{', ' if name else ''}{nonfinite:,} values NaN or infinite" if nonfinite else ""))
    return ax


def _of_model(model: Module, kind: str) -> tuple[Histograms, list[str]]:
    """The histograms of a model's weights, and their names."""
    if kind != "ridges":
        raise UsageError(
            "plot_histograms: a map has a column for each step, and a model no steps: use a HistogramRecorder"
        )
    named = [(path, parameter) for path, parameter in model.named_parameters() if parameter.ndim > 1]
    found = [histogram(p.numpy(), max(8, min(BINS, int(p.size**0.5)))) for _, p in named]
    common = np.zeros((len(found), BINS))
    for row, (counts, (low, high), _) in zip(common, found, strict=True):
        row[:] = rebinned(counts, (low, high), np.linspace(low, high, BINS + 1))
    ranges, nonfinite = np.array([row[1] for row in found]), np.array([row[2] for row in found])
    return Histograms(np.arange(len(found)), common, ranges, nonfinite), [path for path, _ in named]


def _only_one(recorder: HistogramRecorder) -> Histograms:
    if len(recorder.names) != 1:
        names = ", ".join(recorder.names) or "there is none yet"
        raise UsageError(f"plot_histograms: choose one of the recorder's histograms, recorder[name]: {names}")
    return recorder[recorder.names[0]]


def _ridges(ax: Axes, steps: Array, density: Array, edges: Array) -> None:
    """Curves in front of each other, each filled so that it hides those behind."""
    middles = (edges[1:] + edges[:-1]) / 2
    height = 3.2 / density.max()
    colors = color_map(SEQUENTIAL_MAP)(np.linspace(0.08, 0.95, len(steps)))
    for i, (curve, color) in enumerate(zip(density, colors, strict=True)):
        order = 2 + i
        ax.fill_between(middles, -i, -i + height * curve, color=color, alpha=0.92, linewidth=0, zorder=order)
        ax.plot(middles, -i + height * curve, color=background_color(ax), linewidth=0.6, zorder=order)
    labeled = _evenly_spaced(len(steps), 7)
    ax.set_yticks(-labeled, [f"{step:,}" for step in steps[labeled]])
    ax.set_ylim(-len(steps) + 0.4, max(3.4, float((density[: max(1, len(steps) // 4)] * height).max())))
    ax.set_xlim(edges[0], edges[-1])
    if edges[0] < 0 < edges[-1]:
        ax.axvline(0, color=GRAY, linewidth=0.8, alpha=0.6, linestyle=":", zorder=2 + len(steps))
    remove_clutter(ax, None)
    ax.spines["left"].set_visible(False)
    ax.tick_params(axis="y", length=0)
    ax.set_xlabel("value")
    ax.set_ylabel("step")


def _map(ax: Axes, steps: Array, density: Array, edges: Array) -> None:
    """A column for each step; colors show the root of the density, which keeps thin tails visible."""
    middles = (steps[1:] + steps[:-1]) / 2 if len(steps) > 1 else np.array([])
    half = (steps[1] - steps[0]) / 2 if len(steps) > 1 else 0.5
    sides = np.concatenate([[steps[0] - half], middles, [steps[-1] + half]])
    mesh = ax.pcolormesh(sides, edges, np.sqrt(density.T), cmap=color_map(SEQUENTIAL_MAP), vmin=0, rasterized=True)
    bar = color_bar(ax, mesh, "density (share per unit of value)")
    top = float(np.sqrt(density).max())
    places = np.linspace(0, top, 4)
    bar.set_ticks(places.tolist(), labels=[f"{place**2:.2g}" for place in places])
    if edges[0] < 0 < edges[-1]:
        ax.axhline(0, color=text_color(ax), linewidth=0.7, alpha=0.5, linestyle=":")
    ax.spines[:].set_visible(False)
    ax.set_xlabel("step")
    ax.set_ylabel("value")


def _common_edges(histograms: Histograms, trim: float) -> Array:
    """The edges of common bins, which contain all values but for the share `trim`."""
    filled = histograms.counts.any(axis=1)
    ranges = histograms.ranges[filled]
    fine = np.linspace(ranges[:, 0].min(), ranges[:, 1].max(), 4097)
    total = sum(
        rebinned(counts, (low, high), fine) / counts.sum()
        for counts, (low, high) in zip(histograms.counts[filled], ranges, strict=True)
    )
    share = np.concatenate([[0], np.cumsum(total)])
    share /= share[-1]
    low = fine[max(0, int(np.searchsorted(share, trim / 2, "right")) - 1)]
    high = fine[min(len(fine) - 1, int(np.searchsorted(share, 1 - trim / 2)))]
    return np.linspace(low, high, BINS + 1)


def _density(histograms: Histograms, t: int, edges: Array) -> Array:
    """The density of the values: the curve has the area 1."""
    counts, (low, high) = histograms.counts[t], histograms.ranges[t]
    if not counts.any():
        return np.zeros(len(edges) - 1)
    return np.asarray(rebinned(counts, (low, high), edges) / counts.sum() / np.diff(edges))


def _evenly_spaced(count: int, most: int) -> Array:
    """At most so many evenly spaced numbers from 0 to count - 1, with both ends."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(int))
