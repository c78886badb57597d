"""Why there is no gradient: the way from the tensor to the loss, and the first place where it is not recorded."""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np

from minigrad.autograd.error_context import PACKAGE
from minigrad.diagnosis.case import Case, Finding
from minigrad.diagnosis.flow import SOURCE, Link
from minigrad.diagnosis.leaving import NEAR, leaving_near, leaving_word, line_of_leaving
from minigrad.diagnosis.reason import Cause, Step, code_at
from minigrad.errors import FreedGraphError


def constant(case: Case) -> Finding:
    """The tensor in question is no variable."""
    dtype = case.tensor.dtype
    if dtype.kind != "f":
        return Finding("constant", f"It holds {dtype}, and only floating numbers can have gradients: .astype(float).")
    return Finding(
        "constant",
        "It is a constant: requires_grad is False, so nothing that is computed from it is recorded for its sake. "
        "Make it a variable with requires_grad=True (nn.Parameter in a module, unfreeze() for a frozen one), and "
        "compute the loss after that. If it is a result, something in front of it was lost: ask about a parameter.",
    )


def lost(case: Case) -> Finding:
    """The first place where what was recorded does not go on from the tensor to the loss."""
    if not case.traced:
        return Finding(
            "not_reached",
            "The graph behind this loss does not lead to it. Either nothing used it, or a detach(), a no_grad() block "
            "or whole numbers stood between; the graph does not remember which. Give the function that computes the "
            "loss in place of the loss, why(tensor, lambda: ...), to hear it with the lines.",
        )
    links = _way(case)
    if links is None:
        case.flow.link_copies()
        links = _way(case)
    if links is not None:
        return _blocked(case, links)
    if any(event.node is not None and event.node.saved is None for event in case.flow.events):
        raise FreedGraphError(
            f"why: {case.name} may lie behind a part of the graph that an earlier backward pass has freed: compute all "
            "of it inside of the function, or pass retain_graph=True to that pass"
        )
    found = _not_reached(case) if case.flow.users.get(SOURCE) else _unused(case)
    return replace(found, text=_on_loss(case) + found.text)


def _way(case: Case) -> list[Link] | None:
    """The shortest way from the tensor to the loss, if possible one that stays with floating numbers."""
    end = case.flow.end
    if end is None:
        return None
    smooth = case.flow.path(SOURCE, end, lambda link: not _is_integer(case, link))
    return smooth if smooth is not None else case.flow.path(SOURCE, end)


def _is_integer(case: Case, link: Link) -> bool:
    """Whether there is no derivative here, whatever is recorded."""
    event = case.flow.events[link.user]
    return np.dtype(getattr(event.out, "dtype", float)).kind != "f" or bool(_input_without_rule(case, link))


def _input_without_rule(case: Case, link: Link) -> str:
    op = case.flow.events[link.user].op
    name = op.inputs[min(link.position, len(op.inputs) - 1)] if op.inputs else ""
    return name if name in op.non_differentiable else ""


# ---- blocked on the way --------------------------------------------------------------------------------------------


def _blocked(case: Case, links: list[Link]) -> Finding:
    k = next((k for k, link in enumerate(links) if link.how != "recorded"), None)
    if k is None:
        return _as_loss(case, links)
    link = links[k]
    cause = _cause(case, link)
    path: list[tuple[int | None, Step]] = [
        (other.user, Step.of(case.flow.events[other.user], blocked=other is link)) for other in links
    ]
    at = path[k][1]
    if cause == "detached":
        leaving = _leaving(case, link)
        if leaving is not None:
            path[k] = (link.user, replace(at, blocked=False))
            path.insert(k, (None, leaving))
        return Finding(cause, _detached_text(case, link, leaving), path, leaving or at)
    return Finding(cause, _integer_text(case, link) if cause == "integer" else _no_grad_text(case, link), path, at)


def _cause(case: Case, link: Link) -> Cause:
    if link.how == "copy":
        return "detached"
    if _is_integer(case, link):
        return "integer"
    return "detached" if case.flow.events[link.user].recording else "no_grad"


def _as_loss(case: Case, links: list[Link]) -> Finding:
    """Everything up to the last value is recorded, and the loss is that value without its history."""
    maker = links[-1].user if links else SOURCE
    path: list[tuple[int | None, Step]] = [(link.user, Step.of(case.flow.events[link.user])) for link in links]
    leaving = line_of_leaving(path[-1][1].file, path[-1][1].line, path[-1][1].line + NEAR) if path else None
    at = Step("detach", blocked=True, recorded=False)
    if leaving is not None:
        at = replace(at, file=leaving[0], line=leaving[1], code=code_at(*leaving))
    text = (
        f"What the function returned is {case.label(maker)} without its history: it was detached at the very end, so "
        "there is nothing to go back through. Return the loss itself, without detach()."
    )
    return Finding("detached", text, [*path, (None, at)], at)


def _detached_text(case: Case, link: Link, leaving: Step | None) -> str:
    made, used = case.label(link.maker), case.label(link.user)
    what = made if link.maker == SOURCE else f"The result of {made}"
    if link.how == "copy":
        how = f"{used} takes the very same numbers, but as a copy without history"
    else:
        how = f"{used} takes it on as a constant"
    line = f" It leaves the graph at {leaving.where}: {leaving.code}\n" if leaving is not None else " "
    return (
        f"{what} is used without its history: {how}, so no gradient flows back through it.{line}"
        "If the gradient is wanted, use the Tensor itself, and not what detach(), stop_gradient(), .data, .numpy() or "
        ".item() gives, nor a new Tensor made of that."
    )


def _no_grad_text(case: Case, link: Link) -> str:
    made, used = case.label(link.maker), case.label(link.user)
    what = case.name if link.maker == SOURCE else f"the result of {made}"
    rest = ""
    if not any(event.recording for event in case.flow.events):
        rest = "Nothing in the function was recorded: all of it ran inside of no_grad(). "
    return (
        f"{used} ran inside of no_grad(), so it was not recorded, and no gradient flows back through it to {what}. "
        f"{rest}Compute the loss outside of the no_grad() block; keep the block for evaluation and for updates."
    )


def _integer_text(case: Case, link: Link) -> str:
    event, used = case.flow.events[link.user], case.label(link.user)
    name = _input_without_rule(case, link)
    if np.dtype(getattr(event.out, "dtype", float)).kind != "f":
        fault = (
            f"{used} gives {event.out.dtype}, and whole numbers and booleans change in jumps: they have no derivative"
        )
    else:
        fault = f"{used} has no derivative with respect to its input {name!r}, which only chooses or counts"
    return (
        f"{fault}, so no gradient flows back through it. Use something smooth in its place (softmax for argmax, "
        "sigmoid for a comparison, the floating numbers for astype(int)), or take the loss from the values before it."
    )


def _leaving(case: Case, link: Link) -> Step | None:
    """A step for the line that takes the value out of the graph, where the source between making and use shows one."""
    file, used = case.flow.events[link.user].site
    made_file, made = case.flow.events[link.maker].site if link.maker != SOURCE else (file, used - NEAR)
    copied, user = link.how == "copy", code_at(file, used)
    near = (file, used, made if made_file == file and made <= used else used - NEAR)
    found = line_of_leaving(*near, user, copied) or line_of_leaving(made_file, made, made + NEAR, user, copied)
    if found is None:
        return None
    value = case.flow.array if link.maker == SOURCE else case.flow.events[link.maker].out
    word = leaving_word(code_at(*found))
    return Step(word, "", *found, code_at(*found), np.shape(value), blocked=True, recorded=False)


# ---- no way at all -------------------------------------------------------------------------------------------------


def _unused(case: Case) -> Finding:
    text = "No op takes it: the loss does not depend on it at all, and so it has no gradient. "
    path, _, _ = case.name.rpartition(".")
    ran = {event.scope.path for event in case.flow.events if event.scope is not None}
    forward = _forward_around(case)
    named = id(case.tensor) in case.names
    if named and path and not any(_same_place(p, path) for p in ran):
        where = f": {forward} does not call it" if forward else ""
        text += f"The module {path} did not run{where}. Call it in forward(), or remove it."
    elif not named and (twins := _twins(case)):
        text += (
            f"It is no parameter of the model; {' and '.join(twins)} has the same shape. If it was replaced (by an "
            "assignment or a conversion) after you or an optimizer took hold of it, take the new one."
        )
    elif forward:
        text += f"{forward} does not use it. Use it there, or remove it; with several branches, it may be in another."
    else:
        text += "Use it in the function, or remove it; with several branches, it may be in another."
    return Finding("unused", text, at=forward)


def _forward_around(case: Case) -> Step | None:
    """The user's `forward` that could have used a parameter: of the innermost module around it that has one."""
    for module in case.modules:
        modules = dict(module.named_modules())
        path = next((name for name, p in module.named_parameters() if p is case.tensor), None)
        while path:
            path = path.rpartition(".")[0]
            owner = modules.get(path)
            code = getattr(getattr(type(owner), "forward", None), "__code__", None)
            if code is not None and not code.co_filename.startswith(PACKAGE):
                file, line = code.co_filename, code.co_firstlineno
                return Step("forward", f"{path} {type(owner).__name__}".strip(), file, line, code_at(file, line))
    return None


def _same_place(a: str, b: str) -> bool:
    """Whether two paths can be of one module: a call knows nothing of lists around it, nor a path of calls outside."""
    return a == b or a.endswith(f".{b}") or b.endswith(f".{a}")


def _twins(case: Case) -> list[str]:
    """Parameters of the modules that could have taken the tensor's place."""
    shape = case.tensor.shape
    return [name for m in case.modules for name, p in m.named_parameters() if p.shape == shape and p.requires_grad][:3]


def _not_reached(case: Case) -> Finding:
    live = case.flow.live()
    last = max(live or case.flow.after(SOURCE))
    links = case.flow.path(SOURCE, last) or []
    path: list[tuple[int | None, Step]] = [
        (link.user, Step.of(case.flow.events[link.user], blocked=link.user == last)) for link in links
    ]
    return Finding(
        "not_reached",
        f"It is used, but the loss does not come from it: the way ends at {case.label(last)}, {_fate(case, last)}. "
        "Either that result was dropped (a branch or an auxiliary output that the loss leaves out), or it went on "
        "through NumPy or a Python number (.numpy(), .item(), float()), where nothing is recorded. "
        "Add it to the loss, or compute with minigrad's functions all the way.",
        path,
        path[-1][1] if path else None,
    )


def _fate(case: Case, last: int) -> str:
    """What becomes of the last recorded result, as far as that can be seen."""
    file, line = case.flow.events[last].site
    taken = case.flow.users.get(last)
    if taken:
        words = {"integer": "has no derivative", "no_grad": "ran inside of no_grad()", "detached": "is not recorded"}
        return f"whose result only {case.label(taken[0].user)} takes, which {words[_cause(case, taken[0])]}"
    gone = leaving_near(file, line)
    if gone is not None:
        where = f"{os.path.basename(file)}:{gone[1]}"
        return f"whose result no op takes: it seems to leave the graph at {where} ({code_at(*gone)})"
    return "whose result no op takes"


def _on_loss(case: Case) -> str:
    """A loss that was made of numbers has no history at all."""
    if case.flow.end is not None:
        return ""
    what = "a constant" if case.loss.node is None else "a variable of its own"
    return f"The loss is {what}, no op gave it: was it made of a number, by Tensor(...)? Then it has no history.\n"
