"""`Linearization`: one run of a call, whose derivative can be applied in both directions any number of times."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from minigrad.autograd.tensor import wrap
from minigrad.testing.frameworks.run import ArrayTuple, Run
from minigrad.testing.frameworks.tensors import TensorRun
from minigrad.typing import Array, DType

if TYPE_CHECKING:
    from minigrad.testing.calls.function_call import FunctionCall

OBSERVERS: Final[list[Callable[[FunctionCall, bool], None]]] = []
"""Told of each call that was pulled back through, and whether it was differentiated twice: by `--grad-coverage`."""


@dataclass(frozen=True)
class Linearization:
    """One run of a call, with its vector-Jacobian, Jacobian-vector and Hessian-vector products.

    Attributes:
        call: what was run.
        run: the run.
    """

    call: FunctionCall
    run: Run

    @property
    def values(self) -> ArrayTuple:
        """The results as arrays."""
        return self.run.values

    def vjp(self, cotangents: Sequence[Array]) -> ArrayTuple:
        """J'u: the gradient by each differentiated input, for these cotangents of the results."""
        try:
            gradients = self.run.pull(cotangents)
            for observe in OBSERVERS:
                observe(self.call, False)
            return gradients
        except Exception as error:
            attach_call(error, self.call)
            raise

    def jvp(self, tangents: Sequence[Array]) -> ArrayTuple:
        """J v: how the floating results change when the differentiated inputs move along v."""
        call = self.call
        return call.framework.push_forward(call.function, call.given(), call.positions, tangents)

    def hvp(self, cotangents: Sequence[Array], tangents: Sequence[Array]) -> ArrayTuple:
        """H v, H the second derivatives of the sum of u * f."""
        call = self.call
        for observe in OBSERVERS:
            observe(call, True)
        return call.framework.second_derivative(call.function, call.given(), call.positions, cotangents, tangents)


@dataclass(frozen=True)
class TensorLinearization(Linearization):
    """One run of a call of Tensors, which can be pulled back on Tensors, too."""

    run: TensorRun

    def recorded_vjp(self, cotangents: Sequence[Array]) -> ArrayTuple:
        """J'u by a pass on Tensors, as it runs when gradients are differentiated again."""
        try:
            return tuple([g._data for g in self.run.pull_tensors([wrap(g) for g in cotangents], record=True)])
        except Exception as error:
            attach_call(error, self.call)
            raise

    def other_jvps(self, tangents: Sequence[Array]) -> Mapping[str, ArrayTuple]:
        """J v by other ways: in forward mode on Tensors, as when that is differentiated, and by two reverse passes."""
        return {
            "a recorded forward pass": self.run.push(tangents, record=True),
            "two reverse passes": self.run.push_by_transposing(tangents),
        }


def attach_call(error: Exception, call: FunctionCall) -> None:
    """Attach to an error the call that raised it, unless it has one: laws make other calls of the one they try."""
    if attached_call(error) is None:
        error.minigrad_call = call  # type: ignore[attr-defined]  # an attribute of our own


def attached_call(error: Exception) -> FunctionCall | None:
    """The call that raised an error."""
    return getattr(error, "minigrad_call", None)


def cotangent_dtype(dtype: DType) -> DType:
    """The dtype of a cotangent for a result of this dtype."""
    return dtype if dtype.kind == "f" else np.dtype(np.float64)
