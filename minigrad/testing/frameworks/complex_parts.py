"""Complex values of a framework, made of their real and imaginary parts, and taken apart again."""

from __future__ import annotations

from typing import Any, ClassVar

from minigrad.errors import UsageError


class ComplexParts:
    """What a framework says of its complex values."""

    name: ClassVar[str]

    def from_parts(self, x: Any) -> Any:
        """The complex value of a real one (..., 2), real parts first."""
        return x[..., 0] + 1j * x[..., 1]

    def parts(self, z: Any) -> Any:
        """The reverse: a complex value as a real one (..., 2).

        Raises:
            UsageError: the kit does not know complex numbers of this framework.
        """
        raise UsageError(f"the function returned complex numbers, which the kit does not know in {self.name}")
