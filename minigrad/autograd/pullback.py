"""A function run once on fresh variables, to be pulled back through any number of times; and J v from two pull-backs.

Each run has variables of its own, so derivatives nest to any order without confusing one another. A derivative is
itself recorded only if something outside depends on it: when the function reached variables other than its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigrad.autograd.backward import pull_back, toposort
from minigrad.autograd.elementwise import elementwise
from minigrad.autograd.node import STATE, Node, next_id
from minigrad.autograd.tensor import Tensor, recording, wrap
from minigrad.errors import GraphError, ShapeError
from minigrad.typing import Array, ArrayLike, Function, Value

alias = elementwise("alias", lambda x: x, "The same value as a new node of the graph.", x=lambda g: g)


def seed_of(out: Tensor, g: ArrayLike | None) -> Tensor:
    """The cotangent of a result: given, or 1 for a single number."""
    if g is None:
        if out.size != 1:
            raise ShapeError(
                f"backward from a Tensor of shape {out.shape} needs a cotangent g of that shape: "
                "give one, or reduce the Tensor first (.sum(), .mean())"
            )
        return wrap(np.ones(out.shape, out.dtype))
    seed: Tensor = g if isinstance(g, Tensor) else Tensor(g)
    if seed.shape != out.shape:
        raise ShapeError(f"the cotangent g has shape {seed.shape}, but the Tensor has shape {out.shape}")
    return seed if seed.dtype == out.dtype else seed.astype(out.dtype)


class Pullback:
    """One run of a function on fresh variables, ready to be pulled back through any number of times."""

    def __init__(self, f: Function, args: Sequence[Any], argnums: Sequence[int]) -> None:
        self.outer_recorder = STATE.recorder
        start = next_id()
        args = list(args)
        with recording():
            for i in argnums:
                args[i] = _variable(args[i])
            self.out = f(*args)
        self.inputs: list[Tensor] = [args[i] for i in argnums]
        if not isinstance(self.out, Tensor):
            raise GraphError(f"the function to differentiate must return one Tensor, not {type(self.out).__name__}")
        self.targets = frozenset([x.node for x in self.inputs if x.node is not None])
        nodes = [] if self.out.node is None else toposort([self.out.node], oldest=start)
        self.nodes = _leading_to(self.targets, nodes)
        returned_outer = self.out.node is not None and self.out.node.order < start
        outside = returned_outer or any(p is not None and p.order < start for node in nodes for p in node.parents)
        self.record = self.outer_recorder is not None and outside

    def pull(self, g: Tensor, *, record: bool | None = None, keep: bool = True) -> list[Tensor]:
        """The cotangent of each input, for the cotangent g of the result."""
        record = self.record or g.requires_grad if record is None else record
        reached: dict[Node, Value] = {}
        if self.nodes and self.out.node is not None:
            seeds = {self.out.node: g if record else g._data}
            with recording(record):
                reached = pull_back(seeds, self.nodes, self.targets, record=record, keep=keep or record)
        return [_gradient(reached.get(x.node), x) for x in self.inputs]  # type: ignore[arg-type]

    def value(self) -> Tensor:
        """The function's result, as the caller may see it: recorded only for what lies outside."""
        return self.out if self.record else wrap(self.out._data)


def _variable(x: ArrayLike) -> Tensor:
    """A fresh variable with the value of x, joined to x's own graph if it has one."""
    x = x if isinstance(x, Tensor) else Tensor(x)
    if x.node is not None:
        return alias(x)
    variable = wrap(x._data)
    variable.requires_grad = True
    return variable


def _leading_to(targets: frozenset[Node], nodes: list[Node]) -> list[Node]:
    """Those of the nodes (newest first) from which a target can be reached, targets included."""
    leading = set(targets)
    for node in reversed(nodes):
        if any(parent in leading for parent in node.parents):
            leading.add(node)
    return [node for node in nodes if node in leading]


def _gradient(cotangent: Value, x: Tensor) -> Tensor:
    if cotangent is None:
        return wrap(np.zeros(x.shape, x.dtype))
    return cotangent if isinstance(cotangent, Tensor) else wrap(np.asarray(cotangent))


def pull_back_tensors(
    outs: Sequence[Tensor], cotangents: Sequence[Tensor], targets: Sequence[Tensor], *, record: bool = False
) -> list[Tensor]:
    """J'u of recorded results: the cotangent of each target, zeros where none arrives. The graph is kept.

    Args:
        outs: recorded Tensors; one that is constant adds nothing.
        cotangents: one for each of them, in its shape.
        targets: the Tensors to pull back to.
        record: run the rules on Tensors, recording them.
    """
    seeds: dict[Node, Value] = {}
    for out, g in zip(outs, cotangents, strict=True):
        if out.node is not None:
            seed = g if record else g._data
            seeds[out.node] = seeds[out.node] + seed if out.node in seeds else seed
    wanted = frozenset([x.node for x in targets if x.node is not None])
    nodes = _leading_to(wanted, toposort(seeds, oldest=min([node.order for node in wanted], default=0)))
    with recording(record):
        reached = pull_back(seeds, nodes, wanted, record=record, keep=True)
    return [_gradient(reached.get(x.node) if x.node is not None else None, x) for x in targets]


def push_forward(
    pull: Callable[[list[Tensor]], Sequence[Tensor]],
    zeros: Sequence[Array],
    tangents: Sequence[Tensor],
    *,
    record: bool = False,
) -> list[Tensor]:
    """J v from the function u -> J'u: this is linear in u, so its own transpose, applied to v, is J v.

    Args:
        pull: from cotangents of the results to recorded cotangents of the inputs.
        zeros: an array for each result, in the shape and dtype of its cotangent: where J'u is transposed.
        tangents: v, one an input.
        record: record the second pass.
    """
    with recording():
        us = [_variable(zero) for zero in zeros]
        back = pull(us)
    return pull_back_tensors(back, tangents, us, record=record)
