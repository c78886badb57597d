"""What a user writes: an op, a layer, a model and a callback of one's own, trained on real digits. About 100 lines."""

import numpy as np
import pytest
from hypothesis import strategies as st

import minigrad as mg
from minigrad import nn, optim
from minigrad.data import DataLoader, digits
from minigrad.functional import cross_entropy, max_pool2d
from minigrad.optim.schedule import Cosine
from minigrad.testing import gradtest
from minigrad.training import F1, Callback, EarlyStopping, Run, confusion_matrix, evaluate, fit, predict, predictions

# ---- an op: a function of arrays, and its derivative beside it -------------------------------------------------


@gradtest(arguments={"limit": st.just(1.5)}, examples=10)
@mg.op
def soft_clip(x, *, limit):
    """limit * tanh(x / limit): nearly x around 0, never beyond the limit."""
    return limit * np.tanh(x / limit)


@soft_clip.vjp("x")
def _(g, out, *, limit):
    return g * (1 - (out / limit) ** 2)


# ---- a layer: parameters, and what it computes with them -------------------------------------------------------


class Gated(nn.Module):
    """out = (x A^T) * sigmoid(x B^T + b): each unit has another one that opens or closes it. (N, D) -> (N, O)."""

    def __init__(self, in_features, out_features, rng=None):
        self.value = nn.Linear(in_features, out_features, bias=False, rng=rng)
        self.gate = nn.Linear(in_features, out_features, rng=rng)

    def forward(self, x):
        return self.value(x) * mg.sigmoid(self.gate(x))

    def extra_repr(self):
        return f"open at first: {float(self.gate.bias.data.mean()):.2f}"


@gradtest(input=(2, 3), examples=5, order=1)
def small_gated():
    return Gated(3, 2, rng=np.random.default_rng(0))


# ---- a model of both -------------------------------------------------------------------------------------------


class Net(nn.Module):
    def __init__(self):
        self.conv = nn.Conv2d(1, 8, 3, padding=1)
        self.hidden = Gated(8 * 4 * 4, 32)
        self.dropout = nn.Dropout(0.2, rng=np.random.default_rng(0))
        self.limit = nn.Parameter(np.ones(1, np.float32))
        self.head = nn.Linear(32, 10)

    def forward(self, x):
        x = soft_clip(self.conv(x), limit=3.0)
        x = max_pool2d(x, 2).reshape(len(x), -1)
        return self.head(self.dropout(self.hidden(x)) * self.limit)


# ---- a callback: what is confused most often, in each record; enough is enough ---------------------------------


class MostConfused(Callback):
    def __init__(self, data, good_enough):
        self.data, self.good_enough = data, good_enough

    def on_epoch(self, training):
        outputs, targets = predict(training.model, self.data)
        wrong = confusion_matrix(predictions(outputs), targets, classes=10) * (1 - np.eye(10, dtype=int))
        is_class, called = np.unravel_index(wrong.argmax(), wrong.shape)
        training.history.last["most_confused"] = f"{is_class} called {called}"
        if training.history.last["test_accuracy"] >= self.good_enough:
            training.stop()


def train(run, test, data, good_enough=0.95):
    model = Net()
    loader = DataLoader(data, batch_size=32, shuffle=True)
    history = fit(
        model, loader, loss=cross_entropy, optimizer=optim.AdamW(model.parameters(), lr=1e-2), epochs=10,
        schedule=Cosine(warmup=0.1), test=test, metrics=[F1()], accumulate=2, clip_norm=5.0,
        callbacks=[run, EarlyStopping(patience=8), MostConfused(test, good_enough)],
    )  # fmt: skip
    return model, history


# ---- and that it works -----------------------------------------------------------------------------------------


def test_the_model_learns_the_digits_and_goes_on_where_it_stopped(tmp_path):
    pytest.importorskip("sklearn")
    data, test = digits(size=8)
    model, history = train(Run.create(tmp_path / "run", {}), test, data)
    assert history.last["test_accuracy"] >= 0.95
    assert history.last["test_f1"] == pytest.approx(history.last["test_accuracy"], abs=0.02)
    assert " called " in history.last["most_confused"]
    assert evaluate(model, test, cross_entropy)["loss"] == pytest.approx(min(history["test_loss"]))
    _, longer = train(Run.open(tmp_path / "run"), test, data, good_enough=0.0)
    assert longer.records[:-1] == history.records
