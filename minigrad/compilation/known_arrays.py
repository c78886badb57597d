"""Which array holds which value, while a call is captured.

Arrays are told apart by identity, for as long as they live; a view of all of a value's memory is that value, too.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np

from minigrad.autograd.error_context import call_site
from minigrad.autograd.node import Leaf
from minigrad.autograd.tensor import Tensor
from minigrad.compilation.program import Value
from minigrad.kernels.array_utils import is_of_sizes
from minigrad.kernels.buffers import Block
from minigrad.typing import Array

Load = Callable[[Literal["load", "load gradient"], Tensor, int], None]


class KnownArrays:
    """The values of a program, and the arrays that hold them.

    Args:
        arguments: the Tensors among the leaves of the call's arguments.
        state: the Tensors that the function reaches, with names.
        load: is told when a Tensor's values, or its gradient, are needed, and of their number.

    Attributes:
        values: what is known of each value, by number.
        constants: those that nothing made.
        suspicious: whether one of these may have been computed from data behind minigrad's back.
        tensors: the Tensors of the state.
        leaves: the variables, and their nodes.
        entry: the gradients that they had.
        used_gradients: those of them whose gradient was used.
    """

    def __init__(self, arguments: Sequence[Tensor | None], state: Mapping[Tensor, str], load: Load) -> None:
        self.values: dict[int, Value] = {}
        self.constants: dict[int, Array] = {}
        self.suspicious: tuple[str, int] | None = None
        self._load = load
        self._names = state
        self._by_id: dict[int, tuple[int, object]] = {}  # the number, and what keeps the id valid
        self._roots: dict[int, tuple[int, object]] = {}  # by the array that owns the memory
        self._loaded: dict[Tensor, int] = {}
        self.arguments = [None if x is None else self.new(x._data) for x in arguments]
        given = {x for x in arguments if x is not None}
        self.tensors: set[Tensor] = state.keys() - given
        self._state = {id(x._data): x for x in self.tensors}
        self.leaves = {x: x.node for x in [*state, *given] if isinstance(x.node, Leaf)}
        self.entry = {x: node.grad for x, node in self.leaves.items()}
        self._gradients = {id(g._data): x for x, g in self.entry.items() if g is not None}
        self.used_gradients: set[Tensor] = set()

    def number(self, array: Array) -> int:
        """The number of the value that an array holds, which may be a new constant."""
        found = self.find(array)
        if found is not None:
            return found
        known = self.suspicious is not None or is_of_sizes(array) or not array.size
        if not known and (array != array.reshape(-1)[0]).any():
            self.suspicious = call_site()
        number = self.new(array)
        self.constants[number] = array.copy()
        return number

    def find(self, array: Any) -> int | None:
        """The number of a value that is known: by its array, by the Tensor that holds it, or by the memory."""
        found = self._by_id.get(id(array))
        if found is not None:
            return found[0]
        tensor = self._state.get(id(array))
        if tensor is not None and tensor._data is array:
            return self._loading("load", tensor, array)
        tensor = self._gradients.get(id(array))
        if tensor is not None:
            self.used_gradients.add(tensor)
            return self._loading("load gradient", tensor, array)
        base = array.base if isinstance(array, np.ndarray) else None
        while isinstance(base, np.ndarray):
            if _same_memory(base, array):
                number = self.find(base)
                if number is not None:
                    return number if base.shape == array.shape else None
            base = base.base
        return None

    def _loading(self, kind: Literal["load", "load gradient"], tensor: Tensor, array: Array) -> int:
        number = self.new(array, self._names.get(tensor, ""))
        if kind == "load":
            self._loaded[tensor] = id(array)
        self._load(kind, tensor, number)
        return number

    def new(self, array: Any, name: str = "") -> int:
        """A number for a value that was not there before."""
        number = len(self.values)
        root = array
        while isinstance(root, np.ndarray) and isinstance(root.base, np.ndarray) and type(root.base) is not Block:
            root = root.base
        storage = self._roots.get(id(root))
        self.values[number] = Value(
            array.shape, array.dtype, array.nbytes, number if storage is None else storage[0],
            storage is None and root.nbytes == array.nbytes, name,
            type(getattr(array, "base", None)) is Block,
        )  # fmt: skip
        if storage is None:
            self._roots[id(root)] = (number, self._while_alive(root, self._roots))
        self.alias(array, None, number)
        return number

    def alias(self, array: Any, like: Any, number: int | None = None) -> None:
        """Let an array stand for a value, too."""
        if number is None:
            number = self.find(like)
            assert number is not None
        self._by_id[id(array)] = (number, self._while_alive(array, self._by_id))

    def _while_alive(self, array: Any, table: dict[int, Any]) -> object:
        """What keeps an id valid: the object itself if it is small, else a reference that ends the entry with it."""
        if not isinstance(array, np.ndarray):
            return array
        key = id(array)
        return weakref.ref(array, lambda _: table.pop(key, None))

    def forget(self, tensor: Tensor) -> bool:
        """Load a Tensor's values anew when they are needed again. False for one that does not belong to the state."""
        self._by_id.pop(self._loaded.pop(tensor, 0), None)
        self._by_id.pop(id(tensor._data), None)
        if tensor in self.tensors:
            self._state[id(tensor._data)] = tensor
        return tensor in self.tensors


def _same_memory(one: Array, other: Array) -> bool:
    """Whether two arrays are the same numbers in the same places, if perhaps in another shape."""
    if one.dtype != other.dtype or one.nbytes != other.nbytes or one.ctypes.data != other.ctypes.data:
        return False
    equal = one.shape == other.shape and one.strides == other.strides
    return equal or (one.flags.c_contiguous and other.flags.c_contiguous)


def _load(tensor: Tensor) -> Array:
    return tensor._data


def _load_gradient(tensor: Tensor) -> Array:
    assert tensor.grad is not None
    return tensor.grad._data


LOADERS: dict[str, Callable[[Tensor], Array]] = {"load": _load, "load gradient": _load_gradient}
