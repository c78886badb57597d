"""Memory for large results: blocks that are used again when nobody holds an array in them any more.

The system clears and maps new memory page by page, which takes longer than most elementwise functions. `empty` takes
it from a few blocks that are kept. A result is a view of its block, and so are all views of the result: NumPy lets
each hold the block itself. So a block is free when only the list here holds it, which its reference count says; there
is nothing to give back, and nothing can be given back too early.

What is kept is bounded: blocks of MIN_BYTES to MAX_BYTES, all together at most MAX_KEPT. Other results are NumPy's own.
"""

from __future__ import annotations

import math
import sys
import threading
from typing import Final

import numpy as np

from minigrad.typing import Array, DType, Shape

MIN_BYTES: Final = 1 << 16
"""Below, the C library has memory at hand."""

MAX_BYTES: Final = 1 << 26
MAX_KEPT: Final = 1 << 28

ALIGNMENT: Final = 64
"""Bytes of a vector register and of a cache line: an array that begins with one is read and written faster."""

LOOKED_AT: Final = 32
"""How many blocks of a size are asked whether they are free."""

FREE: Final = 2
"""The reference count of a block that only its list, and the call that asks, hold."""


class Pool:
    """Blocks by size; each thread may ask."""

    def __init__(self) -> None:
        self._blocks: dict[int, list[tuple[Array, int]]] = {}  # with where its first aligned byte is
        self._lock = threading.Lock()
        self.kept = 0

    def empty(self, shape: Shape, dtype: DType) -> Array:
        """A new array of any content."""
        size = math.prod(shape) * dtype.itemsize
        if not MIN_BYTES <= size <= MAX_BYTES:
            return np.empty(shape, dtype)
        size = _rounded(size)
        with self._lock:
            blocks = self._blocks.setdefault(size, [])
            for k in range(min(len(blocks), LOOKED_AT)):
                if sys.getrefcount(blocks[k][0]) == FREE:
                    return np.ndarray(shape, dtype, *blocks[k])
            if self.kept + size > MAX_KEPT:
                self._drop_free()
            if self.kept + size > MAX_KEPT or len(blocks) >= LOOKED_AT:
                return np.empty(shape, dtype)
            block = np.empty(size + ALIGNMENT, np.uint8)
            blocks.append((block, -block.ctypes.data % ALIGNMENT))
            self.kept += size
            return np.ndarray(shape, dtype, *blocks[-1])

    def clear(self) -> None:
        """Give all free blocks back to the system."""
        with self._lock:
            self._drop_free()

    def in_use(self) -> int:
        """How many bytes of the blocks that are kept hold arrays."""
        with self._lock:
            return sum(
                size
                for size, blocks in self._blocks.items()
                for k in range(len(blocks))
                if sys.getrefcount(blocks[k][0]) > FREE
            )

    def _drop_free(self) -> None:
        for size, blocks in self._blocks.items():
            used = [k for k in range(len(blocks)) if sys.getrefcount(blocks[k][0]) > FREE]
            self.kept -= size * (len(blocks) - len(used))
            blocks[:] = [blocks[k] for k in used]


def _rounded(size: int) -> int:
    """The next size of blocks, at most an eighth larger."""
    step = 1 << max(size.bit_length() - 4, 0)
    return -(-size // step) * step


pool: Final = Pool()
empty: Final = pool.empty


def empty_like(x: Array) -> Array:
    """A new array of any content, of the shape and dtype of x, in C order."""
    return pool.empty(x.shape, x.dtype)
