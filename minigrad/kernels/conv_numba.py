"""Direct convolution with stride 1 for few channels, where columns would cost more than the product.

Lay the framed image out flat, row after row. Then one tap reads, for all windows at once, a single stretch
of it: the image shifted by (c, p, q). (At the end of each row lie a few windows that do not exist; they
are computed and thrown away.) With an offset for each output plane o, rows[o], and for each tap k = (c, p, q),
columns[k], convolution and its transposes are the three derivatives of one trilinear form

    sum_okl  g[rows[o] + l] * w[o, k] * x[columns[k] + l]

    in g: conv           y[rows[o] + l]      =  sum_k  w[o, k] * x[columns[k] + l]
    in x: conv_input     x'[columns[k] + l] +=  sum_o  w[o, k] * g[rows[o] + l]
    in w: conv_weight    w'[o, k]            =  sum_l  g[rows[o] + l] * x[columns[k] + l]

so conv_input is conv with rows and columns exchanged, and two compiled loops do all the work.
"""

from dataclasses import dataclass

import numpy as np

from .jit import compiled
from .lanes import BYTES, add, each, fma, load, total, zeros
from .threads import parallel
from .windows import Array, Pair, Shape

TILE = 6  # sums that `accumulate` keeps in registers
IMAGES = 8  # that `correlate` sums at once: a fixed number, so that results do not depend on the threads


def conv(x: Array, w: Array, b: Array | None, *, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> Array:
    flat = Flat.of(x.shape, w.shape, stride, padding, dilation, groups, x, w)
    if flat is None:
        return NotImplemented
    y = np.empty((len(x), len(w), *flat.count), x.dtype)
    bias = np.zeros(len(w), x.dtype) if b is None else b.astype(x.dtype)
    rows, columns = flat.planes(w.shape[0] // groups), flat.shifts
    sweep_all(y, x, bias, w.reshape(groups, len(rows), -1), rows, columns, flat, flat.windows, flat.image)
    return y


def conv_input(
    g: Array, w: Array, *, shape: Shape, stride: Pair, padding: Pair, dilation: Pair, groups: int
) -> Array:
    flat = Flat.of(shape, w.shape, stride, padding, dilation, groups, g, w)
    if flat is None:
        return NotImplemented
    x = np.empty(shape, g.dtype)
    rows, columns = flat.planes(w.shape[0] // groups), flat.shifts
    weights = w.reshape(groups, len(rows), -1).swapaxes(1, 2)
    sweep_all(x, g, np.zeros(shape[1], g.dtype), weights, columns, rows, flat, flat.image, flat.windows)
    return x
