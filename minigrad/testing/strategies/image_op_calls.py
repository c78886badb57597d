"""Calls of the ops of windows, padding, resampling and normalization; entered in `calls_from_facts.CALLS_BY_NAME`."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from minigrad.autograd.op import Op
from minigrad.domain import Domain
from minigrad.kernels.window_geometry import output_size
from minigrad.testing.calls.function_call import FunctionCall
from minigrad.testing.strategies.array_strategies import Draw, arrays, axes, integers_in, shapes, sides, windows
from minigrad.testing.strategies.calls_from_facts import draws_calls_of
from minigrad.typing import Settings


@draws_calls_of("unfold")
def _unfold(draw: Draw, op: Op) -> FunctionCall:
    image = draw(sides())
    settings = draw(windows(image))
    if draw(st.booleans()):  # one window more, over the edge
        count = output_size(image, **settings)
        settings["count"] = (count[0] + 1, *count[1:])
    return FunctionCall.of(op, draw(arrays((draw(st.integers(0, 2)), 1, *image))), **settings)


@draws_calls_of("fold")
def _fold(draw: Draw, op: Op) -> FunctionCall:
    image = draw(sides())
    settings = draw(windows(image))
    count, kernel = output_size(image, **settings), settings.pop("kernel")
    n = draw(st.integers(0, 2))
    return FunctionCall.of(op, draw(arrays((n, 1, *kernel, *count))), shape=(n, 1, *image), **settings)


@draws_calls_of("max_positions")
def _max_positions(draw: Draw, op: Op) -> FunctionCall:
    image = draw(sides())
    settings = draw(windows(image))
    return FunctionCall.of(op, draw(arrays((1, 1, *image), kinks="ties")), ceil_mode=draw(st.booleans()), **settings)


@draws_calls_of("adaptive_positions")
def _adaptive_positions(draw: Draw, op: Op) -> FunctionCall:
    image = draw(sides())
    x = draw(arrays((draw(st.integers(0, 2)), 1, *image), kinks="ties"))
    return FunctionCall.of(op, x, size=tuple([draw(st.integers(1, 3)) for _ in image]))


@draws_calls_of("pad")
def _pad(draw: Draw, op: Op) -> FunctionCall:
    x = draw(arrays(shapes()))
    widths = tuple([(draw(st.integers(0, 2)), draw(st.integers(0, 1))) for _ in x.shape])
    return FunctionCall.of(op, x, widths=widths, value=draw(st.sampled_from((0.0, -1.5))))


def _tables(draw: Draw, size: int) -> Settings:
    """Places that do not fall in a row, and weights."""
    taps, count = draw(st.integers(1, 2)), draw(st.integers(1, 3))
    index = np.sort(draw(integers_in(0, size, (taps, count))), axis=1)
    return {"index": index, "weight": draw(arrays((taps, count), dtype=np.float64, layout="C"))}


def _lines(draw: Draw) -> tuple[tuple[int, ...], int]:
    """A shape, and an axis of it that is not empty."""
    shape = draw(shapes(min_dims=1))
    some = [i for i, n in enumerate(shape) if n] or [0]
    axis = draw(st.sampled_from(some))
    return (shape if shape[axis] else (2, *shape[1:])), draw(st.sampled_from((axis, axis - len(shape))))


@draws_calls_of("resample")
def _resample(draw: Draw, op: Op) -> FunctionCall:
    shape, axis = _lines(draw)
    return FunctionCall.of(op, draw(arrays(shape)), axis=axis, **_tables(draw, shape[axis]))


@draws_calls_of("resample_input")
def _resample_input(draw: Draw, op: Op) -> FunctionCall:
    shape, axis = _lines(draw)
    tables = _tables(draw, shape[axis])
    k = axis % len(shape)
    y = (*shape[:k], tables["index"].shape[1], *shape[k + 1 :])
    return FunctionCall.of(op, draw(arrays(y)), axis=axis, size=shape[axis], **tables)


@draws_calls_of("grid_sample")
def _grid_sample(draw: Draw, op: Op) -> FunctionCall:
    sides = draw(st.sampled_from([(1, 2), (3, 2), (2, 1), (2, 1, 2), (1, 2, 2)]))
    modes = ["bilinear", "nearest"] + ["bicubic"] * (len(sides) == 2)
    n, out = draw(st.integers(1, 2)), draw(st.sampled_from([(1, 1), (0, 1), (1, 2)])) + (1,) * (len(sides) - 2)
    grid = draw(arrays((n, *out, len(sides)), domain=Domain(-1.5, 1.5)))
    return FunctionCall.of(
        op, draw(arrays((n, draw(st.integers(1, 2)), *sides))), grid, mode=draw(st.sampled_from(modes)),
        padding_mode=draw(st.sampled_from(["zeros", "border", "reflection"])), align_corners=draw(st.booleans()),
    )  # fmt: skip


@draws_calls_of("standardize", "standardize_layer")
def _standardize(draw: Draw, op: Op) -> FunctionCall:
    shape = draw(shapes(min_dims=1))
    axis = draw(axes(len(shape), none=False))
    factors = [
        draw(st.none() | arrays(tuple(1 if draw(st.booleans()) else n for n in shape[draw(st.integers(0, 1)) :])))
        for _ in "wb"
    ]
    return FunctionCall.of(op, draw(arrays(shape)), *factors, axis=axis, eps=draw(st.sampled_from((0.5, 1.0))))
