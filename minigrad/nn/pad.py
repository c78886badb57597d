"""Padding: a frame around sequences (N, C, T) or images (N, C, H, W), batched or not.

`padding` is one number for all sides, or (left, right), or (left, right, top, bottom). Negative numbers cut off.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from minigrad import functional as F  # noqa: N812
from minigrad.autograd.tensor import Tensor
from minigrad.errors import ShapeError, UsageError
from minigrad.nn.setting import Configured
from minigrad.shapes import shape_of


class _Pad(Configured):
    """What they share; `dims` dimensions are padded."""

    shown: ClassVar[tuple[str, ...]] = ("padding",)
    dims: ClassVar[int]
    mode: ClassVar[str] = "constant"
    value: float | None = None

    def __init__(self, padding: int | Sequence[int]) -> None:
        self.padding = tuple(padding) if isinstance(padding, Sequence) else (padding,) * 2 * self.dims
        if len(self.padding) != 2 * self.dims:
            raise UsageError(f"{type(self).__name__}: padding is one number or {2 * self.dims}, not {padding}")

    def forward(self, x: Any) -> Tensor:
        """Shapes: x (..., T) -> (..., left + T + right), and so on upwards."""
        if self.mode != "constant" and len(shape_of(x)) not in (self.dims + 1, self.dims + 2):
            letters = "(N, C, T) or (C, T)" if self.dims == 1 else "(N, C, H, W) or (C, H, W)"
            raise ShapeError(f"expected x {letters}, got shape {shape_of(x)}")
        return F.pad(x, self.padding, self.mode, self.value)


class ConstantPad1d(_Pad):
    """One value at both ends of a sequence."""

    shown = ("padding", "value")
    dims = 1

    def __init__(self, padding: int | Sequence[int], value: float) -> None:
        super().__init__(padding)
        self.value = value


class ConstantPad2d(ConstantPad1d):
    """One value around an image."""

    dims = 2


class ZeroPad1d(_Pad):
    """Zeros at both ends of a sequence."""

    dims = 1


class ZeroPad2d(_Pad):
    """Zeros around an image."""

    dims = 2


class ReflectionPad1d(_Pad):
    """A sequence in mirrors that stand on its first and last elements."""

    dims, mode = 1, "reflect"


class ReflectionPad2d(_Pad):
    """An image in mirrors that stand on its outermost pixels."""

    dims, mode = 2, "reflect"


class ReplicationPad1d(_Pad):
    """The first and the last element of a sequence, again and again."""

    dims, mode = 1, "replicate"


class ReplicationPad2d(_Pad):
    """The outermost pixels of an image, again and again."""

    dims, mode = 2, "replicate"


class CircularPad1d(_Pad):
    """A sequence that goes on from its beginning."""

    dims, mode = 1, "circular"


class CircularPad2d(_Pad):
    """An image as on a torus."""

    dims, mode = 2, "circular"
