"""Calls of the ops of networks: convolution, pooling, classes; entered in `calls_from_facts.CALLS_BY_NAME`."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import strategies as st

from minigrad.autograd.op import Op
from minigrad.domain import Domain
from minigrad.kernels.window_geometry import output_size
from minigrad.testing.calls.function_call import FunctionCall
from minigrad.testing.strategies.array_strategies import Draw, arrays, integers_in, masks, sides, windows
from minigrad.testing.strategies.calls_from_facts import draws_calls_of
from minigrad.typing import Array, Settings, Shape


def _convolution(draw: Draw) -> tuple[Shape, Shape, Shape, Settings]:
    """Shapes of image, kernel and result, and the settings."""
    image = draw(sides())
    window = draw(windows(image))
    groups = draw(st.integers(1, 2))
    n, c, o = draw(st.integers(1, 2)), draw(st.integers(1, 2)), groups * draw(st.integers(1, 2))
    kernel = window.pop("kernel")
    size = output_size(image, kernel, window["stride"], window["padding"], window["dilation"])
    settings = {**window, "groups": groups}
    return (n, c * groups, *image), (o, c, *kernel), (n, o, *size), settings


@draws_calls_of("conv")
def _conv(draw: Draw, op: Op) -> FunctionCall:
    x, w, _, settings = _convolution(draw)
    b = draw(arrays((w[0],))) if draw(st.booleans()) else None
    return FunctionCall.of(op, draw(arrays(x)), draw(arrays(w)), b, **settings)


@draws_calls_of("conv_input")
def _conv_input(draw: Draw, op: Op) -> FunctionCall:
    x, w, y, settings = _convolution(draw)
    return FunctionCall.of(op, draw(arrays(y)), draw(arrays(w)), shape=x, **settings)


@draws_calls_of("conv_weight")
def _conv_weight(draw: Draw, op: Op) -> FunctionCall:
    x, w, y, settings = _convolution(draw)
    return FunctionCall.of(op, draw(arrays(x)), draw(arrays(y)), shape=w, **settings)


@draws_calls_of("max_pool", "avg_pool")
def _pool(draw: Draw, op: Op) -> FunctionCall:
    image = draw(sides())
    settings = draw(windows(image, dilated=op.name == "max_pool"))
    if op.name == "avg_pool":
        del settings["dilation"]
        settings["count_include_pad"] = draw(st.booleans())
    x = draw(arrays((draw(st.integers(1, 2)), 1, *image), kinks=op.kinks))
    return FunctionCall.of(op, x, ceil_mode=draw(st.booleans()), **settings)


@draws_calls_of("avg_pool_input")
def _avg_pool_input(draw: Draw, op: Op) -> FunctionCall:
    image = draw(sides())
    settings = draw(windows(image, dilated=False))
    size = output_size(image, settings["kernel"], settings["stride"], settings["padding"], settings.pop("dilation"))
    x = draw(arrays((1, draw(st.integers(1, 2)), *size)))
    return FunctionCall.of(op, x, shape=(*x.shape[:2], *image), count_include_pad=draw(st.booleans()), **settings)


@draws_calls_of("max_unpool")
def _max_unpool(draw: Draw, op: Op) -> FunctionCall:
    image = draw(sides())
    size = tuple([draw(st.integers(1, 3)) for _ in image])
    x = draw(arrays((1, draw(st.integers(1, 2)), *size)))
    positions = draw(integers_in(-1, math.prod(image), x.shape)).astype(np.int32)
    return FunctionCall.of(op, x, positions, shape=(*x.shape[:2], *image))


@draws_calls_of("pool_take")
def _pool_take(draw: Draw, op: Op) -> FunctionCall:
    image = draw(sides())
    size = tuple([draw(st.integers(1, 3)) for _ in image])
    x = draw(arrays((1, draw(st.integers(1, 2)), *image)))
    positions = draw(integers_in(-1, math.prod(image), (*x.shape[:2], *size))).astype(np.int32)
    return FunctionCall.of(op, x, positions)


@draws_calls_of("softmax_cross_entropy")
def _softmax_cross_entropy(draw: Draw, op: Op) -> FunctionCall:
    n, classes = draw(st.integers(0, 2)), draw(st.integers(1, 3))
    return FunctionCall.of(op, draw(arrays((n, classes))), draw(integers_in(0, classes, (n,))))


@draws_calls_of("lstm", "gru", "rnn")
def _recurrent(draw: Draw, op: Op) -> FunctionCall:
    sizes = tuple(sorted(draw(st.lists(st.integers(1, 2), min_size=1, max_size=2)), reverse=True))
    settings: Settings = {"sizes": sizes, "reverse": draw(st.booleans())}
    gates, hidden = {"lstm": 4, "gru": 3, "rnn": 1}[op.name], draw(st.integers(1, 2))
    projected = draw(st.integers(1, hidden)) if op.name == "lstm" else hidden
    columns = gates * hidden
    inputs: list[Array | None] = [draw(arrays((sum(sizes), columns))), draw(arrays((sizes[0], projected)))]
    if op.name == "lstm":
        inputs.append(draw(arrays((sizes[0], hidden))))
    inputs.append(draw(arrays((columns, projected))))
    if op.name == "gru":
        inputs.append(draw(arrays((columns,))) if draw(st.booleans()) else None)
    if op.name == "lstm":
        inputs.append(draw(arrays((projected, hidden))) if projected < hidden else None)
    if op.name == "rnn":
        settings["nonlinearity"] = draw(st.sampled_from(["tanh", "relu"]))
    return FunctionCall.of(op, *inputs, **settings)


@draws_calls_of("ctc_nll")
def _ctc_nll(draw: Draw, op: Op) -> FunctionCall:
    steps, n, classes, length = (draw(st.integers(low, high)) for low, high in ((1, 3), (1, 2), (2, 3), (0, 2)))
    blank = draw(st.integers(0, classes - 1))
    labels = draw(integers_in(0, classes, (n, length)))
    counts = [draw(integers_in(0, count + 1, (n,))) for count in (steps, length)]
    counts[0] = np.maximum(counts[0], np.minimum(2 * counts[1], steps))  # mostly long enough for a path
    log_probs = draw(arrays((steps, n, classes), domain=Domain(-8.0, 2.0)))
    return FunctionCall.of(op, log_probs, labels, *counts, blank=blank)


@draws_calls_of("attention")
def _attention(draw: Draw, op: Op) -> FunctionCall:
    rows, columns, size = draw(st.integers(0, 2)), draw(st.integers(1, 3)), draw(st.integers(1, 2))
    lead = draw(st.sampled_from([(), (1,), (2,)]))
    kind = draw(st.sampled_from(["none", "numbers", "booleans"]))
    table = (rows, columns)
    mask = None if kind == "none" else draw(arrays(table)) if kind == "numbers" else draw(masks(table))
    near = Domain(-8.0, 8.0)  # second derivatives have squares of keys, beside which differences would vanish
    inputs = [draw(arrays(shape, domain=near)) for shape in ((*lead, rows, size), (columns, size), (*lead, columns, 1))]
    return FunctionCall.of(op, *inputs, mask, causal=draw(st.booleans()), scale=draw(st.sampled_from([1.0, 0.5])))
