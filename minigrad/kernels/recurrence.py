"""One time step of recurrent layers, and of its derivative: all gates in one pass over a batch.

Everything is written into arrays that the caller gives. `product` is what the state contributes, h W^T. Gates stand
side by side in a row, in PyTorch's order.
"""

from functools import partial

import numpy as np

from minigrad.typing import Array

from .jit import with_compiled_variant

by_rows = partial(with_compiled_variant, smallest=1 << 10)


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)), without overflow."""
    e = np.exp(-np.abs(x))
    out: Array = np.where(x >= 0, 1, e) / (1 + e)
    return out


@by_rows
def lstm_step(gates: Array, product: Array, before: Array, cell: Array, hidden: Array) -> None:
    """c = f * before + i * g and h = o * tanh(c), where i, f, o = sigmoid and g = tanh of the sums in `gates`.

    Args:
        gates: what x contributes; they are replaced by i, f, g, o.
        product: what h contributes.
        before: the cells before the step.
        cell, hidden: c and h are written there.

    Shapes: gates and product (N, 4H), all others (N, H).
    """
    size = before.shape[1]
    gates += product
    for k in (0, 1, 3):
        gates[:, k * size : (k + 1) * size] = sigmoid(gates[:, k * size : (k + 1) * size])
    i, f, g, o = (gates[:, k * size : (k + 1) * size] for k in range(4))
    np.tanh(g, out=g)
    np.multiply(f, before, out=cell)
    cell += i * g
    np.multiply(o, np.tanh(cell), out=hidden)


@by_rows
def lstm_step_back(slopes: Array, gates: Array, before: Array, cell: Array, g_hidden: Array, g_cell: Array) -> None:
    """The cotangents of the sums in the gates and of the cells before, from those of h and c.

    Args:
        slopes: those of the sums are written there.
        gates: i, f, g, o.
        before, cell: the cells before and behind the step.
        g_hidden: the cotangent of h.
        g_cell: that of c, which is replaced by that of the cells before.

    Shapes: slopes and gates (N, 4H), all others (N, H).
    """
    size = before.shape[1]
    i, f, g, o = (gates[:, k * size : (k + 1) * size] for k in range(4))
    bent = np.tanh(cell)
    g_cell += g_hidden * o * (1 - bent * bent)
    slopes[:, :size] = g_cell * g * i * (1 - i)
    slopes[:, size : 2 * size] = g_cell * before * f * (1 - f)
    slopes[:, 2 * size : 3 * size] = g_cell * i * (1 - g * g)
    slopes[:, 3 * size :] = g_hidden * bent * o * (1 - o)
    g_cell *= f


@by_rows
def gru_step(gates: Array, product: Array, before: Array, hidden: Array) -> None:
    """h = (1 - z) * n + z * before, where r, z = sigmoid of gates + product and n = tanh(gates + r * product).

    Args:
        gates: what x contributes; they are replaced by r, z, n.
        product: what h contributes.
        before: the state before the step.
        hidden: h is written there.

    Shapes: gates and product (N, 3H), all others (N, H).
    """
    size = before.shape[1]
    gates[:, : 2 * size] = sigmoid(gates[:, : 2 * size] + product[:, : 2 * size])
    r, z, n = (gates[:, k * size : (k + 1) * size] for k in range(3))
    n += r * product[:, 2 * size :]
    np.tanh(n, out=n)
    np.multiply(z, before, out=hidden)
    hidden += (1 - z) * n


@by_rows
def gru_step_back(slopes: Array, inner: Array, gates: Array, product: Array, before: Array, g_hidden: Array) -> None:
    """The cotangents of what x and h contribute to the gates, and that of the state by the way around them.

    Args:
        slopes: the cotangent of what x contributes is written there.
        inner: that of what h contributes.
        gates: r, z, n.
        product: what h contributed to n.
        before: the state before the step.
        g_hidden: the cotangent of h, which is replaced by z times it.

    Shapes: slopes, inner and gates (N, 3H), all others (N, H).
    """
    size = before.shape[1]
    r, z, n = (gates[:, k * size : (k + 1) * size] for k in range(3))
    along = g_hidden * (1 - z) * (1 - n * n)
    slopes[:, :size] = inner[:, :size] = along * product * r * (1 - r)
    slopes[:, size : 2 * size] = inner[:, size : 2 * size] = g_hidden * (before - n) * z * (1 - z)
    slopes[:, 2 * size :] = along
    inner[:, 2 * size :] = along * r
    g_hidden *= z
