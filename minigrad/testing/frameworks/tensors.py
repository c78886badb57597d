"""minigrad's own Tensors, behind the protocol that all frameworks have."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np

from minigrad.autograd.node import override_state
from minigrad.autograd.push_forward import push_forward_tensors
from minigrad.autograd.recorded import pull_back_tensors
from minigrad.autograd.tensor import Tensor, recording, wrap
from minigrad.autograd.transforms import vjp
from minigrad.errors import DTypeError, UsageError
from minigrad.ops.complex_parts import from_parts
from minigrad.ops.shape import stack
from minigrad.testing.calls.module_function import ModuleFunction
from minigrad.testing.frameworks.framework import Framework
from minigrad.testing.frameworks.run import ArrayTuple, Pull, Run, as_tuple, in_dtype_of
from minigrad.typing import Array, DType, Function


@dataclass(frozen=True)
class TensorRun(Run):
    """One run of a function of Tensors.

    Attributes:
        inputs: what f was given.
        outs: what it returned.
        positions: which inputs are differentiated.
    """

    inputs: tuple[Any, ...]  # f may take anything
    outs: tuple[Any, ...]  # and return anything
    positions: tuple[int, ...]

    @property
    def variables(self) -> list[Any]:
        """The differentiated inputs."""
        return [self.inputs[i] for i in self.positions]

    def pull_tensors(self, cotangents: Sequence[Tensor], *, record: bool) -> list[Tensor]:
        """J'u, by a recorded pass if wanted."""
        pairs = [(out, g) for out, g in zip(self.outs, cotangents, strict=True) if isinstance(out, Tensor)]
        outs, gs = [out for out, _ in pairs], [g for _, g in pairs]
        return pull_back_tensors(outs, gs, self.variables, record=record)

    def push(self, tangents: Sequence[Array], *, record: bool) -> ArrayTuple:
        """J v in forward mode, on Tensors if wanted."""
        pushed = push_forward_tensors(self.outs, self.variables, [wrap(v) for v in tangents], record=record)
        return _arrays(pushed)

    def push_by_transposing(self, tangents: Sequence[Array]) -> ArrayTuple:
        """J v by two reverse passes: u -> J'u is linear in u, so its own transpose, applied to v, is J v."""
        us = [Tensor(np.zeros(x.shape, _dtype_of_cotangent(x.dtype)), requires_grad=True) for x in self.values]
        with recording():
            back = self.pull_tensors(us, record=True)
        return _arrays(pull_back_tensors(back, [wrap(v) for v in tangents], us))


class Tensors(Framework):
    """minigrad: derivatives of every order, recorded."""

    name: ClassVar[str] = "minigrad"
    value_type = Tensor
    refusals: ClassVar[tuple[type[Exception], ...]] = (DTypeError,)
    dtypes = (np.float16, np.float32, np.float64)
    higher_order = True

    def constant(self, x: Array) -> Tensor:
        """A Tensor that shares the memory of an array."""
        return wrap(x)

    def array(self, value: Any) -> Array:
        """The array of a Tensor, or of whatever else a function returns."""
        return value._data if isinstance(value, Tensor) else np.asarray(value)

    def vjp(
        self, f: Function, args: Sequence[Any], positions: Sequence[int], *, record: bool = False
    ) -> tuple[Sequence[Any], Pull]:
        """Run f on fresh variables."""

        def of_variables(*variables: Any) -> list[Tensor]:
            values = list(args)
            for i, x in zip(positions, variables, strict=True):
                values[i] = x
            return [out for out in _tensors(f(*values)) if out.dtype.kind == "f"]

        outs, pull = vjp(of_variables, *[args[i] for i in positions])
        return outs, lambda cotangents: as_tuple(pull(list(cotangents)))

    def from_parts(self, x: Tensor) -> Tensor:
        """The complex Tensor of a real one (..., 2), real parts first."""
        return from_parts(x[..., 0], x[..., 1])

    def parts(self, z: Tensor) -> Tensor:
        """The reverse."""
        return stack([z.real, z.imag], axis=-1)

    def value(self, f: Function, args: Sequence[Any], positions: Sequence[int]) -> ArrayTuple:
        """The results, computed without recording.

        Raises:
            UsageError: one of them is no Tensor.
        """
        with override_state(recorder=None):
            return tuple([out._data for out in _tensors(f(*self._given(args, positions)))])

    def linearize(self, f: Function, args: Sequence[Any], positions: Sequence[int]) -> TensorRun:
        """Run f, recording."""
        given = self._given(args, positions)
        for i in positions:
            given[i].requires_grad = True
        return self.run(f, given, positions)

    def run(self, f: Function, given: Sequence[Any], positions: Sequence[int]) -> TensorRun:
        """Run f on variables that are given.

        Args:
            f: a function of Tensors.
            given: what it is given.
            positions: which of these are variables.
        """
        with recording():
            outs = as_tuple(f(*given))

        def pull(cotangents: Sequence[Array]) -> ArrayTuple:
            us = [wrap(in_dtype_of(value, u)) for value, u in zip(values, cotangents, strict=True)]
            with override_state(recorder=None):
                return tuple([g._data for g in run.pull_tensors(us, record=False)])

        values = tuple([self.array(out) for out in outs])
        run = TensorRun(values, pull, tuple(given), outs, tuple(positions))
        return run

    def left_out(self) -> Mapping[str, str]:
        """None: all laws are about Tensors."""
        return {}

    def module(self, make: Callable[[], Any]) -> ModuleFunction:
        """The Module that a function makes, as a function of its inputs and parameters."""
        return ModuleFunction(make)

    def push_forward(
        self, f: Function, args: Sequence[Any], positions: Sequence[int], tangents: Sequence[Array]
    ) -> ArrayTuple:
        """J v, in forward mode."""
        run = self.linearize(f, args, positions)
        return run.push(tangents, record=False)

    def second_derivative(
        self,
        f: Function,
        args: Sequence[Any],
        positions: Sequence[int],
        cotangents: Sequence[Array],
        tangents: Sequence[Array],
    ) -> ArrayTuple:
        """H v, by a backward pass through the recorded backward pass."""
        run = self.linearize(f, args, positions)
        gradients = run.pull_tensors([wrap(u) for u in cotangents], record=True)
        return _arrays(pull_back_tensors(gradients, [wrap(v) for v in tangents], run.variables))


def _tensors(out: object) -> list[Tensor]:
    outs: list[Tensor] = []
    for o in as_tuple(out):
        if not isinstance(o, Tensor):
            raise UsageError(
                f"the function must return a Tensor or a tuple of Tensors, it returned {type(o).__name__}; "
                "for a function of plain arrays give its derivative: check_grads(f, *args, grad=...) or vjp=..."
            )
        outs.append(o)
    return outs


def _arrays(tensors: Sequence[Tensor]) -> ArrayTuple:
    return tuple([x._data for x in tensors])


def _dtype_of_cotangent(dtype: DType) -> DType:
    return dtype if dtype.kind == "f" else np.dtype(np.float64)


TENSORS: Final = Tensors()
"""The framework of functions that come with no gradient of their own."""
