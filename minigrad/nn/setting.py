"""Settings of layers: shown in the repr, and checked when a layer is made.

PyTorch's argument `inplace` is accepted and ignored: what would be done in place is computed anew, so that the results
are the same, and no value that a gradient needs is lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from minigrad.errors import UsageError
from minigrad.nn.module import Module
from minigrad.typing import Shape


class Configured(Module):
    """A module with settings.

    Attributes:
        shown: the names of the attributes that the repr says.
    """

    shown: ClassVar[tuple[str, ...]] = ()

    def extra_repr(self) -> str:
        """The settings."""
        return ", ".join([f"{name}={getattr(self, name)!r}" for name in self.shown])


class IgnoresInplace(Configured):
    """A layer whose only argument is PyTorch's `inplace`, which is ignored."""

    def __init__(self, inplace: bool = False) -> None:
        pass


def count(layer: Module, name: str, value: object, least: int = 0) -> int:
    """A setting that is a number of things.

    Raises:
        UsageError: it is no integer, or too small; the message names layer and setting.
    """
    return sides(layer, name, (value,), 1, least)[0]


def sides(layer: Module, name: str, value: object, dims: int, least: int) -> Shape:
    """A setting with a number for each of `dims` sides; one number stands for all.

    Raises:
        UsageError: there are integers missing, or some are too small; the message names layer and setting.
    """
    given = tuple(value) if isinstance(value, Sequence) else (value,) * dims
    values = [number.__index__() for number in given if hasattr(number, "__index__")]
    if len(given) != dims or len(values) != dims or min(values) < least:
        what = ("an integer", "one integer, or two for height and width, each", "one integer, or one a side, each")[
            dims - 1
        ]
        shown = given[0] if dims == 1 and len(given) == 1 else value
        raise UsageError(f"{type(layer).__name__}: {name} is {what} of at least {least}, not {shown!r}")
    return tuple(values)
