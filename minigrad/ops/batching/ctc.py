"""Batching rule of connectionist temporal classification: a batch of samples is joined to N."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minigrad.autograd.batching import Batched, everywhere, join, size_of, split
from minigrad.ops.ctc import ctc_nll
from minigrad.ops.rearrange import moveaxis
from minigrad.ops.shape import reshape
from minigrad.shapes import shape_of


@ctc_nll.batching
def _(xs: Sequence[Any], batched: Batched, *, blank: int) -> Any:
    size = size_of(xs, batched)
    log_probs, *others = [x if b else everywhere(x, size) for x, b in zip(xs, batched, strict=True)]
    steps, samples, classes = shape_of(log_probs)[1:]
    side_by_side = reshape(moveaxis(log_probs, 0, 1), shape=(steps, size * samples, classes))
    return split(ctc_nll(side_by_side, *map(join, others), blank=blank), size)
