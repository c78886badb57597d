"""What several of these functions share: batches of one, sequences as images one row high."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from minigrad import ops
from minigrad.autograd.tensor import Tensor
from minigrad.errors import UsageError
from minigrad.shapes import shape_of

Pair = int | Sequence[int]


def on_batch(function: Callable[[Any], Tensor], x: Any, ndim: int) -> Tensor:
    """Run a function of a batch also on a single sample."""
    if len(shape_of(x)) == ndim - 1:
        return ops.squeeze(function(ops.expand_dims(x, axis=0)), axis=0)
    return function(x)


def on_rows(function: Callable[[Any], Tensor], x: Any) -> Tensor:
    """Run a function of images on sequences (N, C, T) or (C, T): images that are one row high."""
    return ops.squeeze(function(ops.expand_dims(x, axis=-2)), axis=-2)


def one(value: int | Sequence[int]) -> int:
    """A setting of a function of sequences: a number, or a sequence of one."""
    (size,) = value if isinstance(value, Sequence) and len(value) == 1 else (value,)
    if not hasattr(size, "__index__"):
        raise UsageError(f"this setting takes one integer, not {value!r}")
    return int(size.__index__())
