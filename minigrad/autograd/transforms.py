"""Derivatives of functions: `backward` for Tensors, and `grad`, `value_and_grad`, `vjp` for Python functions.

The functional forms give each input a fresh variable, run the function, and pull back to these variables only. Each
call has variables of its own, so derivatives nest to any order without confusing one another. A derivative is itself
recorded only if something outside depends on it: when the function reached variables other than its own.

Arguments and results may be containers (dicts, lists, tuples, dataclasses, modules) of Tensors: derivatives have the
same containers. What a function takes by keyword is passed on to it, and not differentiated.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, overload

from minigrad.autograd import operators
from minigrad.autograd.arguments import Argnames, Argnums, Chosen
from minigrad.autograd.backward import leaf_watchers, pull_back, toposort
from minigrad.autograd.batched_array import is_batched
from minigrad.autograd.complex_numbers import conjugated
from minigrad.autograd.nested import Nested, leaves, mapped, matching, rebuilt
from minigrad.autograd.node import STATE, Leaf
from minigrad.autograd.pullback import Pullback
from minigrad.autograd.recorded import gradient_of, leading_to, seed
from minigrad.autograd.tensor import Tensor, recording, wrap
from minigrad.errors import GraphError, ShapeError, UsageError
from minigrad.typing import ArrayLike, Function


def backward(out: Tensor, g: Any = None, *, retain_graph: bool = False, create_graph: bool = False) -> None:
    """Add to the `.grad` of every variable behind `out` the derivative of sum(out * g) with respect to it.

    For complex numbers it is that of the real part of sum(out * conj(g)); see `minigrad.autograd.complex_numbers`.

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
        if is_batched(out):
            raise GraphError("backward cannot be called inside of vmap: take the gradient by minigrad.grad(f) there")
        raise GraphError(
            "backward: this Tensor was not recorded, so there is nothing to differentiate: make a variable with "
            "requires_grad=True, and compute outside of no_grad()"
        )
    cotangent_of_out = seed(out, g)
    record_pass = create_graph and STATE.recorder is not None
    watcher = STATE.watcher if STATE.capture is not None else None  # for else what a rule gives is watched
    watchers = leaf_watchers() if STATE.leaf_watchers else ()
    before = STATE.recorder, STATE.watcher
    try:  # what `override_state` does, in a third of the time
        STATE.recorder, STATE.watcher = STATE.recorder if record_pass else None, watcher
        reached = pull_back(
            {out.node: cotangent_of_out if record_pass else cotangent_of_out._data},
            toposort([out.node]),
            record=record_pass,
            keep=retain_graph or create_graph,
            watchers=watchers,
        )
        for leaf, cotangent in reached.items():
            assert isinstance(leaf, Leaf)
            gradient = cotangent if isinstance(cotangent, Tensor) else wrap(cotangent)
            if leaf.dtype.kind == "c":
                gradient = conjugated(gradient)
            leaf.grad = gradient if leaf.grad is None else leaf.grad + gradient
    finally:
        STATE.recorder, STATE.watcher = before
    for each in watchers:
        each.on_end()


def value_and_grad(
    f: Function, argnums: Argnums | None = None, has_aux: bool = False, *, argnames: Argnames | None = None
) -> Callable[..., tuple[Any, Nested]]:
    """A function that gives both f's value, one number, and its gradient.

    Args:
        f: a function to a Tensor of one element.
        argnums: the number of the argument to differentiate by, or several; negative ones count from the end (default
            None: 0, unless there are argnames).
        has_aux: whether f returns a pair, the number and anything beside it, which is not differentiated (default
            False).
        argnames: the name of an argument that is given by keyword (or by position), or several; then argnums is none
            unless given (default None: none).

    Returns:
        A function of what f takes, to the value and the gradient: in the shape (or the containers) of the argument, a
        tuple of them for several argnums, a dict of them for several argnames, and a pair of these for both. With
        `has_aux`, ((value, aux), gradient).

    Raises:
        UsageError: argnums or argnames do not name arguments of the call.
        DTypeError: an argument holds integers.
        GraphError: f returned no Tensor, or with `has_aux` no pair.
        ShapeError: it returned more than one number.

    >>> value_and_grad(lambda x: (x * x).sum())(Tensor([1.0, 3.0]))
    (Tensor(10., shape=(), dtype=float32), Tensor([2., 6.], shape=(2,), dtype=float32))
    """
    return value_and_gradient("value_and_grad", f, argnums, has_aux, argnames)


def value_and_gradient(
    name: str, f: Function, argnums: Argnums | None, has_aux: bool = False, argnames: Argnames | None = None
) -> Callable[..., tuple[Any, Nested]]:
    """`value_and_grad`, whose errors name the transformation that asked for it."""
    require_function(name, f)

    def derivative(*args: Any, **settings: Any) -> tuple[Any, Nested]:
        call = Chosen(name, f, args, settings, argnums, argnames)
        trace = Pullback(name, call.f, call.args, call.settings, call.numbers, has_aux, call.labels)
        out = trace.single()
        if out.size != 1:
            raise ShapeError(
                f"{name} needs a function that returns one number, this one returned shape {out.shape}: "
                "reduce it (.sum()), or use jacobian or vjp"
            )
        gradients = trace.in_containers(trace.pull([seed(out, None)], keep=False))
        value = trace.with_aux(trace.value()) if has_aux else trace.value()
        return value, call.formed(gradients)

    return derivative


def require_function(name: str, f: object) -> None:
    """Refuse what cannot be called.

    Raises:
        UsageError: f is no function.
    """
    if not callable(f):
        raise UsageError(f"{name} takes a function, not {type(f).__name__}")


@overload
def grad(
    y: Tensor, x: Nested, g: ArrayLike | None = ..., /, *,
    create_graph: bool = ..., retain_graph: bool = ..., allow_unused: bool = ...,
) -> Nested: ...  # fmt: skip
@overload
def grad(
    f: Function, argnums: Argnums | None = None, has_aux: bool = ..., *, argnames: Argnames | None = None
) -> Callable[..., Nested]: ...
def grad(f: Any, argnums: Any = None, *more: Any, **settings: Any) -> Any:  # as the overloads say
    """The gradient of f, a function to one number, as a function; or that of a Tensor by others that it was made of.

    `grad(f, argnums)(x, ...)` runs f. It can be nested.

    `grad(y, x)` gives dy/dx of what has been recorded already, and touches no `.grad`. With `create_graph=True` the
    result can be differentiated again, which a loss that contains derivatives needs.

    Args:
        f: the function; or y, a recorded Tensor.
        argnums: the number of the argument to differentiate by (default None: 0), or several: see `value_and_grad`; or
            x, a recorded Tensor or containers of them.
        more: for `grad(f, argnums, has_aux=False)`: as for `value_and_grad`; for `grad(y, x, g)`: the cotangent of y,
            in its shape; 1 unless given, if y has one element.
        settings: for `grad(f)`: argnames, as for `value_and_grad`; for `grad(y, x)`: create_graph=False, record the
            pass; retain_graph=False, keep the graph for another one; allow_unused=False, give zeros where y does not
            depend on an x.

    Returns:
        A function of what f takes, to the gradient, or to (gradient, aux); or the gradient, in the shapes and
        containers of x.

    Raises:
        UsageError: argnums do not name arguments of the call.
        GraphError: y was not recorded, or does not depend on an x.
        ShapeError: f returns more than one number; or g does not have y's shape.
        FreedGraphError: an earlier pass has freed the graph behind y.

    >>> grad(grad(lambda x: x**3))(2.0)
    Tensor(12., shape=(), dtype=float32)
    >>> x = Tensor(2.0, requires_grad=True)
    >>> slope = grad(x**3, x, create_graph=True)
    >>> grad(slope, x)
    Tensor(12., shape=(), dtype=float32)
    """
    if isinstance(f, Tensor):
        return _grad_of_tensor(f, 0 if argnums is None else argnums, *more, **settings)
    return _grad_of_function(f, argnums, *more, **settings)


def _grad_of_function(
    f: Function,
    argnums: Argnums | None = None,
    has_aux: object = False,
    *more: object,
    argnames: Argnames | None = None,
    **settings: object,
) -> Callable[..., Nested]:
    third = bool(more) or has_aux not in (True, False)
    wrong = [*["a third argument"] * third, *[f"{name}=" for name in settings]]
    if wrong:
        raise UsageError(
            f"grad(f, argnums) takes a function and argnums, not {', '.join(wrong)}: that belongs to grad(y, x)"
        )
    both = value_and_gradient("grad", f, argnums, bool(has_aux), argnames)

    def gradient(*args: Any, **named: Any) -> Nested:
        value, found = both(*args, **named)
        return (found, value[1]) if has_aux else found

    return gradient


def _grad_of_tensor(
    y: Tensor,
    xs: Nested,
    g: ArrayLike | None = None,
    *,
    create_graph: bool = False,
    retain_graph: bool = False,
    allow_unused: bool = False,
) -> Nested:
    if y.node is None:
        raise GraphError("grad: y was not recorded, so it depends on nothing: compute it outside of no_grad()")
    inputs = list(leaves(xs))
    for path, x in inputs:
        if not isinstance(x, Tensor) or x.node is None:
            what = "a constant Tensor" if isinstance(x, Tensor) else f"of type {type(x).__name__}"
            raise GraphError(
                f"grad(y, x): x{path} is {what}: give Tensors that y was computed from and that require gradients "
                "(for a function, call grad(f, argnums))"
            )
    targets = frozenset([x.node for _, x in inputs])
    record = create_graph and STATE.recorder is not None
    nodes = leading_to(targets, toposort([y.node], oldest=min([node.order for node in targets], default=0)))
    cotangent = seed(y, g)
    with recording(record):
        seeds = {y.node: cotangent if record else cotangent._data}
        reached = pull_back(seeds, nodes, targets, record=record, keep=retain_graph or create_graph) if nodes else {}
    for path, x in inputs:
        if x.node not in reached and not allow_unused:
            raise GraphError(
                f"grad(y, x): y does not depend on x{path}: was it computed from another Tensor of the same value, or "
                "detached on the way? (allow_unused=True gives zeros)"
            )
    with recording(record):
        return rebuilt(xs, [gradient_of(x, reached) for _, x in inputs])


def vjp(
    f: Function, *xs: Any, has_aux: bool = False, argnames: Argnames | None = None, **settings: Any
) -> tuple[Any, ...]:
    """The value f(*xs), and the function from a cotangent g of it to J'g, one part an input.

    Args:
        f: a function to a Tensor, or to containers of Tensors.
        *xs: its arguments: Tensors, arrays, or containers of them.
        has_aux: whether f returns a pair, its value and anything beside it, which is not differentiated (default
            False).
        argnames: the name of an argument in `settings` whose cotangent is wanted as well, or several (default None).
        **settings: what f takes by keyword.

    Returns:
        The value; and a function of g, in the containers and shapes of the value, to a tuple with the cotangent of
        each argument. With `argnames` to a pair: this tuple, and the cotangent of the named one or a dict of several.
        With `has_aux`, what came beside the value is third.

    Raises:
        GraphError: f returned something that is no Tensor, or with `has_aux` no pair.
        DTypeError: an argument holds integers.
        ShapeError: when g does not have the value's shape.
    """
    require_function("vjp", f)
    numbers = tuple(range(len(xs)))
    call = Chosen("vjp", f, xs, settings, numbers if xs or argnames is None else None, argnames)
    trace = Pullback("vjp", call.f, call.args, call.settings, call.numbers, has_aux, call.labels)

    def pull(g: Nested) -> tuple[Nested, ...]:
        gs = [seed(out, part) for out, part in zip(trace.outs, matching("vjp", trace.out, g), strict=True)]
        found = call.formed(trace.in_containers(trace.pull(gs)))
        return ((), found) if argnames is not None and not xs else found

    return trace.with_aux(trace.value(), pull)


def stop_gradient(x: Nested) -> Nested:
    """The same value as a constant: no gradient flows back from here.

    Args:
        x: a Tensor, containers of Tensors, or anything else, which is returned as it is.
    """
    return mapped(lambda value: value.detach() if isinstance(value, Tensor) else value, x)


operators.bind(transforms=sys.modules[__name__])
