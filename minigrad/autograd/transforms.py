"""Derivatives of functions: `backward` for Tensors, and `grad`, `vjp`, `jvp`, `jacobian` ... for Python functions.

The functional forms give each input a fresh variable, run the function, and pull back to these variables only. Each
call has variables of its own, so derivatives nest to any order without confusing one another. A derivative is itself
recorded only if something outside depends on it: when the function reached variables other than its own.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigrad.autograd import operators
from minigrad.autograd.backward import pull_back, toposort
from minigrad.autograd.elementwise import elementwise
from minigrad.autograd.node import STATE, Leaf, Node, next_id, override_state
from minigrad.autograd.tensor import Tensor, recording, wrap
from minigrad.errors import GraphError, ShapeError

Function = Callable[..., Any]

alias = elementwise("alias", lambda x: x, "The same value as a new node of the graph.", x=lambda g: g)


def backward(out: Tensor, g: Any = None, *, retain_graph: bool = False, create_graph: bool = False) -> None:
    """Add to the `.grad` of every variable behind `out` the derivative of sum(out * g) with respect to it.

    Args:
        out: any recorded Tensor.
        g: the cotangent of `out`, in its shape; may be left out when `out` has one element.
        retain_graph: keep the graph for another pass; otherwise it is freed.
        create_graph: record the pass, so that the gradients can be differentiated again (this keeps the graph).

    Raises:
        GraphError: nothing behind `out` requires gradients.
        FreedGraphError: an earlier pass has freed the graph.
        ShapeError: `g` is missing or has another shape.
    """
    if out.node is None:
        raise GraphError(
            "backward: this Tensor was not recorded, so there is nothing to differentiate: make a variable with "
            "requires_grad=True, and compute outside of no_grad()"
        )
    seed = _seed(out, g)
    record_pass = create_graph and STATE.recorder is not None
    with override_state(recorder=STATE.recorder if record_pass else None, watcher=None):  # what a rule gives is watched
        reached = pull_back(
            {out.node: seed if record_pass else seed._data},
            toposort([out.node]),
            record=record_pass,
            keep=retain_graph or create_graph,
        )
        for leaf, cotangent in reached.items():
            assert isinstance(leaf, Leaf)
            gradient = cotangent if isinstance(cotangent, Tensor) else wrap(np.asarray(cotangent))
            leaf.grad = gradient if leaf.grad is None else leaf.grad + gradient


def _seed(out: Tensor, g: Any) -> Tensor:
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


class _Trace:
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
        reached: dict[Node, Any] = {}
        if self.nodes and self.out.node is not None:
            seeds = {self.out.node: g if record else g._data}
            with recording(record):
                reached = pull_back(seeds, self.nodes, self.targets, record=record, keep=keep or record)
        return [_gradient(reached.get(x.node), x) for x in self.inputs]  # type: ignore[arg-type]

    def value(self) -> Tensor:
        """The function's result, as the caller may see it: recorded only for what lies outside."""
        return self.out if self.record else wrap(self.out._data)


def _variable(x: Any) -> Tensor:
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


def _gradient(cotangent: Any, x: Tensor) -> Tensor:
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
    seeds: dict[Node, Any] = {}
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
    zeros: Sequence[Any],
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


def _numbers(argnums: int | Sequence[int]) -> tuple[int, ...]:
    return (argnums,) if isinstance(argnums, int) else tuple(argnums)


def value_and_grad(f: Function, argnums: int | Sequence[int] = 0) -> Callable[..., tuple[Tensor, Any]]:
    """A function that gives both f's value, one number, and its gradient (a tuple for several argnums).

    >>> value_and_grad(lambda x: (x * x).sum())(Tensor([1.0, 3.0]))
    (Tensor(10., shape=(), dtype=float32), Tensor([2., 6.], shape=(2,), dtype=float32))
    """

    def derivative(*args: Any) -> tuple[Tensor, Any]:
        trace = _Trace(f, args, _numbers(argnums))
        if trace.out.size != 1:
            raise ShapeError(
                f"grad needs a function that returns one number, this one returned shape {trace.out.shape}: "
                "reduce it (.sum()), or use jacobian or vjp"
            )
        gradients = trace.pull(_seed(trace.out, None), keep=False)
        return trace.value(), gradients[0] if isinstance(argnums, int) else tuple(gradients)

    return derivative


def grad(f: Function, argnums: int | Sequence[int] = 0) -> Callable[..., Any]:
    """The gradient of f, a function to one number, as a function; it can be nested.

    >>> grad(grad(lambda x: x**3))(2.0)
    Tensor(12., shape=(), dtype=float32)
    """
    both = value_and_grad(f, argnums)
    return lambda *args: both(*args)[1]


def vjp(f: Function, *xs: Any) -> tuple[Tensor, Callable[[Any], tuple[Tensor, ...]]]:
    """The value f(*xs), and the function from a cotangent g of it to J'g, one part an input."""
    trace = _Trace(f, xs, range(len(xs)))
    return trace.value(), lambda g: tuple(trace.pull(_seed(trace.out, g)))


def jvp(f: Function, xs: Sequence[Any], vs: Sequence[Any]) -> tuple[Tensor, Tensor]:
    """The value f(*xs), and J v: how it changes when the inputs move along `vs` (one tangent an input).

    Two reverse passes make it: see `push_forward`.
    """
    trace = _Trace(f, xs, range(len(xs)))
    tangents = [_seed(x, v) for x, v in zip(trace.inputs, vs, strict=True)]
    outside = trace.record or any(v.requires_grad for v in tangents)
    zeros = [np.zeros(trace.out.shape, trace.out.dtype)]
    record = outside and STATE.recorder is not None
    (moved,) = push_forward(lambda us: trace.pull(us[0], record=True), zeros, tangents, record=record)
    return trace.value(), moved


def jacobian(f: Function, argnums: int = 0) -> Callable[..., Tensor]:
    """The matrix of all partial derivatives, in the shape of f's value followed by that of the input."""

    def derivative(*args: Any) -> Tensor:
        trace = _Trace(f, args, (argnums,))
        basis = np.eye(trace.out.size, dtype=trace.out.dtype).reshape(trace.out.size, *trace.out.shape)
        shape = (*trace.out.shape, *trace.inputs[0].shape)
        rows = [trace.pull(wrap(e))[0] for e in basis]
        if not rows:
            return wrap(np.zeros(shape, trace.out.dtype))
        return operators.ops.reshape(operators.ops.stack(rows), shape=shape)

    return derivative


def hessian(f: Function, argnums: int = 0) -> Callable[..., Tensor]:
    """All second partial derivatives of f, a function to one number."""
    return jacobian(grad(f, argnums), argnums)


def hvp(f: Function, x: Any, v: Any) -> Tensor:
    """The Hessian of f at x times v, without forming the Hessian."""
    slope = grad(lambda y: (grad(f)(y) * v).sum())
    return slope(x)  # type: ignore[no-any-return]


def stop_gradient(x: Any) -> Any:
    """The same value as a constant."""
    return x.detach() if isinstance(x, Tensor) else x


operators.bind(transforms=sys.modules[__name__])
