"""Plots of many small images: the filters of a convolution, the maps of a layer, images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.autograd.tensor import as_array
from minigrad.errors import ShapeError, UsageError
from minigrad.nn import Module
from minigrad.typing import ArrayLike
from minigrad.viz.activations import as_images, as_one_image, feature_maps
from minigrad.viz.palette import DIVERGING_MAP, SEQUENTIAL_MAP
from minigrad.viz.plots.image_grid import cell_corner, grid_columns, grid_gap, image_grid
from minigrad.viz.plots.style import channels_last, color_bar, given_or_new_axes, show_image, text_color, title

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_filters(
    weight: Module | ArrayLike,
    ax: Axes | None = None,
    *,
    columns: int | None = None,
    channel: int | None = None,
    name: str = "",
) -> Axes:
    """Plot the kernels of a convolution, row by row, with the number of the first one beside each row.

    Kernels of three channels are shown in color, with gray for 0; those of one channel in violet (above 0) and orange
    (below). Of other numbers of channels one is shown, or all: then each row is a kernel, each column a channel.

    Args:
        weight: a convolution, or its weight (O, C, P, Q).
        ax: the Axes to draw on (default: new ones).
        columns: the number of kernels in a row (default: as the number of kernels suggests).
        channel: the channel that is shown (default: all).
        name: the name of the layer, for the title (default "").

    Returns:
        The Axes.

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
        columns = columns or grid_columns(count)
    else:
        pictures = list(kernels.reshape(-1, height, width))
        columns = columns or (grid_columns(count) if kernels.shape[1] == 1 else channels)
    ax = _grid_axes(ax, len(pictures), columns, bar=not colored)
    gap = grid_gap(height)
    drawn = show_image(ax, image_grid(pictures, columns, gap), DIVERGING_MAP, -limit, limit)
    _count_rows(
        ax, len(pictures), columns, (height, width), gap, every=1 if kernels.shape[1] not in (1, 3) else columns
    )
    if not colored:
        color_bar(ax, drawn, "weight")
    of = f"channel {channel} of {channels}" if channel is not None else f"{channels} channel{'s' * (channels > 1)}"
    title(ax, f"{name}: {count} filters {height}×{width}, {of}".removeprefix(": "))
    return ax


def plot_feature_maps(
    model: Module,
    image: ArrayLike,
    layer: str,
    ax: Axes | None = None,
    *,
    count: int = 64,
    columns: int | None = None,
    own_scale: bool = False,
) -> Axes:
    """Plot the output of a layer for one image: an image for each channel, with its number.

    Args:
        model: the network; it runs in evaluation mode, and is left as it was.
        image: one image (C, H, W).
        layer: the path of a layer with an output (N, O, I, J).
        ax: the Axes to draw on (default: new ones).
        count: the number of maps that are shown at most (default 64): those with the largest values.
        columns: the number of maps in a row (default: as their number suggests).
        own_scale: scale the colors of each map by itself, which shows faint ones, too (default False).

    Returns:
        The Axes.

    Raises:
        UsageError: there is no such layer.
        ShapeError: the layer gives no maps.
        MissingExtraError: matplotlib, of the extra `plot`, is not installed.
    """
    maps = feature_maps(model, as_one_image(image, "plot_feature_maps"), layer)
    if maps.ndim != 3:
        raise ShapeError(f"plot_feature_maps: {layer!r} gives {maps.shape} for an image, not maps (O, I, J)")
    chosen = np.sort(np.argsort(-np.abs(maps).max(axis=(1, 2)), kind="stable")[:count])
    shown, signed = maps[chosen], bool(maps.min() < 0)
    sizes = np.abs(shown).max(axis=(1, 2), keepdims=True)
    if own_scale:
        shown = shown / np.where(sizes > 0, sizes, 1)
    limit = 1.0 if own_scale else float(sizes.max()) or 1.0
    columns = min(columns or grid_columns(len(chosen)), len(chosen))
    ax = _grid_axes(ax, len(chosen), columns, bar=True)
    gap = grid_gap(maps.shape[1])
    drawn = show_image(
        ax,
        image_grid(list(shown), columns, gap),
        DIVERGING_MAP if signed else SEQUENTIAL_MAP,
        -limit if signed else 0,
        limit,
    )
    _number(ax, chosen.tolist(), columns, maps.shape[1:], gap)
    color_bar(ax, drawn, "share of each map's largest value" if own_scale else "activation")
    more = "" if len(chosen) == len(maps) else f", the {len(chosen)} strongest"
    title(ax, f"{layer}: {len(maps)} maps {maps.shape[1]}×{maps.shape[2]}{more}")
    return ax


def plot_images(
    images: ArrayLike,
    ax: Axes | None = None,
    *,
    labels: Sequence[Any] | None = None,
    columns: int | None = None,
    cmap: str = "gray",
) -> Axes:
    """Plot images side by side on one color scale, each with its label.

    Args:
        images: (N, C, H, W), or one image (C, H, W); three channels are shown in color, of others the mean.
        ax: the Axes to draw on (default: new ones).
        labels: a text for each image (default: none).
        columns: the number of images in a row (default: as their number suggests).
        cmap: the color map of images of one channel (default "gray"; "gray_r" is dark on light).

    Returns:
        The Axes.

    Raises:
        ShapeError: these are no images.
        UsageError: there is not one label for each.
        MissingExtraError: matplotlib, of the extra `plot`, is not installed.
    """
    x, _ = as_images(images, "plot_images")
    if labels is not None and len(labels) != len(x):
        raise UsageError(f"plot_images: {len(x)} images need as many labels, got {len(labels)}")
    columns = min(columns or grid_columns(len(x)), len(x))
    ax = _grid_axes(ax, len(x), columns, bar=False)
    height, width = x.shape[2:]
    gap, above = grid_gap(height), round(height / 3.2) if labels is not None else 0
    show_image(ax, image_grid([channels_last(image) for image in x], columns, gap, above), cmap)
    for i, label in enumerate(labels if labels is not None else ()):
        top, left = cell_corner(i, columns, (height, width), gap, above)
        ax.text(left + width / 2, top - height / 24, str(label), ha="center", va="bottom", size=8, color=text_color(ax))
    return ax


def _grid_axes(ax: Axes | None, count: int, columns: int, *, bar: bool) -> Axes:
    """Axes for a grid, with about half an inch for each image."""
    rows = -(-count // columns)
    side = min(0.8, 8.0 / columns, 6.0 / rows)
    return given_or_new_axes(ax, max(3.0, side * columns) + (0.9 if bar else 0.1), max(1.0, side * rows) + 0.4)


def _count_rows(ax: Axes, count: int, columns: int, size: Sequence[int], gap: int, *, every: int) -> None:
    """The number of the first kernel beside each row; with every=1, rows and columns are numbered by themselves."""
    rows = range(-(-count // columns))
    middles = [cell_corner(row * columns, columns, size, gap)[0] + (size[0] - 1) / 2 for row in rows]
    ax.set_yticks(middles, [str(row * every) for row in rows])
    if every == 1:
        across = [cell_corner(i, columns, size, gap)[1] + (size[1] - 1) / 2 for i in range(columns)]
        ax.set_xticks(across, [str(i) for i in range(columns)])
        ax.set_xlabel("channel", size=8)
        ax.set_ylabel("filter", size=8)
    ax.tick_params(length=0, labelsize=7, pad=2)


def _number(ax: Axes, numbers: Sequence[int], columns: int, size: Sequence[int], gap: int) -> None:
    """The channel's number in the corner of each map, readable on any color."""
    from matplotlib.patheffects import withStroke

    for i, number in enumerate(numbers):
        top, left = cell_corner(i, columns, size, gap)
        rim = [withStroke(linewidth=1.6, foreground="black")]
        style: dict[str, Any] = {"size": 6, "color": "white", "path_effects": rim}
        ax.annotate(str(number), (left - 0.5, top - 0.5), (2, -2), textcoords="offset points", va="top", **style)
