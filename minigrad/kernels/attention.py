"""Attention in blocks: a few rows of the table of weights at a time, which is never there as a whole.

Memory grows with the length, not with its square. A block has all columns that its rows may see, so that a softmax is
made at once; the derivative makes the blocks again.
"""

import math
from collections.abc import Iterator

import numpy as np

from minigrad.typing import Array, Shape

from .jit import with_compiled_variant
from .matrix_layout import ordered
from .softmax_family import softmax, softmax_input
from .time_loop import alike

BLOCK = 1 << 17
"""Numbers of a block: such as the cache of a core holds."""

CAUSAL_ROWS = 64
"""Rows of a block where each row sees the columns up to its own: fewer columns then are none that it sees."""


class Blocks:
    """The pieces of one call: some of the matrices, or some of the rows of one.

    Args:
        q, k, v: as for `attention`.
        mask: as for `attention`.
        scale, causal: as for `attention`.
    """

    def __init__(self, q: Array, k: Array, v: Array, mask: Array | None, scale: float, causal: bool) -> None:
        leads = [x.shape[:-2] for x in (q, k, v, mask) if x is not None]
        self.lead: Shape = np.broadcast_shapes(*leads)
        q, k, v = alike(q, k, v)
        self.q, self.k, self.v = (np.broadcast_to(x, (*self.lead, *x.shape[-2:])) for x in (q, k, v))
        self.q, self.k, self.v = (self.flat(x) for x in (self.q, self.k, self.v))
        self.rows, self.columns, self.causal = q.shape[-2], k.shape[-2], causal
        self.scale = self.q.dtype.type(scale)
        self._skips = causal and bool(np.isfinite(v).all())  # 0 times NaN is NaN, in all rows or in none
        self._seen = None if mask is None else np.broadcast_to(mask, (*self.lead, self.rows, self.columns))

    def __iter__(self) -> Iterator[tuple[slice, slice, slice]]:
        """The matrices, rows and columns of each block."""
        rows = max(min(BLOCK // max(self.columns, 1), self.rows, CAUSAL_ROWS if self._skips else self.rows), 1)
        matrices = max(BLOCK // max(rows * self.columns, 1), 1)
        for first in range(0, len(self.q), matrices):
            for start in range(0, self.rows, rows):
                stop = min(start + rows, self.rows)
                end = min(stop, self.columns) if self._skips else self.columns
                yield slice(first, min(first + matrices, len(self.q))), slice(start, stop), slice(0, end)

    def weights(self, matrices: Shape | slice, rows: slice, columns: slice) -> Array:
        """The weights of a block: softmax of q k^T scale, and 0 in a row without any column."""
        scores: Array = np.matmul(self.q[matrices, rows] * self.scale, self.k[matrices, columns].swapaxes(1, 2))
        if self.causal and columns.stop > rows.start + 1:
            beyond = np.arange(rows.start, columns.stop) > np.arange(rows.start, rows.stop)[:, None]
            np.copyto(scores[..., rows.start :], -np.inf, where=beyond)
        if self._seen is None:
            return softmax(scores, axis=2)
        assert isinstance(matrices, slice)
        for score, k in zip(scores, range(matrices.start, matrices.stop), strict=True):
            part = self._seen[np.unravel_index(k, self.lead)][rows, columns]
            if part.dtype.kind == "b":
                np.copyto(score, -np.inf, where=~part)
            else:
                score += part
                np.copyto(score, -np.inf, where=np.isneginf(part))  # even where it was NaN
        empty = np.isneginf(np.max(scores, axis=2, initial=-np.inf))
        if not empty.any():
            return softmax(scores, axis=2)
        scores[empty] = 0
        weights = softmax(scores, axis=2)
        weights[empty] = 0
        return weights

    def flat(self, x: Array) -> Array:
        """Matrices with one leading dimension."""
        return x.reshape(math.prod(self.lead), *x.shape[-2:])

    def whole(self, x: Array) -> Array:
        """Matrices with all leading dimensions again."""
        return x.reshape(*self.lead, *x.shape[-2:])


@with_compiled_variant
def attention(q: Array, k: Array, v: Array, mask: Array | None, *, scale: float, causal: bool) -> Array:
    """softmax(q k^T scale + mask) v.

    Args:
        q, k, v: queries, keys and values; leading dimensions broadcast.
        mask: what is added, or where it may be looked (booleans), or None.
        scale: the factor.
        causal: whether row i sees the columns up to i only.

    Shapes: q (..., L, E), k (..., S, E), v (..., S, V), mask (..., L, S) -> (..., L, V).
    """
    blocks = Blocks(q, k, v, mask, scale, causal)
    out = np.zeros((*blocks.q.shape[:2], v.shape[-1]), blocks.q.dtype)
    for matrices, rows, columns in blocks:
        out[matrices, rows] = np.matmul(blocks.weights(matrices, rows, columns), blocks.v[matrices, columns])
    return ordered(blocks.whole(out), q)


@with_compiled_variant
def attention_gradients(
    g: Array, q: Array, k: Array, v: Array, mask: Array | None, *, scale: float, causal: bool
) -> tuple[Array, Array, Array]:
    """The vector-Jacobian products of `attention` for q, k and v, with all leading dimensions."""
    blocks = Blocks(q, k, v, mask, scale, causal)
    g, given = blocks.flat(np.asarray(g, blocks.q.dtype)), (q, k, v)
    q, k = _finite(blocks.q), _finite(blocks.k)
    to_q, to_k, to_v = (np.zeros(x.shape, x.dtype) for x in (q, k, blocks.v))
    for matrices, rows, columns in blocks:
        weights, along = blocks.weights(matrices, rows, columns), g[matrices, rows]
        weights[~along.any(axis=2)] = 0  # a cotangent of 0 passes on 0, whatever the row is
        to_v[matrices, columns] += np.matmul(weights.swapaxes(1, 2), along)
        slopes = softmax_input(np.matmul(along, blocks.v[matrices, columns].swapaxes(1, 2)), weights, axis=2)
        slopes *= blocks.scale
        to_q[matrices, rows] = np.matmul(slopes, k[matrices, columns])
        to_k[matrices, columns] += np.matmul(slopes.swapaxes(1, 2), q[matrices, rows])
    to_q, to_k, to_v = (ordered(blocks.whole(out), x) for out, x in zip((to_q, to_k, to_v), given, strict=True))
    return to_q, to_k, to_v


def attention_mask_gradient(
    g: Array, q: Array, k: Array, v: Array, mask: Array, *, scale: float, causal: bool
) -> Array:
    """The vector-Jacobian product of `attention` for a mask of numbers, in its shape."""
    blocks = Blocks(q, k, v, mask, scale, causal)
    g = blocks.flat(np.asarray(g, blocks.q.dtype))
    to_mask = np.zeros(mask.shape, mask.dtype)
    lead = (1,) * (len(blocks.lead) + 2 - mask.ndim) + mask.shape[:-2]
    shared = to_mask.reshape(*lead, *mask.shape[-2:])
    for matrices, rows, columns in blocks:
        weights = blocks.weights(matrices, rows, columns)
        weights[~g[matrices, rows].any(axis=2)] = 0
        values = np.matmul(g[matrices, rows], blocks.v[matrices, columns].swapaxes(1, 2))
        slopes = softmax_input(values, weights, axis=2)
        for slope, number in zip(slopes, range(matrices.start, matrices.stop), strict=True):
            place = tuple(
                [0 if n == 1 else i for n, i in zip(lead, np.unravel_index(number, blocks.lead), strict=True)]
            )
            shared[place][rows, columns] += slope
    return to_mask


def _finite(x: Array) -> Array:
    """x with 0 for what is not finite: where that was looked at, slopes are NaN; where not, it counts nothing."""
    return x if np.isfinite(x).all() else np.nan_to_num(x, posinf=0.0, neginf=0.0)


def default_scale(size: int) -> float:
    """1 / sqrt(E)."""
    return 1 / math.sqrt(max(size, 1))
