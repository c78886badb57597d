"""The layers of a Transformer: attention and a small network, each with a shortcut around it and a normalization."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from minigrad import functional as F  # noqa: N812
from minigrad.autograd.tensor import Tensor
from minigrad.errors import UsageError
from minigrad.nn.attention import MultiheadAttention
from minigrad.nn.dropout import Dropout
from minigrad.nn.layer_normalization import LayerNorm
from minigrad.nn.linear import Linear
from minigrad.nn.module import Module
from minigrad.typing import ArrayLike

Rng = np.random.Generator | None
Activation: TypeAlias = str | Callable[[Tensor], Tensor]


def activation_of(layer: str, activation: Activation) -> Callable[[Tensor], Tensor]:
    """The function of a name.

    Raises:
        UsageError: there is none.
    """
    if callable(activation):
        return activation
    if activation not in ("relu", "gelu"):
        raise UsageError(f'{layer}: activation is "relu", "gelu" or a function, not {activation!r}')
    return F.relu if activation == "relu" else F.gelu


class TransformerEncoderLayer(Module):
    """A layer of a Transformer's encoder: each element looks at all others, then a small network is run on each.

        x = norm1(x + attention(x)),       y = norm2(x + linear2(activation(linear1(x))))
        x = x + attention(norm1(x)),       y = x + linear2(activation(linear1(norm2(x))))      with norm_first

    Args:
        d_model: E, the size of each element.
        nhead: the number of heads.
        dim_feedforward: the size inside of the small network (default 2048).
        dropout: the probability of being dropped in training: of weights, and of the elements of what is added and of
            what is inside of the network (default 0.1).
        activation: "relu", "gelu" or a function (default "relu").
        layer_norm_eps: is added to variances (default 1e-5).
        batch_first: whether the batch is the first dimension (default False: the second).
        norm_first: whether normalization is in front (default False: behind).
        bias: whether projections, linear maps and normalizations have biases (default True).
        rng: draws the initial values and what is dropped; the default generator unless given.

    Shapes: src (T, N, E), (N, T, E) with `batch_first`, or (T, E); src_mask (T, T), src_key_padding_mask (N, T) -> like
        src.

    Raises:
        UsageError: a size or probability is none, or there is no such activation.
        ShapeError: when called, src or a mask does not fit.

    Source: Vaswani et al. 2017, arXiv:1706.03762; norm_first: Xiong et al. 2020, arXiv:2002.04745.
    """

    def __init__(
        self, d_model: int, nhead: int, dim_feedforward: int = 2048, dropout: float = 0.1,
        activation: Activation = "relu", layer_norm_eps: float = 1e-5, batch_first: bool = False,
        norm_first: bool = False, bias: bool = True, *, rng: Rng = None,
    ) -> None:  # fmt: skip
        self.self_attn = MultiheadAttention(d_model, nhead, dropout, bias, batch_first=batch_first, rng=rng)
        self.linear1 = Linear(d_model, dim_feedforward, bias, rng=rng)
        self.dropout = Dropout(dropout, rng=rng)
        self.linear2 = Linear(dim_feedforward, d_model, bias, rng=rng)
        self.norm_first = norm_first
        self.norm1, self.norm2 = (LayerNorm(d_model, layer_norm_eps, bias=bias) for _ in range(2))
        self.dropout1, self.dropout2 = (Dropout(dropout, rng=rng) for _ in range(2))
        self.activation = activation_of(type(self).__name__, activation)

    def forward(
        self,
        src: ArrayLike,
        src_mask: ArrayLike | None = None,
        src_key_padding_mask: ArrayLike | None = None,
        is_causal: bool = False,
    ) -> Tensor:
        """Shapes: src (T, N, E), src_mask (T, T), src_key_padding_mask (N, T) -> (T, N, E); see the class."""

        def attend(x: ArrayLike) -> Tensor:
            y, _ = self.self_attn(x, x, x, src_key_padding_mask, False, src_mask, is_causal=is_causal)
            return self.dropout1(y)  # type: ignore[no-any-return]

        def network(x: ArrayLike) -> Tensor:
            return self.dropout2(self.linear2(self.dropout(self.activation(self.linear1(x)))))  # type: ignore[no-any-return]

        if self.norm_first:
            x = src + attend(self.norm1(src))
            return x + network(self.norm2(x))
        x = self.norm1(src + attend(src))
        return self.norm2(x + network(x))  # type: ignore[no-any-return]


class TransformerDecoderLayer(Module):
    """A layer of a Transformer's decoder: as one of the encoder, with attention to what the encoder gave in between.

    Args:
        d_model: E, the size of each element.
        nhead: the number of heads.
        dim_feedforward: the size inside of the small network (default 2048).
        dropout: the probability of being dropped in training (default 0.1).
        activation: "relu", "gelu" or a function (default "relu").
        layer_norm_eps: is added to variances (default 1e-5).
        batch_first: whether the batch is the first dimension (default False: the second).
        norm_first: whether normalization is in front (default False: behind).
        bias: whether projections, linear maps and normalizations have biases (default True).
        rng: draws the initial values and what is dropped; the default generator unless given.

    Shapes: tgt (T, N, E), memory (S, N, E), tgt_mask (T, T), memory_mask (T, S), tgt_key_padding_mask (N, T),
        memory_key_padding_mask (N, S); with the batch first if `batch_first`, or without N -> like tgt.

    Raises:
        UsageError: a size or probability is none, or there is no such activation.
        ShapeError: when called, an input or a mask does not fit.

    Source: Vaswani et al. 2017, arXiv:1706.03762.
    """

    def __init__(
        self, d_model: int, nhead: int, dim_feedforward: int = 2048, dropout: float = 0.1,
        activation: Activation = "relu", layer_norm_eps: float = 1e-5, batch_first: bool = False,
        norm_first: bool = False, bias: bool = True, *, rng: Rng = None,
    ) -> None:  # fmt: skip
        self.self_attn, self.multihead_attn = (
            MultiheadAttention(d_model, nhead, dropout, bias, batch_first=batch_first, rng=rng) for _ in range(2)
        )
        self.linear1 = Linear(d_model, dim_feedforward, bias, rng=rng)
        self.dropout = Dropout(dropout, rng=rng)
        self.linear2 = Linear(dim_feedforward, d_model, bias, rng=rng)
        self.norm_first = norm_first
        self.norm1, self.norm2, self.norm3 = (LayerNorm(d_model, layer_norm_eps, bias=bias) for _ in range(3))
        self.dropout1, self.dropout2, self.dropout3 = (Dropout(dropout, rng=rng) for _ in range(3))
        self.activation = activation_of(type(self).__name__, activation)

    def forward(
        self,
        tgt: ArrayLike,
        memory: ArrayLike,
        tgt_mask: ArrayLike | None = None,
        memory_mask: ArrayLike | None = None,
        tgt_key_padding_mask: ArrayLike | None = None,
        memory_key_padding_mask: ArrayLike | None = None,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """Shapes: tgt (T, N, E), memory (S, N, E) -> (T, N, E); see the class."""

        def look_around(x: ArrayLike) -> Tensor:
            y, _ = self.self_attn(x, x, x, tgt_key_padding_mask, False, tgt_mask, is_causal=tgt_is_causal)
            return self.dropout1(y)  # type: ignore[no-any-return]

        def look_back(x: ArrayLike) -> Tensor:
            y, _ = self.multihead_attn(
                x, memory, memory, memory_key_padding_mask, False, memory_mask, is_causal=memory_is_causal
            )
            return self.dropout2(y)  # type: ignore[no-any-return]

        def network(x: ArrayLike) -> Tensor:
            return self.dropout3(self.linear2(self.dropout(self.activation(self.linear1(x)))))  # type: ignore[no-any-return]

        if self.norm_first:
            x = tgt + look_around(self.norm1(tgt))
            x = x + look_back(self.norm2(x))
            return x + network(self.norm3(x))
        x = self.norm1(tgt + look_around(tgt))
        x = self.norm2(x + look_back(x))
        return self.norm3(x + network(x))  # type: ignore[no-any-return]
