"""`checkpoint`: keep less for backward, and compute it again when it is needed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.autograd.backward import toposort
from minigrad.autograd.batched_array import physical
from minigrad.autograd.node import STATE, Leaf, Node, next_id, override_state
from minigrad.autograd.op import Op
from minigrad.autograd.rule import Plan
from minigrad.autograd.tensor import Tensor, wrap
from minigrad.errors import GraphError, MutationError
from minigrad.rng import rng_state, set_rng_state


def checkpoint(function: Callable[..., Tensor], *inputs: Any) -> Tensor:
    """function(*inputs), keeping only the inputs; backward runs the function a second time.

    The memory of the values inside is traded for the time of one more forward pass. What is random inside draws the
    same numbers both times, as long as it draws from the default generator. Whatever else the function depends on (a
    module's training mode, say) must not change before backward.

    Args:
        function: from Tensors to one Tensor; parameters and other recorded Tensors that it uses get gradients too.
        inputs: its arguments.

    Raises:
        GraphError: the function does not return one Tensor.
        MutationError: in backward, when a variable that the function uses has been changed since.
        GraphError: in backward, when the function gives other values than before.

    Source: Chen et al. 2016, "Training deep nets with sublinear memory cost", arXiv:1604.06174.
    """
    if STATE.recorder is None:
        return function(*inputs)
    state, start = rng_state(), next_id()
    out = function(*inputs)
    if not isinstance(out, Tensor):
        raise GraphError(f"checkpoint: the function must return one Tensor, not {type(out).__name__}")
    if out.node is None or out.node.order < start:
        return out
    used = [p for node in toposort([out.node], oldest=start) for p in node.parents if p is not None]
    outside = tuple(dict.fromkeys([p for p in used if p.order < start]))
    kept = [wrap(x._data, x.node) if isinstance(x, Tensor) else x for x in inputs]
    return STATE.recorder(_Replay(function, kept, state, out), outside, (), {}, out._data)


class _Replay(Plan):
    """The plan of a checkpointed function: no rules, only a way to run it again."""

    __slots__ = ("function", "inputs", "rng_state", "total")

    def __init__(
        self, function: Callable[..., Tensor], inputs: list[Any], rng_state: dict[str, Any], out: Tensor
    ) -> None:
        self.total = physical(out).sum(dtype=np.float64)
        self.op = _CHECKPOINT
        self.pulls = self.recorded = self.loop = None
        self.joint = False
        self.save = lambda values: ()
        self.function, self.inputs, self.rng_state = function, inputs, rng_state

    def replay(self, node: Node) -> tuple[Tensor]:
        """Run the function once more on the same inputs, with the same random numbers, recording it this time."""
        for parent in node.parents:
            if isinstance(parent, Leaf) and parent.written_at > node.order:
                raise MutationError(
                    "checkpoint: a variable has been changed between the forward and the backward pass, so the values "
                    "cannot be computed again: call backward before the optimizer's step"
                )
        current = rng_state()
        set_rng_state(self.rng_state)
        try:
            with override_state(scope=node.scope):
                out = self.function(*self.inputs)
        finally:
            set_rng_state(current)
        if not np.isclose(physical(out).sum(dtype=np.float64), self.total, rtol=1e-4, equal_nan=True):
            raise GraphError(
                "checkpoint: the function gave other values the second time: it must draw from the default generator "
                "only, and what it depends on (a module's mode, say) must not change before backward"
            )
        return (out,)


_CHECKPOINT = Op(lambda *xs: xs, "checkpoint")
