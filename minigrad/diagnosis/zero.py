"""Why a gradient is zero: the nearest op at which a gradient arrives, and from which none goes on."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from minigrad.autograd.node import Node
from minigrad.diagnosis.block import Block
from minigrad.diagnosis.case import Case, Finding
from minigrad.diagnosis.reason import Step, number, percent

NEARLY_ALL: Final = 0.9
"""From this share of zeros on, a gradient that is not zero is spoken of as one that nearly is."""

BLOCKING: Final = frozenset(
    ["relu", "relu6", "hardtanh", "hardsigmoid", "hardswish", "threshold", "hardshrink", "softshrink"]
)

Use = tuple[Node, int]


def all_zero(case: Case) -> Finding:
    """The gradient has no element that is not zero."""
    search = _Search(case)
    if not search.killers:
        return _canceled(case, search)
    use = search.killers[0]
    node = use[0].parents[use[1]]
    assert node is not None
    path = search.path_to(node) + case.cotangents.path_from(use)
    words, advice = replace(_block(case, use), whole=True).words()
    at = Step.of(case.flow.events[case.flow.of[use[0]]])
    count = len(search.killers)
    others = f" ({count} ops do so on the ways to the loss; this is the nearest.)" if count > 1 else ""
    arrives = number(case.cotangents.size(use[0]).norm)
    text = (
        f"It is exactly zero. A gradient of norm {arrives} arrives at {at}, and none goes on from there: {words}."
        f"{others}\n{_zeros_from(case, use)}{advice}{_fitted(case)}"
    )
    steps = case.steps(path, use[0])
    return Finding("zero", text, list(steps), next(step for _, step in steps if step.blocked))


def nearly_zero(case: Case) -> Finding | None:
    """Most of the gradient is zero because of ops with a flat side; None where that is not so."""
    size = case.cotangents.size(case.cotangents.target)
    if size.count < 2 or size.zeros < NEARLY_ALL * size.count:
        return None
    path = case.cotangents.main_path()
    for node, position in path:
        came, went = case.cotangents.size(node), case.cotangents.handed(node, position)
        flat = node.op is not None and node.op.name in BLOCKING and went.zeros >= NEARLY_ALL * went.count
        if flat and came.zeros < NEARLY_ALL * came.count:
            words, advice = _block(case, (node, position)).words()
            steps = case.steps(path, node)
            at = next(step for _, step in steps if step.blocked)
            text = (
                f"{percent(size.zeros, size.count)} of it is zero ({size.count - size.zeros} of {size.count} elements "
                f"are not). Most of the gradient ends at {at}: {words}.\n{advice}"
            )
            return Finding("zero", text, list(steps), at)
    return None


class _Search:
    """From the tensor towards the loss through all that gets no gradient, up to where there is one.

    Attributes:
        killers: uses that nothing came through although something arrived; the nearest first.
        canceled: values that gradients came to, through several uses, which add up to zero.
    """

    def __init__(self, case: Case) -> None:
        self.target = case.cotangents.target
        self.killers: list[Use] = []
        self.canceled: list[Node] = []
        self.came: dict[Node, tuple[Node, Use]] = {}
        waiting = [self.target]
        for node in waiting:  # grows while it is read
            for use in case.cotangents.users[node]:
                user = use[0]
                if case.cotangents.handed(*use).norm != 0:
                    self.canceled.append(node)
                elif case.cotangents.size(user).norm != 0:
                    self.killers.append(use)
                elif user not in self.came:
                    self.came[user] = (node, use)
                    waiting.append(user)

    def path_to(self, node: Node) -> list[Use]:
        """The uses from the tensor to a value that the search has met."""
        path: list[Use] = []
        while node is not self.target:
            node, use = self.came[node]
            path.append(use)
        return path[::-1]


def _canceled(case: Case, search: _Search) -> Finding:
    """What comes through several uses adds up to zero."""
    node = search.canceled[0] if search.canceled else case.cotangents.target
    uses = [use for use in case.cotangents.users[node] if case.cotangents.handed(*use).norm != 0]
    path = search.path_to(node)
    path += case.cotangents.path_from(uses[0]) if uses else []
    steps = case.steps(path, uses[0][0] if uses else None)
    what = "its" if node is case.cotangents.target else f"the {len(uses)} uses of the result of {node.op}:"
    parts = ", ".join(number(case.cotangents.handed(*use).norm) for use in uses)
    text = (
        f"It is exactly zero, although gradients come through {what} {f'{len(uses)} uses ' if what == 'its' else ''}"
        f"(norms {parts}): they cancel one another. The loss does not change with it, as x - x does not change with x."
        "\nNothing is broken in the graph: look at whether the formula is what you mean."
    )
    return Finding("zero", text, list(steps), next((step for _, step in steps if step.blocked), None))


def _block(case: Case, use: Use) -> Block:
    return Block(*use, case.flow.events[case.flow.of[use[0]]])


def _zeros_from(case: Case, use: Use) -> str:
    """Which call gave an op nothing but zeros, where one did."""
    x, parent = _block(case, use).x, use[0].parents[use[1]]
    if not isinstance(x, np.ndarray) or x.any() or parent not in case.flow.of:
        return ""
    return f"All that it gets is 0, and was made by {Step.of(case.flow.events[case.flow.of[parent]], facts=False)}. "


def _fitted(case: Case) -> str:
    """A loss of zero has been reached: nothing is left to do."""
    values = np.asarray(case.loss._data)
    return " The loss is 0: what is minimal has no slope." if values.size == 1 and not values.any() else ""
