"""Where the first NaN or infinity came from: an op that made one of finite numbers, forward or backward."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from minigrad.autograd.multiple_results import Results
from minigrad.autograd.node import Node
from minigrad.diagnosis.case import Case, Finding
from minigrad.diagnosis.flow import SOURCE
from minigrad.diagnosis.reason import Cause, Step, number, percent

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
ADVICE.update(dict.fromkeys(("linear", "conv", "multiply", "square", "einsum"), ADVICE["matmul"]))


def not_finite(case: Case) -> Finding | None:
    """Why the gradient, or the loss itself, is NaN or infinite; None where both are finite."""
    gradient = case.cotangents.size(case.cotangents.target)
    loss_is_bad = not np.isfinite(case.loss._data).all()
    if not gradient.bad and not loss_is_bad:
        return None
    if gradient.bad:
        cause: Cause = "nan" if gradient.nan else "inf"
        head = f"{percent(gradient.bad, gradient.count)} of its elements are not finite."
    else:
        cause = "nan" if np.isnan(case.loss._data).any() else "inf"
        head = f"The gradient itself is finite (norm {number(gradient.norm)}), but the loss is {case.loss._data}."
    rule = _first_rule(case) if gradient.bad else None
    end = case.flow.end if loss_is_bad else case.flow.of[rule[0]] if rule is not None else None
    bad = _bad_events(case, end) if end is not None and end != SOURCE else set()
    if bad:
        return _forward(case, cause, head, bad)
    return _backward(case, cause, head, rule) if rule is not None else _from_outside(case, cause, head)


def bad_values(value: Any) -> Any:
    """Where an array of floating numbers is not finite, or None if it is none or all is well."""
    if isinstance(value, Results):
        return next((bad for part in value.arrays if (bad := bad_values(part)) is not None), None)
    if not isinstance(value, (np.ndarray, np.floating, float)):
        return None
    array = np.asarray(value)
    if array.dtype.kind != "f":
        return None
    bad = ~np.isfinite(array)
    return bad if bad.any() else None


# ---- forward -------------------------------------------------------------------------------------------------------


def _bad_events(case: Case, end: int) -> set[int]:
    """The calls that what is not finite came to another from; a masked -inf elsewhere does no harm."""
    first = [end] if _is_bad(case, end) else [link.maker for link in case.flow.makers[end]]
    waiting = [i for i in first if _is_bad(case, i)]
    bad = set(waiting)
    for user in waiting:  # grows while it is read
        for link in case.flow.makers[user]:
            if link.maker not in bad and _is_bad(case, link.maker):
                bad.add(link.maker)
                waiting.append(link.maker)
    return bad


def _is_bad(case: Case, i: int) -> bool:
    return i != SOURCE and bad_values(case.flow.events[i].out) is not None


def _forward(case: Case, cause: Cause, head: str, bad: set[int]) -> Finding:
    source = min(bad)
    event = case.flow.events[source]
    given = next((x for x in event.inputs if bad_values(x) is not None), None)
    if given is not None and not _has_nan(given) and (makers := [i for i in sorted(bad) if _makes_nan(case, i)]):
        return _nan_of_infinity(case, cause, head, makers[0])
    steps = _path_through(case, source)
    at = next((step for _, step in steps if step.blocked), None) or Step.of(event, blocked=True)
    if given is not None:
        name = _name_of(case, source, given)
        text = (
            f"{head} What is not finite was there from the start: {at} is the first op to see it, in {name} of shape "
            f"{np.shape(given)}, where {_count(bad_values(given))} are not finite.\n"
            "Look at the data for missing values, or at the step of the optimizer before this one: once a parameter is "
            "NaN it stays so."
        )
        return Finding(cause, text, steps, at)
    text = (
        f"{head} The first value that is not finite is made in the forward pass by {at}: {_made(event)}.\n"
        f"{ADVICE.get(event.op.name, 'Keep its inputs inside of the domain of ' + event.op.name + '.')}"
    )
    return Finding(cause, text, steps, at)


def _nan_of_infinity(case: Case, cause: Cause, head: str, source: int) -> Finding:
    """An infinity that was put in on purpose, as a mask, and an op that has no answer to it."""
    steps = _path_through(case, source)
    event = case.flow.events[source]
    at = next((step for _, step in steps if step.blocked), None) or Step.of(event, blocked=True)
    text = (
        f"{head} Infinite numbers were put in (a mask?), and the first NaN is made of them by {at}: {_made(event)}.\n"
        "A row of which all is masked by -inf has no softmax, inf - inf and 0 * inf have no value: mask with a large "
        "number such as -1e9, or leave such rows out."
    )
    return Finding(cause, text, steps, at)


def _makes_nan(case: Case, i: int) -> bool:
    event = case.flow.events[i]
    return _has_nan(event.out) and not any(map(_has_nan, event.inputs))


def _has_nan(value: Any) -> bool:
    parts = value.arrays if isinstance(value, Results) else (value,)
    return any(bad_values(part) is not None and bool(np.isnan(part).any()) for part in parts)


def _made(event: Any) -> str:
    """What an op gave, where, and what it was given there."""
    out = event.out if not isinstance(event.out, Results) else next(
        part for part in event.out.arrays if bad_values(part) is not None
    )  # fmt: skip
    bad = bad_values(out)
    place = tuple(int(k) for k in np.argwhere(bad)[0])
    value = np.asarray(out)[place]
    text = f"{_count(bad)} are not finite; the first is {value}" + (f" at {place}" if place else "")
    given = [np.asarray(x) for x in event.inputs if isinstance(x, (np.ndarray, np.number, float, int))]
    same = [x[place] if x.shape == np.shape(out) else x.reshape(()) for x in given if x.shape in (np.shape(out), ())]
    if same and len(same) == len(given):
        return f"{text}, where it was given {' and '.join(number(float(x)) for x in same)}"
    spread = [f"{number(float(x.min()))} to {number(float(x.max()))}" for x in given if x.size]
    return f"{text}; its inputs lie in {' and '.join(spread)}" if spread else text


def _count(bad: Any) -> str:
    return f"{int(bad.sum())} of {bad.size} elements"


def _name_of(case: Case, source: int, given: Any) -> str:
    """The parameter, or whatever it is, that brought what is not finite."""
    if given is case.flow.array:
        return case.name
    for module in case.modules:
        for name, tensor in [*module.named_parameters(), *module.named_buffers()]:
            if tensor._data is given:
                return name
    return "an input" if not any(link.maker >= 0 for link in case.flow.makers[source]) else "one of its inputs"


def _path_through(case: Case, source: int) -> list[tuple[int | None, Step]]:
    """From the tensor through a call to the loss, or where the tensor has no part in it, from there to the loss."""
    flow = case.flow
    before = flow.path(SOURCE, source)
    after = flow.path(source, flow.end) if flow.end is not None else None
    links = [*(before or []), *(after or [])]
    numbers = ([] if before else [source]) + [link.user for link in links]
    return [(i, _step(case, i, blocked=i == source)) for i in dict.fromkeys(numbers)]


def _step(case: Case, i: int, *, blocked: bool) -> Step:
    node = case.flow.events[i].node
    arrives = case.cotangents.sizes[node].norm if node is not None and node in case.cotangents.sizes else None
    return Step.of(case.flow.events[i], arrives=arrives, blocked=blocked)


# ---- backward ------------------------------------------------------------------------------------------------------


def _first_rule(case: Case) -> tuple[Node, int] | None:
    """The first use, in the order of the backward pass, that was given finite numbers and handed on others."""
    for node in case.cotangents.nodes:
        if not case.cotangents.size(node).bad:
            for (user, position), size in _handed_by(case, node):
                if size.bad:
                    return user, position
    return None


def _handed_by(case: Case, node: Node) -> list[tuple[tuple[Node, int], Any]]:
    known = [(k, parent) for k, parent in enumerate(node.parents) if parent in case.cotangents.users]
    return [((node, k), case.cotangents.handed(node, k)) for k, _ in known]


def _backward(case: Case, cause: Cause, head: str, rule: tuple[Node, int]) -> Finding:
    node, position = rule
    handed = case.cotangents.handed(*rule)
    event = case.flow.events[case.flow.of[node]]
    parent = node.parents[position]
    assert parent is not None
    path = _path_to(case, parent) + case.cotangents.path_from(rule)
    steps: list[tuple[int | None, Step]] = [*case.steps(path, node)]
    at = next(step for _, step in steps if step.blocked)
    x = event.inputs[position] if position < len(event.inputs) else None
    facts = ""
    if isinstance(x, np.ndarray) and x.size:
        zeros = x.size - int(np.count_nonzero(x))
        low, high = number(float(x.min())), number(float(x.max()))
        facts = f" Its input is {low}" if low == high else f" Its input lies between {low} and {high}"
        facts += f", and {zeros} of {x.size} elements are 0." if zeros and low != high else "."
    text = (
        f"{head} All values are finite in the forward pass; the first that is not is made in the backward pass by the "
        f"rule of {at}: a gradient of norm {number(case.cotangents.size(node).norm)} arrives, and "
        f"{handed.bad} of the {handed.count} elements that it hands on are not finite.{facts}\n"
        f"{ADVICE.get(event.op.name, 'The slope of ' + event.op.name + ' is infinite or not defined at these values.')}"
    )
    return Finding(cause, text, steps, at)


def _path_to(case: Case, goal: Node) -> list[tuple[Node, int]]:
    """From the tensor to a node, through values whose gradients are not finite."""
    came: dict[Node, tuple[Node, int]] = {}
    waiting = [goal]
    for node in waiting:  # backwards, towards the tensor; grows while it is read
        for (user, position), size in _handed_by(case, node):
            parent = user.parents[position]
            if parent is not None and parent not in came and size.bad:
                came[parent] = (user, position)
                waiting.append(parent)
    path: list[tuple[Node, int]] = []
    at = case.cotangents.target
    while at is not goal and at in came:
        path.append(came[at])
        at = came[at][0]
    return path


def _from_outside(case: Case, cause: Cause, head: str) -> Finding:
    """No op made it: the tensor itself is not finite, or gradients that are finite have a sum that is not."""
    bad = bad_values(case.flow.array)
    if bad is not None:
        return Finding(cause, f"{head} The tensor itself holds what is not finite: {_count(bad)}.")
    steps: list[tuple[int | None, Step]] = [*case.steps(case.cotangents.main_path())]
    text = (
        f"{head} Every rule hands on finite numbers, but a value is used several times, and what its uses hand on has "
        f"a sum too large for {case.tensor.dtype}.\nScale the loss down."
    )
    return Finding(cause, text, steps)
