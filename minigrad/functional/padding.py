"""Padding: a frame around an array, of one value, or of what is inside seen in a mirror, stretched, or repeated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minigrad import ops
from minigrad.autograd.tensor import Tensor
from minigrad.errors import ShapeError, UsageError
from minigrad.shapes import shape_of

MODES = ("constant", "reflect", "replicate", "circular")


def pad(x: Any, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Tensor:
    """Elements added around x, or cut off where a number is negative.

    `pad` is (left, right) of the last dimension, then (top, bottom) of the one before, and so on. What is added is

        constant   c c | 1 2 3 | c c     the `value`, 0 unless given
        reflect    3 2 | 1 2 3 | 2 1     at most T - 1 of them, T elements being left after the cut
        replicate  1 1 | 1 2 3 | 3 3
        circular   2 3 | 1 2 3 | 1 2     at most T of them

    (PyTorch allows the last three for images and sequences with all their sides padded; here, any dimensions may be.)

    Shapes: x (..., T) -> (..., left + T + right).

    Raises:
        ShapeError: more is cut off than there is, or asked for than there is to show.
        UsageError: an odd number of widths or more than x has dimensions, an unknown mode, a value for another mode.
    """
    shape = shape_of(x)
    if mode not in MODES:
        raise UsageError(f"pad: mode is one of {', '.join(MODES)}, not {mode!r}")
    if mode != "constant" and value:
        raise UsageError(f"pad: a value is for mode 'constant', {mode!r} takes none")
    if not isinstance(pad, Sequence) or not all(hasattr(n, "__index__") for n in pad):
        raise UsageError(f"pad: widths are integers, two a dimension from the last one on, such as (1, 1), not {pad!r}")
    if len(pad) % 2 or len(pad) > 2 * len(shape):
        raise UsageError(f"pad: two numbers for each of at most {len(shape)} dimensions are needed, got {tuple(pad)}")
    pairs = list(zip(pad[::2], pad[1::2], strict=True))[::-1]
    widths = [(0, 0)] * (len(shape) - len(pairs)) + [(left.__index__(), right.__index__()) for left, right in pairs]
    x = _cropped(x, widths)
    around = tuple([(max(left, 0), max(right, 0)) for left, right in widths])
    if mode == "constant":
        return ops.pad(x, widths=around, value=value or 0.0) if any(map(any, around)) else x
    for axis, (left, right) in enumerate(around):
        if left or right:
            x = _extended(x, axis, left, right, mode)
    return x  # type: ignore[no-any-return]


def _cropped(x: Any, widths: Sequence[tuple[int, int]]) -> Any:
    """x without the elements that negative widths cut off."""
    if all(n >= 0 for width in widths for n in width):
        return x
    index = []
    for size, (left, right) in zip(shape_of(x), widths, strict=True):
        start, stop = max(0, -left), size - max(0, -right)
        if start > stop:
            raise ShapeError(f"pad: ({left}, {right}) cuts off more than the {size} elements that there are")
        index.append(slice(start, stop))
    return ops.getitem(x, index=tuple(index))


def _extended(x: Any, axis: int, left: int, right: int, mode: str) -> Tensor:
    """x with elements of its own in front of it and behind it."""
    size = shape_of(x)[axis]
    most = {"reflect": size - 1, "circular": size}.get(mode, max(left, right) if size else 0)
    if max(left, right) > most:
        raise ShapeError(f"pad: {mode} has at most {max(most, 0)} of {size} elements to add, not ({left}, {right})")

    def part(start: int, stop: int) -> Any:
        return ops.getitem(x, index=(*[slice(None)] * axis, slice(start, stop)))

    def repeated(edge: Any, count: int) -> Any:
        shape = shape_of(x)
        return ops.broadcast_to(edge, shape=(*shape[:axis], count, *shape[axis + 1 :]))

    if mode == "reflect":
        before, after = (ops.flip(y, axis=axis) for y in (part(1, left + 1), part(size - 1 - right, size - 1)))
    elif mode == "replicate":
        before, after = repeated(part(0, 1), left), repeated(part(size - 1, size), right)
    else:
        before, after = part(size - left, size), part(0, right)
    return ops.concat([before, x, after], axis=axis)
