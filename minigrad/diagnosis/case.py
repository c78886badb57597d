"""`Case`: what is known about one question, and `Finding`: what one of the searches made of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from minigrad.autograd.node import Leaf, Node
from minigrad.autograd.tensor import Tensor
from minigrad.diagnosis.cotangent import Cotangents
from minigrad.diagnosis.flow import SOURCE, Flow
from minigrad.diagnosis.reason import SHOWN, Cause, Step
from minigrad.nn import Module


@dataclass
class Case:
    """The tensor, the loss, and what ran between them.

    Attributes:
        tensor, loss: the two ends.
        flow: the calls.
        traced: whether the calls were seen as they ran; else only what the graph kept is known.
        modules: those that the function uses.
    """

    tensor: Tensor
    loss: Tensor
    flow: Flow
    traced: bool
    modules: list[Module]

    @cached_property
    def cotangents(self) -> Cotangents:
        """The gradients between the two ends."""
        return Cotangents(self.tensor, self.loss)

    @cached_property
    def names(self) -> dict[int, str]:
        """Parameters and buffers of the modules: path by id of the Tensor."""
        found: dict[int, str] = {}
        for module in self.modules:
            for path, tensor in [*module.named_parameters(), *module.named_buffers()]:
                found.setdefault(id(tensor), path)
        return found

    @cached_property
    def name(self) -> str:
        """How the answer calls the tensor."""
        if id(self.tensor) in self.names:
            return self.names[id(self.tensor)]
        node = self.tensor.node
        if node is not None and node.op is not None:
            return f"the result of {node.op}"
        if isinstance(node, Leaf) and node.name:
            return node.name
        return "the variable" if node is not None else "the constant"

    def label(self, number: int) -> str:
        """A call in words, or the tensor."""
        return self.name if number == SOURCE else str(Step.of(self.flow.events[number], facts=False))

    def steps(self, path: list[tuple[Node, int]], blocked: Node | None = None) -> list[tuple[int, Step]]:
        """Steps of a recorded path, with the gradient at each: numbers of events with what is shown of them."""
        found = []
        for k, (node, position) in enumerate(path):
            i = self.flow.of[node]
            near = k < SHOWN or k > len(path) - SHOWN or node is blocked
            found.append(
                (
                    i,
                    Step.of(
                        self.flow.events[i],
                        facts=near,
                        arrives=self.cotangents.size(node).norm,
                        passes=self.cotangents.handed(node, position).norm,
                        blocked=node is blocked,
                    ),
                )
            )
        return found


@dataclass(frozen=True)
class Finding:
    """An answer before it is dressed up.

    Attributes:
        cause, text: as in `Reason`.
        path: numbers of events (None for what is no event) with their steps.
        at: the step to look at.
    """

    cause: Cause
    text: str
    path: list[tuple[int | None, Step]] = field(default_factory=list)
    at: Step | None = None
