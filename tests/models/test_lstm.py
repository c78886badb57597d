"""LSTM over rows: shapes, gradients, PyTorch's numbers, and that it learns from what is far above."""

from typing import Any

import numpy as np
import pytest
from minigrad_models.lstm import ENTRIES, LSTMClassifier

import minigrad as mg
from minigrad.data import DataLoader
from minigrad.errors import ShapeError
from minigrad.functional import cross_entropy
from minigrad.training import evaluate, fit
from tests.models.gradient import assert_gradients
from tests.models.peer import assert_same


def images(n: int, size: int = 28) -> np.ndarray:
    return np.random.default_rng(1).normal(size=(n, 1, size, size)).astype(np.float32)


def test_parameters_of_the_parts_are_those_of_the_table() -> None:
    model = ENTRIES[0].make()
    assert sum(p.size for p in model.lstm.parameters()) == 80_896
    assert sum(p.size for p in model.classifier.parameters()) == 1_290


def test_images_and_sequences_are_the_same() -> None:
    model, x = LSTMClassifier(rng=np.random.default_rng(0)), images(3)
    np.testing.assert_array_equal(model(x).numpy(), model(x[:, 0]).numpy())
    for shape in ((2, 3, 28, 28), (2, 28, 27), (28,)):
        with pytest.raises(ShapeError, match=r"expected images \(N, 1, T, 28\)"):
            model(np.zeros(shape, np.float32))


def test_cells_remember_at_first() -> None:
    model = LSTMClassifier(hidden_size=8, rng=np.random.default_rng(0))
    biases = (model.lstm.bias_ih_l0 + model.lstm.bias_hh_l0).numpy().reshape(4, 8).mean(axis=1)
    assert biases[1] > 0.5
    assert np.abs(biases[[0, 2, 3]]).max() < 0.5


def test_it_learns_what_the_first_row_says() -> None:
    rng = np.random.default_rng(0)
    x, target = rng.normal(size=(64, 1, 20, 4)).astype(np.float32), rng.integers(0, 2, 64)
    x[:, 0, 0, 0] = 3 * (2 * target - 1)
    mg.seed(0)
    model = LSTMClassifier(4, 16, 2)
    optimizer = mg.optim.Adam(model.parameters(), lr=0.02)
    fit(model, DataLoader((x, target), 16, shuffle=True), loss=cross_entropy, optimizer=optimizer, epochs=15)
    assert evaluate(model, (x, target), cross_entropy)["accuracy"] == 1


def test_gradients_are_correct() -> None:
    assert_gradients(lambda: LSTMClassifier(4, 3, 3, num_layers=2, rng=np.random.default_rng(0)), images(2, 4))


@pytest.mark.peer
def test_scores_and_gradients_equal_pytorchs(torch: Any) -> None:
    class Peer(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.lstm, self.classifier = torch.nn.LSTM(28, 128, batch_first=True), torch.nn.Linear(128, 10)

        def forward(self, x: Any) -> Any:
            return self.classifier(self.lstm(x[:, 0])[1][0][-1])

    assert_same(LSTMClassifier(rng=np.random.default_rng(0)), Peer(), images(4))
