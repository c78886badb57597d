"""A Vision Transformer of PyTorch's layers, with torchvision's names."""

from collections import OrderedDict

import torch
from torch import nn


class PeerBlock(nn.Module):
    """One layer of the encoder."""

    def __init__(self, heads: int, width: int, hidden: int) -> None:
        super().__init__()
        self.ln_1 = nn.LayerNorm(width, eps=1e-6)
        self.self_attention = nn.MultiheadAttention(width, heads, batch_first=True)
        self.ln_2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = nn.Sequential(
            nn.Linear(width, hidden), nn.GELU(), nn.Dropout(0.0), nn.Linear(hidden, width), nn.Dropout(0.0)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.ln_1(x)
        x = x + self.self_attention(y, y, y, need_weights=False)[0]
        return x + self.mlp(self.ln_2(x))


class PeerEncoder(nn.Module):
    """Places, layers and a last normalization."""

    def __init__(self, tokens: int, layers: int, heads: int, width: int, hidden: int) -> None:
        super().__init__()
        self.pos_embedding = nn.Parameter(torch.empty(1, tokens, width).normal_(std=0.02))
        blocks = OrderedDict((f"encoder_layer_{i}", PeerBlock(heads, width, hidden)) for i in range(layers))
        self.layers = nn.Sequential(blocks)
        self.ln = nn.LayerNorm(width, eps=1e-6)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.ln(self.layers(x + self.pos_embedding))


class PeerViT(nn.Module):
    """The network."""

    def __init__(
        self, layers: int, heads: int, width: int, hidden: int, image_size: int, patch_size: int, num_classes: int
    ) -> None:
        super().__init__()
        self.class_token = nn.Parameter(torch.zeros(1, 1, width))
        self.conv_proj = nn.Conv2d(3, width, patch_size, stride=patch_size)
        self.encoder = PeerEncoder((image_size // patch_size) ** 2 + 1, layers, heads, width, hidden)
        self.heads = nn.Sequential(OrderedDict(head=nn.Linear(width, num_classes)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        patches = self.conv_proj(x).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.class_token.expand(len(x), -1, -1), patches], dim=1)
        return self.heads(self.encoder(tokens)[:, 0])
