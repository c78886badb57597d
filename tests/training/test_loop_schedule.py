"""Schedules in a training: what they hear, and that a checkpoint keeps it."""

import numpy as np
import pytest

from minigrad import nn, optim, rng
from minigrad.data import DataLoader
from minigrad.functional import mse_loss
from minigrad.optim.schedule import Chained, Linear, OneCycle, Plateau, Step
from minigrad.training import Callback, Run, fit

X = np.linspace(-1, 1, 24, dtype=np.float32)[:, None]
Y = np.sin(3 * X)
EPOCHS = 6


class StopAt(Callback):
    def __init__(self, step):
        self.step = step

    def on_step(self, training):
        if training.step == self.step:
            training.stop()


class Levels(Callback):
    def __init__(self):
        self.seen = []

    def on_epoch(self, training):
        self.seen.append(training.schedule(0, 1))


def train(schedule, callbacks=(), seed=0, **settings):
    rng.seed(seed)
    model = nn.Sequential(nn.Linear(1, 8), nn.Tanh(), nn.Linear(8, 1))
    loader = DataLoader((X, Y), batch_size=8, shuffle=True, seed=seed)
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    history = fit(
        model, loader, loss=mse_loss, optimizer=optimizer, epochs=EPOCHS, schedule=schedule,
        callbacks=callbacks, **settings,
    )  # fmt: skip
    return [p.numpy().copy() for p in model.parameters()], history, optimizer


def plateau():
    return Plateau(factor=0.5, patience=0, threshold=0.9)  # falls after every epoch but the great ones


def test_plateau_hears_the_test_loss_or_else_the_training_loss():
    for settings, name in (({"test": (X, Y)}, "test_loss"), ({}, "loss")):
        heard = []
        schedule = plateau()
        object.__setattr__(schedule, "observe", heard.append)
        _, history, _ = train(schedule, **settings)
        assert heard == [record[name] for record in history]


def test_plateau_lowers_the_rate():
    levels = Levels()
    _, history, optimizer = train(plateau(), [levels])
    assert levels.seen[-1] < levels.seen[1]
    assert [record["lr"] for record in history] == pytest.approx(
        [0.1 * level for level in [1.0, 1.0, *levels.seen[1:-1]]]
    )
    assert optimizer.param_groups[0]["lr"] == 0.1


@pytest.mark.parametrize(
    "make", [plateau, lambda: Chained((plateau(), Linear())), OneCycle], ids=["plateau", "chained", "cycle"]
)
@pytest.mark.parametrize("step", [1, 7, 9, 13])
def test_stopped_and_resumed_equals_uninterrupted_bit_for_bit(tmp_path, make, step):
    expected, _, _ = train(make(), test=(X, Y))
    train(make(), [Run.create(tmp_path / "run", {}), StopAt(step)], test=(X, Y))
    found, _, _ = train(make(), [Run.open(tmp_path / "run")], seed=9, test=(X, Y))
    for x, y in zip(found, expected, strict=True):
        np.testing.assert_array_equal(x, y)


def test_a_schedule_whose_steps_were_meant_as_epochs_is_told_once():
    with pytest.warns(
        UserWarning, match=r"fit: at step 9 of 18 the learning rate is 1e-09 of its base: schedules"
    ) as told:
        train(Step(1))
    assert len(told) == 1
    assert told[0].filename == __file__
