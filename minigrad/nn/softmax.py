"""Activations along a dimension: the softmax family, and those that join or split channels."""

from __future__ import annotations

from typing import Any

from minigrad import functional as F  # noqa: N812
from minigrad.autograd.tensor import Tensor
from minigrad.errors import ShapeError
from minigrad.nn.setting import Configured
from minigrad.shapes import shape_of


class CReLU(Configured):
    """relu(x) and relu(-x) side by side: twice as many channels. Shapes: x (N, C, ...) -> (N, 2C, ...)."""

    shown = ("dim",)

    def __init__(self, dim: int = 1) -> None:
        self.dim = dim

    def forward(self, x: Any) -> Tensor:
        """Shapes: x (N, C, ...) -> (N, 2C, ...)."""
        return F.crelu(x, self.dim)


class GLU(Configured):
    """a * sigmoid(b), a and b being the halves of x along `dim`. Shapes: x (..., 2D) -> (..., D)."""

    shown = ("dim",)

    def __init__(self, dim: int = -1) -> None:
        self.dim = dim

    def forward(self, x: Any) -> Tensor:
        """Shapes: x (..., 2D) -> (..., D)."""
        return F.glu(x, self.dim)


class _Softmax(Configured):
    """What the softmax family shares: the dimension along which the results sum to 1, and the temperature."""

    shown = ("dim", "temperature")

    def __init__(self, dim: int = -1, temperature: float = 1.0) -> None:
        self.dim, self.temperature = dim, temperature


class Softmax(_Softmax):
    """exp(x / temperature) over its sum along `dim` (the last one unless given): positive, and summing to 1.

    A temperature above 1 evens the values out, one below 1 sharpens them.
    """

    def forward(self, x: Any) -> Tensor:
        """Shapes: any, kept."""
        return F.softmax(x, self.dim, temperature=self.temperature)


class Softmin(_Softmax):
    """softmax(-x): the smallest element gets the largest share."""

    def forward(self, x: Any) -> Tensor:
        """Shapes: any, kept."""
        return F.softmin(x, self.dim, temperature=self.temperature)


class LogSoftmax(_Softmax):
    """log(softmax(x)), without overflow."""

    def forward(self, x: Any) -> Tensor:
        """Shapes: any, kept."""
        return F.log_softmax(x, self.dim, temperature=self.temperature)


class Softmax2d(Configured):
    """Softmax over the channels of each pixel. Shapes: x (N, C, H, W) or (C, H, W), kept."""

    def forward(self, x: Any) -> Tensor:
        """Shapes: x (N, C, H, W) or (C, H, W), kept."""
        if len(shape_of(x)) not in (3, 4):
            raise ShapeError(f"Softmax2d: expected x (N, C, H, W) or (C, H, W), got shape {shape_of(x)}")
        return F.softmax(x, -3)
