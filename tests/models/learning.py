"""A few steps of training: the loss goes down, and every parameter moves."""

import minigrad as mg
from minigrad import functional as F  # noqa: N812
from minigrad import nn
from minigrad.optim import Optimizer
from minigrad.typing import Array


def assert_learns(
    model: nn.Module, x: Array, target: Array, optimizer: Optimizer, steps: int = 15, to: float = 0.8
) -> None:
    """Train on one batch, and expect `to` times the first loss, or less."""
    before = {path: p.numpy().copy() for path, p in model.named_parameters()}
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(mg.Tensor(x)), target)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < to * losses[0]
    assert all((p.numpy() != before[path]).any() for path, p in model.named_parameters())
