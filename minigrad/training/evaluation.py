"""Running a model without training it."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from copy import copy

import numpy as np

from minigrad.autograd.tensor import no_grad
from minigrad.data import DataLoader
from minigrad.errors import DataError
from minigrad.nn import Module
from minigrad.training.metrics import Metric, Metrics, MetricValues, metrics_by_name
from minigrad.training.training_state import Batch, Data, Loss, RunningSums, first_output
from minigrad.typing import Array


def evaluate(model: Module, data: Data, loss: Loss, batch_size: int = 256, *, metrics: Metrics = ()) -> MetricValues:
    """The mean loss over all samples, the accuracy where the targets are class numbers, and the metrics.

    The model runs in evaluation mode without recording, and is afterward in the mode it was in. A loader runs from its
    first batch, and is afterward at the batch it was at: the same model gives the same numbers each time.

    Args:
        model: called with each batch's arrays but the last.
        data: a loader, a dataset, or arrays, the target last.
        loss: a function of output and target that returns the mean over a batch.
        batch_size: the number of samples in a batch, for data that is no loader (default 256).
        metrics: what else is measured over all samples; see `Metric` (default ()).

    Returns:
        {"loss": a number, "accuracy": in [0, 1], and the metrics by their names: numbers, or lists of them}.

    Raises:
        UsageError: a metric is none, or two have the same name.
        DataError: the data gives no batch.

    >>> from minigrad import nn
    >>> from minigrad.functional import cross_entropy
    >>> from minigrad.training import F1
    >>> data = np.eye(3, dtype=np.float32), np.array([0, 1, 2])
    >>> sorted(evaluate(nn.Linear(3, 3), data, cross_entropy, metrics=[F1()]))
    ['accuracy', 'f1', 'loss']
    """
    named = metrics_by_name(metrics)
    sums = measure(model, data, loss, batch_size, named)
    if not sums.samples:
        raise DataError("evaluate: the data gave no batch, so there is nothing to measure")
    return sums.means(named)


def measure(
    model: Module,
    data: Data,
    loss: Loss,
    batch_size: int,
    metrics: Mapping[str, Metric],
    part: tuple[int, int] = (0, 1),
) -> RunningSums:
    """What `evaluate` computes means of.

    Args:
        model, data, loss, batch_size: as for `evaluate`.
        metrics: by name.
        part: the number of this process, and how many there are: each batch is divided among them (default: all).
    """
    sums = RunningSums()
    with evaluation_mode(model), _whole_epoch(data, batch_size, part) as batches:
        for *inputs, target in batches:
            if len(target) or part[1] == 1:
                output = model(*inputs)
                sums.add(float(loss(output, target).item()), first_output(output).data, target.data, metrics)
    return sums


def predict(model: Module, data: Data, batch_size: int = 256) -> tuple[Array, Array]:
    """The model's outputs for all samples, and their targets, in the order of the data.

    Model and data are treated as by `evaluate`.

    Args:
        model: called with each batch's arrays but the last; of several outputs, the first is returned.
        data: a loader, a dataset, or arrays, the target last.
        batch_size: the number of samples in a batch, for data that is no loader (default 256).

    Returns:
        Outputs (N, ...) and targets (N, ...).

    Raises:
        DataError: the data gives no batch.

    >>> from minigrad import nn
    >>> outputs, targets = predict(nn.Linear(3, 2), (np.zeros((5, 3), np.float32), np.arange(5)), batch_size=2)
    >>> outputs.shape, targets
    ((5, 2), array([0, 1, 2, 3, 4]))
    """
    outputs, targets = [], []
    with evaluation_mode(model), _whole_epoch(data, batch_size) as batches:
        for *inputs, target in batches:
            outputs.append(first_output(model(*inputs)).data)
            targets.append(target.data)
    if not outputs:
        raise DataError("predict: the data gave no batch, so there is nothing to predict")
    return np.concatenate(outputs), np.concatenate(targets)


@contextmanager
def evaluation_mode(model: Module) -> Iterator[None]:
    """Evaluation mode without recording; afterward each module is in the mode it was in."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with no_grad():
            yield
    finally:
        for module, training in modes:
            module.training = training


@contextmanager
def _whole_epoch(data: Data, batch_size: int, part: tuple[int, int] = (0, 1)) -> Iterator[Iterator[Batch]]:
    """All batches of the epoch at which a loader is, which stays where it is; or of other data."""
    loader = copy(data) if isinstance(data, DataLoader) else DataLoader(data, batch_size=batch_size)
    loader.restart()
    batches = iter(loader)
    try:
        with loader.part(*part):
            yield batches
    finally:
        if isinstance(batches, Generator):
            batches.close()  # an error that is kept would keep it, and its prefetching thread
