"""Derivatives along a direction: `jvp`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.autograd.nested import matching, rebuilt
from minigrad.autograd.node import STATE
from minigrad.autograd.pullback import Pullback, push_forward, seed
from minigrad.autograd.transforms import require_function
from minigrad.errors import ShapeError
from minigrad.typing import Function


def jvp(f: Function, xs: Sequence[Any], vs: Sequence[Any], has_aux: bool = False, **settings: Any) -> tuple[Any, ...]:
    """The value f(*xs), and J v: how it changes when the inputs move along `vs`.

    Two reverse passes make it: see `push_forward`.

    Args:
        f: a function to a Tensor, or to containers of Tensors.
        xs: its arguments.
        vs: one tangent an argument, in its shape or containers.
        has_aux: whether f returns a pair, its value and anything beside it, which is not differentiated (default
            False).
        **settings: what f takes by keyword.

    Returns:
        The value and J v, in the same containers; with `has_aux`, what came beside the value is third.

    Raises:
        GraphError: f returned something that is no Tensor, or with `has_aux` no pair.
        ShapeError: the tangents do not fit the arguments.
    """
    require_function("jvp", f)
    if len(xs) != len(vs):
        raise ShapeError(f"jvp: one tangent an argument is needed, got {len(vs)} for {len(xs)} arguments")
    trace = Pullback("jvp", f, xs, settings, range(len(xs)), has_aux)
    given = [part for x, v in zip(trace.given, vs, strict=True) for part in matching("jvp", x, v)]
    tangents = [seed(x, v) for x, v in zip(trace.inputs, given, strict=True)]
    outside = trace.record or any(v.requires_grad for v in tangents)
    zeros = [np.zeros(out.shape, out.dtype) for out in trace.outs]
    record = outside and STATE.recorder is not None
    moved = push_forward(lambda us: trace.pull(us, record=True), zeros, tangents, record=record)
    return trace.with_aux(trace.value(), rebuilt(trace.out, moved))
