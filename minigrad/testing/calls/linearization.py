"""`Linearization`: one run of a call, whose derivative can be applied in both directions any number of times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from minigrad.autograd.pullback import pull_back_tensors, push_forward
from minigrad.autograd.tensor import Tensor, wrap
from minigrad.typing import Array, DType

if TYPE_CHECKING:
    from minigrad.testing.calls.function_call import FunctionCall

ArrayTuple: TypeAlias = tuple[Array, ...]


@dataclass(frozen=True)
class Linearization:
    """One run of a call, with its vector-Jacobian, Jacobian-vector and Hessian-vector products.

    Attributes:
        call: what was run.
        inputs: what f was given: Tensors, or arrays where the gradient is written by hand.
        outs: what f returned.
    """

    call: FunctionCall
    inputs: tuple[Any, ...]  # f may take anything
    outs: tuple[Any, ...]  # and return anything

    @property
    def values(self) -> ArrayTuple:
        """The results as arrays."""
        return tuple([array_of(out) for out in self.outs])

    @property
    def variables(self) -> tuple[Any, ...]:
        """The differentiated inputs."""
        return tuple([self.inputs[i] for i in self.call.positions])

    def vjp(self, cotangents: Sequence[Array | Tensor], *, record: bool = False) -> ArrayTuple:
        """J'u: the gradient by each differentiated input, for these cotangents of the results.

        With `record`, the pass runs on Tensors, as it does when gradients are differentiated again.
        """
        try:
            if self.call.on_arrays:
                return self._vjp_by_hand([array_of(g) for g in cotangents])
            return _arrays(self._vjp([g if isinstance(g, Tensor) else wrap(g) for g in cotangents], record=record))
        except Exception as error:
            attach_call(error, self.call)
            raise

    def _vjp_by_hand(self, cotangents: Sequence[Array]) -> ArrayTuple:
        call = self.call
        if call.vjp is not None:
            g = cotangents[0] if len(self.outs) == 1 else tuple(cotangents)
            return tuple([np.asarray(part) for part in as_tuple(call.vjp(g, *call.args, **call.settings))])
        assert call.grad is not None
        return tuple([np.asarray(part) * cotangents[0] for part in as_tuple(call.grad(*call.args, **call.settings))])

    def _vjp(self, cotangents: Sequence[Tensor], *, record: bool) -> list[Tensor]:
        pairs = [(out, g) for out, g in zip(self.outs, cotangents, strict=True) if isinstance(out, Tensor)]
        outs, gs = [out for out, _ in pairs], [g for _, g in pairs]
        return pull_back_tensors(outs, gs, self.variables, record=record)

    def jvp(self, tangents: Sequence[Array]) -> ArrayTuple:
        """J v: how the results change when the differentiated inputs move along v."""
        zeros = [np.zeros(out.shape, cotangent_dtype(out.dtype)) for out in self.outs]
        return _arrays(push_forward(lambda us: self._vjp(us, record=True), zeros, [wrap(v) for v in tangents]))

    def hvp(self, cotangents: Sequence[Array], tangents: Sequence[Array]) -> ArrayTuple:
        """H v, H the second derivatives of the sum of u * f: a backward pass through the recorded backward pass."""
        gradients = self._vjp([wrap(u) for u in cotangents], record=True)
        return _arrays(pull_back_tensors(gradients, [wrap(v) for v in tangents], self.variables))


def _arrays(tensors: Sequence[Tensor]) -> ArrayTuple:
    return tuple([x._data for x in tensors])


def attach_call(error: Exception, call: FunctionCall) -> None:
    """Attach to an error the call that raised it, unless it has one: laws make other calls of the one they try."""
    if attached_call(error) is None:
        error.minigrad_call = call  # type: ignore[attr-defined]  # an attribute of our own


def attached_call(error: Exception) -> FunctionCall | None:
    """The call that raised an error."""
    return getattr(error, "minigrad_call", None)


def array_of(x: Any) -> Array:
    """The array of a Tensor, or of whatever else a function returns."""
    return x._data if isinstance(x, Tensor) else np.asarray(x)


def as_tuple(result: Any) -> tuple[Any, ...]:
    """The results of a function, one or several, as a tuple."""
    return tuple(result) if isinstance(result, (tuple, list)) else (result,)


def cotangent_dtype(dtype: DType) -> DType:
    """The dtype of a cotangent for a result of this dtype."""
    return dtype if dtype.kind == "f" else np.dtype(np.float64)
