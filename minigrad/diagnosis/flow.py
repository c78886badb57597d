"""`Flow`: which call of an op got what from which, gradients or no gradients.

The recorded graph ends where a gradient was lost, and is silent about why. Arrays do not end there: a detached Tensor
still has the very array that it was detached from, and `t.numpy()` is a view of it. So calls are linked by the node of
each input where one was recorded, else by the identity of arrays, else (for copies) by equal values.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np

from minigrad.autograd.backward import toposort
from minigrad.autograd.node import Node
from minigrad.autograd.tensor import Tensor
from minigrad.autograd.trace import Event, Trace
from minigrad.errors import FreedGraphError

SOURCE: Final = -1  # stands for the tensor in question among the numbers of the events

How = Literal["recorded", "same", "copy"]


@dataclass(frozen=True)
class Link:
    """Call `user` took, as its input `position`, what call `maker` gave (SOURCE: the tensor in question)."""

    maker: int
    user: int
    position: int
    how: How


class Flow:
    """The calls behind a loss, and how values went from one to another.

    Attributes:
        tensor, loss: the two ends.
        events: the calls, oldest first.
        of: the number of the event that a node was recorded in.
        makers: what each call was given: links.
        users: who took what a call (or the tensor, under SOURCE) gave: links.
        end: the number of the event that gave the loss; None where it was made outside of all that is known.
    """

    def __init__(self, tensor: Tensor, loss: Tensor, seen: Trace) -> None:
        self.tensor, self.loss = tensor, loss
        self.array = tensor._data  # as long as it lives, nothing else has its id
        self.events: list[Event] = _older(loss, seen) + seen.events
        self.of: dict[Node, int] = {e.node: i for i, e in enumerate(self.events) if e.node is not None}
        self.makers: list[list[Link]] = [[] for _ in self.events]
        self.users: dict[int, list[Link]] = {}
        self._by_id: dict[int, int] = {id(self.array): SOURCE}
        self.unknown: list[tuple[Any, int, int]] = []
        for i, event in enumerate(self.events):
            self._take(i, event)
            self._give(i, event)
        self.end = self._end()

    # ---- linking -----------------------------------------------------------------------------------------------

    def _take(self, i: int, event: Event) -> None:
        parents = event.node.parents if event.node is not None else ()
        recorded = set(differentiable(event.node)) if event.node is not None else set()
        for position in range(max(len(event.inputs), len(parents))):
            parent = parents[position] if position < len(parents) else None
            value = event.inputs[position] if position < len(event.inputs) else None
            if parent is not None:
                maker = SOURCE if parent is self.tensor.node else self.of.get(parent)
                how: How = "recorded" if (position, parent) in recorded else "same"
            else:
                maker, how = self._maker(value), "same"
            if maker is not None:
                self.link(Link(maker, i, position, how))
            elif parent is None and _is_float(value):
                self.unknown.append((value, i, position))
        for setting in event.settings.values():  # indices, which are copied on their way in
            for part in setting if isinstance(setting, tuple) else (setting,):
                if isinstance(part, np.ndarray) and part.dtype.kind in "iub":
                    self.unknown.append((part, i, 0))

    def _give(self, i: int, event: Event) -> None:
        if event.node is not None and event.node is self.tensor.node:
            return
        former = self._by_id.get(id(event.out))
        if not event.inputs and former is not None and former != i:  # a checkpoint gives what was made inside of it
            self.link(Link(former, i, 0, "same"))
        for out in (event.out, *getattr(event.out, "arrays", ())):
            if out is not None:
                self._by_id[id(out)] = i

    def _maker(self, value: Any) -> int | None:
        """Who made an array, or the one that it is a view of."""
        base = value
        while base is not None:
            if id(base) in self._by_id:
                return self._by_id[id(base)]
            base = getattr(base, "base", None)
        return None

    def link(self, link: Link) -> None:
        """Add a link."""
        self.makers[link.user].append(link)
        self.users.setdefault(link.maker, []).append(link)

    def _end(self) -> int | None:
        if self.loss.node is not None and self.loss.node in self.of:
            return self.of[self.loss.node]
        if self.loss.node is not None and self.loss.node is not self.tensor.node:
            return None
        return self._maker(self.loss._data)

    def link_copies(self) -> None:
        """Link the arrays of unknown origin to calls that lead away from the tensor and gave the very same values."""
        known = {_key(self.array): SOURCE}
        known |= {_key(self.events[i].out): i for i in sorted(self.after(SOURCE))}
        known.pop(None, None)
        if self.end is None and self.loss.node is None:
            self.end = known.get(_key(self.loss._data))
        for value, user, position in self.unknown:
            maker = known.get(_key(value))
            if maker is not None and maker < user:
                self.link(Link(maker, user, position, "copy"))

    # ---- walking -----------------------------------------------------------------------------------------------

    def after(self, start: int) -> set[int]:
        """The calls that depend on one, by whatever links."""
        found: set[int] = set()
        waiting = [start]
        for maker in waiting:  # grows while it is read
            for link in self.users.get(maker, ()):
                if link.user not in found:
                    found.add(link.user)
                    waiting.append(link.user)
        return found

    def before(self, ends: Iterable[int]) -> set[int]:
        """The calls that these depend on, themselves included."""
        waiting = list(ends)
        found = set(waiting)
        for user in waiting:  # grows while it is read
            for link in self.makers[user]:
                if link.maker != SOURCE and link.maker not in found:
                    found.add(link.maker)
                    waiting.append(link.maker)
        return found

    def live(self) -> set[int]:
        """The calls that a gradient could flow back from to the tensor."""
        found: set[int] = set()
        waiting = [SOURCE]
        for maker in waiting:
            for link in self.users.get(maker, ()):
                if link.how == "recorded" and link.user not in found:
                    found.add(link.user)
                    waiting.append(link.user)
        return found

    def path(self, start: int, goal: int, allowed: Callable[[Link], bool] = lambda link: True) -> list[Link] | None:
        """The fewest allowed links from one call to another, recorded ones first; None if there are none."""
        came: dict[int, Link] = {}
        waiting = deque([start])
        while waiting:
            maker = waiting.popleft()
            if maker == goal:
                return _walked_back(came, start, goal)
            for link in sorted(self.users.get(maker, ()), key=_recorded_first):
                if link.user not in came and allowed(link):
                    came[link.user] = link
                    waiting.append(link.user)
        return None


def _recorded_first(link: Link) -> bool:
    return link.how != "recorded"


def _walked_back(came: dict[int, Link], start: int, goal: int) -> list[Link]:
    links: list[Link] = []
    at = goal
    while at != start:
        links.append(came[at])
        at = came[at].maker
    return links[::-1]


def _older(loss: Tensor, seen: Trace) -> list[Event]:
    """The calls behind the loss that were recorded outside of the trace, as far as the graph remembers them."""
    if loss.node is None:
        return []
    nodes = [node for node in toposort([loss.node])[::-1] if node.plan is not None and node not in seen.of]
    if loss.node.plan is not None and loss.node.saved is None:
        raise FreedGraphError(
            "why: the graph behind this loss was freed by backward: ask before, pass retain_graph=True to backward, "
            "or give the function that computes the loss in place of the loss"
        )
    return [remembered(node) for node in nodes]


def remembered(node: Node) -> Event:
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


def differentiable(node: Node) -> list[tuple[int, Node]]:
    """The parents that a cotangent goes on to, with their positions: an op has parents that it has no rule for, too."""
    if node.plan is None:
        return []
    if node.plan.pulls is None:  # a checkpoint: its rules are those of what is run again
        return [(k, parent) for k, parent in enumerate(node.parents) if parent is not None]
    found = [(pull.position, node.parents[pull.position]) for pull in node.plan.pulls if node.parents]
    return [(k, parent) for k, parent in found if parent is not None]


def _is_float(value: Any) -> bool:
    return isinstance(value, float) or (isinstance(value, (np.ndarray, np.floating)) and value.dtype.kind == "f")


def _key(value: Any) -> tuple[int, int] | None:
    """What two arrays of equal numbers share; None where floating ones could well be equal by chance."""
    if isinstance(value, np.ndarray) and value.size and value.dtype.kind in "iub":  # of an index, 0 is as good as any
        return -value.size, hash(value.tobytes())
    if not _is_float(value):
        return None
    array = np.ascontiguousarray(value, np.float64)
    first = array.flat[0] if array.size else np.nan
    if not np.isfinite(first) or (first % 1 == 0 if array.size == 1 else np.all(array == first)):
        return None
    return array.size, hash(array.tobytes())
