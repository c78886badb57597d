"""Plots of Grad-CAM and the deconvnet over an image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from minigrad.nn import Module
from minigrad.typing import Array, ArrayLike
from minigrad.viz.activations import Unit, as_one_image, feature_maps
from minigrad.viz.attribution import grad_cam
from minigrad.viz.deconvolution import deconvnet
from minigrad.viz.palette import DIVERGING_MAP, VERMILION
from minigrad.viz.plots.receptive_fields import draw_box
from minigrad.viz.plots.style import channels_last, color_bar, given_or_new_axes, show_image, title
from minigrad.viz.receptive_fields import receptive_field

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_grad_cam(
    model: Module,
    image: ArrayLike,
    layer: str,
    target: int | None = None,
    ax: Axes | None = None,
    *,
    cmap: str = "gray",
) -> Axes:
    """Plot an image, and over it where a layer finds evidence for a class: see `grad_cam`.

    The more orange, the more a place raises the score of the class; places that do not are left as they are.

    Args:
        model, layer: as for `grad_cam`.
        image: one image (C, H, W).
        target: the class (default: the one with the largest score).
        ax: the Axes to draw on (default: new ones).
        cmap: the color map of an image of one channel (default "gray").

    Returns:
        The Axes.

    Raises:
        UsageError: see `grad_cam`.
        ShapeError: see `grad_cam`, or there are several images.
        MissingExtraError: matplotlib, of the extra `plot`, is not installed.
    """
    x = as_one_image(image, "plot_grad_cam")
    cam = grad_cam(model, x, layer, target)
    ax = given_or_new_axes(ax, 4.2, 3.4)
    from matplotlib.colors import LinearSegmentedColormap, to_rgb

    show_image(ax, channels_last(x), cmap)
    largest = float(cam.max())
    strength = cam / largest if largest > 0 else cam
    red, green, blue = to_rgb(VERMILION)
    overlay = LinearSegmentedColormap.from_list("overlay", [(red, green, blue, 0.0), (red, green, blue, 0.9)])
    drawn = ax.imshow(strength, cmap=overlay, vmin=0, vmax=1, interpolation="bilinear")
    color_bar(ax, drawn, "share of the largest value")
    scores = feature_maps(model, x, "")
    chosen = int(scores.argmax()) if target is None else target
    chances = np.exp(scores - scores.max()) / np.exp(scores - scores.max()).sum()
    title(ax, f"Grad-CAM at {layer} for class {chosen} ({chances[chosen]:.0%})" + ("" if largest > 0 else ": nothing"))
    return ax


def plot_deconvnet(
    model: Module,
    image: ArrayLike,
    layer: str,
    unit: Unit,
    ax: Axes | None = None,
    *,
    guided: bool = False,
    frame: bool = True,
) -> Axes:
    """Plot the projection of a unit's activation to the pixels: see `deconvnet`. Violet is positive, orange negative.

    Args:
        model, layer, unit: as for `deconvnet`.
        image: one image (C, H, W); the mean of the projection over its channels is shown.
        ax: the Axes to draw on (default: new ones).
        guided: as for `deconvnet` (default False).
        frame: draw the receptive field of the unit (default True).

    Returns:
        The Axes.

    Raises:
        UsageError: see `deconvnet`.
        ShapeError: see `deconvnet`, or there are several images.
        MissingExtraError: matplotlib, of the extra `plot`, is not installed.
    """
    x = as_one_image(image, "plot_deconvnet")
    projection = deconvnet(model, x, layer, unit, guided=guided).mean(axis=0)
    maps = feature_maps(model, x, layer)
    place = _largest(maps, unit)
    ax = given_or_new_axes(ax, 4.2, 3.4)
    limit = float(np.abs(projection).max()) or 1.0
    color_bar(ax, show_image(ax, projection, DIVERGING_MAP, -limit, limit), "projection")
    _outline(ax, channels_last(x))
    if frame and maps.ndim == 3:
        draw_box(ax, receptive_field(model, x.shape, layer, place))
    title(ax, f"{layer} unit {', '.join(map(str, place))}: {float(maps[place]):.3g}")
    return ax


def _largest(maps: Array, unit: Unit) -> tuple[int, ...]:
    """The indices of a unit of the maps; for a channel alone, those of its largest activation."""
    index = (unit,) if isinstance(unit, int) else tuple(unit)
    if len(index) == maps.ndim:
        return index
    return (*index, *map(int, np.unravel_index(int(maps[index].argmax()), maps[index].shape)))


def _outline(ax: Axes, image: Array) -> None:
    """The edges of the image, faintly, to show where the projection lies in it."""
    gray = image if image.ndim == 2 else image.mean(axis=-1)
    middle = (float(gray.min()) + float(gray.max())) / 2
    if gray.min() < gray.max():
        ax.contour(gray, levels=[middle], colors="black", linewidths=0.7, alpha=0.55)
