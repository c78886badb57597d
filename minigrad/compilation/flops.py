"""The multiply-adds of a call, by the op's own count."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from minigrad.autograd.node import Node
from minigrad.autograd.op import Op
from minigrad.typing import Settings, Shape


def flops_of_call(op: Op[..., Any], inputs: tuple[Any, ...], settings: Settings, out_shape: Shape) -> int:
    """Those of a forward function."""
    shapes: dict[str, Any] = {f"{op.inputs[0]}_shape": [np.shape(x) for x in inputs]}
    if not op.variadic:
        shapes = {f"{name}_shape": np.shape(x) for name, x in zip(op.inputs, inputs, strict=False) if x is not None}
    return _count(op, {**shapes, **settings, "out_shape": out_shape})


def flops_of_rule(node: Node) -> int:
    """Those of a rule for one input: as many as the call had, as for products; 0 where shapes are not known."""
    assert node.op is not None
    op = node.op
    known: dict[str, Any] = {**node.settings, "out_shape": node.shape}
    assert node.plan is not None
    assert node.saved is not None
    for name, value in zip(node.plan.saved_names, node.saved, strict=True):
        if isinstance(value, (np.ndarray, tuple)) and not name.endswith("_shape"):
            known[f"{name}_shape"] = [np.shape(x) for x in value] if isinstance(value, tuple) else value.shape
    if not op.variadic:
        known |= {f"{name}_shape": p.shape for name, p in zip(op.inputs, node.parents, strict=False) if p is not None}
    return _count(op, known)


def _count(op: Op[..., Any], known: dict[str, Any]) -> int:
    if op.flops is None:
        return 0
    names = list(inspect.signature(op.flops).parameters)
    return int(op.flops(**{name: known[name] for name in names})) if known.keys() >= set(names) else 0
