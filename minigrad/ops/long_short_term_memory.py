"""Long short-term memory: all time steps, forward and backward, as one op; see `recurrence.py`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minigrad.autograd.registry import op
from minigrad.errors import ShapeError
from minigrad.kernels import time_loop
from minigrad.kernels.time_loop import states_before
from minigrad.ops.elementwise import sigmoid, tanh
from minigrad.ops.linalg import linear
from minigrad.ops.recurrence import Sizes, gate_columns, require_gates, sized, walked
from minigrad.shapes import Shape, shape_of
from minigrad.typing import ArrayLike, Settings, Value


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


@lstm.fast_vjp("z", "h", "c", "w", "p")
def _(
    g: Value, out: Value, h: Value, c: Value, w: Value, p: Value, gates: Value, cells: Value, *,
    sizes: Sizes, reverse: bool, wanted: frozenset[str],
) -> tuple[Value | None, ...]:  # fmt: skip
    g_out, g_h, g_c = g
    before = states_before(cells, c, sizes, reverse)
    back = time_loop.lstm_back(g_out, g_h, g_c, w, p, before, gates, cells, sizes=sizes, reverse=reverse)
    to_z, to_h, to_c, to_out = back
    to_w = to_z.T @ states_before(out, h, sizes, reverse) if "w" in wanted else None
    to_p = to_out.T @ (gates[:, 3 * cells.shape[1] :] * np.tanh(cells)) if "p" in wanted else None
    return to_z, to_h, to_c, to_w, to_p
