"""Metrics of regression, held to their definitions and to scikit-learn's."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.errors import ShapeError
from minigrad.training import R2, mae, mse
from tests.training.metrics.samples import pairs


@given(pairs)
def test_mse_mae_and_r2_are_scikit_learns(pair):
    peer = pytest.importorskip("sklearn.metrics")
    output, target = pair
    columns = output.reshape(len(output), -1), target.reshape(len(output), -1)
    assert mse(output, target) == pytest.approx(peer.mean_squared_error(columns[1], columns[0]), rel=1e-9)
    assert mae(output, target) == pytest.approx(peer.mean_absolute_error(columns[1], columns[0]), rel=1e-9)
    if len(output) > 1:  # of one sample scikit-learn gives NaN
        assert R2()(output, target) == pytest.approx(peer.r2_score(columns[1], columns[0]), rel=1e-6, abs=1e-9)


@given(pairs, st.data())
def test_r2_of_batches_is_that_of_all_also_far_from_zero(pair, data):
    output, target = pair + data.draw(st.sampled_from([0.0, 1e6]))
    cut = data.draw(st.integers(0, len(target)))
    parts = [R2().batch_state(output[part], target[part]) for part in (slice(cut), slice(cut, None))]
    whole = R2().batch_state(output, target)
    np.testing.assert_allclose(R2().merge(*parts), whole, rtol=1e-9, atol=1e-6)


def test_the_mean_as_the_only_answer_explains_nothing_and_constant_targets_need_perfect_answers():
    target = np.array([1.0, 2.0, 6.0])
    assert R2()(np.full(3, 3.0), target) == pytest.approx(0)
    assert R2()(np.ones(3), np.ones(3)) == 1
    assert R2()(np.array([1.0, 1.0, 2.0]), np.ones(3)) == 0


@pytest.mark.parametrize("function", [mse, mae, R2()])
def test_metrics_of_nothing_are_no_numbers(function):
    assert math.isnan(function(np.zeros(0), np.zeros(0)))


@pytest.mark.parametrize("function", [mse, mae, R2()])
def test_shapes_that_would_broadcast_are_refused(function):
    with pytest.raises(ShapeError, match=r"output and target must have one shape, got \(3, 1\) and \(3,\)"):
        function(np.zeros((3, 1)), np.zeros(3))
