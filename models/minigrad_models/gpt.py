"""GPT: a Transformer that reads what there is of a text and scores what comes next.

Source: Radford et al. 2018, "Improving language understanding by generative pre-training"; Radford et al. 2019,
"Language models are unsupervised multitask learners" (GPT-2); Vaswani et al. 2017, arXiv:1706.03762.

    stage          T tokens, width E                        shape (N, ...)   GPT-2 (124 M)    gpt-small
    wte, wpe       a row for each token and each position   T x E            38,597,376 +     33,792 +
                                                                                786,432          12,288
    h.0, h.1 ...   x + attention(norm(x))                   T x E            7,087,872        111,840 each
                   x + mlp(norm(x)), 4 E inside                               each, 12         4
    ln_f           layer norm                               T x E            1,536            192
    scores         x wte^T, the same table                  T x V            -                -

What was new: one network, trained on nothing but the next token, answers many tasks; of the Transformer the decoder
alone is left. Each token may look at itself and those before it, so that T tokens are T examples at once. Normalization
stands in front (GPT-2), and the table that makes vectors of tokens scores them at the end.

Names and shapes of the weights are those of the published files (`model.safetensors` of "gpt2"): `load_state_dict` and
`--weights` take them as they are, and those with the prefix `transformer.` and a tied `lm_head.weight`. The linear maps
of the blocks keep theirs as (inputs, outputs), as `Conv1D` of these files does.

Deviations of gpt-small: tokens are characters, there are 4 blocks of width 96 and no dropout, and the initial weights
are three times as large: after 200 steps the loss is then 2.38 in place of 2.59.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

import minigrad as mg
from minigrad import functional as F  # noqa: N812
from minigrad import init, nn
from minigrad.data import CharacterTokenizer, Tokenizer
from minigrad.data.datasets.docstrings import PRINTABLE
from minigrad.errors import ShapeError, StateError, UsageError
from minigrad.nn.module_state import IncompatibleKeys
from minigrad.optim.schedule import Cosine
from minigrad.typing import ArrayLike
from minigrad_models.registry import Entry, Recipe, Rng


class Conv1D(nn.Module):
    """A linear map whose weight has the shape (inputs, outputs): y = x W + b.

    Args:
        in_features: D.
        out_features: E.
        rng: draws the initial weights, as `nn.Linear` does; the default generator unless given.

    Shapes: x (..., D) -> (..., E).
    """

    def __init__(self, in_features: int, out_features: int, rng: Rng = None) -> None:
        self.weight = nn.Parameter(init.torch_default_uniform((in_features, out_features), in_features, rng))
        self.bias = nn.Parameter(init.constant((out_features,)))

    def forward(self, x: ArrayLike) -> mg.Tensor:
        """Shapes: x (..., D) -> (..., E)."""
        return F.linear(x, self.weight.T, self.bias)


class CausalSelfAttention(nn.Module):
    """Attention of several heads in which a token sees itself and those before it.

    Args:
        width: E.
        heads: H, by which E can be divided.
        dropout: the probability of being dropped in training, of weights and of the result.
        rng: draws the initial weights and what is dropped; the default generator unless given.

    Shapes: x (N, T, E) -> (N, T, E).
    """

    def __init__(self, width: int, heads: int, dropout: float, rng: Rng = None) -> None:
        self.c_attn, self.c_proj = Conv1D(width, 3 * width, rng), Conv1D(width, width, rng)
        self.resid_dropout = nn.Dropout(dropout, rng=rng)
        self.heads, self.dropout, self.rng = heads, dropout, rng

    def forward(self, x: mg.Tensor) -> mg.Tensor:
        """Shapes: x (N, T, E) -> (N, T, E)."""
        n, length, width = x.shape
        split = self.c_attn(x).reshape((n, length, 3, self.heads, width // self.heads))
        q, k, v = mg.permute_dims(split, axes=(2, 0, 3, 1, 4))  # each (N, H, T, E / H)
        drops = self.dropout if self.training else 0.0
        y = F.scaled_dot_product_attention(q, k, v, dropout_p=drops, is_causal=True, rng=self.rng)
        y = mg.permute_dims(y, axes=(0, 2, 1, 3)).reshape((n, length, width))
        return self.resid_dropout(self.c_proj(y))  # type: ignore[no-any-return]


class MLP(nn.Module):
    """Two linear maps and a GELU between them, for each token alone.

    Args:
        width: E; there are 4 E units inside.
        dropout: the probability of being dropped in training.
        rng: draws the initial weights and what is dropped; the default generator unless given.

    Shapes: x (N, T, E) -> (N, T, E).
    """

    def __init__(self, width: int, dropout: float, rng: Rng = None) -> None:
        self.c_fc, self.c_proj = Conv1D(width, 4 * width, rng), Conv1D(4 * width, width, rng)
        self.act = nn.GELU(approximate="tanh")
        self.dropout = nn.Dropout(dropout, rng=rng)

    def forward(self, x: mg.Tensor) -> mg.Tensor:
        """Shapes: x (N, T, E) -> (N, T, E)."""
        return self.dropout(self.c_proj(self.act(self.c_fc(x))))  # type: ignore[no-any-return]


class Block(nn.Module):
    """x + attention(norm(x)), then x + mlp(norm(x)).

    Args:
        width: E.
        heads: H, by which E can be divided.
        dropout: the probability of being dropped in training.
        rng: draws the initial weights and what is dropped; the default generator unless given.

    Shapes: x (N, T, E) -> (N, T, E).
    """

    def __init__(self, width: int, heads: int, dropout: float, rng: Rng = None) -> None:
        self.ln_1, self.attn = nn.LayerNorm(width), CausalSelfAttention(width, heads, dropout, rng)
        self.ln_2, self.mlp = nn.LayerNorm(width), MLP(width, dropout, rng)

    def forward(self, x: mg.Tensor) -> mg.Tensor:
        """Shapes: x (N, T, E) -> (N, T, E)."""
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))  # type: ignore[no-any-return]


class GPT(nn.Module):
    """A GPT-2 of any size, trained on the cross entropy of each next token.

    Args:
        vocabulary: V, the number of tokens (default 50257).
        context: the largest T (default 1024).
        width: E (default 768).
        depth: how many blocks (default 12).
        heads: H, by which E can be divided (default 12).
        dropout: the probability of being dropped in training (default 0.1).
        std: the standard deviation of the initial weights, normal with mean 0 (default 0.02). Narrow networks learn
            sooner with more.
        tokenizer: makes tokens of text, for `minigrad predict` (default None: there is none).
        rng: draws the initial weights and what is dropped; the default generator unless given.

    Shapes: ids (N, T) integers -> logits (N, T, V).

    Raises:
        UsageError: E is no multiple of H.
        ShapeError: when called, there are too many tokens, or another number of dimensions.
        StateError: `load_state_dict` is given a head that is not tied to the tokens.
    """

    def __init__(
        self, vocabulary: int = 50257, context: int = 1024, width: int = 768, depth: int = 12, heads: int = 12,
        dropout: float = 0.1, std: float = 0.02, tokenizer: Tokenizer | None = None, rng: Rng = None,
    ) -> None:  # fmt: skip
        if width % heads:
            raise UsageError(f"GPT: width {width} is no multiple of heads {heads}")
        self.context, self.tokenizer = context, tokenizer
        self.wte, self.wpe = nn.Embedding(vocabulary, width, rng=rng), nn.Embedding(context, width, rng=rng)
        self.drop = nn.Dropout(dropout, rng=rng)
        self.h = nn.ModuleList([Block(width, heads, dropout, rng) for _ in range(depth)])
        self.ln_f = nn.LayerNorm(width)
        for name, parameter in self.named_parameters():
            if parameter.ndim == 2:  # what blocks add up has the size of one
                scale = 1 / math.sqrt(2 * depth) if name.endswith("c_proj.weight") else 1.0
                parameter.data = init.normal(parameter.shape, 0, scale * std, rng)

    def forward(self, ids: ArrayLike) -> mg.Tensor:
        """Shapes: ids (N, T) integers -> logits (N, T, V)."""
        ids = mg.asarray(ids)
        if ids.ndim != 2 or ids.shape[1] > self.context:
            raise ShapeError(f"GPT: expected token ids (N, T) with T of at most {self.context}, got shape {ids.shape}")
        x = self.drop(self.wte(ids) + self.wpe(mg.arange(ids.shape[1])))
        for block in self.h:
            x = block(x)
        return F.linear(self.ln_f(x), self.wte.weight)

    def loss(self, output: mg.Tensor, target: mg.Tensor) -> mg.Tensor:
        """The cross entropy of the tokens, a mean over all of them, in nats.

        Shapes: output (N, T, V), target (N, T) integers -> ().
        """
        return F.cross_entropy(output.reshape((-1, output.shape[-1])), target.reshape((-1,)))

    def load_state_dict(self, state: Mapping[str, ArrayLike], strict: bool = True) -> IncompatibleKeys:
        """Load a state of this class, or one as it is published: see the top of this file.

        Raises:
            StateError: it does not fit, or its `lm_head.weight` is not its `wte.weight`.
        """
        return super().load_state_dict(published(state), strict)


def published(state: Mapping[str, ArrayLike]) -> Mapping[str, ArrayLike]:
    """A published state without prefix, without the masks of attention, and without a head that is tied.

    Raises:
        StateError: the head is not tied.
    """
    if not isinstance(state, Mapping):
        return state  # which load_state_dict refuses
    renamed = {name.removeprefix("transformer."): value for name, value in state.items()}
    masks = [name for name in renamed if name.endswith((".attn.bias", ".attn.masked_bias"))]
    head, tokens = renamed.get("lm_head.weight"), renamed.get("wte.weight")
    if head is not None and tokens is not None:
        if not np.array_equal(np.asarray(head), np.asarray(tokens)):
            raise StateError("GPT: lm_head.weight differs from wte.weight, and here they are one: leave it out")
        del renamed["lm_head.weight"]
    return {name: value for name, value in renamed.items() if name not in masks}


def gpt_small(rng: Rng = None) -> GPT:
    """4 blocks of width 96 with 4 heads, for pieces of 128 characters."""
    tokenizer = CharacterTokenizer(PRINTABLE)
    return GPT(len(tokenizer), 128, 96, 4, 4, dropout=0.0, std=0.06, tokenizer=tokenizer, rng=rng)


ENTRIES = (
    Entry(
        name="gpt2",
        make=GPT,
        input_shape=(1024,),
        classes=0,
        summary="GPT-2: 12 blocks of width 768 with 12 heads; published weights load by name",
        parameters=124_439_808,
        source="Radford et al. 2019",
        data="docstrings",
        metric="loss",
        vocabulary=50257,
        recipe=Recipe(
            epochs=1, batch_size=8, optimizer={"name": "adamw", "lr": 6e-4, "betas": (0.9, 0.95), "weight_decay": 0.1},
            schedule=Cosine(warmup=0.05),
        ),
    ),
    Entry(
        name="gpt-small",
        make=gpt_small,
        input_shape=(128,),
        classes=0,
        summary="a GPT that writes, character by character, what looks like minigrad's documentation",
        parameters=493_632,
        source="Radford et al. 2018",
        data="docstrings",
        small=True,
        metric="loss",
        vocabulary=len(PRINTABLE) + 256,
        recipe=Recipe(
            epochs=2, batch_size=16, optimizer={"name": "adamw", "lr": 6e-3, "betas": (0.9, 0.95), "weight_decay": 0.1},
            schedule=Cosine(warmup=0.1),
        ),
    ),
)  # fmt: skip
