"""Vision Transformers: an image cut into patches, read as a sequence of words.

Source: Dosovitskiy et al. 2021, "An image is worth 16x16 words: transformers for image recognition at scale",
arXiv:2010.11929, table 1 and appendix B.

    stage            what is in it, ViT-B/16                                        shape (N, ...)
    input                                                                           3 x 224 x 224
    conv_proj        768 kernels 16x16 with stride 16: a linear map of each patch   768 x 14 x 14
    class_token      one more token in front, the same for all images               197 x 768
    pos_embedding    a learned vector for each place is added                       197 x 768
    encoder          12 times, with shortcuts around both:                          197 x 768
                       layer norm, attention of 12 heads
                       layer norm, linear, GELU, linear, 3072 wide inside
                     layer norm                                                     197 x 768
    heads            linear, of the first token                                     1000

    parameters       B/16 86,567,656    B/32 88,224,232    L/16 304,326,632

What was new: no convolutions but the patches, and so nothing that says that neighbors belong together; where there are
enough images to learn this from, the network was better than the convolutional ones and cheaper to train.

Deviations: names, initial weights and the shapes of the state are torchvision's, so without the hidden layer that the
paper has in the head while it pre-trains. Attention runs in blocks, without a table of all pairs.
"""

from __future__ import annotations

import math
from functools import partial
from typing import NamedTuple

import numpy as np

import minigrad as mg
from minigrad import init, nn
from minigrad.errors import ShapeError, UsageError
from minigrad.optim.schedule import Cosine
from minigrad.typing import ArrayLike
from minigrad_models.registry import AUGMENTATION, IMAGENET, Entry, Recipe, Rng


class Size(NamedTuple):
    """How large an encoder is: layers, heads, the width of a token, and inside of the perceptrons."""

    layers: int
    heads: int
    width: int
    hidden: int


SIZES = {"b": Size(12, 12, 768, 3072), "l": Size(24, 16, 1024, 4096), "h": Size(32, 16, 1280, 5120)}
"""The paper's: base, large and huge."""

EPS = 1e-6  # of layer normalization, torchvision's


class EncoderBlock(nn.Module):
    """x + attention(norm(x)), and then x + perceptron(norm(x)).

    Shapes: x (N, S, E) -> the same.
    """

    def __init__(self, size: Size, dropout: float, rng: Rng) -> None:
        self.ln_1 = nn.LayerNorm(size.width, EPS)
        self.self_attention = nn.MultiheadAttention(size.width, size.heads, batch_first=True, rng=rng)
        self.dropout = nn.Dropout(dropout, rng=rng)
        self.ln_2 = nn.LayerNorm(size.width, EPS)
        self.mlp = nn.Sequential(
            nn.Linear(size.width, size.hidden), nn.GELU(), nn.Dropout(dropout, rng=rng),
            nn.Linear(size.hidden, size.width), nn.Dropout(dropout, rng=rng),
        )  # fmt: skip

    def forward(self, x: mg.Tensor) -> mg.Tensor:
        """Shapes: x (N, S, E) -> the same."""
        y = self.ln_1(x)
        y, _ = self.self_attention(y, y, y, need_weights=False)
        x = x + self.dropout(y)
        return x + self.mlp(self.ln_2(x))  # type: ignore[no-any-return]


class Encoder(nn.Module):
    """Places added to the tokens, the blocks, and a last layer norm.

    Shapes: x (N, S, E) -> the same.
    """

    def __init__(self, tokens: int, size: Size, dropout: float, rng: Rng) -> None:
        self.pos_embedding = nn.Parameter(init.normal((1, tokens, size.width), std=0.02, rng=rng))
        self.dropout = nn.Dropout(dropout, rng=rng)
        self.layers = nn.Sequential(
            {f"encoder_layer_{i}": EncoderBlock(size, dropout, rng) for i in range(size.layers)}
        )
        self.ln = nn.LayerNorm(size.width, EPS)

    def forward(self, x: mg.Tensor) -> mg.Tensor:
        """Shapes: x (N, S, E) -> the same."""
        return self.ln(self.layers(self.dropout(x + self.pos_embedding)))  # type: ignore[no-any-return]


class VisionTransformer(nn.Module):
    """The network for images of one size.

    Args:
        size: one of `SIZES`, or another.
        image_size: the side of the images.
        patch_size: the side of a patch, P.
        num_classes: K (default 1000).
        in_channels: C (default 3).
        dropout: the probability that a number behind an attention or a linear layer is dropped (default 0).
        rng: draws the initial weights and what is dropped; the default generator unless given.

    Shapes: x (N, C, image_size, image_size) -> scores (N, K).

    Raises:
        UsageError: the image is no whole number of patches.
        ShapeError: when called, the images have another size.
    """

    def __init__(
        self,
        size: Size,
        image_size: int,
        patch_size: int,
        num_classes: int = 1000,
        in_channels: int = 3,
        dropout: float = 0.0,
        rng: Rng = None,
    ) -> None:
        if image_size % patch_size:
            raise UsageError(f"ViT: an image of side {image_size} cannot be cut into patches of side {patch_size}")
        self.image_size, self.in_channels = image_size, in_channels
        self.class_token = nn.Parameter(init.zeros((1, 1, size.width)))
        with init.skip():
            self.conv_proj = nn.Conv2d(in_channels, size.width, patch_size, stride=patch_size)
        self.encoder = Encoder((image_size // patch_size) ** 2 + 1, size, dropout, rng)
        self.heads = nn.Sequential({"head": nn.Linear(size.width, num_classes)})
        self._draw_weights(rng)

    def _draw_weights(self, rng: Rng) -> None:
        """As torchvision has them: the patches by fan-in, Glorot's for the perceptrons, and a head of zeros."""
        w = self.conv_proj.weight
        w.data = init.truncated_normal(w.shape, std=math.sqrt(1 / math.prod(w.shape[1:])), rng=rng)
        assert self.conv_proj.bias is not None
        self.conv_proj.bias.data = init.zeros(self.conv_proj.bias.shape)
        for block in self.encoder.layers:
            for layer in block.mlp:  # type: ignore[attr-defined]
                if isinstance(layer, nn.Linear):
                    assert layer.bias is not None
                    layer.weight.data = init.xavier_uniform(layer.weight.shape, rng=rng)
                    layer.bias.data = init.normal(layer.bias.shape, std=1e-6, rng=rng)
        for p in self.heads.parameters():
            p.data = init.zeros(p.shape)

    def forward(self, x: ArrayLike) -> mg.Tensor:
        """Shapes: x (N, C, image_size, image_size) -> scores (N, K)."""
        shape = np.shape(x)
        if shape[1:] != (self.in_channels, self.image_size, self.image_size):
            side = self.image_size
            raise ShapeError(f"ViT: expected images (N, {self.in_channels}, {side}, {side}), got shape {shape}")
        patches = self.conv_proj(x).flatten(2).mT
        first = mg.broadcast_to(self.class_token, shape=(patches.shape[0], *self.class_token.shape[1:]))
        tokens = self.encoder(mg.concat([first, patches], 1))
        return self.heads(tokens[:, 0])  # type: ignore[no-any-return]


SMALL = Size(layers=4, heads=4, width=64, hidden=128)

# Table 3 of the paper, of training on ImageNet-1k: at 224 pixels, from scratch.
RECIPE = Recipe(
    epochs=300, batch_size=4096, optimizer={"name": "adamw", "lr": 3e-3, "weight_decay": 0.3},
    schedule=Cosine(warmup=0.033),
)  # fmt: skip

PARAMETERS = {"b16": 86_567_656, "b32": 88_224_232, "l16": 304_326_632}


def _entry(name: str, parameters: int) -> Entry:
    """Of a paper-size network, such as "b16"."""
    letter, patch = name[0], int(name[1:])
    return Entry(
        name=f"vit-{name}",
        make=partial(VisionTransformer, SIZES[letter], 224, patch),
        input_shape=(3, 224, 224),
        classes=1000,
        summary=f"ViT-{letter.upper()}/{patch}, of {SIZES[letter].layers} layers, with patches of {patch} x {patch}",
        parameters=parameters,
        source="Dosovitskiy et al. 2021",
        recipe=RECIPE,
        **IMAGENET,
    )


ENTRIES = (
    *[_entry(name, count) for name, count in PARAMETERS.items()],
    Entry(
        name="vit-small",
        make=partial(VisionTransformer, SMALL, 32, 8, num_classes=10, in_channels=1),
        input_shape=(1, 32, 32),
        classes=10,
        summary="ViT of 4 layers, with patches of 8 x 8, for gray images",
        parameters=139_978,
        source="Dosovitskiy et al. 2021",
        small=True,
        recipe=Recipe(
            epochs=60, batch_size=64, optimizer={"name": "adamw", "lr": 0.002, "weight_decay": 0.05},
            schedule=Cosine(warmup=0.1), **AUGMENTATION,
        ),
    ),
)  # fmt: skip
