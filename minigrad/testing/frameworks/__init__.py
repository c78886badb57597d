"""What is differentiated: one protocol, and a class for each way to write functions and their gradients.

`minigrad.testing.torch`, `.jax`, `.autograd`, `.mygrad` and `.tinygrad` have a `check_grads` and a `gradtest` each,
with the arguments of those of `minigrad.testing`, for functions of these frameworks. `kit_for` makes both for others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from minigrad.testing.frameworks.framework import Framework
from minigrad.testing.frameworks.run import as_tuple

if TYPE_CHECKING:
    from minigrad.testing.frameworks.kit import kit_for


def __getattr__(name: str) -> object:
    """Import `kit_for` when it is asked for: it needs all of the kit, which is made of frameworks."""
    if name != "kit_for":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from minigrad.testing.frameworks.kit import kit_for

    return kit_for


__all__ = ["Framework", "as_tuple", "kit_for"]
