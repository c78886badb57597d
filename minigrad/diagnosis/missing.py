"""Why there is no gradient: the first place on the path from the tensor to the loss that is not recorded."""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np

from minigrad.autograd.error_context import PACKAGE
from minigrad.diagnosis.context import Context, Explanation
from minigrad.diagnosis.dataflow import SOURCE, Link
from minigrad.diagnosis.detach_sites import NEAR, detach_name, find_detach, find_detach_after
from minigrad.diagnosis.numbers import explain_number
from minigrad.diagnosis.reason import Cause, PathStep
from minigrad.diagnosis.text import code_at
from minigrad.errors import FreedGraphError


def explain_constant(context: Context) -> Explanation:
    """The explanation for a tensor that is no variable."""
    dtype = context.tensor.dtype
    if dtype.kind not in "fc":
        return Explanation(
            "constant", f"It holds {dtype}, and only floating numbers can have gradients: .astype(float)."
        )
    return Explanation(
        "constant",
        "It is a constant: requires_grad is False, so ops do not record what is computed from it. "
        "Make it a variable with requires_grad=True (nn.Parameter in a module, unfreeze() for a frozen one), and "
        "compute the loss after that. If it is a result, nothing before it was recorded: ask about a parameter.",
    )


def explain_missing(context: Context) -> Explanation:
    """The explanation for a gradient that never arrives: where the recorded path from the tensor to the loss ends."""
    if not context.traced:
        return Explanation(
            "not_reached",
            "The graph behind this loss does not lead to it. Either nothing used it, or a detach(), a no_grad() block "
            "or integers stood between; the graph does not remember which. Give the function that computes the loss in "
            "place of the loss, why(tensor, lambda: ...), to get the cause and its line.",
        )
    links = _path_to_loss(context)
    if links is None:
        context.flow.link_copies()
        links = _path_to_loss(context)
    if links is not None:
        return _blocked(context, links)
    if any(event.node is not None and event.node.saved is None for event in context.flow.events):
        raise FreedGraphError(
            f"why: {context.name} may lie behind a part of the graph that an earlier backward pass has freed: compute "
            "all of it inside of the function, or pass retain_graph=True to that pass"
        )
    number = explain_number(context, None)
    if number is not None:
        return replace(number, text=_loss_without_history(context) + number.text)
    found = _not_reached(context) if context.flow.outgoing.get(SOURCE) else _unused(context)
    return replace(found, text=_loss_without_history(context) + found.text)


def _path_to_loss(context: Context) -> list[Link] | None:
    """The shortest path from the tensor to the loss, through floating numbers only where there is one."""
    end = context.flow.end
    if end is None:
        return None
    floating = context.flow.shortest_path(SOURCE, end, lambda link: not _is_integer(context, link))
    return floating if floating is not None else context.flow.shortest_path(SOURCE, end)


def _is_integer(context: Context, link: Link) -> bool:
    """Whether the op has no derivative with respect to this input."""
    event = context.flow.events[link.consumer]
    return np.dtype(getattr(event.out, "dtype", float)).kind not in "fc" or bool(_input_without_rule(context, link))


def _input_without_rule(context: Context, link: Link) -> str:
    op = context.flow.events[link.consumer].op
    name = op.inputs[min(link.position, len(op.inputs) - 1)] if op.inputs else ""
    return name if name in op.non_differentiable else ""


# ---- a path that is not recorded throughout ------------------------------------------------------------------------


def _blocked(context: Context, links: list[Link]) -> Explanation:
    k = next((k for k, link in enumerate(links) if link.kind != "recorded"), None)
    if k is None:
        return _detached_loss(context, links)
    link = links[k]
    cause = _cause(context, link)
    path = _steps(context, links, blocked=link)
    at = path[k][1]
    if cause == "detached":
        detaching = _detach_step(context, link)
        if detaching is not None:
            path[k] = (link.consumer, replace(at, blocked=False))
            path.insert(k, (None, detaching))
        return Explanation(cause, _detached_text(context, link, detaching), path, detaching or at)
    text = _integer_text(context, link) if cause == "integer" else _no_grad_text(context, link)
    return Explanation(cause, text, path, at)


def _steps(context: Context, links: list[Link], blocked: Link | None = None) -> list[tuple[int | None, PathStep]]:
    events = context.flow.events
    return [(link.consumer, PathStep.of(events[link.consumer], blocked=link is blocked)) for link in links]


def _cause(context: Context, link: Link) -> Cause:
    if link.kind == "copy":
        return "detached"
    if _is_integer(context, link):
        return "integer"
    return "detached" if context.flow.events[link.consumer].recording else "no_grad"


def _detached_loss(context: Context, links: list[Link]) -> Explanation:
    """The explanation for a loss that was detached itself: everything in front of it is recorded."""
    producer = links[-1].consumer if links else SOURCE
    path = _steps(context, links)
    detaching = find_detach(path[-1][1].file, path[-1][1].line, path[-1][1].line + NEAR) if path else None
    at = PathStep("detach", blocked=True, recorded=False)
    if detaching is not None:
        at = replace(at, file=detaching[0], line=detaching[1], code=code_at(*detaching))
    text = (
        f"What the function returned is {context.label(producer)} without its history: it was detached at the end, so "
        "no gradient can flow back. Return the loss itself, without detach()."
    )
    return Explanation("detached", text, [*path, (None, at)], at)


def _detached_text(context: Context, link: Link, detaching: PathStep | None) -> str:
    made, used = context.label(link.producer), context.label(link.consumer)
    what = made if link.producer == SOURCE else f"The result of {made}"
    if link.kind == "copy":
        how = f"{used} takes the same numbers, but as a copy without history"
    else:
        how = f"{used} takes it as a constant"
    line = f" It leaves the graph at {detaching.where}: {detaching.code}\n" if detaching is not None else " "
    return (
        f"{what} is used without its history: {how}, so no gradient flows back through it.{line}"
        "If the gradient is wanted, use the Tensor itself, and not what detach(), stop_gradient(), .data, .numpy() or "
        ".item() gives, nor a new Tensor made of that."
    )


def _no_grad_text(context: Context, link: Link) -> str:
    made, used = context.label(link.producer), context.label(link.consumer)
    what = context.name if link.producer == SOURCE else f"the result of {made}"
    rest = ""
    if not any(event.recording for event in context.flow.events):
        rest = "Nothing in the function was recorded: all of it ran inside of no_grad(). "
    return (
        f"{used} ran inside of no_grad(), so it was not recorded, and no gradient flows back through it to {what}. "
        f"{rest}Compute the loss outside of the no_grad() block; keep the block for evaluation and for updates."
    )


def _integer_text(context: Context, link: Link) -> str:
    event, used = context.flow.events[link.consumer], context.label(link.consumer)
    name = _input_without_rule(context, link)
    if np.dtype(getattr(event.out, "dtype", float)).kind not in "fc":
        fault = f"{used} gives {event.out.dtype}, and integers and booleans have no derivative"
    else:
        fault = f"{used} has no derivative with respect to its input {name!r}, which only selects or counts"
    return (
        f"{fault}, so no gradient flows back through it. Use a smooth function in its place (softmax for argmax, "
        "sigmoid for a comparison, the floating numbers for astype(int)), or take the loss from the values before it."
    )


def _detach_step(context: Context, link: Link) -> PathStep | None:
    """The step for the line that detaches a value, where the source between its making and its use shows one."""
    file, used = context.flow.events[link.consumer].site
    made_file, made = context.flow.events[link.producer].site if link.producer != SOURCE else (file, used - NEAR)
    copied, user = link.kind == "copy", code_at(file, used)
    near = (file, used, made if made_file == file and made <= used else used - NEAR)
    found = find_detach(*near, user, copied) or find_detach(made_file, made, made + NEAR, user, copied)
    if found is None:
        return None
    value = context.flow.array if link.producer == SOURCE else context.flow.events[link.producer].out
    word = detach_name(code_at(*found))
    return PathStep(word, "", *found, code_at(*found), np.shape(value), blocked=True, recorded=False)


# ---- no path at all ------------------------------------------------------------------------------------------------


def _unused(context: Context) -> Explanation:
    text = "No op takes it: the loss does not depend on it at all, and so it has no gradient. "
    path, _, _ = context.name.rpartition(".")
    ran = {event.scope.path for event in context.flow.events if event.scope is not None}
    forward = _forward_around(context)
    named = id(context.tensor) in context.names
    if named and path and not any(_same_module(p, path) for p in ran):
        where = f": {forward} does not call it" if forward else ""
        text += f"The module {path} did not run{where}. Call it in forward(), or remove it."
    elif not named and (others := _same_shape(context)):
        text += (
            f"It is no parameter of the model; {' and '.join(others)} has the same shape. If it was replaced (by an "
            "assignment or a conversion) after you or an optimizer got it, take the new one."
        )
    elif forward:
        text += f"{forward} does not use it. Use it there, or remove it; with several branches, it may be in another."
    else:
        text += "Use it in the function, or remove it; with several branches, it may be in another."
    return Explanation("unused", text, at=forward)


def _forward_around(context: Context) -> PathStep | None:
    """The user's `forward` that could have used a parameter, of the innermost module around it that has one."""
    for module in context.modules:
        modules = dict(module.named_modules())
        path = next((name for name, p in module.named_parameters() if p is context.tensor), None)
        while path:
            path = path.rpartition(".")[0]
            owner = modules.get(path)
            code = getattr(getattr(type(owner), "forward", None), "__code__", None)
            if code is not None and not code.co_filename.startswith(PACKAGE):
                file, line = code.co_filename, code.co_firstlineno
                return PathStep("forward", f"{path} {type(owner).__name__}".strip(), file, line, code_at(file, line))
    return None


def _same_module(a: str, b: str) -> bool:
    """Whether two paths can be of one module: a call knows nothing of lists around it, nor a path of calls outside."""
    return a == b or a.endswith(f".{b}") or b.endswith(f".{a}")


def _same_shape(context: Context) -> list[str]:
    """Some parameters that could have taken the tensor's place."""
    named = [pair for module in context.modules for pair in module.named_parameters()]
    return [name for name, p in named if p.shape == context.tensor.shape and p.requires_grad][:3]


def _not_reached(context: Context) -> Explanation:
    last = max(context.flow.differentiable() or context.flow.descendants(SOURCE))
    links = context.flow.shortest_path(SOURCE, last) or []
    path = _steps(context, links, blocked=links[-1] if links else None)
    end = _end_of_path(context, last)
    return Explanation(
        "not_reached",
        f"It is used, but the loss does not depend on it: the path ends at {context.label(last)}, {end}. "
        "Either that result was dropped (a branch or an auxiliary output that the loss leaves out), or it went on "
        "through NumPy or a Python number (.numpy(), .item(), float()), where nothing is recorded. "
        "Add it to the loss, or compute with minigrad's functions all the way.",
        path,
        path[-1][1] if path else None,
    )


def _end_of_path(context: Context, last: int) -> str:
    """A clause on what becomes of the last recorded result, where that is known."""
    file, line = context.flow.events[last].site
    taken = context.flow.outgoing.get(last)
    if taken:
        words = {"integer": "has no derivative", "no_grad": "ran inside of no_grad()", "detached": "is not recorded"}
        return f"whose result only {context.label(taken[0].consumer)} takes, which {words[_cause(context, taken[0])]}"
    detached = find_detach_after(file, line)
    if detached is not None:
        where = f"{os.path.basename(file)}:{detached[1]}"
        return f"whose result no op takes: it seems to leave the graph at {where} ({code_at(*detached)})"
    return "whose result no op takes"


def _loss_without_history(context: Context) -> str:
    """A sentence on a loss that no op gave."""
    if context.flow.end is not None:
        return ""
    what = "a constant" if context.loss.node is None else "a variable of its own"
    return f"The loss is {what}, no op gave it: was it made of a number, by Tensor(...)? Then it has no history.\n"
