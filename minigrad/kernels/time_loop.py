"""Recurrent layers over all time steps, forward and backward.

Sequences of different lengths are packed: the rows of all steps one after the other, at each step those of the
sequences that are as long as that, the longest first. `sizes` says how many there are at each step. The state of a
sequence that has ended stays as it is; run in reverse, it enters when its last element does. Without `sizes` all have
one length.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from minigrad.typing import Array

from . import buffers
from .array_utils import as_contiguous
from .matrix_products import matrix_product
from .recurrence import gru_step, gru_step_back, lstm_step, lstm_step_back

Sizes = Sequence[int] | None


def steps(sizes: Sizes, reverse: bool, rows: int, count: int) -> Iterator[tuple[slice, int]]:
    """The rows of each step in the order in which they are run, and how many these are.

    Args:
        sizes: how many sequences there are at each step; None for all of them, at each.
        reverse: whether the last step comes first.
        rows: of all steps together.
        count: how many sequences there are.
    """
    if sizes is None:
        sizes = (count,) * (rows // max(count, 1))
    ends = np.cumsum(np.asarray(sizes, np.intp)).tolist()
    order = zip(ends, sizes, strict=True)
    yield from ((slice(end - n, end), n) for end, n in (reversed([*order]) if reverse else order))


def states_before(out: Array, initial: Array, sizes: Sizes, reverse: bool) -> Array:
    """The state in which each step finds a sequence, from the states behind the steps."""
    state, before = initial.copy(), np.empty((len(out), initial.shape[1]), out.dtype)
    for rows, n in steps(sizes, reverse, len(out), len(initial)):
        before[rows] = state[:n]
        state[:n] = out[rows]
    return before


def alike(*arrays: Array | None) -> list[Array]:
    """The arrays in one floating dtype, contiguous."""
    dtype = np.result_type(*[x for x in arrays if x is not None])
    return [as_contiguous(np.asarray(x, dtype)) for x in arrays if x is not None]


# ---- LSTM ------------------------------------------------------------------------------------------------------------


def lstm(
    z: Array, h: Array, c: Array, w: Array, p: Array | None, *, sizes: Sizes, reverse: bool
) -> tuple[Array, Array, Array, Array, Array]:
    """h of all steps, the last h and c of each sequence, and for the derivative the gates and c of all steps.

    Args:
        z: what x contributes to the gates.
        h, c: the initial state.
        w: from h to what it contributes.
        p: from o * tanh(c) to h, if it is another size.
        sizes: the number of sequences at each step.
        reverse: whether the last step comes first.

    Shapes: z (R, 4H), h (N, P), c (N, H), w (4H, P), p (P, H) -> (R, P), (N, P), (N, H), (R, 4H), (R, H).
    """
    gates, h, c, w, *projection = alike(z, h, c, w, p)
    gates, h, c = _copy(gates), h.copy(), c.copy()
    out, cells = buffers.empty((len(z), h.shape[1]), h.dtype), buffers.empty((len(z), c.shape[1]), h.dtype)
    product, unprojected = np.empty((len(h), w.shape[0]), h.dtype), np.empty_like(c)
    for rows, n in steps(sizes, reverse, len(out), len(h)):
        matrix_product(h[:n], w.T, product[:n])
        hidden = unprojected[:n] if projection else out[rows]
        lstm_step(gates[rows], product[:n], c[:n], cells[rows], hidden)
        if projection:
            np.matmul(hidden, projection[0].T, out=out[rows])
        h[:n], c[:n] = out[rows], cells[rows]
    return out, h, c, gates, cells


def lstm_back(
    g_out: Array, g_h: Array, g_c: Array, w: Array, p: Array | None, before: Array, gates: Array, cells: Array,
    *, sizes: Sizes, reverse: bool,
) -> tuple[Array, Array, Array, Array]:  # fmt: skip
    """The cotangents of z, h, c, and of h at all steps, the last of them without what `p` gets.

    Args:
        g_out, g_h, g_c: the cotangents of the three results.
        w, p: as for `lstm`.
        before: c before each step.
        gates, cells: what `lstm` kept.
        sizes, reverse: as for `lstm`.
    """
    g_h, g_c, g_out, w, *projection = alike(g_h.copy(), g_c.copy(), g_out, w, p)
    slopes, totals = buffers.empty(gates.shape, g_out.dtype), _copy(g_out)
    product, unprojected = np.empty_like(g_h), np.empty_like(g_c)
    for rows, n in steps(sizes, not reverse, len(slopes), len(g_h)):
        total = totals[rows]
        total += g_h[:n]
        along = np.matmul(total, projection[0], out=unprojected[:n]) if projection else total
        lstm_step_back(slopes[rows], gates[rows], before[rows], cells[rows], along, g_c[:n])
        g_h[:n] = matrix_product(slopes[rows], w, product[:n])
    return slopes, g_h, g_c, totals


# ---- GRU -------------------------------------------------------------------------------------------------------------


def gru(
    z: Array, h: Array, w: Array, b: Array | None, *, sizes: Sizes, reverse: bool
) -> tuple[Array, Array, Array, Array]:
    """h of all steps, the last h of each sequence, and for the derivative the gates, and what h contributed to n.

    Args:
        z: what x contributes to the gates.
        h: the initial state.
        w, b: from h to what it contributes.
        sizes: the number of sequences at each step.
        reverse: whether the last step comes first.

    Shapes: z (R, 3H), h (N, H), w (3H, H), b (3H) -> (R, H), (N, H), (R, 3H), (R, H).
    """
    gates, h, w, *bias = alike(z, h, w, b)
    gates, h, size = _copy(gates), h.copy(), h.shape[1]
    out, added = buffers.empty((len(z), size), h.dtype), buffers.empty((len(z), size), h.dtype)
    product = np.empty((len(h), 3 * size), h.dtype)
    for rows, n in steps(sizes, reverse, len(out), len(h)):
        part = matrix_product(h[:n], w.T, product[:n])
        if bias:
            part += bias[0]
        added[rows] = part[:, 2 * size :]
        gru_step(gates[rows], part, h[:n], out[rows])
        h[:n] = out[rows]
    return out, h, gates, added


def gru_back(
    g_out: Array, g_h: Array, w: Array, before: Array, gates: Array, added: Array, *, sizes: Sizes, reverse: bool
) -> tuple[Array, Array, Array]:
    """The cotangents of z, h, and of what h contributed to the gates.

    Args:
        g_out, g_h: the cotangents of the two results.
        w: as for `gru`.
        before: h before each step.
        gates, added: what `gru` kept.
        sizes, reverse: as for `gru`.
    """
    g_h, g_out, w = alike(g_h.copy(), g_out, w)
    slopes, inner = buffers.empty(gates.shape, g_out.dtype), buffers.empty(gates.shape, g_out.dtype)
    product = np.empty_like(g_h)
    for rows, n in steps(sizes, not reverse, len(slopes), len(g_h)):
        along = g_h[:n]
        along += g_out[rows]
        gru_step_back(slopes[rows], inner[rows], gates[rows], added[rows], before[rows], along)
        along += matrix_product(inner[rows], w, product[:n])
    return slopes, g_h, inner


# ---- Elman's -----------------------------------------------------------------------------------------------------


def rnn(z: Array, h: Array, w: Array, *, nonlinearity: str, sizes: Sizes, reverse: bool) -> tuple[Array, Array]:
    """h of all steps, tanh or relu of z + h W^T, and the last of each sequence.

    Args:
        z: what x contributes.
        h: the initial state.
        w: from h to what it contributes.
        nonlinearity: "tanh" or "relu".
        sizes: the number of sequences at each step.
        reverse: whether the last step comes first.

    Shapes: z (R, H), h (N, H), w (H, H) -> (R, H), (N, H).
    """
    out, h, w = alike(z, h, w)
    out, h, product = _copy(out), h.copy(), np.empty_like(h)
    for rows, n in steps(sizes, reverse, len(out), len(h)):
        hidden = out[rows]
        hidden += matrix_product(h[:n], w.T, product[:n])
        if nonlinearity == "tanh":
            np.tanh(hidden, out=hidden)
        else:
            np.maximum(hidden, 0, out=hidden)
        h[:n] = hidden
    return out, h


def rnn_back(
    g_out: Array, g_h: Array, w: Array, out: Array, *, nonlinearity: str, sizes: Sizes, reverse: bool
) -> tuple[Array, Array]:
    """The cotangents of z and h.

    Args:
        g_out, g_h: the cotangents of the two results.
        w: as for `rnn`.
        out: h of all steps.
        nonlinearity, sizes, reverse: as for `rnn`.
    """
    g_h, g_out, w, out = alike(g_h.copy(), g_out, w, out)
    slopes = _copy(g_out)
    for rows, n in steps(sizes, not reverse, len(slopes), len(g_h)):
        slope = slopes[rows]
        slope += g_h[:n]
        slope *= 1 - out[rows] * out[rows] if nonlinearity == "tanh" else out[rows] > 0
        g_h[:n] = matrix_product(slope, w)
    return slopes, g_h


def _copy(x: Array) -> Array:
    out = buffers.empty(x.shape, x.dtype)
    out[...] = x
    return out
