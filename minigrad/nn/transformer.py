"""Transformers: layers over each other, of an encoder, of a decoder, or of both."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from minigrad import init
from minigrad.autograd.tensor import Tensor, wrap
from minigrad.errors import ShapeError
from minigrad.nn.container import ModuleList
from minigrad.nn.layer_normalization import LayerNorm
from minigrad.nn.module import Module
from minigrad.nn.transformer_layer import Activation, TransformerDecoderLayer, TransformerEncoderLayer
from minigrad.shapes import shape_of
from minigrad.typing import ArrayLike

Rng = np.random.Generator | None


class TransformerEncoder(Module):
    """Layers of an encoder over each other.

    Args:
        encoder_layer: the layer that each is a copy of, with equal initial values, as in PyTorch.
        num_layers: how many there are.
        norm: what the result is normalized by (default None: it is not).
        enable_nested_tensor: accepted as in PyTorch, and ignored (default True).
        mask_check: likewise (default True).

    Shapes: src (T, N, E), mask (T, T), src_key_padding_mask (N, T) -> like src; as the layer has them.

    Source: Vaswani et al. 2017, arXiv:1706.03762.
    """

    def __init__(
        self, encoder_layer: Module, num_layers: int, norm: Module | None = None, enable_nested_tensor: bool = True,
        mask_check: bool = True,
    ) -> None:  # fmt: skip
        self.layers = ModuleList([copy.deepcopy(encoder_layer) for _ in range(num_layers)])
        self.num_layers, self.norm = num_layers, norm

    def forward(
        self,
        src: ArrayLike,
        mask: ArrayLike | None = None,
        src_key_padding_mask: ArrayLike | None = None,
        is_causal: bool | None = None,
    ) -> Tensor:
        """Shapes: src (T, N, E), mask (T, T), src_key_padding_mask (N, T) -> like src; as the layer has them."""
        x: Any = src
        for layer in self.layers:
            x = layer(x, mask, src_key_padding_mask, bool(is_causal))
        out: Tensor = x if self.norm is None else self.norm(x)
        return out


class TransformerDecoder(Module):
    """Layers of a decoder over each other.

    Args:
        decoder_layer: the layer that each is a copy of, with equal initial values, as in PyTorch.
        num_layers: how many there are.
        norm: what the result is normalized by (default None: it is not).

    Shapes: tgt (T, N, E), memory (S, N, E) -> like tgt; as the layer has them.

    Source: Vaswani et al. 2017, arXiv:1706.03762.
    """

    def __init__(self, decoder_layer: Module, num_layers: int, norm: Module | None = None) -> None:
        self.layers = ModuleList([copy.deepcopy(decoder_layer) for _ in range(num_layers)])
        self.num_layers, self.norm = num_layers, norm

    def forward(
        self,
        tgt: ArrayLike,
        memory: ArrayLike,
        tgt_mask: ArrayLike | None = None,
        memory_mask: ArrayLike | None = None,
        tgt_key_padding_mask: ArrayLike | None = None,
        memory_key_padding_mask: ArrayLike | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """Shapes: tgt (T, N, E), memory (S, N, E) -> like tgt; as the layer has them."""
        x: Any = tgt
        masks = tgt_mask, memory_mask, tgt_key_padding_mask, memory_key_padding_mask
        for layer in self.layers:
            x = layer(x, memory, *masks, bool(tgt_is_causal), memory_is_causal)
        out: Tensor = x if self.norm is None else self.norm(x)
        return out


class Transformer(Module):
    """A Transformer for pairs of sequences: an encoder reads the one, and a decoder, which sees it, writes the other.

    Args:
        d_model: E, the size of each element (default 512).
        nhead: the number of heads (default 8).
        num_encoder_layers: how many layers the encoder has (default 6).
        num_decoder_layers: how many the decoder has (default 6).
        dim_feedforward: the size inside of the small networks (default 2048).
        dropout: the probability of being dropped in training (default 0.1).
        activation: "relu", "gelu" or a function (default "relu").
        custom_encoder: an encoder in place of the usual one (default None).
        custom_decoder: a decoder likewise (default None).
        layer_norm_eps: is added to variances (default 1e-5).
        batch_first: whether the batch is the first dimension (default False: the second).
        norm_first: whether normalization is in front of what is added (default False: behind).
        bias: whether there are biases (default True).
        rng: draws the initial values, all weights by Glorot's rule, and what is dropped; the default generator unless
            given.

    Shapes: src (S, N, E), tgt (T, N, E), with the batch first if `batch_first`, or without N -> like tgt.

    Raises:
        UsageError: a size or probability is none, or there is no such activation.
        ShapeError: when called, an input or a mask does not fit.

    Source: Vaswani et al. 2017, "Attention is all you need", arXiv:1706.03762.
    """

    def __init__(
        self, d_model: int = 512, nhead: int = 8, num_encoder_layers: int = 6, num_decoder_layers: int = 6,
        dim_feedforward: int = 2048, dropout: float = 0.1, activation: Activation = "relu",
        custom_encoder: Module | None = None, custom_decoder: Module | None = None, layer_norm_eps: float = 1e-5,
        batch_first: bool = False, norm_first: bool = False, bias: bool = True, *, rng: Rng = None,
    ) -> None:  # fmt: skip
        settings: Any = (
            d_model,
            nhead,
            dim_feedforward,
            dropout,
            activation,
            layer_norm_eps,
            batch_first,
            norm_first,
            bias,
        )
        self.encoder: Module = custom_encoder or TransformerEncoder(
            TransformerEncoderLayer(*settings, rng=rng),
            num_encoder_layers,
            LayerNorm(d_model, layer_norm_eps, bias=bias),
        )
        self.decoder: Module = custom_decoder or TransformerDecoder(
            TransformerDecoderLayer(*settings, rng=rng),
            num_decoder_layers,
            LayerNorm(d_model, layer_norm_eps, bias=bias),
        )
        for p in self.parameters():
            if p.ndim > 1:
                p.data = init.xavier_uniform(p.shape, rng=rng)
        self.d_model, self.nhead, self.batch_first = d_model, nhead, batch_first

    def forward(
        self,
        src: ArrayLike,
        tgt: ArrayLike,
        src_mask: ArrayLike | None = None,
        tgt_mask: ArrayLike | None = None,
        memory_mask: ArrayLike | None = None,
        src_key_padding_mask: ArrayLike | None = None,
        tgt_key_padding_mask: ArrayLike | None = None,
        memory_key_padding_mask: ArrayLike | None = None,
        src_is_causal: bool | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """Shapes: src (S, N, E), tgt (T, N, E) -> (T, N, E); see the class."""
        for name, x in (("src", src), ("tgt", tgt)):
            if shape_of(x)[-1] != self.d_model:
                raise ShapeError(f"Transformer: {name} ends with d_model = {self.d_model}, got shape {shape_of(x)}")
        memory = self.encoder(src, src_mask, src_key_padding_mask, src_is_causal)
        masks = tgt_mask, memory_mask, tgt_key_padding_mask, memory_key_padding_mask
        return self.decoder(tgt, memory, *masks, tgt_is_causal, memory_is_causal)  # type: ignore[no-any-return]

    @staticmethod
    def generate_square_subsequent_mask(sz: int) -> Tensor:
        """A mask that hides the future: -inf above the diagonal, 0 elsewhere.

        Args:
            sz: T, the length.

        Shapes: (T, T).
        """
        return wrap(np.triu(np.full((sz, sz), -np.inf, np.float32), 1))
