"""Derivatives along a direction, in forward mode: `jvp` and `linearize`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from minigrad.autograd.nested import Nested, matching, rebuilt
from minigrad.autograd.pullback import Pullback
from minigrad.autograd.recorded import like
from minigrad.autograd.transforms import require_function
from minigrad.errors import ShapeError
from minigrad.typing import Function


def jvp(f: Function, xs: Sequence[Any], vs: Sequence[Any], has_aux: bool = False, **settings: Any) -> tuple[Any, ...]:
    """The value f(*xs), and J v: how it changes when the inputs move along `vs`.

    Forward mode: the tangents v pass through the recorded ops in the order in which these ran, once, whatever the
    number of inputs and results.

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

    >>> jvp(lambda x: x**3, (2.0,), (1.0,))
    (Tensor(8., shape=(), dtype=float32), Tensor(12., shape=(), dtype=float32))
    """
    require_function("jvp", f)
    trace = Pullback("jvp", f, xs, settings, range(len(xs)), has_aux)
    moved = _pushing("jvp", trace)(*vs)
    return trace.with_aux(trace.value(), moved)


def linearize(f: Function, *xs: Any, has_aux: bool = False, **settings: Any) -> tuple[Any, ...]:
    """The value f(*xs), and the function v -> J v, which can be called any number of times without running f again.

    Args:
        f: a function to a Tensor, or to containers of Tensors.
        *xs: its arguments: Tensors, arrays, or containers of them.
        has_aux: whether f returns a pair, its value and anything beside it, which is not differentiated (default
            False).
        **settings: what f takes by keyword.

    Returns:
        The value; and a function of tangents, one an argument in its shape or containers, to J v in the containers of
        the value. With `has_aux`, what came beside the value is third.

    Raises:
        GraphError: f returned something that is no Tensor, or with `has_aux` no pair.
        ShapeError: the tangents do not fit the arguments.

    >>> value, push = linearize(lambda x: x**3, 2.0)
    >>> push(1.0).item(), push(10.0).item()
    (12.0, 120.0)
    """
    require_function("linearize", f)
    trace = Pullback("linearize", f, xs, settings, range(len(xs)), has_aux)
    return trace.with_aux(trace.value(), _pushing("linearize", trace))


def _pushing(name: str, trace: Pullback) -> Callable[..., Nested]:
    """The function from tangents of the arguments of one run to that of its value."""

    def push(*vs: Any) -> Nested:
        if len(vs) != len(trace.given):
            raise ShapeError(
                f"{name}: one tangent an argument is needed, got {len(vs)} for {len(trace.given)} arguments"
            )
        given = [part for x, v in zip(trace.given, vs, strict=True) for part in matching(name, x, v)]
        tangents = [like(x, v, "the tangent v") for x, v in zip(trace.inputs, given, strict=True)]
        return rebuilt(trace.out, trace.push(trace.inputs, tangents))

    return push
