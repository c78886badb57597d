"""Misclassified samples are found, the most confident mistakes first."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.errors import ShapeError, UsageError
from minigrad.viz.misclassified import mistakes


@given(st.integers(0, 1000))
def test_the_most_confident_mistake_comes_first(seed):
    rng = np.random.default_rng(seed)
    scores, labels = rng.normal(size=(40, 5)) * 3, rng.integers(0, 5, 40)
    found = mistakes(scores, labels)
    assert {m.sample for m in found} == set(np.flatnonzero(scores.argmax(axis=1) != labels))
    confidence = [m.confidence for m in found]
    assert confidence == sorted(confidence, reverse=True)
    for m in found:
        assert m.label == labels[m.sample] != m.predicted == scores[m.sample].argmax()
        chances = np.exp(scores[m.sample]) / np.exp(scores[m.sample]).sum()
        np.testing.assert_allclose(m.probabilities, chances, rtol=1e-6)


def test_probabilities_are_taken_as_they_are():
    (found,) = mistakes([[0.75, 0.25]], [1], probabilities=True)
    assert found.confidence == 0.75
    with pytest.raises(UsageError, match="sum to 1"):
        mistakes([[3.0, 1.0]], [1], probabilities=True)


@pytest.mark.parametrize(
    ("scores", "labels", "error"),
    [
        ([[1.0, 2.0]], [0, 1], ShapeError),
        ([1.0, 2.0], [0, 1], ShapeError),
        ([[1.0, 2.0]], [2], UsageError),
        ([[1.0, 2.0]], [0.5], UsageError),
    ],
)
def test_scores_and_labels_that_do_not_fit_are_refused(scores, labels, error):
    with pytest.raises(error):
        mistakes(scores, labels)
