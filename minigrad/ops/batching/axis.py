"""Batching rules of ops along an axis (reductions, scans, sorting, softmax): behind a batch it is one further."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minigrad.autograd.batching import Batched, everywhere, size_of, with_rank
from minigrad.autograd.op import Op
from minigrad.autograd.registry import REGISTRY
from minigrad.ops.shape import reshape
from minigrad.shapes import shape_of
from minigrad.typing import Settings

ALONG_AXIS = (
    "sum", "mean", "prod", "max", "min", "any", "all", "count_nonzero", "logsumexp", "vector_norm", "argmax", "argmin",
    "cumulative_sum", "cumulative_prod", "linear_scan", "sort", "argsort", "softmax", "log_softmax", "flip", "roll",
    "concat", "resample", "resample_input", "fft", "ifft", "rfft", "irfft",
)  # fmt: skip


def along_axis(op: Op[..., Any], xs: Sequence[Any], batched: Batched, settings: Settings) -> Any:
    """The rule of an op whose setting `axis` (or `axes`) names axes of all inputs; None is the flattened array."""
    size = size_of(xs, batched)
    xs = [x if b else everywhere(x, size) for x, b in zip(xs, batched, strict=True)]
    name = "axis" if "axis" in settings else "axes"
    if settings[name] is None:
        return _flattened(op, xs[0], settings)
    return op(*xs, **{**settings, name: _behind_batch(settings[name])})


def _behind_batch(axis: int | tuple[int, ...]) -> int | tuple[int, ...]:
    """Axes of one sample as those behind a batch; negative ones count from the end."""
    return axis + (axis >= 0) if isinstance(axis, int) else tuple([a + (a >= 0) for a in axis])


def _flattened(op: Op[..., Any], x: Any, settings: Settings) -> Any:
    """argmax, argmin and roll of the flattened array of each sample."""
    size, *shape = shape_of(x)
    keepdims = settings.get("keepdims")
    others = {} if keepdims is None else {"keepdims": False}
    out = op(reshape(x, shape=(size, -1)) if x.size else x, **{**settings, **others, "axis": 1})
    if keepdims is None:
        return reshape(out, shape=(size, *shape))
    return reshape(out, shape=(size, *(1,) * len(shape))) if keepdims else out


def normalization(op: Op[..., Any], xs: Sequence[Any], batched: Batched, settings: Settings) -> Any:
    """The rule of an op of x, w and b, where w and b broadcast against x."""
    size, rank = size_of(xs, batched), len(shape_of(xs[0])) - batched[0]
    x = xs[0] if batched[0] else everywhere(xs[0], size)
    w, b = [with_rank(y, rank) if has_batch else y for y, has_batch in zip(xs[1:], batched[1:], strict=True)]
    return op(x, w, b, **{**settings, "axis": _behind_batch(settings["axis"])})


for _name in ALONG_AXIS:
    REGISTRY[_name].batch_rule = along_axis
for _name in ("standardize", "standardize_layer"):
    REGISTRY[_name].batch_rule = normalization
