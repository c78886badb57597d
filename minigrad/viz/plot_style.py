"""What the plots share: new Axes apart from pyplot, colors, and images side by side.

Colors are Okabe and Ito's for lines, cividis for what is measured and PuOr for what has a sign: all of them can be told
apart with any kind of color vision. Text, frames and grids fit the style in use, so that plots fit a dark one as well.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from minigrad.errors import MissingExtraError
from minigrad.typing import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

BLUE, VERMILION, GREEN, ORANGE, SKY, PINK, YELLOW = COLORS = (
    "#0072B2", "#D55E00", "#009E73", "#E69F00", "#56B4E9", "#CC79A7", "#F0E442",
)  # fmt: skip
MARKERS: Final = ("o", "s", "^", "D", "v", "P", "X")
QUIET: Final = "#7F7F7F"  # as far from white as from black
MEASURED, SIGNED = "cividis", "PuOr"


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


def axes(ax: Axes | None, width: float, height: float) -> Axes:
    """The Axes that were given, or those of a new figure of this size in inches."""
    return ax if ax is not None else new_figure(width, height).add_subplot()


def ink(ax: Axes) -> Any:
    """The color of the text around the Axes: dark in a light style, and light in a dark one."""
    return ax.xaxis.label.get_color()


def paper(ax: Axes) -> Any:
    """The color behind what is drawn."""
    return ax.get_facecolor()


def tidy(ax: Axes, grid: str | None = "y") -> None:
    """Leave out what carries no information, and draw a faint grid behind the rest."""
    ax.spines[["top", "right"]].set_visible(False)
    if grid:
        ax.grid(axis=grid, color=QUIET, alpha=0.25, linewidth=0.8)  # type: ignore[arg-type]
    ax.set_axisbelow(True)


def title(ax: Axes, text: str) -> None:
    """A quiet line above the Axes."""
    ax.set_title(text, loc="left", size=10, color=QUIET)


def bare(ax: Axes) -> None:
    """No ticks and no frame: for pictures."""
    ax.set_xticks([])
    ax.set_yticks([])
    ax.spines[:].set_visible(False)


def colormap(name: str) -> Colormap:
    """A color map that leaves out what is not a number."""
    from matplotlib import colormaps

    return colormaps[name].with_extremes(bad=(0, 0, 0, 0))


def show(ax: Axes, image: Array, cmap: str = "gray", low: float | None = None, high: float | None = None) -> Any:
    """Draw one image without ticks: (H, W) in colors of a map, (H, W, 3) or (H, W, 4) as it is."""
    drawn = ax.imshow(image, cmap=colormap(cmap), vmin=low, vmax=high, interpolation="nearest")
    bare(ax)
    return drawn


def scale(ax: Axes, drawn: Any, label: str) -> Any:
    """A narrow scale of colors at the right."""
    bar = ax.figure.colorbar(drawn, ax=ax, pad=0.02, aspect=24, shrink=0.9)
    bar.set_label(label, size=8)
    bar.ax.tick_params(labelsize=7, length=2)
    bar.outline.set_visible(False)
    return bar


def picture(image: Array) -> Array:
    """An image (C, H, W) as matplotlib takes it: (H, W), or with three channels (H, W, 3) stretched to [0, 1]."""
    if len(image) == 3:
        low, high = float(image.min()), float(image.max())
        return np.asarray(np.moveaxis((image - low) / (high - low or 1.0), 0, -1))
    return np.asarray(image[0] if len(image) == 1 else image.mean(axis=0))


def columns_for(count: int) -> int:
    """How many columns a sheet of so many pictures has: few gaps at its end, and a little more columns than rows."""
    root = math.sqrt(count)
    choices = range(max(1, math.ceil(root)), max(1, math.ceil(1.7 * root)) + 1)
    return min(choices, key=lambda n: (-count % n, abs(n - math.sqrt(1.6) * root)))


def sheet(images: Sequence[Array], columns: int, gap: int = 1, over: int = 0) -> Array:
    """Images of one size in rows, with gaps of NaN between them, and `over` more rows of it above each for its label.

    Shapes: each (H, W) or (H, W, 3) -> one (H', W') or (H', W', 4), the gaps transparent.
    """
    height, width, *colors = images[0].shape
    columns = min(columns, len(images))
    rows = math.ceil(len(images) / columns)
    size = (rows * (height + gap + over) - gap, columns * (width + gap) - gap, *colors)
    drawn = np.full(size, np.nan, np.float64)
    for i, image in enumerate(images):
        top, left = corner(i, columns, (height, width), gap, over)
        drawn[top : top + height, left : left + width] = image
    if colors:  # matplotlib knows no missing colors, but transparent ones
        there = ~np.isnan(drawn[..., :1])
        drawn = np.concatenate([np.nan_to_num(drawn), there], axis=-1)
    return drawn


def corner(i: int, columns: int, size: Sequence[int], gap: int = 1, over: int = 0) -> tuple[int, int]:
    """Where the i-th image (H, W) of a sheet begins: its first row and column."""
    height, width = size
    return (i // columns) * (height + gap + over) + over, (i % columns) * (width + gap)


def sheet_gap(side: int) -> int:
    """The gap between pictures of this many pixels a side."""
    return max(1, round(side / 12))
