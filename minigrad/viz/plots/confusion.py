"""A plot of a confusion matrix."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from minigrad.errors import UsageError
from minigrad.typing import ArrayLike
from minigrad.viz.palette import VERMILION
from minigrad.viz.plots.style import new_figure, title

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def plot_confusion(matrix: ArrayLike, labels: Sequence[str], ax: Axes | None = None) -> Axes:
    """Plot a confusion matrix: the number of samples of each class (row) for each predicted class (column).

    Shades show the share of the row's class; the numbers are counts, and mistakes have a color of their own.

    Args:
        matrix: the counts (D, D), as `confusion_matrix` computes them.
        labels: the names of the D classes.
        ax: the Axes to draw on (default: new ones).

    Returns:
        The Axes.

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
        color = "white" if shares[i, j] > 0.6 else VERMILION if mistake else "black" if count else "#BBBBBB"
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


def save_confusion(matrix: ArrayLike, labels: Sequence[str], path: str | os.PathLike[str]) -> None:
    """Plot a confusion matrix into an image file.

    Args:
        matrix, labels: as for `plot_confusion`.
        path: where to; the suffix chooses the format, such as .png.

    Raises:
        UsageError: the matrix is not square, or has another size than `labels`.
        MissingExtraError: matplotlib, of the extra `plot`, is not installed.
    """
    figure = _confusion_figure(len(labels))
    plot_confusion(matrix, labels, figure.add_subplot())
    figure.savefig(path)


def _confusion_figure(classes: int) -> Figure:
    size = 1.6 + 0.42 * classes
    return new_figure(size, size)
