"""A plot of activation maximization: the images that excite units most."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.errors import ShapeError, UsageError
from minigrad.nn import Module
from minigrad.viz.maximize import maximize_activation
from minigrad.viz.plot_image import plot_images
from minigrad.viz.plot_style import title
from minigrad.viz.probe import feature_maps, images_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_maximized(
    model: Module,
    start: Any,
    units: Sequence[int],
    layer: str = "",
    ax: Axes | None = None,
    *,
    labels: Sequence[str] | None = None,
    columns: int | None = None,
    cmap: str = "gray",
    **settings: Any,
) -> Axes:
    """The image that excites each of several units most, climbing from the same start: see `maximize_activation`.

    Above each image stand its unit and the answer: the score of a class, or a channel's mean.

    Args:
        model, layer: as for `maximize_activation`.
        start: one image (C, H, W), gray for instance.
        units: classes, or channels of the layer.
        ax: where to; new Axes unless given.
        labels: the names of the units; their numbers unless given.
        columns: how many stand in a row.
        cmap: the colors of images of one channel: "gray_r" for ink on paper.
        **settings: of `maximize_activation`: steps, lr, decay, blur, bounds.

    Raises:
        UsageError: there is no unit, there are more or fewer labels than units, or see `maximize_activation`.
        ShapeError: the start is not one image.
        MissingExtraError: matplotlib, of the extra `plot`, is not installed.
    """
    x, _ = images_of(start, "plot_maximized")
    if len(x) != 1:
        raise ShapeError(f"plot_maximized: expected one image (C, H, W) to start from, got {len(x)}")
    names = [str(unit) for unit in units] if labels is None else list(labels)
    if not names or len(names) != len(units):
        raise UsageError(f"plot_maximized: expected units and a label for each, got {len(units)} and {len(names)}")
    found = maximize_activation(model, np.repeat(x, len(units), axis=0), list(units), layer, **settings)
    answers = feature_maps(model, found, layer)
    reached = [float(answer[unit].mean()) for answer, unit in zip(answers, units, strict=True)]
    texts = [f"{name}: {value:.3g}" for name, value in zip(names, reached, strict=True)]
    ax = plot_images(found, ax, labels=texts, columns=columns, cmap=cmap)
    title(ax, f"{layer or 'output'}, maximized (unit: answer)")
    return ax
