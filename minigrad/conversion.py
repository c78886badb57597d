"""Tensors of what is an array already, or holds numbers."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from minigrad.autograd.array_protocol import check_device
from minigrad.autograd.tensor import Tensor, as_array, tensor, wrap
from minigrad.errors import UsageError
from minigrad.typing import ArrayLike, DTypeLike


class SupportsDLPack(Protocol):
    """What shares its memory through DLPack."""

    def __dlpack__(self, *, stream: None = None) -> Any:
        """The capsule."""

    def __dlpack_device__(self) -> tuple[int, int]:
        """The numbers of the device."""


def from_dlpack(x: SupportsDLPack, *, device: str | None = None, copy: bool | None = None) -> Tensor:
    """A Tensor of another library's array, through DLPack.

    Args:
        x: what has `__dlpack__`: an array of NumPy, PyTorch, JAX ...
        device: "cpu", the only one (default None: the same).
        copy: False shares the memory, which must then not be written to: recorded gradients would be wrong
            (default None: a copy).

    Raises:
        UsageError: another device.

    >>> from_dlpack(np.ones(2)).tolist()
    [1.0, 1.0]
    """
    check_device(device)
    if copy is False:
        return wrap(as_array(np.from_dlpack(x, copy=False)))
    return Tensor(np.from_dlpack(x))


def asarray(
    obj: ArrayLike, dtype: DTypeLike | None = None, *, device: str | None = None, copy: bool | None = None
) -> Tensor:
    """The argument as a Tensor: a Tensor stays what it is, with its history; all else becomes a constant.

    Args:
        obj: a Tensor, an array (copied), a number, or nested lists of numbers.
        dtype: the dtype (default: that of a Tensor or array; for real numbers `default_dtype()`, for integers int64).
        device: "cpu", the only one (default None: the same).
        copy: True for a new Tensor even of one; False to refuse what would have to be copied
            (default None: a copy where one is needed).

    Raises:
        DTypeError: `obj` holds Tensors in a list, texts or other objects.
        UsageError: another device, or `copy=False` and a copy is needed.

    >>> x = tensor([1.0, 1.0])
    >>> asarray(x) is x, asarray([1.0, 2.0]).tolist()
    (True, [1.0, 2.0])
    """
    check_device(device)
    is_itself = isinstance(obj, Tensor) and dtype in (None, obj.dtype)
    if copy is False and not is_itself:
        raise UsageError("asarray: all but a Tensor of the wanted dtype is copied: leave copy=False out")
    if not isinstance(obj, Tensor):
        return tensor(obj, dtype)
    return obj if is_itself and not copy else obj.astype(obj.dtype if dtype is None else dtype)
