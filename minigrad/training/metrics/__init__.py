"""Metrics: how good a model's outputs are, over all samples at once or accumulated batch by batch."""

from minigrad.training.metrics.classification import (
    F1,
    Confusion,
    Precision,
    Recall,
    accuracy,
    confusion_matrix,
    predictions,
    top_k_accuracy,
)
from minigrad.training.metrics.metric import MeanMetric, Metric, Metrics, MetricValues, metrics_by_name
from minigrad.training.metrics.regression import R2, mae, mse

__all__ = [
    "F1", "R2", "Confusion", "MeanMetric", "Metric", "MetricValues", "Metrics", "Precision", "Recall", "accuracy",
    "confusion_matrix", "mae", "metrics_by_name", "mse", "predictions", "top_k_accuracy",
]  # fmt: skip
