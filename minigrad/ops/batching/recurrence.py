"""Batching rules of recurrent layers that share their weights: all samples' sequences side by side at each step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minigrad.autograd.batching import Batched, everywhere, size_of
from minigrad.autograd.op import Op
from minigrad.ops.long_short_term_memory import lstm
from minigrad.ops.rearrange import moveaxis
from minigrad.ops.recurrence import gru, rnn
from minigrad.ops.shape import reshape
from minigrad.shapes import shape_of


def _side_by_side(op: Op[..., Any], states: int, xs: Sequence[Any], batched: Batched, **settings: Any) -> Any:
    """One call for all samples; `states` is how many of the inputs behind z are states."""
    rows = 1 + states
    if any(batched[rows:]):
        return NotImplemented
    size = size_of(xs, batched)

    def joined(x: Any, has_batch: bool) -> Any:
        x = moveaxis(x if has_batch else everywhere(x, size), 0, 1)
        return reshape(x, shape=(shape_of(x)[0] * size, shape_of(x)[2]))

    def apart(x: Any) -> Any:
        return moveaxis(reshape(x, shape=(shape_of(x)[0] // size, size, shape_of(x)[1])), 1, 0)

    if settings["sizes"] is not None:
        settings["sizes"] = tuple([size * n for n in settings["sizes"]])
    inputs = [joined(x, b) for x, b in zip(xs[:rows], batched[:rows], strict=True)]
    return tuple([apart(x) for x in op(*inputs, *xs[rows:], **settings)])


@lstm.batching
def _(xs: Sequence[Any], batched: Batched, **settings: Any) -> Any:
    return _side_by_side(lstm, 2, xs, batched, **settings)


@gru.batching
def _(xs: Sequence[Any], batched: Batched, **settings: Any) -> Any:
    return _side_by_side(gru, 1, xs, batched, **settings)


@rnn.batching
def _(xs: Sequence[Any], batched: Batched, **settings: Any) -> Any:
    return _side_by_side(rnn, 1, xs, batched, **settings)
