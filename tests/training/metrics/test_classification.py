"""Metrics of classifiers, held to their definitions and to scikit-learn's."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minigrad.autograd.tensor import Tensor
from minigrad.errors import ShapeError, UsageError
from minigrad.training import F1, Precision, Recall, accuracy, confusion_matrix, predictions, top_k_accuracy
from tests.training.metrics.samples import scores_and_classes


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


@given(scores_and_classes(), st.integers(1, 7))
def test_top_k_counts_the_samples_whose_class_is_among_the_first_k_of_a_stable_order(sample, k):
    scores, target = sample
    first = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    assert top_k_accuracy(scores, target, k) == np.mean([t in row for t, row in zip(target, first, strict=True)])


@given(scores_and_classes())
def test_top_1_is_the_accuracy_and_top_all_is_one(sample):
    scores, target = sample
    assert top_k_accuracy(scores, target, 1) == accuracy(scores, target)
    assert top_k_accuracy(scores, target, scores.shape[1]) == 1


@given(scores_and_classes())
def test_precision_recall_and_f1_are_scikit_learns(sample):
    peer = pytest.importorskip("sklearn.metrics")
    scores, target = sample
    called, classes = predictions(scores), range(scores.shape[1])
    for metric, function in ((Precision, peer.precision_score), (Recall, peer.recall_score), (F1, peer.f1_score)):
        expected = function(target, called, labels=classes, average=None, zero_division=0)
        np.testing.assert_allclose(metric(None)(scores, target), expected, rtol=1e-12)
        for average in ("macro", "micro"):
            expected = function(target, called, average=average, zero_division=0)
            assert metric(average)(scores, target) == pytest.approx(expected, rel=1e-12)


@given(scores_and_classes())
def test_micro_averages_are_the_accuracy(sample):
    for metric in (Precision, Recall, F1):
        assert metric("micro")(*sample) == pytest.approx(accuracy(*sample), rel=1e-12)


def test_metrics_of_nothing_are_no_numbers_or_zero():
    scores, target = np.zeros((0, 3)), np.zeros(0, int)
    assert math.isnan(top_k_accuracy(scores, target))
    assert Precision()(scores, target) == 0


@pytest.mark.parametrize("target", [[0, 3], [-1, 0], [0.5, 1.0], [0]])
def test_targets_that_are_no_classes_are_refused(target):
    for function in (top_k_accuracy, F1()):
        with pytest.raises(ShapeError, match="class numbers"):
            function(np.zeros((2, 3)), np.array(target))


def test_settings_out_of_range_are_refused():
    with pytest.raises(UsageError, match="k must be an integer of at least 1, got 0"):
        top_k_accuracy(np.zeros((1, 2)), [0], k=0)
    with pytest.raises(UsageError, match='F1: average is "macro", "micro" or None'):
        F1("weighted")
