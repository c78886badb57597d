"""Derivatives of functions: `backward` for Tensors, and `grad`, `vjp`, `jvp`, `jacobian` ... for Python functions.

The functional forms give each input a fresh variable, run the function, and pull back to these variables only: see
`pullback.py`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigrad.autograd import operators
from minigrad.autograd.backward import pull_back, toposort
from minigrad.autograd.node import STATE, Leaf, override_state
from minigrad.autograd.pullback import Pullback, push_forward, seed_of
from minigrad.autograd.tensor import Tensor, wrap
from minigrad.errors import GraphError, ShapeError
from minigrad.typing import ArrayLike, Function


def backward(
    out: Tensor, g: ArrayLike | None = None, *, retain_graph: bool = False, create_graph: bool = False
) -> None:
    """Add to the `.grad` of every variable behind `out` the derivative of sum(out * g) with respect to it.

    Args:
        out: any recorded Tensor.
        g: the cotangent of `out`, in its shape (default None: 1, when `out` has one element).
        retain_graph: keep the graph for another pass (default False: it is freed).
        create_graph: record the pass, so that the gradients can be differentiated again, and keep the graph (default
            False).

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
    seed = seed_of(out, g)
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


def _numbers(argnums: int | Sequence[int]) -> tuple[int, ...]:
    return (argnums,) if isinstance(argnums, int) else tuple(argnums)


def value_and_grad(f: Function, argnums: int | Sequence[int] = 0) -> Callable[..., tuple[Tensor, Any]]:
    """A function that gives both f's value, one number, and its gradient.

    Args:
        f: a function of Tensors that returns a Tensor with one element.
        argnums: the number of the argument to differentiate by, or several numbers (default 0).

    Returns:
        A function of f's arguments that returns (value, gradient): a gradient in the shape of its argument, or for
        several argnums a tuple of them.

    Raises:
        ShapeError: when called, f returns more than one number.
        GraphError: when called, f returns something else than a Tensor.

    >>> value_and_grad(lambda x: (x * x).sum())(Tensor([1.0, 3.0]))
    (Tensor(10., shape=(), dtype=float32), Tensor([2., 6.], shape=(2,), dtype=float32))
    """

    def derivative(*args: Any) -> tuple[Tensor, Any]:
        run = Pullback(f, args, _numbers(argnums))
        if run.out.size != 1:
            raise ShapeError(
                f"grad needs a function that returns one number, this one returned shape {run.out.shape}: "
                "reduce it (.sum()), or use jacobian or vjp"
            )
        gradients = run.pull(seed_of(run.out, None), keep=False)
        return run.value(), gradients[0] if isinstance(argnums, int) else tuple(gradients)

    return derivative


def grad(f: Function, argnums: int | Sequence[int] = 0) -> Callable[..., Any]:
    """The gradient of f, a function to one number, as a function; it can be nested.

    Args:
        f: a function of Tensors that returns a Tensor with one element.
        argnums: the number of the argument to differentiate by, or several numbers (default 0).

    Returns:
        A function of f's arguments that returns the gradient in the shape of its argument, or for several argnums a
        tuple of gradients.

    Raises:
        ShapeError: when called, f returns more than one number.
        GraphError: when called, f returns something else than a Tensor.

    >>> grad(grad(lambda x: x**3))(2.0)
    Tensor(12., shape=(), dtype=float32)
    """
    both = value_and_grad(f, argnums)
    return lambda *args: both(*args)[1]


def vjp(f: Function, *xs: Any) -> tuple[Tensor, Callable[[ArrayLike], tuple[Tensor, ...]]]:
    """The vector-Jacobian product: f's value, and the function from a cotangent g of it to J^T g.

    Args:
        f: a function of Tensors that returns a Tensor.
        *xs: its arguments.

    Returns:
        f(*xs), and a function of g, in the shape of that value, that returns a tuple of cotangents in the shapes of xs.

    Raises:
        GraphError: f returns something else than a Tensor.
        ShapeError: g has another shape.

    >>> value, pull = vjp(lambda x, y: x * y, 2.0, 3.0)
    >>> value.item(), [g.item() for g in pull(1.0)]
    (6.0, [3.0, 2.0])
    """
    run = Pullback(f, xs, range(len(xs)))
    return run.value(), lambda g: tuple(run.pull(seed_of(run.out, g)))


def jvp(f: Function, xs: Sequence[ArrayLike], vs: Sequence[ArrayLike]) -> tuple[Tensor, Tensor]:
    """The Jacobian-vector product: f's value, and J v, how it changes when the inputs move along tangents.

    Two reverse passes make it: see `push_forward`.

    Args:
        f: a function of Tensors that returns a Tensor.
        xs: its arguments.
        vs: the tangents, in the shapes of xs.

    Returns:
        f(*xs) and J v, both in the shape of f's value.

    Raises:
        GraphError: f returns something else than a Tensor.
        ShapeError: a tangent has another shape than its argument.

    >>> value, change = jvp(lambda x: x * x, [3.0], [1.0])
    >>> value.item(), change.item()
    (9.0, 6.0)
    """
    run = Pullback(f, xs, range(len(xs)))
    tangents = [seed_of(x, v) for x, v in zip(run.inputs, vs, strict=True)]
    outside = run.record or any(v.requires_grad for v in tangents)
    zeros = [np.zeros(run.out.shape, run.out.dtype)]
    record = outside and STATE.recorder is not None
    (moved,) = push_forward(lambda us: run.pull(us[0], record=True), zeros, tangents, record=record)
    return run.value(), moved


def jacobian(f: Function, argnums: int = 0) -> Callable[..., Tensor]:
    """The Jacobian: all partial derivatives of a function's value with respect to one argument.

    Args:
        f: a function of Tensors that returns a Tensor.
        argnums: the number of the argument to differentiate by (default 0).

    Returns:
        A function of f's arguments that returns them in the shape of f's value followed by that of the argument.

    Raises:
        GraphError: when called, f returns something else than a Tensor.

    >>> jacobian(lambda x: x * x)(Tensor([1.0, 2.0])).tolist()
    [[2.0, 0.0], [0.0, 4.0]]
    """

    def derivative(*args: Any) -> Tensor:
        run = Pullback(f, args, (argnums,))
        basis = np.eye(run.out.size, dtype=run.out.dtype).reshape(run.out.size, *run.out.shape)
        shape = (*run.out.shape, *run.inputs[0].shape)
        rows = [run.pull(wrap(e))[0] for e in basis]
        if not rows:
            return wrap(np.zeros(shape, run.out.dtype))
        return operators.ops.reshape(operators.ops.stack(rows), shape=shape)

    return derivative


def hessian(f: Function, argnums: int = 0) -> Callable[..., Tensor]:
    """The Hessian: all second partial derivatives of a function to one number.

    Args:
        f: a function of Tensors that returns a Tensor with one element.
        argnums: the number of the argument to differentiate by (default 0).

    Returns:
        A function of f's arguments that returns them in the argument's shape, twice.

    Raises:
        ShapeError: when called, f returns more than one number.
        GraphError: when called, f returns something else than a Tensor.

    >>> hessian(lambda x: (x**3).sum())(Tensor([1.0, 2.0])).tolist()
    [[6.0, 0.0], [0.0, 12.0]]
    """
    return jacobian(grad(f, argnums), argnums)


def hvp(f: Function, x: ArrayLike, v: ArrayLike) -> Tensor:
    """The Hessian-vector product, without forming the Hessian: the gradient of (gradient of f) . v.

    Args:
        f: a function of Tensors that returns a Tensor with one element.
        x: its argument.
        v: the vector, in the shape of x.

    Returns:
        H v, in the shape of x.

    Raises:
        ShapeError: f returns more than one number.
        GraphError: f returns something else than a Tensor.

    Source: Pearlmutter 1994, "Fast exact multiplication by the Hessian".

    >>> hvp(lambda x: (x**3).sum(), Tensor([1.0, 2.0]), Tensor([1.0, 1.0])).tolist()
    [6.0, 12.0]
    """
    slope = grad(lambda y: (grad(f)(y) * v).sum())
    return slope(x)  # type: ignore[no-any-return]


def stop_gradient(x: Any) -> Any:
    """The same value as a constant: no gradient flows through it.

    Args:
        x: a Tensor of any shape; anything else is returned as it is.
    """
    return x.detach() if isinstance(x, Tensor) else x


operators.bind(transforms=sys.modules[__name__])
