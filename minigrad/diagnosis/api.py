"""`why`: what it takes, and the order in which the causes are searched for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from minigrad.autograd.precision import Widening, widens
from minigrad.autograd.tensor import Tensor
from minigrad.autograd.trace import Trace
from minigrad.diagnosis.context import Context, Explanation
from minigrad.diagnosis.dataflow import Dataflow
from minigrad.diagnosis.magnitude import explain_magnitude
from minigrad.diagnosis.missing import explain_constant, explain_missing
from minigrad.diagnosis.nonfinite import explain_nonfinite
from minigrad.diagnosis.numbers import explain_number
from minigrad.diagnosis.path_graph import path_graph
from minigrad.diagnosis.reason import Reason
from minigrad.diagnosis.zero import explain_mostly_zero, explain_zero
from minigrad.errors import GraphError, ShapeError, UsageError
from minigrad.nn import Module
from minigrad.pytorch_names.keywords import explain_calls
from minigrad.viz.dry_run import dry_run, modules_within

_NO_LINES = "\n(The lines were not noted: give the function that computes the loss, or compute it inside of trace().)"


@explain_calls
def why(
    tensor: Tensor,
    f: Callable[..., Tensor] | Tensor,
    *inputs: Any,  # whatever f takes
    model: Module | None = None,
    tiny: float = 1e-6,
    huge: float = 1e4,
) -> Reason:
    """Explain why the gradient of a loss with respect to a tensor is missing, zero, tiny, huge or NaN, or healthy.

    The function is run once, as in training, and every op that it calls is looked at. What can be put back is put
    back: no `.grad` is touched, and the buffers and random generators of the modules that the function can reach are
    as they were. (Other side effects, such as printing, happen, and backward hooks are called.)

    Args:
        tensor: a parameter, another variable, or a result that the function uses.
        f: the function that computes the loss. Or the recorded loss itself: then only what its graph has kept is
            known, which is less: no lines unless it was computed inside of `trace()` or `anomaly()`, and nothing about
            what was not recorded.
        *inputs: the function's arguments.
        model: gives parameters their names; None (default) finds the model that the function uses.
        tiny: a gradient whose norm is smaller has vanished (default 1e-6). The gradient of the loss itself is 1.
        huge: a gradient whose norm is larger explodes (default 1e4).

    Returns:
        The reason: print it, draw it with `.picture()`, or read its `.cause`, `.op`, `.file` and `.line`.

    Raises:
        UsageError: `tensor` is no Tensor, `f` neither a function nor a Tensor, or inputs come with a computed loss.
        GraphError: the function returns no Tensor.
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
    context = _context(tensor, f, inputs, model)
    with np.errstate(all="ignore"):
        found = _explain(context, tiny, huge)
    graph, mark = path_graph(context, found.path)
    text = found.text + ("" if context.traced or any(e.site[1] for e in context.flow.events) else _NO_LINES)
    text += next((f"\n{w}" for w in _widenings(context)), "")
    path = tuple([step for i, step in found.path if i is None or context.flow.events[i].op.result_of is None])
    return Reason(found.cause, context.name, tensor.shape, _norm(context), text, path, found.at, graph, mark)


def _context(
    tensor: Tensor, f: Callable[..., Tensor] | Tensor, inputs: tuple[Any, ...], model: Module | None
) -> Context:
    """Run the function, unless its result is there already."""
    if isinstance(f, Tensor):
        if inputs:
            raise UsageError("why: a loss that is computed already takes no arguments: give the function, or the loss")
        modules = [model] if model is not None else []
        return Context(tensor, _checked(f), Dataflow(tensor, f, Trace()), False, modules)
    if not callable(f):
        raise UsageError(
            f"why: the second argument is the function that computes the loss, or the loss, not a {type(f).__name__}: "
            "why(w, lambda: loss_fn(model(x), y))"
        )
    modules = modules_within(*([model] if model is not None else []), f, *inputs)
    result, seen = dry_run(f, inputs, modules)
    loss = _checked(result)
    return Context(tensor, loss, Dataflow(tensor, loss, seen), True, modules)


def _checked(loss: object) -> Tensor:
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


def _explain(context: Context, tiny: float, huge: float) -> Explanation:
    if context.tensor.node is None:
        return explain_constant(context)
    differentiable = context.flow.end is not None and context.flow.end in context.flow.differentiable()
    reached = context.loss.node is context.tensor.node or differentiable
    if not reached or context.loss.node is None or context.gradients.gradient is None:
        return explain_missing(context)
    found = explain_nonfinite(context)
    if found is not None:
        return found
    if context.tensor.size and context.gradients.at_target().norm == 0:
        return explain_zero(context)
    found = explain_mostly_zero(context) or explain_magnitude(context, tiny, huge)
    return (explain_number(context, _norm(context)) if found.cause == "healthy" else None) or found


def _widenings(context: Context) -> Iterator[Widening]:
    """The ops that made float64 of float32."""
    for event in context.flow.events:
        if event.node is not None and widens(event.node):
            yield Widening(event.op.name, event.scope, event.site)


def _norm(context: Context) -> float | None:
    """The norm of the gradient; None where the search ended before there was one."""
    if context.tensor.node is None or "gradients" not in vars(context) or context.gradients.gradient is None:
        return None
    return context.gradients.at_target().norm
