"""A plot of a confusion matrix."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, cast

import numpy as np

from minigrad.autograd.tensor import as_array
from minigrad.errors import DTypeError, UsageError
from minigrad.nn import Module
from minigrad.training import confusion_matrix
from minigrad.training.training_state import Data
from minigrad.typing import Array, ArrayLike
from minigrad.viz.misclassified import classify
from minigrad.viz.palette import VERMILION
from minigrad.viz.plots.style import given_or_new_axes, new_figure, title

if TYPE_CHECKING:
    from matplotlib.axes import Axes


MAX_NAME: Final = 24
"""The number of characters of a class's name that are shown."""
LEVEL_NAME: Final = 4
"""The number of characters that fit below a column; longer names are written upward."""


def plot_confusion(
    matrix: ArrayLike | Module, labels: Sequence[str] | Data | None = None, ax: Axes | None = None
) -> Axes:
    """Plot a confusion matrix: the number of samples of each class (row) for each predicted class (column).

    Shades show the share of the row's class; the numbers are counts, and mistakes have a color of their own.

    Args:
        matrix: the counts (D, D), as `confusion_matrix` computes them; or a classifier.
        labels: the names of the D classes (default None: those of the samples, or their numbers). With a classifier,
            the samples to test it on: a loader, a dataset, or arrays with the class numbers last.
        ax: the Axes to draw on (default: new ones).

    Returns:
        The Axes.

    Raises:
        UsageError: the matrix is not square, or has another size than `labels`; a classifier comes without samples.
        ShapeError: the samples are not those of a classifier.
        MissingExtraError: matplotlib, of the extra `plot`, is not installed.
    """
    counts, labels = _counts_and_names(matrix, labels)
    if counts.shape != (len(labels), len(labels)):
        raise UsageError(f"plot_confusion: {len(labels)} labels need as many rows and columns, got {counts.shape}")
    ax = given_or_new_axes(ax, *_size(labels))
    shares = counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
    ax.imshow(shares, cmap="Blues", vmin=0, vmax=1.15)
    for (i, j), count in np.ndenumerate(counts):
        mistake = i != j and count > 0
        color = "white" if shares[i, j] > 0.6 else VERMILION if mistake else "black" if count else "#BBBBBB"
        ax.text(j, i, str(count), ha="center", va="center", color=color, weight="bold" if mistake else "normal", size=9)
    ax.set_xticks(range(len(labels)), labels, rotation=0 if _longest(labels) <= LEVEL_NAME else 90)
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
    figure = new_figure(*_size(_names(labels)))
    plot_confusion(matrix, labels, figure.add_subplot())
    figure.savefig(path)


def _counts_and_names(matrix: ArrayLike | Module, labels: Sequence[str] | Data | None) -> tuple[Array, list[str]]:
    """The counts and the names of the classes, for a matrix or for a classifier and its samples."""
    if isinstance(matrix, Module):
        outcome = classify("plot_confusion", matrix, labels)
        classes = outcome.scores.shape[1]
        counts = confusion_matrix(outcome.scores.argmax(axis=1), outcome.labels, classes)
        return counts, _names(outcome.classes if len(outcome.classes) == classes else range(classes))
    try:
        counts = as_array(matrix)
    except DTypeError:
        counts = np.zeros(())
    if not counts.ndim or (labels is None and counts.ndim != 2):
        raise UsageError(
            "plot_confusion: takes the counts (D, D) of confusion_matrix(predicted, target, classes), or a model and "
            f"its test samples, plot_confusion(model, test); got {_described(matrix)}"
        )
    return counts.astype(np.int64), _names(range(len(counts)) if labels is None else cast("Sequence[str]", labels))


def _described(value: object) -> str:
    shape = getattr(value, "shape", None)
    return type(value).__name__ if shape is None else f"shape {shape}"


def _names(labels: Sequence[object]) -> list[str]:
    """The names as they are shown, those that are very long shortened."""
    return [name if len(name) <= MAX_NAME else name[: MAX_NAME - 1].rstrip() + "…" for name in map(str, labels)]


def _longest(labels: Sequence[str]) -> int:
    return max(map(len, labels), default=0)


def _size(labels: Sequence[str]) -> tuple[float, float]:
    """Width and height in inches: cells for the classes, and room for their names."""
    size, names = 1.6 + 0.42 * len(labels), 0.085 * max(0, _longest(labels) - LEVEL_NAME)
    return size + names, size + names
