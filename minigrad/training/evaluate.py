"""Running a model without training it."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from minigrad.autograd.tensor import Tensor, no_grad
from minigrad.data import DataLoader
from minigrad.nn import Module
from minigrad.training.state import Data, Loss, Sums, answer
from minigrad.training.tally import Metrics, named_metrics
from minigrad.typing import Array


def evaluate(model: Module, data: Data, loss: Loss, batch_size: int = 256, *, metrics: Metrics = ()) -> dict[str, Any]:
    """The mean loss over all samples, where the targets are class numbers the accuracy, and the metrics.

    The model runs in evaluation mode, unrecorded, and afterward is in the mode it was in. A loader runs from its first
    batch, and afterward stands where it stood: the same model gives the same numbers each time.

    Args:
        model: called with each batch's arrays but the last.
        data: a loader, a dataset, or arrays, the target last.
        loss: a function of output and target that gives the mean over a batch.
        batch_size: samples at once, for data that is no loader.
        metrics: what else is measured over all samples; see `Metric`.

    Returns:
        {"loss": ..., "accuracy": a share in [0, 1], and the metrics by their names: numbers, or lists of them}.

    >>> from minigrad import nn
    >>> from minigrad.functional import cross_entropy
    >>> from minigrad.training import F1
    >>> data = np.eye(3, dtype=np.float32), np.array([0, 1, 2])
    >>> sorted(evaluate(nn.Linear(3, 3), data, cross_entropy, metrics=[F1()]))
    ['accuracy', 'f1', 'loss']
    """
    sums, measured = Sums(), named_metrics(metrics)
    with evaluation(model), _whole_epoch(data, batch_size) as loader:
        for *inputs, target in loader:
            output = model(*inputs)
            sums.add(float(loss(output, target).item()), answer(output).data, target.data, measured)
    return sums.means(measured)


def predict(model: Module, data: Data, batch_size: int = 256) -> tuple[Array, Array]:
    """The model's outputs for all samples, of several the first, and the targets, in the order of the data.

    Shapes: (N, ...) and (N, ...). Model and data are treated as by `evaluate`.
    """
    outputs, targets = [], []
    with evaluation(model), _whole_epoch(data, batch_size) as loader:
        for *inputs, target in loader:
            outputs.append(answer(model(*inputs)).data)
            targets.append(target.data)
    return np.concatenate(outputs), np.concatenate(targets)


@contextmanager
def evaluation(model: Module) -> Iterator[None]:
    """Evaluation mode without recording; afterward each part of the model is in the mode it was in."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with no_grad():
            yield
    finally:
        for module, training in modes:
            module.training = training


@contextmanager
def _whole_epoch(data: Data, batch_size: int) -> Iterator[Iterator[tuple[Tensor, ...]]]:
    loader = data if isinstance(data, DataLoader) else DataLoader(data, batch_size=batch_size)
    state = loader.state_dict()
    loader.restart()
    batches = iter(loader)
    try:
        yield batches
    finally:
        if isinstance(batches, Generator):
            batches.close()  # an error that is kept would keep it, and its prefetching thread
        loader.load_state_dict(state)
