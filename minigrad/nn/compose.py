"""Modules made of functions and of other modules: identity, any function, a detour around a block."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minigrad import ops
from minigrad.errors import ShapeError, UsageError
from minigrad.nn.module import Module
from minigrad.shapes import shape_of


class Identity(Module):
    """Its input, as it is. Arguments are taken and ignored, so that it can stand in for any layer."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    def forward(self, x: Any) -> Any:
        """Shapes: any, kept."""
        return x


class Lambda(Module):
    """Any function of Tensors as a module.

    >>> import minigrad as mg
    >>> Lambda(mg.square)(mg.Tensor([3.0])).item()
    9.0
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        if not callable(function):
            raise UsageError(f"Lambda takes a function, not a {type(function).__name__}")
        self.function = function

    def forward(self, *inputs: Any) -> Any:
        """Shapes: as the function has them."""
        return self.function(*inputs)

    def extra_repr(self) -> str:
        """The function's name."""
        return str(getattr(self.function, "__name__", self.function))


class Residual(Module):
    """H(x) = F(x) + x: the block F learns only what is to be added to its input.

    Args:
        block: F.
        shortcut: what x goes through on the way around; where F changes the shape, a 1x1 convolution for instance.

    Shapes: as the block has them.

    Raises:
        ShapeError: block and shortcut give different shapes.

    Source: He et al. 2015, "Deep residual learning for image recognition", arXiv:1512.03385.
    """

    def __init__(self, block: Module, shortcut: Module | None = None) -> None:
        self.block = block
        self.shortcut = shortcut if shortcut is not None else Identity()

    def forward(self, x: Any) -> Any:
        """Shapes: as the block has them."""
        change, kept = self.block(x), self.shortcut(x)
        if shape_of(change) != shape_of(kept):
            raise ShapeError(
                f"the block gives shape {shape_of(change)}, but the shortcut {shape_of(kept)}: they must be equal; "
                "give a shortcut that changes the shape in the same way, such as a convolution with kernel_size=1"
            )
        return ops.add(change, kept)
