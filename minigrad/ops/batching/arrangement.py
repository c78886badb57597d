"""Batching rules of ops that arrange elements anew: shapes, permutations and widths get the batch in front."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minigrad.autograd.batching import Batched, size_of, with_rank
from minigrad.autograd.op import Op
from minigrad.autograd.registry import REGISTRY
from minigrad.ops.linalg import diagonal_matrix
from minigrad.ops.padding import pad
from minigrad.ops.shape import broadcast_to, permute_dims, reshape, sum_to
from minigrad.shapes import Shape
from minigrad.typing import Settings

LAST_AXES = ("astype", "zeros_like", "ones_like", "full_like", "tril", "triu", "diagonal")
"""Ops of one input that leave leading dimensions alone."""


def unchanged(op: Op[..., Any], xs: Sequence[Any], batched: Batched, settings: Settings) -> Any:
    """The rule of an op for which the batch is one more leading dimension."""
    return op(*xs, **settings)


for _name in LAST_AXES:
    REGISTRY[_name].batch_rule = unchanged


@reshape.batching
def _(xs: Sequence[Any], batched: Batched, *, shape: Shape) -> Any:
    size = size_of(xs, batched)
    return reshape(xs[0], shape=(size, *(_worked_out(shape, xs[0].size // size) if size else shape)))


def _worked_out(shape: Shape, elements: int) -> Shape:
    """The shape with -1 replaced: beside a batch it could not be told for samples without elements."""
    known = 1
    for n in shape:
        known *= n if n != -1 else 1
    return tuple([elements // known if n == -1 and known else n for n in shape])


@permute_dims.batching
def _(xs: Sequence[Any], batched: Batched, *, axes: tuple[int, ...]) -> Any:
    return permute_dims(xs[0], axes=(0, *[a + 1 for a in axes]))


@broadcast_to.batching
def _(xs: Sequence[Any], batched: Batched, *, shape: Shape) -> Any:
    return broadcast_to(with_rank(xs[0], len(shape)), shape=(size_of(xs, batched), *shape))


@sum_to.batching
def _(xs: Sequence[Any], batched: Batched, *, shape: Shape) -> Any:
    size, ones = size_of(xs, batched), (1,) * (xs[0].ndim - 1 - len(shape))
    return reshape(sum_to(xs[0], shape=(size, *ones, *shape)), shape=(size, *shape))


@diagonal_matrix.batching
def _(xs: Sequence[Any], batched: Batched, *, offset: int, shape: Shape) -> Any:
    return diagonal_matrix(xs[0], offset=offset, shape=(size_of(xs, batched), *shape))


@pad.batching
def _(xs: Sequence[Any], batched: Batched, *, widths: Sequence[tuple[int, int]], value: float) -> Any:
    return pad(xs[0], widths=((0, 0), *widths), value=value)
