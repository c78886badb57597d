"""Evaluation leaves model and loader as they were, and does not depend on how the samples are batched."""

import numpy as np
import pytest

from minigrad import nn, rng
from minigrad.autograd.tensor import is_recording
from minigrad.data import DataLoader
from minigrad.functional import cross_entropy
from minigrad.training import evaluate, predict

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(20, 3)).astype(np.float32), RNG.integers(0, 4, 20)


def classifier():
    rng.seed(0)
    return nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Dropout(0.5), nn.Linear(8, 4))


def test_evaluation_runs_in_evaluation_mode_unrecorded_and_restores_each_modules_mode():
    seen = []

    class Spy(nn.Module):
        def __init__(self):
            self.frozen = nn.Dropout(0.5)

        def forward(self, x):
            seen.append((self.training, self.frozen.training, is_recording()))
            return self.frozen(x)

    model = Spy()
    model.frozen.eval()
    evaluate(model, (X, Y % 3), cross_entropy)
    assert set(seen) == {(False, False, False)}
    assert (model.training, model.frozen.training) == (True, False)


def test_evaluation_does_not_depend_on_the_batch_size_beyond_rounding():
    model = classifier()
    whole = evaluate(model, (X, Y), cross_entropy)
    for batch_size in (1, 7, 20):
        assert evaluate(model, (X, Y), cross_entropy, batch_size) == pytest.approx(whole, rel=1e-5)


def test_evaluation_covers_the_whole_loader_and_leaves_it_where_it_stood():
    loader = DataLoader((X, Y), batch_size=8, shuffle=True, seed=3)
    next(iter(loader))
    state, model = loader.state_dict(), classifier()
    first = evaluate(model, loader, cross_entropy)
    assert loader.state_dict() == state
    assert evaluate(model, loader, cross_entropy) == first
    assert first == pytest.approx(evaluate(model, (X, Y), cross_entropy), rel=1e-5)


def test_evaluation_draws_nothing_from_the_default_generator():
    model, state = classifier(), rng.rng_state()
    evaluate(model, (X, Y), cross_entropy)
    assert rng.rng_state() == state


def test_predict_gives_outputs_and_targets_in_the_order_of_the_data():
    model = classifier()
    outputs, targets = predict(model, (X, Y), batch_size=8)
    np.testing.assert_array_equal(targets, Y)
    np.testing.assert_allclose(outputs, model.eval()(X).data, rtol=1e-5)
