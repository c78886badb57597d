"""The table of converters: how each op is written as ONNX operators.

A converter gets the builder and a call, emits nodes, and returns the name of the result (or of each of several). An
elementwise op without settings needs none where its row names an operator (`onnx=`), which takes the same inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final, NoReturn, TypeAlias

from minigrad.autograd.op import Op
from minigrad.autograd.registry import REGISTRY
from minigrad.errors import UsageError
from minigrad.io.onnx.builder import Builder
from minigrad.io.onnx.capture import record_reference
from minigrad.io.onnx.values import Call, same

Converter: TypeAlias = Callable[[Builder, Call], str | Sequence[str]]

CONVERTERS: Final[dict[str, Converter]] = {}
"""By the name of the op."""

SIZED: Final = {"shape"}
"""The settings that may depend on the batch size: converters take the sizes of the result instead."""


def converter(*names: str) -> Callable[[Converter], Converter]:
    """Register the decorated function as the converter of these ops."""

    def register(function: Converter) -> Converter:
        CONVERTERS.update(dict.fromkeys(names, function))
        return function

    return register


def onnx_ops() -> list[str]:
    """The names of the ops that have a form in ONNX, in alphabetical order.

    >>> "conv" in onnx_ops(), "fft" in onnx_ops()
    (True, False)
    """
    return sorted(name for name, op in REGISTRY.items() if name in CONVERTERS or _has_same_operator(op))


def _has_same_operator(op: Op) -> bool:
    return op.elementwise and op.onnx is not None and not op.settings


def convert(b: Builder, call: Call) -> None:
    """Write one call.

    Raises:
        UsageError: it has no form in ONNX.
    """
    function = CONVERTERS.get(call.name) or (_same_operator if call.op and _has_same_operator(call.op) else None)
    if function is None and call.op is not None and call.op.reference is not None:
        function = by_reference
    if function is None:
        _refuse(call)
    for name in call.settings.keys() - SIZED - ({"index"} if call.index is not None else set()):
        if not same(call.settings[name], call.second_settings[name]):
            call.refuse(
                f"has {name}={call.settings[name]!r}, which depends on the inputs or on the batch size",
                "compute it with ops from Tensors, or from fixed sizes",
            )
    b.begin(call)
    outs = function(b, call)
    b.name_results(call, [outs] if isinstance(outs, str) else outs)


def _refuse(call: Call) -> NoReturn:
    call.refuse(
        "has no form in ONNX",
        "compute this part outside of the model, or write it with ops that have one: minigrad.io.onnx_ops()",
    )


def by_reference(b: Builder, call: Call) -> list[str]:
    """Write a call by the smaller ops that its op's reference is made of.

    Raises:
        UsageError: one of these has no form in ONNX.
    """
    try:
        recording = record_reference(call)
        given = [x for x in call.inputs if x is not None and not x.weak]
        for inner, outer in zip(recording.inputs, given, strict=True):
            inner.names[inner.dtype.name] = b.name(outer)
        for part in recording.calls:
            convert(b, replace(part, scope=call.scope, site=call.site))
        b.begin(call)
        return [b.name(value) for value in recording.outputs.values()]
    except UsageError as error:
        call.refuse(
            f"has no form in ONNX ({error})", "leave out dynamic_batch, or compute this part outside of the model"
        )


def _same_operator(b: Builder, call: Call) -> str:
    assert call.op is not None
    assert call.op.onnx is not None
    return str(b.emit(call.op.onnx, *b.operands(call)))
