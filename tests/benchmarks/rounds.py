"""Interleaved rounds: for each network, its sides take turns until all rounds are done, the time is over, or Ctrl-C."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from math import inf
from typing import Protocol

Figures = dict[str, dict[str, float]]
"""What was measured of one network: of each side its numbers, and the ratios to the best peer."""


class SideEndedError(Exception):
    """The process of a side has ended by itself."""


class Side(Protocol):
    """One way to train a network."""

    def turn(self) -> None:
        """Train a few steps, and remember how long each of them took."""

    def figures(self, rounds: int) -> dict[str, float]:
        """What the first rounds have shown."""


class Display(Protocol):
    """What is told while it is measured."""

    def start(self, network: str, number: int, rounds: int) -> None:
        """A network begins: the how manieth it is, counted from 1."""

    def leave_out(self, side: str, why: SideEndedError) -> None:
        """A side of a peer could not be started, and the others go on without it."""

    def round(self, done: int) -> None:
        """One more round is done."""

    def finish(self, network: str, figures: Figures | None, done: int) -> None:
        """A network is done, or as much of it as there is: None where no round was completed."""


def measure(
    networks: Mapping[str, Sequence[str]],
    start_side: Callable[[str, str], AbstractContextManager[Side]],
    display: Display,
    rounds: int,
    budget: float = inf,
    clock: Callable[[], float] = time.monotonic,
) -> tuple[dict[str, Figures], bool]:
    """Measure networks one after the other.

    Args:
        networks: the names of each network's sides.
        start_side: from the names of a side and a network to that side, which is closed afterward.
        display: is told of each round and each network as soon as it is done.
        rounds: how many turns each side takes.
        budget: seconds for all networks. Each gets an equal share of what is left and then stops after a whole round,
            at least one; when all is spent, none is begun.
        clock: gives the time in seconds.

    Returns:
        The figures of all networks with at least one round, and whether Ctrl-C ended it.
    """
    end = clock() + budget
    figures: dict[str, Figures] = {}
    try:
        for number, (network, names) in enumerate(networks.items(), 1):
            now = clock()
            if now >= end:
                break
            deadline = now + (end - now) / (len(networks) - number + 1)
            display.start(network, number, rounds)
            with ExitStack() as closing:
                done, sides = 0, {}
                try:
                    for name in names:
                        try:
                            sides[name] = closing.enter_context(start_side(name, network))
                        except SideEndedError as error:
                            if name.startswith("minigrad"):
                                raise
                            display.leave_out(name, error)
                    while done < rounds and (done == 0 or clock() < deadline):
                        for side in sides.values():
                            side.turn()
                        done += 1
                        display.round(done)
                finally:  # also when it is interrupted: the rounds that are complete count
                    if done:
                        figures[network] = with_ratios({name: side.figures(done) for name, side in sides.items()})
                    display.finish(network, figures.get(network), done)
    except KeyboardInterrupt:
        return figures, True
    return figures, False


def with_ratios(figures: Figures) -> Figures:
    """The figures with a row more for each side of minigrad: its time and memory over those of the best peer."""
    peers = [row for name, row in figures.items() if not name.startswith("minigrad")]
    if not peers:
        return figures
    ratios = {
        name.replace("minigrad", "ratio"): {
            "time": row["ms"] / min(peer["ms"] for peer in peers),
            "memory": row["peak_mb"] / min(peer["peak_mb"] for peer in peers),
            "steady": row["steady_mb"] / min(peer["steady_mb"] for peer in peers),
        }
        for name, row in figures.items()
        if name.startswith("minigrad")
    }
    return {**figures, **ratios}
