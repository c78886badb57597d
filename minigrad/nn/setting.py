"""`Configured`: a module that says its settings in its repr; and sizes, checked when a layer is made.

PyTorch's argument `inplace` is taken and ignored.

What would be done in place is computed anew: the results are the same, and no value that a gradient needs is lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from minigrad.errors import UsageError
from minigrad.nn.module import Module
from minigrad.shapes import Shape


class Configured(Module):
    """A module with settings.

    Attributes:
        shown: the names of the attributes that the repr says.
    """

    shown: ClassVar[tuple[str, ...]] = ()

    def extra_repr(self) -> str:
        """The settings."""
        return ", ".join([f"{name}={getattr(self, name)!r}" for name in self.shown])


def count(layer: Module, name: str, value: Any, least: int = 0) -> int:
    """A setting that is a number of things.

    Raises:
        UsageError: it is no integer, or too small; the message names layer and setting.
    """
    return sides(layer, name, (value,), 1, least)[0]


def sides(layer: Module, name: str, value: Any, dims: int, least: int) -> Shape:
    """A setting for each of `dims` sides; one number stands for all.

    Raises:
        UsageError: there are integers missing, or some are too small; the message names layer and setting.
    """
    values = tuple(value) if isinstance(value, Sequence) else (value,) * dims
    if len(values) != dims or not all(hasattr(v, "__index__") and v >= least for v in values):
        what = "an integer" if dims == 1 else "one integer, or two for height and width, each"
        given = value[0] if dims == 1 and len(values) == 1 and isinstance(value, Sequence) else value
        raise UsageError(f"{type(layer).__name__}: {name} is {what} of at least {least}, not {given!r}")
    return tuple([v.__index__() for v in values])
