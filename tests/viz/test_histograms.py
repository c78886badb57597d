"""Histograms over time: every value is counted, and the memory is bounded."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import nn
from minigrad.data import DataLoader
from minigrad.errors import UsageError
from minigrad.functional import mse_loss
from minigrad.optim import SGD
from minigrad.training import fit
from minigrad.viz.histograms import HistogramRecorder, rebinned
from minigrad.viz.plots.histograms import plot_histograms


def model_and_data(rng):
    model = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 1))
    x = rng.normal(size=(32, 3)).astype(np.float32)
    return model, DataLoader((x, x[:, :1]), batch_size=8)


def train(model, loader, recorder, epochs=2):
    fit(model, loader, loss=mse_loss, optimizer=SGD(model.parameters(), lr=0.01), epochs=epochs, callbacks=[recorder])


def test_every_value_of_every_step_is_counted(rng):
    model, loader = model_and_data(rng)
    recorder = HistogramRecorder(["0.weight", "1"], every=2)
    train(model, loader, recorder)
    assert recorder.names == ["0.weight", "1"]
    for name, size in (("0.weight", 15), ("1", 8 * 5)):
        found = recorder[name]
        assert found.steps.tolist() == [2, 4, 6, 8]
        assert found.counts.sum(axis=1).tolist() == [size] * 4
        assert not found.nonfinite.any()
    np.testing.assert_allclose(
        recorder["0.weight"].ranges[-1], [model[0].weight.numpy().min(), model[0].weight.numpy().max()]
    )


def test_hooks_are_gone_after_the_training_also_after_one_that_fails(rng):
    model, loader = model_and_data(rng)
    train(model, loader, HistogramRecorder(["1"]))
    with pytest.raises(ZeroDivisionError):
        fit(
            model, loader, loss=lambda y, t: 1 / 0, optimizer=SGD(model.parameters(), lr=0.1), epochs=1,
            callbacks=[HistogramRecorder(["1"])],
        )  # fmt: skip
    assert not model[1]._hooks.forward


def test_by_default_all_parameters_but_vectors_are_watched(rng):
    model, loader = model_and_data(rng)
    recorder = HistogramRecorder()
    train(model, loader, recorder, epochs=1)
    assert recorder.names == ["0.weight", "2.weight"]


def test_by_hand_it_is_the_same(rng):
    model, loader = model_and_data(rng)
    recorder = HistogramRecorder(["1", "2.bias"])
    with recorder.watching(model):
        for x, _ in loader:
            out = model(x)
            recorder.step()
    assert recorder["1"].steps.tolist() == [1, 2, 3, 4]
    assert not model[1]._hooks.forward
    last = model[1](model[0](x)).numpy()
    counts, _ = np.histogram(last.astype(np.float64), 64, recorder["1"].ranges[-1])
    assert recorder["1"].counts[-1].tolist() == counts.tolist()
    assert out.shape == (8, 1)


def test_a_layer_that_does_not_run_in_a_step_has_no_histogram_of_it(rng):
    model, _ = model_and_data(rng)
    recorder = HistogramRecorder(["1"])
    with recorder.watching(model):
        model(mg.ones((2, 3)))
        recorder.step()
        recorder.step()
        model(mg.ones((2, 3)))
        recorder.step()
        model(mg.ones((2, 3)))
        assert recorder._pending
    assert recorder["1"].steps.tolist() == [1, 3]
    assert not recorder._pending  # no activation is kept alive


@given(steps=st.integers(1, 400), limit=st.integers(2, 20))
def test_the_memory_is_bounded_and_steps_stay_evenly_spaced(steps, limit):
    model = nn.Linear(1, 1)
    recorder = HistogramRecorder(["weight"], bins=2, limit=limit)
    with recorder.watching(model):
        for _ in range(steps):
            recorder.step()
    found = recorder["weight"].steps
    assert len(found) < limit or limit == 2
    assert len(found) <= limit
    assert found.tolist() == list(range(recorder.every, steps + 1, recorder.every))


def test_what_is_not_finite_is_counted_apart():
    model = nn.Linear(4, 1, bias=False)
    model.weight.data = np.array([[np.nan, 1, 2, np.inf]], np.float32)
    recorder = HistogramRecorder(["weight"], bins=4)
    with recorder.watching(model):
        recorder.step()
        model.weight.data = np.full((1, 4), np.nan, np.float32)
        recorder.step()
    found = recorder["weight"]
    assert found.nonfinite.tolist() == [2, 4]
    assert found.counts.tolist() == [[1, 0, 0, 1], [0, 0, 0, 0]]
    assert "6 values NaN or infinite" in plot_histograms(found, name="weight").get_title(loc="left")


def test_equal_values_are_in_one_bin():
    model = nn.Linear(3, 1, bias=False)
    for value in (0.0, 5.0, -1e-30, 1e20):
        model.weight.data = np.full((1, 3), value, np.float32)
        recorder = HistogramRecorder(["weight"])
        with recorder.watching(model):
            recorder.step()
        assert sorted(recorder["weight"].counts[0])[-1] == 3


def test_a_training_that_goes_on_has_the_histograms_of_its_beginning(rng):
    model, loader = model_and_data(rng)
    first = HistogramRecorder(["0.weight"], every=3)
    train(model, loader, first)
    second = HistogramRecorder(["0.weight"])
    second.load_state_dict(first.state_dict())
    assert second.every == 3
    for mine, theirs in zip(second["0.weight"], first["0.weight"], strict=True):
        np.testing.assert_array_equal(mine, theirs)


@given(counts=st.lists(st.integers(0, 50), min_size=2, max_size=20), low=st.floats(-5, 5), width=st.floats(0.1, 5))
def test_rebinning_keeps_the_number_of_values(counts, low, width):
    edges = np.linspace(-6, 11, 40)
    total = rebinned(np.array(counts), (low, low + width), edges)
    assert total.sum() == pytest.approx(sum(counts))
    outside = (edges[1:] < low) | (edges[:-1] > low + width)
    assert np.abs(total[outside]).max() < 1e-9


def test_in_the_own_bins_nothing_changes():
    counts = np.array([3, 0, 5, 1])
    np.testing.assert_allclose(rebinned(counts, (0.0, 1.0), np.linspace(0, 1, 5)), counts)


@pytest.mark.parametrize(("setting", "value"), [("every", 0), ("bins", 1), ("limit", 1), ("every", 1.5)])
def test_settings_out_of_their_range_are_refused(setting, value):
    with pytest.raises(UsageError, match=f"{setting} must be an integer of at least"):
        HistogramRecorder(**{setting: value})


def test_names_that_do_not_exist_are_refused(rng):
    model, loader = model_and_data(rng)
    with pytest.raises(UsageError, match=r"no layer '7', it has 0 \(Linear\), 1 \(Tanh\), 2 \(Linear\)"):
        train(model, loader, HistogramRecorder(["7"]))
    recorder = HistogramRecorder("1")
    with pytest.raises(UsageError, match="no histogram of '1', but of nothing yet"):
        recorder["1"]
    with recorder.watching(model):
        model(mg.ones((2, 3)))
        recorder.step()
    with pytest.raises(UsageError, match="no histogram of '0', but of 1"):
        recorder["0"]
