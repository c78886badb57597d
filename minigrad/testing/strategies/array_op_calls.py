"""Calls of the ops that rearrange, index and join arrays; entered in `calls_from_facts.CALLS_BY_NAME`."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from hypothesis import strategies as st

from minigrad.autograd.op import Op
from minigrad.domain import NONZERO
from minigrad.testing.calls.function_call import FunctionCall
from minigrad.testing.strategies.array_strategies import (
    Draw,
    arrays,
    axes,
    broadcastable_shapes,
    integers_in,
    masks,
    shapes,
)
from minigrad.testing.strategies.calls_from_facts import draw_inputs, draw_shapes, draws_calls_of
from minigrad.typing import Array, Shape


def _array(draw: Draw, **limits: int) -> Array:
    return draw(arrays(shapes(**limits)))


@draws_calls_of("weighted")
def _weighted(draw: Draw, op: Op) -> FunctionCall:
    w_shape, x_shape = draw(broadcastable_shapes(2))  # a weight of 0 hides an infinity, which the law of silence masks
    return FunctionCall.of(op, draw(arrays(w_shape, domain=NONZERO)), draw(arrays(x_shape)))


# ---- indexing ------------------------------------------------------------------------------------------------


@draws_calls_of("getitem")
def _getitem(draw: Draw, op: Op) -> FunctionCall:
    x = _array(draw)
    return FunctionCall.of(op, x, index=draw(indices(x.shape)))


@draws_calls_of("setitem")
def _setitem(draw: Draw, op: Op) -> FunctionCall:
    x = _array(draw)
    index = draw(indices(x.shape))
    place = x[index].shape
    written = place[draw(st.integers(0, len(place))) :]
    return FunctionCall.of(op, x, draw(arrays(tuple(1 if draw(st.booleans()) else n for n in written))), index=index)


@draws_calls_of("scatter_add")
def _scatter_add(draw: Draw, op: Op) -> FunctionCall:
    shape = draw(shapes(min_side=1))
    index = draw(indices(shape))
    return FunctionCall.of(op, draw(arrays(np.zeros(shape)[index].shape)), index=index, shape=shape)


@st.composite
def indices(draw: Draw, shape: Shape) -> Any:  # as NumPy's: of many types
    """An index that fits: numbers, slices, None, an ellipsis, integer arrays that repeat, a mask."""
    if shape and min(shape) > 0 and draw(st.integers(0, 5)) == 5:
        return draw(st.lists(st.booleans(), min_size=shape[0], max_size=shape[0]).map(np.array))
    parts: list[Any] = [draw(_part(size)) for size in shape[: draw(st.integers(0, len(shape)))]]
    if draw(st.booleans()):
        parts.insert(0, None)
    if draw(st.booleans()) and len(parts) < len(shape) + 1:
        parts.append(Ellipsis)
    return parts[0] if len(parts) == 1 else tuple(parts)


def _part(size: int) -> st.SearchStrategy[int | slice | Array]:
    slices = st.sampled_from(
        [slice(None), slice(None, None, -1), slice(1, None), slice(None, -1), slice(None, None, 2)]
    )
    if not size:
        return slices
    several = st.lists(st.integers(-size, size - 1), min_size=1, max_size=2).map(np.array)
    return st.one_of(st.integers(-size, size - 1), slices, several)


@draws_calls_of("searchsorted")
def _searchsorted(draw: Draw, op: Op) -> FunctionCall:
    x = np.sort(draw(arrays(shapes(min_dims=1, max_dims=1), layout="C")))
    return FunctionCall.of(op, x, _array(draw), side=draw(st.sampled_from(["left", "right"])))


@draws_calls_of("sparse_matmul")
def _sparse_matmul(draw: Draw, op: Op) -> FunctionCall:
    count, columns, transposed = draw(st.integers(0, 3)), draw(st.integers(1, 3)), draw(st.booleans())
    kept = draw(masks((count, columns)))
    stored, places = draw(arrays((int(kept.sum()),), dtype=np.float64, layout="C")), np.nonzero(kept)[1]
    starts = np.concatenate([[0], np.cumsum(kept.sum(axis=1))]).astype(places.dtype)
    lead = draw(st.sampled_from([(), (2,), (0,)]))
    x = draw(arrays((*lead, count if transposed else columns, draw(st.integers(0, 2)))))
    return FunctionCall.of(op, x, rows=(stored, places, starts), shape=(count, columns), transposed=transposed)


# ---- shapes --------------------------------------------------------------------------------------------------


@draws_calls_of("reshape")
def _reshape(draw: Draw, op: Op) -> FunctionCall:
    x = _array(draw)
    others = [(-1,), x.shape[::-1], (1, *x.shape), (x.size, 1)] if x.size else [x.shape[::-1], (0,)]
    return FunctionCall.of(op, x, shape=draw(st.sampled_from(others)))


@draws_calls_of("permute_dims")
def _permute_dims(draw: Draw, op: Op) -> FunctionCall:
    x = _array(draw)
    order = draw(st.none() | st.permutations(range(x.ndim)))
    if order is not None and draw(st.booleans()):
        order = [a - x.ndim for a in order]
    return FunctionCall.of(op, x, axes=None if order is None else tuple(order))


@draws_calls_of("broadcast_to")
def _broadcast_to(draw: Draw, op: Op) -> FunctionCall:
    x = _array(draw)
    wide = tuple(draw(st.integers(1, 2)) if size == 1 else size for size in x.shape)
    return FunctionCall.of(op, x, shape=draw(shapes(max_dims=1, max_side=2, min_side=1)) + wide)


@draws_calls_of("sum_to")
def _sum_to(draw: Draw, op: Op) -> FunctionCall:
    x = _array(draw)
    kept = [1 if draw(st.booleans()) else size for size in x.shape]
    return FunctionCall.of(op, x, shape=tuple(kept[draw(st.integers(0, len(kept))) :]))


@draws_calls_of("astype")
def _astype(draw: Draw, op: Op) -> FunctionCall:
    return FunctionCall.of(op, _array(draw), dtype=draw(st.sampled_from([np.float64, np.float32])))


@draws_calls_of("concat")
def _concat(draw: Draw, op: Op) -> FunctionCall:
    shape = draw(shapes(min_dims=1, max_size=4))
    axis = draw(axes(len(shape), none=False, several=False))
    sizes = draw(st.lists(st.integers(0, 2), min_size=1, max_size=3))
    assert isinstance(axis, int)
    place = axis % len(shape)
    return FunctionCall.of(op, *[draw(arrays((*shape[:place], n, *shape[place + 1 :]))) for n in sizes], axis=axis)


@draws_calls_of("roll")
def _roll(draw: Draw, op: Op) -> FunctionCall:
    x, shift = _array(draw), draw(st.integers(-3, 3))
    axis = draw(axes(x.ndim, several=False)) if x.ndim else None
    return FunctionCall.of(op, x, shift=shift, axis=axis)


@draws_calls_of("full_like")
def _full_like(draw: Draw, op: Op) -> FunctionCall:
    return FunctionCall.of(op, _array(draw), fill_value=0.5)


@draws_calls_of("diagonal_matrix")
def _diagonal_matrix(draw: Draw, op: Op) -> FunctionCall:
    x, offset = _array(draw, min_dims=1, max_dims=2), draw(st.integers(-1, 1))
    rows, columns = x.shape[-1] + max(-offset, 0), x.shape[-1] + max(offset, 0)
    return FunctionCall.of(op, x, offset=offset, shape=(*x.shape[:-1], rows, columns))


# ---- integers ------------------------------------------------------------------------------------------------


@draws_calls_of(
    "bitwise_invert", "bitwise_and", "bitwise_or", "bitwise_xor", "bitwise_left_shift", "bitwise_right_shift"
)
def _bitwise(draw: Draw, op: Op) -> FunctionCall:
    sizes = [() if size is None else size for size in draw_shapes(draw, op)]
    return FunctionCall.of(op, *[draw(integers_in(0, 4, size)) for size in sizes])


# ---- products ------------------------------------------------------------------------------------------------

SUBSCRIPTS: Final = (
    "i->i", "ij->", "ii", "ii->i", "ij->ji", "i,i->i", "i,i", "i,j->ij", "ij,jk->ik", "ij,j->i", "ij,ij->j", ",i->i",
    "ij,jk,k->i", "i,i,ij->j",
)  # fmt: skip


@draws_calls_of("einsum")
def _einsum(draw: Draw, op: Op) -> FunctionCall:
    text = draw(st.sampled_from(SUBSCRIPTS))
    sizes = {letter: draw(st.integers(1, 2)) for letter in sorted(set(text) - set(",->"))}
    operands = text.partition("->")[0].split(",")
    return FunctionCall.of(op, *[draw(arrays(tuple(sizes[c] for c in part))) for part in operands], subscripts=text)


@draws_calls_of("linear")
def _linear(draw: Draw, op: Op) -> FunctionCall:
    x, w, b = draw_inputs(draw, op, draw_shapes(draw, op))
    return FunctionCall.of(op, x, w, draw(st.sampled_from([b, None])))


# ---- decompositions ------------------------------------------------------------------------------------------


@draws_calls_of("svd")
def _svd(draw: Draw, op: Op) -> FunctionCall:
    (x,) = draw_inputs(draw, op, draw_shapes(draw, op))
    # The vectors that complete U or Vh to a square are not determined, so they have no derivative.
    return FunctionCall.of(op, x, full_matrices=x.shape[-1] == x.shape[-2] and draw(st.booleans()))


@draws_calls_of("qr")
def _qr(draw: Draw, op: Op) -> FunctionCall:
    (x,) = draw_inputs(draw, op, draw_shapes(draw, op))
    # LAPACK reflects a column unless it is zero below the diagonal already: there the signs of Q and R jump.
    x = np.where(x == 0, 0.125, x).astype(x.dtype)
    tall = x.shape[-2] > x.shape[-1]
    return FunctionCall.of(op, x, mode=draw(st.sampled_from(["reduced"] if tall else ["reduced", "complete"])))
