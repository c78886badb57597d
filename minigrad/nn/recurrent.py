"""Recurrent layers: a state that is carried from each element of a sequence to the next."""

from __future__ import annotations

import numpy as np

from minigrad import ops
from minigrad.autograd.tensor import Tensor
from minigrad.errors import UsageError
from minigrad.nn.recurrent_base import Recurrent, Sizes, States
from minigrad.nn.utils.rnn import PackedSequence
from minigrad.typing import ArrayLike

Rng = np.random.Generator | None


class RNN(Recurrent):
    """Elman's recurrent layer: h_t = tanh(x_t W_ih^T + b_ih + h_(t-1) W_hh^T + b_hh), or relu of that.

    Args:
        input_size: D, the size of each element of a sequence.
        hidden_size: H, the size of the state.
        num_layers: how many layers stand over each other (default 1).
        nonlinearity: "tanh" or "relu" (default "tanh").
        bias: whether there are b_ih and b_hh (default True).
        batch_first: whether the batch is the first dimension of x and of the output (default False: the second).
        dropout: the probability with which elements of the output of each layer but the last are set to 0 in training
            (default 0).
        bidirectional: whether a second layer runs from the end to the beginning; both outputs are joined (default
            False).
        rng: draws the initial values, uniform in +-1/sqrt(H), and what is dropped; the default generator unless given.

    Shapes: x (T, N, D), (N, T, D) with `batch_first`, (T, D), or packed; h (L, N, H) or (L, H), L the number of layers
        times that of directions -> the output (T, N, H) like x, twice as wide with two directions, and the last h.

    Raises:
        UsageError: a size is no integer of at least 0, dropout no probability, or the nonlinearity another one.
        ShapeError: when called, x or h do not fit.

    Source: Elman 1990, "Finding structure in time".

    >>> import minigrad as mg
    >>> out, h = RNN(3, 5)(mg.zeros((7, 2, 3)))
    >>> out.shape, h.shape
    ((7, 2, 5), (1, 2, 5))
    """

    gates = 1

    def __init__(
        self, input_size: int, hidden_size: int, num_layers: int = 1, nonlinearity: str = "tanh", bias: bool = True,
        batch_first: bool = False, dropout: float = 0.0, bidirectional: bool = False, *, rng: Rng = None,
    ) -> None:  # fmt: skip
        if nonlinearity not in ("tanh", "relu"):
            raise UsageError(f'RNN: nonlinearity is "tanh" or "relu", not {nonlinearity!r}')
        self.nonlinearity = nonlinearity
        super().__init__(input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, 0, rng)

    def forward(
        self, x: ArrayLike | PackedSequence, hx: ArrayLike | None = None
    ) -> tuple[Tensor | PackedSequence, Tensor]:
        """Shapes: x (T, N, D), h (L, N, H) -> (T, N, H) and (L, N, H); see the class."""
        out, (h,) = self._run(x, None if hx is None else (hx,))
        return out, h

    def _direction(self, z: Tensor, states: States, suffix: str, sizes: Sizes, reverse: bool) -> tuple[Tensor, ...]:
        """The op of one layer in one direction."""
        w = self._weight(f"weight_hh{suffix}")
        return ops.rnn(z, states[0], w, nonlinearity=self.nonlinearity, sizes=sizes, reverse=reverse)


class LSTM(Recurrent):
    """Long short-term memory: a cell c that gates write to, forget, and read.

        i, f, g, o = the quarters of x_t W_ih^T + b_ih + h_(t-1) W_hh^T + b_hh
        c_t = sigmoid(f) c_(t-1) + sigmoid(i) tanh(g)
        h_t = sigmoid(o) tanh(c_t),  with `proj_size`: W_hr times that

    To train on long sequences in pieces (truncated back-propagation), pass the state on without its history:

        out, (h, c) = lstm(piece, (h.detach(), c.detach()))

    Args:
        input_size: D, the size of each element of a sequence.
        hidden_size: H, the size of the cell.
        num_layers: how many layers stand over each other (default 1).
        bias: whether there are b_ih and b_hh (default True).
        batch_first: whether the batch is the first dimension of x and of the output (default False: the second).
        dropout: the probability with which elements of the output of each layer but the last are set to 0 in training
            (default 0).
        bidirectional: whether a second layer runs from the end to the beginning; both outputs are joined (default
            False).
        proj_size: P, the size that h is projected to, less than H (default 0: it is not).
        rng: draws the initial values, uniform in +-1/sqrt(H), and what is dropped; the default generator unless given.

    Shapes: x (T, N, D), (N, T, D) with `batch_first`, (T, D), or packed; h (L, N, P or H) and c (L, N, H), without N
        for one sequence, L the number of layers times that of directions -> the output (T, N, P or H) like x, twice as
        wide with two directions, and (h, c).

    Raises:
        UsageError: a size is no integer of at least 0, dropout no probability, proj_size not below hidden_size.
        ShapeError: when called, x, h or c do not fit.

    Source: Hochreiter and Schmidhuber 1997, "Long short-term memory"; Gers et al. 2000 for f; Sak et al. 2014,
    arXiv:1402.1128, for the projection.

    >>> import minigrad as mg
    >>> out, (h, c) = LSTM(3, 5, bidirectional=True, batch_first=True)(mg.zeros((2, 7, 3)))
    >>> out.shape, h.shape, c.shape
    ((2, 7, 10), (2, 2, 5), (2, 2, 5))
    """

    gates = 4
    kinds_of_state = 2

    def __init__(
        self, input_size: int, hidden_size: int, num_layers: int = 1, bias: bool = True, batch_first: bool = False,
        dropout: float = 0.0, bidirectional: bool = False, proj_size: int = 0, *, rng: Rng = None,
    ) -> None:  # fmt: skip
        super().__init__(input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, proj_size, rng)

    def forward(
        self, x: ArrayLike | PackedSequence, hx: tuple[ArrayLike, ArrayLike] | None = None
    ) -> tuple[Tensor | PackedSequence, tuple[Tensor, Tensor]]:
        """Shapes: x (T, N, D), h and c (L, N, H) -> (T, N, H), and h and c (L, N, H); see the class."""
        if hx is not None and (not isinstance(hx, (tuple, list)) or len(hx) != 2):
            raise UsageError(f"LSTM: the state is a pair (h, c), not {type(hx).__name__}")
        out, (h, c) = self._run(x, hx)
        return out, (h, c)

    def _direction(self, z: Tensor, states: States, suffix: str, sizes: Sizes, reverse: bool) -> tuple[Tensor, ...]:
        """The op of one layer in one direction."""
        w, p = self._weight(f"weight_hh{suffix}"), self._optional(f"weight_hr{suffix}")
        return ops.lstm(z, states[0], states[1], w, p, sizes=sizes, reverse=reverse)


class GRU(Recurrent):
    """Gated recurrent units: the state is moved toward n as far as the update gate u allows.

        r, u = sigmoid of the first two thirds of x_t W_ih^T + b_ih + h_(t-1) W_hh^T + b_hh
        n = tanh(third of x_t W_ih^T + b_ih  +  r * third of h_(t-1) W_hh^T + b_hh)
        h_t = (1 - u) n + u h_(t-1)

    Args:
        input_size: D, the size of each element of a sequence.
        hidden_size: H, the size of the state.
        num_layers: how many layers stand over each other (default 1).
        bias: whether there are b_ih and b_hh (default True).
        batch_first: whether the batch is the first dimension of x and of the output (default False: the second).
        dropout: the probability with which elements of the output of each layer but the last are set to 0 in training
            (default 0).
        bidirectional: whether a second layer runs from the end to the beginning; both outputs are joined (default
            False).
        rng: draws the initial values, uniform in +-1/sqrt(H), and what is dropped; the default generator unless given.

    Shapes: x (T, N, D), (N, T, D) with `batch_first`, (T, D), or packed; h (L, N, H) or (L, H), L the number of layers
        times that of directions -> the output (T, N, H) like x, twice as wide with two directions, and the last h.

    Raises:
        UsageError: a size is no integer of at least 0, or dropout no probability.
        ShapeError: when called, x or h do not fit.

    Source: Cho et al. 2014, "Learning phrase representations using RNN encoder-decoder", arXiv:1406.1078. As in
    PyTorch, r stands before the product with W_hh is added, not before h.
    """

    gates = 3
    two_biases = True

    def __init__(
        self, input_size: int, hidden_size: int, num_layers: int = 1, bias: bool = True, batch_first: bool = False,
        dropout: float = 0.0, bidirectional: bool = False, *, rng: Rng = None,
    ) -> None:  # fmt: skip
        super().__init__(input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, 0, rng)

    def forward(
        self, x: ArrayLike | PackedSequence, hx: ArrayLike | None = None
    ) -> tuple[Tensor | PackedSequence, Tensor]:
        """Shapes: x (T, N, D), h (L, N, H) -> (T, N, H) and (L, N, H); see the class."""
        out, (h,) = self._run(x, None if hx is None else (hx,))
        return out, h

    def _direction(self, z: Tensor, states: States, suffix: str, sizes: Sizes, reverse: bool) -> tuple[Tensor, ...]:
        """The op of one layer in one direction."""
        w, b = self._weight(f"weight_hh{suffix}"), self._optional(f"bias_hh{suffix}")
        return ops.gru(z, states[0], w, b, sizes=sizes, reverse=reverse)
