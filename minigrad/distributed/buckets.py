"""`Buckets`: gradients side by side in a few long arrays, which are summed over all ranks one after the other.

    bucket = [gradient, gradient, ..., how many ranks have the first gradient, the second ...]

A sum of one long array costs one latency; of each gradient alone it would cost many. A bucket is begun as soon as all
of its gradients are there, and the ones before it have been begun: so all ranks begin the same sums in one order, and
they run while backward computes the gradients of the layers below.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from minigrad.distributed.group import Group
from minigrad.kernels.array_utils import accumulation_dtype
from minigrad.typing import Array, DType, Shape

if TYPE_CHECKING:
    from mpi4py import MPI

BUCKET_BYTES: Final = 4 << 20
"""How large a bucket is: large enough that the latency of a sum is small beside it, small enough to begin early."""


@dataclass(frozen=True)
class Slot:
    """Where the gradient of a parameter is.

    Attributes:
        bucket: the number of its bucket.
        start, stop: its place there, in numbers of the bucket's dtype.
        flag: the place of the number of ranks that have it.
        shape, dtype: of the gradient.
    """

    bucket: int
    start: int
    stop: int
    flag: int
    shape: Shape
    dtype: DType


class Buckets:
    """The gradients of some parameters, being summed over all ranks.

    Args:
        group: the ranks.
        parameters: shape and dtype of each, in the order in which their gradients become complete.
        bucket_bytes: the size of a bucket, in bytes (default 4 MiB).
        factor: what gradients are multiplied by before they are summed (default 1.0).
    """

    def __init__(
        self,
        group: Group,
        parameters: Sequence[tuple[Shape, DType]],
        bucket_bytes: int = BUCKET_BYTES,
        factor: float = 1.0,
    ) -> None:
        self._group, self._factor = group, factor
        self.slots, self._layout = _layout(parameters, bucket_bytes)
        self._reset()

    def _reset(self) -> None:
        self._arrays: list[Array | None] = [None] * len(self._layout)
        self._missing = [count for _, _, count in self._layout]
        self._requests: list[MPI.Request | None] = []

    @property
    def begun(self) -> bool:
        """Whether any gradient is in."""
        return any(array is not None for array in self._arrays)

    def has(self, place: int) -> bool:
        """Whether the gradient of a parameter is in."""
        slot = self.slots[place]
        array = self._arrays[slot.bucket]
        return array is not None and bool(array[slot.flag])

    def put(self, place: int, *parts: Array) -> None:
        """Add a gradient, and begin the sums that can begin.

        Args:
            place: the number of the parameter.
            *parts: arrays whose sum is the gradient.
        """
        slot = self.slots[place]
        array = self._array(slot.bucket)
        view = array[slot.start : slot.stop]
        for k, part in enumerate(parts):
            values = _real(part)
            if k == 0:
                np.multiply(values, self._factor, out=view, dtype=view.dtype)
            else:
                view += values * array.dtype.type(self._factor)
        array[slot.flag] = 1
        self._missing[slot.bucket] -= 1
        self._begin(complete_only=True)
        self._group.advance(self._requests)

    def _array(self, bucket: int) -> Array:
        array = self._arrays[bucket]
        if array is None:
            size, dtype, _ = self._layout[bucket]
            array = self._arrays[bucket] = np.zeros(size, dtype)
        return array

    def _begin(self, complete_only: bool) -> None:
        while len(self._requests) < len(self._layout):
            bucket = len(self._requests)
            if complete_only and self._missing[bucket]:
                return
            self._requests.append(self._group.start_all_sum(self._array(bucket)))

    def finish(self, what: str) -> list[Array | None]:
        """Sum what is left, and wait.

        Args:
            what: for messages.

        Returns:
            The sum for each parameter; None where no rank has a gradient.
        """
        self._begin(complete_only=False)
        self._group.wait(self._requests, what)
        arrays = [array for array in self._arrays if array is not None]
        self._reset()
        return [_gradient(arrays[slot.bucket], slot) for slot in self.slots]


def _layout(
    parameters: Sequence[tuple[Shape, DType]], bucket_bytes: int
) -> tuple[list[Slot], list[tuple[int, DType, int]]]:
    """The slots, and of each bucket its size, its dtype and the number of gradients in it.

    A bucket holds gradients of one dtype only, so a new one begins where the dtype changes.
    """
    groups: list[list[int]] = []
    used = 0
    for place, (shape, dtype) in enumerate(parameters):
        size = _real_size(shape, dtype) * _sum_dtype(dtype).itemsize
        same = bool(groups) and _sum_dtype(parameters[groups[-1][0]][1]) == _sum_dtype(dtype)
        if not same or used + size > bucket_bytes:
            groups.append([])
            used = 0
        groups[-1].append(place)
        used += size
    slots: list[Slot] = []
    layout = []
    for bucket, places in enumerate(groups):
        sizes = [_real_size(*parameters[place]) for place in places]
        ends = np.cumsum([0, *sizes]).tolist()
        slots += [
            Slot(bucket, ends[k], ends[k + 1], ends[-1] + k, *parameters[place]) for k, place in enumerate(places)
        ]
        layout.append((ends[-1] + len(places), _sum_dtype(parameters[places[0]][1]), len(places)))
    return slots, layout


def _sum_dtype(dtype: DType) -> DType:
    """The real dtype in which gradients are summed: half precision in single precision, complex as pairs."""
    real = np.empty(0, dtype).real.dtype
    return accumulation_dtype(real)


def _real_size(shape: Shape, dtype: DType) -> int:
    return int(np.prod(shape, dtype=np.int64)) * (2 if dtype.kind == "c" else 1)


def _real(g: Array) -> Array:
    flat = np.ascontiguousarray(g).reshape(-1)
    return flat.view(flat.real.dtype) if flat.dtype.kind == "c" else flat


def _gradient(array: Array, slot: Slot) -> Array | None:
    if not array[slot.flag]:
        return None
    view = array[slot.start : slot.stop]
    if slot.dtype.kind == "c":
        view = view.view(slot.dtype)
    return view.astype(slot.dtype, copy=False).reshape(slot.shape)
