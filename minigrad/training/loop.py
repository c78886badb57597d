"""`fit`: the training loop."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from time import perf_counter

import numpy as np

from minigrad.data import DataLoader
from minigrad.errors import NonFiniteError, UsageError
from minigrad.nn import Module
from minigrad.optim import Optimizer
from minigrad.optim.schedule import Constant, Schedule
from minigrad.tensor import Tensor
from minigrad.training.callback import Callback
from minigrad.training.evaluate import evaluate
from minigrad.training.history import History
from minigrad.training.state import Data, Loss, Sums, Training


def fit(
    model: Module,
    loader: DataLoader,
    *,
    loss: Loss,
    optimizer: Optimizer,
    epochs: int,
    schedule: Schedule | None = None,
    test: Data | None = None,
    callbacks: Iterable[Callback] = (),
) -> History:
    """Train a model: for each batch, output, loss, gradients, one step of the optimizer.

    Args:
        model: called with each batch's arrays but the last.
        loader: gives the batches, the target last.
        loss: a function of output and target that gives one number, the mean over the batch.
        optimizer: updates the model's parameters.
        epochs: how often the loader is gone through.
        schedule: scales the optimizer's learning rates at each step; constant unless given.
        test: samples to evaluate the model on after each epoch.
        callbacks: what else happens; see `Callback`.

    Returns:
        One record an epoch; see `History`.

    Raises:
        UsageError: `epochs` is not a positive integer.
        NonFiniteError: the loss or a parameter became NaN or infinite. What was saved before is kept.

    >>> from minigrad import nn, optim
    >>> from minigrad.functional import mse_loss
    >>> x = np.linspace(-1, 1, 64, dtype=np.float32)[:, None]
    >>> model = nn.Linear(1, 1)
    >>> loader = DataLoader((x, 3 * x + 1), batch_size=16, shuffle=True)
    >>> history = fit(model, loader, loss=mse_loss, optimizer=optim.SGD(model.parameters(), lr=0.3), epochs=20)
    >>> round(model.weight.item(), 2), round(model.bias.item(), 2)
    (3.0, 1.0)
    """
    if not isinstance(epochs, int) or epochs < 1:
        raise UsageError(f"fit: epochs must be an integer of at least 1, got {epochs!r}")
    training = Training(model, loader, loss, optimizer, epochs, schedule or Constant(), test)
    callbacks = tuple(callbacks)
    with ExitStack() as ends:
        try:
            for callback in callbacks:
                callback.on_begin(training)
                ends.callback(callback.on_end, training)
            with np.errstate(over="ignore", invalid="ignore"):  # told once, as an error: see _check_finite
                while training.epoch < epochs and not training.stopping:
                    _run_epoch(training, callbacks)
            training.status = "finished" if training.epoch >= epochs else "stopped"
        except BaseException:
            training.status = "failed"
            raise
    return training.history


def _run_epoch(training: Training, callbacks: Sequence[Callback]) -> None:
    """Train on what is left of the loader's epoch; when that was all of it, evaluate and record."""
    training.model.train()
    start = perf_counter()
    for batch in training.loader:
        _step(training, batch)
        now = perf_counter()
        training.sums.seconds += now - start
        start = now
        for callback in callbacks:
            callback.on_step(training)
        if training.stopping:
            _check_parameters(training)
            return
    _finish_epoch(training)
    for callback in callbacks:
        callback.on_epoch(training)


def _step(training: Training, batch: tuple[Tensor, ...]) -> None:
    *inputs, target = batch
    output = training.model(*inputs)
    loss = training.loss(output, target)
    value = float(loss.item())
    _check_finite("the loss", value, training, step=training.step + 1)
    training.optimizer.zero_grad()
    loss.backward()
    training.update()
    training.sums.add(value, output.data, target.data)


def _finish_epoch(training: Training) -> None:
    """Evaluate, add a record to the history, and stand at the beginning of the next epoch."""
    _check_parameters(training)
    record = {
        "epoch": training.epoch + 1,
        "step": training.step,
        "samples": training.sums.samples,
        "lr": training.lr(training.step - 1),
        **training.sums.means(),
    }
    if training.test is not None:
        tested = evaluate(training.model, training.test, training.loss)
        _check_finite("the test loss", tested["loss"], training, step=training.step)
        record |= {f"test_{name}": value for name, value in tested.items()}
    training.history.append({**record, "seconds": round(training.sums.seconds, 6)})
    training.epoch += 1
    training.sums = Sums()


def _check_parameters(training: Training) -> None:
    """So that nothing useless is ever saved: a step may spoil the weights, which only the next loss would show."""
    for name, parameter in training.model.named_parameters():
        if not np.isfinite(parameter.data).all():
            _check_finite(f"the parameter {name}", math.nan, training, step=training.step)


def _check_finite(what: str, value: float, training: Training, step: int) -> None:
    if not math.isfinite(value):
        raise NonFiniteError(
            f"{what} became {value} in epoch {training.epoch + 1}, at step {step} "
            f"(learning rate {training.lr(step - 1):g}): try a smaller learning rate"
        )
