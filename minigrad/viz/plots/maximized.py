"""A plot of activation maximization: the image that maximizes each of several units."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.errors import ShapeError, UsageError
from minigrad.nn import Module
from minigrad.typing import ArrayLike
from minigrad.viz.activation_maximization import maximize_activation
from minigrad.viz.activations import as_images, feature_maps
from minigrad.viz.plots.images import plot_images
from minigrad.viz.plots.style import title

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_maximized(
    model: Module,
    start: ArrayLike,
    units: Sequence[int],
    layer: str = "",
    ax: Axes | None = None,
    *,
    labels: Sequence[str] | None = None,
    columns: int | None = None,
    cmap: str = "gray",
    **settings: Any,  # numbers and pairs of numbers
) -> Axes:
    """Plot the image that maximizes each of several units, from the same start: see `maximize_activation`.

    Above each image are its unit and the value reached: the score of a class, or the mean of a channel.

    Args:
        model: the network.
        start: one image (C, H, W), gray for instance.
        units: classes, or channels of the layer.
        layer: the path of the layer; "" is the model itself (default "").
        ax: the Axes to draw on (default: new ones).
        labels: the names of the units (default: their numbers).
        columns: the number of images in a row (default: as their number suggests).
        cmap: the color map of images of one channel (default "gray"; "gray_r" is dark on light).
        **settings: steps, lr, decay, blur and bounds of `maximize_activation`.

    Returns:
        The Axes.

    Raises:
        UsageError: there is no unit, there are more or fewer labels than units, or see `maximize_activation`.
        ShapeError: the start is not one image.
        MissingExtraError: matplotlib, of the extra `plot`, is not installed.
    """
    x, _ = as_images(start, "plot_maximized")
    if len(x) != 1:
        raise ShapeError(f"plot_maximized: expected one image (C, H, W) to start from, got {len(x)}")
    names = [str(unit) for unit in units] if labels is None else list(labels)
    if not names or len(names) != len(units):
        raise UsageError(f"plot_maximized: expected units and a label for each, got {len(units)} and {len(names)}")
    found = maximize_activation(model, np.repeat(x, len(units), axis=0), list(units), layer, **settings)
    outputs = feature_maps(model, found, layer)
    reached = [float(output[unit].mean()) for output, unit in zip(outputs, units, strict=True)]
    texts = [f"{name}: {value:.3g}" for name, value in zip(names, reached, strict=True)]
    ax = plot_images(found, ax, labels=texts, columns=columns, cmap=cmap)
    title(ax, f"{layer or 'output'}, maximized (unit: value)")
    return ax
