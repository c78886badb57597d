"""Activation maximization: the image that a unit likes best, by gradient ascent on the pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.autograd.tensor import Tensor
from minigrad.autograd.transforms import grad
from minigrad.errors import UsageError
from minigrad.nn import Module
from minigrad.typing import Array
from minigrad.viz.probe import images_of, output_at, place_of, untouched

Unit = int | tuple[int, ...] | list[int] | Array


def maximize_activation(
    model: Module,
    start: Any,
    unit: Unit,
    layer: str = "",
    *,
    steps: int = 100,
    lr: float = 1.0,
    decay: float = 0.01,
    blur: float = 0.5,
    bounds: tuple[float, float] | None = None,
) -> Array:
    """Images that excite a unit: uphill from `start`, regularized so that there is something to see.

        x <- x + lr g / ||g||,  g = d answer / d x,     a step of one length, whatever the slope
        x <- gray + (1 - decay) (x - gray)              only what keeps paying stays (an L2 penalty)
        x <- (1 - blur) x + blur (3 x 3 mean of x)      neighbors agree; weights 1 2 1 in each direction
        x <- min(max(x, low), high)

    Args:
        model: runs in evaluation mode and is left as it was.
        start: where to begin: gray, noise, or images to change.
        unit: of the layer's output: the class of a classifier; (channel, row, column) of a convolution, or the channel
            for its mean over all places. A list or array: one such number for each image.
        layer: the path of the layer; the model itself unless given, whose outputs should be scores before a softmax.
        steps: how many; at least 1.
        lr: the length of a step: the root of the sum of squared changes of an image.
        decay: the share that goes back to gray after each step.
        blur: the share that each pixel takes of its neighborhood after each step.
        bounds: the smallest and largest value of a pixel; any unless given. Gray is their middle, or 0.

    Shapes: start (N, C, H, W) or (C, H, W) -> the same.

    Raises:
        UsageError: there is no such layer or unit, a setting is out of its range, or the start is no place to climb
            from: the gradient is 0 there.

    Source: Erhan et al. 2009, "Visualizing higher-layer features of a deep network"; the penalty: Simonyan et al. 2013,
    arXiv:1312.6034; the blur: Yosinski et al. 2015, arXiv:1506.06579.
    """
    _check(steps, lr, decay, blur, bounds)
    x, one = images_of(start, "maximize_activation")
    gray = sum(bounds) / 2 if bounds is not None else 0.0
    with untouched(model):
        slope = grad(_answer(model, unit, layer, len(x)))
        for step in range(steps):
            g = slope(x).numpy()
            length = np.sqrt((g * g).sum(axis=(1, 2, 3), keepdims=True))
            if step == 0 and not length.all():
                _refuse(length, layer)
            x = x + lr * g / np.where(length > 0, length, 1)
            x = gray + (1 - decay) * (x - gray)
            x = (1 - blur) * x + blur * _smooth(x) if blur else x
            x = x.clip(*bounds).astype(g.dtype) if bounds is not None else x.astype(g.dtype)
    return np.array(x[0] if one else x)


def _answer(model: Module, unit: Unit, layer: str, count: int) -> Any:
    """From images to the sum of the units' answers; images do not disturb one another, so each climbs by itself."""
    units = list(unit) if isinstance(unit, (list, np.ndarray)) else [unit] * count
    if len(units) != count:
        raise UsageError(f"maximize_activation: a list of units has one for each of {count} images, got {len(units)}")

    def answer(x: Any) -> Tensor:
        output = output_at(model, x, layer, "maximize_activation")
        wanted = np.zeros(output.shape, output.dtype)
        for image, one in zip(wanted, units, strict=True):
            image[place_of(one, image.shape, "maximize_activation")] = 1  # steps have one length, so a sum is a mean
        return (output * wanted).sum()

    return answer


def _smooth(x: Array) -> Array:
    """Each pixel mixed with its neighbors, those beyond the edge like the edge. Shapes: (N, C, H, W), kept."""
    for axis in (2, 3):
        widths = [(0, 0)] * 4
        widths[axis] = (1, 1)
        padded = np.pad(x, widths, mode="edge")
        n = x.shape[axis]
        before, after = (padded.take(range(k, k + n), axis=axis) for k in (0, 2))
        x = (before + 2 * x + after) / 4
    return x


def _check(steps: int, lr: float, decay: float, blur: float, bounds: Sequence[float] | None) -> None:
    problems = [
        (steps >= 1, f"steps must be at least 1, got {steps}"),
        (lr > 0, f"lr must be positive, got {lr}"),
        (0 <= decay < 1, f"decay is a share from 0 to less than 1, got {decay}"),
        (0 <= blur <= 1, f"blur is a share from 0 to 1, got {blur}"),
        (bounds is None or bounds[0] < bounds[1], f"bounds are a smaller and a larger number, got {bounds}"),
    ]
    for fine, problem in problems:
        if not fine:
            raise UsageError(f"maximize_activation: {problem}")


def _refuse(length: Array, layer: str) -> None:
    dead = np.flatnonzero(length.ravel() == 0).tolist()
    raise UsageError(
        f"maximize_activation: at the start the gradient is 0 for the images {dead}: the unit of "
        f"{layer or 'the model'!r} is dead there, or does not depend on them. Begin elsewhere: with noise, or an image "
        "that the unit answers to"
    )
