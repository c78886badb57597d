"""Attention: each query looks at all keys, and takes of their values as much as they fit it.

    out = softmax(q k^T scale + mask) v

The table of weights, a row a query and a column a key, is made a few rows at a time and forgotten, so that memory grows
with the length and not with its square. A query that may look at nothing gets 0, and so does its gradient.
"""

from __future__ import annotations

import numpy as np

from minigrad.autograd.registry import op
from minigrad.errors import DTypeError
from minigrad.kernels import attention as kernels
from minigrad.ops.convolution import require_floating
from minigrad.ops.elementwise import where
from minigrad.ops.linalg import matmul_matrices
from minigrad.ops.logic import equal, not_equal
from minigrad.ops.reduce import max
from minigrad.ops.shape import matrix_transpose
from minigrad.ops.softmax_family import softmax
from minigrad.shapes import Shape, shape_of
from minigrad.typing import Array, ArrayLike, Settings, Value


def _settings(
    q: ArrayLike, k: ArrayLike, v: ArrayLike, mask: ArrayLike | None, *,
    scale: float | None = None, causal: bool = False,
) -> Settings:  # fmt: skip
    for x in (q, k, v):
        require_floating(x)
    if mask is not None and not isinstance(mask, (bool, float)) and mask.dtype.kind not in "bf":  # type: ignore[union-attr]
        raise DTypeError("attention: a mask has booleans (where to look), or floating numbers, which are added")
    size = shape_of(q)[-1]
    return {"scale": float(kernels.default_scale(size) if scale is None else scale), "causal": bool(causal)}


def attention_weights(q: Value, k: Value, mask: Value, *, scale: float, causal: bool) -> Value:
    """softmax(q k^T scale + mask): the table of weights as a whole.

    Args:
        q, k: queries and keys.
        mask: what is added, or booleans: where to look; or None.
        scale: the factor.
        causal: whether query i sees the keys up to i only.

    Shapes: q (..., L, E), k (..., S, E), mask (..., L, S) -> (..., L, S).
    """
    scores = matmul_matrices(q, matrix_transpose(k)) * scale
    rows, columns = shape_of(scores)[-2:]
    if causal:
        scores = where(np.arange(columns) <= np.arange(rows)[:, None], scores, -np.inf)
    if mask is None or not columns:
        return softmax(scores, axis=-1)
    seen, scores = (mask, scores) if mask.dtype.kind == "b" else (not_equal(mask, -np.inf), scores + mask)
    scores = where(seen, scores, -np.inf)
    empty = equal(max(scores, axis=-1, keepdims=True), -np.inf)
    return where(empty, 0, softmax(where(empty, 0, scores), axis=-1))


def _attention_by_softmax(q: Value, k: Value, v: Value, mask: Value, *, scale: float, causal: bool) -> Value:
    return matmul_matrices(attention_weights(q, k, mask, scale=scale, causal=causal), v)


def _flops(q_shape: Shape, out_shape: Shape, k_shape: Shape) -> int:
    """Multiply-adds of both products, masked places included."""
    rows = int(np.prod(out_shape[:-1], dtype=np.int64))
    return rows * k_shape[-2] * (q_shape[-1] + out_shape[-1])


@op(shapes="... L E, ... S E, ... S V, ... L S? -> ... L V", canonical=_settings, reference=_attention_by_softmax,
    linear=("v",), flops=_flops, source="Vaswani et al. 2017, arXiv:1706.03762; in blocks: Rabe and Staats 2021, "
    "arXiv:2112.05682", hint="queries and keys have one size E, keys and values one length S")  # fmt: skip
def attention(q: Value, k: Value, v: Value, mask: Value, *, scale: float, causal: bool) -> Value:
    """out = softmax(q k^T scale + mask) v; leading dimensions broadcast.

    Args:
        q: queries.
        k: keys.
        v: values.
        mask: numbers that are added, or booleans: where to look; or None.
        scale: the factor (default None: 1 / sqrt(E)).
        causal: whether query i sees the keys up to i only (default False).

    Shapes: q (..., L, E), k (..., S, E), v (..., S, V), mask (..., L, S) -> (..., L, V).

    Raises:
        DTypeError: q, k or v is not floating, or the mask has integers.
    """
    return kernels.attention(q, k, v, mask, scale=scale, causal=causal)


@attention.fast_vjp("q", "k", "v")
def _(g: Value, q: Value, k: Value, v: Value, mask: Value, *, scale: float, causal: bool) -> tuple[Value, Value, Value]:
    return kernels.attention_gradients(g, q, k, v, mask, scale=scale, causal=causal)


@attention.fast_vjp("mask")
def _(g: Value, q: Value, k: Value, v: Value, mask: Array, *, scale: float, causal: bool) -> Value:
    return kernels.attention_mask_gradient(g, q, k, v, mask, scale=scale, causal=causal)
