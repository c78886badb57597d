"""The benchmark of sequences: each layer's step runs and gives gradients."""

import pytest

import minigrad as mg
from tests.benchmarks import sequences


@pytest.mark.parametrize("layer", ["rnn", "lstm"])
def test_a_step_leaves_gradients_and_a_line_tells_the_ratio(layer, monkeypatch):
    made = [getattr(mg.nn, layer.upper())(28, 2)]
    monkeypatch.setattr(mg.nn, layer.upper(), lambda *sizes: made[0])
    sequences.step_of(layer, mg.nn, mg.functional, mg.Tensor)()
    assert all(p.grad is not None for p in made[0].parameters())
    assert sequences.line(layer, [3.0, 2.0]).endswith("3.00 ms     2.00 ms   ratio 1.50")
