"""`Cotangents`: the gradient at every step between a loss and a tensor, and what each rule made of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from minigrad.autograd.backward import pull_back, toposort
from minigrad.autograd.multiple_results import Cotangents as Parts
from minigrad.autograd.node import Node, override_state
from minigrad.autograd.tensor import Tensor
from minigrad.diagnosis.flow import differentiable


@dataclass(frozen=True)
class Size:
    """How large an array is: its norm (the root of the sum of squares), its zeros, and what is not finite."""

    norm: float
    zeros: int
    bad: int
    nan: bool
    count: int

    @classmethod
    def of(cls, value: Any) -> Size:
        """Look at an array, a number, or the cotangents of an op's several results."""
        if isinstance(value, Parts):
            value = np.concatenate([np.ravel(part) for part in value.parts.values()] or [np.zeros(0)])
        array = np.asarray(value)
        flat = np.asarray(array, np.float64).ravel()
        square = float(flat @ flat)
        if 1e-200 < square < 1e200:  # so it is finite, and exact enough
            return cls(math.sqrt(square), array.size - int(np.count_nonzero(array)), 0, False, array.size)
        finite = np.isfinite(array)
        bad = array.size - int(np.count_nonzero(finite))
        zeros = array.size - int(np.count_nonzero(array))
        nan = bool(bad) and bool(np.isnan(array).any())
        return cls(math.nan if nan else math.inf if bad else norm(array), zeros, bad, nan, array.size)


NOTHING: Final = Size(0.0, 0, 0, False, 0)


def norm(array: Any) -> float:
    """The root of the sum of squares, also where the squares themselves would overflow or vanish."""
    largest = float(np.max(np.abs(array), initial=0.0))
    if largest == 0 or not math.isfinite(largest):
        return largest
    return largest * math.sqrt(float(np.sum(np.square(np.asarray(array, np.float64) / largest))))


class Cotangents:
    """A backward pass that was looked at. Gradients of variables stay what they are, and the graph can be used again.

    Attributes:
        nodes: what leads from the tensor to the loss, newest first, both included.
        users: for each of these, the nodes that took it, with the position of the input.
        gradient: the gradient of the tensor; None where a function that was replayed never used it.
        sizes: of the complete cotangent of each node.
        passed: by node and position of an input: the size of what the node's rule handed on to that input.
    """

    def __init__(self, tensor: Tensor, loss: Tensor) -> None:
        assert tensor.node is not None
        assert loss.node is not None
        self.target = tensor.node
        self.nodes = _leading_to(self.target, toposort([loss.node]))
        self.users: dict[Node, list[tuple[Node, int]]] = {node: [] for node in self.nodes}
        for node in self.nodes:
            for position, parent in differentiable(node):
                if parent in self.users:
                    self.users[parent].append((node, position))
        self.passed: dict[tuple[Node, int], Size] = {}
        seed = {loss.node: np.ones(loss.shape, loss.dtype)}
        # What lies behind the tensor is not passed: it may have been freed, and it does not matter.
        nodes = [node for node in self.nodes if node is not self.target]
        with np.errstate(all="ignore"), override_state(recorder=None, watcher=None, gradient_watcher=self._look):
            reached = pull_back(seed, nodes, frozenset(self.nodes), keep=True)
        self.gradient = reached.get(self.target)
        self.sizes = {node: self._complete(node, g) for node, g in reached.items()}

    def _look(self, node: Node, position: int, cotangent: Any) -> None:
        if node in self.users:
            self.passed[node, position] = Size.of(cotangent)

    def _complete(self, node: Node, g: Any) -> Size:
        """The size of a node's cotangent, which is that of the only part of it, where there is one."""
        uses = self.users[node]
        return (self.passed.get(uses[0]) if len(uses) == 1 else None) or Size.of(g)

    def size(self, node: Node) -> Size:
        """Of the complete cotangent of a node; of nothing, where none arrived."""
        return self.sizes.get(node, NOTHING)

    def handed(self, user: Node, position: int) -> Size:
        """What came through one use of a value; of a use that was replayed, only the sum with the others is known."""
        parent = user.parents[position]
        assert parent is not None
        return self.passed.get((user, position)) or self.size(parent)

    def main_path(self) -> list[tuple[Node, int]]:
        """From the tensor to the loss, each time through the use that handed on most: (user, position of input)."""
        path: list[tuple[Node, int]] = []
        at = self.target
        while users := self.users[at]:
            user, position = max(users, key=lambda use: _rank(self.handed(*use).norm))
            path.append((user, position))
            at = user
        return path

    def path_from(self, use: tuple[Node, int]) -> list[tuple[Node, int]]:
        """From one use on to the loss, by the fewest steps."""
        goal = self.nodes[0]
        came: dict[Node, tuple[Node, int]] = {}
        waiting = [goal]
        for node in waiting:  # backwards from the loss; grows while it is read
            for position, parent in differentiable(node):
                if parent in self.users and parent not in came and parent is not goal:
                    came[parent] = (node, position)
                    waiting.append(parent)
        path = [use]
        while path[-1][0] is not goal:
            path.append(came[path[-1][0]])
        return path


def _rank(size: float) -> float:
    """NaN and infinity count as largest: what is wrong is what one wants to see."""
    return math.inf if math.isnan(size) else size


def _leading_to(target: Node, nodes: list[Node]) -> list[Node]:
    """Those of the nodes (newest first) from which the target can be reached, itself included."""
    leading = {target}
    for node in reversed(nodes):
        if any(parent in leading for _, parent in differentiable(node)):
            leading.add(node)
    return [node for node in nodes if node in leading]
