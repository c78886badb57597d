"""Plots of a training's loss and accuracy, epoch by epoch."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

from minigrad.errors import UsageError
from minigrad.viz.palette import BLUE, VERMILION
from minigrad.viz.plots.style import given_or_new_axes, new_figure, remove_clutter

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LABELS: Final = {"loss": "loss (mean per sample)", "accuracy": "accuracy (%)"}


def plot_curves(history: Iterable[Mapping[str, float]], ax: Axes | None = None, *, metric: str = "loss") -> Axes:
    """Plot one metric of a training, a point for each epoch, for the training and the test set.

    A loss that falls below a tenth of its largest value is drawn on a logarithmic axis.

    Args:
        history: the records of the epochs, as `fit` returns them.
        ax: the Axes to draw on (default: new ones).
        metric: "loss", "accuracy", or another name in the records (default "loss").

    Returns:
        The Axes.

    Raises:
        UsageError: no record has this metric, or this is no history.
        MissingExtraError: matplotlib, of the extra `plot`, is not installed.
    """
    records = _records("plot_curves", history)
    ax = given_or_new_axes(ax, 5.0, 3.6)
    scale = 100 if metric == "accuracy" else 1
    values: list[float] = []
    for name, label, color, marker in ((metric, "train", BLUE, "o"), (f"test_{metric}", "test", VERMILION, "s")):
        points = [(record["epoch"], scale * record[name]) for record in records if name in record]
        if points:
            ax.plot(*zip(*points, strict=True), color=color, label=label, marker=marker, markersize=3.5, linewidth=1.5)
            values += [y for _, y in points]
    if not values:
        raise UsageError(f"plot_curves: no record of the history has {metric!r}")
    if metric == "loss" and 0 < min(values) < max(values) / 10:
        _logarithmic(ax)
    remove_clutter(ax)
    _whole_epochs(ax)
    ax.set_xlabel("epoch")
    ax.set_ylabel(LABELS.get(metric, metric))
    ax.legend(frameon=False)
    return ax


def save_curves(history: Iterable[Mapping[str, float]], path: str | os.PathLike[str]) -> None:
    """Plot the loss and, where there is one, the accuracy side by side into an image file.

    Args:
        history: the records of the epochs, as `fit` returns them.
        path: where to; the suffix chooses the format, such as .png.

    Raises:
        UsageError: this is no history.
        MissingExtraError: matplotlib, of the extra `plot`, is not installed.
    """
    records = _records("save_curves", history)
    metrics = [metric for metric in LABELS if any(metric in record for record in records)]
    figure = new_figure(4.6 * max(1, len(metrics)), 3.6)
    for i, metric in enumerate(metrics):
        plot_curves(records, figure.add_subplot(1, len(metrics), i + 1), metric=metric)
    figure.savefig(path)


def _records(caller: str, history: Iterable[Mapping[str, float]]) -> list[Mapping[str, float]]:
    records = list(history) if isinstance(history, Iterable) else [history]
    if not all(isinstance(record, Mapping) for record in records):
        raise UsageError(f"{caller}: takes the history that fit() returns, not a {type(history).__name__}")
    return records


def _logarithmic(ax: Axes) -> None:
    from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter

    ax.set_yscale("log")
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))


def _whole_epochs(ax: Axes) -> None:
    """Ticks at whole epochs only."""
    from matplotlib.ticker import MaxNLocator

    ax.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
