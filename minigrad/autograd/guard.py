"""`GuardedArray`: a read-only view of a Tensor's values that says why it is read-only."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.errors import MutationError
from minigrad.pytorch_names import DataHints


class GuardedArray(DataHints, np.ndarray[Any, np.dtype[Any]]):
    """What `tensor.data` and `tensor.numpy()` give: NumPy arrays in all but one respect, the message of a write.

    Slices are guarded, too; copies and the results of arithmetic are plain arrays, and one's own to change.
    """

    def _refuse(self) -> None:
        if not self.flags.writeable:
            raise MutationError(
                "these are the values of a Tensor, read-only because a live graph may need them as they are: "
                "change a copy (t.numpy().copy()), assign new values (t.data = ...), or write t[i] = ... under "
                "no_grad(); memory_guard(False) switches the guard off"
            )

    def __setitem__(self, index: Any, values: Any) -> None:
        self._refuse()
        super().__setitem__(index, values)

    def copy(self, order: Any = "C") -> Any:
        """A plain array with the same values."""
        return np.array(self, order=order)

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: bool = False) -> Any:
        """Results of arithmetic: plain arrays, or numbers."""
        return array[()] if return_scalar else np.asarray(array)

    def __repr__(self) -> str:
        return repr(np.asarray(self))


def _refusing(name: str) -> Any:
    plain = getattr(np.ndarray, name)

    def method(self: GuardedArray, *args: Any, **settings: Any) -> Any:
        self._refuse()
        return plain(self, *args, **settings)

    method.__name__, method.__doc__ = name, f"`numpy.ndarray.{name}`, refused unless the array is writable."
    return method


_AUGMENTED = (
    "add",
    "sub",
    "mul",
    "truediv",
    "floordiv",
    "mod",
    "pow",
    "matmul",
    "and",
    "or",
    "xor",
    "lshift",
    "rshift",
)
for _name in [*(f"__i{name}__" for name in _AUGMENTED), "fill", "sort", "partition", "put", "resize"]:
    setattr(GuardedArray, _name, _refusing(_name))
