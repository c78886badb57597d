"""LSTM over the rows of an image: a recurrent network reads a digit from top to bottom.

Source: Hochreiter and Schmidhuber 1997, "Long short-term memory"; Gers, Schmidhuber and Cummins 2000, "Learning to
forget: continual prediction with LSTM", for the forget gate. The rows of a digit as a sequence are a usual first
example of recurrent networks.

    stage                                                 shape (N, ...)        parameters
    input       an image, a row a step                    28 x 28
    lstm        128 cells                                 28 x 128                  80,896
    classifier  linear, of the last state                 10                         1,290

What was new: a cell keeps a number unless its gates say otherwise, so that its derivative along time is the forget gate
and no power of a matrix: what an early step did wrong can be told at the end. Each row is seen once, and at no time
is more than one; what the network knows of the former ones is in its 128 cells.

Deviations: the paper's cells have no forget gate, and its gradients were cut at each step (truncated); these go all the
way back. The biases of the forget gates begin at 1, as Jozefowicz, Zaremba and Sutskever 2015 advise, so that cells
remember at first.
"""

from __future__ import annotations

import minigrad as mg
from minigrad import nn
from minigrad.errors import ShapeError
from minigrad.optim.schedule import Cosine
from minigrad.typing import ArrayLike
from minigrad_models.registry import Entry, Motions, Recipe, Rng


class LSTMClassifier(nn.Module):
    """An LSTM over the rows of an image of one channel, and a linear layer on its last state.

    Args:
        row_size: D, the length of a row (default 28).
        hidden_size: H, the number of cells (default 128).
        num_classes: K (default 10).
        num_layers: of the LSTM (default 1).
        rng: draws the initial weights; the default generator unless given.

    Shapes: x (N, 1, T, D) or (N, T, D) -> scores (N, K).

    Raises:
        ShapeError: when called, x has more channels, or rows of another length.
    """

    def __init__(
        self, row_size: int = 28, hidden_size: int = 128, num_classes: int = 10, num_layers: int = 1, rng: Rng = None
    ) -> None:
        self.row_size = row_size
        self.lstm = nn.LSTM(row_size, hidden_size, num_layers, batch_first=True, rng=rng)
        self.classifier = nn.Linear(hidden_size, num_classes, rng=rng)
        for name, parameter in self.lstm.named_parameters():
            if name.startswith("bias_ih"):  # the one of its two biases: their sum counts
                parameter.writable()[hidden_size : 2 * hidden_size] += 1

    def forward(self, x: ArrayLike) -> mg.Tensor:
        """Shapes: x (N, 1, T, D) or (N, T, D) -> scores (N, K)."""
        x = mg.asarray(x)
        if x.ndim == 4 and x.shape[1] == 1:
            x = mg.squeeze(x, axis=1)
        if x.ndim != 3 or x.shape[2] != self.row_size:
            raise ShapeError(
                f"LSTMClassifier: expected images (N, 1, T, {self.row_size}) or sequences (N, T, {self.row_size}), got "
                f"{x.shape}"
            )
        _, (h, _) = self.lstm(x)
        return self.classifier(h[-1])  # type: ignore[no-any-return]


MOTIONS: Motions = {"degrees": 5, "translate": 0.05, "scale": (0.9, 1.1)}

ENTRIES = (
    Entry(
        name="lstm-digits",
        make=LSTMClassifier,
        input_shape=(1, 28, 28),
        classes=10,
        summary="an LSTM of 128 cells that reads a digit row by row",
        parameters=82_186,
        source="Hochreiter and Schmidhuber 1997",
        small=True,
        recipe=Recipe(
            epochs=30, batch_size=32, optimizer={"name": "adam", "lr": 0.003}, schedule=Cosine(), **MOTIONS,
        ),
    ),
)  # fmt: skip
