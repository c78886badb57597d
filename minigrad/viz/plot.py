"""Plots of a training's results. Each function draws on the Axes that it is given, or on new ones, and returns them.

Matplotlib, of the extra `plot`, is imported when used. New figures have a canvas of their own (Agg): no window opens,
and whatever the caller does with pyplot is left alone.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from minigrad.errors import UsageError
from minigrad.viz.plot_style import BLUE, VERMILION, axes, new_figure, tidy, title

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TRAIN, TEST = BLUE, VERMILION

AXES: Final = {"loss": "loss (mean per sample)", "accuracy": "accuracy (%)"}


def plot_curves(history: Iterable[Mapping[str, Any]], ax: Axes | None = None, *, metric: str = "loss") -> Axes:
    """One measure of a training, an epoch a point, for the training and the test set.

    A loss that falls below a tenth of its largest value is drawn on a logarithmic axis.

    Args:
        history: records as `fit` returns them.
        ax: where to; new Axes unless given.
        metric: "loss" or "accuracy".

    Raises:
        UsageError: there are no records of this measure.
        MissingExtraError: matplotlib, of the extra `plot`, is not installed.
    """
    records = list(history)
    ax = axes(ax, 5.0, 3.6)
    scale = 100 if metric == "accuracy" else 1
    values: list[float] = []
    for name, label, color, marker in ((metric, "train", TRAIN, "o"), (f"test_{metric}", "test", TEST, "s")):
        points = [(record["epoch"], scale * record[name]) for record in records if name in record]
        if points:
            ax.plot(*zip(*points, strict=True), color=color, label=label, marker=marker, markersize=3.5, linewidth=1.5)
            values += [y for _, y in points]
    if not values:
        raise UsageError(f"plot_curves: no record of the history has {metric!r}")
    if metric == "loss" and 0 < min(values) < max(values) / 10:
        _logarithmic(ax)
    tidy(ax)
    _whole_epochs(ax)
    ax.set_xlabel("epoch")
    ax.set_ylabel(AXES.get(metric, metric))
    ax.legend(frameon=False)
    return ax


def plot_confusion(matrix: Any, labels: Sequence[str], ax: Axes | None = None) -> Axes:
    """A confusion matrix: how many samples of each class (row) were taken for each class (column).

    Shades show the share of the row's class; the numbers are counts, and mistakes stand out by their color.

    Args:
        matrix: counts (D, D), as `confusion_matrix` gives them.
        labels: the names of the D classes.
        ax: where to; new Axes unless given.

    Raises:
        UsageError: the matrix is not square, or has another size than `labels`.
        MissingExtraError: matplotlib, of the extra `plot`, is not installed.
    """
    counts = np.asarray(matrix)
    if counts.shape != (len(labels), len(labels)):
        raise UsageError(f"plot_confusion: {len(labels)} labels need as many rows and columns, got {counts.shape}")
    ax = ax if ax is not None else _confusion_figure(len(labels)).add_subplot()
    shares = counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
    ax.imshow(shares, cmap="Blues", vmin=0, vmax=1.15)
    for (i, j), count in np.ndenumerate(counts):
        mistake = i != j and count > 0
        color = "white" if shares[i, j] > 0.6 else TEST if mistake else "black" if count else "#BBBBBB"
        ax.text(j, i, str(count), ha="center", va="center", color=color, weight="bold" if mistake else "normal", size=9)
    ax.set_xticks(range(len(labels)), labels)
    ax.set_yticks(range(len(labels)), labels)
    ax.set_xlabel("predicted class")
    ax.set_ylabel("true class")
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    right = int(np.trace(counts))
    title(ax, f"{right:,} of {counts.sum():,} right (numbers of samples)")
    return ax


def save_curves(history: Iterable[Mapping[str, Any]], path: str | os.PathLike[str]) -> None:
    """Draw the loss and, where there is one, the accuracy side by side into a picture file."""
    records = list(history)
    metrics = [metric for metric in AXES if any(metric in record for record in records)]
    figure = new_figure(4.6 * max(1, len(metrics)), 3.6)
    for i, metric in enumerate(metrics):
        plot_curves(records, figure.add_subplot(1, len(metrics), i + 1), metric=metric)
    figure.savefig(path)


def save_confusion(matrix: Any, labels: Sequence[str], path: str | os.PathLike[str]) -> None:
    """Draw a confusion matrix into a picture file."""
    figure = _confusion_figure(len(labels))
    plot_confusion(matrix, labels, figure.add_subplot())
    figure.savefig(path)


def _confusion_figure(classes: int) -> Figure:
    size = 1.6 + 0.42 * classes
    return new_figure(size, size)


def _logarithmic(ax: Axes) -> None:
    from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter

    ax.set_yscale("log")
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))


def _whole_epochs(ax: Axes) -> None:
    """There are no fractions of epochs."""
    from matplotlib.ticker import MaxNLocator

    ax.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
