"""einops on Tensors: after `import minigrad.einops`, `einops.rearrange`, `reduce`, `repeat`, `einsum` ... take them.

einops looks for backends among the subclasses of its `AbstractBackend`. The functions of `einops.array_api` need none.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.autograd.tensor import Tensor
from minigrad.errors import MissingExtraError
from minigrad.typing import Array, Shape


class TensorBackend:
    """What einops asks of a framework, in words of minigrad; each method is differentiable as its op is."""

    framework_name = "minigrad"

    def is_appropriate_type(self, tensor: object) -> bool:
        """Whether it is a Tensor."""
        return isinstance(tensor, Tensor)

    def from_numpy(self, x: Array) -> Tensor:
        """An array as a constant."""
        return Tensor(x)

    def to_numpy(self, x: Tensor) -> Array:
        """The values, without history."""
        return x.numpy()

    def arange(self, start: int, stop: int) -> Tensor:
        """The integers from start to stop."""
        return Tensor(np.arange(start, stop))

    def reshape(self, x: Tensor, shape: Shape) -> Tensor:
        """The same elements in another shape."""
        return ops.reshape(x, shape=shape)

    def transpose(self, x: Tensor, axes: Sequence[int]) -> Tensor:
        """The axes in another order."""
        return ops.permute_dims(x, axes=tuple(axes))

    def reduce(self, x: Tensor, operation: str, axes: Sequence[int]) -> Tensor:
        """The op of that name over axes."""
        return getattr(ops, operation)(x, axis=tuple(axes))  # type: ignore[no-any-return]  # each gives a Tensor

    def stack_on_zeroth_dimension(self, tensors: list[Tensor]) -> Tensor:
        """Tensors of one shape, one behind the other."""
        return ops.stack(tensors)

    def add_axis(self, x: Tensor, new_position: int) -> Tensor:
        """A new axis of size 1."""
        return ops.expand_dims(x, axis=new_position)

    def tile(self, x: Tensor, repeats: Shape) -> Tensor:
        """x repeated along each axis."""
        return ops.tile(x, repeats)

    def concat(self, tensors: list[Tensor], axis: int) -> Tensor:
        """Tensors joined along an axis."""
        return ops.concat(tensors, axis=axis)

    def is_float_type(self, x: Tensor) -> bool:
        """Whether a mean of x is of its dtype."""
        return x.dtype.kind == "f"

    def einsum(self, pattern: str, *xs: Tensor) -> Tensor:
        """The sum of products that a pattern says."""
        return ops.einsum(pattern, *xs)


def register() -> type[Any]:
    """Make einops know Tensors; `import minigrad.einops` calls it.

    Returns:
        The backend, a subclass of `einops._backends.AbstractBackend`.

    Raises:
        MissingExtraError: einops, of the extra `einops`, is not installed.
    """
    try:
        base = import_module("einops._backends").AbstractBackend
    except ModuleNotFoundError as error:
        raise MissingExtraError("einops", extra="einops", purpose="minigrad.einops") from error
    return type("MinigradBackend", (TensorBackend, base), {})


BACKEND = register()
"""einops finds subclasses that are alive, and this keeps ours alive."""

__all__ = ["TensorBackend", "register"]
