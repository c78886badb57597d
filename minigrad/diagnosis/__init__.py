"""`why`: why is this gradient None, zero, NaN, tiny or huge?

A network that does not learn seldom says why. `why(tensor, f)` runs the function f that computes the loss, looks at all
that happens in it, and answers in words, with the line of code and the way from the tensor to the loss:

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
    not_reached  it is used, but the loss does not come from there
    detached     its value is taken on as a constant: detach(), stop_gradient(), .data, .numpy(), a copy
    no_grad      an op on the way ran inside of no_grad()
    integer      an op on the way gives whole numbers or booleans, or only chooses by its input
    zero         a gradient arrives at an op, and none goes on: dead ReLUs, saturation, masks, choices, zero weights
    vanished     it shrinks from step to step, or in one
    exploding    it grows
    nan, inf     the first op, or the first rule, that makes what is not finite of finite numbers

The files: `viz.rehearsal` runs the function and undoes what it changed; `flow` links the calls of ops, recorded or not;
`cotangent` is the backward pass that is looked at; `lost`, `zero`, `finite` and `scale` each search for their causes
(`leaving` reads the source for lines that no op tells of, `block` words how an op lets little through);
`reason` is the answer, and `drawing` its graph.
"""

from __future__ import annotations

from minigrad.diagnosis.question import why
from minigrad.diagnosis.reason import Cause, Reason, Step

__all__ = ["Cause", "Reason", "Step", "why"]
