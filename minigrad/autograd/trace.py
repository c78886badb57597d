"""`trace`: run code, and remember every call of an op in it, the recorded ones and those that gave constants.

The graph behind a Tensor holds what backward needs. A trace also holds what led nowhere, the values, the lines and the
times: what one asks for to see a network, or to find where a gradient was lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from minigrad.autograd.error_context import call_site
from minigrad.autograd.node import STATE, Node, Scope, override_state
from minigrad.autograd.tensor import Tensor

if TYPE_CHECKING:
    from minigrad.autograd.op import Op
    from minigrad.autograd.rule import Plan


@dataclass(frozen=True, eq=False)
class Event:
    """One call of an op. An op with several results has one event for the call, and one for each recorded result.

    Attributes:
        op: what was called.
        inputs: the arrays it was given (and None, or plain numbers). Which event made one is told by identity: a
            detached Tensor still has the very array that it was detached from.
        settings: in canonical form.
        out: the array that came out; for several results, what holds them all.
        node: what was recorded, or None.
        recording: whether it could have been: False inside of `no_grad()`.
        scope: the module call that it happened in.
        site: file and line of the call, outside of minigrad.
        seconds: from the end of the event before.
    """

    op: Op
    inputs: tuple[Any, ...]
    settings: dict[str, Any]
    out: Any
    node: Node | None
    recording: bool
    scope: Scope | None
    site: tuple[str, int]
    seconds: float


class NumberExit(NamedTuple):
    """A recorded value that left the graph as a plain number.

    Attributes:
        node: how the value was made.
        how: what made a number of it, such as "float()".
        before: the number of events before it.
        site: file and line, outside of minigrad.
    """

    node: Node
    how: str
    before: int
    site: tuple[str, int]


class Trace:
    """What happened, oldest first.

    Attributes:
        events: every call of an op.
        numbers: the recorded values that became plain numbers.
        of: the event of each recorded node.
    """

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.numbers: list[NumberExit] = []
        self.of: dict[Node, Event] = {}

    def add(self, event: Event) -> None:
        """Put an event behind the others."""
        self.events.append(event)
        if event.node is not None:
            self.of[event.node] = event


@contextmanager
def trace(*, freeze_integers: bool = False) -> Iterator[Trace]:
    """Remember what ops do inside of this block (and thread). All values stay in memory as long as the Trace does.

    Args:
        freeze_integers: whether integers that come out cannot be written to (default False): an op that takes them as
            an index then keeps the very array, and no copy.

    >>> x = Tensor(2.0, requires_grad=True)
    >>> with trace() as seen:
    ...     y = (x * x).detach() + 1
    >>> [(event.op.name, event.node is not None) for event in seen.events]
    [('multiply', True), ('add', False)]
    """
    found, last = Trace(), perf_counter()
    record = STATE.recorder
    watch = STATE.watcher

    def add(op: Op, inputs: tuple[Any, ...], settings: dict[str, Any], out: Any, node: Node | None) -> None:
        nonlocal last
        if freeze_integers and isinstance(out, np.ndarray) and out.dtype.kind in "iu":
            out.flags.writeable = False
        seconds, recording = perf_counter() - last, STATE.recorder is not None
        found.add(Event(op, inputs, settings, out, node, recording, STATE.scope, call_site(), seconds))
        last = perf_counter()

    def record_and_add(
        plan: Plan, parents: tuple[Node | None, ...], values: tuple[Any, ...], settings: dict[str, Any], out: Any
    ) -> Tensor:
        assert record is not None
        result = record(plan, parents, values, settings, out)
        node = result.node
        assert node is not None
        inputs = values[0] if plan.op.variadic and values else values[: len(parents)]
        add(plan.op, inputs, settings, result._data if hasattr(out, "ndim") else out, node)
        node.site = found.events[-1].site
        return result

    def watch_and_add(op: Op, inputs: tuple[Any, ...], settings: dict[str, Any], out: Any) -> None:
        if watch is not None:
            watch(op, inputs, settings, out)
        add(op, inputs, settings, out, None)

    def watch_number(tensor: Tensor, how: str) -> None:
        assert tensor.node is not None
        found.numbers.append(NumberExit(tensor.node, how, len(found.events), call_site()))

    recorder = record_and_add if record is not None else None
    with override_state(recorder=recorder, watcher=watch_and_add, number_watcher=watch_number):
        yield found
