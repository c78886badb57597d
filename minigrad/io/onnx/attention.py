"""Attention: ONNX's operator where the opset has it, else products, a softmax, and what is masked left out."""

from __future__ import annotations

from collections.abc import Sequence

from minigrad.io.onnx.builder import Builder
from minigrad.io.onnx.table import by_reference, converter
from minigrad.io.onnx.values import Call

ATTENTION_OPSET = 23
"""The first with the operator Attention."""


@converter("attention")
def _(b: Builder, call: Call) -> Sequence[str]:
    """The operator has batch and heads as its leading dimensions, and these alike; a mask may leave a query nothing."""
    q, k, v, mask = call.inputs
    assert q is not None
    assert k is not None
    assert v is not None
    alike = q.ndim == 4 and q.sizes[:2] == k.sizes[:2] == v.sizes[:2]
    if b.opset < ATTENTION_OPSET or not alike or mask is not None:
        return by_reference(b, call)
    names = [b.name(x, call.out.dtype) for x in (q, k, v)]
    return [b.emit("Attention", *names, is_causal=int(call.settings["causal"]), scale=call.settings["scale"])]
