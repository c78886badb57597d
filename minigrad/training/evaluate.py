"""Running a model without training it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from minigrad.data import DataLoader
from minigrad.nn import Module
from minigrad.tensor import Array, Tensor, no_grad
from minigrad.training.state import Data, Loss, Sums


def evaluate(model: Module, data: Data, loss: Loss, batch_size: int = 256) -> dict[str, float]:
    """The mean loss over all samples and, where the targets are class numbers, the accuracy.

    The model runs in evaluation mode, unrecorded, and afterward is in the mode it was in. A loader runs from its first
    batch, and afterward stands where it stood: the same model gives the same numbers each time.

    Args:
        model: called with each batch's arrays but the last.
        data: a loader, a dataset, or arrays, the target last.
        loss: a function of output and target that gives the mean over a batch.
        batch_size: samples at once, for data that is no loader.

    Returns:
        {"loss": ..., "accuracy": a share in [0, 1]}.
    """
    sums = Sums()
    with _evaluation(model), _whole_epoch(data, batch_size) as loader:
        for *inputs, target in loader:
            output = model(*inputs)
            sums.add(float(loss(output, target).item()), output.data, target.data)
    return sums.means()


def predict(model: Module, data: Data, batch_size: int = 256) -> tuple[Array, Array]:
    """The model's outputs for all samples, and the targets, in the order of the data.

    Shapes: (N, ...) and (N, ...). Model and data are treated as by `evaluate`.
    """
    outputs, targets = [], []
    with _evaluation(model), _whole_epoch(data, batch_size) as loader:
        for *inputs, target in loader:
            outputs.append(model(*inputs).data)
            targets.append(target.data)
    return np.concatenate(outputs), np.concatenate(targets)


@contextmanager
def _evaluation(model: Module) -> Iterator[None]:
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
    try:
        yield iter(loader)
    finally:
        loader.load_state_dict(state)
