"""One step: accumulated, clipped, measured."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad import nn, optim, rng
from minigrad.data import DataLoader
from minigrad.errors import UsageError
from minigrad.functional import cross_entropy, mse_loss
from minigrad.training import F1, R2, Callback, accuracy, evaluate, fit, predict, top_k_accuracy

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(23, 3)), RNG.integers(0, 4, 23)


def net():
    rng.seed(0)
    return nn.Sequential(nn.Linear(3, 6), nn.Tanh(), nn.Linear(6, 4)).astype(np.float64)


def train(model, batch_size=4, loss=cross_entropy, lr=0.1, data=(X, Y), epochs=1, **settings):
    optimizer = optim.SGD(model.parameters(), lr=lr, momentum=0.9)
    loader = DataLoader(data, batch_size=batch_size, shuffle=True, seed=1)
    return fit(model, loader, loss=loss, optimizer=optimizer, epochs=epochs, **settings)


class Norms(Callback):
    def __init__(self):
        self.norms, self.largest = [], []

    def on_gradients(self, training):
        gradients = [p.grad.data for p in training.parameters()]
        self.norms.append(math.sqrt(sum(float((g**2).sum()) for g in gradients)))
        self.largest.append(max(float(np.abs(g).max()) for g in gradients))


# ---- accumulation ----------------------------------------------------------------------------------------------


@given(batch=st.integers(1, 8), accumulate=st.integers(1, 7))
def test_steps_of_k_batches_are_those_of_batches_k_times_as_large(batch, accumulate):
    small, large = net(), net()
    accumulated = train(small, batch, accumulate=accumulate, epochs=2)
    whole = train(large, batch * accumulate, epochs=2)
    for name, array in large.state_dict().items():
        np.testing.assert_allclose(small.state_dict()[name], array, rtol=1e-9, atol=1e-12)
    assert accumulated["step"] == whole["step"]
    assert accumulated["loss"] == pytest.approx(whole["loss"], rel=1e-9)


def test_a_schedule_sees_as_many_steps_as_there_are():
    class Spy(optim.schedule.Schedule):
        def __call__(self, step, total):
            seen.append((step, total))
            return 1.0

    seen = []
    train(net(), batch_size=4, accumulate=4, epochs=2, schedule=Spy())  # 6 batches: a step of 4 and one of 2
    assert sorted(set(seen)) == [(0, 4), (1, 4), (2, 4), (3, 4)]


@pytest.mark.parametrize("accumulate", [0, 1.5, "2"])
def test_numbers_of_batches_that_are_none_are_refused(accumulate):
    with pytest.raises(UsageError, match="fit: accumulate must be an integer of at least 1, got"):
        train(net(), accumulate=accumulate)


# ---- clipping --------------------------------------------------------------------------------------------------


def test_gradients_are_clipped_to_a_norm_or_a_value_before_the_step():
    free, norm, value = Norms(), Norms(), Norms()
    train(net(), callbacks=[free])
    train(net(), callbacks=[norm], clip_norm=0.05)
    train(net(), callbacks=[value], clip_value=0.01)
    assert min(free.norms) > 0.05
    assert norm.norms == pytest.approx([0.05] * len(norm.norms), rel=1e-3)
    assert value.largest == pytest.approx([0.01] * len(value.largest))


# ---- metrics ---------------------------------------------------------------------------------------------------


def test_metrics_of_an_epoch_and_of_the_test_are_those_of_all_samples_together():
    model = net()
    history = train(model, lr=0.0, metrics=[F1(), top_k_accuracy], test=(X[:9], Y[:9]))
    outputs, _ = predict(model, (X, Y))
    assert history.last["f1"] == pytest.approx(F1()(outputs, Y))
    assert history.last["top_k_accuracy"] == 1  # of 4 classes
    assert history.last["test_f1"] == pytest.approx(F1()(outputs[:9], Y[:9]))
    measured = evaluate(model, (X, Y), cross_entropy, 4, metrics={"mine": F1(None), "again": accuracy})
    assert measured["mine"] == pytest.approx(F1(None)(outputs, Y).tolist())
    assert measured["again"] == pytest.approx(measured["accuracy"])


def test_a_metric_without_a_value_is_recorded_as_none():
    class Nothing(R2):
        def compute(self, state):
            return np.array([math.nan, 1.0])

    model = nn.Linear(3, 3).astype(np.float64)
    assert train(model, data=(X, X), loss=mse_loss, metrics=[Nothing()]).last["nothing"] == [None, 1.0]


def test_names_of_the_records_own_entries_are_refused():
    with pytest.raises(UsageError, match="fit: a metric cannot be called loss"):
        train(net(), metrics={"loss": F1()})
