"""`Configured`: a module that says its settings in its repr. PyTorch's argument `inplace` is taken and ignored.

What would be done in place is computed anew: the results are the same, and no value that a gradient needs is lost.
"""

from __future__ import annotations

from typing import ClassVar

from minigrad.nn.module import Module


class Configured(Module):
    """A module with settings.

    Attributes:
        shown: the names of the attributes that the repr says.
    """

    shown: ClassVar[tuple[str, ...]] = ()

    def extra_repr(self) -> str:
        """The settings."""
        return ", ".join([f"{name}={getattr(self, name)!r}" for name in self.shown])
