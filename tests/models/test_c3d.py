"""C3D: the paper's shapes and counts, gradients, PyTorch's numbers, and that it sees motion."""

from typing import Any

import numpy as np
import pytest
from minigrad_models.c3d import C3D, ENTRIES, PAPER, SMALL

import minigrad as mg
from minigrad import init, nn
from minigrad.data import DataLoader, moving_digits
from minigrad.functional import cross_entropy
from minigrad.training import fit
from tests.models.gradient import assert_gradients
from tests.models.peer import assert_same

TINY: Any = {"in_channels": 1, "num_classes": 3, "hidden": (4,), "dropout": 0.0}


def videos(*shape: int) -> np.ndarray:
    return np.random.default_rng(1).normal(size=shape).astype(np.float32)


def test_layers_have_the_papers_numbers_of_parameters() -> None:
    with init.skip():
        model = ENTRIES[0].make()
    stages = [0]
    for layer in model.features:
        stages[-1] += sum(p.size for p in layer.parameters())
        stages += [0] if isinstance(layer, nn.MaxPool3d) else []
    assert stages == [5_248, 221_312, 2_654_720, 10_617_856, 14_156_800, 0]
    sizes = [layer.weight.shape for layer in model.classifier if isinstance(layer, nn.Linear)]
    assert sizes == [(4096, 8192), (4096, 4096), (487, 4096)]
    assert sum(p.size for p in model.classifier.parameters()) == 52_335_079


def test_stages_have_the_papers_shapes() -> None:
    narrow = tuple([tuple([width // 32 for width in stage]) for stage in PAPER])
    model, x = C3D(narrow, hidden=(8,)), mg.Tensor(videos(1, 3, 16, 112, 112))
    shapes = []
    with mg.no_grad():
        for layer in model.features:
            x = layer(x)
            shapes += [x.shape[2:]] if isinstance(layer, nn.MaxPool3d) else []
    assert shapes == [(16, 56, 56), (8, 28, 28), (4, 14, 14), (2, 7, 7), (1, 4, 4)]
    assert model.classifier(x).shape == (1, 487)


def test_training_lowers_the_loss() -> None:
    train = moving_digits(size=16, frames=6, test_fraction=0.9)[0]
    mg.seed(0)
    model = C3D(((8,), (16,)), 1, 8, (6, 16, 16), (32,), batch_norm=True, dropout=0.0)
    optimizer = mg.optim.AdamW(model.parameters(), lr=0.01)
    history = fit(model, DataLoader(train, 16, shuffle=True), loss=cross_entropy, optimizer=optimizer, epochs=6)
    assert history["loss"][-1] < 0.8 * history["loss"][0]


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("batch_norm", [True, False])
def test_gradients_are_correct(training: bool, batch_norm: bool) -> None:
    def make() -> nn.Module:
        rng = np.random.default_rng(0)
        return C3D(((2,), (2, 2)), clip=(3, 5, 4), batch_norm=batch_norm, rng=rng, **TINY).train(training)

    assert_gradients(make, videos(2, 1, 3, 5, 4))


@pytest.mark.peer
@pytest.mark.parametrize(("plan", "batch_norm"), [(((4,), (8,), (8, 8)), False), (SMALL, True)])
def test_scores_and_gradients_equal_pytorchs(torch: Any, plan: Any, batch_norm: bool) -> None:
    tnn = torch.nn

    class Peer(tnn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            layers, channels = [], 1
            for stage, widths in enumerate(plan):
                for width in widths:
                    layers += [tnn.Conv3d(channels, width, 3, padding=1)]
                    layers += [tnn.BatchNorm3d(width)] if batch_norm else []
                    layers += [tnn.ReLU()]
                    channels = width
                layers += [tnn.MaxPool3d((1, 2, 2) if stage == 0 else 2, ceil_mode=True)]
            self.features = tnn.Sequential(*layers)
            width = channels * 2 * 2 * 2
            self.classifier = tnn.Sequential(
                tnn.Flatten(), tnn.Linear(width, 16), tnn.ReLU(), tnn.Dropout(0.0), tnn.Linear(16, 5)
            )

        def forward(self, x: Any) -> Any:
            return self.classifier(self.features(x))

    model = C3D(plan, 1, 5, (6, 14, 14), (16,), batch_norm, 0.0, rng=np.random.default_rng(0))
    assert_same(model, Peer(), videos(6, 1, 6, 14, 14))
