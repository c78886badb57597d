"""Two-dimensional convolution and its two transposes, as matrix products over columns.

    out[n, o, i, j] = b[o] + sum_cpq  x[n, c, s i + d p - pad, s j + d q - pad] * w[o, c, p, q]

Write everything that one window reads below each other and the sum is a matrix product. With K = C P Q
and L the windows of all images, every function here is one line of algebra:

    conv           out (O, L)      =  w (O, K)    @  columns (K, L)       columns gathered from x
    conv_weight    w' (O, K)       =  g (O, L)    @  columns.T (L, K)
    conv_input     columns (K, L)  =  w.T (K, O)  @  g (O, L)             columns added back to x'

Columns repeat each pixel P Q times, so they are made for a block of windows at a time. Groups are
independent convolutions side by side: one more axis in front of each matrix.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from .jit import twin
from .windows import Array, Pair, Shape, chunks, frame, reach, taps, unframe, window_count, working_dtype

COLUMN_BYTES = 4 << 20  # of a block


@twin
def conv(x: Array, w: Array, b: Array | None, *, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> Array:
    """Slide each w[o] over x: x (N, C, H, W), w (O, C/groups, P, Q), b (O,) -> (N, O, I, J)."""
    plan = Plan.of(x.shape, w.shape, stride, padding, dilation, groups)
    dtype = np.result_type(x, w)
    work = working_dtype(dtype)
    out = np.empty((len(x), len(w), *plan.count), dtype)
    weights = matrices(w, groups).astype(work, copy=False)
    bias = 0 if b is None else b[:, None, None]
    for images in chunks(len(x), plan.images):
        framed = frame(x[images], padding, plan.framed, dtype=work)
        for rows in chunks(plan.count[0], plan.rows):
            block = out[images, :, rows]
            product = weights @ plan.gather(framed, rows)
            np.add(unstack(product, block.shape), bias, out=block, casting="same_kind")
    return out


@twin
def conv_input(g: Array, w: Array, *, shape: Shape, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> Array:
    """The transpose of `conv` in x: g (N, O, I, J), w (O, C/groups, P, Q) -> `shape` (N, C, H, W)."""
    plan = Plan.of(shape, w.shape, stride, padding, dilation, groups)
    dtype = np.result_type(g, w)
    work = working_dtype(dtype)
    out = np.zeros(shape, dtype)
    weights = matrices(w, groups).swapaxes(1, 2).astype(work, copy=False)
    for images in chunks(len(g), plan.images):
        framed = np.zeros(out[images].shape[:2] + plan.framed, work)
        for rows in chunks(plan.count[0], plan.rows):
            plan.scatter(weights @ stack(g[images, :, rows], groups, work), framed, rows)
        unframe(framed, padding, out[images])
    return out


@twin
def conv_weight(x: Array, g: Array, *, shape: Shape, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> Array:
    """The transpose of `conv` in w: x (N, C, H, W), g (N, O, I, J) -> `shape` (O, C/groups, P, Q)."""
    plan = Plan.of(x.shape, shape, stride, padding, dilation, groups)
    dtype = np.result_type(x, g)
    work = working_dtype(dtype)
    out = np.zeros((groups, shape[0] // groups, plan.depth), work)
    for images in chunks(len(x), plan.images):
        framed = frame(x[images], padding, plan.framed, dtype=work)
        for rows in chunks(plan.count[0], plan.rows):
            out += stack(g[images, :, rows], groups, work) @ plan.gather(framed, rows).swapaxes(1, 2)
    return out.reshape(shape).astype(dtype, copy=False)


@dataclass(frozen=True, slots=True)
class Plan:
    """How one convolution is cut into blocks, and how the columns of a block are gathered and scattered."""

    kernel: Pair
    stride: Pair
    dilation: Pair
    groups: int
    count: Pair  # windows (I, J)
    framed: Pair  # pixels that the windows reach
    depth: int  # K of one group
    images: int  # in a block
    rows: int  # of windows, in a block

    @classmethod
    def of(cls, x: Shape, w: Shape, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> "Plan":
        """Plan the convolution of x (N, C, H, W) by w (O, C/groups, P, Q)."""
        kernel = (w[2], w[3])
        count = window_count((x[2], x[3]), kernel, stride, padding, dilation)
        depth = w[1] * w[2] * w[3]
        rows = max(1, COLUMN_BYTES // max(1, 4 * groups * depth * count[1]))
        return cls(
            kernel, stride, dilation, groups, count, reach(count, kernel, stride, dilation), depth,
            images=max(1, rows // max(1, count[0])), rows=min(rows, max(1, count[0])),
        )  # fmt: skip

    def gather(self, framed: Array, rows: slice) -> Array:
        """The columns (groups, K, L) of the windows in `rows`."""
        n, c = framed.shape[:2]
        columns = np.empty((c, *self.kernel, n, rows.stop - rows.start, self.count[1]), framed.dtype)
        for p, q, view in self.taps(framed, rows):
            columns[:, p, q] = view.swapaxes(0, 1)
        return columns.reshape(self.groups, self.depth, -1)

    def scatter(self, columns: Array, framed: Array, rows: slice) -> None:
        """Add columns (groups, K, L) to the pixels they were gathered from."""
        n, c = framed.shape[:2]
        columns = columns.reshape(c, *self.kernel, n, rows.stop - rows.start, self.count[1])
        for p, q, view in self.taps(framed, rows):
            view += columns[:, p, q].swapaxes(0, 1)

    def taps(self, framed: Array, rows: slice) -> Iterator[tuple[int, int, Array]]:
        """The taps of the windows in `rows`."""
        count = (rows.stop - rows.start, self.count[1])
        return taps(framed[:, :, self.stride[0] * rows.start :], count, self.kernel, self.stride, self.dilation)


def matrices(w: Array, groups: int) -> Array:
    """w (O, C/groups, P, Q) as one matrix a group (groups, O/groups, K)."""
    return w.reshape(groups, w.shape[0] // groups, -1)


def stack(g: Array, groups: int, dtype: Any) -> Array:
    """g (N, O, I, J) as one matrix a group (groups, O/groups, L)."""
    n, o, i, j = g.shape
    return g.swapaxes(0, 1).astype(dtype, order="C", copy=False).reshape(groups, o // groups, n * i * j)


def unstack(product: Array, shape: Shape) -> Array:
    """The reverse of `stack`: a view of `shape` (N, O, I, J)."""
    n, o, i, j = shape
    return product.reshape(o, n, i, j).swapaxes(0, 1)
