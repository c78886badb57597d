"""What recurrent layers have in common: layers over layers, directions, packed and padded sequences."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import ClassVar, TypeAlias

import numpy as np

from minigrad import functional as F  # noqa: N812
from minigrad import init, ops
from minigrad.autograd.tensor import Tensor, as_array
from minigrad.errors import ShapeError, UsageError
from minigrad.functional.regularization import check_probability
from minigrad.nn.input_check import check_inputs
from minigrad.nn.module import Parameter
from minigrad.nn.setting import Configured, count
from minigrad.nn.utils.rnn import PackedSequence
from minigrad.shapes import Shape, shape_of
from minigrad.typing import ArrayLike

Rng = np.random.Generator | None
Sizes: TypeAlias = tuple[int, ...] | None
States: TypeAlias = tuple[ArrayLike, ...]


class Recurrent(Configured):
    """The base of RNN, LSTM and GRU."""

    gates: ClassVar[int]
    """How many of them there are: the number of rows of a weight, in units of the hidden size."""

    kinds_of_state: ClassVar[int] = 1
    """1 for h alone, 2 for h and c."""

    two_biases: ClassVar[bool] = False
    """Whether the op takes the bias of the state by itself; else both are added to what the input contributes."""

    def __init__(
        self, input_size: int, hidden_size: int, num_layers: int, bias: bool, batch_first: bool, dropout: float,
        bidirectional: bool, proj_size: int, rng: Rng,
    ) -> None:  # fmt: skip
        check_probability(type(self).__name__, dropout)
        self.input_size, self.hidden_size = (
            count(self, "input_size", input_size),
            count(self, "hidden_size", hidden_size),
        )
        self.num_layers, self.proj_size = count(self, "num_layers", num_layers, 1), count(self, "proj_size", proj_size)
        if self.proj_size >= max(self.hidden_size, 1):
            raise UsageError(
                f"{type(self).__name__}: proj_size {proj_size} must be less than hidden_size {hidden_size}"
            )
        self.bias, self.batch_first, self.dropout, self.bidirectional = bias, batch_first, dropout, bidirectional
        self.rng = rng
        if dropout and num_layers == 1:
            warnings.warn("dropout is between layers, and num_layers is 1: nothing is dropped", stacklevel=3)
        state, rows = self.proj_size or self.hidden_size, self.gates * self.hidden_size
        for layer, suffix in self._suffixes():
            width = self.input_size if layer == 0 else state * (1 + bidirectional)
            shapes: dict[str, Shape] = {"weight_ih": (rows, width), "weight_hh": (rows, state)}
            if bias:
                shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)}
            if self.proj_size:
                shapes["weight_hr"] = (self.proj_size, self.hidden_size)
            for name, shape in shapes.items():
                values = init.torch_default_uniform(shape, max(self.hidden_size, 1), rng)
                setattr(self, name + suffix, Parameter(values))

    def _suffixes(self) -> list[tuple[int, str]]:
        """The number of the layer, and the end of its parameters' names, for each layer and direction."""
        directions = ("", "_reverse") if self.bidirectional else ("",)
        return [(layer, f"_l{layer}{direction}") for layer in range(self.num_layers) for direction in directions]

    def flatten_parameters(self) -> None:
        """Accepted as in PyTorch: there is nothing to do, as weights are used where they are."""

    def extra_repr(self) -> str:
        """The settings that are not as usual."""
        usual = {"num_layers": 1, "bias": True, "batch_first": False, "dropout": 0.0, "bidirectional": False,
                 "proj_size": 0, "nonlinearity": "tanh"}  # fmt: skip
        said = [f"{name}={getattr(self, name)!r}" for name in usual if getattr(self, name, usual[name]) != usual[name]]
        return ", ".join([f"{self.input_size}, {self.hidden_size}", *said])

    # ---- running ---------------------------------------------------------------------------------------------

    def _direction(self, z: Tensor, states: States, suffix: str, sizes: Sizes, reverse: bool) -> tuple[Tensor, ...]:
        """The op of one layer in one direction: h of all steps, and the last states."""
        raise NotImplementedError

    def _run(self, x: ArrayLike | PackedSequence, hx: States | None) -> tuple[Tensor | PackedSequence, list[Tensor]]:
        """The output, and each last state of all layers and directions."""
        if isinstance(x, PackedSequence):
            order = None if x.sorted_indices is None else as_array(x.sorted_indices)
            states = self._initial(x.data, hx, x.sizes[0], order, True)
            out, last = self._layers(self._checked(x.data, 2), states, x.sizes)
            if x.unsorted_indices is not None:
                last = [ops.take(state, as_array(x.unsorted_indices), axis=1) for state in last]
            return PackedSequence(out, *x[1:]), last
        check_inputs(("x",), (x,), {})
        batched = len(shape_of(x)) == 3
        x = self._checked(x, 3 if batched else 2)
        if not batched:
            x = ops.expand_dims(x, axis=1)
        elif self.batch_first:
            x = ops.moveaxis(x, 0, 1)
        steps, size, width = x.shape
        states = self._initial(x, hx, size, None, batched)
        out, last = self._layers(ops.reshape(x, shape=(steps * size, width)), states, None)
        out = ops.reshape(out, shape=(steps, size, out.shape[1]))
        if not batched:
            return ops.squeeze(out, axis=1), [ops.squeeze(state, axis=1) for state in last]
        return ops.moveaxis(out, 1, 0) if self.batch_first else out, last

    def _layers(self, x: Tensor, states: States, sizes: Sizes) -> tuple[Tensor, list[Tensor]]:
        last: list[list[Tensor]] = [[] for _ in states]
        outs: list[Tensor] = []
        for k, (_, suffix) in enumerate(self._suffixes()):
            if len(outs) == 1 + self.bidirectional:
                x = F.dropout(_joined(outs), self.dropout, self.training, rng=self.rng)
                outs = []
            of_layer = tuple([ops.getitem(state, index=k) for state in states])
            reverse = suffix.endswith("_reverse")
            out, *ended = self._direction(self._projected(x, suffix), of_layer, suffix, sizes, reverse)
            outs.append(out)
            for kept, state in zip(last, ended, strict=True):
                kept.append(state)
        return _joined(outs), [ops.stack(kept) for kept in last]

    def _projected(self, x: Tensor, suffix: str) -> Tensor:
        """What x contributes to the gates at all steps."""
        bias = self._optional(f"bias_ih{suffix}")
        if bias is not None and not self.two_biases:
            bias = bias + self._weight(f"bias_hh{suffix}")
        return ops.linear(x, self._weight(f"weight_ih{suffix}"), bias)

    def _weight(self, name: str) -> Tensor:
        """A weight by its full name."""
        found: Tensor = getattr(self, name)
        return found

    def _optional(self, name: str) -> Tensor | None:
        """A parameter by its full name; None if there is none."""
        found: Tensor | None = getattr(self, name, None)
        return found

    def _checked(self, x: ArrayLike, ndim: int) -> Tensor:
        shape = shape_of(x)
        if len(shape) != ndim or shape[-1] != self.input_size or not shape[0]:
            layout = "(N, T, D)" if self.batch_first else "(T, N, D)"
            raise ShapeError(
                f"{type(self).__name__}: expected x {layout}, or (T, D) for one sequence, with T of at least 1 and "
                f"D = input_size = {self.input_size}; got shape {shape}"
            )
        return x if isinstance(x, Tensor) else Tensor(x)

    def _initial(self, x: Tensor, hx: States | None, size: int, order: object, batched: bool) -> States:
        """The states that the layers begin with, one of each kind: (layers and directions, N, H)."""
        count = self.num_layers * (1 + self.bidirectional)
        widths = (self.proj_size or self.hidden_size, self.hidden_size)[: self.kinds_of_state]
        if hx is None:
            dtype = np.result_type(x.dtype, self._weight("weight_hh_l0").dtype)
            return tuple([np.zeros((count, size, width), dtype) for width in widths])
        states: list[ArrayLike] = []
        for name, state, width in zip("hc", hx, widths, strict=False):
            expected = (count, size, width) if batched else (count, width)
            if shape_of(state) != expected:
                raise ShapeError(
                    f"{type(self).__name__}: the initial {name} has shape {shape_of(state)}, but must have {expected}: "
                    "layers times directions, " + ("the batch, " if batched else "") + "and the size of the state"
                )
            state = state if batched else ops.expand_dims(state, axis=1)
            states.append(state if order is None else ops.take(state, order, axis=1))
        return tuple(states)


def _joined(outs: Sequence[Tensor]) -> Tensor:
    return outs[0] if len(outs) == 1 else ops.concat(list(outs), axis=1)
