"""`Context`: what is known about the tensor in question; `Explanation`: what one of the searches found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeAlias

from minigrad.autograd.node import Leaf, Node
from minigrad.autograd.tensor import Tensor
from minigrad.autograd.trace import Event
from minigrad.diagnosis.dataflow import SOURCE, Dataflow
from minigrad.diagnosis.gradient_trace import GradientTrace, Use
from minigrad.diagnosis.reason import SHOWN, Cause, PathStep
from minigrad.nn import Module

NumberedSteps: TypeAlias = Sequence[tuple[int | None, PathStep]]
"""The steps of a path with the numbers of their events; None for a step that is no call of an op."""


@dataclass
class Context:
    """The tensor, the loss, and what ran between them.

    Attributes:
        tensor, loss: the two ends.
        flow: the calls.
        traced: whether the calls were seen as they ran; else only what the graph has kept is known.
        modules: the modules that the function uses.
    """

    tensor: Tensor
    loss: Tensor
    flow: Dataflow
    traced: bool
    modules: list[Module]

    @cached_property
    def gradients(self) -> GradientTrace:
        """The gradients between the two ends."""
        return GradientTrace(self.tensor, self.loss)

    @cached_property
    def names(self) -> dict[int, str]:
        """The paths of parameters and buffers of the modules, by the id of the Tensor."""
        found: dict[int, str] = {}
        for module in self.modules:
            for path, tensor in [*module.named_parameters(), *module.named_buffers()]:
                found.setdefault(id(tensor), path)
        return found

    @cached_property
    def name(self) -> str:
        """What messages call the tensor."""
        if id(self.tensor) in self.names:
            return self.names[id(self.tensor)]
        node = self.tensor.node
        if node is not None and node.op is not None:
            return node.value_name
        if isinstance(node, Leaf) and node.name:
            return node.name
        return "the variable" if node is not None else "the constant"

    def event(self, node: Node) -> Event:
        """The call that recorded a node."""
        return self.flow.events[self.flow.of[node]]

    def label(self, number: int) -> str:
        """What messages call the event of this number, or the tensor."""
        return self.name if number == SOURCE else str(PathStep.of(self.flow.events[number], facts=False))

    def steps(self, path: Sequence[Use], blocked: Node | None = None) -> list[tuple[int, PathStep]]:
        """The steps of a recorded path, each with the gradient there and the number of its event.

        Args:
            path: the uses from the tensor to the loss.
            blocked: the node at which the gradient is lost.
        """
        found = []
        for k, (node, position) in enumerate(path):
            i = self.flow.of[node]
            step = PathStep.of(
                self.flow.events[i],
                facts=k < SHOWN or k > len(path) - SHOWN or node is blocked,
                arrives=self.gradients.arriving(node).norm,
                passes=self.gradients.passing((node, position)).norm,
                blocked=node is blocked,
            )
            found.append((i, step))
        return found


@dataclass(frozen=True)
class Explanation:
    """What a search found; `why` makes a Reason of it.

    Attributes:
        cause, text: as in `Reason`.
        path: the steps from the tensor to the loss.
        at: the step to look at.
    """

    cause: Cause
    text: str
    path: NumberedSteps = field(default_factory=list)
    at: PathStep | None = None


def blocked_step(path: NumberedSteps) -> PathStep:
    """The step of a path at which the gradient is lost."""
    return next(step for _, step in path if step.blocked)
