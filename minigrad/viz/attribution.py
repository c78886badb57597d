"""Grad-CAM: the places of an image that raise the score of a class."""

from __future__ import annotations

import numpy as np

from minigrad.autograd.tensor import Tensor
from minigrad.autograd.transforms import grad
from minigrad.errors import ShapeError, UsageError
from minigrad.functional import interpolate
from minigrad.nn import Module
from minigrad.typing import Array, ArrayLike
from minigrad.viz.activations import as_images, evaluating, layer_output_and_calls, output_from_layer


def grad_cam(
    model: Module, images: ArrayLike, layer: str, target: ArrayLike | None = None, *, upsample: bool = True
) -> Array:
    """Compute where a convolution layer finds evidence for a class (gradient-weighted class activation map).

        a[n,k] = mean over i, j of  d score[n, target] / d maps[n,k,i,j]
        cam[n,i,j] = max(0, sum_k a[n,k] maps[n,k,i,j])

    Args:
        model: gives scores (N, D), before any softmax; it runs in evaluation mode, and is left as it was.
        images: the input (N, C, H, W), or one image (C, H, W).
        layer: the path of a module with an output (N, K, I, J); the last convolution shows most.
        target: a class for all images, or one for each (N); None (default) for the class with the largest score.
        upsample: interpolate the maps bilinearly to the size of the images; else they keep the layer's size (default
            True).

    Returns:
        Maps (N, H, W), or (H, W) for one image, with values from 0 on.

    Raises:
        UsageError: there is no such layer or class, or the images are no floating numbers.
        ShapeError: the layer gives no maps, the model no scores, or the images have other dimensions.

    Source: Selvaraju et al. 2016, "Grad-CAM: visual explanations from deep networks", arXiv:1610.02391, equations 1, 2.
    """
    x, single = as_images(images, "grad_cam")
    with evaluating(model):
        maps, calls = layer_output_and_calls(model, x, layer, "grad_cam")
        if maps.ndim != 4:
            raise ShapeError(
                f"grad_cam: the layer {layer!r} gives {maps.shape}, not maps (N, K, I, J): choose one in front of the "
                "flattening, the last convolution for instance"
            )
        scores = output_from_layer(model, x, layer, calls)
        chosen = _one_hot(scores(maps), target)
        slope = grad(lambda values: (scores(values) * chosen).sum())(maps).numpy()
    weights = slope.mean(axis=(2, 3), keepdims=True)
    cam = np.maximum((weights * maps.numpy()).sum(axis=1), 0)
    if upsample:
        cam = interpolate(Tensor(cam[:, None]), size=x.shape[2:], mode="bilinear").numpy()[:, 0]
    return np.array(cam[0] if single else cam)


def _one_hot(scores: Tensor, target: ArrayLike | None) -> Array:
    """Ones at the targets. Shapes: scores (N, D) -> (N, D)."""
    if scores.ndim != 2:
        raise ShapeError(f"grad_cam: the model's output is {scores.shape}, not scores (N, D) of classes")
    count, classes = scores.shape
    chosen = scores.numpy().argmax(axis=1) if target is None else np.asarray(target)
    fits = chosen.dtype.kind in "iu" and chosen.shape in ((), (count,))
    if not fits or ((chosen < 0) | (chosen >= classes)).any():
        raise UsageError(f"grad_cam: a target is a class from 0 to {classes - 1}, or {count} of them, got {target!r}")
    one_hot: Array = np.eye(classes, dtype=scores.dtype)[np.broadcast_to(chosen, count)]
    return one_hot
