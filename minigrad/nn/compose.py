"""Modules made of functions and of other modules: identity, any function, a shortcut around a block."""

from __future__ import annotations

from typing import Any, TypeVar

from minigrad import ops
from minigrad.autograd.tensor import Tensor
from minigrad.errors import ShapeError, UsageError
from minigrad.nn.module import Module
from minigrad.shapes import shape_of
from minigrad.typing import ArrayLike, Function

T = TypeVar("T")


class Identity(Module):
    """Its input, unchanged: y = x.

    Args:
        *args: accepted and ignored, so that it can stand in for any layer.
        **kwargs: likewise.

    Shapes: any -> the same.
    """

    def __init__(self, *args: object, **kwargs: object) -> None:
        pass

    def forward(self, x: T) -> T:
        """Shapes: x any -> the same."""
        return x


class Lambda(Module):
    """Any function of Tensors as a module.

    Args:
        function: what is computed.

    Shapes: of inputs and result, as the function has them.

    Raises:
        UsageError: it is no function.

    >>> import minigrad as mg
    >>> Lambda(mg.square)(mg.Tensor([3.0])).item()
    9.0
    """

    def __init__(self, function: Function) -> None:
        if not callable(function):
            raise UsageError(f"Lambda takes a function, not a {type(function).__name__}")
        self.function = function

    def forward(self, *inputs: ArrayLike) -> Any:  # whatever the function gives
        """Shapes: of inputs and result, as the function has them."""
        return self.function(*inputs)

    def extra_repr(self) -> str:
        """The function's name."""
        return str(getattr(self.function, "__name__", self.function))


class Residual(Module):
    """A residual block: y = F(x) + x. The block F learns only what is to be added to its input.

    Args:
        block: F.
        shortcut: a module that x goes through before it is added, such as a 1x1 convolution where F changes the shape
            (default: the identity).

    Shapes: x as the block has it -> as the block gives it.

    Raises:
        ShapeError: when called, block and shortcut give different shapes.

    Source: He et al. 2015, "Deep residual learning for image recognition", arXiv:1512.03385.

    >>> import minigrad as mg
    >>> Residual(Lambda(mg.square))(mg.Tensor([3.0])).item()
    12.0
    """

    def __init__(self, block: Module, shortcut: Module | None = None) -> None:
        self.block = block
        self.shortcut = shortcut if shortcut is not None else Identity()

    def forward(self, x: ArrayLike) -> Tensor:
        """Shapes: x as the block has it -> as the block gives it."""
        change, kept = self.block(x), self.shortcut(x)
        if shape_of(change) != shape_of(kept):
            raise ShapeError(
                f"the block gives shape {shape_of(change)}, but the shortcut {shape_of(kept)}: they must be equal; "
                "give a shortcut that changes the shape in the same way, such as a convolution with kernel_size=1"
            )
        return ops.add(change, kept)
