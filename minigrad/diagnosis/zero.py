"""Why a gradient is zero: the op nearest to the tensor at which a gradient arrives, and that passes on none."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from minigrad.autograd.node import Node
from minigrad.diagnosis.attenuation import Attenuation
from minigrad.diagnosis.context import Context, Explanation, blocked_step
from minigrad.diagnosis.gradient_trace import Use
from minigrad.diagnosis.reason import PathStep
from minigrad.diagnosis.text import number, percent

NEARLY_ALL: Final = 0.9
"""The share of zeros from which on a gradient that is not zero is explained as one that nearly is."""

FLAT_OPS: Final = frozenset(
    ["relu", "relu6", "hardtanh", "hardsigmoid", "hardswish", "threshold", "hardshrink", "softshrink"]
)


def explain_zero(context: Context) -> Explanation:
    """The explanation of a gradient that is exactly zero."""
    search = _Search(context)
    if not search.stopping:
        return _canceled(context, search)
    use = search.stopping[0]
    node = use[0].parents[use[1]]
    assert node is not None
    path = search.path_to(node) + context.gradients.path_from(use)
    words = replace(_attenuation(context, use), complete=True).words()
    at = PathStep.of(context.event(use[0]))
    count = len(search.stopping)
    others = f" ({count} ops on the paths to the loss do so; this is the nearest.)" if count > 1 else ""
    arrives = number(context.gradients.arriving(use[0]).norm)
    text = (
        f"It is exactly zero. A gradient of norm {arrives} arrives at {at}, which passes on nothing: {words.cause}."
        f"{others}\n{_origin_of_zeros(context, use)}{words.advice}{_minimum(context)}"
    )
    steps = context.steps(path, use[0])
    return Explanation("zero", text, steps, blocked_step(steps))


def explain_mostly_zero(context: Context) -> Explanation | None:
    """The explanation of a gradient that is mostly zero because of ops that are partly flat; None if it is not."""
    found = context.gradients.at_target()
    if found.count < 2 or found.zeros < NEARLY_ALL * found.count:
        return None
    for use in context.gradients.main_path():
        node = use[0]
        arriving, passing = context.gradients.arriving(node), context.gradients.passing(use)
        flat = node.op is not None and node.op.name in FLAT_OPS and passing.zeros >= NEARLY_ALL * passing.count
        if flat and arriving.zeros < NEARLY_ALL * arriving.count:
            words = _attenuation(context, use).words()
            steps = context.steps(context.gradients.main_path(), node)
            at = blocked_step(steps)
            text = (
                f"{percent(found.zeros, found.count)} of it is zero ({found.count - found.zeros} of {found.count} "
                f"elements are not). Most of the gradient ends at {at}: {words.cause}.\n{words.advice}"
            )
            return Explanation("zero", text, steps, at)
    return None


class _Search:
    """A search from the tensor towards the loss, through all that gets no gradient, up to where there is one.

    Attributes:
        stopping: uses at which a gradient arrives and that pass on nothing, the nearest first.
        canceled: values whose uses pass on gradients that add up to zero.
    """

    def __init__(self, context: Context) -> None:
        self.target = context.gradients.target
        self.stopping: list[Use] = []
        self.canceled: list[Node] = []
        self.came: dict[Node, tuple[Node, Use]] = {}
        waiting = [self.target]
        for node in waiting:  # grows while it is read
            for use in context.gradients.uses[node]:
                user = use[0]
                if context.gradients.passing(use).norm != 0:
                    self.canceled.append(node)
                elif context.gradients.arriving(user).norm != 0:
                    self.stopping.append(use)
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


def _canceled(context: Context, search: _Search) -> Explanation:
    """The explanation of gradients through several uses that add up to zero."""
    node = search.canceled[0] if search.canceled else context.gradients.target
    uses = [use for use in context.gradients.uses[node] if context.gradients.passing(use).norm != 0]
    path = search.path_to(node)
    path += context.gradients.path_from(uses[0]) if uses else []
    steps = context.steps(path, uses[0][0] if uses else None)
    whose = "its" if node is context.gradients.target else "the"
    of = "" if node is context.gradients.target else f" of {node.value_name}"
    norms = ", ".join(number(context.gradients.passing(use).norm) for use in uses)
    text = (
        f"It is exactly zero, although gradients come through {whose} {len(uses)} uses{of} (norms {norms}): they "
        "cancel each other out. The loss does not change with it, as x - x does not change with x.\n"
        "Nothing is broken in the graph: check whether the formula is the one that you mean."
    )
    return Explanation("zero", text, steps, next((step for _, step in steps if step.blocked), None))


def _attenuation(context: Context, use: Use) -> Attenuation:
    return Attenuation(*use, context.event(use[0]))


def _origin_of_zeros(context: Context, use: Use) -> str:
    """A sentence on the call that gave an op nothing but zeros, where one did."""
    x, parent = _attenuation(context, use).x, use[0].parents[use[1]]
    if x is None or x.any() or parent not in context.flow.of:
        return ""
    return f"Its input is 0 everywhere, and was made by {PathStep.of(context.event(parent), facts=False)}. "


def _minimum(context: Context) -> str:
    """A sentence for a loss of zero, which cannot get smaller."""
    values = np.asarray(context.loss._data)
    return " The loss is 0: at a minimum, the gradient is zero." if values.size == 1 and not values.any() else ""
