"""Losses, which files for training hold."""

from __future__ import annotations

import numpy as np

from minigrad import ops
from minigrad.errors import ShapeError
from minigrad.io.onnx.importer.node import Node, raw
from minigrad.io.onnx.importer.registry import onnx_operator
from minigrad.shapes import shape_of
from minigrad.typing import Value


@onnx_operator("SoftmaxCrossEntropyLoss", constants=("target", "weight"))
def _(node: Node, x: Value, target: Value, weight: Value = None) -> Value:
    logarithms = ops.log_softmax(x, axis=1)
    return _likelihood(node, logarithms, target, weight), logarithms


@onnx_operator("NegativeLogLikelihoodLoss", constants=("target", "weight"))
def _(node: Node, x: Value, target: Value, weight: Value = None) -> Value:
    return _likelihood(node, x, target, weight)


def _likelihood(node: Node, x: Value, target: Value, weight: Value) -> Value:
    """-x at the targets, times the weight of each class: each, their sum, or their weighted mean."""
    reduction = node.text("reduction", "mean", ("none", "sum", "mean"))
    classes, places = np.asarray(raw(target)), shape_of(x)
    if classes.shape != (places[0], *places[2:]):
        raise ShapeError(f"{node.data}: targets of shape {classes.shape} do not fit scores of {places}")
    ignored = classes == node.integer("ignore_index") if node.has("ignore_index") else np.zeros(classes.shape, bool)
    chosen = np.where(ignored, 0, classes).astype(np.int64)
    count = places[1]
    if chosen.size and not (chosen.min() >= 0 and chosen.max() < count):
        raise ShapeError(f"{node.data}: targets from {chosen.min()} to {chosen.max()} are none of {count} classes")
    each = np.ones(classes.shape, raw(x).dtype) if weight is None else np.asarray(raw(weight))[chosen]
    each = np.where(ignored, 0, each).astype(raw(x).dtype)
    losses = ops.multiply(ops.negative(ops.squeeze(ops.take_along_axis(x, chosen[:, None], axis=1), axis=1)), each)
    if reduction == "none":
        return losses
    total = ops.sum(losses, axis=None)
    return total if reduction == "sum" else ops.divide(total, np.asarray(each.sum(), raw(x).dtype))
