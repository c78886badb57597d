"""The style of all plots: new Axes, color maps, images, titles.

Text, frames and grids take the colors of Matplotlib's style in use, so that plots suit a dark style as well.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from minigrad.errors import MissingExtraError, UsageError
from minigrad.typing import Array
from minigrad.viz.palette import GRAY

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable
    from matplotlib.colorbar import Colorbar
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage
    from matplotlib.typing import ColorType

MARKERS: Final = ("o", "s", "^", "D", "v", "P", "X")


def new_figure(width: float, height: float) -> Figure:
    """A figure of this size in inches, apart from pyplot.

    Raises:
        MissingExtraError: matplotlib, of the extra `plot`, is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError("matplotlib", extra="plot", purpose="plotting") from error
    figure = Figure(figsize=(width, height), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def given_or_new_axes(ax: Axes | None, width: float, height: float) -> Axes:
    """The Axes that were given, or those of a new figure of this size in inches.

    Raises:
        UsageError: `ax` is something else.
        MissingExtraError: matplotlib, of the extra `plot`, is not installed.
    """
    if ax is not None and not hasattr(ax, "transData"):
        raise UsageError(f"ax= is the Axes of matplotlib to draw on, not a {type(ax).__name__}")
    return ax if ax is not None else shown_figure(width, height).add_subplot()


def shown_figure(width: float, height: float) -> Figure:
    """A figure of this size in inches that pyplot shows and saves, where pyplot is in use; else one apart from it.

    Raises:
        MissingExtraError: matplotlib, of the extra `plot`, is not installed.
    """
    if not _pyplot_is_in_use():
        return new_figure(width, height)
    try:
        from matplotlib import pyplot

        return pyplot.figure(figsize=(width, height), dpi=150, layout="constrained")
    except ImportError as error:
        raise MissingExtraError("matplotlib", extra="plot", purpose="plotting") from error


def _pyplot_is_in_use() -> bool:
    """Whether the program has imported pyplot, or runs in a notebook, which shows the figures of pyplot only."""
    return any(sys.modules.get(name) is not None for name in ("matplotlib.pyplot", "ipykernel"))


def text_color(ax: Axes) -> ColorType:
    """The color of the text around the Axes: dark in a light style, light in a dark one."""
    return ax.xaxis.label.get_color()


def background_color(ax: Axes) -> ColorType:
    """The color behind what is drawn."""
    return ax.get_facecolor()


def remove_clutter(ax: Axes, grid: str | None = "y") -> None:
    """Remove the frame at the top and right, and draw a faint grid behind the rest."""
    ax.spines[["top", "right"]].set_visible(False)
    if grid:
        ax.grid(axis=grid, color=GRAY, alpha=0.25, linewidth=0.8)  # type: ignore[arg-type]  # "x", "y" or "both"
    ax.set_axisbelow(True)


def title(ax: Axes, text: str) -> None:
    """A gray line above the Axes."""
    ax.set_title(text, loc="left", size=10, color=GRAY)


def hide_axis(ax: Axes) -> None:
    """Remove ticks and frame, for images."""
    ax.set_xticks([])
    ax.set_yticks([])
    ax.spines[:].set_visible(False)


def color_map(name: str) -> Colormap:
    """A color map in which NaN is transparent."""
    from matplotlib import colormaps

    return colormaps[name].with_extremes(bad=(0, 0, 0, 0))


def show_image(
    ax: Axes, image: Array, cmap: str = "gray", low: float | None = None, high: float | None = None
) -> AxesImage:
    """Draw one image without ticks: (H, W) in colors of a map, (H, W, 3) or (H, W, 4) as it is."""
    drawn = ax.imshow(image, cmap=color_map(cmap), vmin=low, vmax=high, interpolation="nearest")
    hide_axis(ax)
    return drawn


def color_bar(ax: Axes, drawn: ScalarMappable, label: str) -> Colorbar:
    """A narrow color bar to the right of the Axes."""
    bar = ax.figure.colorbar(drawn, ax=ax, pad=0.02, aspect=24, shrink=0.9)
    bar.set_label(label, size=8)
    bar.ax.tick_params(labelsize=7, length=2)
    outline: Any = bar.outline  # declared as a function where it is an artist
    outline.set_visible(False)
    return bar


def channels_last(image: Array) -> Array:
    """An image (C, H, W) as matplotlib takes it: three channels as (H, W, 3) scaled to [0, 1], others as their mean."""
    if len(image) == 3:
        low, high = float(image.min()), float(image.max())
        return np.asarray(np.moveaxis((image - low) / (high - low or 1.0), 0, -1))
    return np.asarray(image[0] if len(image) == 1 else image.mean(axis=0))
