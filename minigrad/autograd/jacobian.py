"""Matrices of derivatives: `jacobian`, `hessian`, and `hvp`, the product with a Hessian that is never formed."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigrad.autograd import operators
from minigrad.autograd.arguments import Argnames, Argnums, Chosen
from minigrad.autograd.forward_mode import jvp
from minigrad.autograd.level import Level, running
from minigrad.autograd.nested import Nested, rebuilt
from minigrad.autograd.node import Node
from minigrad.autograd.pullback import Pullback
from minigrad.autograd.tensor import Tensor, wrap
from minigrad.autograd.transforms import require_function, value_and_gradient
from minigrad.errors import BatchingError, DTypeError
from minigrad.typing import Function


def jacobian(f: Function, argnums: Argnums | None = None, *, argnames: Argnames | None = None) -> Callable[..., Nested]:
    """The matrix of all partial derivatives, as a function: f's shape followed by that of the input.

    It is made of rows, in reverse mode, or of columns, in forward mode, whichever are fewer. All of them, or as many as
    fit into memory, are computed at once, as `vmap` does.

    Args:
        f: a function to a Tensor, or to containers of Tensors.
        argnums: the number of the argument to differentiate by, or several; negative ones count from the end (default
            None: 0, unless there are argnames).
        argnames: the name of an argument that is given by keyword (or by position), or several; then argnums is none
            unless given (default None: none).

    Returns:
        A function of what f takes, to df[i]/dx[j] in shape (*f, *x): in the containers of f's value, within them in
        those of the argument, for several argnums a tuple, and for several argnames a dict.

    Raises:
        UsageError: argnums or argnames do not name arguments of the call.
        DTypeError: an argument is complex.
        GraphError: f returned something that is no Tensor.
    """
    require_function("jacobian", f)
    return _jacobian("jacobian", f, argnums, argnames)


def _jacobian(name: str, f: Function, argnums: Argnums | None, argnames: Argnames | None) -> Callable[..., Nested]:
    def derivative(*args: Any, **settings: Any) -> Nested:
        call = Chosen(name, f, args, settings, argnums, argnames)
        trace = Pullback(name, call.f, call.args, call.settings, call.numbers, labels=call.labels)
        if any(x.dtype.kind == "c" for x in trace.inputs):
            raise DTypeError(
                f"{name}: a function of complex numbers has a matrix of real derivatives, by real and imaginary parts: "
                "differentiate by z.real and z.imag, or use vjp and jvp, which need no matrix"
            )
        forward = sum(x.size for x in trace.inputs) < sum(out.size for out in trace.outs)
        forward = forward or any(out.dtype.kind == "c" for out in trace.outs)  # a column is d out / dx, complex
        blocks = _by_columns(trace) if forward else [_by_rows(trace, k) for k in range(len(trace.outs))]
        inside = [call.formed(trace.in_containers(block)) for block in blocks]
        return rebuilt(trace.out, inside)

    return derivative


AT_ONCE = 1 << 22
"""How many elements the largest value may have in all passes that run at once."""


def _by_rows(trace: Pullback, k: int) -> list[Tensor]:
    """The partial derivatives of result number k, a Tensor (*out, *x) for each input x: a reverse pass an element."""
    out, ops = trace.outs[k], operators.ops
    if not out.size:
        return [wrap(np.zeros((*out.shape, *x.shape), out.dtype)) for x in trace.inputs]
    zeros = [wrap(np.zeros(other.shape, other.dtype)) for other in trace.outs]
    rows = _on_basis(trace, out, lambda e: trace.pull([e if i == k else zero for i, zero in enumerate(zeros)]))
    return [ops.reshape(row, shape=(*out.shape, *row.shape[1:])) for row in rows]


def _by_columns(trace: Pullback) -> list[list[Tensor]]:
    """The same for all results, each with all inputs: a forward pass an element of the inputs."""
    blocks: list[list[Tensor]] = [[] for _ in trace.outs]
    ops = operators.ops

    def push(x: Tensor, e: Tensor) -> list[Tensor]:
        return trace.push([x], [e])

    for x in trace.inputs:
        columns = _on_basis(trace, x, functools.partial(push, x)) if x.size else []
        for k, out in enumerate(trace.outs):
            shape = (*out.shape, *x.shape)
            if columns:
                blocks[k].append(ops.reshape(ops.moveaxis(columns[k], 0, -1), shape=shape))
            else:
                blocks[k].append(wrap(np.zeros(shape, out.dtype)))
    return blocks


def _on_basis(trace: Pullback, x: Tensor, f: Callable[[Tensor], list[Tensor]]) -> list[Tensor]:
    """f, a pass through what was recorded, of each Tensor in x's shape that is 1 at one element: joined in front."""
    largest = max([int(np.max([np.prod(shape) for shape in _shapes(node)])) for node in trace.nodes], default=1)
    step = max(1, AT_ONCE // max(largest, 1))
    parts = []
    for start in range(0, x.size, step):
        count = min(step, x.size - start)
        parts.append(_on_each(f, wrap(np.eye(count, x.size, start, dtype=x.dtype).reshape(count, *x.shape))))
    return parts[0] if len(parts) == 1 else [operators.ops.concat(part) for part in zip(*parts, strict=True)]


def _shapes(node: Node) -> Sequence[Any]:
    several = node.op is not None and node.op.results
    return node.shape if several else (node.shape,)


def _on_each(f: Callable[[Tensor], list[Tensor]], vectors: Tensor) -> list[Tensor]:
    """f of each vector: of all at once, or one by one where a rule needs plain numbers."""
    operators.ops.load_batching_rules()
    try:
        with running(Level(len(vectors), tells=False)) as level:
            found = f(level.batch(vectors))
        return [level.values(out) for out in found]
    except BatchingError:
        return [operators.ops.stack(outs) for outs in zip(*map(f, vectors), strict=True)]


def hessian(f: Function, argnums: Argnums | None = None, *, argnames: Argnames | None = None) -> Callable[..., Nested]:
    """All second partial derivatives of f, a function to one number, as a function.

    Args:
        f: a function to a Tensor of one element.
        argnums: the number of the argument to differentiate by, or several (default None: 0, unless there are
            argnames).
        argnames: the name of an argument that is given by keyword (or by position), or several; then argnums is none
            unless given (default None: none).

    Returns:
        A function of what f takes, to a Tensor of x's shape twice over; for several argnums a tuple of tuples, for
        several argnames a dict of dicts.

    Raises:
        UsageError: argnums or argnames do not name arguments of the call.
        DTypeError: an argument is complex.
        ShapeError: f returned more than one number.
    """
    gradient = gradient_function("hessian", f, argnums, argnames)
    return _jacobian("hessian", functools.update_wrapper(gradient, f, updated=()), argnums, argnames)


def gradient_function(
    name: str, f: Function, argnums: Argnums | None = None, argnames: Argnames | None = None
) -> Function:
    """The gradient of f as a function, whose errors name the transformation that asked for it."""
    both = value_and_gradient(name, f, argnums, argnames=argnames)
    return lambda *args, **settings: both(*args, **settings)[1]


def hvp(f: Function, x: Any, v: Any, *, argnames: Argnames | None = None, **settings: Any) -> Nested:
    """The Hessian of f at x times v, without forming the Hessian.

    Args:
        f: a function of one argument to a Tensor of one element.
        x: the point: a Tensor, or containers of them.
        v: the direction, in x's shape or containers.
        argnames: the name of the argument that x is given as; or several, of which x and v are dicts then (default
            None: the first by position).
        **settings: what f takes by keyword.

    Returns:
        H v, in x's shape or containers.

    Raises:
        ShapeError: f returned more than one number, or v does not fit x.
    """
    gradient = gradient_function("hvp", f, argnames=argnames)

    def at(y: Nested) -> Nested:
        named = {argnames: y} if isinstance(argnames, str) else y
        return gradient(y, **settings) if argnames is None else gradient(**named, **settings)

    return jvp(at, (x,), (v,))[1]
