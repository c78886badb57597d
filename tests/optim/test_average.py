"""Averages of weights: by their formulas, swapped in and out, kept and restored."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad import StateError, UsageError, nn
from minigrad.optim import EMA, WeightAverage
from tests.helper import variable

paths = st.lists(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=2), min_size=1, max_size=8)


def follow(average, p, path):
    for values in path:
        p.data = np.array(values)
        average.update()
    with average.applied():
        return p.numpy().copy()


@given(path=paths)
def test_plain_average_is_the_mean_of_all_updates(path):
    p = variable([9.0, 9.0])
    np.testing.assert_allclose(follow(WeightAverage([p]), p, path), np.mean(path, axis=0), rtol=1e-9, atol=1e-9)


@given(path=paths, decay=st.floats(0, 0.999), warmup=st.booleans())
def test_exponential_average_is_its_formula(path, decay, warmup):
    p = variable([9.0, 9.0])
    mean = np.array(path[0])
    for n, values in enumerate(path[1:], 1):
        d = min(decay, (1 + n) / (10 + n)) if warmup else decay
        mean = d * mean + (1 - d) * np.array(values)
    np.testing.assert_allclose(follow(EMA([p], decay, warmup), p, path), mean, rtol=1e-9, atol=1e-9)


def test_by_default_the_first_weights_are_forgotten_within_hundreds_of_updates():
    p = variable([0.0])
    assert follow(EMA([p]), p, [[0.0]] + [[1.0]] * 300)[0] > 0.999
    assert follow(EMA([p], warmup=False), p, [[0.0]] + [[1.0]] * 300)[0] == pytest.approx(1 - 0.999**300)


def test_a_resumed_warm_up_goes_on():
    p, path = variable([0.0]), [[float(n % 7)] for n in range(40)]
    whole = follow(EMA([p]), p, path)
    first, second = EMA([p]), EMA([p])
    follow(first, p, path[:15])
    second.load_state_dict(first.state_dict())
    assert follow(second, p, path[15:]) == whole


@pytest.mark.peer
def test_exponential_average_is_pytorchs(torch, rng):
    own, theirs = variable(np.zeros((2, 3))), torch.nn.Linear(3, 2, bias=False, dtype=torch.float64)
    ours = EMA([own], 0.9, warmup=False)
    swa = torch.optim.swa_utils.AveragedModel(theirs, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.9))
    for _ in range(100):
        values = rng.normal(size=(2, 3))
        own.data = values
        theirs.weight.data = torch.tensor(values)
        ours.update()
        swa.update_parameters(theirs)
    with ours.applied():
        np.testing.assert_allclose(own.numpy(), swa.module.weight.detach().numpy(), rtol=1e-12)


def test_applied_average_changes_what_the_model_gives_and_nothing_remains_of_it():
    model = nn.Linear(2, 1)
    average, x = EMA(model.parameters(), 0.5, warmup=False), np.ones((1, 2), np.float32)
    average.update()
    first = model(x).item()
    before = {name: array.copy() for name, array in model.state_dict().items()}
    for p in model.parameters():
        p.data = p.numpy() + 1
    average.update()
    own = model(x).item()
    with pytest.raises(RuntimeError), average.applied():
        assert model(x).item() == pytest.approx(first + 1.5, rel=1e-5)
        raise RuntimeError
    assert model(x).item() == own
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[name] + 1)


def test_live_graph_keeps_its_values_while_the_average_is_applied():
    p = variable([2.0])
    average = WeightAverage([p])
    p.data = [4.0]
    average.update()
    p.data = [6.0]
    loss = (p * p).sum()
    with average.applied():
        loss.backward()
    assert p.grad.item() == 12


@pytest.mark.parametrize("shape", [(), (0,), (200, 100)])
def test_any_shape_and_layout_is_averaged(shape):
    p = variable(np.zeros(shape))
    p.data = np.arange(1.0, p.size + 1).reshape(shape, order="F")
    average = EMA([p], 0.5, warmup=False)
    average.update()
    first = p.numpy().copy()
    p.data = 3 * first
    average.update()
    with average.applied():
        np.testing.assert_allclose(p.numpy(), 2 * first)


@pytest.mark.parametrize("make", [WeightAverage, EMA])
def test_average_goes_on_where_its_state_was_taken(make, rng):
    p, q = variable([1.0, 2.0], np.float32), variable([0.0, 0.0], np.float32)
    path = rng.normal(size=(6, 2))
    straight = make([p])
    follow(straight, p, path[:3])
    state = straight.state_dict()
    expected = follow(straight, p, path[3:])
    resumed = make([q])
    resumed.load_state_dict(state)
    np.testing.assert_array_equal(follow(resumed, q, path[3:]), expected)
    assert state["updates"] == 3


def test_average_in_half_precision_moves_by_small_shares():
    p = variable([1.0], np.float16)
    average = EMA([p], decay=0.999, warmup=False)
    follow(average, p, [[1.0]])
    for _ in range(1000):
        p.data = [1.5]
        average.update()
    with average.applied():
        assert p.dtype == np.float16
        assert p.item() == pytest.approx(1 + 0.5 * (1 - 0.999**1000), rel=1e-3)


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({}, "a number of updates and a list of means"),
        ({"updates": 1, "means": [np.zeros(3)]}, r"shapes \[\(3,\)\], not \[\(2,\)\]"),
        ({"updates": 1, "means": []}, r"shapes \[\], not"),
    ],
)
def test_state_that_does_not_fit_is_refused(state, message):
    p = variable([1.0, 2.0])
    average = WeightAverage([p])
    with pytest.raises(StateError, match=message):
        average.load_state_dict(state)
    assert follow(average, p, [[5.0, 6.0]]).tolist() == [5, 6]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: EMA([]), "in a list"),
        (lambda: EMA(["p"]), "in a list"),
        (lambda: EMA([variable(1.0)] * 1, decay=1.0), r"decay must lie in \[0, 1\)"),
        (lambda: EMA([variable(1.0)], decay="0.9"), r"decay must lie in \[0, 1\), got '0.9'"),
        (lambda: EMA(nn.Linear(1, 1)), r"EMA: give the parameters in a list, or model.parameters\(\)"),
        (lambda: WeightAverage([p := variable(1.0), p]), "given twice"),
    ],
)
def test_wrong_arguments_are_refused(make, message):
    with pytest.raises(UsageError, match=message):
        make()
