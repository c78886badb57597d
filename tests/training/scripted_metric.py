"""A training run with a metric whose values are given, for the tests of callbacks that follow one."""

import math

import numpy as np
from hypothesis import strategies as st

from minigrad import nn, optim
from minigrad.data import DataLoader
from minigrad.functional import cross_entropy
from minigrad.training import Callback, fit

X, Y = np.random.default_rng(0).normal(size=(8, 3)).astype(np.float32), np.arange(8) % 3


class Script(Callback):
    """Writes given values into the history, and the number of the epoch into the weights."""

    def __init__(self, values, stop_at=None):
        self.values, self.stop_at = values, stop_at

    def on_epoch(self, training):
        training.history.last["value"] = self.values[training.epoch - 1]
        training.model.bias.data = np.full(3, training.epoch, np.float32)
        if training.epoch == self.stop_at:
            training.stop()


def train(values, *callbacks, before=(), stop_at=None):
    model = nn.Linear(3, 3)
    callbacks = [*before, Script(values, stop_at), *callbacks]
    history = fit(
        model, DataLoader((X, Y), batch_size=4), loss=cross_entropy, optimizer=optim.SGD(model.parameters(), lr=0.0),
        epochs=len(values), callbacks=callbacks,
    )  # fmt: skip
    return int(model.bias.data[0]), len(history)


def end_of(values, patience, min_delta, sign):
    """The best epoch and the last one, by the definition; both counted from 1."""
    best, best_epoch = None, 0
    for epoch, value in enumerate(values, 1):
        if math.isfinite(value) and (best is None or sign * (value - best) > min_delta):
            best, best_epoch = value, epoch
        elif epoch - best_epoch >= patience:
            return best_epoch, epoch
    return best_epoch, len(values)


values = st.lists(st.sampled_from([0.0, 1.0, 1.5, 2.0, 3.0, math.nan]), min_size=1, max_size=12)
