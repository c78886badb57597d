"""Matrices of derivatives: `jacobian`, `hessian`, and `hvp`, the product with a Hessian that is never formed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.autograd import operators
from minigrad.autograd.forward_mode import jvp
from minigrad.autograd.nested import Nested, one_or_all, rebuilt
from minigrad.autograd.pullback import Pullback, positions
from minigrad.autograd.tensor import Tensor, wrap
from minigrad.autograd.transforms import Argnums, require_function, value_and_gradient
from minigrad.errors import DTypeError
from minigrad.typing import Function


def jacobian(f: Function, argnums: Argnums = 0) -> Callable[..., Nested]:
    """The matrix of all partial derivatives, as a function: f's shape followed by that of the input.

    It is made row by row, in reverse mode, or column by column, in forward mode, whichever takes fewer passes.

    Args:
        f: a function to a Tensor, or to containers of Tensors.
        argnums: the number of the argument to differentiate by (default 0), or several; negative ones count from
            the end.

    Returns:
        A function of what f takes, to df[i]/dx[j] in shape (*f, *x): in the containers of f's value, within them in
        those of the argument, and for several argnums a tuple.

    Raises:
        UsageError: argnums do not name arguments of the call.
        DTypeError: an argument is complex.
        GraphError: f returned something that is no Tensor.
    """
    require_function("jacobian", f)
    return _jacobian("jacobian", f, argnums)


def _jacobian(name: str, f: Function, argnums: Argnums) -> Callable[..., Nested]:
    def derivative(*args: Any, **settings: Any) -> Nested:
        trace = Pullback(name, f, args, settings, positions(name, argnums, len(args)))
        if any(x.dtype.kind == "c" for x in trace.inputs):
            raise DTypeError(
                f"{name}: a function of complex numbers has a matrix of real derivatives, by real and imaginary parts: "
                "differentiate by z.real and z.imag, or use vjp and jvp, which need no matrix"
            )
        forward = sum(x.size for x in trace.inputs) < sum(out.size for out in trace.outs)
        forward = forward or any(out.dtype.kind == "c" for out in trace.outs)  # a column is d out / dx, complex
        blocks = _by_columns(trace) if forward else [_by_rows(trace, k) for k in range(len(trace.outs))]
        inside = [one_or_all(trace.in_containers(block), np.ndim(argnums) == 0) for block in blocks]
        return rebuilt(trace.out, inside)

    return derivative


def _by_rows(trace: Pullback, k: int) -> list[Tensor]:
    """The partial derivatives of result number k, a Tensor (*out, *x) for each input x: a reverse pass an element."""
    out = trace.outs[k]
    zeros = [wrap(np.zeros(other.shape, other.dtype)) for other in trace.outs]
    rows = []
    for e in _basis(out):
        rows.append(trace.pull([e if i == k else zero for i, zero in enumerate(zeros)]))
    if not rows:
        return [wrap(np.zeros((*out.shape, *x.shape), out.dtype)) for x in trace.inputs]
    columns = zip(*rows, strict=True)
    ops = operators.ops
    return [ops.reshape(ops.stack(c), shape=(*out.shape, *c[0].shape)) for c in columns]


def _by_columns(trace: Pullback) -> list[list[Tensor]]:
    """The same for all results, each with all inputs: a forward pass an element of the inputs."""
    blocks: list[list[Tensor]] = [[] for _ in trace.outs]
    ops = operators.ops
    for x in trace.inputs:
        columns = [trace.push([x], [e]) for e in _basis(x)]
        for k, out in enumerate(trace.outs):
            shape = (*out.shape, *x.shape)
            if columns:
                blocks[k].append(ops.reshape(ops.stack([c[k] for c in columns], axis=-1), shape=shape))
            else:
                blocks[k].append(wrap(np.zeros(shape, out.dtype)))
    return blocks


def _basis(x: Tensor) -> list[Tensor]:
    """Tensors in the shape of x, each 1 at one element and 0 at the others."""
    return [wrap(e) for e in np.eye(x.size, dtype=x.dtype).reshape(x.size, *x.shape)]


def hessian(f: Function, argnums: Argnums = 0) -> Callable[..., Nested]:
    """All second partial derivatives of f, a function to one number, as a function.

    Args:
        f: a function to a Tensor of one element.
        argnums: the number of the argument to differentiate by, 0 unless given, or several.

    Returns:
        A function of what f takes, to a Tensor of x's shape twice over; for several argnums a tuple of tuples.

    Raises:
        UsageError: argnums do not name arguments of the call.
        DTypeError: an argument is complex.
        ShapeError: f returned more than one number.
    """
    return _jacobian("hessian", gradient_function("hessian", f, argnums), argnums)


def gradient_function(name: str, f: Function, argnums: Argnums) -> Function:
    """The gradient of f as a function, whose errors name the transformation that asked for it."""
    both = value_and_gradient(name, f, argnums)
    return lambda *args, **settings: both(*args, **settings)[1]


def hvp(f: Function, x: Any, v: Any, **settings: Any) -> Nested:
    """The Hessian of f at x times v, without forming the Hessian.

    Args:
        f: a function of one argument to a Tensor of one element.
        x: the point: a Tensor, or containers of them.
        v: the direction, in x's shape or containers.
        **settings: what f takes by keyword.

    Returns:
        H v, in x's shape or containers.

    Raises:
        ShapeError: f returned more than one number, or v does not fit x.
    """
    gradient = gradient_function("hvp", f, 0)
    return jvp(lambda y: gradient(y, **settings), (x,), (v,))[1]
