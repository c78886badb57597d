"""`BatchedArray`: what stands for an array inside of a function that `vmap` runs.

`vmap(f)` calls f once, with values that look like those of a single sample. Such a value has the shape of one sample
and holds those of all samples, in a Tensor with the batch in front:

    Tensor inside of f:     _data = BatchedArray(value, batched=True, level)       shape (3,)
    the value behind it:    value = Tensor                                         shape (64, 3)

An op that meets one hands the call to the level, the running `vmap`, which applies the op's batching rule to the values
(see `batching.py`). The value is a Tensor of the world outside: it may be recorded there, and its own `_data` may be a
BatchedArray of an outer `vmap`. So transformations nest in any order.

Rules run on BatchedArrays as they run on arrays: an op that is given no Tensor computes on them and returns one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final, NoReturn

import numpy as np

from minigrad.autograd import operators
from minigrad.autograd.operators import Operators
from minigrad.errors import BatchingError, GraphError, MutationError
from minigrad.typing import Array, DTypeLike

if TYPE_CHECKING:
    from minigrad.autograd.level import Level
    from minigrad.autograd.tensor import Tensor

LIVE: Final[list[Level]] = []
"""The calls of `vmap` that are running, in all threads. While there is none, no op looks for batched inputs."""


class BatchedArray(Operators):
    """The values of all samples in the place of those of one.

    Args:
        value: a Tensor of the world outside; with the batch in front if `batched`.
        batched: False for a value that all samples share, which may be recorded outside.
        level: the call of `vmap` that it belongs to.

    Attributes:
        shape: that of one sample.
    """

    __slots__ = ("batched", "dtype", "level", "shape", "value")

    def __init__(self, value: Tensor, batched: bool, level: Level) -> None:
        self.value, self.batched, self.level = value, batched, level
        self.shape: tuple[int, ...] = value.shape[1:] if batched else value.shape
        self.dtype = value.dtype

    @property
    def ndim(self) -> int:
        """The number of dimensions of one sample."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of elements of one sample."""
        return math.prod(self.shape)

    def detached(self) -> BatchedArray:
        """The same values, without what was recorded outside."""
        return BatchedArray(self.value.detach(), self.batched, self.level)

    def astype(self, dtype: DTypeLike, copy: bool = True) -> Any:
        """Converted to another dtype."""
        return self if self.dtype == dtype else operators.ops.astype(self, dtype=dtype)

    def copy(self) -> BatchedArray:
        """Itself: it is never written to."""
        return self

    # ---- NumPy's functions -----------------------------------------------------------------------------------

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **settings: Any) -> Any:
        self.level.require_live()
        try:
            return super().__array_ufunc__(ufunc, method, *inputs, **settings)
        except GraphError as error:
            raise BatchingError(str(error)) from None

    def __array_function__(self, function: Any, types: Any, inputs: Any, settings: Any) -> Any:
        self.level.require_live()
        if function is np.shape:  # which plans ask for, often
            return self.shape
        try:
            return super().__array_function__(function, types, inputs, settings)
        except GraphError as error:
            raise BatchingError(str(error)) from None

    def _in_place(self, result: Any) -> Any:
        return result

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("an array without dimensions has no len()")
        return self.shape[0]

    # ---- what only one value has -----------------------------------------------------------------------------

    def _shared(self, what: str) -> Tensor:
        """The value that all samples have in common.

        Raises:
            BatchingError: each sample has another one.
        """
        self.level.require_live()
        if self.batched:
            raise BatchingError(
                f"{what} needs one value, and inside of vmap this Tensor stands for those of {self.level.size} samples "
                f"at once, each of shape {self.shape}: choose by minigrad.where in place of if, compute with "
                "minigrad's functions in place of NumPy's or Python's, or do it outside of vmap"
            )
        return self.value

    def item(self) -> Any:
        """The only element, where all samples share it."""
        return self._shared("a plain number (float(), int(), bool(), if, while, item())").item()

    def tolist(self) -> Any:
        """Nested lists, where all samples share them."""
        return self._shared("tolist()").tolist()

    def view(self, kind: type) -> Array:
        """The values as a NumPy array, where all samples share them."""
        return self._shared("a NumPy array (.data, .numpy(), indices and sizes)").data.view(kind)

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> Array:
        return np.asarray(self._shared("a plain NumPy array").data, dtype)

    def __bool__(self) -> bool:
        return bool(self.item())

    def __setitem__(self, index: Any, values: Any) -> NoReturn:
        raise MutationError("values inside of vmap are not written to: use minigrad.where or minigrad.concat")

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        if not self.batched:
            return repr(self.value)
        return f"{self.level.size} samples of shape {self.shape}, {self.dtype}"


def innermost(values: Iterable[Any]) -> Level | None:
    """The innermost level among values: inputs of an op or its settings, of which an index may be a tuple."""
    found: Level | None = None
    for x in values:
        data = getattr(x, "_data", x)
        if type(data) is BatchedArray:
            data.level.require_live()
            level: Level | None = data.level
        elif type(data) is tuple or type(data) is list:
            level = innermost(data)
        else:
            continue
        if level is not None and (found is None or level.depth > found.depth):
            found = level
    return found


def is_batched(x: object) -> bool:
    """Whether a Tensor, or what stands for an array, belongs to a running `vmap`."""
    return type(getattr(x, "_data", x)) is BatchedArray


def physical(x: Any) -> Array:
    """The array behind a Tensor or BatchedArray, with all batches; what decides for all samples may look at it."""
    while type(x) is not np.ndarray:
        if type(x) is BatchedArray:
            x = x.value
        elif hasattr(x, "_data"):
            x = x._data
        else:
            return np.asarray(x)
    return x


def any_true(x: Any) -> bool:
    """Whether any element, of any sample, is true: for rules that leave out work where there is nothing to do."""
    return bool(physical(x).any())
