"""`GradientTrace`: the gradient at every step between a loss and a tensor, and what each rule passed on of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np

from minigrad.autograd.backward import pull_back, toposort
from minigrad.autograd.multiple_results import Cotangents
from minigrad.autograd.node import Node, override_state
from minigrad.autograd.tensor import Tensor
from minigrad.diagnosis.dataflow import differentiable_parents
from minigrad.typing import Array, Value

Use: TypeAlias = tuple[Node, int]
"""One use of a value: the node of the op that took it, and the position of the input."""


@dataclass(frozen=True)
class Magnitude:
    """The size of an array.

    Attributes:
        norm: the Euclidean norm; NaN or infinite if an element is.
        zeros: the number of elements that are exactly 0.
        nonfinite: the number of elements that are NaN or infinite.
        has_nan: whether one of these is NaN.
        count: the number of elements.
    """

    norm: float
    zeros: int
    nonfinite: int
    has_nan: bool
    count: int

    @classmethod
    def of(cls, value: Value | Cotangents) -> Magnitude:
        """The magnitude of an array, a number, or the cotangents of an op's several results."""
        if isinstance(value, Cotangents):
            value = np.concatenate([np.ravel(part) for part in value.parts.values()] or [np.zeros(0)])
        array = np.asarray(value)
        flat = np.asarray(array, np.float64).ravel()
        square = float(flat @ flat)
        if 1e-200 < square < 1e200:  # so all is finite, and the square exact enough
            return cls(math.sqrt(square), array.size - int(np.count_nonzero(array)), 0, False, array.size)
        finite = np.isfinite(array)
        nonfinite = array.size - int(np.count_nonzero(finite))
        zeros = array.size - int(np.count_nonzero(array))
        has_nan = bool(nonfinite) and bool(np.isnan(array).any())
        length = math.nan if has_nan else math.inf if nonfinite else euclidean_norm(array)
        return cls(length, zeros, nonfinite, has_nan, array.size)


NOTHING: Final = Magnitude(0.0, 0, 0, False, 0)


def euclidean_norm(array: Array) -> float:
    """The Euclidean norm, also where the squares themselves would overflow or underflow."""
    largest = float(np.max(np.abs(array), initial=0.0))
    if largest == 0 or not math.isfinite(largest):
        return largest
    return largest * math.sqrt(float(np.sum(np.square(np.asarray(array, np.float64) / largest))))


class GradientTrace:
    """A backward pass from a loss to a tensor with the magnitude of every cotangent.

    It changes neither the `.grad` of variables nor the graph, which can be used again.

    Attributes:
        target: the node of the tensor.
        nodes: the nodes that lead from the tensor to the loss, newest first, both included.
        uses: for each of these nodes, the uses of its value.
        gradient: the gradient of the tensor; None where a function that was replayed never used it.
        arrived: by node, the magnitude of its complete cotangent.
        passed: by use, the magnitude of what the rule passed on to that input.
    """

    def __init__(self, tensor: Tensor, loss: Tensor) -> None:
        assert tensor.node is not None
        assert loss.node is not None
        self.target = tensor.node
        self.nodes = _leading_to(self.target, toposort([loss.node]))
        self.uses: dict[Node, list[Use]] = {node: [] for node in self.nodes}
        for node in self.nodes:
            for position, parent in differentiable_parents(node):
                if parent in self.uses:
                    self.uses[parent].append((node, position))
        self.passed: dict[Use, Magnitude] = {}
        seed = {loss.node: np.ones(loss.shape, loss.dtype)}
        # What lies behind the tensor is not passed: it may have been freed, and it does not matter.
        nodes = [node for node in self.nodes if node is not self.target]
        with np.errstate(all="ignore"), override_state(recorder=None, watcher=None, gradient_watcher=self._watch):
            reached = pull_back(seed, nodes, frozenset(self.nodes), keep=True)
        self.gradient = reached.get(self.target)
        self.arrived = {node: self._complete(node, g) for node, g in reached.items()}

    def _watch(self, node: Node, position: int, cotangent: Value) -> None:
        if node in self.uses:
            self.passed[node, position] = Magnitude.of(cotangent)

    def _complete(self, node: Node, g: Value | Cotangents) -> Magnitude:
        """The magnitude of a node's cotangent, which is that of its only part where there is one."""
        uses = self.uses[node]
        return (self.passed.get(uses[0]) if len(uses) == 1 else None) or Magnitude.of(g)

    def at_target(self) -> Magnitude:
        """The magnitude of the tensor's gradient."""
        return self.arriving(self.target)

    def arriving(self, node: Node) -> Magnitude:
        """The magnitude of the complete cotangent of a node; that of nothing where none arrived."""
        return self.arrived.get(node, NOTHING)

    def passing(self, use: Use) -> Magnitude:
        """The magnitude of what came through one use of a value.

        Of a use that was replayed, only the sum with the other uses is known.
        """
        user, position = use
        parent = user.parents[position]
        assert parent is not None
        return self.passed.get(use) or self.arriving(parent)

    def main_path(self) -> list[Use]:
        """The path from the tensor to the loss, each time through the use that passed on the most."""
        path: list[Use] = []
        at = self.target
        while uses := self.uses[at]:
            use = max(uses, key=lambda use: _rank(self.passing(use).norm))
            path.append(use)
            at = use[0]
        return path

    def path_from(self, use: Use) -> list[Use]:
        """The path from one use on to the loss by the fewest steps."""
        goal = self.nodes[0]
        came: dict[Node, Use] = {}
        waiting = [goal]
        for node in waiting:  # backwards from the loss; grows while it is read
            for position, parent in differentiable_parents(node):
                if parent in self.uses and parent not in came and parent is not goal:
                    came[parent] = (node, position)
                    waiting.append(parent)
        path = [use]
        while path[-1][0] is not goal:
            path.append(came[path[-1][0]])
        return path


def _rank(size: float) -> float:
    """NaN ranks as infinity, so that a path leads through it."""
    return math.inf if math.isnan(size) else size


def _leading_to(target: Node, nodes: list[Node]) -> list[Node]:
    """Those of the nodes (newest first) from which the target can be reached, itself included."""
    leading = {target}
    for node in reversed(nodes):
        if any(parent in leading for _, parent in differentiable_parents(node)):
            leading.add(node)
    return [node for node in nodes if node in leading]
