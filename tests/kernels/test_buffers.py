"""Memory for large results: used again when nobody holds it, and never before."""

import sys
import threading
from types import SimpleNamespace

import numpy as np
import pytest

from minigrad.config import release_memory, show_config
from minigrad.kernels import buffers
from minigrad.kernels.buffers import (
    ALIGNMENT,
    LEAST_KEPT,
    MAPPED_BYTES,
    MAX_BYTES,
    MAX_KEPT,
    MIN_BYTES,
    Block,
    Pool,
    Slot,
    passing_zeros,
    pool,
)  # fmt: skip

SHAPE = (64, 512)  # 128 kB
F32, U8 = np.dtype(np.float32), np.dtype(np.uint8)


def address(x):
    return x.ctypes.data


def test_memory_that_nobody_holds_is_used_again():
    pool = Pool()
    place = address(pool.empty(SHAPE, F32))
    assert address(pool.empty(SHAPE, F32)) == place
    assert address(pool.empty((SHAPE[0] * SHAPE[1] // 2,), np.dtype(np.float64))) == place


@pytest.mark.parametrize(
    "hold",
    [
        lambda x: x,
        lambda x: x[3:, ::2],
        lambda x: x.T.view(),
        lambda x: x.reshape(-1)[:1],
        lambda x: memoryview(x),
        lambda x: np.broadcast_to(x[0], SHAPE),
        lambda x: x.view(np.uint8)[5:][:1],
        lambda x: np.lib.stride_tricks.as_strided(x, (2,), (4,)),
        lambda x: np.frombuffer(x, np.uint8),
        lambda x: np.from_dlpack(x),
        lambda x: [{"deep": x.flat}],
    ],
)
def test_memory_that_is_held_is_not(hold):
    pool = Pool()
    held = hold(pool.empty(SHAPE, F32))
    assert pool.in_use() == pool.kept > 0
    others = [pool.empty(SHAPE, F32) for _ in range(3)]
    assert len({address(x) for x in others}) == 3
    del held
    assert pool.in_use() == 3 * pool.kept / 4


def test_arrays_are_aligned_writable_and_as_asked_for():
    x = Pool().empty(SHAPE, F32)
    assert (x.shape, x.dtype, x.flags.carray, address(x) % ALIGNMENT) == (SHAPE, np.float32, True, 0)


def test_two_arrays_share_no_byte():
    pool = Pool()
    arrays = [pool.empty((MIN_BYTES // 4 + 1000 * k,), F32) for k in range(20)]
    for k, x in enumerate(arrays):
        x[:] = k
    assert all((x == k).all() for k, x in enumerate(arrays))


@pytest.mark.parametrize("count", [0, 1, MIN_BYTES - 1, MAX_BYTES + 1])
def test_memory_of_small_and_huge_results_is_not_kept(count):
    pool = Pool()
    assert pool.empty((count,), U8).shape == (count,)
    assert pool.kept == 0


def test_what_is_kept_is_bounded_and_given_back():
    pool = Pool()
    held = [pool.empty((MAX_BYTES,), U8) for _ in range(MAX_KEPT // MAX_BYTES + 3)]
    assert pool.kept == MAX_KEPT
    del held
    x = pool.empty((MIN_BYTES,), U8)  # another size: free blocks make room
    assert not x.flags.owndata
    assert pool.kept < MAX_KEPT
    pool.clear()
    assert pool.kept == pool.in_use() == MIN_BYTES
    del x
    pool.clear()
    assert pool.kept == 0


def test_threads_get_memory_of_their_own():
    pool, wrong = Pool(), []

    def work(number):
        for _ in range(300):
            x = pool.empty((MIN_BYTES,), U8)
            x[:] = number
            y = x[::2]
            del x
            if not (y == number).all():
                wrong.append(number)

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert wrong == []
    assert pool.in_use() == 0


def test_settings_tell_what_is_kept_and_release_it(capsys):
    x = pool.empty(SHAPE, F32)
    show_config()
    assert "MB for large results" in capsys.readouterr().out
    del x
    release_memory()
    assert pool.kept == pool.in_use()


def test_a_slot_gives_its_place_to_one_array_of_its_kind():
    pool = Pool()
    shape, other = (MIN_BYTES,), (MIN_BYTES, 2)
    with pool.arena(6 * MIN_BYTES):
        with Slot(2 * MIN_BYTES, shape, F32):
            first, second, third = (pool.empty(*kind) for kind in ((other, F32), (shape, F32), (shape, F32)))
        late = pool.empty(shape, F32)
        arena = second.base
        with pool.arena(6 * MIN_BYTES), Slot(0, shape, F32):  # a program inside of another one
            inside = pool.empty(shape, F32)
        with Slot(0, shape, F32):
            assert np.shares_memory(arena, pool.empty(shape, F32))
    assert type(arena) is Block
    assert second.ctypes.data % 64 == 0
    assert 0 <= second.ctypes.data - arena.ctypes.data - 2 * MIN_BYTES < 64
    assert not any(np.shares_memory(arena, x) for x in (first, third, late, inside))
    assert pool.arena_bytes > 4 * MIN_BYTES
    with Slot(0, shape, F32):  # no program runs
        assert not np.shares_memory(arena, pool.empty(shape, F32))
    pool.clear()
    assert pool.arena_bytes == 0


def test_threads_have_arenas_of_their_own():
    pool, arenas = Pool(), []

    def work():
        with pool.arena(MIN_BYTES), Slot(0, (MIN_BYTES,), U8):
            arenas.append(pool.empty((MIN_BYTES,), U8))

    for _ in range(2):
        thread = threading.Thread(target=work)
        thread.start()
        work()
        thread.join()
    assert len({id(x.base) for x in arenas}) >= 2
    assert not np.shares_memory(arenas[0], arenas[1])


def test_several_slots_are_told_apart_by_their_kinds():
    pool, shape = Pool(), (MIN_BYTES,)
    with pool.arena(6 * MIN_BYTES):
        with Slot(0, shape, F32), Slot(4 * MIN_BYTES, shape, U8):
            bytes_, floats, more = pool.empty(shape, U8), pool.empty(shape, F32), pool.empty(shape, U8)
        assert bytes_.base is floats.base
        assert bytes_.ctypes.data - floats.ctypes.data == 4 * MIN_BYTES
        assert more.base is not floats.base
        assert pool.empty(shape, F32).base is not floats.base


@pytest.mark.parametrize("shape", [3, (3,), (2, 0), (), (MAPPED_BYTES, 2)])
def test_zeros_that_are_passed_on_are_zeros_of_that_shape(shape):
    x = passing_zeros(shape, F32)
    assert x.shape == np.zeros(shape).shape
    assert x.dtype == F32
    assert x.flags.carray
    assert not x.any()


def test_scratch_memory_is_any_that_is_free_and_large_enough():
    pool = Pool()
    place = address(pool.empty((MIN_BYTES,), F32))
    first = pool.scratch((MIN_BYTES // 8, 2), F32)
    assert (first.shape, first.dtype, address(first)) == ((MIN_BYTES // 8, 2), F32, place)
    second = pool.scratch((MIN_BYTES // 4,), F32)
    assert address(second) % ALIGNMENT == 0
    first[:], second[:] = 1, 2
    assert (first == 1).all()


def test_scratch_memory_of_many_sizes_shares_blocks():
    pool = Pool()
    for k in range(100):
        pool.scratch((MIN_BYTES + 4096 * k,), U8)
    assert pool.kept <= 2 * (MIN_BYTES + 4096 * 100) + MIN_BYTES * 4


def test_release_gives_back_what_malloc_keeps(monkeypatch):
    trimmed = []
    monkeypatch.setattr(buffers, "_c_library", lambda: SimpleNamespace(malloc_trim=trimmed.append))
    release_memory()
    assert trimmed == [0]


def test_little_is_kept_as_long_as_somebody_asks_for_it():
    own = Pool()
    first, second = own.keeping_little(), own.keeping_little()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert own.most == LEAST_KEPT
    second.__exit__(None, None, None)
    assert own.most == MAX_KEPT
