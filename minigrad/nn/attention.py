"""Attention of several heads."""

from __future__ import annotations

import numpy as np

from minigrad import functional as F  # noqa: N812
from minigrad import init, ops
from minigrad.autograd.tensor import Tensor
from minigrad.errors import DTypeError, ShapeError, UsageError
from minigrad.functional.common import tensor_or_array
from minigrad.functional.regularization import check_probability
from minigrad.nn.linear import Linear
from minigrad.nn.module import Parameter
from minigrad.nn.setting import Configured, count
from minigrad.ops.scaled_dot_product import attention_weights
from minigrad.shapes import shape_of
from minigrad.typing import Array, ArrayLike

Rng = np.random.Generator | None


class MultiheadAttention(Configured):
    """Attention of several heads: each has projections of its own, and their results are joined and projected.

        head_i = softmax(Q_i K_i^T / sqrt(E / heads) + mask) V_i,    y = [head_1 ... head_H] W_out^T + b_out

    A query that may look at nothing gets b_out (PyTorch's gets NaN), and gives a gradient of 0.

    Args:
        embed_dim: E, the size of queries and of the result.
        num_heads: H, how many heads share it.
        dropout: the probability with which a weight is set to 0 in training (default 0).
        bias: whether the projections have biases (default True).
        add_bias_kv: whether a learned key and value are added to each sequence (default False).
        add_zero_attn: whether a key and value of zeros are added (default False).
        kdim: the size of keys (default None: E).
        vdim: the size of values (default None: E).
        batch_first: whether the batch is the first dimension (default False: the second).
        rng: draws the initial values (Glorot's, and as `Linear` for the last projection) and what is dropped; the
            default generator unless given.

    Shapes: query (L, N, E), key (S, N, kdim), value (S, N, vdim), with the batch first if `batch_first`, or without N;
        key_padding_mask (N, S), attn_mask (L, S) or (N*H, L, S) -> (L, N, E), and weights (N, L, S) or (N, H, L, S).

    Raises:
        UsageError: a size is no integer of at least 0, dropout no probability, or E no multiple of H.
        ShapeError: when called, the inputs or masks do not fit.
        DTypeError: when called, a mask has integers.

    Source: Vaswani et al. 2017, "Attention is all you need", arXiv:1706.03762.

    >>> import minigrad as mg
    >>> x = mg.zeros((2, 5, 8))
    >>> y, weights = MultiheadAttention(8, 2, batch_first=True)(x, x, x)
    >>> y.shape, weights.shape
    ((2, 5, 8), (2, 5, 5))
    """

    def __init__(
        self, embed_dim: int, num_heads: int, dropout: float = 0.0, bias: bool = True, add_bias_kv: bool = False,
        add_zero_attn: bool = False, kdim: int | None = None, vdim: int | None = None, batch_first: bool = False,
        *, rng: Rng = None,
    ) -> None:  # fmt: skip
        check_probability(type(self).__name__, dropout)
        size = self.embed_dim = count(self, "embed_dim", embed_dim)
        self.num_heads = count(self, "num_heads", num_heads, 1)
        if size % self.num_heads:
            raise UsageError(f"MultiheadAttention: embed_dim {embed_dim} is no multiple of num_heads {num_heads}")
        self.kdim, self.vdim = (size if n is None else count(self, "kdim and vdim", n) for n in (kdim, vdim))
        self.dropout, self.batch_first, self.add_zero_attn, self.rng = dropout, batch_first, add_zero_attn, rng
        if self.kdim == self.vdim == size:
            self.in_proj_weight = Parameter(init.xavier_uniform((3 * size, size), rng=rng))
        else:
            self.q_proj_weight = Parameter(init.xavier_uniform((size, size), rng=rng))
            self.k_proj_weight = Parameter(init.xavier_uniform((size, self.kdim), rng=rng))
            self.v_proj_weight = Parameter(init.xavier_uniform((size, self.vdim), rng=rng))
        self.in_proj_bias = Parameter(init.constant((3 * size,))) if bias else None
        self.out_proj = Linear(size, size, bias, rng=rng)
        if self.out_proj.bias is not None:
            self.out_proj.bias.data = np.zeros_like(self.out_proj.bias.numpy())
        self.bias_k = Parameter(init.xavier_normal((1, 1, size), rng=rng)) if add_bias_kv else None
        self.bias_v = Parameter(init.xavier_normal((1, 1, size), rng=rng)) if add_bias_kv else None

    def extra_repr(self) -> str:
        """The settings."""
        return f"{self.embed_dim}, {self.num_heads}, dropout={self.dropout}, batch_first={self.batch_first}"

    def forward(
        self,
        query: ArrayLike,
        key: ArrayLike,
        value: ArrayLike,
        key_padding_mask: ArrayLike | None = None,
        need_weights: bool = True,
        attn_mask: ArrayLike | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """What each query gets, and how much it looked at each key.

        Args:
            query: what is looked for.
            key: what it is compared with.
            value: what it gets.
            key_padding_mask: booleans, True where a key is not to be looked at, or numbers that are added.
            need_weights: whether the weights are wanted (default True); without, memory does not grow with the square
                of the length.
            attn_mask: the same for each pair of query and key: True where it may not look.
            average_attn_weights: whether the weights are averaged over the heads (default True).
            is_causal: whether query i sees the keys up to i only (default False); no mask is needed beside it.

        Shapes: see the class.
        """
        single = len(shape_of(query)) == 2
        inputs = [self._batch_first(name, x, single) for name, x in zip("qkv", (query, key, value), strict=True)]
        same = key is value, query is key
        q, k, v = self._projected(inputs, same)
        mask = self._mask(key_padding_mask, attn_mask, single, q.shape[0], q.shape[1], k.shape[1])
        k, v, mask = self._with_added(k, v, mask, is_causal)
        q, k, v = (self._heads(x) for x in (q, k, v))
        drops, weights = self.dropout if self.training else 0.0, None
        if need_weights:
            scale = 1 / max(q.shape[-1], 1) ** 0.5
            weights = F.dropout(attention_weights(q, k, mask, scale=scale, causal=is_causal), drops, rng=self.rng)
            out = ops.matmul(weights, v)
        else:
            out = F.scaled_dot_product_attention(q, k, v, mask, drops, is_causal, rng=self.rng)
        n, heads, rows, size = out.shape
        y = self.out_proj(ops.reshape(ops.moveaxis(out, 1, 2), shape=(n, rows, heads * size)))
        if weights is not None and average_attn_weights:
            weights = ops.mean(weights, axis=1)
        if single:
            return ops.squeeze(y, axis=0), None if weights is None else ops.squeeze(weights, axis=0)
        return (y if self.batch_first else ops.moveaxis(y, 0, 1)), weights

    # ---- inputs ----------------------------------------------------------------------------------------------

    def _batch_first(self, name: str, x: ArrayLike, single: bool) -> Tensor | Array:
        size = {"q": self.embed_dim, "k": self.kdim, "v": self.vdim}[name]
        shape = shape_of(x)
        if len(shape) != 3 - single or shape[-1] != size:
            full = {"q": "query", "k": "key", "v": "value"}
            layout = "(N, T, size)" if self.batch_first else "(T, N, size)"
            raise ShapeError(
                f"MultiheadAttention: expected {full[name]} {layout}, or (T, size) for "
                f"one sequence, of size {size}; got shape {shape}"
            )
        x = tensor_or_array(x)
        if single:
            return ops.expand_dims(x, axis=0)
        return x if self.batch_first else ops.moveaxis(x, 0, 1)

    def _projected(self, inputs: list[Tensor | Array], same: tuple[bool, bool]) -> list[Tensor]:
        size, bias = self.embed_dim, self.in_proj_bias
        if hasattr(self, "in_proj_weight") and all(same):
            whole = ops.linear(inputs[0], self.in_proj_weight, bias)
            return [whole[..., k * size : (k + 1) * size] for k in range(3)]
        rows = [slice(k * size, (k + 1) * size) for k in range(3)]
        if hasattr(self, "in_proj_weight"):
            weights = [self.in_proj_weight[part] for part in rows]
        else:
            weights = [self.q_proj_weight, self.k_proj_weight, self.v_proj_weight]
        biases = [None if bias is None else bias[part] for part in rows]
        return [ops.linear(x, w, b) for x, w, b in zip(inputs, weights, biases, strict=True)]

    def _with_added(
        self, k: Tensor, v: Tensor, mask: Tensor | Array | None, causal: bool
    ) -> tuple[Tensor, Tensor, Tensor | Array | None]:
        """Keys and values with those that every query may look at, and a mask that allows it."""
        size, added = k.shape[0], 0
        rows: list[tuple[Tensor | Array, Tensor | Array]] = []
        if self.bias_k is not None and self.bias_v is not None:
            rows.append((self.bias_k, self.bias_v))
        if self.add_zero_attn:
            zeros = np.zeros((1, 1, k.shape[2]), k.dtype)
            rows.append((zeros, zeros))
        if rows and causal:
            raise UsageError("MultiheadAttention: is_causal would hide added keys and values: give attn_mask")
        for of_k, of_v in rows:
            k, v = (
                ops.concat([x, ops.broadcast_to(row, shape=(size, 1, x.shape[2]))], axis=1)
                for x, row in ((k, of_k), (v, of_v))
            )
            added += 1
        if mask is None or not added:
            return k, v, mask
        open_ = np.full((*shape_of(mask)[:-1], added), True if mask.dtype.kind == "b" else 0.0, mask.dtype)
        return k, v, ops.concat([mask, open_], axis=-1)

    def _heads(self, x: Tensor) -> Tensor:
        n, length, _ = x.shape
        size = self.embed_dim // self.num_heads
        return ops.moveaxis(ops.reshape(x, shape=(n, length, self.num_heads, size)), 2, 1)

    def _mask(
        self, padding: ArrayLike | None, pairs: ArrayLike | None, single: bool, n: int, rows: int, columns: int
    ) -> Tensor | Array | None:
        """Both masks as one of shape (N or 1, H or 1, L, S): True where to look, or numbers that are added."""
        masks: list[Tensor | Array] = []
        if padding is not None:
            expected = (columns,) if single else (n, columns)
            masks.append(_allowed("key_padding_mask", padding, [expected], (n, 1, 1, columns)))
        if pairs is not None:
            flat, shape = (n * self.num_heads, rows, columns), shape_of(pairs)
            target = (n, self.num_heads, rows, columns) if len(shape) == 3 else (1, 1, rows, columns)
            masks.append(_allowed("attn_mask", pairs, [(rows, columns), flat], target))
        if len(masks) < 2:
            return ops.broadcast_to(masks[0], shape=(*masks[0].shape[:2], rows, columns)) if masks else None
        first, second = masks
        if first.dtype.kind == second.dtype.kind == "b":
            return ops.logical_and(first, second)
        one, other = (x if x.dtype.kind == "f" else ops.where(x, 0.0, -np.inf) for x in masks)
        return ops.add(one, other)


def _allowed(name: str, mask: ArrayLike, expected: list[tuple[int, ...]], shape: tuple[int, ...]) -> Tensor | Array:
    """A mask of PyTorch's layers, True where not to look, the other way round; numbers as they are."""
    x = tensor_or_array(mask)
    if x.shape not in expected:
        raise ShapeError(
            f"MultiheadAttention: {name} has shape {x.shape}, but must have {' or '.join(map(str, expected))}"
        )
    if x.dtype.kind not in "bf":
        raise DTypeError(
            f"MultiheadAttention: {name} has booleans (True where not to look) or floating numbers, which are added, "
            f"not {x.dtype}: use .astype(bool)"
        )
    return ops.reshape(ops.logical_not(x) if x.dtype.kind == "b" else x, shape=shape)
