"""Plots of what a network looks at: Grad-CAM, the deconvnet, receptive fields."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.errors import ShapeError
from minigrad.nn import Module
from minigrad.typing import Array
from minigrad.viz.attribution import grad_cam
from minigrad.viz.deconvnet import deconvnet
from minigrad.viz.plot_style import MEASURED, SIGNED, VERMILION, axes, picture, scale, show, title
from minigrad.viz.probe import feature_maps, images_of
from minigrad.viz.receptive_field import Box, effective_field, receptive_field

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_grad_cam(
    model: Module, image: Any, layer: str, target: int | None = None, ax: Axes | None = None, *, cmap: str = "gray"
) -> Axes:
    """An image, and over it where a layer finds what speaks for a class: see `grad_cam`.

    The more orange, the more it speaks for the class; what does not is left as it is.

    Args:
        model, layer, target: as for `grad_cam`.
        image: (C, H, W).
        ax: where to; new Axes unless given.
        cmap: the colors of an image of one channel.

    Raises:
        UsageError, ShapeError: see `grad_cam`.
        MissingExtraError: matplotlib, of the extra `plot`, is not installed.
    """
    x = _one(image, "plot_grad_cam")
    cam = grad_cam(model, x, layer, target)
    ax = axes(ax, 4.2, 3.4)
    from matplotlib.colors import LinearSegmentedColormap, to_rgb

    show(ax, picture(x), cmap)
    largest = float(cam.max())
    strength = cam / largest if largest > 0 else cam
    red, green, blue = to_rgb(VERMILION)
    glow = LinearSegmentedColormap.from_list("glow", [(red, green, blue, 0.0), (red, green, blue, 0.9)])
    scale(ax, ax.imshow(strength, cmap=glow, vmin=0, vmax=1, interpolation="bilinear"), "share of the largest value")
    scores = feature_maps(model, x, "")
    chosen = int(scores.argmax()) if target is None else target
    chances = np.exp(scores - scores.max()) / np.exp(scores - scores.max()).sum()
    title(ax, f"Grad-CAM at {layer} for class {chosen} ({chances[chosen]:.0%})" + ("" if largest > 0 else ": nothing"))
    return ax


def plot_deconvnet(
    model: Module,
    image: Any,
    layer: str,
    unit: int | Sequence[int],
    ax: Axes | None = None,
    *,
    guided: bool = False,
    frame: bool = True,
) -> Axes:
    """What in an image makes a unit answer: see `deconvnet`. Violet pixels speak for it, orange ones against.

    Args:
        model, layer, unit, guided: as for `deconvnet`.
        image: (C, H, W); of several channels the mean of the answer is shown.
        ax: where to; new Axes unless given.
        frame: draw the receptive field of the unit.

    Raises:
        UsageError, ShapeError: see `deconvnet`.
        MissingExtraError: matplotlib, of the extra `plot`, is not installed.
    """
    x = _one(image, "plot_deconvnet")
    back = deconvnet(model, x, layer, unit, guided=guided).mean(axis=0)
    maps = feature_maps(model, x, layer)
    place = _largest(maps, unit)
    ax = axes(ax, 4.2, 3.4)
    limit = float(np.abs(back).max()) or 1.0
    scale(ax, show(ax, back, SIGNED, -limit, limit), "answer")
    _outline(ax, picture(x))
    if frame and maps.ndim == 3:
        _frame(ax, receptive_field(model, x.shape, layer, place), VERMILION)
    title(ax, f"{layer} unit {', '.join(map(str, place))}: {float(maps[place]):.3g}")
    return ax


def plot_receptive_field(
    model: Module,
    images: Any,
    layer: str,
    unit: Sequence[int] | int | None = None,
    ax: Axes | None = None,
) -> Axes:
    """What a unit can see, as a frame, and how much it minds each pixel, as shades.

    The ellipse holds what counts: two standard deviations of the effective field in each direction.

    Args:
        model, images, layer, unit: as for `effective_field`.
        ax: where to; new Axes unless given.

    Raises:
        UsageError: there is no such layer or unit.
        MissingExtraError: matplotlib, of the extra `plot`, is not installed.
    """
    x, _ = images_of(images, "plot_receptive_field")
    field = effective_field(model, x, layer, unit)
    box = receptive_field(model, x.shape[1:], layer, unit)
    ax = axes(ax, 4.4, 3.4)
    from matplotlib.patches import Ellipse

    drawn = show(ax, field / (field.sum() or 1) * 100, MEASURED, 0)
    _frame(ax, box, VERMILION)
    text = f"{layer}: sees {box.height}×{box.width}"
    if field.any():
        (row, column), (tall, wide) = _moments(field)
        ax.add_patch(
            Ellipse((column, row), 4 * wide, 4 * tall, fill=False, color="white", linestyle="--", linewidth=1.2)
        )
        text += f", minds about {4 * tall:.0f}×{4 * wide:.0f}"
    scale(ax, drawn, "share of the gradient (%)")
    title(ax, f"{text} pixels")
    return ax


def _one(image: Any, who: str) -> Array:
    x, _ = images_of(image, who)
    if len(x) != 1:
        raise ShapeError(f"{who}: expected one image (C, H, W), got {len(x)}: choose one, images[0] for instance")
    return np.asarray(x[0])


def _largest(maps: Array, unit: int | Sequence[int]) -> tuple[int, ...]:
    """The place of the unit in the maps: of a channel alone its largest answer."""
    index = (unit,) if isinstance(unit, int) else tuple(unit)
    if len(index) == maps.ndim:
        return index
    return (*index, *map(int, np.unravel_index(int(maps[index].argmax()), maps[index].shape)))


def _frame(ax: Axes, box: Box, color: str) -> None:
    from matplotlib.patches import Rectangle

    corner = (box.left - 0.5, box.top - 0.5)
    ax.add_patch(Rectangle(corner, box.width, box.height, fill=False, color=color, linewidth=1.8, clip_on=False))


def _outline(ax: Axes, image: Array) -> None:
    """The edges of the image, faintly, so that one sees where the answer lies in it."""
    gray = image if image.ndim == 2 else image.mean(axis=-1)
    middle = (float(gray.min()) + float(gray.max())) / 2
    if gray.min() < gray.max():
        ax.contour(gray, levels=[middle], colors="black", linewidths=0.7, alpha=0.55)


def _moments(field: Array) -> tuple[tuple[float, float], tuple[float, float]]:
    """Mean and standard deviation of the row and of the column, each pixel weighted by its value."""
    weights = field / field.sum()
    sides = [weights.sum(axis=1 - axis) for axis in (0, 1)]
    means = [float(side @ np.arange(len(side))) for side in sides]
    spread = [float(np.sqrt(side @ (np.arange(len(side)) - m) ** 2)) for side, m in zip(sides, means, strict=True)]
    return (means[0], means[1]), (spread[0], spread[1])
