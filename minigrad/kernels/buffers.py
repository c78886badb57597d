"""Memory for large results: blocks that are used again when nobody holds an array in them any more.

The system clears and maps new memory page by page, which takes longer than most elementwise functions. `empty` takes
it from a few blocks that are kept. A result is a view of its block, and so are all views of the result: NumPy lets
each hold the block itself. So a block is free when only the list here holds it, which its reference count says; there
is nothing to give back, and nothing can be given back too early.

What is kept is bounded: blocks of MIN_BYTES to MAX_BYTES, all together at most MAX_KEPT. Other results are NumPy's own,
or have a block that is given back with them.

A program (`minigrad.compile`) knows in advance what it will make, and when that is not needed any more. Its results lie
in one arena, at places that were planned: `Slot` is the place of the next one, `Room` what is free beside them.
"""

from __future__ import annotations

import ctypes
import math
import mmap
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from typing import Final

import numpy as np

from minigrad.typing import Array, DType, Shape


def _memory() -> int:
    """The bytes of memory of this machine; 0 where the system does not tell."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return 0


MIN_BYTES: Final = 1 << 16
"""Below, the C library has memory at hand."""

MAPPED_BYTES: Final = 1 << 20
"""From which on a block is memory of its own, not a part of the heap."""

MAX_BYTES: Final = 1 << 26

MIN_ROOM: Final = 1 << 21
"""From which on scratch memory lies in a program's arena; smaller parts are made and let go many times by a kernel."""

LEAST_KEPT: Final = 1 << 27
MAX_KEPT: Final = min(max(_memory() // 16, 2 * LEAST_KEPT), 1 << 30)
"""A sixteenth of the machine's memory, 256 MB to 1 GB: a step of a network of the usual size then maps no new one."""

ALIGNMENT: Final = 64
"""Bytes of a vector register and of a cache line: an array that begins with one is read and written faster."""

LOOKED_AT: Final = 32
"""How many blocks of a size are asked whether they are free."""

FREE: Final = 2
"""The reference count of a block that only its list, and the call that asks, hold."""

BYTE: Final = np.dtype(np.uint8)


class Block(np.ndarray):
    """Memory that holds one array at a time: results are views of it, and views of these are views of the results."""


def new_block(size: int) -> Block:
    """Memory of the system's, which has it back as soon as the block is gone; of the C library's heap, where small.

    What is the system's holds zeros at first.
    """
    if not _is_mapped(size):
        return Block(size, np.uint8)
    memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    with suppress(AttributeError, OSError):
        memory.madvise(mmap.MADV_HUGEPAGE)
    return Block(size, np.uint8, memory)


def _is_mapped(size: int) -> bool:
    return size >= MAPPED_BYTES and hasattr(mmap, "MAP_PRIVATE")


def passing_zeros(shape: Shape, dtype: DType) -> Array:
    """Zeros that are copied soon: the memory of large ones is the system's, which has it back with the array."""
    size = math.prod(np.broadcast_shapes(shape)) * dtype.itemsize
    return np.ndarray(shape, dtype, new_block(size)) if _is_mapped(size) else np.zeros(shape, dtype)


@cache
def _c_library() -> ctypes.CDLL | None:
    return ctypes.CDLL(None) if hasattr(mmap, "MAP_PRIVATE") else None


class Arena:
    """Memory for the results of a program, while it runs: `with pool.arena(size): ...`.

    A program that is started while another one runs in it gets its memory elsewhere.
    """

    def __init__(self, size: int) -> None:
        self.block = new_block(size + ALIGNMENT)
        self.start, self.running = -self.block.ctypes.data % ALIGNMENT, 0

    def __enter__(self) -> None:
        self._count(1)

    def __exit__(self, *_: object) -> None:
        self._count(-1)

    def _count(self, more: int) -> None:
        self.running += more
        _thread.arena, _thread.start = self.block if self.running == 1 else None, self.start
        _thread.room = (0, 0)


class Slot:
    """The place of a result in the arena: `with slot: ...` gives it to the first array of this shape and dtype.

    Args:
        offset: in bytes.
        shape, dtype: of the array.
    """

    __slots__ = ("dtype", "offset", "shape")

    def __init__(self, offset: int, shape: Shape, dtype: DType) -> None:
        self.offset, self.shape, self.dtype = offset, shape, dtype

    def __enter__(self) -> None:
        if _thread.arena is not None:
            _thread.slots.append(self)

    def __exit__(self, *_: object) -> None:
        if self in _thread.slots:
            _thread.slots.remove(self)


class Room:
    """A part of the arena that nothing lies in, from byte to byte, for large scratch memory: `with room: ...`."""

    def __init__(self, start: int, stop: int) -> None:
        self.bounds = start, stop

    def __enter__(self) -> None:
        if _thread.arena is not None:
            _thread.room = self.bounds

    def __exit__(self, *_: object) -> None:
        _thread.room = (0, 0)


class _Thread(threading.local):
    """The arena of a thread's program, where it starts, the slots of its next results, and the room that is left."""

    def __init__(self) -> None:
        self.arena: Block | None = None
        self.slots: list[Slot] = []
        self.start, self.room, self.largest_scratch = 0, (0, 0), 0


_thread: Final = _Thread()


class Pool:
    """Blocks by size; each thread may ask."""

    def __init__(self) -> None:
        self._blocks: dict[int, list[tuple[Array, int]]] = {}  # with where its first aligned byte is
        self._lock = threading.Lock()
        self._arenas: dict[int, Arena] = {}
        self.kept = 0
        self._keeping_little = 0  # blocks of code, of all threads, that ask for it

    def empty(self, shape: Shape, dtype: DType) -> Array:
        """A new array of any content."""
        size = math.prod(shape) * dtype.itemsize
        if size < MIN_BYTES:
            return np.empty(shape, dtype)
        for slot in _thread.slots:
            if slot.shape == shape and slot.dtype == dtype:
                _thread.slots.remove(slot)
                return np.ndarray(shape, dtype, _thread.arena, _thread.start + slot.offset)
        if size > MAX_BYTES:
            return np.ndarray(shape, dtype, new_block(size))
        size = _rounded(size)
        with self._lock:
            blocks = self._blocks.setdefault(size, [])
            for k in range(min(len(blocks), LOOKED_AT)):
                if sys.getrefcount(blocks[k][0]) == FREE:
                    return np.ndarray(shape, dtype, *blocks[k])
            if self.kept + size > self.most:
                self._drop_free()
            if self.kept + size > self.most or len(blocks) >= LOOKED_AT:
                return np.ndarray(shape, dtype, new_block(size))
            block = new_block(size + ALIGNMENT)
            blocks.append((block, -block.ctypes.data % ALIGNMENT))
            self.kept += size
            return np.ndarray(shape, dtype, *blocks[-1])

    def scratch(self, shape: Shape, dtype: DType) -> Array:
        """A new array of any content for what a kernel needs while it runs: in any free block that is large enough.

        Results of each size have blocks of their own, which are soon needed again. Scratch memory goes where there is
        room, of a program in its arena, so that kernels of many sizes do not keep a block each.
        """
        size = math.prod(shape) * dtype.itemsize
        _thread.largest_scratch = max(_thread.largest_scratch, size)
        start, stop = _thread.room
        if MIN_ROOM <= size <= stop - start:
            _thread.room = (start + -(-size // ALIGNMENT) * ALIGNMENT, stop)
            return np.ndarray(shape, dtype, _thread.arena, _thread.start + start)
        if not MIN_BYTES <= size <= MAX_BYTES:
            return self.empty(shape, dtype)
        with self._lock:
            for large in sorted(k for k in self._blocks if k >= size):
                for block in self._blocks[large]:
                    if sys.getrefcount(block[0]) == FREE:
                        return np.ndarray(shape, dtype, *block)
        return self.empty((1 << (size - 1).bit_length(),), BYTE)[:size].view(dtype).reshape(shape)

    def largest_scratch(self) -> int:
        """The bytes of the largest scratch memory that this thread has asked for since the last call of this."""
        found, _thread.largest_scratch = _thread.largest_scratch, 0
        return found

    def clear(self) -> None:
        """Give all free blocks back to the system, the arenas that no program runs in, and what malloc keeps."""
        with self._lock:
            self._drop_free()
            self._arenas = {thread: arena for thread, arena in self._arenas.items() if arena.running}
        trim = getattr(_c_library(), "malloc_trim", None)  # glibc's
        if trim is not None:
            trim(0)

    @property
    def arena_bytes(self) -> int:
        """The bytes of all arenas."""
        return sum(arena.block.nbytes for arena in list(self._arenas.values()))

    def arena(self, size: int) -> Arena:
        """This thread's arena, which has so many bytes, or more."""
        found = self._arenas.get(threading.get_ident())
        if found is None or (found.block.nbytes < size + ALIGNMENT and not found.running):
            self.clear()  # what eager calls of the same function have left
            found = self._arenas[threading.get_ident()] = Arena(size)
        return found

    @property
    def most(self) -> int:
        """How many bytes may be kept now."""
        return LEAST_KEPT if self._keeping_little else MAX_KEPT

    @contextmanager
    def keeping_little(self) -> Iterator[None]:
        """Keep little in this block, in all threads: for calls that a program, with memory of its own, will replace."""
        with self._lock:
            self._keeping_little += 1
        try:
            yield
        finally:
            with self._lock:
                self._keeping_little -= 1

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
scratch: Final = pool.scratch


def empty_like(x: Array) -> Array:
    """A new array of any content, of the shape and dtype of x, in C order."""
    return pool.empty(x.shape, x.dtype)
