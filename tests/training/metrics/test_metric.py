"""The interface of metrics: states, names, and functions that are means."""

import math
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.errors import UsageError
from minigrad.training import F1, R2, Confusion, MeanMetric, Precision, Recall, accuracy, top_k_accuracy
from minigrad.training.metrics import metrics_by_name
from tests.training.metrics.samples import scores_and_classes

METRICS = [
    Precision(), Recall("micro"), F1(None), Confusion(), MeanMetric(accuracy), MeanMetric(partial(top_k_accuracy, k=2)),
]  # fmt: skip


@given(scores_and_classes(), st.data())
def test_states_of_batches_merge_into_that_of_all(sample, data):
    scores, target = sample
    cut = data.draw(st.integers(0, len(target)))
    for metric in METRICS:
        parts = [metric.batch_state(scores[part], target[part]) for part in (slice(cut), slice(cut, None))]
        np.testing.assert_allclose(metric.compute(metric.merge(*parts)), metric(scores, target), rtol=1e-12)


def test_the_mean_over_nothing_is_not_a_number():
    assert math.isnan(MeanMetric(accuracy)(np.zeros((0, 3)), np.zeros(0, int)))


def test_metrics_are_named_after_what_they_are():
    named = metrics_by_name([F1(), F1("micro"), Recall(None), R2(), Confusion(), accuracy])
    assert list(named) == ["f1", "f1_micro", "recall_per_class", "r2", "confusion", "accuracy"]
    assert list(metrics_by_name({"mine": F1()})) == ["mine"]
    with pytest.raises(UsageError, match="two metrics have the same name: f1, f1"):
        metrics_by_name([F1(), F1()])
    with pytest.raises(UsageError, match="a metric is a Metric or a function of output and target, not <class"):
        metrics_by_name([F1])
