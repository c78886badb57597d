"""Modules that are several ops here and one operator in ONNX: batch normalization and local response normalization."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Final

import numpy as np

from minigrad.io.onnx.builder import Builder
from minigrad.io.onnx.table import converter
from minigrad.io.onnx.values import Call, Value
from minigrad.nn import BatchNorm1d, BatchNorm2d, BatchNorm3d, LocalResponseNorm, Module

WHOLE: Final[dict[type[Module], str]] = {
    BatchNorm1d: "BatchNorm",
    BatchNorm2d: "BatchNorm",
    BatchNorm3d: "BatchNorm",
    LocalResponseNorm: "LocalResponseNorm",
}
"""The names of their calls. Classes derived from these may compute something else, and are not among them."""


def joined(model: Module, calls: Sequence[Call]) -> list[Call]:
    """The calls of ops, with one call in place of those inside of each such module.

    Args:
        model: whose modules the scopes of the calls name.
        calls: in order.
    """
    modules = {id(module): module for module in model.modules()}
    found: list[Call] = []
    for scope, members in groupby(calls, key=lambda call: call.scope):
        group = list(members)
        module = modules.get(scope.owner) if scope is not None else None
        whole = _whole(module, group) if module is not None and type(module) in WHOLE else None
        found += [whole] if whole is not None else group
    return found


def _whole(module: Module, group: Sequence[Call]) -> Call | None:
    """One call for a group, if the operator does the same and one input depends on the model's."""
    made = {id(out) for call in group for out in call.outs}
    outer = {id(x): x for call in group for x in call.inputs if x is not None and not x.constant and id(x) not in made}
    if len(outer) != 1 or not _is_standard(module):
        return None
    (x,), last = outer.values(), group[-1]
    return Call(WHOLE[type(module)], None, (x,), {}, {}, (last.out,), last.scope, last.site, module=module)


def _is_standard(module: Module) -> bool:
    """Whether the settings are such as the operator has: running statistics, or as many channels on both sides."""
    if isinstance(module, LocalResponseNorm):
        return module.size % 2 == 1
    return getattr(module, "running_mean", None) is not None


@converter("BatchNorm")
def _(b: Builder, call: Call) -> str:
    module = call.module
    assert isinstance(module, (BatchNorm1d, BatchNorm2d, BatchNorm3d))
    assert module.running_mean is not None
    assert module.running_var is not None
    count, dtype = module.num_features, call.out.dtype
    arrays = [
        np.ones(count, dtype) if module.weight is None else module.weight._data,
        np.zeros(count, dtype) if module.bias is None else module.bias._data,
        module.running_mean._data,
        module.running_var._data,
    ]
    names = [b.name(Value(array, array, True), dtype) for array in arrays]
    return str(b.emit("BatchNormalization", b.x(call), *names, epsilon=module.eps))


@converter("LocalResponseNorm")
def _(b: Builder, call: Call) -> str:
    module = call.module
    assert isinstance(module, LocalResponseNorm)
    alpha, beta, k = float(module.alpha), float(module.beta), float(module.k)
    return str(b.emit("LRN", b.x(call), size=module.size, alpha=alpha, beta=beta, bias=k))
