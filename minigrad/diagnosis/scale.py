"""Why a gradient is tiny or huge: the factor of every step between the loss and the tensor; or that all is well."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from minigrad.autograd.node import Node
from minigrad.diagnosis.block import CHOOSING, DEAD, SATURATING, Block
from minigrad.diagnosis.case import Case, Finding
from minigrad.diagnosis.reason import Step, facts_of, number, percent

WEIGHTED: Final = frozenset(["linear", "matmul", "conv", "einsum"])
ONE_STEP: Final = 0.5  # of all the shrinking or growing (in logarithms), done by one step, names that step alone
WORST: Final = 3
COUNTING: Final = frozenset(["sum", "mean"])
"""What these change the norm by tells how many elements there are, and is no fault unless it is nearly all."""

Use = tuple[Node, int]


def scaled(case: Case, tiny: float, huge: float) -> Finding:
    """Vanished, exploding, or healthy, by the norm of the gradient; the loss itself has a gradient of 1."""
    size = case.cotangents.size(case.cotangents.target)
    path = case.cotangents.main_path()
    if 0 < size.norm < tiny and path:
        return _vanished(case, path, size.norm)
    if size.norm > huge and path:
        return _exploding(case, path, size.norm)
    return _healthy(case, path)


def factors(case: Case, path: Sequence[Use]) -> list[float]:
    """By what each step changes the norm: below 1 it shrinks on its way from the loss."""
    norms = [case.cotangents.handed(*use).norm for use in path]
    arriving = [case.cotangents.size(node).norm for node, _ in path]
    return [out / into if into else math.nan for out, into in zip(norms, arriving, strict=True)]


def _vanished(case: Case, path: list[Use], norm: float) -> Finding:
    changes = factors(case, path)
    worst = sorted(range(len(path)), key=lambda k: changes[k])
    share = math.log(changes[worst[0]]) / math.log(norm / _start(case, path)) if changes[worst[0]] > 0 else 1.0
    worst = _faults(path, worst, share)
    node, position = path[worst[0]]
    steps = case.steps(path, node)
    at = next(step for _, step in steps if step.blocked)
    head = f"Of a gradient of norm {number(_start(case, path))} at the loss, {number(norm)} arrives. "
    words, advice = Block(node, position, case.flow.events[case.flow.of[node]]).words()
    telling = node.op is not None and node.op.name in (DEAD.keys() | SATURATING - {"exp", "exp2"} | {"standardize"})
    if share >= ONE_STEP and _is_summed(path[worst[0]]):
        words, advice = _summed_words(case, path[worst[0] + 1 :])
        telling = True
    if share >= ONE_STEP:
        why = words if telling else _by_factor(case, node, position)
        text = f"{head}Most of it is lost in one step, {at}, which hands on {number(changes[worst[0]])} of it: {why}.\n"
        return Finding("vanished", text + (advice if telling else _scale_advice()), [*steps], at)
    text = (
        f"{head}It shrinks over {_trend(case, path, norm)}. The worst steps: {_list(steps, worst, changes)}.\n"
        f"{f'At the worst, {words}. ' if telling else ''}"
        "Shortcuts (x + f(x)), normalization layers, relu or gelu in place of sigmoid or tanh, and an initialization "
        "for the activation in use (minigrad.init) keep gradients of one size through many layers."
    )
    return Finding("vanished", text, [*steps], at)


def _is_summed(use: Use) -> bool:
    """Whether a rule adds up parts of what arrives, as that of a bias does over the batch."""
    node, position = use
    parent = node.parents[position]
    linear = node.op is not None and node.op.name in (*WEIGHTED, "add", "subtract")
    return linear and parent is not None and math.prod(parent.shape) < math.prod(node.shape)


def _summed_words(case: Case, rest: Sequence[Use]) -> tuple[str, str]:
    """A sum that comes to nothing, and the normalization that makes it so, if there is one."""
    text = "the parts of what arrives add up to nothing"
    for node, _ in rest[:4]:
        if node.op is not None and node.op.name == "standardize":
            norm = Step.of(case.flow.events[case.flow.of[node]], facts=False)
            return (
                f"{text}, since {norm} takes the mean out again, so that nothing depends on it",
                "A bias in front of a normalization does nothing: leave it out with bias=False.",
            )
    return text, "Perhaps the loss does not depend on it at all, and what is left is rounding."


def _exploding(case: Case, path: list[Use], norm: float) -> Finding:
    changes = factors(case, path)
    worst = sorted(range(len(path)), key=lambda k: -changes[k])
    start = max(_start(case, path), 1e-300)
    share = math.log(max(changes[worst[0]], 1e-300)) / math.log(norm / start) if norm > start else 1.0
    worst = _faults(path, worst, share)
    node, position = path[worst[0]]
    steps = case.steps(path, node)
    at = next(step for _, step in steps if step.blocked)
    head = f"A gradient of norm {number(start)} at the loss has grown to {number(norm)}. "
    if share >= ONE_STEP:
        text = (
            f"{head}Most of it comes from one step, {at}, which makes it {number(changes[worst[0]])} times as large: "
        )
        text += f"{_by_factor(case, node, position)}.\n"
    else:
        begin = steps[_begin(path, changes)][1]
        text = (
            f"{head}It grows over {_trend(case, path, norm)}, beginning (seen from the loss) at {begin}. "
            f"The worst steps: {_list(steps, worst, changes)}.\n"
        )
    text += (
        "Smaller initial weights (minigrad.init), normalization layers, a mean in place of a sum, and a smaller "
        "learning rate prevent this; optim.clip_grad_norm contains it."
    )
    return Finding("exploding", text, [*steps], at)


def _healthy(case: Case, path: list[Use]) -> Finding:
    size = case.cotangents.size(case.cotangents.target)
    steps = case.steps(path)
    if not size.count:
        return Finding("healthy", "It has no elements, and so has its gradient.", [*steps])
    text = f"Nothing is wrong: a gradient arrives, of norm {number(size.norm)}, through {_plural(len(path), 'step')}."
    if size.zeros:
        text += f" {percent(size.zeros, size.count)} of its elements are zero"
        text += f"; {_zeros_from(case, path)}." if _zeros_from(case, path) else "."
    if case.tensor.node is not None and case.tensor.node.op is not None:
        text += (
            " It is a result and no variable: backward does not keep its gradient, and .grad stays None. That is as it "
            "should be; minigrad.grad or vjp give it."
        )
    else:
        text += " If .grad is None, backward() has not run since, or zero_grad() has."
    return Finding("healthy", text, [*steps])


def _zeros_from(case: Case, path: Sequence[Use]) -> str:
    """The op that puts most zeros into a gradient, where one does."""
    found, most = "", 0.1
    for node, position in path:
        came, went = case.cotangents.size(node), case.cotangents.handed(node, position)
        if not came.count or not went.count or node.op is None or node.op.name not in (DEAD.keys() | CHOOSING):
            continue
        more = went.zeros / went.count - came.zeros / came.count
        if more > most:
            event = case.flow.events[case.flow.of[node]]
            found, most = f"most of these come from {Step.of(event, facts=False)}", more
    return found


def _start(case: Case, path: Sequence[Use]) -> float:
    return case.cotangents.size(path[-1][0]).norm


def _trend(case: Case, path: Sequence[Use], norm: float) -> str:
    """How many layers there are, and the factor of each."""
    layers = [node for node, _ in path if node.op is not None and node.op.name in WEIGHTED]
    count, what = (len(layers), "layer") if len(layers) > 1 else (len(path), "step")
    start = case.cotangents.size(layers[-1]).norm if len(layers) > 1 else _start(case, path)
    return f"{_plural(count, what)}, by a factor of {number((norm / start) ** (1 / count) if start else math.nan)} each"


def _begin(path: Sequence[Use], changes: Sequence[float]) -> int:
    """The first step, from the loss, that makes the gradient larger by a tenth or more, and not by counting."""
    growing = [k for k in reversed(range(len(changes))) if changes[k] > 1.1]
    return _faults(path, growing or [len(changes) - 1], 0.0)[0]


def _faults(path: Sequence[Use], worst: list[int], share: float) -> list[int]:
    """The worst few steps; sums and means are not among them unless the first of all does most, or they are alone."""
    faults = [k for k in worst if str(path[k][0].op) not in COUNTING]
    return (faults if faults and share < ONE_STEP else worst)[:WORST]


def _list(steps: Sequence[tuple[int, Step]], chosen: Sequence[int], changes: Sequence[float]) -> str:
    return "; ".join(f"{_place(steps[k][1])} x {number(changes[k])}" for k in chosen)


def _place(step: Step) -> str:
    return f"{step.op} in {step.module}" if step.module else f"{step.op} {step.where}".strip()


def _by_factor(case: Case, node: Node, position: int) -> str:
    """What a step multiplies the gradient by, as far as that can be seen."""
    event = case.flow.events[case.flow.of[node]]
    inputs = event.inputs
    other = inputs[1 - position] if len(inputs) > 1 and position < 2 else None
    if isinstance(other, (np.ndarray, np.generic, float, int)) and np.size(other):
        return f"its slope depends on the other input, which is {facts_of(np.asarray(other))}"
    facts = facts_of(inputs[position]) if position < len(inputs) else ""
    return f"its input is {facts}" if facts else "see the numbers of that step"


def _scale_advice() -> str:
    return "Look at the numbers that this op multiplies or divides by."


def _plural(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count:,} {what}s"
