"""The ops of networks: products, convolution, pooling, normalization, resampling."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from minigrad.io.onnx.builder import Builder
from minigrad.io.onnx.reductions import reduce
from minigrad.io.onnx.table import converter
from minigrad.io.onnx.values import Call, Size, Value
from minigrad.kernels import cell_places
from minigrad.typing import Shape


@converter("linear")
def _(b: Builder, call: Call) -> str:
    x, w, bias = call.inputs
    assert x is not None
    assert w is not None
    dtype = call.out.dtype
    if x.ndim == 2:
        return str(b.emit("Gemm", *b.operands(call), transB=1))
    out = b.emit("MatMul", b.name(x, dtype), b.emit("Transpose", b.name(w, dtype), perm=(1, 0)))
    return str(out if bias is None else b.emit("Add", out, b.name(bias, dtype)))


@converter("matmul")
def _(b: Builder, call: Call) -> str:
    return str(b.emit("MatMul", *b.operands(call)))


@converter("einsum")
def _(b: Builder, call: Call) -> str:
    return str(b.emit("Einsum", *b.operands(call), equation=call.settings["subscripts"]))


@converter("conv")
def _(b: Builder, call: Call) -> str:
    s = call.settings
    return str(
        b.emit(
            "Conv", *b.operands(call), kernel_shape=_shape(call, 1)[2:], strides=s["stride"], pads=s["padding"] * 2,
            dilations=s["dilation"], group=s["groups"],
        )
    )  # fmt: skip


@converter("conv_input")
def _(b: Builder, call: Call) -> str:
    _require_fixed_image(call)
    s, kernel = call.settings, _shape(call, 1)[2:]
    sizes = zip(_shape(call, 0)[2:], kernel, s["stride"], s["padding"], s["dilation"], strict=True)
    natural = [(n - 1) * stride + dilation * (k - 1) + 1 - 2 * p for n, k, stride, p, dilation in sizes]
    more = [n - m for n, m in zip(s["shape"][2:], natural, strict=True)]
    return str(
        b.emit(
            "ConvTranspose", *b.operands(call), kernel_shape=kernel, strides=s["stride"], pads=s["padding"] * 2,
            dilations=s["dilation"], group=s["groups"], output_padding=more,
        )
    )  # fmt: skip


def _require_fixed_image(call: Call) -> None:
    """Refuse images whose rows and columns depend on the batch."""
    if call.settings["shape"][2:] != call.second_settings["shape"][2:]:
        call.refuse("gives images whose size depends on the batch", "leave out dynamic_batch")


def _shape(call: Call, i: int) -> Shape:
    value = call.inputs[i]
    assert value is not None
    return value.shape


def _overhang(call: Call, count: Sequence[int]) -> list[int]:
    """How many pixels so many windows reach over the end of each side of the image."""
    s = call.settings
    dilation = s.get("dilation", (1,) * len(count))
    rows = zip(_shape(call, 0)[2:], s["kernel"], s["stride"], s["padding"], dilation, count, strict=True)
    return [max((windows - 1) * stride + d * (k - 1) + 1 - n - p, 0) for n, k, stride, p, d, windows in rows]


@converter("max_pool")
def _(b: Builder, call: Call) -> str:
    s = call.settings
    return str(
        b.emit(
            "MaxPool", b.x(call), kernel_shape=s["kernel"], strides=s["stride"], dilations=s["dilation"],
            pads=[*s["padding"], *_overhang(call, s["size"])],
        )
    )  # fmt: skip


@converter("avg_pool")
def _(b: Builder, call: Call) -> str:
    """The padding may count, what lies beyond it never does."""
    s, x = call.settings, b.x(call)
    padding, size = s["padding"], s["size"]
    if s["kernel"] == _shape(call, 0)[2:] and max(size) == 1 and not any(padding):
        return str(b.emit("GlobalAveragePool", x))
    ends = _overhang(call, size)
    counts = s["count_include_pad"] and any(padding)
    if counts and any(end > p for end, p in zip(ends, padding, strict=True)):
        x = b.emit("Pad", x, b.ints([0, 0, *padding, 0, 0, *padding]), b.like(call.out, 0))
        ends = [max(end - p, 0) for end, p in zip(ends, padding, strict=True)]
        padding, counts = (0,) * len(padding), False
    elif counts:
        ends = padding
    return str(
        b.emit(
            "AveragePool", x, kernel_shape=s["kernel"], strides=s["stride"], pads=[*padding, *ends],
            count_include_pad=int(counts),
        )
    )  # fmt: skip


@converter("adaptive_positions")
def _(b: Builder, call: Call) -> str:
    """A table holds the pixels of each cell; the first largest of them is taken."""
    value, size = call.inputs[0], call.settings["size"]
    assert value is not None
    if not all(size.fixed for size in value.sizes[2:]):
        call.refuse("of images whose size depends on the batch has no form in ONNX", "leave out dynamic_batch")
    pixels, places = math.prod(value.shape[2:]), cell_places(value.shape[2:], size)  # (I, J, longest)
    flat = b.reshape(b.x(call), [*value.sizes[:2], Size(pixels, pixels)])
    cells = b.emit("Gather", flat, b.constant(places, np.int64), axis=2)
    winners = b.emit("ArgMax", cells, axis=value.ndim, keepdims=0)  # (N, C, I, J)
    first = b.constant(places.shape[-1] * np.arange(math.prod(size)).reshape(size), np.int64)
    positions = b.emit("Gather", b.constant(places.reshape(-1), np.int64), b.emit("Add", winners, first))
    return b.cast(positions, call.out.dtype)


@converter("pool_take")
def _(b: Builder, call: Call) -> str:
    x, positions = call.inputs
    assert x is not None
    assert positions is not None
    pixels, places = (
        [*value.sizes[:2], Size(*map(math.prod, zip(*value.sizes[2:], strict=True)))] for value in (x, positions)
    )
    flat, chosen = b.reshape(b.name(x), pixels), b.reshape(b.name(positions, np.dtype(np.int64)), places)
    nowhere = b.emit("Less", chosen, b.ints([0]))  # where GatherElements counts from the end
    taken = b.emit("GatherElements", flat, chosen, axis=2)
    return b.reshape(b.emit("Where", nowhere, b.like(x, 0), taken), call.out.sizes)


@converter("unfold")
def _(b: Builder, call: Call) -> str:
    s, x = call.settings, b.x(call)
    ends = _overhang(call, s["count"])
    if any((*s["padding"], *ends)):
        x = b.emit("Pad", x, b.ints([0, 0, *s["padding"], 0, 0, *ends]), b.like(call.out, 0))
    sides = list(zip(s["kernel"], s["stride"], s["dilation"], s["count"], strict=True))
    for i, (k, stride, dilation, count) in enumerate(sides):
        places = dilation * np.arange(k)[:, None] + stride * np.arange(count)
        x = b.emit("Gather", x, b.constant(places, np.int64), axis=2 + 2 * i)  # N C P I W, then N C P I Q J
    last = 2 + 2 * len(sides)
    return str(b.emit("Transpose", x, perm=(0, 1, *range(2, last, 2), *range(3, last, 2))))


@converter("fold")
def _(b: Builder, call: Call) -> str:
    _require_fixed_image(call)
    s, value = call.settings, call.inputs[0]
    assert value is not None
    batch, channels, *kernel_and_count = value.sizes
    sides = len(kernel_and_count) // 2
    sizes = [size.first for size in kernel_and_count]
    rows, columns = channels.first * math.prod(sizes[:sides]), math.prod(sizes[sides:])
    columns_first = b.reshape(b.x(call), [batch, Size(rows, rows), Size(columns, columns)])
    return str(
        b.emit(
            "Col2Im", columns_first, b.ints(s["shape"][2:]), b.ints(sizes[:sides]), dilations=s["dilation"],
            pads=s["padding"] * 2, strides=s["stride"],
        )
    )  # fmt: skip


@converter("resample")
def _(b: Builder, call: Call) -> str:
    """A sum over the taps of the table; ONNX's Resize has only a few of such tables."""
    s, out = call.settings, call.out
    column = [1] * out.ndim
    column[s["axis"]] = -1
    total = ""
    for places, weights in zip(s["index"], s["weight"], strict=True):
        taken = b.emit("Gather", b.x(call), b.constant(places, np.int64), axis=s["axis"])
        if (weights != 1).any():
            taken = b.emit("Mul", taken, b.constant(weights.reshape(column), out.dtype))
        total = b.emit("Add", total, taken) if total else taken
    return total


@converter("grid_sample")
def _(b: Builder, call: Call) -> str:
    """ONNX has other names for two modes from opset 20 on, and volumes only since then."""
    s, x = call.settings, call.inputs[0]
    assert x is not None
    if b.opset < 20 and x.ndim != 4:
        call.refuse("has a form in ONNX from opset 20 on only", "export with opset=20")
    newer = {"bilinear": "linear", "bicubic": "cubic"} if b.opset >= 20 else {}
    return str(
        b.emit(
            "GridSample", *b.operands(call), mode=newer.get(s["mode"], s["mode"]), padding_mode=s["padding_mode"],
            align_corners=int(s["align_corners"]),
        )
    )  # fmt: skip


@converter("standardize")
def _standardize(b: Builder, call: Call) -> Sequence[str]:
    x, w, bias = call.inputs
    assert x is not None
    axis, eps = call.settings["axis"], b.like(x, call.settings["eps"])
    name = b.name(x)
    mean = reduce(b, "ReduceMean", name, axis, True)
    deviation = b.emit("Sub", name, mean)
    variance = reduce(b, "ReduceMean", b.emit("Mul", deviation, deviation), axis, True)
    if axis and axis == tuple(range(axis[0], x.ndim)) and all(size.fixed for size in x.sizes[axis[0] :]):
        out, w, bias = _layer_normalization(b, call, x, w, bias)
    else:
        out = b.emit("Div", deviation, b.emit("Sqrt", b.emit("Add", variance, eps)))
    out = out if w is None else b.emit("Mul", out, b.name(w, x.dtype))
    return out if bias is None else b.emit("Add", out, b.name(bias, x.dtype)), mean, variance


@converter("standardize_layer")
def _(b: Builder, call: Call) -> str:
    return _standardize(b, call)[0]


def _layer_normalization(
    b: Builder, call: Call, x: Value, w: Value | None, bias: Value | None
) -> tuple[str, Value | None, Value | None]:
    """LayerNormalization over the last dimensions, and what of w and b is left to be applied."""
    first = call.settings["axis"][0]
    shape = x.shape[first:]
    if w is None or w.shape != shape or (bias is not None and bias.shape != shape):
        scale, shift = b.constant(np.ones(shape), x.dtype), ""
    else:
        scale, shift = b.name(w, x.dtype), "" if bias is None else b.name(bias, x.dtype)
        w = bias = None
    out = b.emit("LayerNormalization", b.name(x), scale, shift, axis=first, epsilon=call.settings["eps"])
    return str(out), w, bias
