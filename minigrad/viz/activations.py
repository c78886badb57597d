"""Activations: what a layer gives for images, and what the model would give if it gave something else.

The model runs in evaluation mode and is left as it was: modes, buffers, hooks and gradients. Where a layer is called
several times in a run, its last call counts.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeAlias

import numpy as np

from minigrad.autograd.tensor import Tensor, as_array, recording, wrap
from minigrad.errors import ShapeError, UsageError, shape_text
from minigrad.nn import Module
from minigrad.typing import Array, ArrayLike

Unit: TypeAlias = int | Sequence[int]
"""A unit of a layer's output: (channel, row, column) or a channel of maps, the number of a unit of a linear layer."""

MAX_LISTED = 40
"""A message lists all layers of a model if there are no more than these, or else those with similar names."""


def feature_maps(model: Module, images: ArrayLike, layer: str) -> Array:
    """Compute the output of a layer for images.

    Args:
        model: the network; it runs in evaluation mode, and is left as it was.
        images: the input (N, C, H, W), or one image (C, H, W), whose maps have no N either.
        layer: the path of a module, such as "features.3"; "" is the model itself.

    Returns:
        The output of the layer's last call: for a convolution (N, O, I, J), or (O, I, J) for one image.

    Raises:
        UsageError: the images are no floating numbers; there is no such layer, or it did not run or gave no Tensor.
            The message names the layers that there are.

    >>> from minigrad import nn
    >>> feature_maps(nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU()), np.ones((2, 1, 8, 8), np.float32), "0").shape
    (2, 4, 6, 6)
    """
    x, single = as_batch(images, "feature_maps")
    with evaluating(model):
        found = layer_output(model, x, layer, "feature_maps").data
    return np.array(found[0] if single else found)


@contextmanager
def evaluating(model: Module, *, record: bool = False) -> Iterator[None]:
    """Evaluation mode, recorded or not whatever the caller does; afterward each part has its former mode."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with recording(enabled=record):
            yield
    finally:
        for module, training in modes:
            module.training = training


def find_layer(model: Module, path: str, caller: str) -> Module:
    """The module at a path; messages begin with the name of the caller.

    Raises:
        UsageError: there is none; the message names the layers that there are.
    """
    layers = dict(model.named_modules(once=False))
    if path not in layers:
        names = [name for name, module in layers.items() if name and not any(module.children())]
        if len(names) > MAX_LISTED:
            near = difflib.get_close_matches(str(path), names, n=8, cutoff=0.0)
            known = f"{len(names)} layers, the nearest: {', '.join(near)}"
        else:
            known = ", ".join(f"{name} ({type(layers[name]).__name__})" for name in names) or "no layers inside"
        raise UsageError(f"{caller}: {type(model).__name__} has no layer {path!r}, it has {known}")
    return layers[path]


def layer_output(model: Module, x: ArrayLike, layer: str, caller: str) -> Tensor:
    """Run the model on x, and return the output of a layer, of several the first.

    Raises:
        UsageError: there is no such layer, it did not run, or it gave no Tensor.
    """
    return layer_output_and_calls(model, x, layer, caller)[0]


def layer_output_and_calls(model: Module, x: ArrayLike, layer: str, caller: str) -> tuple[Tensor, int]:
    """The same, with the number of calls of the layer."""
    found: list[object] = []
    with find_layer(model, layer, caller).register_forward_hook(lambda module, inputs, out: found.append(out)):
        model(as_tensor(x))
    if not found:
        raise UsageError(
            f"{caller}: the layer {layer!r} did not run: choose one that the model calls in evaluation mode"
        )
    return first_tensor(found[-1], f"{caller}: the layer {layer!r}"), len(found)


def output_from_layer(model: Module, x: ArrayLike, layer: str, call: int) -> Callable[[Tensor], Tensor]:
    """The output of the model on x as a function of what the layer gives in its call of this number, from 1 on."""

    def rest(value: Tensor) -> Tensor:
        count = 0

        def replace(module: Module, inputs: object, out: object) -> object:
            nonlocal count
            count += 1
            if count != call:
                return None
            return (value, *out[1:]) if isinstance(out, (tuple, list)) else value

        with find_layer(model, layer, "the layer").register_forward_hook(replace):
            return first_tensor(model(as_tensor(x)), "the model")

    return rest


def as_tensor(x: ArrayLike) -> Tensor:
    """x as a Tensor, for a model: ops that are given an array give one."""
    return x if isinstance(x, Tensor) else wrap(as_array(x))


def first_tensor(output: object, what: str) -> Tensor:
    """An output, of several the first.

    Raises:
        UsageError: it is no Tensor; `what` is the subject of the message.
    """
    value = output[0] if isinstance(output, (tuple, list)) and output else output
    if not isinstance(value, Tensor):
        raise UsageError(f"{what} gives a {type(value).__name__}, and no Tensor to look at")
    return value


def as_batch(images: ArrayLike, caller: str) -> tuple[Array, bool]:
    """Images as an array with N, and whether it was one image without.

    Raises:
        UsageError: they are no floating numbers.
    """
    array = as_array(images)
    if array.dtype.kind != "f":
        raise UsageError(f"{caller}: images are floating numbers, prepared as in the training, not {array.dtype}")
    return (array[None], True) if array.ndim in (1, 3) else (array, False)


def as_images(images: ArrayLike, caller: str) -> tuple[Array, bool]:
    """Images (N, C, H, W), and whether it was one image without N.

    Raises:
        UsageError: they are no floating numbers.
        ShapeError: they have other dimensions.
    """
    array, single = as_batch(images, caller)
    if array.ndim != 4:
        raise ShapeError(f"{caller}: images are (N, C, H, W), or one image (C, H, W), got {np.shape(images)}")
    return array, single


def as_one_image(image: ArrayLike, caller: str) -> Array:
    """One image (C, H, W), which may come with N=1.

    Raises:
        UsageError: it is not of floating numbers.
        ShapeError: it has other dimensions, or there are several.
    """
    x, _ = as_images(image, caller)
    if len(x) != 1:
        raise ShapeError(f"{caller}: expected one image (C, H, W), got {len(x)}: choose one, images[0] for instance")
    return np.asarray(x[0])


def unit_index(unit: Unit, shape: Sequence[int], caller: str) -> tuple[int, ...]:
    """A unit as a tuple of indices into an output of this shape (without N): all of them, or the channel alone.

    Raises:
        UsageError: there is no such unit.
    """
    index = tuple(int(i) for i in (unit if isinstance(unit, (tuple, list, np.ndarray)) else (unit,)))
    fits = len(index) in (1, len(shape)) and all(0 <= i < n for i, n in zip(index, shape, strict=False))
    if not fits:
        letters = {3: "O I J", 1: "D"}.get(len(shape), "")
        raise UsageError(
            f"{caller}: the output is {shape_text(tuple(shape), letters)} for an image, and has no unit {unit}: "
            f"give {len(shape)} indices from 0 on, or the first alone"
        )
    return index
