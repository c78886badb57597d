"""LSTM, GRU and RNN: by minigrad's ops where these do the same, else step by step.

Steps are needed for other activations, for clipped gates, for peepholes, for coupled gates, and for a GRU whose reset
gate stands before the product with the state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from minigrad import ops
from minigrad.errors import DataError, ShapeError
from minigrad.io.onnx.importer.node import Node, raw
from minigrad.io.onnx.importer.registry import onnx_operator
from minigrad.shapes import shape_of
from minigrad.typing import Array, Value

ORDER: Final = {"LSTM": (0, 2, 3, 1), "GRU": (1, 0, 2), "RNN": (0,)}
"""Where the gates of minigrad's ops (i f g o; r u n) stand among ONNX's (i o f c; z r h)."""

USUAL: Final = {"LSTM": ("sigmoid", "tanh", "tanh"), "GRU": ("sigmoid", "tanh"), "RNN": ("tanh",)}
"""The activations unless others are named."""

DIRECTIONS: Final = {"forward": (False,), "reverse": (True,), "bidirectional": (False, True)}

MAX_STEPS: Final = 4096
"""How many steps are possible one by one."""

Activation = Callable[[Value], Value]


@onnx_operator("RNN", "GRU", constants=("lengths",))
def _(
    node: Node, x: Value, w: Value, r: Value, b: Value = None, lengths: Value = None, h: Value = None
) -> tuple[Value, ...]:
    return _all_directions(node, x, (w, r, b, None), lengths, [h])


@onnx_operator("LSTM", constants=("lengths",))
def _(
    node: Node, x: Value, w: Value, r: Value, b: Value = None, lengths: Value = None, h: Value = None,
    c: Value = None, peepholes: Value = None,
) -> tuple[Value, ...]:  # fmt: skip
    return _all_directions(node, x, (w, r, b, peepholes), lengths, [h, c])


def _all_directions(
    node: Node, x: Value, weights: Sequence[Value], lengths: Value, states: Sequence[Value]
) -> tuple[Value, ...]:
    reverses = DIRECTIONS[node.text("direction", "forward", tuple(DIRECTIONS))]
    batch_first = node.flag("layout")
    if batch_first:
        x = ops.permute_dims(x, axes=(1, 0, 2))
        states = [None if state is None else ops.permute_dims(state, axes=(1, 0, 2)) for state in states]
    hidden = _checked(node, x, weights, states, len(reverses))
    steps, sequences, _ = shape_of(x)
    ends = _lengths(node, lengths, steps, sequences)
    zeros = np.zeros((sequences, hidden), raw(x).dtype)
    found = []
    for k, reverse in enumerate(reverses):
        w, r, b, peepholes = (None if value is None else ops.getitem(value, index=k) for value in weights)
        initial = [zeros if state is None else ops.getitem(state, index=k) for state in states]
        layer = Layer(node, _activations(node, k, len(reverses)), w, r, b, peepholes, reverse, ends)
        found.append(layer.run(x, initial))
    outs, *last = zip(*found, strict=True)
    out = ops.stack(list(outs), axis=1)  # (T, directions, N, H)
    ended = [ops.stack(list(state), axis=0) for state in last]
    if batch_first:
        out, ended = ops.permute_dims(out, axes=(2, 0, 1, 3)), [ops.permute_dims(y, axes=(1, 0, 2)) for y in ended]
    return (out, *ended)


def _checked(node: Node, x: Value, weights: Sequence[Value], states: Sequence[Value], directions: int) -> int:
    """The size of the state, if all shapes fit together."""
    if len(shape_of(x)) != 3 or len(shape_of(weights[1])) != 3:
        raise ShapeError(f"{node.data}: x and R need three dimensions, got {shape_of(x)} and {shape_of(weights[1])}")
    (steps, sequences, width), hidden = shape_of(x), shape_of(weights[1])[2]
    rows = len(ORDER[node.operator]) * hidden
    expected = [(directions, rows, width), (directions, rows, hidden), (directions, 2 * rows), (directions, 3 * hidden)]
    expected += [(directions, sequences, hidden)] * len(states)
    for value, shape, name in zip((*weights, *states), expected, ("W", "R", "B", "P", "h", "c"), strict=False):
        if value is not None and shape_of(value) != shape:
            raise ShapeError(f"{node.data}: {name} must have the shape {shape}, and has {shape_of(value)}")
    if node.integer("hidden_size", hidden) != hidden:
        raise ShapeError(f"{node.data}: hidden_size is {node.integer('hidden_size')}, and R has {hidden} columns")
    node.require_size((steps, sequences, directions * rows))
    return hidden


def _lengths(node: Node, lengths: Value, steps: int, sequences: int) -> Array | None:
    """The length of each sequence; None if all have as many steps as there are."""
    if lengths is None:
        return None
    found = np.asarray(node.ints(lengths, "sequence_lens"), np.int64)
    if found.shape != (sequences,) or np.any(found < 0) or np.any(found > steps):
        raise DataError(f"{node.data}: sequence_lens must be {sequences} numbers from 0 to {steps}")
    return None if np.all(found == steps) else found


# ---- activations -----------------------------------------------------------------------------------------------------

FUNCTIONS: Final[dict[str, tuple[Callable[..., Value], tuple[float, ...]]]] = {
    "sigmoid": (ops.sigmoid, ()),
    "tanh": (ops.tanh, ()),
    "relu": (ops.relu, ()),
    "softsign": (ops.softsign, ()),
    "softplus": (lambda x: ops.softplus(x, beta=1.0, threshold=np.inf), ()),
    "affine": (lambda x, a, b: a * x + b, (1.0, 0.0)),
    "leakyrelu": (lambda x, a: ops.leaky_relu(x, negative_slope=a), (0.01,)),
    "thresholdedrelu": (lambda x, a: ops.threshold(x, threshold=a, value=0.0), (1.0,)),
    "scaledtanh": (lambda x, a, b: a * ops.tanh(b * x), (1.0, 1.0)),
    "hardsigmoid": (lambda x, a, b: ops.clip(a * x + b, 0.0, 1.0), (0.2, 0.5)),
    "elu": (lambda x, a: ops.elu(x, alpha=a), (1.0,)),
}
"""Each with its alpha and beta unless others are given."""


def _activations(node: Node, direction: int, directions: int) -> list[tuple[str, Activation]]:
    """Those of one direction, with their names."""
    usual = USUAL[node.operator]
    names = [name.lower() for name in node.texts("activations", usual * directions)]
    if len(names) != len(usual) * directions:
        raise DataError(f"{node.data}: activations must name {len(usual) * directions}, and names {len(names)}")
    if unknown := [name for name in names if name not in FUNCTIONS]:
        node.refuse(f"the activation {unknown[0][:40]!r} is not supported")
    given = [iter(node.numbers(f"activation_{which}", ())) for which in ("alpha", "beta")]
    found = [_activation(name, given) for name in names]
    return found[direction * len(usual) : (direction + 1) * len(usual)]


def _activation(name: str, given: Sequence[Iterator[float]]) -> tuple[str, Activation]:
    function, defaults = FUNCTIONS[name]
    settings = [next(numbers, default) for numbers, default in zip(given, defaults, strict=False)]
    return name, lambda x: function(x, *settings)


# ---- one direction ---------------------------------------------------------------------------------------------------


@dataclass
class Layer:
    """One direction.

    Attributes:
        node: the node.
        activations: each with its name.
        w, r, b: the weights of x and of the state, and the biases of both; b may be None.
        peepholes: what the cell contributes to the gates i, o and f; may be None.
        reverse: whether the last step comes first.
        lengths: of each sequence; None if all have one.

    Shapes: w (G, D), r (G, H), b (2 G), peepholes (3 H), with G rows of all gates.
    """

    node: Node
    activations: list[tuple[str, Activation]]
    w: Value
    r: Value
    b: Value
    peepholes: Value
    reverse: bool
    lengths: Array | None

    def run(self, x: Value, states: Sequence[Value]) -> tuple[Value, ...]:
        """h of all steps, and the last states."""
        return self._by_op(x, states) if self._is_usual() else self._by_steps(x, states)

    def _is_usual(self) -> bool:
        """Whether minigrad's op does the same."""
        node, names = self.node, tuple(name for name, _ in self.activations)
        usual = names == USUAL[node.operator] or names == ("relu",)
        plain = not node.has("clip") and not node.flag("input_forget") and self.peepholes is None
        return usual and plain and (node.operator != "GRU" or node.flag("linear_before_reset"))

    def _biases(self) -> tuple[Value, Value]:
        """Those of x and of the state."""
        if self.b is None:
            return None, None
        half = shape_of(self.w)[0]
        return self.b[:half], self.b[half:]

    # ---- all steps at once -----------------------------------------------------------------------------------

    def _by_op(self, x: Value, states: Sequence[Value]) -> tuple[Value, ...]:
        steps, sequences, width = shape_of(x)
        hidden, rows, sizes = shape_of(self.r)[1], ops.reshape(x, shape=(steps * sequences, width)), None
        order = places = None
        if self.lengths is not None:
            order = np.argsort(-self.lengths, kind="stable")
            alive = np.arange(steps)[:, None] < self.lengths[order]
            places = (np.arange(steps)[:, None] * sequences + order)[alive]
            sizes = tuple(int(n) for n in alive.sum(axis=1) if n)
            rows = ops.take(rows, places, axis=0)
            states = [ops.take(state, order, axis=0) for state in states]
        out, *last = self._called(rows, states, sizes)
        if order is not None:
            out = ops.scatter_add(out, index=places, shape=(steps * sequences, hidden))
            last = [ops.take(state, np.argsort(order), axis=0) for state in last]
        return (ops.reshape(out, shape=(steps, sequences, hidden)), *last)

    def _called(self, rows: Value, states: Sequence[Value], sizes: tuple[int, ...] | None) -> tuple[Value, ...]:
        of_x, of_h = (self._ordered(bias) for bias in self._biases())
        w, r, settings = self._ordered(self.w), self._ordered(self.r), {"sizes": sizes, "reverse": self.reverse}
        if self.node.operator == "GRU":
            return ops.gru(ops.linear(rows, w, of_x), states[0], r, of_h, **settings)  # type: ignore[arg-type]
        z = ops.linear(rows, w, None if of_x is None else of_x + of_h)
        if self.node.operator == "RNN":
            return ops.rnn(z, states[0], r, nonlinearity=self.activations[0][0], **settings)  # type: ignore[arg-type]
        return ops.lstm(z, states[0], states[1], r, None, **settings)  # type: ignore[arg-type]

    def _ordered(self, weight: Value) -> Value:
        """The rows of the gates in the order that minigrad's op has."""
        order = ORDER[self.node.operator]
        if weight is None or len(order) == 1:
            return weight
        places = np.arange(shape_of(weight)[0]).reshape(len(order), -1)[list(order)]
        return ops.take(weight, places.reshape(-1), axis=0)

    # ---- step by step ----------------------------------------------------------------------------------------

    def _by_steps(self, x: Value, states: Sequence[Value]) -> tuple[Value, ...]:
        count = shape_of(x)[0]
        if count > MAX_STEPS:
            self.node.refuse(f"{count:,} steps are too many for settings that are computed step by step")
        functions: dict[str, Callable[..., tuple[Value, ...]]] = {
            "LSTM": self._lstm_step, "GRU": self._gru_step, "RNN": self._rnn_step,
        }  # fmt: skip
        step = functions[self.node.operator]
        outs: list[Value] = [None] * count
        for t in reversed(range(count)) if self.reverse else range(count):
            new, outs[t] = step(x[t], *states), None
            if self.lengths is None:
                states, outs[t] = new, new[0]
            else:
                alive = (t < self.lengths)[:, None]
                states = [ops.where(alive, y, old) for y, old in zip(new, states, strict=True)]
                outs[t] = ops.where(alive, new[0], 0)
        out = ops.stack(outs, axis=0) if outs else np.zeros((0, *shape_of(states[0])), raw(x).dtype)
        return (out, *states)

    def _gates(self, x: Value, h: Value) -> list[Value]:
        """What x and h contribute to each gate."""
        of_x, of_h = self._biases()
        both = ops.linear(x, self.w, of_x) + ops.linear(h, self.r, of_h)
        return self._parts(both)

    def _parts(self, x: Value) -> list[Value]:
        size = shape_of(self.r)[1]
        return [x[..., k * size : (k + 1) * size] for k in range(shape_of(x)[-1] // size)] if size else []

    def _bent(self, which: int, x: Value) -> Value:
        """An activation of what is clipped before, if it is."""
        limit = self.node.number("clip", 0.0)
        return self.activations[which][1](ops.clip(x, -limit, limit) if limit > 0 else x)

    def _rnn_step(self, x: Value, h: Value) -> tuple[Value, ...]:
        (gate,) = self._gates(x, h)
        return (self._bent(0, gate),)

    def _gru_step(self, x: Value, h: Value) -> tuple[Value, ...]:
        update, reset, _ = self._gates(x, h)
        update, reset = self._bent(0, update), self._bent(0, reset)
        of_x, of_h = self._biases()
        start = 2 * shape_of(self.r)[1]
        w, r, of_x, of_h = (None if y is None else y[start:] for y in (self.w, self.r, of_x, of_h))
        if self.node.flag("linear_before_reset"):
            inner = reset * ops.linear(h, r, of_h)
        else:
            inner = ops.linear(reset * h, r, of_h)
        new = self._bent(1, ops.linear(x, w, of_x) + inner)
        return ((1 - update) * new + update * h,)

    def _lstm_step(self, x: Value, h: Value, c: Value) -> tuple[Value, ...]:
        i, o, f, g = self._gates(x, h)
        of_i, of_o, of_f = self._parts(self.peepholes) if self.peepholes is not None else (0.0, 0.0, 0.0)
        i = self._bent(0, i + of_i * c)
        f = 1 - i if self.node.flag("input_forget") else self._bent(0, f + of_f * c)
        cell = f * c + i * self._bent(1, g)
        return self._bent(0, o + of_o * cell) * self.activations[2][1](cell), cell
