"""Scaled dot-product attention, and positions that queries and keys know of: sines, and rotations."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from minigrad import ops
from minigrad.autograd.tensor import Tensor
from minigrad.errors import DTypeError, ShapeError, UsageError
from minigrad.functional.common import tensor_or_array
from minigrad.functional.regularization import check_probability, dropout
from minigrad.kernels.array_utils import of_sizes
from minigrad.kernels.attention import default_scale
from minigrad.ops.scaled_dot_product import attention_weights
from minigrad.shapes import shape_of
from minigrad.typing import Array, ArrayLike, DTypeLike

Rng = np.random.Generator | None
Operand: TypeAlias = Tensor | Array


def scaled_dot_product_attention(
    query: ArrayLike,
    key: ArrayLike,
    value: ArrayLike,
    attn_mask: ArrayLike | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
    *,
    rng: Rng = None,
) -> Tensor:
    """out = softmax(query key^T scale + attn_mask) value: each query takes of the values as much as their keys fit it.

    The weights are made in blocks and not kept, so that memory grows with the length and not with its square; only
    with dropout are they there as a whole. A query that may look at nothing gets 0, and a gradient of 0 (PyTorch's
    result is the same, or NaN, by the implementation that it chooses).

    Args:
        query: what is looked for.
        key: what it is compared with.
        value: what it gets.
        attn_mask: booleans, True where it may look, or numbers that are added to the scores; broadcasts (default None:
            it may look everywhere).
        dropout_p: the probability with which a weight is set to 0, in [0, 1], also outside of training (default 0).
        is_causal: whether query i sees the keys up to i only; what `attn_mask` forbids is forbidden beside that
            (default False).
        scale: the factor (default None: 1 / sqrt(E)).
        enable_gqa: whether there may be fewer heads of keys and values, each for a group of queries (default False).
        rng: draws what is dropped; the default generator unless given.

    Shapes: query (..., L, E), key (..., S, E), value (..., S, V), attn_mask (..., L, S) -> (..., L, V); with
        `enable_gqa` query (..., H, L, E), key and value (..., H / groups, S, E or V).

    Raises:
        DTypeError: the mask has integers, or the others are not floating.
        ShapeError: sizes that do not fit together.
        UsageError: dropout_p is no probability.

    Source: Vaswani et al. 2017, "Attention is all you need", arXiv:1706.03762; in blocks: Rabe and Staats 2021,
    arXiv:2112.05682; groups: Ainslie et al. 2023, arXiv:2305.13245.

    >>> x = Tensor([[1.0, 0.0], [0.0, 1.0]])
    >>> scaled_dot_product_attention(x, x, x, is_causal=True).numpy().astype(float).round(2).tolist()
    [[1.0, 0.0], [0.33, 0.67]]
    """
    check_probability("scaled_dot_product_attention", dropout_p)
    q, k, v = (tensor_or_array(x) for x in (query, key, value))
    if min(q.ndim, k.ndim, v.ndim) < 2:
        raise ShapeError(
            f"scaled_dot_product_attention: expected query (..., L, E), key (..., S, E) and value (..., S, V), "
            f"got shapes {q.shape}, {k.shape} and {v.shape}"
        )
    mask = None if attn_mask is None else _mask(attn_mask, q.shape[-2], k.shape[-2])
    if enable_gqa:
        groups = _groups(q, k, v)
        heads = k.shape[-3]
        q = ops.reshape(q, shape=(*q.shape[:-3], heads, groups, *q.shape[-2:]))
        k, v = (ops.expand_dims(x, axis=-3) for x in (k, v))
        if mask is not None and mask.ndim > 2:
            shared = (1, 1) if mask.shape[-3] == 1 else (heads, groups)
            mask = ops.reshape(mask, shape=(*mask.shape[:-3], *shared, *mask.shape[-2:]))
    out = _attend(q, k, v, mask, dropout_p, is_causal, scale, rng)
    return ops.reshape(out, shape=(*out.shape[:-4], heads * groups, *out.shape[-2:])) if enable_gqa else out


def _attend(
    q: Operand,
    k: Operand,
    v: Operand,
    mask: Operand | None,
    dropout_p: float,
    causal: bool,
    scale: float | None,
    rng: Rng,
) -> Tensor:
    if not dropout_p:
        return ops.attention(q, k, v, mask, scale=scale, causal=causal)
    factor = default_scale(q.shape[-1]) if scale is None else scale
    weights = attention_weights(q, k, mask, scale=factor, causal=causal)
    return ops.matmul(dropout(weights, dropout_p, rng=rng), v)


def _mask(mask: ArrayLike, rows: int, columns: int) -> Operand:
    """The mask with all rows and columns."""
    x = tensor_or_array(mask)
    if x.dtype.kind not in "bf":
        raise DTypeError(
            f"scaled_dot_product_attention: attn_mask has booleans (True where to look) or floating numbers, which are "
            f"added, not {x.dtype}: use .astype(bool)"
        )
    last = np.broadcast_shapes(x.shape[-2:], (rows, columns)) if _fits(x.shape[-2:], (rows, columns)) else None
    if last != (rows, columns):
        raise ShapeError(
            f"scaled_dot_product_attention: attn_mask of shape {x.shape} does not broadcast to (..., {rows}, {columns})"
        )
    shape = (*x.shape[:-2], rows, columns)
    return x if x.shape == shape else ops.broadcast_to(x, shape=shape)


def _fits(shape: tuple[int, ...], target: tuple[int, int]) -> bool:
    return all(n in (1, m) for n, m in zip(reversed(shape), reversed(target), strict=False))


def _groups(q: Operand, k: Operand, v: Operand) -> int:
    """How many heads of queries share a head of keys."""
    if min(q.ndim, k.ndim, v.ndim) < 3 or k.shape[-3] != v.shape[-3] or not k.shape[-3] or q.shape[-3] % k.shape[-3]:
        raise ShapeError(
            "scaled_dot_product_attention: with enable_gqa the heads of query (..., H, L, E) are a multiple of those "
            f"of key and value; got shapes {q.shape}, {k.shape} and {v.shape}"
        )
    return q.shape[-3] // k.shape[-3]


# ---- positions -------------------------------------------------------------------------------------------------------


def sinusoidal_positions(length: int, size: int, base: float = 10000.0, dtype: DTypeLike = np.float32) -> Array:
    """Vectors that say where an element of a sequence stands: sines and cosines of falling frequency.

        out[t, 2 i] = sin(t / base^(2 i / size)),    out[t, 2 i + 1] = cos(t / base^(2 i / size))

    Args:
        length: T, how many positions there are.
        size: D, the size of each vector.
        base: the ratio of the fastest to the slowest (default 10000).
        dtype: of the numbers (default float32).

    Shapes: (T, D).

    Raises:
        UsageError: a size is negative.

    Source: Vaswani et al. 2017, "Attention is all you need", section 3.5, arXiv:1706.03762.

    >>> sinusoidal_positions(2, 2).round(2).tolist()
    [[0.0, 1.0], [0.8399999737739563, 0.5400000214576721]]
    """
    if length < 0 or size < 0:
        raise UsageError(f"sinusoidal_positions: length and size are at least 0, got {length} and {size}")
    angles = _angles(np.arange(length), size, base)
    out: Array = np.stack([np.sin(angles), np.cos(angles)], axis=-1).reshape(length, -1)[:, :size].astype(dtype)
    return of_sizes(out)


def rotary(x: ArrayLike, positions: ArrayLike | None = None, base: float = 10000.0) -> Tensor:
    """Rotate queries or keys by their positions: their products then depend on how far apart they are only.

    Each pair (x[2 i], x[2 i + 1]) is turned by the angle t / base^(2 i / E), t the position.

    Args:
        x: queries or keys.
        positions: t of each element of a sequence (default None: 0, 1, 2, ...).
        base: the ratio of the fastest to the slowest angle (default 10000).

    Shapes: x (..., T, E) with an even E, positions (T) -> as x.

    Raises:
        ShapeError: E is odd, or there are not as many positions as elements.

    Source: Su et al. 2021, "RoFormer: enhanced transformer with rotary position embedding", arXiv:2104.09864.

    >>> rotary(Tensor([[1.0, 0.0], [1.0, 0.0]])).numpy().astype(float).round(2).tolist()
    [[1.0, 0.0], [0.54, 0.84]]
    """
    shape = shape_of(x)
    if len(shape) < 2 or shape[-1] % 2:
        raise ShapeError(f"rotary: expected x (..., T, E) with an even E, got shape {shape}")
    x = tensor_or_array(x)
    places = np.arange(shape[-2]) if positions is None else np.asarray(positions)
    if places.shape != (shape[-2],):
        raise ShapeError(f"rotary: {shape[-2]} elements have as many positions, got shape {places.shape}")
    angles = _angles(places, shape[-1], base)
    cos, sin = (f(angles).astype(x.dtype) for f in (np.cos, np.sin))
    if positions is None:
        cos, sin = of_sizes(cos), of_sizes(sin)
    even, odd = x[..., 0::2], x[..., 1::2]
    turned = ops.stack([even * cos - odd * sin, even * sin + odd * cos], axis=-1)
    return ops.reshape(turned, shape=shape)


def _angles(positions: Array, size: int, base: float) -> Array:
    angles: Array = positions[:, None] * base ** (-np.arange(0, size, 2) / max(size, 1))
    return angles
