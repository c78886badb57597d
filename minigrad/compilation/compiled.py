"""`compile`: a function that is captured when it is called, and afterwards replayed as a program."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Sequence
from types import MethodType
from typing import Any, Generic, ParamSpec, TypeVar, cast

from minigrad.autograd.node import STATE
from minigrad.autograd.tensor import record
from minigrad.compilation.arguments import Arguments, NoProgramError
from minigrad.compilation.captured import Captured, captured_call, refusal
from minigrad.compilation.explain import explain
from minigrad.compilation.generate import Changed
from minigrad.compilation.guards import Guards
from minigrad.compilation.passes import PASSES, Pass
from minigrad.compilation.program import Program
from minigrad.compilation.replay import Replay
from minigrad.compilation.tape import Tape, capturing
from minigrad.errors import UsageError
from minigrad.kernels.buffers import pool
from minigrad.pytorch_names.keywords import explain_calls

P = ParamSpec("P")
R = TypeVar("R")

MOST_PROGRAMS = 16
"""Programs that are kept for one function; the oldest ones go."""

MOST_CANDIDATES = 4
"""Captured calls, of one key, that wait for another one like them."""

MOST_CAPTURES = 12
"""Calls in a row that were captured and led to no program: then there is no end to it, and calls run eagerly."""


class Compiled(Generic[P, R]):
    """A function that is captured and replayed: what `compile` makes.

    Attributes:
        function: the function itself, which runs eagerly.
        program: the newest program, after all passes; None as long as there is none.
        source: the Python that runs it.
        reason: why calls run eagerly, if they do.
        seconds: how long each instruction of the newest program takes, when `measure` has run; else empty.
    """

    def __init__(self, function: Callable[P, R], passes: Sequence[Pass] = PASSES) -> None:
        if not callable(function):
            raise UsageError(f"compile takes a function, not {type(function).__name__}")
        functools.update_wrapper(self, function)
        self.function, self.passes = function, tuple(passes)
        self.reason: str | None = None
        self._replays: dict[Any, list[Replay]] = {}
        self._candidates: dict[Any, list[Captured]] = {}
        self._eager: set[Any] = set()
        self._newest: Replay | None = None
        self.seconds: tuple[float, ...] = ()
        self._last_key: Any = None
        self._in_vain = 0  # captures since there was a replay

    def __call__(self, *args: P.args, **settings: P.kwargs) -> R:
        """What the function does: replayed where a program fits, else run and captured."""
        arguments = Arguments(args, settings)
        watched = STATE.watcher or STATE.gradient_watcher or STATE.number_watcher or STATE.capture or STATE.level
        if watched is None and arguments.key is not None and STATE.recorder in (None, record):
            for replay in self._replays.get(arguments.key, ()):
                if replay.fits(arguments):
                    try:
                        found = replay(arguments)
                    except Changed:
                        continue
                    self._in_vain = 0
                    return cast(R, found)
            if arguments.key not in self._eager and self._in_vain <= MOST_CAPTURES:
                return self._capture(arguments)
        return self._eagerly(arguments)

    def __get__(self, owner: object, kind: type | None = None) -> Any:
        """The function as a method of its owner, which is then its first argument."""
        return self if owner is None else MethodType(self, owner)

    # ---- capturing -------------------------------------------------------------------------------------------

    def _capture(self, arguments: Arguments) -> R:
        """Run the function, and keep its program if an earlier call led to the same one."""
        key = arguments.key
        guards = Guards({getattr(self.function, "__name__", ""): self.function, **arguments.objects})
        changes = [each.guards.changed() for each in self._candidates.get(key, ())]
        unchanged = [e for e, change in zip(self._candidates.get(key, ()), changes, strict=True) if change is None]
        tape = Tape(arguments.tensors, guards.tensors, self.function)
        with capturing(tape), pool.keeping_little():
            outputs = self._eagerly(arguments)
        self._in_vain += 1
        reason, own = refusal(tape, guards), guards.changed()
        if arguments.changed():
            reason = reason or "it changes a container that it is given as an argument"
        try:
            if reason is None and own is None:
                captured = captured_call(tape, arguments, guards, outputs, self.title)
                reason = self._compare(key, captured, [e for e in unchanged if e.took_the_way_of(captured)])
        except NoProgramError as error:
            reason = str(error)
        if reason is None and self._in_vain > MOST_CAPTURES:
            reason = f"it changes at each call: {own or next(filter(None, changes), None) or self._changing(key)}"
        if reason is not None:
            self._give_up(key, reason)
        self._last_key = key
        return outputs

    def _eagerly(self, arguments: Arguments) -> R:
        try:
            return self.function(*arguments.args, **arguments.settings)
        finally:
            arguments.give_back()

    def _compare(self, key: Any, captured: Captured, alike: list[Captured]) -> str | None:
        """Trust a program that was captured twice; the reason why there cannot be one, if that is seen."""
        if alike:
            difference = captured.difference(alike[0])
            if difference is not None:
                return (
                    f"two calls alike did not do the same: {difference} got values from outside of what is seen (raw "
                    "NumPy, a file, a random generator of one's own)"
                )
            same_data = captured.data is not None and captured.data == alike[0].data
            self._trust(key, Replay(captured, captured.needs_of_both(alike[0]), self.passes, same_data))
            return None
        candidates = [captured, *self._candidates.pop(key, ())]
        self._candidates[key] = candidates[:MOST_CANDIDATES]
        if len(self._candidates) > MOST_PROGRAMS:
            del self._candidates[next(iter(self._candidates))]
        return None

    @property
    def title(self) -> str:
        """The function's name."""
        return getattr(self.function, "__qualname__", type(self.function).__name__)

    def _changing(self, key: Any) -> str:
        pairs = zip(key, self._last_key or (), strict=False)
        return next((f"an argument ({one[-1]!r})" for one, other in pairs if one != other), "something")

    def _trust(self, key: Any, replay: Replay) -> None:
        kept = [each for each in self._replays.pop(key, ()) if replay.same_data or not each.same_data]
        if kept:
            self._replays[key] = kept
        while sum(map(len, self._replays.values())) >= MOST_PROGRAMS:
            oldest = next(iter(self._replays))
            self._replays[oldest].pop(0)
            if not self._replays[oldest]:
                del self._replays[oldest]
        self._replays.setdefault(key, []).append(replay)
        self._newest, self._in_vain, self.seconds = replay, 0, ()

    def _give_up(self, key: Any, reason: str) -> None:
        """Run such calls eagerly from now on, and say so once."""
        self._eager.add(key)
        if self.reason is None:
            self.reason = reason
            warnings.warn(f"compile: {self.title} runs eagerly: {reason}", UserWarning, stacklevel=4)

    def measure(self, *args: P.args, **settings: P.kwargs) -> R:
        """One more call, by the newest program, which notes how long each instruction takes: see `seconds`.

        It is a call as any other: a training step trains. Of several the least time counts.

        Args:
            *args, **settings: as the function takes them; the program must be for such ones.

        Returns:
            What the function returns.

        Raises:
            UsageError: there is no program for such arguments.
        """
        arguments = Arguments(args, settings)
        newest = self._newest
        if newest is None or newest not in self._replays.get(arguments.key, ()) or not newest.fits(arguments):
            raise UsageError(
                f"{self.title}: there is no program for these arguments yet: call it with them until it is replayed"
            )
        found, seconds = newest.timed(arguments)
        before = self.seconds or seconds
        self.seconds = tuple(map(min, before, seconds))
        return cast(R, found)

    # ---- reading it ------------------------------------------------------------------------------------------

    @property
    def program(self) -> Program | None:
        """The newest program as it runs."""
        return None if self._newest is None else self._newest.program

    @property
    def source(self) -> str:
        """The Python that runs the newest program."""
        return "" if self._newest is None else self._newest.source

    @property
    def stages(self) -> list[tuple[str, Program]]:
        """The newest program as it was captured, and behind each pass, with its name."""
        return [] if self._newest is None else self._newest.stages

    def explain(self, *, lines: bool = True) -> str:
        """The newest program before and after each pass: its calls, bytes and multiply-adds, and what was changed.

        Args:
            lines: whether the lines are shown beside the table (default True).
        """
        if self._newest is None:
            return (
                f"{self.title}: no program yet" if self.reason is None else f"{self.title} runs eagerly: {self.reason}"
            )
        return explain(self.stages, lines=lines)


@explain_calls
def compile(function: Callable[P, R]) -> Compiled[P, R]:
    """A function that does the same: captured in its first calls, and then replayed as a flat program of kernel calls.

    A training step (forward, backward, update, running statistics, random draws) or an inference function. Calls with
    new shapes, dtypes, module modes or Python arguments run eagerly and are captured; once two calls have led to the
    same program, it is trusted, goes through passes (`minigrad.compilation.PASSES`), and is replayed. Results,
    gradients and random numbers are the eager ones.

    What the function depends on (closure variables, globals, attributes of objects and their classes, items of lists
    and dicts) is looked at before each replay: scalars and NumPy arrays count by value, everything else by identity,
    and a change leads to another capture. Values of Tensors are read anew. The optimizer's own code updates
    parameters, so that learning rates and loaded states need nothing. What no program could repeat (a number that
    Python looks at, arrays made by raw NumPy, random numbers of other generators, iterators, a recorded result, hooks,
    objects that are changed) is told in one warning with its line, and then such calls run eagerly. What cannot be
    seen are the clock, files, environment variables, and names that are looked up by `globals()` or `eval`.

    Arrays among the arguments reach the function as Tensors. What it does beside computing (printing, writing files)
    happens in calls that are captured only.

    Args:
        function: from Tensors, and anything else, to Tensors in dicts, lists and tuples, or None. (`return float(loss)`
            gives a number, too.) Call `backward` in
            it, or call it within `no_grad()`: it cannot be differentiated from outside.

    Returns:
        A `minigrad.compilation.Compiled`: called as the function, with `.program` and `.source` of the newest program.

    Raises:
        UsageError: it is no function.

    >>> from minigrad import Tensor
    >>> w = Tensor([1.0, 2.0], requires_grad=True)
    >>> @compile
    ... def step(x):
    ...     w.grad = None
    ...     loss = ((w * x) ** 2).sum()
    ...     loss.backward()
    ...     return loss
    >>> [step(Tensor([1.0, k])).item() for k in range(4)]
    [1.0, 5.0, 17.0, 37.0]
    """
    return Compiled(function)
