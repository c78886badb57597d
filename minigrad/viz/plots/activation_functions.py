"""A plot of activation functions with their derivatives."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

from minigrad import functional
from minigrad.autograd.tensor import Tensor, no_grad
from minigrad.autograd.transforms import grad
from minigrad.errors import ShapeError, UsageError
from minigrad.typing import Array, ArrayLike
from minigrad.viz.palette import GRAY, LINE_COLORS
from minigrad.viz.plots.style import given_or_new_axes, remove_clutter

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Activation: TypeAlias = Callable[[Any], Tensor]  # a function of ops, or a Module

NAMES: Final = (
    "celu", "elu", "gelu", "hardshrink", "hardsigmoid", "hardswish", "hardtanh", "leaky_relu", "logsigmoid", "mish",
    "relu", "relu6", "selu", "sigmoid", "silu", "softplus", "softshrink", "softsign", "tanh", "tanhshrink",
)  # fmt: skip
"""The activations of `minigrad.functional` that need nothing but x."""


def activation_curves(function: str | Activation, x: ArrayLike | None = None) -> tuple[Array, Array, Array]:
    """Compute an activation function and its derivative (by `grad`) at points.

    Args:
        function: a name in `minigrad.functional`, or a function or module that works element by element.
        x: the points (T,) (default: 1,001 of them from -5 to 5).

    Returns:
        x, y and dy/dx in double precision, each of shape (T,).

    Raises:
        UsageError: no activation has this name; the message lists those that have one.
        ShapeError: the function does not work element by element.

    >>> x, y, slope = activation_curves("relu", [-1.0, 2.0])
    >>> y.tolist(), slope.tolist()
    ([0.0, 2.0], [0.0, 1.0])
    """
    f = _named(function) if isinstance(function, str) else function
    points = np.linspace(-5, 5, 1001) if x is None else np.asarray(x, np.float64)
    with no_grad():
        y = f(Tensor(points)).numpy()
        if y.shape != points.shape:
            raise ShapeError(
                f"activation_curves: the function makes {y.shape} of {points.shape}, not one number of each"
            )
        slope = grad(lambda x: f(x).sum())(points).numpy()
    return points, np.array(y), np.array(slope)


def plot_activations(
    functions: str | Activation | Sequence[str] | Mapping[str, Activation],
    ax: Axes | None = None,
    *,
    x: tuple[float, float] = (-5.0, 5.0),
    y: tuple[float, float] | None = None,
) -> Axes:
    """Plot activation functions (solid) and their derivatives (dashed, in the same color).

    Args:
        functions: one or several names in `minigrad.functional`, a function, or functions by name:
            {"swish": lambda x: x * sigmoid(x)}.
        ax: the Axes to draw on (default: new ones).
        x: the range of x (default (-5.0, 5.0)).
        y: the range of y (default: what the curves need).

    Returns:
        The Axes.

    Raises:
        UsageError: no activation has this name, there is none to draw, or x is no range.
        ShapeError: a function does not work element by element.
        MissingExtraError: matplotlib, of the extra `plot`, is not installed.
    """
    if not x[0] < x[1]:
        raise UsageError(f"plot_activations: x goes from a smaller to a larger number, got {x}")
    chosen = _by_name(functions)
    if not chosen:
        raise UsageError("plot_activations: there is no function to draw")
    ax = given_or_new_axes(ax, 5.0, 3.6)
    points = np.linspace(*x, 1001)
    for i, (name, function) in enumerate(chosen.items()):
        color = LINE_COLORS[i % len(LINE_COLORS)]
        _, values, slopes = activation_curves(function, points)
        ax.plot(points, _broken(values), color=color, linewidth=2.2, label=name)
        ax.plot(points, _broken(slopes), color=color, linewidth=1.4, linestyle=(0, (4, 2)), label=f"{name}′")
    for line in (ax.axhline, ax.axvline):
        line(0, color=GRAY, linewidth=0.8, alpha=0.6, zorder=1)
    remove_clutter(ax, "both")
    ax.set_xlim(x)
    if y is not None:
        ax.set_ylim(y)
    ax.set_xlabel("x")
    ax.set_ylabel("f(x), f′(x)")
    ax.legend(frameon=False, fontsize=8.5, loc="upper left", ncols=1 if len(chosen) < 4 else 2)
    return ax


def _by_name(
    functions: str | Activation | Sequence[str] | Mapping[str, Activation],
) -> dict[str, str | Activation]:
    if isinstance(functions, str):
        return {functions: functions}
    if isinstance(functions, Mapping):
        return dict(functions)
    if callable(functions):
        return {
            getattr(functions, "__name__", None)
            or getattr(functions, "name", None)
            or type(functions).__name__: functions
        }
    if not isinstance(functions, Iterable) or not all(isinstance(f, str) or callable(f) for f in functions):
        raise UsageError(
            "plot_activations: takes names in minigrad.functional, such as 'relu', or functions, not a "
            f"{type(functions).__name__}"
        )
    return {(f if isinstance(f, str) else getattr(f, "__name__", str(f))): f for f in functions}


def _named(name: str) -> Activation:
    if name not in NAMES:
        raise UsageError(f"no activation is called {name!r}: give a function, or one of {', '.join(NAMES)}")
    return getattr(functional, name)  # type: ignore[no-any-return]


def _broken(curve: Array) -> Array:
    """A curve with NaN where it jumps, as a derivative does at a kink, so that it is not joined there."""
    jumps = np.flatnonzero(np.abs(np.diff(curve)) > 0.05 * (np.ptp(curve) or 1.0))
    broken = np.array(curve)
    broken[jumps] = np.nan
    return broken
