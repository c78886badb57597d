"""`Law`: a property that holds for every correct derivative, and `LAWS`, the registry of all of them.

A law is written as a function of one call that raises when it does not hold:

    @law(applies=lambda call: len(call.args) == 2)
    def commutes(call):
        \"\"\"f(x, y) = f(y, x).\"\"\"
        x, y = call.args
        expect("commutes", call, call.with_args([y, x]).results(), call.results(), names=["the result"])

It is used alone as `laws.commutes(f, x, y, axis=0)`, together with all others as `laws.all_of(f, x, y, axis=0)`, and by
`@gradtest` once it stands in `LAWS`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, overload

from minigrad.testing.calls.function_call import FunctionCall, no_arithmetic_warnings
from minigrad.testing.calls.real_parts import in_real_parts
from minigrad.typing import Function

LAWS: Final[dict[str, Law]] = {}
"""Every law by its name, in the order in which they are tried: those come first whose failure would explain others."""


@dataclass(frozen=True)
class Law:
    """A property of calls. Called with a function, arguments and settings, it raises `LawViolation` or returns None.

    Args:
        name: its name, that of its function.
        check: raises when the law does not hold for a call.
        applies: whether the law says anything about a call.
    """

    name: str
    check: Callable[[FunctionCall], None]
    applies: Callable[[FunctionCall], bool]

    def __post_init__(self) -> None:
        object.__setattr__(self, "__doc__", self.check.__doc__)  # what the law says

    def __call__(self, f: Function, *args: object, **settings: Any) -> None:
        """Check that f satisfies this law at these arguments.

        Args:
            f: a function of Tensors; with `grad=` or `vjp=`, a function of NumPy arrays with that gradient.
            *args: arrays, Tensors, numbers or whatever f takes; floating ones are differentiated.
            **settings: what f takes by keyword; besides `grad=`, `vjp=`, and `argnums=`.

        Raises:
            LawViolation: it does not.
        """
        __tracebackhide__ = True
        self.check_if_applies(FunctionCall.of(f, *args, **settings))

    def check_if_applies(self, call: FunctionCall) -> None:
        """Check that a call satisfies this law, if it applies.

        Args:
            call: the function with its arguments.

        Raises:
            LawViolation: it does not.
        """
        __tracebackhide__ = True
        with no_arithmetic_warnings():
            call = in_real_parts(call)
            if self.name not in call.framework.left_out() and self.applies(call):
                self.check(call)

    def __repr__(self) -> str:
        return f"laws.{self.name}"


def has_gradient(call: FunctionCall) -> bool:
    """Whether anything of the call is differentiated at all."""
    return call.is_differentiable


def is_recorded(call: FunctionCall) -> bool:
    """Whether minigrad makes the derivatives, so that there are Tensors and higher orders."""
    return call.on_tensors and has_gradient(call)


def has_second_order(call: FunctionCall) -> bool:
    """Whether gradients can be differentiated again."""
    return (call.framework.higher_order or call.framework.hvp is not None) and has_gradient(call)


def has_transpose(call: FunctionCall) -> bool:
    """Whether there are products with the Jacobian from both sides."""
    return (call.framework.forward_mode or call.framework.higher_order) and has_gradient(call)


def always(call: FunctionCall) -> bool:
    """True: the law applies to all calls."""
    return True


Check = Callable[[FunctionCall], None]


@overload
def law(check: Check, /) -> Law: ...
@overload
def law(*, applies: Callable[[FunctionCall], bool]) -> Callable[[Check], Law]: ...
def law(
    check: Check | None = None, /, *, applies: Callable[[FunctionCall], bool] = has_gradient
) -> Law | Callable[[Check], Law]:
    """Make a law of a function that takes a call and raises; see this module's docstring.

    Args:
        check: the function. Its name is that of the law, its docstring says what the law says. Without one, the
            result is a decorator (default: none, as in `@law(applies=...)`).
        applies: whether it applies to a call (default has_gradient: if anything is differentiated).

    Returns:
        The law, which stands in `LAWS`.
    """

    def made(check: Check) -> Law:
        result = LAWS[check.__name__] = Law(check.__name__, check, applies)
        return result

    return made if check is None else made(check)
