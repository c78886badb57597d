"""`Replay`: a program that is trusted, after all passes, as Python that runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import repeat
from operator import is_
from time import perf_counter
from typing import Any, cast

from minigrad.autograd.node import Leaf
from minigrad.autograd.tensor import Tensor
from minigrad.compilation.arguments import Arguments
from minigrad.compilation.captured import Captured, Needs
from minigrad.compilation.generate import generate
from minigrad.compilation.passes import Pass
from minigrad.compilation.program import Program
from minigrad.kernels.buffers import pool


class Replay:
    """A program that is trusted, as Python.

    Args:
        captured: the program, and what it depends on.
        needs: which gradients it needs to find.
        passes: what it goes through.
        same_data: whether it is only for the data that it was captured with, as one of its arrays may come from them.

    Attributes:
        captured: as it was captured.
        program: as it runs, after all passes.
        stages: the program as it was captured, and behind each pass, with its name.
        source: the Python.
    """

    def __init__(self, captured: Captured, needs: Needs, passes: Sequence[Pass], same_data: bool = False) -> None:
        self.captured, self.guards, self.same_data = captured, captured.guards, same_data
        self._some = [x for x, need in needs.items() if need == "some"]
        none = [x for x, need in needs.items() if need == "none"]
        self._none = [x for x in none if isinstance(x, int)]  # by the leaf
        self._none_of_state: list[Any] = [  # variables, whose nodes are leaves
            x for x in none if not isinstance(x, int)
        ]
        self.program = captured.program
        self.stages: list[tuple[str, Program]] = [("captured", self.program)]
        for each in passes:
            self.program = each.run(self.program)
            self.stages.append((each.name, self.program))
        self.source, self._run = generate(self.program)
        self.guards.prepare()
        self._read = [k for k, number in enumerate(captured.program.arguments) if number is not None]

    def fits(self, arguments: Arguments) -> bool:
        """Whether all is as it was when the program was captured."""
        return (
            self.guards.holds()
            and self.captured.finds_shared(arguments)
            and all(map(is_, [x.node.grad for x in self._none_of_state], repeat(None)))
            and all(_gradient(x, arguments) is None for x in self._none)
            and all(_gradient(x, arguments) is not None for x in self._some)
            and (not self.same_data or self.captured.finds_its_data(arguments))
        )

    def __call__(self, arguments: Arguments) -> Any:
        """Run it.

        Raises:
            Changed: a check gave another answer; nothing has been changed.
        """
        return self._with_memory(self._run, arguments)

    def _with_memory(self, run: Callable[..., Any], arguments: Arguments) -> Any:
        values = [arguments.leaves[k]._data for k in self._read]
        if not self.program.arena:
            return run(*values, arguments.leaves)
        with pool.arena(self.program.arena):
            return run(*values, arguments.leaves)

    def timed(self, arguments: Arguments) -> tuple[Any, list[float]]:
        """Run it, and tell how many seconds each instruction takes."""
        seconds = [0.0] * len(self.program.instructions)
        instructions = [
            each if each.kind == "load" else replace(each, function=_timed(each.function, k, seconds))
            for k, each in enumerate(self.program.instructions)
        ]
        _, run = generate(replace(self.program, instructions=tuple(instructions)))
        return self._with_memory(run, arguments), seconds


def _timed(function: Callable[..., Any], k: int, seconds: list[float]) -> Callable[..., Any]:
    """A function that adds the time that it takes to place k."""

    def call(*args: Any, **settings: Any) -> Any:
        start = perf_counter()
        try:
            return function(*args, **settings)
        finally:
            seconds[k] += perf_counter() - start

    return call


def _gradient(x: Tensor | int, arguments: Arguments) -> Tensor | None:
    node = (arguments.leaves[x] if isinstance(x, int) else x).node
    return cast(Leaf, node).grad
