"""Batching rules of products: a stack of matrix products where weights differ, one where samples share them."""

from __future__ import annotations

import math
import string
from collections.abc import Sequence
from typing import Any

from minigrad.autograd.batching import Batched, with_rank
from minigrad.autograd.registry import REGISTRY
from minigrad.ops.elementwise import add, multiply
from minigrad.ops.linalg import linear, matmul_matrices
from minigrad.ops.shape import matrix_transpose, reshape
from minigrad.ops.sorting import searchsorted
from minigrad.shapes import shape_of

_einsum = REGISTRY["einsum"]


@matmul_matrices.batching
def _(xs: Sequence[Any], batched: Batched) -> Any:
    x, y = xs
    if batched[0] and not batched[1] and len(shape_of(y)) == 2:  # all rows of all samples in one product
        lead, inner = x.shape[:-1], x.shape[-1]
        rows = matmul_matrices(reshape(x, shape=(math.prod(lead), inner)), y)
        return reshape(rows, shape=(*lead, shape_of(y)[1]))
    if shape_of(x)[-1] == 1:  # an outer product, as the gradient of a weight for one sample is
        rank = max(len(shape_of(z)) - b for z, b in zip(xs, batched, strict=True))
        return multiply(*[with_rank(z, rank) if b else z for z, b in zip(xs, batched, strict=True)])
    return NotImplemented


@linear.batching
def _(xs: Sequence[Any], batched: Batched) -> Any:
    x, w, b = xs
    if not batched[1] and not batched[2]:
        return linear(x, w, b)
    if batched[1]:
        size = (x.shape[0],) if batched[0] else ()
        *lead, inner = shape_of(x)[len(size) :]
        rows = reshape(x, shape=(*size, math.prod(lead), inner))
        out = matmul_matrices(rows, matrix_transpose(w))
        out = reshape(out, shape=(out.shape[0], *lead, out.shape[-1]))
    else:
        out = linear(x, w, None)
    return out if b is None else _with_bias(out, b, batched[0] or batched[1], batched[2])


def _with_bias(out: Any, b: Any, batched: bool, b_batched: bool) -> Any:
    """out (batch, ..., O) or (..., O) plus b (batch, O) or (O)."""
    return add(out, with_rank(b, out.ndim - batched) if b_batched else b)


@_einsum.batching
def _(xs: Sequence[Any], batched: Batched, *, subscripts: str) -> Any:
    left, _, out = subscripts.partition("->")
    batch = next(c for c in string.ascii_letters if c not in subscripts)
    terms = [batch + term if b else term for term, b in zip(left.split(","), batched, strict=True)]
    return _einsum(*xs, subscripts=f"{','.join(terms)}->{batch}{out}")


@searchsorted.batching
def _(xs: Sequence[Any], batched: Batched, *, side: str, sorter: Any) -> Any:
    return searchsorted(*xs, side=side, sorter=sorter) if not batched[0] else NotImplemented
