"""A plot of a unit's receptive field and its effective receptive field."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from minigrad.nn import Module
from minigrad.typing import Array, ArrayLike
from minigrad.viz.activations import Unit, as_images
from minigrad.viz.palette import SEQUENTIAL_MAP, VERMILION
from minigrad.viz.plots.style import color_bar, given_or_new_axes, show_image, title
from minigrad.viz.receptive_fields import Box, effective_field, receptive_field

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_receptive_field(
    model: Module, images: ArrayLike, layer: str, unit: Unit | None = None, ax: Axes | None = None
) -> Axes:
    """Plot the pixels that a unit depends on, as a frame, and how strongly it depends on each, as shades.

    The ellipse has the radius of two standard deviations of the effective receptive field in each direction.

    Args:
        model, images, layer: as for `effective_field`.
        unit: as for `effective_field` (default: None, the middle of the output).
        ax: the Axes to draw on (default: new ones).

    Returns:
        The Axes.

    Raises:
        UsageError: see `effective_field`.
        ShapeError: see `effective_field`.
        MissingExtraError: matplotlib, of the extra `plot`, is not installed.
    """
    x, _ = as_images(images, "plot_receptive_field")
    field = effective_field(model, x, layer, unit)
    box = receptive_field(model, x.shape[1:], layer, unit)
    ax = given_or_new_axes(ax, 4.4, 3.4)
    from matplotlib.patches import Ellipse

    drawn = show_image(ax, field / (field.sum() or 1) * 100, SEQUENTIAL_MAP, 0)
    draw_box(ax, box)
    text = f"{layer}: field {box.height}×{box.width}"
    if field.any():
        (row, column), (tall, wide) = _mean_and_std(field)
        ax.add_patch(
            Ellipse((column, row), 4 * wide, 4 * tall, fill=False, color="white", linestyle="--", linewidth=1.2)
        )
        text += f", effective {4 * tall:.0f}×{4 * wide:.0f}"
    color_bar(ax, drawn, "share of the gradient (%)")
    title(ax, f"{text} pixels")
    return ax


def draw_box(ax: Axes, box: Box) -> None:
    """Draw a frame around pixels."""
    from matplotlib.patches import Rectangle

    corner = (box.left - 0.5, box.top - 0.5)
    ax.add_patch(Rectangle(corner, box.width, box.height, fill=False, color=VERMILION, linewidth=1.8, clip_on=False))


def _mean_and_std(field: Array) -> tuple[tuple[float, float], tuple[float, float]]:
    """Mean and standard deviation of the row and of the column, each pixel weighted by its value."""
    weights = field / field.sum()
    sides = [weights.sum(axis=1 - axis) for axis in (0, 1)]
    means = [float(side @ np.arange(len(side))) for side in sides]
    stds = [float(np.sqrt(side @ (np.arange(len(side)) - m) ** 2)) for side, m in zip(sides, means, strict=True)]
    return (means[0], means[1]), (stds[0], stds[1])
