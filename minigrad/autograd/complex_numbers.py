"""Complex numbers: what a complex gradient means, and which ops have one.

A complex variable z = x + iy is two real ones. For a real loss L its gradient is

    z.grad = dL/dx + i dL/dy,

as in PyTorch: the direction in which L grows fastest, so that `z -= lr * z.grad` descends. JAX and HIPS autograd give
the complex conjugate of it. `vjp` takes and gives cotangents of this kind, too: J^H g. `jvp` gives J v. A loss must be
real.

Inside of the engine cotangents are transposes and not adjoints: g = dL/dx - i dL/dy, so that dL = Re(sum of g dz), as
in JAX. The rule of a holomorphic function, whose derivative is a complex number f'(z), is then g * f'(z), the very rule
of real numbers, and that of all functions that are linear over the complex numbers (sums, products of matrices, Fourier
transforms) is the transpose, without a conjugate. With adjoints each of these rules would need one. Conjugation happens
in two places: where a cotangent enters (`seed`), and where a gradient leaves (`gradient_of`). A real input of an op
with a complex result takes the real part of its cotangent, beside un-broadcasting.

Each op says whether it takes complex numbers by its fact `complex`:

    None               it refuses them (the default)
    "holomorphic"      its rules are linear over the complex numbers, as for real ones
    "nonholomorphic"   abs, real, conj, sign ...: its rules are linear over the real numbers only, dL = Re(sum of g dz)

Source: Kreutz-Delgado 2009, The complex gradient operator and the CR-calculus, arXiv:0906.4835.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
from numpy import ndarray

from minigrad.autograd import operators
from minigrad.autograd.node import Node
from minigrad.errors import DTypeError

if TYPE_CHECKING:
    from minigrad.autograd.op import Op

Complex = Literal["holomorphic", "nonholomorphic"]
"""What an op's fact `complex` can be, besides None."""

DIFFERENTIABLE: Final = "fc"
"""The kinds of dtypes (NumPy's `dtype.kind`) that have derivatives."""


def complex_dtype(dtype: Any) -> np.dtype[Any]:
    """The complex dtype with parts of a floating one, complex64 for float16."""
    return np.result_type(dtype, np.complex64)


def is_complex(x: object) -> bool:
    """Whether x is a complex number or an array of such."""
    dtype = getattr(x, "dtype", None)
    return isinstance(x, complex) if dtype is None else bool(dtype.kind == "c")


def refuse_complex(op: Op[..., Any], inputs: Any, *, named: bool = False) -> None:
    """Tell that an op does not take complex numbers, if there are any.

    Args:
        op: the op.
        inputs: what it was given.
        named: whether the text begins with the op's name, which an error inside of a recorded call gets later.

    Raises:
        DTypeError: an input is complex.
    """
    for k, x in enumerate(inputs):
        if x.dtype.kind == "c" if type(x) is ndarray else is_complex(x):
            name = op.inputs[min(k, len(op.inputs) - 1)]
            raise DTypeError(
                f"{op.name + ': ' if named else ''}it is for real numbers, and {name} is complex: use real(), imag(), "
                'abs() or angle() of it; for an op of your own, state complex="holomorphic" or "nonholomorphic" if its '
                "rules are right for complex numbers"
            )


def require_real(what: str, *xs: object) -> None:
    """Refuse complex numbers where a composition of ops would compute something else with them.

    Raises:
        DTypeError: one of xs is complex.
    """
    if any(map(is_complex, xs)):
        raise DTypeError(f"{what} is for real numbers, not for complex ones: use real(), imag() or abs() of them")


def conjugated(x: Any) -> Any:  # a Tensor or, in a rule, an array
    """The complex conjugate; what is real itself, without a step in the graph."""
    return operators.ops.conj(x) if is_complex(x) else x


def is_real_linear(node: Node) -> bool:
    """Whether the derivative of a recorded call is linear over the real numbers only."""
    assert node.op is not None
    if node.op.complex != "nonholomorphic":
        return False
    return any(x is not None and x.dtype.kind == "c" for x in (node, *node.parents))
