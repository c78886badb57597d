"""Functions of complex numbers as functions of their real and imaginary parts, which the kit checks as all others.

A complex number is two real ones. A complex array of shape (...) becomes a real one of shape (..., 2), the real part
first, and so do complex results; whatever the framework says about complex gradients inside of f is then put to the
test by real derivatives. Derivatives written by hand have PyTorch's convention, dL/dx + i dL/dy for z = x + iy: `vjp`
takes and gives such, `jvp` takes and gives differences of complex numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np

from minigrad.autograd.op import Op
from minigrad.errors import DTypeError, UsageError
from minigrad.testing.calls.call_repr import function_name
from minigrad.testing.calls.function_call import FunctionCall
from minigrad.testing.frameworks.by_hand import ByHand
from minigrad.testing.frameworks.framework import Framework
from minigrad.testing.frameworks.run import as_tuple
from minigrad.testing.frameworks.tensors import TENSORS
from minigrad.testing.report import Report
from minigrad.typing import Array, Function

PART: Final = ("the real part of ", "the imaginary part of ")
"""What the last index of an argument's parts stands for."""


class RealParts:
    """A function of complex arrays as one of their real and imaginary parts.

    Args:
        f: the function; it may have real arguments as well.
        *complex_arguments: the positions of those that are complex.
        framework: what f is written in (default None: minigrad).

    Attributes:
        complex_results: which of the results of the last call were complex.
        name: the text of this function in a pasted line.
    """

    def __init__(
        self, f: Function, *complex_arguments: int, framework: Framework | None = None, names: Sequence[str] = ()
    ) -> None:
        self.f, self.complex_arguments = f, complex_arguments
        self._framework, self._names = framework or TENSORS, tuple(names)
        self.complex_results: tuple[bool, ...] = ()
        self.name = f"real_parts({', '.join([function_name(f), *map(str, complex_arguments)])})"

    def __call__(self, *args: Any, **settings: Any) -> Any:
        """The parts of what f gives for the numbers with these parts.

        Raises:
            DTypeError: the parts are of half precision, for which there are no complex numbers.
        """
        out = self.f(*self.joined(args), **settings)
        outs = as_tuple(out)
        self.complex_results = tuple(map(is_complex, outs))
        if any(self.complex_results) or self.complex_arguments:
            refuse_half_precision(args)
        parts = [self._framework.parts(o) if c else o for o, c in zip(outs, self.complex_results, strict=True)]
        return tuple(parts) if isinstance(out, (tuple, list)) else parts[0]

    def joined(self, args: Sequence[Any]) -> list[Any]:
        """The arguments of f, from the parts of complex ones."""
        return [self._framework.from_parts(x) if i in self.complex_arguments else x for i, x in enumerate(args)]

    def argument_names(self, count: int) -> Sequence[str]:
        """The names of f's own arguments."""
        return [*self._names, *[f"argument {i}" for i in range(len(self._names), count)]][:count]


def real_parts(f: Function, *complex_arguments: int) -> RealParts:
    """A function of complex Tensors as one of their real and imaginary parts: what `check_grads` and laws look at.

    Args:
        f: a function of Tensors, some of which are complex.
        *complex_arguments: the positions of these. Each is given as a real array (..., 2), the real part first.

    Returns:
        The function; its complex results are real arrays (..., 2) as well.

    >>> import minigrad as mg
    >>> real_parts(mg.conj, 0)(mg.tensor([1.0, 2.0])).tolist()
    [1.0, -2.0]
    """
    return RealParts(f, *complex_arguments)


def is_complex(x: object) -> bool:
    """Whether x is a complex number or an array of such, of whatever framework."""
    return isinstance(x, complex) or "complex" in str(getattr(x, "dtype", ""))


def refuse_half_precision(args: Sequence[object]) -> None:
    """Refuse parts of half precision.

    Raises:
        DTypeError: there are some.
    """
    if any(str(getattr(x, "dtype", "")).endswith("float16") for x in args):
        raise DTypeError("there are no complex numbers of half precision")


def parts_of(x: Any) -> Array:
    """A complex array, or number, as its parts."""
    array = np.asarray(x)
    return np.stack([array.real, array.imag], -1)


def from_parts(x: Array) -> Array:
    """The complex array with these parts."""
    return np.asarray(x[..., 0] + 1j * x[..., 1])


# ---- calls ---------------------------------------------------------------------------------------------------------


def in_real_parts(call: FunctionCall) -> FunctionCall:
    """The same call as one of real numbers, if it has complex arguments or results; else the call itself."""
    found = call.cache.get("real parts")
    if not isinstance(found, FunctionCall):
        found = call.cache["real parts"] = _in_real_parts(call)
    return found


def _in_real_parts(call: FunctionCall) -> FunctionCall:
    which = [i for i, x in enumerate(call.args) if isinstance(x, np.ndarray) and x.dtype.kind == "c"]
    if not which and not _has_complex_results(call):
        return call
    f = RealParts(call.f, *which, framework=call.framework, names=call.names)
    positions = _differentiated(call, which)
    by_hand = {"grad": call.grad, "vjp": call.vjp, "jvp": call.jvp, "hvp": call.hvp}
    args = tuple([parts_of(x) if i in which else x for i, x in enumerate(call.args)])
    hands = derivatives_by_parts(f, by_hand, positions)
    return replace(call, f=f, args=args, argnums=positions, fixed_shapes=True, **hands)  # type: ignore[arg-type]


def _has_complex_results(call: FunctionCall) -> bool:
    if isinstance(call.f, Op) and call.f.complex is None:
        return False
    args = [x.copy() if isinstance(x, np.ndarray) else x for x in call.args]  # f may write to them, which laws look at
    try:
        return any(out.dtype.kind == "c" for out in call.with_args(args).results())
    except Exception:  # a law will see it, too
        return False


def _differentiated(call: FunctionCall, which: Sequence[int]) -> tuple[int, ...]:
    if call.argnums is not None:
        return call.argnums
    fixed = call.f.non_differentiable if isinstance(call.f, Op) and not call.f.variadic else ()
    return tuple(sorted({*call.positions, *[i for i in which if call.names[i] not in fixed]}))


class PartsOfArguments:
    """A function and its arguments, of whatever framework, as one of real numbers.

    Args:
        f: the function.
        args: its arguments, of which some may be complex.
        framework: what it is written in.
        argnums: which arguments are differentiated; all floating ones unless given.

    Attributes:
        f, args: the function of the parts, and the arguments as such.
    """

    def __init__(
        self, f: Function, args: Sequence[Any], framework: Framework, argnums: int | Sequence[int] | None
    ) -> None:
        which = [i for i, x in enumerate(args) if is_complex(x)]
        self.f = RealParts(f, *which, framework=framework)
        self.args = [parts_of(framework.as_array(x)) if i in which else x for i, x in enumerate(args)]
        floating = [i for i, x in enumerate(self.args) if framework.floating_dtype(x) is not None]
        self._positions = floating if argnums is None else [argnums] if isinstance(argnums, int) else list(argnums)

    def by_hand(self, by_hand: Mapping[str, Function | None], settings: Mapping[str, Any]) -> ByHand:
        """Derivatives that were written by hand, by the parts."""
        return ByHand(**derivatives_by_parts(self.f, by_hand, self._positions), settings=settings)

    def named(self, report: Report) -> Report:
        """A report that speaks of real and imaginary parts in place of the last index."""
        number = report.argument.removeprefix("argument ")
        if report.element is None or not number.isdigit() or int(number) not in self.f.complex_arguments:
            return report
        *element, part = report.element
        return replace(report, argument=PART[part] + report.argument, element=tuple(element))


# ---- derivatives written by hand -----------------------------------------------------------------------------------


def derivatives_by_parts(
    f: RealParts, by_hand: Mapping[str, Function | None], positions: Sequence[int]
) -> dict[str, Function | None]:
    """Derivatives of f that were written by hand, by name, as derivatives by its parts."""
    grad, vjp, jvp, hvp = (by_hand.get(name) for name in ("grad", "vjp", "jvp", "hvp"))

    def split(found: Any) -> tuple[Any, ...]:
        gradients = as_tuple(found)
        places = positions if len(gradients) == len(positions) else range(len(gradients))
        return tuple([_gradient_parts(f, i, g) for i, g in zip(places, gradients, strict=True)])

    def joined(vectors: Any, of_complex: Sequence[bool]) -> Any:
        vs = as_tuple(vectors)
        found = tuple([from_parts(v) if c else v for v, c in zip(vs, of_complex, strict=True)])
        return found if isinstance(vectors, (tuple, list)) else found[0]

    moved = [i in f.complex_arguments for i in positions]

    def pushed(v: Any, *args: Any, **settings: Any) -> Any:
        assert jvp is not None
        outs = as_tuple(jvp(joined(v, moved), *f.joined(args), **settings))
        return tuple([parts_of(out) if c else out for out, c in zip(outs, f.complex_results, strict=True)])

    return {
        "grad": grad and (lambda *args, **settings: split(grad(*f.joined(args), **settings))),
        "vjp": vjp
        and (lambda g, *args, **settings: split(vjp(joined(g, f.complex_results), *f.joined(args), **settings))),
        "jvp": jvp and pushed,
        "hvp": hvp and (lambda v, *args, **settings: split(hvp(joined(v, moved), *f.joined(args), **settings))),
    }


def _gradient_parts(f: RealParts, i: int, gradient: Any) -> Array:
    if i in f.complex_arguments:
        return parts_of(gradient)
    if is_complex(gradient) or is_complex(np.asarray(gradient)):
        raise UsageError(f"argument {i} is real, but its gradient is complex: give the real part")
    return np.asarray(gradient)
