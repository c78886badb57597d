"""The laws of derivatives, one function each: `laws.gradient(f, x)`, or all that apply: `laws.all_of(f, x)`.

Each takes a function, its arguments and settings, returns None when the law holds or does not apply, and raises
`LawViolation` when it does not hold. `laws.law` makes a new one of a function of a call (`FunctionCall`).
"""

from __future__ import annotations

from typing import Any

from minigrad.testing.calls.function_call import FunctionCall
from minigrad.testing.calls.module_function import ModuleFunction
from minigrad.testing.frameworks.numpy_layer import NumpyLayer
from minigrad.testing.laws.batching import vectorization
from minigrad.testing.laws.derivatives import (
    accumulation,
    adjoint,
    gradient,
    hessian_symmetry,
    linearity,
    reference,
    second_order,
)
from minigrad.testing.laws.law_registry import LAWS, Law, law
from minigrad.testing.laws.masking import silence
from minigrad.testing.laws.shape_and_layout import broadcasting, layout, shape_and_dtype
from minigrad.testing.laws.side_effects import aliasing, purity, repeatable
from minigrad.testing.laws.violation import LawViolation, expect
from minigrad.typing import Function

module = ModuleFunction
"""`module(make)` is the Module that `make()` makes, as a function of its inputs and all its parameters."""

layer = NumpyLayer
"""`layer(Affine, {"W": "dW"})` is a class with `forward` and `backward` as a function of its inputs and parameters."""

__all__ = [
    "LAWS", "Law", "LawViolation", "accumulation", "adjoint", "aliasing", "all_of", "broadcasting", "expect",
    "gradient", "hessian_symmetry", "law", "layer", "layout", "linearity", "module", "purity", "reference",
    "repeatable", "second_order", "shape_and_dtype", "silence",
    "vectorization",
]  # fmt: skip

_ORDER = (
    repeatable, purity, shape_and_dtype, aliasing, linearity, layout, gradient, second_order, adjoint, broadcasting,
    accumulation, hessian_symmetry, reference, silence, vectorization,
)  # fmt: skip
LAWS.update([(each.name, LAWS.pop(each.name)) for each in _ORDER])


def all_of(f: Function, *args: object, **settings: Any) -> None:
    """Check that f satisfies every law that applies at these arguments.

    Args:
        f: a function of Tensors; with `grad=` or `vjp=`, a function of NumPy arrays with that gradient.
        *args: arrays, Tensors, numbers or whatever f takes; floating ones are differentiated.
        **settings: what f takes by keyword; besides `grad=`, `vjp=`, and `argnums=`.

    Raises:
        LawViolation: for the first law that does not hold.
    """
    __tracebackhide__ = True
    call = FunctionCall.of(f, *args, **settings)
    for each in LAWS.values():
        each.check_if_applies(call)
