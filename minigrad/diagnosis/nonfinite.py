"""Where the first NaN or infinity came from: the op that made it of finite numbers, forward or backward."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from minigrad.autograd.multiple_results import Results
from minigrad.autograd.node import Node
from minigrad.autograd.trace import Event
from minigrad.diagnosis.context import Context, Explanation, blocked_step
from minigrad.diagnosis.dataflow import SOURCE
from minigrad.diagnosis.gradient_trace import Magnitude, Use
from minigrad.diagnosis.reason import Cause, PathStep
from minigrad.diagnosis.text import number, percent
from minigrad.typing import Array, Value

ADVICE: Final = {
    "log": "log(0) is -inf: keep its input away from 0 (log(x + 1e-12), clip), or use log_softmax, logsigmoid or a "
    "loss that takes logits.",
    "sqrt": "The slope of sqrt is infinite at 0: sqrt(x + 1e-12), or vector_norm for the length of a vector.",
    "pow": "A power below 1 has an infinite slope at 0, and a negative number has none: keep the base positive.",
    "divide": "Keep the divisor away from 0: x / (y + 1e-12), or minigrad.where before the division.",
    "exp": "exp overflows above 88 (float32): subtract the largest first, as softmax and logsumexp do.",
    "matmul": "The products overflow, the numbers are too large: lower the learning rate, normalize, or scale down.",
}
ADVICE.update(dict.fromkeys(("log2", "log10", "log1p"), ADVICE["log"]))
ADVICE.update(dict.fromkeys(("reciprocal", "remainder"), ADVICE["divide"]))
ADVICE.update(dict.fromkeys(("exp2", "expm1", "sinh", "cosh"), ADVICE["exp"]))
ADVICE.update(dict.fromkeys(("linear", "conv", "multiply", "weighted", "square", "einsum"), ADVICE["matmul"]))


def explain_nonfinite(context: Context) -> Explanation | None:
    """The explanation of a gradient, or a loss, that is NaN or infinite; None where both are finite."""
    gradient, loss = context.gradients.at_target(), context.loss._data
    loss_is_finite = bool(np.isfinite(loss).all())
    if not gradient.nonfinite and loss_is_finite:
        return None
    if gradient.nonfinite:
        cause: Cause = "nan" if gradient.has_nan else "inf"
        head = f"{percent(gradient.nonfinite, gradient.count)} of its elements are not finite."
    else:
        cause = "nan" if np.isnan(loss).any() else "inf"
        head = f"The gradient itself is finite (norm {number(gradient.norm)}), but the loss is {loss}."
    use = _first_nonfinite_use(context) if gradient.nonfinite else None
    end = context.flow.end if not loss_is_finite else context.flow.of[use[0]] if use is not None else None
    bad = _nonfinite_ancestors(context, end) if end is not None and end != SOURCE else set()
    if bad:
        return _forward(context, cause, head, bad)
    return _backward(context, cause, head, use) if use is not None else _no_op(context, cause, head)


def where_nonfinite(value: Any) -> Array | None:
    """Where an array of floating numbers is not finite; None if all of it is, or if it is no such array."""
    if isinstance(value, Results):
        return next((bad for part in value.arrays if (bad := where_nonfinite(part)) is not None), None)
    if not isinstance(value, (np.ndarray, np.floating, float)):
        return None
    array = np.asarray(value)
    if array.dtype.kind not in "fc":
        return None
    bad = ~np.isfinite(array)
    return bad if bad.any() else None


# ---- forward -------------------------------------------------------------------------------------------------------


def _nonfinite_ancestors(context: Context, end: int) -> set[int]:
    """The calls from which NaN or infinity came to another; a masked -inf elsewhere does no harm."""
    first = [end] if _is_nonfinite(context, end) else [link.producer for link in context.flow.incoming[end]]
    waiting = [i for i in first if _is_nonfinite(context, i)]
    bad = set(waiting)
    for consumer in waiting:  # grows while it is read
        for link in context.flow.incoming[consumer]:
            if link.producer not in bad and _is_nonfinite(context, link.producer):
                bad.add(link.producer)
                waiting.append(link.producer)
    return bad


def _is_nonfinite(context: Context, i: int) -> bool:
    return i != SOURCE and where_nonfinite(context.flow.events[i].out) is not None


def _forward(context: Context, cause: Cause, head: str, bad: set[int]) -> Explanation:
    """The explanation of values that are not finite in the forward pass; `bad` are the calls that gave them."""
    first = min(bad)
    event = context.flow.events[first]
    given = next((x for x in event.inputs if where_nonfinite(x) is not None), None)
    if given is not None and not _has_nan(given) and (makers := [i for i in sorted(bad) if _makes_nan(context, i)]):
        return _nan_of_infinity(context, cause, head, makers[0])
    steps = _path_through(context, first)
    at = _blocked_or_alone(steps, event)
    where = where_nonfinite(given)
    if where is not None:
        name = _name_of(context, first, given)
        text = (
            f"{head} Some values were not finite from the start: {at} is the first op that takes them, from {name} of "
            f"shape {where.shape}, where {_count(where)} are not finite.\n"
            "Look at the data for missing values, or at the step of the optimizer before this one: once a parameter is "
            "NaN, it stays NaN."
        )
        return Explanation(cause, text, steps, at)
    text = (
        f"{head} The first value that is not finite is made in the forward pass by {at}: {_describe_result(event)}.\n"
        f"{ADVICE.get(event.op.name, f'Keep its inputs inside of the domain of {event.op.name}.')}"
    )
    return Explanation(cause, text, steps, at)


def _nan_of_infinity(context: Context, cause: Cause, head: str, maker: int) -> Explanation:
    """The explanation of a NaN that an op made of infinities, which were put in on purpose, as a mask."""
    steps = _path_through(context, maker)
    event = context.flow.events[maker]
    at = _blocked_or_alone(steps, event)
    text = (
        f"{head} Some inputs are infinite (a mask?), and the first NaN is made of them by {at}: "
        f"{_describe_result(event)}.\n"
        "The softmax of a row that is -inf everywhere, inf - inf and 0 * inf are not defined: mask with a large number "
        "such as -1e9, or leave out rows that are masked completely."
    )
    return Explanation(cause, text, steps, at)


def _blocked_or_alone(steps: list[tuple[int, PathStep]], event: Event) -> PathStep:
    return next((step for _, step in steps if step.blocked), None) or PathStep.of(event, blocked=True)


def _makes_nan(context: Context, i: int) -> bool:
    event = context.flow.events[i]
    return _has_nan(event.out) and not any(map(_has_nan, event.inputs))


def _has_nan(value: Any) -> bool:
    parts = value.arrays if isinstance(value, Results) else (value,)
    return any(where_nonfinite(part) is not None and bool(np.isnan(part).any()) for part in parts)


def _describe_result(event: Event) -> str:
    """A clause on what of an op's result is not finite, and on the inputs there."""
    out: Value = event.out
    if isinstance(out, Results):
        out = next(part for part in out.arrays if where_nonfinite(part) is not None)
    bad = where_nonfinite(out)
    assert bad is not None
    place = tuple(int(k) for k in np.argwhere(bad)[0])
    value = np.asarray(out)[place]
    text = f"{_count(bad)} are not finite; the first is {value}" + (f" at {place}" if place else "")
    given = [np.asarray(x) for x in event.inputs if isinstance(x, (np.ndarray, np.number, float, int))]
    same = [x[place] if x.shape == np.shape(out) else x.reshape(()) for x in given if x.shape in (np.shape(out), ())]
    if same and len(same) == len(given):
        return f"{text}, where its input is {' and '.join(number(float(x)) for x in same)}"
    ranges = [f"{number(float(x.min()))} to {number(float(x.max()))}" for x in given if x.size]
    return f"{text}; its inputs lie in {' and '.join(ranges)}" if ranges else text


def _count(bad: Array) -> str:
    return f"{int(bad.sum())} of {bad.size} elements"


def _name_of(context: Context, i: int, given: Value) -> str:
    """The name of the parameter or other input of a call that brought what is not finite."""
    if given is context.flow.array:
        return context.name
    for module in context.modules:
        for name, tensor in [*module.named_parameters(), *module.named_buffers()]:
            if tensor._data is given:
                return name
    return "an input" if not any(link.producer >= 0 for link in context.flow.incoming[i]) else "one of its inputs"


def _path_through(context: Context, i: int) -> list[tuple[int, PathStep]]:
    """The path from the tensor through a call to the loss; only from the call on where the tensor has no part in it."""
    flow = context.flow
    before = flow.shortest_path(SOURCE, i)
    after = flow.shortest_path(i, flow.end) if flow.end is not None else None
    links = [*(before or []), *(after or [])]
    numbers = ([] if before else [i]) + [link.consumer for link in links]
    return [(k, _step(context, k, blocked=k == i)) for k in dict.fromkeys(numbers)]


def _step(context: Context, i: int, *, blocked: bool) -> PathStep:
    node = context.flow.events[i].node
    arrived = context.gradients.arrived.get(node) if node is not None else None
    arrives = arrived.norm if arrived is not None else None
    return PathStep.of(context.flow.events[i], arrives=arrives, blocked=blocked)


# ---- backward ------------------------------------------------------------------------------------------------------


def _first_nonfinite_use(context: Context) -> Use | None:
    """The first use, in the order of the backward pass, whose rule made what is not finite of finite numbers."""
    for node in context.gradients.nodes:
        if not context.gradients.arriving(node).nonfinite:
            for use, passing in _passed_by(context, node):
                if passing.nonfinite:
                    return use
    return None


def _passed_by(context: Context, node: Node) -> list[tuple[Use, Magnitude]]:
    """What the rules of an op pass on to the inputs that depend on the tensor."""
    positions = [k for k, parent in enumerate(node.parents) if parent in context.gradients.uses]
    return [((node, k), context.gradients.passing((node, k))) for k in positions]


def _backward(context: Context, cause: Cause, head: str, use: Use) -> Explanation:
    """The explanation of values that the rule of one use made in the backward pass."""
    node, position = use
    passing = context.gradients.passing(use)
    event = context.event(node)
    parent = node.parents[position]
    assert parent is not None
    steps = context.steps(_path_to(context, parent) + context.gradients.path_from(use), node)
    at = blocked_step(steps)
    x = event.inputs[position] if position < len(event.inputs) else None
    facts = ""
    if isinstance(x, np.ndarray) and x.size:
        zeros = x.size - int(np.count_nonzero(x))
        low, high = number(float(x.min())), number(float(x.max()))
        facts = f" Its input is {low}" if low == high else f" Its input lies between {low} and {high}"
        facts += f", and {zeros} of {x.size} elements are 0." if zeros and low != high else "."
    text = (
        f"{head} All values are finite in the forward pass; the first that is not is made in the backward pass by the "
        f"rule of {at}: a gradient of norm {number(context.gradients.arriving(node).norm)} arrives, and "
        f"{passing.nonfinite} of the {passing.count} elements that it passes on are not finite.{facts}\n"
        f"{ADVICE.get(event.op.name, f'The slope of {event.op.name} is infinite or not defined at these values.')}"
    )
    return Explanation(cause, text, steps, at)


def _path_to(context: Context, goal: Node) -> list[Use]:
    """The path from the tensor to a node, through values whose gradients are not finite."""
    came: dict[Node, Use] = {}
    waiting = [goal]
    for node in waiting:  # backwards, towards the tensor; grows while it is read
        for (user, position), passing in _passed_by(context, node):
            parent = user.parents[position]
            if parent is not None and parent not in came and passing.nonfinite:
                came[parent] = (user, position)
                waiting.append(parent)
    path: list[Use] = []
    at = context.gradients.target
    while at is not goal and at in came:
        path.append(came[at])
        at = came[at][0]
    return path


def _no_op(context: Context, cause: Cause, head: str) -> Explanation:
    """The explanation where no op is the cause: the tensor is not finite, or the sum of finite gradients is not."""
    bad = where_nonfinite(context.flow.array)
    if bad is not None:
        return Explanation(cause, f"{head} The tensor itself is not finite: {_count(bad)} are NaN or infinite.")
    text = (
        f"{head} Every rule passes on finite numbers, but a value is used several times, and the sum of what its uses "
        f"pass on is too large for {context.tensor.dtype}.\nScale the loss down."
    )
    return Explanation(cause, text, context.steps(context.gradients.main_path()))
