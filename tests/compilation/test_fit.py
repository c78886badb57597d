"""`fit(compile=True)` is `fit`."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.data import DataLoader
from minigrad.errors import NonFiniteError
from minigrad.functional import cross_entropy
from minigrad.training import fit
from tests.compilation.helper import warnings_of


def fitted(*, compiled: bool, **settings):
    mg.seed(0)
    rng = np.random.default_rng(0)
    data = (rng.normal(size=(52, 6)).astype(np.float32), rng.integers(0, 3, 52))
    model = nn.Sequential(nn.Linear(6, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, 3))
    history = fit(
        model,
        DataLoader(data, batch_size=8, shuffle=True, seed=0),
        loss=cross_entropy,
        optimizer=optim.SGD(model.parameters(), lr=0.1, momentum=0.9),
        epochs=4,
        compile=compiled,
        **settings,
    )
    return model, [{name: x for name, x in record.items() if name != "seconds"} for record in history]


@pytest.mark.parametrize("settings", [{}, {"accumulate": 3}, {"clip_norm": 0.5}], ids=str)
def test_training_compiled_is_training(settings):
    (eager, history), (compiled, same) = (fitted(compiled=c, **settings) for c in (False, True))
    assert history == same
    for name, array in eager.state_dict().items():
        np.testing.assert_array_equal(array, compiled.state_dict()[name], err_msg=name)


def test_nothing_is_told_where_all_can_be_compiled():
    assert warnings_of(lambda: fitted(compiled=True, accumulate=2)) == []


def test_a_number_that_is_not_finite_is_found_with_its_cause():
    model = nn.Linear(1, 1)
    x = np.ones((40, 1), np.float32)
    x[36:] = 0  # the last batch: log(0)
    loader = DataLoader((x, x), batch_size=4)

    def loss(output, target):
        return (mg.log(output - 1) - target).square().mean()

    model.weight.data = [[2.0]]
    model.bias.data = [1.0]
    with pytest.raises(NonFiniteError, match="log"):
        fit(model, loader, loss=loss, optimizer=optim.SGD(model.parameters(), lr=1e-9), epochs=1, compile=True)


def test_the_command_trains_alike(tmp_path):
    from minigrad.cli import main

    weights = []
    for k, more in enumerate(([], ["--compile"])):
        run = tmp_path / str(k)
        options = ["--epochs", "1", "--data", "digits:size=16", "--threads", "1", "--out", str(run), *more]
        assert main(["train", "mlp-small", *options]) == 0
        weights.append((run / "checkpoint.safetensors").stat().st_size)
        assert ('"compile": true' in (run / "settings.json").read_text()) == bool(more)
    assert weights[0] > 0
