"""`Flat`: any function of several arrays as a function from one vector to another, with the derivative it claims.

All numerical work is done on vectors in double precision; only this file knows of Tensors, shapes and arguments.
The claimed derivative of a Flat of Tensors is itself one (`slope`), so the second order is checked like the first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from minigrad.autograd.node import override_state
from minigrad.autograd.tensor import Tensor, wrap
from minigrad.autograd.transforms import vjp
from minigrad.errors import ShapeError, UsageError
from minigrad.ops import concat, reshape
from minigrad.testing.numeric.finite_difference import scale_of

Vector = NDArray[Any]
Function = Callable[..., Any]


COTANGENT: Final = "the cotangent"
"""The name of the argument that the slope of a function has besides its own."""


class WrongShape(Exception):  # noqa: N818  it is caught in check.py and becomes a verdict
    """A gradient whose shape is not that of its argument."""

    def __init__(self, argument: str, found: tuple[int, ...], expected: tuple[int, ...]) -> None:
        super().__init__(f"the gradient has shape {found}, but {argument} has shape {expected}")
        self.argument = argument


@dataclass(frozen=True)
class Part:
    """Where one argument lies in the vector."""

    name: str
    number: int
    shape: tuple[int, ...]
    start: int
    stop: int

    @property
    def here(self) -> slice:
        """Its elements in the vector."""
        return slice(self.start, self.stop)

    def element(self, index: int) -> tuple[int, ...]:
        """The index in the argument of an element of the vector."""
        return tuple(int(k) for k in np.unravel_index(index - self.start, self.shape))


class Flat:
    """A function and its claimed derivative, on vectors.

    Attributes:
        x: the point, all differentiated arguments in one vector of float64.
        parts: where each argument is in it.
        at_x: the value there.
        height: how large the finite values are; for a slope, those of the function, too.
        epsilon: the relative spacing of the numbers in the value, one each.
        notes: what was done to the arguments, in words.
    """

    def __init__(self, f: Function, args: Sequence[Any], names: Sequence[str], chosen: Sequence[int]) -> None:
        self.f, self.args = f, list(args)
        self.parts: list[Part] = []
        values = []
        start = 0
        for i in chosen:
            array = np.asarray(_plain(args[i]), np.float64)
            self.parts.append(Part(names[i], i, array.shape, start, start + array.size))
            values.append(array.ravel())
            start += array.size
        self.x = np.concatenate(values)
        self.epsilon = np.zeros(0)
        self.at_x = self.value(self.x)
        finite = np.isfinite(self.at_x)
        self.height = float(np.max(np.abs(self.at_x), initial=0.0, where=finite))
        if not self.height and self.x.size:
            self.height = self._height_around()

    def _height_around(self) -> float:
        """How large the values are one step away, for a function that is 0 at the point itself."""
        try:
            values = self.value(self.x + scale_of(self.x))
        except Exception:  # outside of its domain a function may raise what it likes
            return 0.0
        return float(np.max(np.abs(values), initial=0.0, where=np.isfinite(values)))

    def value(self, x: Vector) -> Vector:
        """The function's value as a vector."""
        with override_state(recorder=None):
            outs = _outputs(self.f(*self._tensors(x)))
        arrays = [out._data for out in outs]
        if not self.epsilon.size:
            self.epsilon = np.concatenate([np.full(a.size, np.finfo(a.dtype).eps) for a in arrays])
        return _joined_arrays(arrays)

    def value_on_arrays(self, x: Vector) -> Vector:
        """The value when f is given bare arrays, complex ones perhaps; whatever it raises is let through."""
        with override_state(recorder=None):
            out = self.f(*self._arguments(x, lambda array: array))
        outs = out if isinstance(out, (tuple, list)) else (out,)
        return _joined_arrays([np.asarray(_plain(o)) for o in outs if np.asarray(_plain(o)).dtype.kind in "fc"])

    def pull(self, x: Vector) -> Callable[[Vector], Vector]:
        """Run once, and give the function from a cotangent u of the value to the claimed J(x)'u."""
        numbers = [part.number for part in self.parts]

        def run(*tensors: Any) -> Any:
            args = list(self.args)
            for number, tensor in zip(numbers, tensors, strict=True):
                args[number] = tensor
            return _joined(self.f(*args))

        with override_state(recorder=None):
            out, back = vjp(run, *[wrap(x[part.here].reshape(part.shape)) for part in self.parts])

        def cotangent(u: Vector) -> Vector:
            with override_state(recorder=None):
                found = back(wrap(u.reshape(out.shape)))
            return self._checked([g._data for g in found])

        return cotangent

    def slope(self, u: Vector) -> Flat:
        """The claimed derivative as a function of point and cotangent: (x, u) -> J(x)'u."""
        numbers = [part.number for part in self.parts]

        def back(*args: Any) -> Any:
            *xs, g = args

            def run(*tensors: Any) -> Any:
                values = list(xs)
                for number, tensor in zip(numbers, tensors, strict=True):
                    values[number] = tensor
                return _joined(self.f(*values))

            out, pull = vjp(run, *[xs[i] for i in numbers])
            return pull(reshape(g, shape=out.shape))

        args = list(self.args)
        for part in self.parts:
            args[part.number] = self.x[part.here].reshape(part.shape)
        names = [""] * len(args)
        for part in self.parts:
            names[part.number] = part.name
        slope = Flat(back, [*args, u], [*names, COTANGENT], [*numbers, len(args)])
        slope.height = max(slope.height, self.height)
        return slope

    def part_of(self, index: int) -> Part:
        """The argument that an element of the vector belongs to."""
        return next(part for part in self.parts if part.start <= index < part.stop)

    def _tensors(self, x: Vector) -> list[Any]:
        return self._arguments(x, wrap)

    def _arguments(self, x: Vector, made: Callable[[Any], Any]) -> list[Any]:
        args = list(self.args)
        for part in self.parts:
            args[part.number] = made(x[part.here].reshape(part.shape))
        return args

    def _checked(self, gradients: Sequence[Any]) -> Vector:
        for part, gradient in zip(self.parts, gradients, strict=True):
            if np.shape(gradient) != part.shape:
                raise WrongShape(part.name, np.shape(gradient), part.shape)
        return _joined_arrays([np.asarray(gradient, np.float64) for gradient in gradients])


class Given(Flat):
    """A function of plain arrays with its derivative written by hand: `grad(*args)` or `vjp(g, *args)`."""

    def __init__(
        self, f: Function, args: Sequence[Any], names: Sequence[str], chosen: Sequence[int], vjp: Function
    ) -> None:
        self.vjp = vjp
        super().__init__(f, args, names, chosen)

    def value(self, x: Vector) -> Vector:
        """The function's value as a vector."""
        out = self.f(*self._arguments(x, np.copy))
        self.several = isinstance(out, (tuple, list))
        arrays = [np.asarray(o) for o in (out if self.several else (out,))]
        if any(a.dtype.kind not in "fiub" for a in arrays):
            raise UsageError(f"the function must return real numbers, it returned {arrays[0].dtype}")
        self.shapes = [a.shape for a in arrays]
        if not self.epsilon.size:
            kinds = [a.dtype if a.dtype.kind == "f" else np.dtype(float) for a in arrays]
            self.epsilon = np.concatenate(
                [np.full(a.size, np.finfo(k).eps) for a, k in zip(arrays, kinds, strict=True)]
            )
        return _joined_arrays(arrays)

    def pull(self, x: Vector) -> Callable[[Vector], Vector]:
        """The function from a cotangent u of the value to the claimed J(x)'u."""
        shapes = self.shapes

        def cotangent(u: Vector) -> Vector:
            ends = np.cumsum([int(np.prod(shape)) for shape in shapes])[:-1]
            parts = [g.reshape(shape) for g, shape in zip(np.split(u, ends), shapes, strict=True)]
            g = tuple(parts) if self.several else parts[0]
            found = self.vjp(g, *self._arguments(x, np.copy))
            if not isinstance(found, (tuple, list)):
                found = (found,)
            if len(found) == len(self.args) != len(self.parts):
                found = [found[part.number] for part in self.parts]
            if len(found) != len(self.parts):
                raise UsageError(
                    f"the derivative returned {len(found)} gradients for {len(self.parts)} differentiated arguments: "
                    "return a tuple with one for each, or name the arguments with argnums="
                )
            return self._checked(found)

        return cotangent


def _plain(x: Any) -> Any:
    return x._data if isinstance(x, Tensor) else x


def _joined_arrays(arrays: Sequence[Any]) -> Vector:
    if len(arrays) == 1:
        return np.asarray(arrays[0].ravel(), np.complex128 if arrays[0].dtype.kind == "c" else np.float64)
    dtype = np.complex128 if any(a.dtype.kind == "c" for a in arrays) else np.float64
    return np.concatenate([np.asarray(a, dtype).ravel() for a in arrays]) if arrays else np.zeros(0)


def _outputs(out: Any) -> list[Tensor]:
    """The results that have derivatives: those of floating dtype."""
    outs = list(out) if isinstance(out, (tuple, list)) else [out]
    for o in outs:
        if not isinstance(o, Tensor):
            raise UsageError(
                f"the function must return a Tensor or a tuple of Tensors, it returned {type(o).__name__}; "
                "for a function of plain arrays give its derivative: check_grads(f, *args, grad=...) or vjp=..."
            )
    floating = [o for o in outs if o.dtype.kind == "f"]
    if not floating:
        raise UsageError("the function returned no floating Tensor, so there is nothing to differentiate")
    return floating


def _joined(out: Any) -> Any:
    """One Tensor of all results."""
    outs = _outputs(out)
    if len(outs) == 1:
        return outs[0]
    return concat([reshape(o, shape=(o.size,)) for o in outs])


def require_one_number(flat: Flat) -> None:
    """Hold a function that comes with `grad=` to its promise.

    Raises:
        ShapeError: it returns more than one number.
    """
    if flat.at_x.size != 1:
        raise ShapeError(
            f"grad= is for a function that returns one number, this one returned {flat.at_x.size}: give vjp= instead"
        )
