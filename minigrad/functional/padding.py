"""Padding of any dimensions: with one value, or with elements of the array mirrored, repeated or wrapped around."""

from __future__ import annotations

from collections.abc import Sequence

from minigrad import ops
from minigrad.autograd.tensor import Tensor
from minigrad.errors import ShapeError, UsageError
from minigrad.shapes import shape_of
from minigrad.typing import ArrayLike, Pair

MODES = ("constant", "reflect", "replicate", "circular")


def pad(x: ArrayLike, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Tensor:
    """out = x with elements added before and after it along some dimensions, or cut off where a number is negative.

    What is added depends on the mode:

        constant   c c | 1 2 3 | c c     the `value`
        reflect    3 2 | 1 2 3 | 2 1     at most T - 1 of them, T elements being left after the cut
        replicate  1 1 | 1 2 3 | 3 3
        circular   2 3 | 1 2 3 | 1 2     at most T of them

    (PyTorch allows the last three for sequences, images and volumes on all sides; here, any dimensions may be padded.)

    Args:
        x: numbers.
        pad: how many, (left, right) of the last dimension, then (top, bottom) of the one before, and so on.
        mode: "constant", "reflect", "replicate" or "circular" (default "constant").
        value: what is added in mode "constant"; 0 unless given.

    Shapes: x (..., T) -> (..., left + T + right).

    Raises:
        ShapeError: more is cut off than there is, or asked for than there is to show.
        UsageError: an odd number of widths or more than x has dimensions, an unknown mode, a value for another mode.

    >>> pad(Tensor([1.0, 2.0, 3.0]), (1, 2), "reflect").tolist()
    [2.0, 1.0, 2.0, 3.0, 2.0, 1.0]
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
    if mode == "constant" and any(map(any, around)):
        return ops.pad(x, widths=around, value=value or 0.0)
    for axis, (left, right) in enumerate(around):
        if left or right:
            x = _extended(x, axis, left, right, mode)
    return x  # type: ignore[return-value]  # what has nothing added comes back as it is


def _cropped(x: ArrayLike, widths: Sequence[Pair]) -> ArrayLike:
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


def _extended(x: ArrayLike, axis: int, left: int, right: int, mode: str) -> Tensor:
    """x with elements of its own in front of it and behind it."""
    size = shape_of(x)[axis]
    most = {"reflect": size - 1, "circular": size}.get(mode, max(left, right) if size else 0)
    if max(left, right) > most:
        raise ShapeError(f"pad: {mode} has at most {max(most, 0)} of {size} elements to add, not ({left}, {right})")

    def part(start: int, stop: int) -> Tensor:
        return ops.getitem(x, index=(*[slice(None)] * axis, slice(start, stop)))

    def repeated(edge: Tensor, count: int) -> Tensor:
        shape = shape_of(x)
        return ops.broadcast_to(edge, shape=(*shape[:axis], count, *shape[axis + 1 :]))

    if mode == "reflect":
        before, after = (ops.flip(y, axis=axis) for y in (part(1, left + 1), part(size - 1 - right, size - 1)))
    elif mode == "replicate":
        before, after = repeated(part(0, 1), left), repeated(part(size - 1, size), right)
    else:
        before, after = part(size - left, size), part(0, right)
    return ops.concat([before, x, after], axis=axis)
