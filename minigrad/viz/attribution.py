"""Grad-CAM: which places of an image speak for a class."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.autograd.tensor import Tensor
from minigrad.autograd.transforms import grad
from minigrad.errors import ShapeError, UsageError
from minigrad.functional import interpolate
from minigrad.nn import Module
from minigrad.typing import Array
from minigrad.viz.probe import calls_of, images_of, output_from, untouched


def grad_cam(model: Module, images: Any, layer: str, target: Any = None, *, upsample: bool = True) -> Array:
    """Where a convolution layer finds what speaks for a class.

        a[n,k] = mean over i, j of  d score[n, target] / d maps[n,k,i,j]
        cam[n,i,j] = max(0, sum_k a[n,k] maps[n,k,i,j])

    Args:
        model: gives scores (N, D), before any softmax; it runs in evaluation mode and is left as it was.
        images: what it looks at.
        layer: the path of a module with an output (N, K, I, J): the last convolution shows most.
        target: a class for all images, or one for each (N); the class with the largest score unless given.
        upsample: stretch the maps (bilinearly) to the size of the images; otherwise they keep the layer's size.

    Shapes: images (N, C, H, W) or (C, H, W) -> (N, H, W) or (H, W), values from 0 on.

    Raises:
        UsageError: there is no such layer or class, or the scores do not depend on the layer.
        ShapeError: the layer gives no maps, or the model no scores.

    Source: Selvaraju et al. 2016, "Grad-CAM: visual explanations from deep networks", arXiv:1610.02391, equations 1, 2.
    """
    x, one = images_of(images, "grad_cam")
    with untouched(model):
        maps, calls = calls_of(model, x, layer, "grad_cam")
        if maps.ndim != 4:
            raise ShapeError(
                f"grad_cam: the layer {layer!r} gives {maps.shape}, not maps (N, K, I, J): choose one in front of the "
                "flattening, the last convolution for instance"
            )
        rest = output_from(model, x, layer, calls)
        chosen = _one_hot(rest(maps), target)
        slope = grad(lambda values: (rest(values) * chosen).sum())(maps).numpy()
    weights = slope.mean(axis=(2, 3), keepdims=True)
    cam = np.maximum((weights * maps.numpy()).sum(axis=1), 0)
    if upsample:
        cam = interpolate(Tensor(cam[:, None]), size=x.shape[2:], mode="bilinear").numpy()[:, 0]
    return np.array(cam[0] if one else cam)


def _one_hot(scores: Tensor, target: Any) -> Array:
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
