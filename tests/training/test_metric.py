"""Metrics, held to their definitions."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minigrad.errors import ShapeError
from minigrad.tensor import Tensor
from minigrad.training import accuracy, confusion_matrix, predictions


@st.composite
def answers(draw):
    """Predicted and right classes of some samples."""
    classes = draw(st.integers(1, 6))
    pairs = draw(st.lists(st.tuples(st.integers(0, classes - 1), st.integers(0, classes - 1)), max_size=30))
    predicted, target = np.array(pairs, np.int64).reshape(-1, 2).T
    return predicted, target, classes


@given(answers())
def test_entry_ij_counts_the_samples_of_class_i_called_j(sample):
    predicted, target, classes = sample
    matrix = confusion_matrix(predicted, target, classes)
    assert matrix.shape == (classes, classes)
    for i in range(classes):
        for j in range(classes):
            assert matrix[i, j] == sum(p == j and t == i for p, t in zip(predicted, target, strict=True))


@given(answers())
def test_the_trace_over_the_sum_is_the_accuracy(sample):
    predicted, target, classes = sample
    if len(target):
        matrix = confusion_matrix(predicted, target, classes)
        assert accuracy(np.eye(classes)[predicted], target) == np.trace(matrix) / matrix.sum()


@given(hnp.arrays(np.float32, (7, 4), elements=st.sampled_from([0.0, 1.0, 2.0])))
def test_the_prediction_is_the_first_of_the_largest_scores(scores):
    for row, predicted in zip(scores.tolist(), predictions(scores), strict=True):
        assert predicted == row.index(max(row))


def test_tensors_are_accepted():
    assert accuracy(Tensor([[0.0, 1.0], [1.0, 0.0]], requires_grad=True), Tensor(np.array([1, 1]))) == 0.5


def test_the_accuracy_of_nothing_is_not_a_number():
    assert math.isnan(accuracy(np.zeros((0, 3)), np.zeros(0, int)))


@pytest.mark.parametrize(("scores", "target"), [((3, 2), (2,)), ((3,), (3,)), ((3, 2), (3, 2))])
def test_scores_and_targets_that_do_not_fit_are_refused(scores, target):
    with pytest.raises(ShapeError, match="accuracy: needs scores"):
        accuracy(np.zeros(scores), np.zeros(target, int))


@pytest.mark.parametrize(("predicted", "target"), [([0, 1], [0]), ([[0]], [[0]]), ([3], [0]), ([0], [3]), ([-1], [0])])
def test_class_numbers_that_do_not_fit_are_refused(predicted, target):
    with pytest.raises(ShapeError, match="confusion_matrix: "):
        confusion_matrix(np.array(predicted), np.array(target), classes=3)
