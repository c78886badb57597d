"""Batching rule of grid sampling: a batch of samples is joined to N."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minigrad.autograd.batching import Batched, everywhere, join, size_of, split
from minigrad.ops.grid_sampling import grid_sample


@grid_sample.batching
def _(xs: Sequence[Any], batched: Batched, **settings: Any) -> Any:
    size = size_of(xs, batched)
    joined = [join(x if b else everywhere(x, size)) for x, b in zip(xs, batched, strict=True)]
    return split(grid_sample(*joined, **settings), size)
