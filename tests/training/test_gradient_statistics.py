"""Statistics of gradients are means over the steps looked at, and survive a resumption."""

import json

import numpy as np
import pytest

from minigrad import nn, optim, rng
from minigrad.data import DataLoader
from minigrad.errors import UsageError
from minigrad.functional import cross_entropy
from minigrad.training import Callback, GradientStatistics, Run, fit

X, Y = np.random.default_rng(0).normal(size=(12, 3)).astype(np.float32), np.arange(12) % 4


class StopAt(Callback):
    def __init__(self, step):
        self.step = step

    def on_step(self, training):
        if training.step == self.step:
            training.stop()


def train(*callbacks, lr=0.1, **settings):
    rng.seed(0)
    model = nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 4))
    loader = DataLoader((X, Y), batch_size=4, shuffle=True)
    optimizer = optim.SGD(model.parameters(), lr=lr)
    return fit(model, loader, loss=cross_entropy, optimizer=optimizer, epochs=3, callbacks=callbacks, **settings)


class Judge(Callback):
    """Norms, zeros and updates of each step, by their definitions."""

    def __init__(self):
        self.found = []

    def on_gradients(self, training):
        self.before = {name: p.data.copy() for name, p in training.model.named_parameters()}

    def on_step(self, training):
        self.found.append({
            name: (
                np.linalg.norm(p.grad.data.astype(float)),
                np.mean(p.grad.data == 0),
                np.linalg.norm(p.data - self.before[name]) / np.linalg.norm(self.before[name]),
            )
            for name, p in training.model.named_parameters()
        })  # fmt: skip


@pytest.mark.parametrize("every", [1, 2, 3])
def test_statistics_are_means_over_the_steps_looked_at(every):
    judge = Judge()
    history = train(judge, GradientStatistics(every))
    for epoch, record in enumerate(history):
        steps = [judge.found[step - 1] for step in range(3 * epoch + 1, 3 * epoch + 4) if step % every == 0]
        assert list(record["gradients"]) == ["0.weight", "0.bias", "2.weight", "2.bias"]
        for name, found in record["gradients"].items():
            expected = np.mean([step[name] for step in steps], axis=0)
            assert [found["norm"], found["zeros"], found["update"]] == pytest.approx(expected, rel=1e-5)


def test_epochs_of_which_no_step_was_looked_at_have_no_statistics():
    assert ["gradients" in record for record in train(GradientStatistics(every=5))] == [False, True, False]


def test_a_layer_that_is_frozen_has_no_statistics_and_one_without_gradient_only_zeros():
    class Freeze(Callback):
        def on_begin(self, training):
            training.model[0].weight.requires_grad = False
            training.model[0].bias.data = np.full(5, -100, np.float32)  # no unit is ever active

    gradients = train(Freeze(), GradientStatistics()).last["gradients"]
    assert "0.weight" not in gradients
    assert gradients["0.bias"] == {"norm": 0, "zeros": 1, "update": 0}


def test_statistics_of_a_training_stopped_within_an_epoch_are_the_same(tmp_path):
    whole = train(GradientStatistics())
    train(Run.create(tmp_path / "run", {}), GradientStatistics(), StopAt(4))
    resumed = train(Run.open(tmp_path / "run"), GradientStatistics())
    assert resumed["gradients"] == whole["gradients"]
    lines = [json.loads(line) for line in (tmp_path / "run" / "history.jsonl").read_text().splitlines()]
    assert [line["gradients"] for line in lines] == whole["gradients"]


@pytest.mark.parametrize("every", [0, 1.5])
def test_every_is_a_positive_integer(every):
    with pytest.raises(UsageError, match="GradientStatistics: every must be an integer of at least 1"):
        GradientStatistics(every)
