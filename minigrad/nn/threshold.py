"""Activations with a threshold, on one side of which, or around which, they are constant; and shrinkage."""

from __future__ import annotations

from minigrad import functional as F  # noqa: N812
from minigrad import ops
from minigrad.autograd.tensor import Tensor
from minigrad.nn.module import Module
from minigrad.nn.setting import Configured
from minigrad.typing import ArrayLike


class Step(Module):
    """The output of a perceptron: y = 1 where x > 0, else 0. Its gradient is 0 everywhere.

    Shapes: any -> the same.

    Source: Rosenblatt 1958, "The perceptron: a probabilistic model for information storage and organization in the
    brain".
    """

    def forward(self, x: ArrayLike) -> Tensor:
        """Shapes: x any -> the same."""
        return ops.step(x)


class Threshold(Configured):
    """y = x where x > threshold, else value.

    Args:
        threshold: above it x stays.
        value: stands everywhere else.
        inplace: accepted as in PyTorch, and ignored (default False).

    Shapes: any -> the same.

    >>> Threshold(0.1, 3.0)(Tensor([-1.0, 2.0])).tolist()
    [3.0, 2.0]
    """

    shown = ("threshold", "value")

    def __init__(self, threshold: float, value: float, inplace: bool = False) -> None:
        self.threshold, self.value = threshold, value

    def forward(self, x: ArrayLike) -> Tensor:
        """Shapes: x any -> the same."""
        return F.threshold(x, self.threshold, self.value)


class Hardshrink(Configured):
    """Hard thresholding: y = x where |x| > lambd, else 0.

    Args:
        lambd: the threshold, of at least 0 (default 0.5).

    Shapes: any -> the same.

    Source: Donoho and Johnstone 1994, "Ideal spatial adaptation by wavelet shrinkage".
    """

    shown = ("lambd",)

    def __init__(self, lambd: float = 0.5) -> None:
        self.lambd = lambd

    def forward(self, x: ArrayLike) -> Tensor:
        """Shapes: x any -> the same."""
        return F.hardshrink(x, self.lambd)


class Softshrink(Configured):
    """Soft thresholding: y = sign(x) * max(|x| - lambd, 0).

    Args:
        lambd: the threshold, of at least 0 (default 0.5).

    Shapes: any -> the same.

    Raises:
        UsageError: when called, lambd is negative.

    Source: Donoho and Johnstone 1994, "Ideal spatial adaptation by wavelet shrinkage".

    >>> Softshrink(0.5)(Tensor([-2.0, 0.3, 1.0])).tolist()
    [-1.5, 0.0, 0.5]
    """

    shown = ("lambd",)

    def __init__(self, lambd: float = 0.5) -> None:
        self.lambd = lambd

    def forward(self, x: ArrayLike) -> Tensor:
        """Shapes: x any -> the same."""
        return F.softshrink(x, self.lambd)


class Tanhshrink(Module):
    """y = x - tanh(x), element by element: values near 0 shrink to almost nothing.

    Shapes: any -> the same.
    """

    def forward(self, x: ArrayLike) -> Tensor:
        """Shapes: x any -> the same."""
        return F.tanhshrink(x)
