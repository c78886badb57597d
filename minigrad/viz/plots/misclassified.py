"""A plot of misclassified samples with the probabilities that the network gave them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import numpy as np

from minigrad.autograd.tensor import as_array
from minigrad.errors import ShapeError, UsageError
from minigrad.nn import Module
from minigrad.training.training_state import Data
from minigrad.typing import ArrayLike
from minigrad.viz.misclassified import Misclassified, classify, mistakes
from minigrad.viz.palette import BLUE, GRAY, VERMILION
from minigrad.viz.plots.style import channels_last, given_or_new_axes, hide_axis, show_image, text_color, title

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_mistakes(
    images: ArrayLike | Module,
    found: Sequence[Misclassified] | Data,
    ax: Axes | None = None,
    *,
    classes: Sequence[str] | None = None,
    count: int = 12,
    columns: int = 4,
    top: int = 3,
    cmap: str = "gray",
) -> Axes:
    """Plot misclassified samples, the most confident mistakes first, with the probabilities of the likeliest classes.

    The bar of the predicted class is orange, that of the true class, which is always among them, blue.

    Args:
        images: all samples (N, C, H, W), as they were classified; or the classifier.
        found: the misclassified samples, as `mistakes` returns them; with a classifier, the samples to test it on: a
            loader, a dataset, or arrays with the class numbers last.
        ax: the Axes to draw on (default: new ones).
        classes: the names of the classes (default: those of the samples, or their numbers).
        count: the number of samples that are shown at most (default 12).
        columns: the number of samples in a row (default 4).
        top: the number of classes that are shown for each sample, at least 2 (default 3).
        cmap: the color map of images of one channel (default "gray"; "gray_r" is dark on light).

    Returns:
        The Axes.

    Raises:
        UsageError: count, columns or top is too small; `found` is neither of these.
        ShapeError: these are no images, or fewer than the mistakes need.
        MissingExtraError: matplotlib, of the extra `plot`, is not installed.
    """
    if count < 1 or columns < 1 or top < 2:
        raise UsageError(f"plot_mistakes: at least 1 sample, 1 column, 2 classes; got {count}, {columns}, {top}")
    if isinstance(images, Module):
        outcome = classify("plot_mistakes", images, cast("Data", found))
        classes = classes or outcome.classes or None
        images, found = outcome.inputs, mistakes(outcome.scores, outcome.labels)
    if not isinstance(found, Sequence) or not all(isinstance(one, Misclassified) for one in found):
        raise UsageError(
            "plot_mistakes: takes all images and what mistakes(scores, labels) found among them, or a model and its "
            f"test samples, plot_mistakes(model, test); the second is a {type(found).__name__} of other things"
        )
    pictures, shown = as_array(images), list(found)[:count]
    if pictures.ndim != 4 or any(mistake.sample >= len(pictures) for mistake in shown):
        raise ShapeError(f"plot_mistakes: expected all images (N, C, H, W) that were classified, got {pictures.shape}")
    columns = max(1, min(columns, len(shown)))
    rows = max(1, -(-len(shown) // columns))
    ax = given_or_new_axes(ax, max(4.7, 2.35 * columns), 1.3 * rows + 0.35)
    hide_axis(ax)
    ax.set_xlim(0, max(2, columns))
    ax.set_ylim(rows, 0)
    low, high = (float(pictures.min()), float(pictures.max())) if pictures.size else (0.0, 1.0)
    for i, mistake in enumerate(shown):
        row, column = divmod(i, columns)
        inset = ax.inset_axes((column + 0.02, row + 0.2, 0.4, 0.75), transform=ax.transData)
        show_image(inset, channels_last(pictures[mistake.sample]), cmap, low, high)
        bars = ax.inset_axes((column + 0.52, row + 0.24, 0.36, 0.66), transform=ax.transData)
        _bars(bars, mistake, classes, top)
        text = f"#{mistake.sample}: {_name(classes, mistake.label)}, not {_name(classes, mistake.predicted)}"
        ax.text(column + 0.03, row + 0.17, text, size=8, va="bottom", color=text_color(ax))
    more = f", the {len(shown)} most confident" if len(shown) < len(found) else ""
    title(ax, f"{len(found):,} sample{'s' * (len(found) != 1)} misclassified{more}; bars: probabilities in %")
    return ax


def _bars(ax: Axes, mistake: Misclassified, classes: Sequence[str] | None, top: int) -> None:
    """The likeliest classes and the true one, each a bar with its name and percentage."""
    order = np.argsort(-mistake.probabilities, kind="stable")
    chosen = order[:top].tolist()
    if mistake.label not in chosen:
        chosen[-1] = mistake.label
    chances = [float(mistake.probabilities[c]) for c in chosen]
    colors = [VERMILION if c == mistake.predicted else BLUE if c == mistake.label else GRAY for c in chosen]
    ax.barh(range(len(chosen)), chances, color=colors, height=0.72)
    for y, chance in enumerate(chances):
        ax.text(chance + 0.04, y, _percent(chance), va="center", size=7, color=text_color(ax))
    ax.set_yticks(range(len(chosen)), [_name(classes, c) for c in chosen], size=8)
    ax.set_xticks([])
    ax.set_xlim(0, 1)
    ax.set_ylim(len(chosen) - 0.4, -0.6)
    ax.tick_params(length=0, pad=2)
    ax.spines[:].set_visible(False)
    ax.patch.set_visible(False)


def _percent(chance: float) -> str:
    return f"{100 * chance:.0f}" if chance >= 0.095 else f"{100 * chance:.1f}" if chance >= 0.0005 else "<0.1"


def _name(classes: Sequence[str] | None, c: int) -> str:
    return str(classes[c]) if classes is not None else str(c)
