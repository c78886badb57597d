"""`Run`: one run of a call, to be pulled back through and pushed forward any number of times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.autograd.backward import pull_back, toposort
from minigrad.autograd.node import Node, override_state
from minigrad.autograd.tensor import Tensor, recording, wrap
from minigrad.typing import Array

if TYPE_CHECKING:
    from minigrad.testing.calls.function_call import Call

Arrays = tuple[Array, ...]


@dataclass(frozen=True)
class Run:
    """One run of a call, ready to be pulled back through any number of times.

    Attributes:
        call: what was run.
        inputs: what f was given: Tensors, or arrays where the gradient is written by hand.
        outs: what f returned.
    """

    call: Call
    inputs: tuple[Any, ...]
    outs: tuple[Any, ...]

    @property
    def values(self) -> Arrays:
        """The results as arrays."""
        return tuple([array_of(out) for out in self.outs])

    @property
    def variables(self) -> tuple[Any, ...]:
        """The differentiated inputs."""
        return tuple([self.inputs[i] for i in self.call.positions])

    def pull(self, cotangents: Sequence[Any], *, record: bool = False) -> Arrays:
        """J'u: what arrives at each differentiated input for these cotangents of the results.

        With `record`, the pass runs on Tensors, as it does when gradients are differentiated again.
        """
        try:
            if self.call.on_arrays:
                return self._pull_by_hand(cotangents)
            return tuple([array_of(g) for g in self._pull(cotangents, record=record)])
        except Exception as error:
            name_call(error, self.call)
            raise

    def _pull_by_hand(self, cotangents: Sequence[Array]) -> Arrays:
        call = self.call
        if call.vjp is not None:
            g = cotangents[0] if len(self.outs) == 1 else tuple(cotangents)
            return tuple([np.asarray(part) for part in each(call.vjp(g, *call.args, **call.settings))])
        assert call.grad is not None
        return tuple([np.asarray(part) * cotangents[0] for part in each(call.grad(*call.args, **call.settings))])

    def _pull(self, cotangents: Sequence[Any], *, record: bool) -> list[Tensor]:
        """The same as Tensors; cotangents may be Tensors, when the pass is recorded."""
        seeds: dict[Node, Any] = {}
        for out, g in zip(self.outs, cotangents, strict=True):
            if isinstance(out, Tensor) and out.node is not None:
                g = (g if isinstance(g, Tensor) else wrap(g)) if record else array_of(g)
                seeds[out.node] = seeds[out.node] + g if out.node in seeds else g
        targets = frozenset([x.node for x in self.variables])
        with recording(record):
            reached = pull_back(seeds, toposort(seeds), targets, record=record, keep=True)
        return [_tensor(reached.get(x.node), x) for x in self.variables]

    def push(self, tangents: Sequence[Array]) -> Arrays:
        """J v: J'u is linear in u, so pulling v back through that gives J v."""
        us = [wrap(np.zeros(out.shape, floating(out.dtype))) for out in self.outs]
        for u in us:
            u.requires_grad = True
        return _pull_tensors(self._pull(us, record=True), tangents, us)

    def hessian_product(self, cotangents: Sequence[Array], tangents: Sequence[Array]) -> Arrays:
        """H v, H the second derivatives of the sum of u * f: the pass back through the recorded pass back."""
        slopes = self._pull([wrap(u) for u in cotangents], record=True)
        return _pull_tensors(slopes, tangents, self.variables)


def name_call(error: Exception, call: Call) -> None:
    """Note on an error which call raised it, unless that is known: laws make other calls out of the one they try."""
    if call_behind(error) is None:
        error.minigrad_call = call  # type: ignore[attr-defined]


def call_behind(error: Exception) -> Call | None:
    """The call that raised an error."""
    return getattr(error, "minigrad_call", None)


def _pull_tensors(outs: Sequence[Tensor], cotangents: Sequence[Array], targets: Sequence[Tensor]) -> Arrays:
    """What arrives at the targets for these cotangents of recorded Tensors."""
    seeds: dict[Node, Any] = {}
    for out, g in zip(outs, cotangents, strict=True):
        if out.node is not None:
            seeds[out.node] = seeds[out.node] + g if out.node in seeds else g
    nodes = frozenset([x.node for x in targets if x.node is not None])
    with override_state(recorder=None):
        reached = pull_back(seeds, toposort(seeds), nodes, keep=True)
    return tuple([array_of(_tensor(reached.get(x.node), x)) for x in targets])  # type: ignore[arg-type]


def _tensor(cotangent: Any, x: Tensor) -> Tensor:
    """A cotangent as a Tensor: zeros where none arrived."""
    if cotangent is None:
        return wrap(np.zeros(x.shape, x.dtype))
    return cotangent if isinstance(cotangent, Tensor) else wrap(np.asarray(cotangent))


def array_of(x: Any) -> Array:
    """The array of a Tensor, or of whatever else a function returns."""
    return x._data if isinstance(x, Tensor) else np.asarray(x)


def each(result: Any) -> tuple[Any, ...]:
    """The results of a function, one or several, as a tuple."""
    return tuple(result) if isinstance(result, (tuple, list)) else (result,)


def floating(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype of a cotangent for a result of this dtype."""
    return dtype if dtype.kind == "f" else np.dtype(np.float64)
