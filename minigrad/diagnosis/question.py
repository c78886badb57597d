"""`why`: the question, and the order in which the causes are looked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.autograd.tensor import Tensor
from minigrad.autograd.trace import Trace
from minigrad.diagnosis.case import Case, Finding
from minigrad.diagnosis.drawing import drawn
from minigrad.diagnosis.finite import not_finite
from minigrad.diagnosis.flow import Flow
from minigrad.diagnosis.lost import constant, lost
from minigrad.diagnosis.reason import Reason
from minigrad.diagnosis.scale import scaled
from minigrad.diagnosis.zero import all_zero, nearly_zero
from minigrad.errors import GraphError, ShapeError, UsageError
from minigrad.nn import Module
from minigrad.viz.rehearsal import modules_within, rehearse


def why(
    tensor: Tensor,
    f: Callable[..., Tensor] | Tensor,
    *inputs: Any,
    model: Module | None = None,
    tiny: float = 1e-6,
    huge: float = 1e4,
) -> Reason:
    """Why the gradient of a loss with respect to a tensor is missing, zero, tiny, huge, NaN, or as it should be.

    The function is run once, as it would be in training, and everything that happens in it is looked at. Nothing is
    left changed that can be put back: no `.grad` is touched, and the buffers and random generators of the modules that
    the function can reach are as they were. (What else it does, such as printing, it does, and
    backward hooks are called.)

    Args:
        tensor: a parameter, another variable, or a result that the function uses.
        f: the function that computes the loss. Or the recorded loss itself: then only what its graph has kept is
            known, which is less: no lines unless it was computed inside of `trace()` or `anomaly()`, and of what was
            not recorded, nothing.
        inputs: the function's arguments.
        model: gives parameters their names; found by itself where the function uses it.
        tiny: a gradient whose norm is below this has vanished. The gradient of the loss itself is 1.
        huge: a gradient whose norm is above this explodes.

    Raises:
        UsageError: `tensor` is no Tensor, or `f` neither a function nor a Tensor.
        GraphError: the function gives no Tensor.
        ShapeError: the loss has not exactly one element.
        FreedGraphError: backward has freed the graph.

    >>> w = Tensor([2.0, 3.0], requires_grad=True)
    >>> why(w, lambda: (w * w).detach().sum()).cause
    'detached'
    """
    if not isinstance(tensor, Tensor):
        raise UsageError(
            f"why: the first argument is the Tensor whose gradient is asked about, not a {type(tensor).__name__}: "
            "give a parameter, such as model.fc.weight"
        )
    case = _case(tensor, f, inputs, model)
    with np.errstate(all="ignore"):
        finding = _finding(case, tiny, huge)
    graph, mark = drawn(case, finding.path)
    text = finding.text + ("" if case.traced or any(e.site[1] for e in case.flow.events) else _NO_LINES)
    path = tuple([step for _, step in finding.path if step.op != "result"])  # of an op with several results
    return Reason(finding.cause, case.name, tensor.shape, _norm(case, finding), text, path, finding.at, graph, mark)


_NO_LINES = "\n(The lines were not noted: give the function that computes the loss, or compute it inside of trace().)"


def _case(tensor: Tensor, f: Any, inputs: tuple[Any, ...], model: Module | None) -> Case:
    """Run the function, unless its result is there already."""
    if isinstance(f, Tensor):
        if inputs:
            raise UsageError("why: a loss that is computed already takes no arguments: give the function, or the loss")
        modules = [model] if model is not None else []
        return Case(tensor, _checked(f), Flow(tensor, f, Trace()), False, modules)
    if not callable(f):
        raise UsageError(
            f"why: the second argument is the function that computes the loss, or the loss, not a {type(f).__name__}: "
            "why(w, lambda: loss_fn(model(x), y))"
        )
    modules = modules_within(*([model] if model is not None else []), f, *inputs)
    loss, seen = rehearse(f, inputs, modules)
    return Case(tensor, _checked(loss), Flow(tensor, loss, seen), True, modules)


def _checked(loss: Any) -> Tensor:
    if not isinstance(loss, Tensor):
        raise GraphError(
            f"why: the function must return the loss, a Tensor; it returned a {type(loss).__name__}. Without a return "
            "statement that is None, and .item() or float() give a number without history"
        )
    if loss.size != 1:
        raise ShapeError(
            f"why: the loss has shape {loss.shape}; a gradient belongs to one number: reduce it (.sum(), .mean())"
        )
    return loss


def _finding(case: Case, tiny: float, huge: float) -> Finding:
    if case.tensor.node is None:
        return constant(case)
    reached = case.loss.node is case.tensor.node or (case.flow.end is not None and case.flow.end in case.flow.live())
    if not reached or case.loss.node is None or case.cotangents.gradient is None:
        return lost(case)
    found = not_finite(case)
    if found is not None:
        return found
    if case.tensor.size and case.cotangents.size(case.cotangents.target).norm == 0:
        return all_zero(case)
    return nearly_zero(case) or scaled(case, tiny, huge)


def _norm(case: Case, finding: Finding) -> float | None:
    if case.tensor.node is None or "cotangents" not in vars(case) or case.cotangents.gradient is None:
        return None
    return case.cotangents.size(case.cotangents.target).norm
