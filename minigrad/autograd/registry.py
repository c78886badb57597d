"""The registry of ops, and `op`: the decorator that makes an op of a forward function and enters it there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal, TypedDict, TypeVar, Unpack, overload

from minigrad.autograd.complex_numbers import Complex
from minigrad.autograd.op import Op, P
from minigrad.autograd.tensor import Tensor
from minigrad.domain import Domain
from minigrad.errors import RuleError
from minigrad.typing import Array, Function, Settings, Value

REGISTRY: Final[dict[str, Op]] = {}
"""Every op by its name: the library's own and the users'."""


AnyOp = TypeVar("AnyOp", bound=Op)


def registered(op: AnyOp) -> AnyOp:
    """Enter an op by its name. The same definition run again (in a notebook, say) replaces the former."""
    former = REGISTRY.get(op.name)
    if former is not None and former.module != op.module:
        raise RuleError(f"an op named {op.name!r} exists already, made in {former.module}: choose another name")
    REGISTRY[op.name] = op
    return op


class Facts(TypedDict, total=False):
    """What may be stated of an op beside its forward function; see the attributes of `Op`."""

    shapes: str
    residuals: Sequence[str]
    non_differentiable: Sequence[str]
    reference: Function
    domain: Mapping[str, Domain]
    linear: Sequence[str]
    kinks: Sequence[float] | Literal["ties"]
    onnx: str
    flops: Function
    source: str
    hint: str
    elementwise: bool
    complex: Complex


@overload
def op(forward: Callable[P, Array], /) -> Op[P, Tensor]: ...
@overload
def op(
    *, canonical: Callable[P, Settings], results: Sequence[str], name: str | None = None, **facts: Unpack[Facts]
) -> Callable[[Function], Op[P, tuple[Tensor, ...]]]: ...
@overload
def op(
    *, canonical: Callable[P, Settings], name: str | None = None, **facts: Unpack[Facts]
) -> Callable[[Function], Op[P, Tensor]]: ...
@overload
def op(
    *, results: Sequence[str], name: str | None = None, **facts: Unpack[Facts]
) -> Callable[[Callable[P, Value]], Op[P, tuple[Tensor, ...]]]: ...
@overload
def op(*, name: str | None = None, **facts: Unpack[Facts]) -> Callable[[Callable[P, Value]], Op[P, Tensor]]: ...
def op(forward: Function | None = None, /, *, name: str | None = None, **facts: Any) -> Any:  # as the overloads say
    """Make an op of a forward function on arrays: `@op`, or `@op(shapes=..., residuals=..., ...)`.

    Args:
        forward: the function, when the decorator has no arguments (default None: it is decorated next).
        name: the op's name (default None: the function's own).
        **facts: what `Op` takes: shapes, residuals, non_differentiable, canonical, reference, domain, linear, kinks,
            results, onnx, flops, source, hint, elementwise, complex.

    >>> @op
    ... def cube_of(x):
    ...     return x * x * x
    >>> @cube_of.vjp("x")
    ... def _(g, x):
    ...     return 3 * g * x * x
    >>> x = Tensor(2.0, requires_grad=True)
    >>> cube_of(x).backward(); x.grad.item()
    12.0
    """
    if forward is not None:
        return registered(Op(forward, name or forward.__name__, **facts))
    return lambda function: registered(Op(function, name or function.__name__, **facts))
