"""`FlatFunction`: a function of several arrays as one from a vector to a vector, with the derivative that it claims.

All numerical work is done on vectors in double precision; only this file knows of shapes and arguments, and only the
framework (see `minigrad.testing.frameworks`) of what the function is made of. The claimed derivative is itself a
FlatFunction (`vjp_function`) where the framework can differentiate it again, so the second order is checked like the
first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from minigrad.errors import UsageError
from minigrad.testing.frameworks.framework import Framework
from minigrad.testing.frameworks.run import ArrayTuple, as_tuple
from minigrad.testing.numeric.finite_difference import Vector
from minigrad.typing import Array, DType, Function, Shape

COTANGENT: Final = "the cotangent"
"""The name of the argument that a function's derivative has besides the function's own."""


class WrongGradientShape(Exception):  # noqa: N818  it is caught in check.py and becomes a verdict
    """A gradient whose shape is not that of its argument."""

    def __init__(self, argument: str, found: Shape, expected: Shape) -> None:
        super().__init__(f"the gradient has shape {found}, but {argument} has shape {expected}")
        self.argument = argument


class ComplexResults(Exception):  # noqa: N818  it is caught in check.py
    """A function of real arguments whose results are complex: to be checked by their parts."""


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
    """A function and its claimed derivative, on vectors.

    Args:
        framework: what the function is written in.
        function: the function.
        args: its arguments.
        names: what each of them is called.
        positions: those that are differentiated.

    Attributes:
        x: the point, all differentiated arguments in one vector of float64.
        arguments: where each of them is in it.
        y: the value there.
        epsilon: the relative spacing of the numbers in the value, one each.

    Raises:
        UsageError: no result can be differentiated.
        ComplexResults: a result is complex.
    """

    def __init__(
        self,
        framework: Framework,
        function: Function,
        args: Sequence[object],
        names: Sequence[str],
        positions: Sequence[int],
    ) -> None:
        self.framework, self.function, self.args, self.names = framework, function, list(args), list(names)
        self.positions = tuple(positions)
        self.arguments: list[ArgumentSlice] = []
        values = []
        start = 0
        for i in positions:
            array = np.asarray(framework.as_array(args[i]), np.float64)
            self.arguments.append(ArgumentSlice(names[i], i, array.shape, start, start + array.size))
            values.append(array.ravel())
            start += array.size
        self.x: Vector = np.concatenate(values)
        results = self._results(self.x)
        if any(a.dtype.kind == "c" for a in results):
            raise ComplexResults
        framework.require_results(results)
        floating = self._floating(results)
        self.shapes = [a.shape for a in floating]
        self.epsilon = np.concatenate([np.full(a.size, _epsilon(a.dtype)) for a in floating])
        self.y = _flat(floating)

    def value(self, x: Vector) -> Vector:
        """The function's value as a vector; NaN where it raises, as many do outside of their domain."""
        try:
            return _flat(self._floating(self._results(x)))
        except Exception:  # it may raise anything; at the point itself it has given a value
            return np.full(self.y.shape, np.nan)

    def value_on_arrays(self, x: Array) -> Array:
        """The value for plain arrays, complex ones perhaps; whatever the function raises is let through."""
        with self.framework.context():
            out = self.function(*self._args_at(x))
        arrays = [self.framework.as_array(o) for o in as_tuple(out)]
        return _flat([array for array in arrays if array.dtype.kind in "fc"])

    def linearize(self, x: Vector) -> Callable[[Vector], Vector]:
        """Run once, and give the function from a cotangent u of the value to the claimed J(x)'u."""
        run = self.framework.linearize(self.function, self._args_at(x), self.positions)
        kinds = self.framework.result_kinds

        def pullback(u: Vector) -> Vector:
            parts = iter(split(u, [v.shape for v in run.values if v.dtype.kind in kinds]))
            return self._flat_gradient(run.pull([next(parts) if v.dtype.kind in kinds else v for v in run.values]))

        return pullback

    def vjp_function(self, u: Vector) -> FlatFunction:
        """The claimed derivative as a function of point and cotangent: (x, u) -> J(x)'u."""
        return FlatDerivative(self, u)

    def argument_at(self, index: int) -> ArgumentSlice:
        """The argument that an element of the vector belongs to."""
        return next(argument for argument in self.arguments if argument.start <= index < argument.stop)

    def _results(self, x: Vector) -> ArrayTuple:
        return self.framework.value(self.function, self._args_at(x), self.positions)

    def _floating(self, results: Sequence[Array]) -> list[Array]:
        """The results that have derivatives."""
        return [a for a in results if a.dtype.kind in self.framework.result_kinds]

    def _args_at(self, x: Array) -> list[object]:
        """All arguments, the differentiated ones from a vector."""
        args = list(self.args)
        for argument in self.arguments:
            args[argument.position] = x[argument.in_vector].reshape(argument.shape).copy()
        return args

    def _flat_gradient(self, gradients: Sequence[Array]) -> Vector:
        if len(gradients) != len(self.arguments):
            raise UsageError(
                f"the derivative returned {len(gradients)} gradients for {len(self.arguments)} differentiated "
                "arguments: return a tuple with one for each, or name the arguments with argnums="
            )
        for argument, gradient in zip(self.arguments, gradients, strict=True):
            if np.shape(gradient) != argument.shape:
                raise WrongGradientShape(argument.name, np.shape(gradient), argument.shape)
        return _flat([np.asarray(gradient, np.float64) for gradient in gradients])


class FlatDerivative(FlatFunction):
    """The claimed derivative of a function, (x, u) -> J(x)'u, with the derivative that the framework claims for it.

    Args:
        of: the function.
        u: the cotangent, which is the last argument.
    """

    def __init__(self, of: FlatFunction, u: Vector) -> None:
        self.of = of
        args = [*of._args_at(of.x), u]
        super().__init__(of.framework, of.function, args, [*of.names, COTANGENT], [*of.positions, len(of.args)])

    def value_on_arrays(self, x: Array) -> Array:
        """There is none: frameworks pull back real cotangents."""
        raise NotImplementedError

    def linearize(self, x: Vector) -> Callable[[Vector], Vector]:
        """Run once, and give the function from a cotangent of J(x)'u to the claimed derivative by x and u."""
        *args, u = self._args_at(x)
        n, positions = len(args), self.of.positions
        us = split(np.asarray(u), self.of.shapes)
        derivative = self.framework.derivative(self.function, positions, n)
        run = self.framework.linearize(derivative, [*args, *us], [*positions, *range(n, n + len(us))])

        def pullback(w: Vector) -> Vector:
            found = run.pull(split(w, [argument.shape for argument in self.of.arguments]))
            by_x, by_u = found[: len(positions)], found[len(positions) :]
            return self._flat_gradient([*by_x, _flat(by_u)])

        return pullback

    def _results(self, x: Vector) -> ArrayTuple:
        *args, u = self._args_at(x)
        run = self.framework.linearize(self.function, args, self.of.positions)
        parts, kinds = iter(split(np.asarray(u), self.of.shapes)), self.framework.result_kinds
        return run.pull([next(parts) if v.dtype.kind in kinds else v for v in run.values])


def split(vector: Array, shapes: Sequence[Shape]) -> list[Array]:
    """The arrays of these shapes that a vector stands for."""
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes])[:-1]
    return [part.reshape(shape) for part, shape in zip(np.split(vector, ends), shapes, strict=True)]


def _epsilon(dtype: DType) -> float:
    return float(np.finfo(dtype if dtype.kind == "f" else np.float64).eps)


def _flat(arrays: Sequence[Array]) -> Array:
    """All arrays in one vector, of float64 or complex128."""
    dtype = np.complex128 if any(a.dtype.kind == "c" for a in arrays) else np.float64
    if len(arrays) == 1:
        return np.asarray(arrays[0].ravel(), dtype)
    return np.concatenate([np.asarray(a, dtype).ravel() for a in arrays]) if arrays else np.zeros(0)
