"""Padding: elements added around sequences (N, C, T), images (N, C, H, W) or volumes (N, C, D, H, W), batched or not.

`padding` is one number for all sides, or (left, right), or (left, right, top, bottom), or (left, right, top, bottom,
front, back). Negative numbers cut off.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from minigrad import functional as F  # noqa: N812
from minigrad.autograd.tensor import Tensor
from minigrad.errors import ShapeError, UsageError
from minigrad.functional.common import SIDES
from minigrad.nn.setting import Configured
from minigrad.shapes import shape_of
from minigrad.typing import ArrayLike


class _Pad(Configured):
    """Padding of the last `dims` dimensions."""

    shown: ClassVar[tuple[str, ...]] = ("padding",)
    dims: ClassVar[int]
    mode: ClassVar[str] = "constant"
    value: float | None = None

    def __init__(self, padding: int | Sequence[int]) -> None:
        self.padding = tuple(padding) if isinstance(padding, Sequence) else (padding,) * 2 * self.dims
        if len(self.padding) != 2 * self.dims:
            raise UsageError(f"{type(self).__name__}: padding is one number or {2 * self.dims}, not {padding}")

    def forward(self, x: ArrayLike) -> Tensor:
        """Shapes: x (..., T) -> (..., left + T + right); of images, the rows likewise."""
        letters = SIDES[self.dims]
        if self.mode != "constant" and len(shape_of(x)) not in (self.dims + 1, self.dims + 2):
            raise ShapeError(f"expected x (N, C, {letters}) or (C, {letters}), got shape {shape_of(x)}")
        return F.pad(x, self.padding, self.mode, self.value)


class ConstantPad1d(_Pad):
    """One value at both ends of a sequence: c c | 1 2 3 | c c.

    Args:
        padding: elements to add at both ends, one number or (left, right); negative ones cut off.
        value: the value of what is added.

    Shapes: x (..., T) -> (..., left + T + right).

    Raises:
        UsageError: padding is neither one number nor two.
        ShapeError: when called, more is cut off than there is.

    >>> ConstantPad1d((1, 2), 9.0)(Tensor([[1.0, 2.0, 3.0]])).tolist()
    [[9.0, 1.0, 2.0, 3.0, 9.0, 9.0]]
    """

    shown = ("padding", "value")
    dims = 1

    def __init__(self, padding: int | Sequence[int], value: float) -> None:
        super().__init__(padding)
        self.value = value


class ConstantPad2d(ConstantPad1d):
    """One value around an image.

    Args:
        padding: pixels to add on each side, one number or (left, right, top, bottom); negative ones cut off.
        value: the value of what is added.

    Shapes: x (..., H, W) -> (..., top + H + bottom, left + W + right).

    Raises:
        UsageError: padding is neither one number nor four.
        ShapeError: when called, more is cut off than there is.
    """

    dims = 2


class ConstantPad3d(ConstantPad1d):
    """One value around a volume.

    Args:
        padding: elements to add, one number or (left, right, top, bottom, front, back); negative ones cut off.
        value: the value of what is added.

    Shapes: x (..., D, H, W) -> (..., front + D + back, top + H + bottom, left + W + right).

    Raises:
        UsageError: padding is neither one number nor six.
        ShapeError: when called, more is cut off than there is.
    """

    dims = 3


class ZeroPad1d(_Pad):
    """Zeros at both ends of a sequence: 0 0 | 1 2 3 | 0 0.

    Args:
        padding: elements to add at both ends, one number or (left, right); negative ones cut off.

    Shapes: x (..., T) -> (..., left + T + right).

    Raises:
        UsageError: padding is neither one number nor two.
        ShapeError: when called, more is cut off than there is.
    """

    dims = 1


class ZeroPad2d(_Pad):
    """Zeros around an image.

    Args:
        padding: pixels to add on each side, one number or (left, right, top, bottom); negative ones cut off.

    Shapes: x (..., H, W) -> (..., top + H + bottom, left + W + right).

    Raises:
        UsageError: padding is neither one number nor four.
        ShapeError: when called, more is cut off than there is.
    """

    dims = 2


class ZeroPad3d(_Pad):
    """Zeros around a volume.

    Args:
        padding: elements to add, one number or (left, right, top, bottom, front, back); negative ones cut off.

    Shapes: x (..., D, H, W) -> (..., front + D + back, top + H + bottom, left + W + right).

    Raises:
        UsageError: padding is neither one number nor six.
        ShapeError: when called, more is cut off than there is.
    """

    dims = 3


class ReflectionPad1d(_Pad):
    """A sequence mirrored at its first and last elements: 3 2 | 1 2 3 | 2 1.

    Args:
        padding: elements to add at both ends, one number or (left, right); negative ones cut off.

    Shapes: x (N, C, T) or (C, T) -> (N, C, left + T + right) or (C, left + T + right).

    Raises:
        UsageError: padding is neither one number nor two.
        ShapeError: when called, x has other dimensions, or more is cut off or added than there are elements.

    >>> ReflectionPad1d(2)(Tensor([[1.0, 2.0, 3.0]])).tolist()
    [[3.0, 2.0, 1.0, 2.0, 3.0, 2.0, 1.0]]
    """

    dims, mode = 1, "reflect"


class ReflectionPad2d(_Pad):
    """An image mirrored at its outermost pixels.

    Args:
        padding: pixels to add on each side, one number or (left, right, top, bottom); negative ones cut off.

    Shapes: x (N, C, H, W) or (C, H, W) -> (N, C, top + H + bottom, left + W + right), or without N.

    Raises:
        UsageError: padding is neither one number nor four.
        ShapeError: when called, x has other dimensions, or more is cut off or added than there are elements.
    """

    dims, mode = 2, "reflect"


class ReflectionPad3d(_Pad):
    """A volume mirrored at its outermost elements.

    Args:
        padding: elements to add, one number or (left, right, top, bottom, front, back); negative ones cut off.

    Shapes: x (N, C, D, H, W) -> (N, C, front + D + back, top + H + bottom, left + W + right); or both without N.

    Raises:
        UsageError: padding is neither one number nor six.
        ShapeError: when called, x has other dimensions, or more is cut off or added than there are elements.
    """

    dims, mode = 3, "reflect"


class ReplicationPad1d(_Pad):
    """The first and last elements of a sequence repeated: 1 1 | 1 2 3 | 3 3.

    Args:
        padding: elements to add at both ends, one number or (left, right); negative ones cut off.

    Shapes: x (N, C, T) or (C, T) -> (N, C, left + T + right) or (C, left + T + right).

    Raises:
        UsageError: padding is neither one number nor two.
        ShapeError: when called, x has another number of dimensions, or more is cut off than there is.

    >>> ReplicationPad1d(2)(Tensor([[1.0, 2.0, 3.0]])).tolist()
    [[1.0, 1.0, 1.0, 2.0, 3.0, 3.0, 3.0]]
    """

    dims, mode = 1, "replicate"


class ReplicationPad2d(_Pad):
    """The outermost pixels of an image repeated.

    Args:
        padding: pixels to add on each side, one number or (left, right, top, bottom); negative ones cut off.

    Shapes: x (N, C, H, W) or (C, H, W) -> (N, C, top + H + bottom, left + W + right), or without N.

    Raises:
        UsageError: padding is neither one number nor four.
        ShapeError: when called, x has another number of dimensions, or more is cut off than there is.
    """

    dims, mode = 2, "replicate"


class ReplicationPad3d(_Pad):
    """The outermost elements of a volume repeated.

    Args:
        padding: elements to add, one number or (left, right, top, bottom, front, back); negative ones cut off.

    Shapes: x (N, C, D, H, W) -> (N, C, front + D + back, top + H + bottom, left + W + right); or both without N.

    Raises:
        UsageError: padding is neither one number nor six.
        ShapeError: when called, x has another number of dimensions, or more is cut off than there is.
    """

    dims, mode = 3, "replicate"


class CircularPad1d(_Pad):
    """A sequence that continues from its other end: 2 3 | 1 2 3 | 1 2.

    Args:
        padding: elements to add at both ends, one number or (left, right); negative ones cut off.

    Shapes: x (N, C, T) or (C, T) -> (N, C, left + T + right) or (C, left + T + right).

    Raises:
        UsageError: padding is neither one number nor two.
        ShapeError: when called, x has other dimensions, or more is cut off or added than there are elements.

    >>> CircularPad1d(2)(Tensor([[1.0, 2.0, 3.0]])).tolist()
    [[2.0, 3.0, 1.0, 2.0, 3.0, 1.0, 2.0]]
    """

    dims, mode = 1, "circular"


class CircularPad2d(_Pad):
    """An image that continues from its opposite side.

    Args:
        padding: pixels to add on each side, one number or (left, right, top, bottom); negative ones cut off.

    Shapes: x (N, C, H, W) or (C, H, W) -> (N, C, top + H + bottom, left + W + right), or without N.

    Raises:
        UsageError: padding is neither one number nor four.
        ShapeError: when called, x has other dimensions, or more is cut off or added than there are elements.
    """

    dims, mode = 2, "circular"


class CircularPad3d(_Pad):
    """A volume that continues from its opposite side.

    Args:
        padding: elements to add, one number or (left, right, top, bottom, front, back); negative ones cut off.

    Shapes: x (N, C, D, H, W) -> (N, C, front + D + back, top + H + bottom, left + W + right); or both without N.

    Raises:
        UsageError: padding is neither one number nor six.
        ShapeError: when called, x has other dimensions, or more is cut off or added than there are elements.
    """

    dims, mode = 3, "circular"
