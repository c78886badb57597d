"""A plot of the paths of optimizers on a surface."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.autograd.tensor import as_array, no_grad
from minigrad.errors import UsageError
from minigrad.typing import Array, ArrayLike
from minigrad.viz.optimizer_path import OptimizerPath, Surface
from minigrad.viz.palette import LINE_COLORS
from minigrad.viz.plots.style import MARKERS, color_map, given_or_new_axes, title

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Range = tuple[float, float]
CONTOURS = 24


def plot_paths(
    f: Surface,
    paths: Mapping[str, OptimizerPath | ArrayLike],
    ax: Axes | None = None,
    *,
    x: Range | None = None,
    y: Range | None = None,
    minimum: tuple[float, float] | None = None,
) -> Axes:
    """Plot the paths of several optimizers on a surface.

    Shades and contour lines show the height, evenly spaced in the square root of the height above the lowest point.

    Args:
        f: the surface; it is called with arrays (H, W) of x and of y.
        paths: the paths by name, as `descend` returns them, or points (T, 2).
        ax: the Axes to draw on (default: new ones).
        x, y: the ranges of x and y (default: what the paths need, up to three times as far out as the start).
        minimum: a point to mark with a star (default: none).

    Returns:
        The Axes.

    Raises:
        UsageError: there is no path, or they have no names; one is no list of points; the surface has no finite
            height.
        MissingExtraError: matplotlib, of the extra `plot`, is not installed.
    """
    if not isinstance(paths, Mapping):
        raise UsageError(f'plot_paths: paths by name, such as {{"SGD": descend(...)}}, not a {type(paths).__name__}')
    if not paths:
        raise UsageError("plot_paths: there is no path to draw")
    points = {name: _points(name, path) for name, path in paths.items()}
    x, y = x or _range(points, 0, minimum), y or _range(points, 1, minimum)
    ax = given_or_new_axes(ax, 6.0, 4.0)
    _surface(ax, f, x, y)
    for i, (name, path) in enumerate(points.items()):
        color, marker = LINE_COLORS[i % len(LINE_COLORS)], MARKERS[i % len(MARKERS)]
        inside = path[np.isfinite(path).all(axis=1)]
        path_style: dict[str, Any] = {"markersize": 4.2, "markeredgewidth": 0.5, "markeredgecolor": "white"}
        ax.plot(
            *inside.T, color="white", linewidth=3.0, alpha=0.75, zorder=2
        )  # a light rim sets lines apart from shades
        ax.plot(
            *inside.T, color=color, marker=marker, linewidth=1.5, label=name, zorder=3,
            markevery=_marked(inside, x, y), **path_style,
        )  # fmt: skip
    starts = {tuple(path[0]) for path in points.values()}
    mark: dict[str, Any] = {"linestyle": "", "markeredgecolor": "black", "color": "white", "zorder": 5}
    ax.plot(*zip(*starts, strict=True), marker="o", markersize=9, **mark)
    if minimum is not None:
        ax.plot(*minimum, marker="*", markersize=13, **mark)
    ax.set_xlim(x)
    ax.set_ylim(y)
    ax.set_xlabel("x")
    ax.set_ylabel("y")
    ax.legend(frameon=False, fontsize=8.5, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    title(ax, "circle: start" + (", star: minimum" if minimum is not None else ""))
    return ax


def _surface(ax: Axes, f: Surface, x: Range, y: Range) -> None:
    """Shades and contour lines, evenly spaced in the square root of the height above the lowest point."""
    across, up = np.meshgrid(np.linspace(*x, 201), np.linspace(*y, 201))
    with no_grad(), np.errstate(all="ignore"):
        height = as_array(f(across, up)).astype(np.float64)
    if height.shape != across.shape or not np.isfinite(height).any():
        raise UsageError(
            f"plot_paths: the surface must give a finite height for each point of arrays {across.shape}, got shape "
            f"{height.shape}: write it with operators and ops"
        )
    root = np.sqrt(height - np.nanmin(np.where(np.isfinite(height), height, np.nan)))
    levels = np.linspace(0, float(np.nanmax(np.where(np.isfinite(root), root, np.nan))) or 1.0, CONTOURS)
    shades = color_map("Greys")(np.linspace(0.02, 0.55, CONTOURS))
    ax.contourf(across, up, root, levels=levels, colors=shades[:-1].tolist(), zorder=0)
    ax.contour(across, up, root, levels=levels, colors="white", linewidths=0.4, alpha=0.8, zorder=1)


def _points(name: str, path: OptimizerPath | ArrayLike) -> Array:
    points = np.asarray(path.points if isinstance(path, OptimizerPath) else path, np.float64)
    if points.ndim != 2 or points.shape[1] != 2 or not np.isfinite(points[:1]).all() or not len(points):
        raise UsageError(f"plot_paths: the path {name!r} must be points (T, 2) from a finite start, got {points.shape}")
    return points


def _range(points: Mapping[str, Array], axis: int, minimum: tuple[float, float] | None) -> Range:
    """What all paths need along an axis, and an eighth more on both sides, without points that diverge."""
    starts = np.array([path[0] for path in points.values()])
    far = 3 * np.abs(starts).max() or 1.0
    found = np.concatenate([path[:, axis] for path in points.values()] + [[minimum[axis]] if minimum else []])
    found = found[np.isfinite(found) & (np.abs(found) <= far)]
    low, high = float(found.min()), float(found.max())
    margin = (high - low) / 8 or far / 2
    return low - margin, high + margin


def _marked(path: Array, x: Range, y: Range) -> list[int]:
    """The points that get a marker: those that do not overlap the last marked one, in a plot of this size."""
    scaled = (path - [x[0], y[0]]) / [x[1] - x[0], y[1] - y[0]]
    marked: list[int] = []
    for i, point in enumerate(scaled):
        if not marked or np.hypot(*(point - scaled[marked[-1]])) > 0.018:
            marked.append(i)
    return marked
