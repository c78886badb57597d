"""Results lie in one arena at planned places, and are what they are elsewhere."""

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import nn
from minigrad.compilation import PASSES, Compiled
from minigrad.compilation.memory import Life, footprint, homes, lives, peak, placed
from minigrad.compilation.memory_passes import plan_arena
from minigrad.kernels.buffers import MIN_BYTES, MIN_ROOM, Block, Room, pool
from tests.compilation.helper import assert_equal_states, training

EXACT = tuple(each for each in PASSES if "fusion" not in each.name)


def network():
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.Conv2d(16, 16, 3, padding=1), nn.Tanh(),
        nn.MaxPool2d(2), nn.Dropout(0.2), nn.Conv2d(16, 32, 3), nn.ReLU(), nn.Flatten(), nn.Linear(32 * 36, 5),
    )  # fmt: skip


def data(count=6):
    rng = np.random.default_rng(0)
    return [(rng.normal(size=(24, 3, 16, 16)).astype(np.float32), rng.integers(0, 5, 24)) for _ in range(count)]


def trained(passes, batches):
    side = training(network)
    side.step = side.step if passes is None else Compiled(side.step, passes)
    mg.seed(1)
    losses = [side.step(mg.Tensor(x), mg.Tensor(y)).item() for x, y in batches]
    return side, losses


@pytest.mark.family
def test_training_in_an_arena_is_the_eager_one_bit_for_bit():
    pytest.importorskip("numba")
    eager, expected = trained(None, data())
    compiled, losses = trained(EXACT, data())
    assert losses == expected
    assert_equal_states(eager, compiled)
    program = compiled.step.program
    assert len(program.places) > 5
    assert "with arena_0:" in compiled.step.source
    assert " at 0 B" in compiled.step.explain()
    assert pool.arena_bytes >= program.arena


def test_places_of_what_is_held_together_do_not_overlap():
    pytest.importorskip("numba")
    for passes in (EXACT, PASSES):
        side, _ = trained(passes, data(3))
        program = side.step.program
        pieces = [life for life in lives(program) if life.number in program.places]
        assert pieces
        for k, one in enumerate(pieces):
            low = program.places[one.number]
            assert low % 64 == 0
            assert low + one.nbytes <= program.arena
            for other in pieces[:k]:
                start = program.places[other.number]
                together = one.begin <= other.end and other.begin <= one.end
                assert not together or low + one.nbytes <= start or start + other.nbytes <= low
        assert program.arena <= 1.3 * peak(program)
        assert footprint(program) >= program.arena


def test_what_is_seen_afterwards_has_memory_of_its_own():
    pytest.importorskip("numba")
    w = mg.Tensor(np.ones((16, 16, 3, 3), np.float32), requires_grad=True)

    def step(x):
        w.grad = None
        y = mg.functional.conv2d(x, w)
        z = mg.reshape(mg.relu(y), (-1,))
        (z * z).mean().backward()
        return y.detach(), z.detach()

    compiled, rng = Compiled(step), np.random.default_rng(0)
    found = []
    for _ in range(6):
        x = mg.Tensor(rng.normal(size=(8, 16, 16, 16)).astype(np.float32))
        results = [*compiled(x), w.grad]
        found.append([(part, part.numpy().copy()) for part in results])
    for each in found:
        for part, copy in each:
            np.testing.assert_array_equal(part.numpy(), copy)
    program = compiled.program
    home = homes(program)
    assert not {home.get(number) for number in program.returned} & program.places.keys()


def test_a_function_of_others_may_keep_what_it_is_given():
    pytest.importorskip("numba")
    from minigrad.autograd.python_call import python_call

    kept = []

    @python_call
    def keep(array):
        kept.append(array)

    def f(x):
        y = mg.exp(x)
        keep(y._data)
        return mg.sum(y * y)

    compiled = Compiled(f, (PASSES[-1],))
    for k in range(6):
        compiled(mg.Tensor(np.full((64, 1024), float(k))))
    for k, array in enumerate(kept):
        np.testing.assert_allclose(array, np.exp(k))


def test_threads_do_not_share_an_arena():
    pytest.importorskip("numba")
    model = network().eval()

    @mg.compile
    def f(x):
        with mg.no_grad():
            return model(x)

    inputs = [mg.Tensor(x) for x, _ in data(4)]
    for x in inputs:
        f(x)
    expected, wrong = [f(x).numpy().copy() for x in inputs], []

    def work(k):
        for _ in range(20):
            wrong.extend([k] * (not np.array_equal(f(inputs[k]).numpy(), expected[k])))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert f.program.arena >= MIN_BYTES
    assert not wrong


def test_a_program_without_large_results_has_no_arena():
    compiled = Compiled(lambda x: mg.exp(x) + 1.0)
    for _ in range(3):
        compiled(mg.Tensor([1.0, 2.0]))
    assert plan_arena(compiled.program).arena == 0
    assert not compiled.program.places


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 8), st.integers(1, 1000)), max_size=15))
def test_pieces_are_placed_apart(given_pieces):
    pieces = [Life(k, "", size, begin, begin + length) for k, (begin, length, size) in enumerate(given_pieces)]
    found = placed(pieces, 8)
    for k, (one, low) in enumerate(zip(pieces, found, strict=True)):
        assert low % 8 == 0
        for other, start in zip(pieces[:k], found, strict=False):
            together = one.begin <= other.end and other.begin <= one.end
            assert not together or low + one.nbytes <= start or start + other.nbytes <= low


def test_large_scratch_memory_lies_where_nothing_else_does():
    pytest.importorskip("numba")
    side = training(lambda: nn.Sequential(nn.Conv2d(64, 128, 3), nn.ReLU(), nn.Conv2d(128, 128, 3), nn.Flatten(),
                                          nn.Linear(128 * 144, 5)))  # fmt: skip
    rng = np.random.default_rng(0)
    data = [(rng.normal(size=(48, 64, 16, 16)).astype(np.float32), rng.integers(0, 5, 48)) for _ in range(3)]
    step = Compiled(side.step)
    for x, y in data:
        step(mg.Tensor(x), mg.Tensor(y))
    program = step.program
    pieces = [life for life in lives(program) if life.number in program.places]
    rooms = [(k, each.room) for k, each in enumerate(program.instructions) if each.room is not None]
    assert rooms
    for k, (start, stop) in rooms:
        assert start % 64 == 0
        assert MIN_ROOM <= stop - start <= program.arena
        for life in pieces:
            low = program.places[life.number]
            assert not life.begin <= k <= life.end or low + life.nbytes <= start or stop <= low
    scratch = [max(part.scratch for part in (each, *each.parts)) for each in program.instructions]
    assert max(scratch) >= MIN_ROOM  # Winograd's kernels
    for each, nbytes in zip(program.instructions, scratch, strict=True):
        assert nbytes < MIN_ROOM or each.room[1] - each.room[0] >= nbytes
        assert not nbytes or each.flops or each.parts  # what a call took is not told of another one


def test_scratch_memory_is_the_room_of_the_program_that_runs():
    def lies_in_arena(x):
        return pool._arenas and np.shares_memory(x, pool.arena(0).block)

    size, byte = MIN_ROOM, np.dtype(np.uint8)
    with pool.arena(4 * size):
        assert not lies_in_arena(pool.scratch((size,), byte))
        with Room(size, 3 * size + 64):
            assert not lies_in_arena(pool.scratch((size - 1,), byte))  # small
            one, two, three = (pool.scratch((size,), byte) for _ in range(3))
        with Room(size, 3 * size), pool.arena(4 * size):  # a program within another one has no arena, and no room there
            assert isinstance(pool.scratch((size,), byte).base, Block)
            with Room(0, size):
                assert not lies_in_arena(pool.scratch((size,), byte))
        assert not lies_in_arena(pool.scratch((size,), byte))
        assert not lies_in_arena(three)  # there is no room for it
        starts = [x.ctypes.data - pool.arena(0).block.ctypes.data - pool.arena(0).start for x in (one, two)]
        assert starts == [size, 2 * size]
    with Room(0, size):
        assert not lies_in_arena(pool.scratch((size,), byte))
