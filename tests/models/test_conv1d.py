"""M5: shapes, gradients, PyTorch's numbers, sounds of any length."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from minigrad_models.conv1d import ENTRIES, M5

import minigrad as mg
from minigrad import nn
from minigrad.data import DataLoader, tones
from minigrad.functional import cross_entropy
from minigrad.training import fit
from tests.models.gradient import assert_gradients
from tests.models.peer import assert_same


def sounds(n: int, size: int = 2048) -> np.ndarray:
    return np.random.default_rng(1).normal(size=(n, 1, size)).astype(np.float32)


def test_stages_are_those_of_the_table() -> None:
    model, x, shapes = ENTRIES[0].make(), mg.Tensor(sounds(2)), []
    for layer in model.features:
        x = layer(x)
        shapes += [x.shape] if isinstance(layer, (nn.MaxPool1d, nn.Flatten)) else []
    assert shapes == [(2, 16, 128), (2, 16, 32), (2, 32, 8), (2, 64)]
    sizes = [sum(p.size for p in layer.parameters()) for layer in model.features]
    assert [a + b for a, b in pairwise(sizes) if a and b] == [544, 800, 1600, 6272]
    assert sum(p.size for p in model.classifier.parameters()) == 650


def test_sounds_of_any_length_are_heard() -> None:
    model = M5(rng=np.random.default_rng(0)).eval()
    for size in (256, 1000, 5000):
        assert np.isfinite(model(sounds(2, size)).numpy()).all()


def test_training_lowers_the_loss() -> None:
    train = tones(size=512, samples=100)[0]
    mg.seed(0)
    model = M5(width=4)
    optimizer = mg.optim.AdamW(model.parameters(), lr=0.01)
    history = fit(model, DataLoader(train, 16, shuffle=True), loss=cross_entropy, optimizer=optimizer, epochs=16)
    assert history["loss"][-1] < 0.6 * history["loss"][0]


@pytest.mark.parametrize("training", [True, False])
def test_gradients_are_correct(training: bool) -> None:
    assert_gradients(
        lambda: M5(num_classes=3, width=2, kernel=8, rng=np.random.default_rng(0)).train(training), sounds(3, 300)
    )


@pytest.mark.peer
def test_scores_and_gradients_equal_pytorchs(torch: Any) -> None:
    tnn = torch.nn

    def stage(a: int, b: int) -> list[Any]:
        return [tnn.Conv1d(a, b, 3, padding=1, bias=False), tnn.BatchNorm1d(b), tnn.ReLU()]

    class Peer(tnn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.features = tnn.Sequential(
                tnn.Conv1d(1, 16, 32, 4, 14, bias=False), tnn.BatchNorm1d(16), tnn.ReLU(), tnn.MaxPool1d(4),
                *stage(16, 16), tnn.MaxPool1d(4), *stage(16, 32), tnn.MaxPool1d(4), *stage(32, 64),
                tnn.AdaptiveAvgPool1d(1), tnn.Flatten(),
            )  # fmt: skip
            self.classifier = tnn.Linear(64, 10)

        def forward(self, x: Any) -> Any:
            return self.classifier(self.features(x))

    assert_same(M5(rng=np.random.default_rng(0)), Peer(), sounds(8))
