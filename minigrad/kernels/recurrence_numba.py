"""The time steps of recurrent layers in one compiled pass each; see `recurrence.py`."""

from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np

from minigrad.typing import Array

from .fusion.vector_math_numba import Number, library
from .jit import VariantResult, compiled, inlined
from .widest_registers_numba import use_widest


def lstm_step(*arrays: Array) -> VariantResult:
    """See `recurrence.lstm_step`."""
    return _run("lstm_rows", arrays)


def lstm_step_back(*arrays: Array) -> VariantResult:
    """See `recurrence.lstm_step_back`."""
    return _run("lstm_rows_back", arrays)


def gru_step(*arrays: Array) -> VariantResult:
    """See `recurrence.gru_step`."""
    return _run("gru_rows", arrays)


def gru_step_back(*arrays: Array) -> VariantResult:
    """See `recurrence.gru_step_back`."""
    return _run("gru_rows_back", arrays)


def _run(name: str, arrays: tuple[Array, ...]) -> VariantResult:
    """Compute in the arrays, if all are of one dtype that there are kernels for."""
    first = arrays[0]
    if first.dtype.char not in "fd" or not all(x.dtype == first.dtype and x.flags.carray for x in arrays):
        return NotImplemented
    return getattr(kernels(np.float32 if first.dtype.char == "f" else np.float64), name)(*arrays)


@cache
def kernels(f: Any) -> SimpleNamespace:
    """The kernels for a dtype."""
    math = library(f)
    exp, tanh, one = math.exp, math.tanh, f(1)

    @inlined
    def sigmoid(x: Number) -> Number:
        return one / (one + exp(-x))

    @compiled
    def lstm_rows(gates: Array, product: Array, before: Array, cell: Array, hidden: Array) -> None:
        use_widest()
        size = before.shape[1]
        for row in range(len(gates)):
            i, f, g, o = _quarters(gates[row], size)
            p, q, s, t = _quarters(product[row], size)
            old, new, out = before[row], cell[row], hidden[row]
            for k in range(size):
                i[k], f[k], o[k] = sigmoid(i[k] + p[k]), sigmoid(f[k] + q[k]), sigmoid(o[k] + t[k])
                g[k] = tanh(g[k] + s[k])
                new[k] = f[k] * old[k] + i[k] * g[k]
                out[k] = o[k] * tanh(new[k])

    @compiled
    def lstm_rows_back(slopes: Array, gates: Array, before: Array, cell: Array, g_hidden: Array, g_cell: Array) -> None:
        size = before.shape[1]
        for row in range(len(gates)):
            i, f, g, o = _quarters(gates[row], size)
            p, q, s, t = _quarters(slopes[row], size)
            old, new, along, through = before[row], cell[row], g_hidden[row], g_cell[row]
            for k in range(size):
                bent = tanh(new[k])
                c = through[k] + along[k] * o[k] * (one - bent * bent)
                p[k] = c * g[k] * i[k] * (one - i[k])
                q[k] = c * old[k] * f[k] * (one - f[k])
                s[k] = c * i[k] * (one - g[k] * g[k])
                t[k] = along[k] * bent * o[k] * (one - o[k])
                through[k] = c * f[k]

    @compiled
    def gru_rows(gates: Array, product: Array, before: Array, hidden: Array) -> None:
        use_widest()
        size = before.shape[1]
        for row in range(len(gates)):
            r, z, n = _thirds(gates[row], size)
            p, q, s = _thirds(product[row], size)
            old, out = before[row], hidden[row]
            for k in range(size):
                r[k], z[k] = sigmoid(r[k] + p[k]), sigmoid(z[k] + q[k])
                n[k] = tanh(n[k] + r[k] * s[k])
                out[k] = z[k] * old[k] + (one - z[k]) * n[k]

    @compiled
    def gru_rows_back(
        slopes: Array, inner: Array, gates: Array, product: Array, before: Array, g_hidden: Array
    ) -> None:
        size = before.shape[1]
        for row in range(len(gates)):
            r, z, n = _thirds(gates[row], size)
            p, q, s = _thirds(slopes[row], size)
            u, v, w = _thirds(inner[row], size)
            added, old, along = product[row], before[row], g_hidden[row]
            for k in range(size):
                a = along[k] * (one - z[k]) * (one - n[k] * n[k])
                p[k] = u[k] = a * added[k] * r[k] * (one - r[k])
                q[k] = v[k] = along[k] * (old[k] - n[k]) * z[k] * (one - z[k])
                s[k], w[k] = a, a * r[k]
                along[k] = along[k] * z[k]

    return SimpleNamespace(
        lstm_rows=lstm_rows, lstm_rows_back=lstm_rows_back, gru_rows=gru_rows, gru_rows_back=gru_rows_back
    )


@inlined
def _quarters(row: Array, size: int) -> tuple[Array, Array, Array, Array]:
    return row[:size], row[size : 2 * size], row[2 * size : 3 * size], row[3 * size : 4 * size]


@inlined
def _thirds(row: Array, size: int) -> tuple[Array, Array, Array]:
    return row[:size], row[size : 2 * size], row[2 * size : 3 * size]
