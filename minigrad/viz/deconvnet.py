"""The deconvnet: a unit's answer, sent backward through the network to the pixels that caused it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np

from minigrad.autograd.tensor import Tensor, wrap
from minigrad.autograd.transforms import vjp
from minigrad.functional import relu
from minigrad.nn import LocalResponseNorm, Module, ReLU
from minigrad.nn.hook import Gradients
from minigrad.typing import Array
from minigrad.viz.probe import images_of, output_at, place_of, untouched


def deconvnet(model: Module, images: Any, layer: str, unit: int | Sequence[int], *, guided: bool = False) -> Array:
    """What in each image makes a unit answer: its answer, projected back to the pixels.

    Of the layer's output only the unit stays, and all others become 0. What is left goes back as a gradient does, and a
    gradient does what the paper asks for: a convolution is followed by the transposed one with the same kernels, a full
    connection by its transpose, max pooling puts values back where the maxima were (the "switches"). Only at each
    `nn.ReLU` it differs: there the signal itself is rectified, in place of being kept where the input was positive. And
    `nn.LocalResponseNorm` is passed over. So any network will do, also one with shortcuts and branches; what is no
    `nn.ReLU` (tanh, a `relu` that is called as a function) is undone by its derivative.

    Args:
        model: runs in evaluation mode and is left as it was.
        images: what it looks at.
        layer: the path of a layer such as "features.9"; in the paper it is a ReLU.
        unit: (channel, row, column) in the layer's output; a channel alone stands for its largest answer in each image,
            wherever that is. Of a full connection, the unit's number.
        guided: at each ReLU do both: keep what is positive where the input was positive (guided back-propagation).

    Shapes: images (N, C, H, W) or (C, H, W) -> the same.

    Raises:
        UsageError: there is no such layer or unit.

    Source: Zeiler and Fergus 2013, "Visualizing and understanding convolutional networks", arXiv:1311.2901, section
    2.1; guided: Springenberg et al. 2014, "Striving for simplicity", arXiv:1412.6806.
    """
    x, one = images_of(images, "deconvnet")
    with untouched(model), ExitStack() as after:
        for part in model.modules():
            if isinstance(part, ReLU):
                back = _rectified_where_active if guided else _rectified
                after.enter_context(part.register_full_backward_hook(back))
            elif isinstance(part, LocalResponseNorm):
                after.enter_context(part.register_full_backward_hook(_passed_over))
        output, pull = vjp(lambda x: output_at(model, x, layer, "deconvnet"), x)
        back_at_pixels = pull(wrap(_only(output, unit)))[0].numpy()
    return np.array(back_at_pixels[0] if one else back_at_pixels)


def _rectified(part: Module, grad_input: Gradients, grad_output: Gradients) -> Gradients | None:
    """What is positive of the signal passes, whatever the input was. None at the layer where it begins: it fits."""
    return tuple([None if g is None else relu(g) for g in grad_output]) or None


def _rectified_where_active(part: Module, grad_input: Gradients, grad_output: Gradients) -> Gradients | None:
    """What is positive of the signal passes where the input was positive, too: there the gradient is."""
    return tuple([None if g is None else relu(g) for g in grad_input])


def _passed_over(part: Module, grad_input: Gradients, grad_output: Gradients) -> Gradients | None:
    return grad_output or None


def _only(output: Tensor, unit: int | Sequence[int]) -> Array:
    """One unit of each image, and zeros elsewhere. Shapes: output (N, ...) -> the same."""
    values = output.numpy()
    index = place_of(unit, values.shape[1:], "deconvnet")
    if len(index) < values.ndim - 1:
        answers = values[:, index[0]]
        largest = answers.reshape(len(values), -1).argmax(axis=1)
        places: tuple[Any, ...] = (index[0], *np.unravel_index(largest, answers.shape[1:]))
    else:
        places = index
    at = (np.arange(len(values)), *places)
    kept = np.zeros_like(values)
    kept[at] = values[at]
    return kept
