"""`FlatFunction`: a function of several arrays as one from a vector to a vector, with the derivative that it claims.

All numerical work is done on vectors in double precision; only this file knows of Tensors, shapes and arguments.
The claimed derivative of a FlatFunction of Tensors is itself one (`vjp_function`), so the second order is checked like
the first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from minigrad.autograd.node import override_state
from minigrad.autograd.tensor import Tensor, wrap
from minigrad.autograd.transforms import vjp
from minigrad.errors import ShapeError, UsageError
from minigrad.ops import concat, reshape
from minigrad.testing.numeric.finite_difference import Vector, step_scale
from minigrad.typing import Array, Function, Shape

COTANGENT: Final = "the cotangent"
"""The name of the argument that a function's derivative has besides the function's own."""


class WrongGradientShape(Exception):  # noqa: N818  it is caught in check.py and becomes a verdict
    """A gradient whose shape is not that of its argument."""

    def __init__(self, argument: str, found: Shape, expected: Shape) -> None:
        super().__init__(f"the gradient has shape {found}, but {argument} has shape {expected}")
        self.argument = argument


@dataclass(frozen=True)
class ArgumentSlice:
    """Where one argument lies in the vector."""

    name: str
    position: int
    shape: Shape
    start: int
    stop: int

    @property
    def in_vector(self) -> slice:
        """Its elements in the vector."""
        return slice(self.start, self.stop)

    def element(self, index: int) -> tuple[int, ...]:
        """The index in the argument of an element of the vector."""
        return tuple(int(k) for k in np.unravel_index(index - self.start, self.shape))


class FlatFunction:
    """A function of Tensors and its claimed derivative, on vectors.

    Attributes:
        x: the point, all differentiated arguments in one vector of float64.
        arguments: where each of them is in it.
        y: the value there.
        magnitude: the largest finite element of the value; for a derivative, or of that of the function.
        epsilon: the relative spacing of the numbers in the value, one each.
    """

    def __init__(
        self, function: Function, args: Sequence[object], names: Sequence[str], positions: Sequence[int]
    ) -> None:
        self.function, self.args = function, list(args)
        self.arguments: list[ArgumentSlice] = []
        values = []
        start = 0
        for i in positions:
            array = np.asarray(_array_of(args[i]), np.float64)
            self.arguments.append(ArgumentSlice(names[i], i, array.shape, start, start + array.size))
            values.append(array.ravel())
            start += array.size
        self.x: Vector = np.concatenate(values)
        self.epsilon = np.zeros(0)
        self.y = self.value(self.x)
        finite = np.isfinite(self.y)
        self.magnitude = float(np.max(np.abs(self.y), initial=0.0, where=finite))
        if not self.magnitude and self.x.size:
            self.magnitude = self._magnitude_nearby()

    def _magnitude_nearby(self) -> float:
        """How large the values are one step away, for a function that is 0 at the point itself."""
        try:
            values = self.value(self.x + step_scale(self.x))
        except Exception:  # outside of its domain a function may raise anything
            return 0.0
        return float(np.max(np.abs(values), initial=0.0, where=np.isfinite(values)))

    def value(self, x: Vector) -> Vector:
        """The function's value as a vector."""
        with override_state(recorder=None):
            outs = _floating_results(self.function(*self._args_at(x, wrap)))
        arrays = [out._data for out in outs]
        if not self.epsilon.size:
            self.epsilon = np.concatenate([np.full(a.size, np.finfo(a.dtype).eps) for a in arrays])
        return _flat(arrays)

    def value_on_arrays(self, x: Array) -> Array:
        """The value for plain arrays, complex ones perhaps; whatever the function raises is let through."""
        with override_state(recorder=None):
            out = self.function(*self._args_at(x, lambda array: array))
        arrays = [np.asarray(_array_of(o)) for o in (out if isinstance(out, (tuple, list)) else (out,))]
        return _flat([array for array in arrays if array.dtype.kind in "fc"])

    def linearize(self, x: Vector) -> Callable[[Vector], Vector]:
        """Run once, and give the function from a cotangent u of the value to the claimed J(x)'u."""
        with override_state(recorder=None):
            out, back = vjp(self._of_variables(self.args), *self._split(x, wrap))

        def pullback(u: Vector) -> Vector:
            with override_state(recorder=None):
                found = back(wrap(u.reshape(out.shape)))
            return self._flat_gradient([g._data for g in found])

        return pullback

    def vjp_function(self, u: Vector) -> FlatFunction:
        """The claimed derivative as a function of point and cotangent: (x, u) -> J(x)'u."""
        positions = [argument.position for argument in self.arguments]

        def derivative(*args: Any) -> Any:
            *xs, g = args
            out, pullback = vjp(self._of_variables(xs), *[xs[i] for i in positions])
            return pullback(reshape(g, shape=out.shape))

        args = self._args_at(self.x, lambda array: array)
        names = [""] * len(args)
        for argument in self.arguments:
            names[argument.position] = argument.name
        result = FlatFunction(derivative, [*args, u], [*names, COTANGENT], [*positions, len(args)])
        result.magnitude = max(result.magnitude, self.magnitude)
        return result

    def argument_at(self, index: int) -> ArgumentSlice:
        """The argument that an element of the vector belongs to."""
        return next(argument for argument in self.arguments if argument.start <= index < argument.stop)

    def _of_variables(self, args: Sequence[object]) -> Callable[..., Tensor]:
        """The function of the differentiated arguments alone, to one Tensor."""

        def run(*variables: Tensor) -> Tensor:
            values = list(args)
            for argument, variable in zip(self.arguments, variables, strict=True):
                values[argument.position] = variable
            return _one_result(self.function(*values))

        return run

    def _split(self, x: Array, convert: Callable[[Array], object]) -> list[object]:
        """The differentiated arguments that a vector stands for."""
        return [convert(x[argument.in_vector].reshape(argument.shape)) for argument in self.arguments]

    def _args_at(self, x: Array, convert: Callable[[Array], object]) -> list[object]:
        """All arguments, the differentiated ones from a vector."""
        args = list(self.args)
        for argument, value in zip(self.arguments, self._split(x, convert), strict=True):
            args[argument.position] = value
        return args

    def _flat_gradient(self, gradients: Sequence[Array]) -> Vector:
        for argument, gradient in zip(self.arguments, gradients, strict=True):
            if np.shape(gradient) != argument.shape:
                raise WrongGradientShape(argument.name, np.shape(gradient), argument.shape)
        return _flat([np.asarray(gradient, np.float64) for gradient in gradients])


class FlatNumpyFunction(FlatFunction):
    """A function of plain arrays with its derivative written by hand, `vjp(g, *args)`, on vectors."""

    def __init__(
        self,
        function: Function,
        args: Sequence[object],
        names: Sequence[str],
        positions: Sequence[int],
        vjp: Function,
    ) -> None:
        self.vjp = vjp
        super().__init__(function, args, names, positions)

    def value(self, x: Vector) -> Vector:
        """The function's value as a vector."""
        out = self.function(*self._args_at(x, np.copy))
        self.several = isinstance(out, (tuple, list))
        arrays = [np.asarray(o) for o in (out if self.several else (out,))]
        if any(a.dtype.kind not in "fiub" for a in arrays):
            raise UsageError(f"the function must return real numbers, it returned {arrays[0].dtype}")
        self.shapes = [a.shape for a in arrays]
        if not self.epsilon.size:
            dtypes = [a.dtype if a.dtype.kind == "f" else np.dtype(float) for a in arrays]
            self.epsilon = np.concatenate(
                [np.full(a.size, np.finfo(dtype).eps) for a, dtype in zip(arrays, dtypes, strict=True)]
            )
        return _flat(arrays)

    def linearize(self, x: Vector) -> Callable[[Vector], Vector]:
        """The function from a cotangent u of the value to the claimed J(x)'u."""
        shapes = self.shapes

        def pullback(u: Vector) -> Vector:
            ends = np.cumsum([int(np.prod(shape)) for shape in shapes])[:-1]
            parts = [g.reshape(shape) for g, shape in zip(np.split(u, ends), shapes, strict=True)]
            g = tuple(parts) if self.several else parts[0]
            found = self.vjp(g, *self._args_at(x, np.copy))
            if not isinstance(found, (tuple, list)):
                found = (found,)
            if len(found) == len(self.args) != len(self.arguments):
                found = [found[argument.position] for argument in self.arguments]
            if len(found) != len(self.arguments):
                raise UsageError(
                    f"the derivative returned {len(found)} gradients for {len(self.arguments)} differentiated "
                    "arguments: return a tuple with one for each, or name the arguments with argnums="
                )
            return self._flat_gradient(found)

        return pullback


def _array_of(x: Any) -> Any:
    """The array of a Tensor; anything else as it is."""
    return x._data if isinstance(x, Tensor) else x


def _flat(arrays: Sequence[Array]) -> Array:
    """All arrays in one vector, of float64 or complex128."""
    dtype = np.complex128 if any(a.dtype.kind == "c" for a in arrays) else np.float64
    if len(arrays) == 1:
        return np.asarray(arrays[0].ravel(), dtype)
    return np.concatenate([np.asarray(a, dtype).ravel() for a in arrays]) if arrays else np.zeros(0)


def _floating_results(out: object) -> list[Tensor]:
    """The results that have derivatives: those of floating dtype."""
    outs: list[Tensor] = []
    for o in out if isinstance(out, (tuple, list)) else [out]:
        if not isinstance(o, Tensor):
            raise UsageError(
                f"the function must return a Tensor or a tuple of Tensors, it returned {type(o).__name__}; "
                "for a function of plain arrays give its derivative: check_grads(f, *args, grad=...) or vjp=..."
            )
        outs.append(o)
    floating = [o for o in outs if o.dtype.kind == "f"]
    if not floating:
        raise UsageError("the function returned no floating Tensor, so there is nothing to differentiate")
    return floating


def _one_result(out: object) -> Tensor:
    """One Tensor of all results: the only one, or all of them in a vector."""
    outs = _floating_results(out)
    if len(outs) == 1:
        return outs[0]
    return concat([reshape(o, shape=(o.size,)) for o in outs])


def require_one_number(flat: FlatFunction) -> None:
    """Check that a function that comes with `grad=` returns one number.

    Raises:
        ShapeError: it returns more.
    """
    if flat.y.size != 1:
        raise ShapeError(
            f"grad= is for a function that returns one number, this one returned {flat.y.size}: give vjp= instead"
        )
