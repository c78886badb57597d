"""Sheets of small pictures: the filters of a convolution, the maps of a layer, images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.autograd.tensor import as_array
from minigrad.errors import ShapeError, UsageError
from minigrad.nn import Module
from minigrad.viz.plot_style import (
    MEASURED,
    SIGNED,
    axes,
    columns_for,
    corner,
    ink,
    picture,
    scale,
    sheet,
    sheet_gap,
    show,
    title,
)
from minigrad.viz.probe import feature_maps, images_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_filters(
    weight: Any, ax: Axes | None = None, *, columns: int | None = None, channel: int | None = None, name: str = ""
) -> Axes:
    """The kernels of a convolution, row by row; beside each row stands the number of its first kernel.

    Kernels of three channels are shown in color, with gray for 0; those of one channel in violet (above 0) and orange
    (below). Of more channels one is shown, or all of them: then a row is a kernel, and a column a channel.

    Args:
        weight: a convolution, or its weight (O, C, P, Q).
        ax: where to; new Axes unless given.
        columns: how many stand in a row.
        channel: the one that is shown.
        name: of the layer, for the title.

    Raises:
        ShapeError: these are no kernels.
        UsageError: there is no such channel.
        MissingExtraError: matplotlib, of the extra `plot`, is not installed.
    """
    kernels = as_array(getattr(weight, "weight", weight))
    if kernels.ndim != 4 or 0 in kernels.shape:
        raise ShapeError(f"plot_filters: expected a convolution or its weight (O, C, P, Q), got shape {kernels.shape}")
    count, channels, height, width = kernels.shape
    if channel is not None:
        if not 0 <= channel < channels:
            raise UsageError(f"plot_filters: kernels of {channels} channels have none of number {channel}")
        kernels = kernels[:, channel : channel + 1]
    limit = float(np.abs(kernels).max()) or 1.0
    colored = kernels.shape[1] == 3
    if colored:
        pictures = [np.moveaxis(kernel, 0, -1) / (2 * limit) + 0.5 for kernel in kernels]
        columns = columns or columns_for(count)
    else:
        pictures = list(kernels.reshape(-1, height, width))
        columns = columns or (columns_for(count) if kernels.shape[1] == 1 else channels)
    ax = _sheet_axes(ax, len(pictures), columns, bar=not colored)
    gap = sheet_gap(height)
    drawn = show(ax, sheet(pictures, columns, gap), SIGNED, -limit, limit)
    _count_rows(
        ax, len(pictures), columns, (height, width), gap, every=1 if kernels.shape[1] not in (1, 3) else columns
    )
    if not colored:
        scale(ax, drawn, "weight")
    of = f"channel {channel} of {channels}" if channel is not None else f"{channels} channel{'s' * (channels > 1)}"
    title(ax, f"{name}: {count} filters {height}×{width}, {of}".removeprefix(": "))
    return ax


def plot_feature_maps(
    model: Module,
    image: Any,
    layer: str,
    ax: Axes | None = None,
    *,
    count: int = 64,
    columns: int | None = None,
    own_scale: bool = False,
) -> Axes:
    """What a layer makes of one image: a picture a channel, with the channel's number.

    Args:
        model: runs in evaluation mode and is left as it was.
        image: (C, H, W).
        layer: the path of a layer with maps.
        ax: where to; new Axes unless given.
        count: so many are shown at most: those with the largest values, in the order of their channels.
        columns: how many stand in a row.
        own_scale: stretch the colors of each map by itself, which shows faint ones, too.

    Raises:
        UsageError: there is no such layer.
        ShapeError: the layer gives no maps.
        MissingExtraError: matplotlib, of the extra `plot`, is not installed.
    """
    x, _ = images_of(image, "plot_feature_maps")
    if len(x) != 1:
        raise ShapeError(f"plot_feature_maps: expected one image, got {len(x)}: choose one, images[0] for instance")
    maps = feature_maps(model, x, layer)[0]
    if maps.ndim != 3:
        raise ShapeError(f"plot_feature_maps: {layer!r} gives {maps.shape} for an image, not maps (O, I, J)")
    chosen = np.sort(np.argsort(-np.abs(maps).max(axis=(1, 2)), kind="stable")[:count])
    shown, signed = maps[chosen], bool(maps.min() < 0)
    sizes = np.abs(shown).max(axis=(1, 2), keepdims=True)
    if own_scale:
        shown = shown / np.where(sizes > 0, sizes, 1)
    limit = 1.0 if own_scale else float(sizes.max()) or 1.0
    columns = min(columns or columns_for(len(chosen)), len(chosen))
    ax = _sheet_axes(ax, len(chosen), columns, bar=True)
    gap = sheet_gap(maps.shape[1])
    drawn = show(ax, sheet(list(shown), columns, gap), SIGNED if signed else MEASURED, -limit if signed else 0, limit)
    _number(ax, chosen.tolist(), columns, maps.shape[1:], gap)
    scale(ax, drawn, "share of each map's largest value" if own_scale else "activation")
    more = "" if len(chosen) == len(maps) else f", the {len(chosen)} strongest"
    title(ax, f"{layer}: {len(maps)} maps {maps.shape[1]}×{maps.shape[2]}{more}")
    return ax


def plot_images(
    images: Any,
    ax: Axes | None = None,
    *,
    labels: Sequence[Any] | None = None,
    columns: int | None = None,
    cmap: str = "gray",
) -> Axes:
    """Images side by side on one scale, each with its label.

    Args:
        images: (N, C, H, W): with three channels in color, of others the mean.
        ax: where to; new Axes unless given.
        labels: a text for each.
        columns: how many stand in a row.
        cmap: the colors of images of one channel: "gray_r" for ink on paper.

    Raises:
        ShapeError: these are no images.
        UsageError: there is not one label for each.
        MissingExtraError: matplotlib, of the extra `plot`, is not installed.
    """
    x, _ = images_of(images, "plot_images")
    if labels is not None and len(labels) != len(x):
        raise UsageError(f"plot_images: {len(x)} images need as many labels, got {len(labels)}")
    columns = min(columns or columns_for(len(x)), len(x))
    ax = _sheet_axes(ax, len(x), columns, bar=False)
    height, width = x.shape[2:]
    gap, over = sheet_gap(height), round(height / 3.2) if labels is not None else 0
    show(ax, sheet([picture(image) for image in x], columns, gap, over), cmap)
    for i, label in enumerate(labels if labels is not None else ()):
        top, left = corner(i, columns, (height, width), gap, over)
        ax.text(left + width / 2, top - height / 24, str(label), ha="center", va="bottom", size=8, color=ink(ax))
    return ax


def _sheet_axes(ax: Axes | None, count: int, columns: int, *, bar: bool) -> Axes:
    """Axes for a sheet, about half an inch a picture."""
    rows = -(-count // columns)
    side = min(0.8, 8.0 / columns, 6.0 / rows)
    return axes(ax, max(3.0, side * columns) + (0.9 if bar else 0.1), max(1.0, side * rows) + 0.4)


def _count_rows(ax: Axes, count: int, columns: int, size: Sequence[int], gap: int, *, every: int) -> None:
    """The number of the first picture beside each row; with every=1, rows and columns are numbered by themselves."""
    rows = range(-(-count // columns))
    middles = [corner(row * columns, columns, size, gap)[0] + (size[0] - 1) / 2 for row in rows]
    ax.set_yticks(middles, [str(row * every) for row in rows])
    if every == 1:
        across = [corner(i, columns, size, gap)[1] + (size[1] - 1) / 2 for i in range(columns)]
        ax.set_xticks(across, [str(i) for i in range(columns)])
        ax.set_xlabel("channel", size=8)
        ax.set_ylabel("filter", size=8)
    ax.tick_params(length=0, labelsize=7, pad=2)


def _number(ax: Axes, numbers: Sequence[int], columns: int, size: Sequence[int], gap: int) -> None:
    """The channel's number in the corner of each map, readable on any color."""
    from matplotlib.patheffects import withStroke

    for i, number in enumerate(numbers):
        top, left = corner(i, columns, size, gap)
        rim = [withStroke(linewidth=1.6, foreground="black")]
        style: dict[str, Any] = {"size": 6, "color": "white", "path_effects": rim}
        ax.annotate(str(number), (left - 0.5, top - 0.5), (2, -2), textcoords="offset points", va="top", **style)
