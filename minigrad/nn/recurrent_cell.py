"""One step of a recurrent layer, for loops of one's own."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from minigrad import init, ops
from minigrad.autograd.tensor import Tensor
from minigrad.errors import ShapeError, UsageError
from minigrad.nn.module import Parameter
from minigrad.nn.setting import Configured, count
from minigrad.shapes import shape_of
from minigrad.typing import ArrayLike

Rng = np.random.Generator | None


class _Cell(Configured):
    gates: ClassVar[int]

    def __init__(self, input_size: int, hidden_size: int, bias: bool, rng: Rng) -> None:
        self.input_size, self.hidden_size = (
            count(self, "input_size", input_size), count(self, "hidden_size", hidden_size),
        )  # fmt: skip
        rows, fan = self.gates * self.hidden_size, max(self.hidden_size, 1)
        self.bias = bias
        self.weight_ih = Parameter(init.torch_default_uniform((rows, self.input_size), fan, rng))
        self.weight_hh = Parameter(init.torch_default_uniform((rows, self.hidden_size), fan, rng))
        self.bias_ih = Parameter(init.torch_default_uniform((rows,), fan, rng)) if bias else None
        self.bias_hh = Parameter(init.torch_default_uniform((rows,), fan, rng)) if bias else None

    def extra_repr(self) -> str:
        """The settings that are not as usual."""
        nonlinearity = getattr(self, "nonlinearity", "tanh")
        said = ["bias=False"] * (not self.bias) + [f"nonlinearity={nonlinearity!r}"] * (nonlinearity != "tanh")
        return ", ".join([f"{self.input_size}, {self.hidden_size}", *said])

    def _rows(self, x: ArrayLike, *states: ArrayLike | None) -> tuple[Tensor, list[ArrayLike]]:
        """What x contributes, and the states, zeros unless given: in rows, one each sample."""
        name, shape = type(self).__name__, shape_of(x)
        if len(shape) not in (1, 2) or shape[-1] != self.input_size:
            raise ShapeError(
                f"{name}: expected x (N, D) or (D) with D = input_size = {self.input_size}, got shape {shape}"
            )
        lead = shape[:-1]
        bias = self.bias_ih
        if self.bias_ih is not None and self.gates != GRUCell.gates:  # a GRU's other bias is inside of the op
            bias = self.bias_ih + self.bias_hh
        z = ops.linear(x, self.weight_ih, bias)
        rows: list[ArrayLike] = []
        for state in states:
            if state is None:
                rows.append(np.zeros((shape[0] if lead else 1, self.hidden_size), z.dtype))
                continue
            if shape_of(state) != (*lead, self.hidden_size):
                raise ShapeError(
                    f"{name}: a state has shape {shape_of(state)}, but must have {(*lead, self.hidden_size)}"
                )
            rows.append(state if lead else ops.expand_dims(state, axis=0))
        return (z if lead else ops.expand_dims(z, axis=0)), rows


class RNNCell(_Cell):
    """One step of Elman's recurrent layer: h' = tanh(x W_ih^T + b_ih + h W_hh^T + b_hh), or relu of that.

    Args:
        input_size: D, the size of x.
        hidden_size: H, the size of the state.
        bias: whether there are b_ih and b_hh (default True).
        nonlinearity: "tanh" or "relu" (default "tanh").
        rng: draws the initial values, uniform in +-1/sqrt(H); the default generator unless given.

    Shapes: x (N, D) or (D), h (N, H) or (H), zeros unless given -> h' like h.

    Raises:
        UsageError: a size is no integer of at least 0, or the nonlinearity another one.
        ShapeError: when called, x or h do not fit.

    Source: Elman 1990, "Finding structure in time".
    """

    gates = 1

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, nonlinearity: str = "tanh", *, rng: Rng = None
    ) -> None:
        if nonlinearity not in ("tanh", "relu"):
            raise UsageError(f'RNNCell: nonlinearity is "tanh" or "relu", not {nonlinearity!r}')
        self.nonlinearity = nonlinearity
        super().__init__(input_size, hidden_size, bias, rng)

    def forward(self, x: ArrayLike, hx: ArrayLike | None = None) -> Tensor:
        """Shapes: x (N, D) or (D), h (N, H) or (H) -> like h."""
        z, (h,) = self._rows(x, hx)
        new = ops.rnn(z, h, self.weight_hh, nonlinearity=self.nonlinearity)[1]
        return new if len(shape_of(x)) == 2 else ops.squeeze(new, axis=0)


class LSTMCell(_Cell):
    """One step of long short-term memory: i, f, g, o are the quarters of x W_ih^T + b_ih + h W_hh^T + b_hh, and

        c' = sigmoid(f) c + sigmoid(i) tanh(g),    h' = sigmoid(o) tanh(c')

    Args:
        input_size: D, the size of x.
        hidden_size: H, the size of the cell.
        bias: whether there are b_ih and b_hh (default True).
        rng: draws the initial values, uniform in +-1/sqrt(H); the default generator unless given.

    Shapes: x (N, D) or (D), and h and c (N, H) or (H), zeros unless given -> h' and c' like these.

    Raises:
        UsageError: a size is no integer of at least 0.
        ShapeError: when called, x, h or c do not fit.

    Source: Hochreiter and Schmidhuber 1997, "Long short-term memory".
    """

    gates = 4

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True, *, rng: Rng = None) -> None:
        super().__init__(input_size, hidden_size, bias, rng)

    def forward(self, x: ArrayLike, hx: tuple[ArrayLike, ArrayLike] | None = None) -> tuple[Tensor, Tensor]:
        """Shapes: x (N, D) or (D), h and c (N, H) or (H) -> two like these."""
        z, (h, c) = self._rows(x, *(hx or (None, None)))
        _, new, cell = ops.lstm(z, h, c, self.weight_hh, None)
        return (new, cell) if len(shape_of(x)) == 2 else (ops.squeeze(new, axis=0), ops.squeeze(cell, axis=0))


class GRUCell(_Cell):
    """One step of gated recurrent units; `GRU` has the formula.

    Args:
        input_size: D, the size of x.
        hidden_size: H, the size of the state.
        bias: whether there are b_ih and b_hh (default True).
        rng: draws the initial values, uniform in +-1/sqrt(H); the default generator unless given.

    Shapes: x (N, D) or (D), h (N, H) or (H), zeros unless given -> h' like h.

    Raises:
        UsageError: a size is no integer of at least 0.
        ShapeError: when called, x or h do not fit.

    Source: Cho et al. 2014, arXiv:1406.1078.
    """

    gates = 3

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True, *, rng: Rng = None) -> None:
        super().__init__(input_size, hidden_size, bias, rng)

    def forward(self, x: ArrayLike, hx: ArrayLike | None = None) -> Tensor:
        """Shapes: x (N, D) or (D), h (N, H) or (H) -> like h."""
        z, (h,) = self._rows(x, hx)
        new = ops.gru(z, h, self.weight_hh, self.bias_hh)[1]
        return new if len(shape_of(x)) == 2 else ops.squeeze(new, axis=0)
