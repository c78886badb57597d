"""Long short-term memory: all time steps, forward and backward, as one op; see `recurrence.py`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minigrad.autograd.registry import op
from minigrad.errors import ShapeError
from minigrad.kernels import time_loop
from minigrad.kernels.shared_pass import SharedPass
from minigrad.kernels.time_loop import states_before
from minigrad.ops.elementwise import sigmoid, tanh
from minigrad.ops.linalg import linear
from minigrad.ops.recurrence import Sizes, gate_columns, require_gates, sized, walked
from minigrad.shapes import Shape, shape_of
from minigrad.typing import Array, ArrayLike, Settings, Value


def _lstm_settings(
    z: ArrayLike, h: ArrayLike, c: ArrayLike, w: ArrayLike, p: ArrayLike | None, *,
    sizes: Sequence[int] | None = None, reverse: bool = False,
) -> Settings:  # fmt: skip
    require_gates("lstm", z, 4, shape_of(c)[1])
    if p is None and shape_of(h) != shape_of(c):
        raise ShapeError(f"lstm: without p, h of shape {shape_of(h)} and c of shape {shape_of(c)} must be alike")
    return sized(z, h, sizes, reverse)


def _lstm_by_steps(z: Value, h: Value, c: Value, w: Value, p: Value, *, sizes: Sizes, reverse: bool) -> Value:
    def step(x: Value, states: tuple[Value, ...]) -> tuple[Value, ...]:
        i, f, g, o = gate_columns(x + linear(states[0], w, None), 4)
        cell = sigmoid(f) * states[1] + sigmoid(i) * tanh(g)
        hidden = sigmoid(o) * tanh(cell)
        return hidden if p is None else linear(hidden, p, None), cell

    return walked(step, z, (h, c), sizes, reverse)


def _lstm_flops(z_shape: Shape, w_shape: Shape) -> int:
    hidden, projected = w_shape[0] // 4, w_shape[1]
    return z_shape[0] * (w_shape[0] * projected + (hidden * projected if projected < hidden else 0))


@op(shapes="R G, N P, N H, G P, P H? -> R P, N P, N H", canonical=_lstm_settings, reference=_lstm_by_steps,
    results=("out", "h_last", "c_last"), residuals=("gates", "cells"), flops=_lstm_flops,
    source="Hochreiter and Schmidhuber 1997, doi:10.1162/neco.1997.9.8.1735; gates as in arXiv:1402.1128",
    hint="z = x W_ih^T + b has 4 gates of the hidden size")  # fmt: skip
def lstm(z: Value, h: Value, c: Value, w: Value, p: Value, *, sizes: Sizes, reverse: bool) -> Value:
    """Long short-term memory over all steps: i, f, g, o are the quarters of z + w h, and then

        c = sigmoid(f) c + sigmoid(i) tanh(g),    h = p (sigmoid(o) tanh(c)), or without p: sigmoid(o) tanh(c)

    Args:
        z: what the input contributes, for all steps.
        h, c: the initial state of each sequence.
        w: what the state contributes.
        p: the projection of h to a smaller size, or None.
        sizes: how many sequences there are at each step (default None: all, at each).
        reverse: whether the last step comes first (default False).

    Returns:
        Three results: h of all steps, and the last h and c of each sequence.

    Shapes: z (R, 4H), h (N, P), c (N, H), w (4H, P), p (P, H) -> (R, P), (N, P), (N, H).

    Raises:
        DTypeError: z is not floating.
        ShapeError: sizes that do not fit together.
    """
    return time_loop.lstm(z, h, c, w, p, sizes=sizes, reverse=reverse)


def _walk_lstm_back(
    g_out: Array, g_h: Array, g_c: Array, c: Array, w: Array, p: Array | None, gates: Array, cells: Array,
    *, sizes: Sizes, reverse: bool,
) -> tuple[Array, ...]:  # fmt: skip
    before = states_before(cells, c, sizes, reverse)
    return time_loop.lstm_back(g_out, g_h, g_c, w, p, before, gates, cells, sizes=sizes, reverse=reverse)


_lstm_back = SharedPass(_walk_lstm_back)


@lstm.fast_vjp("z")
def _(g: Value, c: Value, w: Value, p: Value, gates: Value, cells: Value, *, sizes: Sizes, reverse: bool) -> Value:
    return _lstm_back("z", *g, c, w, p, gates, cells, sizes=sizes, reverse=reverse)[0]


@lstm.fast_vjp("h")
def _(g: Value, c: Value, w: Value, p: Value, gates: Value, cells: Value, *, sizes: Sizes, reverse: bool) -> Value:
    return _lstm_back("h", *g, c, w, p, gates, cells, sizes=sizes, reverse=reverse)[1]


@lstm.fast_vjp("c")
def _(g: Value, c: Value, w: Value, p: Value, gates: Value, cells: Value, *, sizes: Sizes, reverse: bool) -> Value:
    return _lstm_back("c", *g, c, w, p, gates, cells, sizes=sizes, reverse=reverse)[2]


@lstm.fast_vjp("w")
def _(
    g: Value, out: Value, h: Value, c: Value, w: Value, p: Value, gates: Value, cells: Value, *,
    sizes: Sizes, reverse: bool,
) -> Value:  # fmt: skip
    slopes = _lstm_back("w", *g, c, w, p, gates, cells, sizes=sizes, reverse=reverse)[0]
    return slopes.T @ states_before(out, h, sizes, reverse)


@lstm.fast_vjp("p")
def _(g: Value, c: Value, w: Value, p: Value, gates: Value, cells: Value, *, sizes: Sizes, reverse: bool) -> Value:
    totals = _lstm_back("p", *g, c, w, p, gates, cells, sizes=sizes, reverse=reverse)[3]
    return totals.T @ (gates[:, 3 * cells.shape[1] :] * np.tanh(cells))
