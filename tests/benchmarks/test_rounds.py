"""The logic of a long measurement, with sides that measure nothing: budgets, interruptions, turns."""

from contextlib import contextmanager
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.benchmarks.rounds import SideEndedError, measure, with_ratios


class Clock:
    """A clock that moves only when it is told to."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


class World:
    """Sides whose turns take a given time; what happens is written down."""

    def __init__(self, seconds=1.0, start=0.0, interrupt_at=None, broken=()):
        self.broken = broken
        self.clock, self.seconds, self.starting, self.interrupt_at = Clock(), seconds, start, interrupt_at
        self.calls, self.open = [], []

    @contextmanager
    def start_side(self, name, network):
        self.clock.now += self.starting
        if name in self.broken:
            raise SideEndedError(name)
        self.open.append(name)
        try:
            yield FakeSide(self, name, network)
        finally:
            self.open.remove(name)

    def start(self, network, number, rounds):
        self.calls.append(("start", network))

    def leave_out(self, side, why):
        self.calls.append(("left out", side, str(why)))

    def round(self, done):
        pass

    def finish(self, network, figures, done):
        self.calls.append(("finish", network, figures is not None, done))

    def measure(self, networks, rounds=5, budget=inf):
        return measure(networks, self.start_side, self, rounds, budget, self.clock)


class FakeSide:
    def __init__(self, world, name, network):
        self.world, self.name, self.network = world, name, network

    def turn(self):
        self.world.calls.append(("turn", self.network, self.name))
        self.world.clock.now += self.world.seconds
        if len([call for call in self.world.calls if call[0] == "turn"]) == self.world.interrupt_at:
            raise KeyboardInterrupt

    def figures(self, rounds):
        return {"ms": 2.0 if self.name == "minigrad" else 1.0, "peak_mb": 10.0, "steady_mb": 9.0, "rounds": rounds}


BOTH = {"mlp": ["minigrad", "torch"], "lenet5": ["minigrad", "torch"]}


def test_sides_take_turns_and_each_network_is_told_before_the_next_begins():
    world = World()
    figures, interrupted = world.measure(BOTH, rounds=2)
    turns = [("turn", "mlp", "minigrad"), ("turn", "mlp", "torch")] * 2
    assert world.calls[:6] == [("start", "mlp"), *turns, ("finish", "mlp", True, 2)]
    assert world.calls[6] == ("start", "lenet5")
    assert list(figures) == ["mlp", "lenet5"]
    assert not interrupted
    assert world.open == []


@given(
    budget=st.floats(0.5, 60), rounds=st.integers(1, 8), seconds=st.floats(0.1, 5), networks=st.integers(1, 4),
    start=st.floats(0, 3),
)  # fmt: skip
def test_a_budget_is_kept_but_for_the_last_round_and_shared_equally(budget, rounds, seconds, networks, start):
    world = World(seconds, start)
    figures, _ = world.measure({f"net {n}": ["minigrad"] for n in range(networks)}, rounds, budget)
    assert world.clock.now - 100 <= budget + start + seconds + 1e-6
    done = [row["minigrad"]["rounds"] for row in figures.values()]
    assert all(1 <= number <= rounds for number in done)
    if budget > networks * (start + rounds * seconds) + 1e-6:
        assert done == [rounds] * networks
    if budget > networks * (start + seconds) + 1e-6:
        assert len(done) == networks  # none takes the time of another


def test_time_that_a_network_does_not_need_is_left_to_the_others():
    world = World(seconds=1.0)
    figures, _ = world.measure({"a": ["minigrad"], "b": ["minigrad"]}, rounds=4, budget=7)
    assert [row["minigrad"]["rounds"] for row in figures.values()] == [4, 3]


def test_when_the_budget_is_spent_no_other_network_is_begun():
    world = World(seconds=10.0)
    figures, interrupted = world.measure(BOTH, budget=15)
    assert list(figures) == ["mlp"]
    assert ("start", "lenet5") not in world.calls
    assert not interrupted


@pytest.mark.parametrize(("turn", "done"), [(3, 1), (4, 1), (7, 3)])
def test_after_ctrl_c_the_rounds_that_are_complete_count(turn, done):
    world = World(interrupt_at=turn)
    figures, interrupted = world.measure(BOTH)
    assert interrupted
    assert {row["rounds"] for name, row in figures["mlp"].items() if name != "ratio"} == {done}
    assert world.calls[-1] == ("finish", "mlp", True, done)
    assert world.open == []


def test_after_ctrl_c_in_a_later_network_the_former_ones_are_there():
    world = World(interrupt_at=11)
    figures, interrupted = world.measure(BOTH)
    assert (list(figures), interrupted) == (["mlp"], True)
    assert world.calls[-1] == ("finish", "lenet5", False, 0)


def test_after_ctrl_c_while_the_sides_start_nothing_is_left_open():
    world = World()

    @contextmanager
    def start_side(name, network):
        if name == "torch":
            raise KeyboardInterrupt
        with world.start_side(name, network) as side:
            yield side

    assert measure(BOTH, start_side, world, 5, inf, world.clock) == ({}, True)
    assert world.open == []


def test_the_ratio_is_to_the_best_peer_in_time_and_in_memory():
    rows = {
        "minigrad": {"ms": 3.0, "peak_mb": 100.0, "steady_mb": 60.0},
        "torch": {"ms": 2.0, "peak_mb": 400.0, "steady_mb": 80.0},
        "torch channels_last": {"ms": 6.0, "peak_mb": 200.0, "steady_mb": 160.0},
    }
    assert with_ratios(rows)["ratio"] == {"time": 1.5, "memory": 0.5, "steady": 0.75}
    assert "ratio" not in with_ratios({"minigrad": rows["minigrad"]})


def test_a_peer_that_ends_as_it_starts_is_left_out_and_told():
    world = World(broken=("torch compile",))
    figures, interrupted = world.measure({"mlp": ["minigrad", "torch compile", "torch"]})
    assert ("left out", "torch compile", "torch compile") in world.calls
    assert list(figures["mlp"]) == ["minigrad", "torch", "ratio"]
    assert not interrupted


def test_without_minigrad_nothing_is_compared():
    with pytest.raises(SideEndedError):
        World(broken=("minigrad",)).measure({"mlp": ["minigrad", "torch"]})
