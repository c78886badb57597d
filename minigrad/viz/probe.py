"""Running a model to look into it: what a layer gives, and what would follow if it gave something else.

The model runs in evaluation mode and is left as it was: modes, buffers, hooks and gradients. Where a layer is called
several times in a run, its last call counts.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from minigrad.autograd.tensor import Tensor, as_array, recording, wrap
from minigrad.errors import ShapeError, UsageError, shape_text
from minigrad.nn import Module
from minigrad.typing import Array

LISTED = 40
"""So many layers are named in a message; of more, only those that are called alike."""


def feature_maps(model: Module, images: Any, layer: str) -> Array:
    """What a layer makes of images: the output of its last call.

    Args:
        model: runs in evaluation mode, and is left as it was.
        images: what the model takes; one image may come without N, and its maps leave without it.
        layer: the path of a module, such as "features.3"; "" is the model itself.

    Shapes: images (N, C, H, W) or (C, H, W) -> the layer's, (N, O, I, J) or (O, I, J) for a convolution.

    Raises:
        UsageError: there is no such layer, or it did not run; the message names those that exist.
    """
    x, one = batch_of(images, "feature_maps")
    with untouched(model):
        found = output_at(model, x, layer, "feature_maps").data
    return np.array(found[0] if one else found)


@contextmanager
def untouched(model: Module, *, record: bool = False) -> Iterator[None]:
    """Evaluation mode, recorded or not whatever the caller does; afterward each part is in the mode it was in."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with recording(enabled=record):
            yield
    finally:
        for module, training in modes:
            module.training = training


def layer_at(model: Module, path: str, who: str) -> Module:
    """The module at a path; `who` asks, and stands in front of the message.

    Raises:
        UsageError: there is none; the message names those that exist.
    """
    layers = dict(model.named_modules(once=False))
    if path not in layers:
        names = [name for name, module in layers.items() if name and not any(module.children())]
        if len(names) > LISTED:
            near = difflib.get_close_matches(str(path), names, n=8, cutoff=0.0)
            known = f"{len(names)} layers, the nearest: {', '.join(near)}"
        else:
            known = ", ".join(f"{name} ({type(layers[name]).__name__})" for name in names) or "no layers inside"
        raise UsageError(f"{who}: {type(model).__name__} has no layer {path!r}, it has {known}")
    return layers[path]


def output_at(model: Module, x: Any, layer: str, who: str) -> Tensor:
    """Run the model on x; the layer's output, of several the first.

    Raises:
        UsageError: there is no such layer, it did not run, or it gave no Tensor.
    """
    found: list[Any] = []
    with layer_at(model, layer, who).register_forward_hook(lambda part, inputs, out: found.append(out)):
        model(tensor(x))
    if not found:
        raise UsageError(f"{who}: the layer {layer!r} did not run: choose one that the model calls in evaluation mode")
    return first(found[-1], f"{who}: the layer {layer!r}")


def output_from(model: Module, x: Any, layer: str, calls: int) -> Callable[[Any], Any]:
    """The model on x as a function of what the layer gives in its call number `calls`, counted from 1."""

    def rest(value: Any) -> Any:
        count = 0

        def replace(part: Module, inputs: Any, out: Any) -> Any:
            nonlocal count
            count += 1
            if count != calls:
                return None
            return (value, *out[1:]) if isinstance(out, (tuple, list)) else value

        with layer_at(model, layer, "the layer").register_forward_hook(replace):
            return first(model(tensor(x)), "the model")

    return rest


def calls_of(model: Module, x: Any, layer: str, who: str) -> tuple[Tensor, int]:
    """The layer's output of its last call, and how many calls there were."""
    count: list[None] = []
    with layer_at(model, layer, who).register_forward_hook(lambda part, inputs, out: count.append(None)):
        return output_at(model, x, layer, who), len(count)


def tensor(x: Any) -> Tensor:
    """x as a Tensor, which it may be: ops that are given an array give one."""
    return x if isinstance(x, Tensor) else wrap(as_array(x))


def first(output: Any, what: str) -> Tensor:
    """An output, of several the first."""
    value = output[0] if isinstance(output, (tuple, list)) and output else output
    if not isinstance(value, Tensor):
        raise UsageError(f"{what} gives a {type(value).__name__}, and no Tensor to look at")
    return value


def batch_of(images: Any, who: str) -> tuple[Array, bool]:
    """Images as an array with N, and whether it was one image without."""
    array = as_array(images)
    if array.dtype.kind != "f":
        raise UsageError(f"{who}: images are floating numbers, prepared as in the training, not {array.dtype}")
    return (array[None], True) if array.ndim in (1, 3) else (array, False)


def images_of(images: Any, who: str) -> tuple[Array, bool]:
    """Images (N, C, H, W), and whether it was one image without N.

    Raises:
        ShapeError: they have other dimensions.
    """
    array, one = batch_of(images, who)
    if array.ndim != 4:
        raise ShapeError(f"{who}: images are (N, C, H, W), or one image (C, H, W), got {np.shape(images)}")
    return array, one


def place_of(unit: int | Sequence[int], shape: Sequence[int], who: str) -> tuple[int, ...]:
    """A unit as a tuple of indices in an output of this shape, without N: all of them, or the channel alone.

    Raises:
        UsageError: there is no such unit.
    """
    index = tuple(int(i) for i in (unit if isinstance(unit, (tuple, list, np.ndarray)) else (unit,)))
    fits = len(index) in (1, len(shape)) and all(0 <= i < n for i, n in zip(index, shape, strict=False))
    if not fits:
        letters = {3: "O I J", 1: "D"}.get(len(shape), "")
        raise UsageError(
            f"{who}: the output is {shape_text(tuple(shape), letters)} for an image, and has no unit {unit}: "
            f"give {len(shape)} indices from 0 on, or the first alone"
        )
    return index
