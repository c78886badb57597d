"""Why a gradient is tiny or huge: the factor of every step between the loss and the tensor; or that it is healthy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from minigrad.autograd.node import Node
from minigrad.diagnosis.attenuation import FLAT_BOUNDS, NORMALIZING, SATURATING, SELECTING, Attenuation, Words
from minigrad.diagnosis.context import Context, Explanation, blocked_step
from minigrad.diagnosis.gradient_trace import Use
from minigrad.diagnosis.reason import PathStep
from minigrad.diagnosis.sequence_words import SEQUENCE_OPS, masked_scores, sequence_words
from minigrad.diagnosis.text import describe_array, number, percent, plural

WEIGHTED: Final = frozenset(["linear", "matmul", "conv", "einsum"])
ONE_STEP: Final = 0.5
"""A step that does this share of all shrinking or growing (in logarithms) is named as the only cause."""
MOSTLY: Final = 0.5
"""The share of flat gates from which on they are told where a gradient is healthy."""
WORST: Final = 3
"""The number of steps that are named otherwise."""
REDUCTIONS: Final = frozenset(["sum", "mean"])
"""Their factor tells how many elements there are: they are blamed only where they do nearly all of the growing."""


def explain_magnitude(context: Context, tiny: float, huge: float) -> Explanation:
    """Whether a gradient vanished, explodes or is healthy, by its norm; the gradient of the loss itself is 1."""
    norm = context.gradients.at_target().norm
    path = context.gradients.main_path()
    if 0 < norm < tiny and path:
        return _vanished(context, path, norm)
    if norm > huge and path:
        return _exploding(context, path, norm)
    return _healthy(context, path)


def step_factors(context: Context, path: Sequence[Use]) -> list[float]:
    """The factor by which each step multiplies the norm of the gradient; NaN where none arrives."""
    passing = [context.gradients.passing(use).norm for use in path]
    arriving = [context.gradients.arriving(node).norm for node, _ in path]
    return [out / into if into else math.nan for out, into in zip(passing, arriving, strict=True)]


def _vanished(context: Context, path: list[Use], norm: float) -> Explanation:
    factors = step_factors(context, path)
    order = sorted(range(len(path)), key=lambda k: factors[k])
    start = _norm_at_loss(context, path)
    share = math.log(factors[order[0]]) / math.log(norm / start) if factors[order[0]] > 0 else 1.0
    worst = _blamed(path, order, share)
    node, position = path[worst[0]]
    steps = context.steps(path, node)
    at = blocked_step(steps)
    step = Attenuation(node, position, context.event(node))
    words, explaining = step.words(), FLAT_BOUNDS.keys() | SATURATING - {"exp", "exp2"} | NORMALIZING
    explains = (node.op is not None and node.op.name in explaining) or step.of_sequence() is not None
    if share >= ONE_STEP and _sums_up(path[worst[0]]):
        words, explains = _canceling_parts(context, path[worst[0] + 1 :]), True
    head = f"Of a gradient of norm {number(start)} at the loss, {number(norm)} arrives. "
    if share >= ONE_STEP:
        cause = words.cause if explains else _describe_factor(context, node, position)
        advice = words.advice if explains else "Look at the numbers that this op multiplies or divides by."
        factor = number(factors[worst[0]])
        text = f"{head}Most of it is lost in one step, {at}, which multiplies it by {factor}: {cause}.\n{advice}"
        return Explanation("vanished", text, steps, at)
    text = (
        f"{head}It shrinks over {_factor_per_layer(context, path, norm)}. "
        f"The worst steps: {_list_steps(steps, worst, factors)}.\n"
        f"{f'At the worst, {words.cause}. ' if explains else ''}"
        "Shortcuts (x + f(x)), normalization layers, relu or gelu in place of sigmoid or tanh, and an initialization "
        "for the activation in use (minigrad.init) keep gradients of one size through many layers."
    )
    return Explanation("vanished", text, steps, at)


def _sums_up(use: Use) -> bool:
    """Whether a rule adds up parts of what arrives, as that of a bias does over the batch."""
    node, position = use
    parent = node.parents[position]
    linear = node.op is not None and node.op.name in (*WEIGHTED, "add", "subtract")
    return linear and parent is not None and math.prod(parent.shape) < math.prod(node.shape)


def _canceling_parts(context: Context, rest: Sequence[Use]) -> Words:
    """The words for a sum that is about 0, with the normalization that makes it so where there is one."""
    cause = "the parts of the arriving gradient add up to about 0"
    for node, _ in rest[:4]:
        if node.op is not None and node.op.name in NORMALIZING:
            step = PathStep.of(context.event(node), facts=False)
            return Words(
                f"{cause}, since {step} subtracts the mean again, so that the loss does not depend on it",
                "A bias in front of a normalization has no effect: leave it out with bias=False.",
            )
    return Words(cause, "Perhaps the loss does not depend on it at all, and what is left is rounding.")


def _exploding(context: Context, path: list[Use], norm: float) -> Explanation:
    factors = step_factors(context, path)
    order = sorted(range(len(path)), key=lambda k: -factors[k])
    start = max(_norm_at_loss(context, path), 1e-300)
    share = math.log(max(factors[order[0]], 1e-300)) / math.log(norm / start) if norm > start else 1.0
    worst = _blamed(path, order, share)
    node, position = path[worst[0]]
    steps = context.steps(path, node)
    at = blocked_step(steps)
    head = f"A gradient of norm {number(start)} at the loss has grown to {number(norm)}. "
    if share >= ONE_STEP:
        text = (
            f"{head}Most of it comes from one step, {at}, which multiplies it by {number(factors[worst[0]])}: "
            f"{_describe_factor(context, node, position)}.\n"
        )
    else:
        begin = steps[_first_growing(path, factors)][1]
        text = (
            f"{head}It grows over {_factor_per_layer(context, path, norm)}, beginning (seen from the loss) at {begin}. "
            f"The worst steps: {_list_steps(steps, worst, factors)}.\n"
        )
    text += (
        "Smaller initial weights (minigrad.init), normalization layers, a mean in place of a sum, and a smaller "
        "learning rate prevent this; optim.clip_grad_norm limits it."
    )
    return Explanation("exploding", text, steps, at)


def _healthy(context: Context, path: list[Use]) -> Explanation:
    found = context.gradients.at_target()
    steps = context.steps(path)
    if not found.count:
        return Explanation("healthy", "It has no elements, and so has its gradient.", steps)
    text = f"Nothing is wrong: a gradient arrives, of norm {number(found.norm)}, through {plural(len(path), 'step')}."
    if found.zeros:
        text += f" {percent(found.zeros, found.count)} of its elements are zero{_main_source_of_zeros(context, path)}."
    if context.tensor.node is not None and context.tensor.node.op is not None:
        text += (
            " It is a result and no variable: backward does not keep its gradient, and .grad stays None. That is as it "
            "should be; minigrad.grad or vjp compute it."
        )
    else:
        text += " If .grad is None, backward() has not run since, or zero_grad() has."
    return Explanation("healthy", text + _sequence_note(context), steps)


def _sequence_note(context: Context) -> str:
    """A line on saturated gates, or rows of a mask that forbid everything, which a gradient may well pass by."""
    for number_of_event in sorted(context.flow.differentiable()):
        event, found = context.flow.events[number_of_event], None
        if event.op.name in SEQUENCE_OPS:
            found = sequence_words(event.op.name, event.inputs, event.settings, MOSTLY)
        elif event.op.name == "where":
            found = masked_scores(event.inputs)
        if found is not None:
            cause, advice = found
            return f"\nOf {PathStep.of(event, facts=False)}, though: {cause}. {advice}"
    return ""


def _main_source_of_zeros(context: Context, path: Sequence[Use]) -> str:
    """A clause on the op that puts most zeros into a gradient, where one does."""
    found, most = "", 0.1
    for use in path:
        node = use[0]
        arriving, passing = context.gradients.arriving(node), context.gradients.passing(use)
        known = arriving.count and passing.count and node.op is not None
        if not known or str(node.op) not in FLAT_BOUNDS.keys() | SELECTING:
            continue
        more = passing.zeros / passing.count - arriving.zeros / arriving.count
        if more > most:
            step = PathStep.of(context.event(node), facts=False)
            found, most = f"; most of these come from {step}", more
    return found


def _norm_at_loss(context: Context, path: Sequence[Use]) -> float:
    return context.gradients.arriving(path[-1][0]).norm


def _factor_per_layer(context: Context, path: Sequence[Use], norm: float) -> str:
    """How many layers there are, and the factor of each."""
    layers = [node for node, _ in path if node.op is not None and node.op.name in WEIGHTED]
    count, noun = (len(layers), "layer") if len(layers) > 1 else (len(path), "step")
    start = context.gradients.arriving(layers[-1]).norm if len(layers) > 1 else _norm_at_loss(context, path)
    return f"{plural(count, noun)}, by a factor of {number((norm / start) ** (1 / count) if start else math.nan)} each"


def _first_growing(path: Sequence[Use], factors: Sequence[float]) -> int:
    """The first step, from the loss, that makes the gradient larger by a tenth or more, and is no sum or mean."""
    growing = [k for k in reversed(range(len(factors))) if factors[k] > 1.1]
    return _blamed(path, growing or [len(factors) - 1], 0.0)[0]


def _blamed(path: Sequence[Use], order: list[int], share: float) -> list[int]:
    """The worst few steps, without sums and means unless the first of all does most, or there are no others."""
    others = [k for k in order if str(path[k][0].op) not in REDUCTIONS]
    return (others if others and share < ONE_STEP else order)[:WORST]


def _list_steps(steps: Sequence[tuple[int, PathStep]], chosen: Sequence[int], factors: Sequence[float]) -> str:
    return "; ".join(f"{_place(steps[k][1])} x {number(factors[k])}" for k in chosen)


def _place(step: PathStep) -> str:
    return f"{step.op} in {step.module}" if step.module else f"{step.op} {step.where}".strip()


def _describe_factor(context: Context, node: Node, position: int) -> str:
    """A clause on what a step multiplies the gradient by, where that is known."""
    inputs = context.event(node).inputs
    other = inputs[1 - position] if len(inputs) > 1 and position < 2 else None
    if isinstance(other, (np.ndarray, np.generic, float, int)) and np.size(other):
        return f"its slope depends on the other input, which is {describe_array(np.asarray(other))}"
    facts = describe_array(inputs[position]) if position < len(inputs) else ""
    return f"its input is {facts}" if facts else "see the numbers of that step"
