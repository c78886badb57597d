"""`why`: explain why a gradient is None, zero, NaN, tiny or huge.

`why(tensor, f)` runs the function f that computes the loss, looks at all ops that it calls, and answers in words, with
the line of code and the path from the tensor to the loss:

>>> import minigrad as mg
>>> from minigrad.diagnosis import why
>>> w = mg.Tensor([[1.0, -2.0], [0.5, -0.25]], requires_grad=True)
>>> x = mg.Tensor([[-1.0, 2.0]])
>>> reason = why(w, lambda: mg.relu(x @ w - 9).sum())
>>> reason.cause, reason.op, reason.norm
('zero', 'relu', 0.0)

`print(reason)` shows everything, `reason.picture()` draws it with the path marked, and programs read `reason.cause`:

    healthy      nothing is wrong
    constant     the tensor does not require gradients
    unused       no op takes it
    not_reached  it is used, but the loss does not depend on it
    detached     its value is used as a constant: detach(), stop_gradient(), .data, .numpy(), a copy, or (perhaps
                 of only a part of its uses) a plain number: .item(), float(), math.sqrt()
    no_grad      an op on the path ran inside of no_grad()
    integer      an op on the path gives integers or booleans, or only selects by its input
    zero         a gradient arrives at an op that passes on nothing: dead ReLUs, saturation, masks, zero weights
    vanished     it shrinks from step to step, or in one
    exploding    it grows
    nan, inf     the first op, or the first rule, that makes NaN or infinity of finite numbers

The files: `viz.dry_run` runs the function and undoes what it changed; `dataflow` links the calls of ops, recorded or
not; `gradient_trace` is a backward pass with the size of every gradient; `missing`, `zero`, `nonfinite` and `magnitude`
each search for their causes (`detach_sites` reads the source for lines at which no op runs, `attenuation` words how an
op passes on little); `reason` is the answer, and `path_graph` its graph.
"""

from __future__ import annotations

from minigrad.diagnosis.api import why
from minigrad.diagnosis.reason import Cause, PathStep, Reason

__all__ = ["Cause", "PathStep", "Reason", "why"]
