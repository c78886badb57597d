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


class Pad(Configured):
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
        if self.mode != "constant" and len(shape_of(x)) not in (self.dims + 1, self.dims + 2):
            letters = SIDES[self.dims]
            raise ShapeError(f"expected x (N, C, {letters}) or (C, {letters}), got shape {shape_of(x)}")
        return F.pad(x, self.padding, self.mode, self.value)


class ConstantPad1d(Pad):
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
        padding: elements to add on each side, one number or (left, right, top, bottom, front, back); negative ones cut
            off.
        value: the value of what is added.

    Shapes: x (..., D, H, W) -> (..., front + D + back, top + H + bottom, left + W + right).

    Raises:
        UsageError: padding is neither one number nor six.
        ShapeError: when called, more is cut off than there is.
    """

    dims = 3


class ZeroPad1d(Pad):
    """Zeros at both ends of a sequence: 0 0 | 1 2 3 | 0 0.

    Args:
        padding: elements to add at both ends, one number or (left, right); negative ones cut off.

    Shapes: x (..., T) -> (..., left + T + right).

    Raises:
        UsageError: padding is neither one number nor two.
        ShapeError: when called, more is cut off than there is.
    """

    dims = 1


class ZeroPad2d(Pad):
    """Zeros around an image.

    Args:
        padding: pixels to add on each side, one number or (left, right, top, bottom); negative ones cut off.

    Shapes: x (..., H, W) -> (..., top + H + bottom, left + W + right).

    Raises:
        UsageError: padding is neither one number nor four.
        ShapeError: when called, more is cut off than there is.
    """

    dims = 2


class ZeroPad3d(Pad):
    """Zeros around a volume.

    Args:
        padding: elements to add on each side, one number or (left, right, top, bottom, front, back); negative ones cut
            off.

    Shapes: x (..., D, H, W) -> (..., front + D + back, top + H + bottom, left + W + right).

    Raises:
        UsageError: padding is neither one number nor six.
        ShapeError: when called, more is cut off than there is.
    """

    dims = 3
