"""Activation maximization: the image for which a unit is largest, by gradient ascent on the pixels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NoReturn, TypeAlias

import numpy as np

from minigrad.autograd.tensor import Tensor
from minigrad.autograd.transforms import grad
from minigrad.errors import UsageError
from minigrad.nn import Module
from minigrad.typing import Array, ArrayLike
from minigrad.viz.activations import Unit, as_images, evaluating, layer_output, unit_index

Units: TypeAlias = Unit | Array
"""A unit, or a list or array of one for each image."""


def maximize_activation(
    model: Module,
    start: ArrayLike,
    unit: Units,
    layer: str = "",
    *,
    steps: int = 100,
    lr: float = 1.0,
    decay: float = 0.01,
    blur: float = 0.5,
    bounds: tuple[float, float] | None = None,
) -> Array:
    """Find images that maximize a unit, by regularized gradient ascent from `start`.

        x <- x + lr g / ||g||,  g = d unit / d x        a step of one length, whatever the slope
        x <- gray + (1 - decay) (x - gray)              weight decay (an L2 penalty)
        x <- (1 - blur) x + blur (3 x 3 mean of x)      with weights 1 2 1 in each direction
        x <- min(max(x, low), high)

    Args:
        model: the network; it runs in evaluation mode, and is left as it was.
        start: the images to begin with, gray, noise or others: (N, C, H, W), or one image (C, H, W).
        unit: the unit of the layer's output: the class of a classifier; (channel, row, column) of a convolution, or a
            channel for its mean over all places. A list or array has one such number for each image.
        layer: the path of the layer; "" is the model itself, whose outputs should be scores before a softmax (default
            "").
        steps: the number of steps, at least 1 (default 100).
        lr: the length of a step, that is the Euclidean norm of the change of an image (default 1).
        decay: the share of its distance from gray that each pixel loses after each step (default 0.01).
        blur: the share that each pixel takes from its neighborhood after each step (default 0.5).
        bounds: the smallest and the largest value of a pixel (default: none). Gray is their middle, or 0.

    Returns:
        The images, of the same shape as `start`.

    Raises:
        UsageError: there is no such layer or unit, a setting is out of its range, the images are no floating numbers,
            or the gradient is 0 at the start.
        ShapeError: the images have other dimensions.

    Source: Erhan et al. 2009, "Visualizing higher-layer features of a deep network"; the penalty: Simonyan et al. 2013,
    arXiv:1312.6034; the blur: Yosinski et al. 2015, arXiv:1506.06579.
    """
    _check(steps, lr, decay, blur, bounds)
    x, single = as_images(start, "maximize_activation")
    gray = sum(bounds) / 2 if bounds is not None else 0.0
    with evaluating(model):
        slope = grad(_objective(model, unit, layer, len(x)))
        for step in range(steps):
            g = slope(x).numpy()
            length = np.sqrt((g * g).sum(axis=(1, 2, 3), keepdims=True))
            if step == 0 and not length.all():
                _refuse_zero_gradient(length, layer)
            x = x + lr * g / np.where(length > 0, length, 1)
            x = gray + (1 - decay) * (x - gray)
            x = (1 - blur) * x + blur * _smooth(x) if blur else x
            x = x.clip(*bounds).astype(g.dtype) if bounds is not None else x.astype(g.dtype)
    return np.array(x[0] if single else x)


def _objective(model: Module, unit: Units, layer: str, count: int) -> Callable[[Tensor], Tensor]:
    """The sum of the units as a function of the images, which do not influence each other."""
    units: list[Unit] = list(unit) if isinstance(unit, (list, np.ndarray)) else [unit] * count
    if len(units) != count:
        raise UsageError(f"maximize_activation: a list of units has one for each of {count} images, got {len(units)}")

    def objective(x: Tensor) -> Tensor:
        output = layer_output(model, x, layer, "maximize_activation")
        selected = np.zeros(output.shape, output.dtype)
        for image, own in zip(selected, units, strict=True):
            image[unit_index(own, image.shape, "maximize_activation")] = 1  # steps have one length, so a sum is a mean
        return (output * selected).sum()

    return objective


def _smooth(x: Array) -> Array:
    """The mean of each pixel and its neighbors, with edge padding. Shapes: (N, C, H, W), kept."""
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


def _refuse_zero_gradient(length: Array, layer: str) -> NoReturn:
    dead = np.flatnonzero(length.ravel() == 0).tolist()
    raise UsageError(
        f"maximize_activation: at the start the gradient is 0 for the images {dead}: the unit of "
        f"{layer or 'the model'!r} is dead there, or does not depend on them. Begin elsewhere: with noise, or an image "
        "for which the unit is not 0"
    )
