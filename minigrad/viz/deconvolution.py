"""The deconvnet: the activation of a unit, projected back to the pixels that caused it."""

from __future__ import annotations

from contextlib import ExitStack

import numpy as np

from minigrad.autograd.tensor import Tensor, wrap
from minigrad.autograd.transforms import vjp
from minigrad.functional import relu
from minigrad.nn import LocalResponseNorm, Module, ReLU
from minigrad.nn.hook import Gradients
from minigrad.typing import Array, ArrayLike
from minigrad.viz.activations import Unit, as_images, evaluating, layer_output, unit_index


def deconvnet(model: Module, images: ArrayLike, layer: str, unit: Unit, *, guided: bool = False) -> Array:
    """Project the activation of a unit back to the pixels of each image that caused it.

    Of the layer's output only the unit is kept, and all others become 0. This is sent back as a gradient is, which does
    what the paper asks for: a convolution is followed by the transposed one with the same kernels, a linear layer by
    its transpose, and max pooling puts values back where the maxima were (the "switches"). Two layers differ: at each
    `nn.ReLU` the signal itself is rectified, in place of being kept where the input was positive, and
    `nn.LocalResponseNorm` is skipped. So any network can be used, also one with shortcuts and branches; activations
    that are no `nn.ReLU` (tanh, or `relu` called as a function) are passed by their derivative.

    Args:
        model: the network; it runs in evaluation mode, and is left as it was.
        images: the input (N, C, H, W), or one image (C, H, W).
        layer: the path of a layer such as "features.9"; in the paper it is a ReLU.
        unit: (channel, row, column) in the layer's output, or a channel alone for its largest activation in each image.
            Of a linear layer, the number of the unit.
        guided: rectify the signal at each ReLU, and also keep it only where the input was positive (guided
            back-propagation; default False).

    Returns:
        The projection, of the same shape as `images`.

    Raises:
        UsageError: there is no such layer or unit, or the images are no floating numbers.
        ShapeError: the images have other dimensions.

    Source: Zeiler and Fergus 2013, "Visualizing and understanding convolutional networks", arXiv:1311.2901, section
    2.1; guided: Springenberg et al. 2014, "Striving for simplicity", arXiv:1412.6806.
    """
    x, single = as_images(images, "deconvnet")
    with evaluating(model), ExitStack() as hooks:
        for module in model.modules():
            if isinstance(module, ReLU):
                rule = _rectified_where_active if guided else _rectified
                hooks.enter_context(module.register_full_backward_hook(rule))
            elif isinstance(module, LocalResponseNorm):
                hooks.enter_context(module.register_full_backward_hook(_skipped))
        output, pull = vjp(lambda x: layer_output(model, x, layer, "deconvnet"), x)
        projection = pull(wrap(_only(output, unit)))[0].numpy()
    return np.array(projection[0] if single else projection)


def _rectified(module: Module, grad_input: Gradients, grad_output: Gradients) -> Gradients | None:
    """The positive part of the signal, whatever the input was. None at the layer where it begins, which needs none."""
    return tuple([None if g is None else relu(g) for g in grad_output]) or None


def _rectified_where_active(module: Module, grad_input: Gradients, grad_output: Gradients) -> Gradients | None:
    """The positive part of the signal where the input was positive, too, which is where there is a gradient."""
    return tuple([None if g is None else relu(g) for g in grad_input])


def _skipped(module: Module, grad_input: Gradients, grad_output: Gradients) -> Gradients | None:
    return grad_output or None


def _only(output: Tensor, unit: Unit) -> Array:
    """One unit of each image, and zeros elsewhere. Shapes: output (N, ...) -> the same."""
    values = output.numpy()
    index: tuple[int | Array, ...] = unit_index(unit, values.shape[1:], "deconvnet")
    if len(index) < values.ndim - 1:
        channel = values[:, index[0]]
        largest = channel.reshape(len(values), -1).argmax(axis=1)
        index = (index[0], *np.unravel_index(largest, channel.shape[1:]))
    at = (np.arange(len(values)), *index)
    kept = np.zeros_like(values)
    kept[at] = values[at]
    return kept
