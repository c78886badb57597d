"""`Dataflow`: which call of an op took its inputs from which other calls, whether gradients were recorded or not.

The recorded graph ends where a gradient was lost, and does not tell why. Arrays do not end there: a detached Tensor
still has the very array that it was detached from, and `t.numpy()` is a view of it. So calls are linked by the node of
each input where one was recorded, else by the identity of arrays, else (for copies) by equal values.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Literal, TypeGuard

import numpy as np

from minigrad.autograd.backward import toposort
from minigrad.autograd.node import Node
from minigrad.autograd.tensor import Tensor
from minigrad.autograd.trace import Event, Trace
from minigrad.errors import FreedGraphError
from minigrad.typing import Array, Value

SOURCE: Final = -1
"""The number that stands for the tensor in question among the numbers of the events."""

LinkKind = Literal["recorded", "same", "copy"]


@dataclass(frozen=True)
class Link:
    """A value that went from one call to another.

    Attributes:
        producer: the number of the event that gave the value; SOURCE for the tensor in question.
        consumer: the number of the event that took it.
        position: as which input.
        kind: "recorded": gradients flow back through it; "same": the very array, off the record; "copy": equal values.
    """

    producer: int
    consumer: int
    position: int
    kind: LinkKind


class Dataflow:
    """The calls behind a loss, and the links between them.

    Attributes:
        tensor, loss: the two ends.
        array: the tensor's array; as long as it lives, no other array has its id.
        events: the calls, oldest first; from number `traced_from` on, they were seen as they ran.
        numbers: the recorded values that became plain numbers.
        of: by node, the number of the event that recorded it.
        incoming: for each event, the links from which it took its inputs.
        outgoing: by event (or SOURCE), the links to those that took its result.
        unknown: arrays that an event took from nowhere, with its number and the position of the input.
        end: the number of the event that gave the loss; None where nothing that is known did.
    """

    def __init__(self, tensor: Tensor, loss: Tensor, seen: Trace) -> None:
        self.tensor, self.loss = tensor, loss
        self.array = tensor._data
        older = _older(loss, seen)
        self.traced_from, self.numbers = len(older), seen.numbers
        self.events: list[Event] = older + seen.events
        self.of: dict[Node, int] = {e.node: i for i, e in enumerate(self.events) if e.node is not None}
        self.incoming: list[list[Link]] = [[] for _ in self.events]
        self.outgoing: dict[int, list[Link]] = {}
        self._by_id: dict[int, int] = {id(self.array): SOURCE}
        self.unknown: list[tuple[Array | float, int, int]] = []
        for i, event in enumerate(self.events):
            self._link_inputs(i, event)
            self._note_results(i, event)
        self.end = self._find_end()

    # ---- linking -----------------------------------------------------------------------------------------------

    def _link_inputs(self, i: int, event: Event) -> None:
        parents = event.node.parents if event.node is not None else ()
        recorded = set(differentiable_parents(event.node)) if event.node is not None else set()
        for position in range(max(len(event.inputs), len(parents))):
            parent = parents[position] if position < len(parents) else None
            value = event.inputs[position] if position < len(event.inputs) else None
            if parent is not None:
                producer = SOURCE if parent is self.tensor.node else self.of.get(parent)
                kind: LinkKind = "recorded" if (position, parent) in recorded else "same"
            else:
                producer, kind = self._producer(value), "same"
            if producer is not None:
                self.link(Link(producer, i, position, kind))
            elif parent is None and _is_floating(value):
                self.unknown.append((value, i, position))
        for setting in event.settings.values():  # indices, which are copied on their way in
            for part in setting if isinstance(setting, tuple) else (setting,):
                if isinstance(part, np.ndarray) and part.dtype.kind in "iub":
                    self.unknown.append((part, i, 0))

    def _note_results(self, i: int, event: Event) -> None:
        if event.node is not None and event.node is self.tensor.node:
            return
        former = self._by_id.get(id(event.out))
        if not event.inputs and former is not None and former != i:  # a checkpoint gives what was made inside of it
            self.link(Link(former, i, 0, "same"))
        for out in (event.out, *getattr(event.out, "arrays", ())):
            if out is not None:
                self._by_id[id(out)] = i

    def _producer(self, value: Value) -> int | None:
        """The event that made an array, or the array that it is a view of."""
        base = value
        while base is not None:
            if id(base) in self._by_id:
                return self._by_id[id(base)]
            base = getattr(base, "base", None)
        return None

    def link(self, link: Link) -> None:
        """Add a link."""
        self.incoming[link.consumer].append(link)
        self.outgoing.setdefault(link.producer, []).append(link)

    def _find_end(self) -> int | None:
        if self.loss.node is not None and self.loss.node in self.of:
            return self.of[self.loss.node]
        if self.loss.node is not None and self.loss.node is not self.tensor.node:
            return None
        return self._producer(self.loss._data)

    def link_copies(self) -> None:
        """Link the arrays of unknown origin to calls that depend on the tensor and gave exactly the same values."""
        known = {_values_key(self.array): SOURCE}
        known |= {_values_key(self.events[i].out): i for i in sorted(self.descendants(SOURCE))}
        known.pop(None, None)
        if self.end is None and self.loss.node is None:
            self.end = known.get(_values_key(self.loss._data))
        for value, consumer, position in self.unknown:
            producer = known.get(_values_key(value))
            if producer is not None and producer < consumer:
                self.link(Link(producer, consumer, position, "copy"))

    # ---- walking -----------------------------------------------------------------------------------------------

    def descendants(self, start: int, allowed: Callable[[Link], bool] = lambda link: True) -> set[int]:
        """The calls that depend on one, through allowed links."""
        found: set[int] = set()
        waiting = [start]
        for producer in waiting:  # grows while it is read
            for link in self.outgoing.get(producer, ()):
                if link.consumer not in found and allowed(link):
                    found.add(link.consumer)
                    waiting.append(link.consumer)
        return found

    def differentiable(self) -> set[int]:
        """The calls from which a gradient can flow back to the tensor."""
        return self.descendants(SOURCE, lambda link: link.kind == "recorded")

    def ancestors(self, ends: Iterable[int]) -> set[int]:
        """The calls that these depend on, themselves included."""
        waiting = list(ends)
        found = set(waiting)
        for consumer in waiting:  # grows while it is read
            for link in self.incoming[consumer]:
                if link.producer != SOURCE and link.producer not in found:
                    found.add(link.producer)
                    waiting.append(link.producer)
        return found

    def shortest_path(
        self, start: int, goal: int, allowed: Callable[[Link], bool] = lambda link: True
    ) -> list[Link] | None:
        """The fewest allowed links from one call to another, recorded ones first; None if there is no such path."""
        came: dict[int, Link] = {}
        waiting = deque([start])
        while waiting:
            producer = waiting.popleft()
            if producer == goal:
                return _walked_back(came, start, goal)
            for link in sorted(self.outgoing.get(producer, ()), key=_is_not_recorded):
                if link.consumer not in came and allowed(link):
                    came[link.consumer] = link
                    waiting.append(link.consumer)
        return None


def _is_not_recorded(link: Link) -> bool:
    return link.kind != "recorded"


def _walked_back(came: dict[int, Link], start: int, goal: int) -> list[Link]:
    links: list[Link] = []
    at = goal
    while at != start:
        links.append(came[at])
        at = came[at].producer
    return links[::-1]


def _older(loss: Tensor, seen: Trace) -> list[Event]:
    """The calls behind the loss that were recorded outside of the trace, with the values that the graph has kept."""
    if loss.node is None:
        return []
    nodes = [node for node in toposort([loss.node])[::-1] if node.plan is not None and node not in seen.of]
    if loss.node.plan is not None and loss.node.saved is None:
        raise FreedGraphError(
            "why: the graph behind this loss was freed by backward: ask before, pass retain_graph=True to backward, "
            "or give the function that computes the loss in place of the loss"
        )
    return [event_from_node(node) for node in nodes]


def event_from_node(node: Node) -> Event:
    """The call behind a node, with the values that its rules asked to keep, and None for the others."""
    assert node.plan is not None
    op = node.plan.op
    kept = dict(zip(node.plan.saved_names, node.saved, strict=True)) if node.saved else {}
    if op.variadic:
        inputs = tuple(kept.get(op.inputs[0], (None,) * len(node.parents)))
    else:
        inputs = tuple([kept.get(name) for name in op.inputs[: len(node.parents)]])
    site = getattr(node, "site", None) or ("", 0)
    return Event(op, inputs, node.settings, kept.get("out"), node, True, node.scope, site, 0.0)


def differentiable_parents(node: Node) -> list[tuple[int, Node]]:
    """The parents that a cotangent is passed on to, with their positions; an op may have no rule for some."""
    if node.plan is None:
        return []
    if node.plan.pulls is None:  # a checkpoint: its rules are those of what is run again
        return [(k, parent) for k, parent in enumerate(node.parents) if parent is not None]
    found = [(pull.position, node.parents[pull.position]) for pull in node.plan.pulls if node.parents]
    return [(k, parent) for k, parent in found if parent is not None]


def _is_floating(value: Value) -> TypeGuard[Array | float]:
    return isinstance(value, float) or (isinstance(value, (np.ndarray, np.floating)) and value.dtype.kind == "f")


def _values_key(value: Value) -> tuple[int, int] | None:
    """What two arrays of equal numbers share; None where floating ones could well be equal by chance."""
    if isinstance(value, np.ndarray) and value.size and value.dtype.kind in "iub":  # of an index, 0 is as good as any
        return -value.size, hash(value.tobytes())
    if not _is_floating(value):
        return None
    array = np.ascontiguousarray(value, np.float64)
    first = array.flat[0] if array.size else np.nan
    if not np.isfinite(first) or (first % 1 == 0 if array.size == 1 else np.all(array == first)):
        return None
    return array.size, hash(array.tobytes())
