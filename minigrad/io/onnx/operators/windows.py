"""The geometry of windows: kernels, strides, padding and dilation of convolution and pooling, in any dimensions."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np

from minigrad import ops
from minigrad.errors import DataError, ShapeError
from minigrad.io.onnx.importer.node import Node, raw
from minigrad.shapes import shape_of
from minigrad.typing import Value

AUTO_PAD: Final = ("NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID")

MAX_TAPS: Final = 4096
"""How many elements a window may have that is read element by element."""


@dataclass(frozen=True)
class Windows:
    """The windows of a node over an input, a number for each of its sides.

    Attributes:
        size: the input's.
        kernel, stride, dilation: as in ONNX.
        before, after: the padding on both ends of each side.
        count: how many windows there are.
    """

    size: tuple[int, ...]
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]
    count: tuple[int, ...]

    @property
    def symmetric(self) -> bool:
        """Whether both ends have the same padding."""
        return self.before == self.after

    @property
    def reach(self) -> tuple[int, ...]:
        """How many elements a window reaches over."""
        return tuple(d * (k - 1) + 1 for k, d in zip(self.kernel, self.dilation, strict=True))

    @property
    def overhang(self) -> tuple[int, ...]:
        """What has to stand behind the input for the last window, cut off where windows end earlier."""
        ends = zip(self.count, self.stride, self.reach, self.size, self.before, strict=True)
        return tuple((c - 1) * s + r - n - b for c, s, r, n, b in ends)

    def taps(self) -> Iterator[tuple[slice, ...]]:
        """For each element of a window, where all windows have it in the padded input."""
        steps = list(zip(self.dilation, self.stride, self.count, strict=True))
        for place in product(*map(range, self.kernel)):
            yield tuple(slice(d * p, d * p + s * (c - 1) + 1, s) for p, (d, s, c) in zip(place, steps, strict=True))


def settings(node: Node, sides: int, kernel: Sequence[int]) -> tuple[tuple[int, ...], ...]:
    """Kernel, strides and dilations, each with a number for each side.

    Raises:
        DataError: they do not fit the sides, or are below 1.
    """
    found = (tuple(kernel), node.integers("strides", (1,) * sides), node.integers("dilations", (1,) * sides))
    for name, numbers in zip(("kernel", "strides", "dilations"), found, strict=True):
        if len(numbers) != sides or min(numbers, default=1) < 1 or max(numbers, default=1) > 2**31:
            raise DataError(f"{node.data}: {name} {numbers} do not fit images with {sides} sides")
    return found


def windows(node: Node, size: Sequence[int], kernel: Sequence[int]) -> Windows:
    """The windows of a convolution or pooling over an input.

    Raises:
        DataError: settings do not fit.
        ShapeError: no window fits in.
    """
    size, sides = tuple(size), len(size)
    shape, stride, dilation = settings(node, sides, kernel)
    reach = [d * (k - 1) + 1 for k, d in zip(shape, dilation, strict=True)]
    ceil, mode = node.flag("ceil_mode"), node.text("auto_pad", "NOTSET", AUTO_PAD)
    if mode in ("SAME_UPPER", "SAME_LOWER"):
        count = [-(-n // s) for n, s in zip(size, stride, strict=True)]
        total = [max((c - 1) * s + r - n, 0) for c, s, r, n in zip(count, stride, reach, size, strict=True)]
        before = [t // 2 if mode == "SAME_UPPER" else t - t // 2 for t in total]
        after = [t - b for t, b in zip(total, before, strict=True)]
    else:
        pads = node.integers("pads", (0,) * 2 * sides) if mode == "NOTSET" else (0,) * 2 * sides
        if len(pads) != 2 * sides or min(pads, default=0) < 0:
            raise DataError(f"{node.data}: pads {pads} do not fit images with {sides} sides")
        before, after = list(pads[:sides]), list(pads[sides:])
        count = []
        for n, r, s, b, a in zip(size, reach, stride, before, after, strict=True):
            free = n + b + a - r
            c = (-(-free // s) if ceil else free // s) + 1
            count.append(c - 1 if ceil and (c - 1) * s >= n + b else c)
    if min(count, default=1) < 1:
        padded = [n + b + a for n, b, a in zip(size, before, after, strict=True)]
        raise ShapeError(f"{node.data}: a window of {tuple(reach)} does not fit into {tuple(padded)}")
    return Windows(size, shape, stride, dilation, tuple(before), tuple(after), tuple(count))


def padded(node: Node, x: Value, w: Windows, value: float = 0.0) -> Value:
    """x with so much around it that all windows lie inside."""
    ends = [(b, max(o, 0)) for b, o in zip(w.before, w.overhang, strict=True)]
    shape = shape_of(x)
    node.require_size((*shape[:2], *[n + b + o for n, (b, o) in zip(shape[2:], ends, strict=True)]))
    return ops.pad(x, widths=((0, 0), (0, 0), *ends), value=value) if any(map(any, ends)) else x


def elements(node: Node, x: Value, w: Windows, value: float = 0.0) -> list[Value]:
    """For each element of a window, those of all windows; outside of x it is `value`."""
    if math.prod(w.kernel) > MAX_TAPS:
        node.refuse(f"windows of {math.prod(w.kernel):,} elements are too large here")
    for _ in range(math.prod(w.kernel)):
        node.run.total += math.prod((*shape_of(x)[:2], *w.count))
        node.count(())
    whole = padded(node, x, w, value)
    return [ops.getitem(whole, index=(slice(None), slice(None), *tap)) for tap in w.taps()]


def covered(w: Windows, dtype: np.dtype[np.floating], padding: bool) -> Value:
    """How many elements of the input each window sees, those of the padding too if it counts (but none behind it)."""
    total = np.ones((1,) * len(w.size))
    for i, (n, k, s, d) in enumerate(zip(w.size, w.kernel, w.stride, w.dilation, strict=True)):
        places = np.arange(w.count[i])[:, None] * s + np.arange(k) * d - w.before[i]
        low, high = (-w.before[i], n + w.after[i]) if padding else (0, n)
        shape = [-1 if j == i else 1 for j in range(len(w.size))]
        total = total * ((places >= low) & (places < high)).sum(axis=1).reshape(shape)
    return total.astype(dtype)


def rows(x: Value) -> Value:
    """Sequences (N, C, T) as images of one row."""
    return ops.expand_dims(x, axis=2)


def dtype_of(x: Value) -> np.dtype[np.floating]:
    """The dtype of a value."""
    return raw(x).dtype
