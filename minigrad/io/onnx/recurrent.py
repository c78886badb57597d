"""Recurrent ops as LSTM, GRU and RNN.

These take x itself, while an op here takes what x contributes to the gates; so the product in front of the op becomes
part of the operator. ONNX has the gates in another order, and a leading dimension for directions, of which each op has
one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from minigrad.io.onnx.builder import Builder
from minigrad.io.onnx.table import by_reference, converter
from minigrad.io.onnx.values import Call, Size, Value
from minigrad.typing import Array

ORDER: Final = {"lstm": (0, 3, 1, 2), "gru": (1, 0, 2), "rnn": (0,)}
"""Where ONNX's gates (i o f c; z r h) stand among those here (i f g o; r u n)."""


@converter("lstm", "gru", "rnn")
def _(b: Builder, call: Call) -> Sequence[str]:
    """ONNX has no projection, and not all runtimes allow sequences without elements: these are written step by step."""
    z, h, *others = call.inputs
    assert z is not None
    assert h is not None
    cell, w, projection = (*others, None, None)[:3] if call.name == "lstm" else (None, others[0], None)
    assert w is not None
    packed, settings = call.settings["sizes"], call.settings
    if projection is not None or not z.shape[0] or (packed and packed[0] != h.shape[0]):
        return by_reference(b, call)
    x, weight, bias, width = _input(b, call, z)
    if packed:
        table = _table(packed)
        lengths = b.constant((table >= 0).sum(axis=0), np.int32)
        x = b.emit("Gather", x, b.constant(np.maximum(table, 0), np.int64), axis=0)
    else:
        table, lengths = None, ""
        x = b.reshape(x, [_steps(z, h), h.sizes[0], Size(width, width)])
    recurrent = b.emit("Unsqueeze", _rows(b, call, b.name(w, call.out.dtype)), b.ints([0]))
    own = others[1] if call.name == "gru" else None
    outs = b.emit(
        call.name.upper(), x, weight, recurrent, _biases(b, call, bias, own), lengths,
        *[_initial(b, call, state) for state in (h, cell) if state is not None],
        count=len(call.outs), hidden_size=h.shape[1], direction="reverse" if settings["reverse"] else "forward",
        linear_before_reset=1 if call.name == "gru" else None,
        activations=[settings["nonlinearity"].capitalize()] if call.name == "rnn" else None,
    )  # fmt: skip
    states = [b.emit("Squeeze", state, b.ints([0])) for state in outs[1:]]
    if table is None:
        return [b.reshape(outs[0], call.out.sizes), *states]
    rows = b.emit("Reshape", outs[0], b.ints([-1, h.shape[1]]))
    return [b.emit("Gather", rows, b.constant(np.flatnonzero(table >= 0), np.int64), axis=0), *states]


def _steps(z: Value, h: Value) -> Size:
    """How many there are."""
    return Size(*[rows // sequences for rows, sequences in zip(z.sizes[0], h.sizes[0], strict=True)])


def _table(sizes: Sequence[int]) -> Array:
    """The row of each step (first dimension) and sequence (second one); -1 behind the end of a sequence."""
    places = np.arange(sizes[0])
    starts = np.cumsum(sizes) - np.asarray(sizes)
    table: Array = np.where(places < np.asarray(sizes)[:, None], starts[:, None] + places, -1)
    return table


def _input(b: Builder, call: Call, z: Value) -> tuple[str, str, str, int]:
    """x, the weights and bias of the product that made z of it, and x's width.

    What is no such product is multiplied by an identity matrix.
    """
    dtype, product = call.out.dtype, z.source
    if product is None or product.name != "linear" or product.inputs[0] is None or product.inputs[0].ndim != 2:
        weight, width = b.constant(np.eye(z.shape[1]), dtype), z.shape[1]
        x, bias = b.name(z, dtype), ""
    else:
        of_x, w, of_bias = product.inputs
        assert of_x is not None
        assert w is not None
        x, weight, width = b.name(of_x, dtype), b.name(w, dtype), of_x.shape[1]
        bias = "" if of_bias is None else b.name(of_bias, dtype)
    return x, b.emit("Unsqueeze", _rows(b, call, weight), b.ints([0])), bias, width


def _rows(b: Builder, call: Call, name: str) -> str:
    """A weight or bias with the gates in ONNX's order."""
    order, size = ORDER[call.name], call.out.shape[1]
    if len(order) == 1:
        return name
    places = np.arange(len(order) * size).reshape(-1, size)[list(order)]
    return str(b.emit("Gather", name, b.constant(places.reshape(-1), np.int64), axis=0))


def _biases(b: Builder, call: Call, of_input: str, own: Value | None) -> str:
    """The biases of both products one behind the other; "" if there are none."""
    if not of_input and own is None:
        return ""
    count, dtype = len(ORDER[call.name]) * call.out.shape[1], call.out.dtype
    both = [of_input, "" if own is None else b.name(own, dtype)]
    parts = [_rows(b, call, name) if name else b.constant(np.zeros(count), dtype) for name in both]
    return str(b.emit("Unsqueeze", b.emit("Concat", *parts, axis=0), b.ints([0])))


def _initial(b: Builder, call: Call, state: Value) -> str:
    """An initial state; "" for zeros."""
    if state.constant and not state.trained and not np.any(state.first) and not np.any(state.second):
        return ""
    return str(b.emit("Unsqueeze", b.name(state, call.out.dtype), b.ints([0])))
