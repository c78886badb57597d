"""`fit`: the training loop."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from contextlib import ExitStack, nullcontext
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np

from minigrad import compilation
from minigrad.autograd.precision import warned_of_float64
from minigrad.autograd.tensor import Tensor
from minigrad.data import DataLoader
from minigrad.errors import DataError, UsageError
from minigrad.nn import Module
from minigrad.optim import Optimizer
from minigrad.optim.schedule import Constant, Schedule
from minigrad.optim.schedule.unit_check import unit_doubts
from minigrad.training.alone import Alone
from minigrad.training.callback import Callback
from minigrad.training.history import History
from minigrad.training.metrics import Metrics, metrics_by_name
from minigrad.training.nonfinite import cause_in_call, cause_in_step, check_finite, check_gradients, check_parameters
from minigrad.training.random_state import find_generators, random_state
from minigrad.training.ranks import joined
from minigrad.training.training_state import Batch, Data, Loss, RunningSums, TrainingState, first_output
from minigrad.typing import Array

Gradients = Callable[[list[Any], Any, Any], Any]
"""What `_gradients` does for one model and loss."""

RESERVED_NAMES = {"epoch", "step", "samples", "lr", "loss", "seconds"}
"""Entries of each record, which no metric may have as its name."""


def fit(
    model: Module,
    loader: DataLoader,
    *,
    loss: Loss,
    optimizer: Optimizer,
    epochs: int,
    schedule: Schedule | None = None,
    test: Data | None = None,
    metrics: Metrics = (),
    accumulate: int = 1,
    clip_norm: float | None = None,
    clip_value: float | None = None,
    callbacks: Iterable[Callback] = (),
    compile: bool = False,
    distributed: bool = False,
) -> History:
    """Train a model: for each batch, output, loss, gradients, one step of the optimizer.

    A training begins with a whole epoch of the loader, and with schedule and callbacks as they were before their first
    training; a `Run` among the callbacks then restores what it has saved.

    An op that makes float64 of float32 parameters, which doubles time and memory, is warned of with its line.

    Args:
        model: called with each batch's arrays but the last. Of several outputs, metrics look at the first.
        loader: gives the batches, the target last.
        loss: a function of output and target that returns one number, the mean over the batch.
        optimizer: updates the model's parameters.
        epochs: the number of passes over the loader, at least 1.
        schedule: scales the optimizer's learning rates at each step (default: constant rates). Its integers count
            steps, not epochs; where they were probably meant as epochs, a warning says so.
        test: samples to evaluate the model on after each epoch (default: none).
        metrics: what is measured beside loss and accuracy, in training and test; see `Metric` (default ()).
        accumulate: the number of batches in a step. Their gradients are weighted by their numbers of samples, so that
            a step is that of one large batch, if the loss is a mean and no layer looks at the batch (default 1).
        clip_norm: the largest norm of all gradients together; see `minigrad.optim.clip_grad_norm` (default: no limit).
        clip_value: the largest absolute value in a gradient, clipped before the norm; see
            `minigrad.optim.clip_grad_value` (default: no limit).
        callbacks: called during training, in their order; see `Callback` (default ()).
        compile: whether the forward and backward pass of a batch are captured and replayed; see `minigrad.compile`
            (default False).
        distributed: whether all ranks that `mpiexec` started train together, each on its part of every batch: the
            loader's batches are those of all ranks, so that the result is that of one process, up to rounding. Batch
            normalization takes its statistics from the part of a rank, `nn.SyncBatchNorm` from the whole batch; random
            numbers of layers differ from rank to rank. In one process it changes nothing (default False).

    Returns:
        One record an epoch; see `History`. With `distributed` the same on all ranks.

    Raises:
        UsageError: `epochs` or `accumulate` is not a positive integer, `loader` is no DataLoader, or a metric has a
            name that is reserved.
        DataError: the loader gives no batch in an epoch.
        NonFiniteError: the loss, a gradient or a parameter became NaN or infinite. The message names the first op that
            gave such a number, and its line: the step is run a second time for that, with the same random numbers.
            The weights are as they were before the step, and what was saved before is kept.
        DistributedError: another rank has failed, does not come in time, or has another model, data or settings.

    >>> from minigrad import nn, optim
    >>> from minigrad.functional import mse_loss
    >>> x = np.linspace(-1, 1, 64, dtype=np.float32)[:, None]
    >>> model = nn.Linear(1, 1)
    >>> loader = DataLoader((x, 3 * x + 1), batch_size=16, shuffle=True)
    >>> history = fit(model, loader, loss=mse_loss, optimizer=optim.SGD(model.parameters(), lr=0.3), epochs=20)
    >>> round(model.weight.item(), 2), round(model.bias.item(), 2)
    (3.0, 1.0)
    """
    for name, number in (("epochs", epochs), ("accumulate", accumulate)):
        if not isinstance(number, int) or number < 1:
            raise UsageError(f"fit: {name} must be an integer of at least 1, got {number!r}")
    if not isinstance(loader, DataLoader):
        arrays = "(x, y)" if isinstance(loader, (tuple, list)) else "data"
        raise UsageError(
            f"fit: the loader is a minigrad.data.DataLoader, not a {type(loader).__name__}: "
            f"DataLoader({arrays}, batch_size=64, shuffle=True)"
        )
    if optimizer.in_backward is not None:
        raise UsageError(
            "fit: this optimizer updates in backward (optim.fused), where gradients could not be looked at before, nor "
            "a schedule be followed: use it in a loop of your own, or optim.fused(optimizer, False) here"
        )
    named = metrics_by_name(metrics)
    if RESERVED_NAMES & named.keys():
        raise UsageError(f"fit: a metric cannot be called {', '.join(sorted(RESERVED_NAMES & named.keys()))}")
    training = TrainingState(
        model, loader, loss, optimizer, epochs, schedule or Constant(), test, named, accumulate, clip_norm, clip_value,
        tuple(callbacks),
    )  # fmt: skip
    for part in (training.schedule, *training.callbacks):
        part.reset()
    total = training.total_steps
    if total is None and training.schedule.uses_total:
        raise UsageError(
            f"fit: {training.schedule} needs the number of all steps, and the loader's stream has no length: let its "
            "class have a __len__, the number of samples of an epoch, or use a schedule that counts steps"
        )
    if total is not None and (doubts := unit_doubts(training.schedule, epochs, total)):
        warnings.warn(f"fit: {doubts}", UserWarning, stacklevel=2)
    loader.restart()  # for someone may have looked at a batch; a resumed run then goes to its place
    compiled = compilation.compile(partial(_gradients, model, loss)) if compile else None
    with joined(training, distributed) as ranks, ExitStack() as ends:
        try:
            for callback in training.callbacks:
                callback.on_begin(training)
                ends.callback(callback.on_end, training)
            ranks.begin(training)
            # Each of these is raised as an error, once: see check_finite.
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                while training.epoch < epochs and not ranks.agree_to_stop(training):
                    _run_epoch(training, compiled, ranks)
            training.status = "finished" if training.epoch >= epochs else "stopped"
        except BaseException:
            training.status = "failed"
            raise
    return training.history


def _run_epoch(training: TrainingState, compiled: Gradients | None, ranks: Alone) -> None:
    """Train on what is left of the loader's epoch; when that was all of it, evaluate and record."""
    training.model.train()
    generators = find_generators(training.model)
    start = perf_counter()
    for k, batches in enumerate(training.batches()):
        with warned_of_float64() if k == 0 and not training.history else nullcontext():
            ranks.begin_step(training, generators)
            cause = partial(cause_in_step, training, batches, generators, random_state(generators))
            _step(training, batches, cause if ranks.finds_causes() else lambda: "", compiled, ranks)
        now = perf_counter()
        training.sums.seconds += now - start
        start = now
        for callback in training.callbacks:
            callback.on_step(training)
        if ranks.agree_to_stop(training):
            check_parameters(training)
            ranks.settle(training)
            break
    else:
        _finish_epoch(training, ranks)
        for callback in training.callbacks:
            callback.on_epoch(training)
        training.history.convert_last()
    for callback in training.callbacks:
        callback.on_save(training)


def _step(
    training: TrainingState,
    batches: list[Batch],
    find_cause: Callable[[], str],
    compiled: Gradients | None,
    ranks: Alone,
) -> None:
    """The gradients of all batches, each weighted by its fraction of the samples, and one update."""
    samples, sums = ranks.samples(training, batches), ranks.sums(training)
    if not samples:  # all were left out, on all ranks
        return
    training.optimizer.zero_grad()
    for k, (*inputs, target) in enumerate(batches, 1):
        share = None if len(target) == samples else np.asarray(len(target) / samples)
        with ranks.backward(last=k == len(batches)):
            if not len(target) and not ranks.alone:
                ranks.without_samples(training, inputs)
                continue
            if compiled is not None:
                output, loss = compiled(inputs, target, share)
            else:
                output = training.model(*inputs)
                loss = training.loss(output, target)
            value = float(loss.item())
            check_finite("the loss", value, training, training.step + 1, find_cause)
            if compiled is None:
                _pull_back(loss, share)
        sums.add(value, first_output(output).data, target.data, training.metrics)
    ranks.finish_gradients()
    check_gradients(training, find_cause)
    training.clip()
    for callback in training.callbacks:
        callback.on_gradients(training)
    training.update()
    ranks.finish_step(training, sums)


def _gradients(model: Module, loss_function: Loss, inputs: list[Tensor], target: Tensor, share: Array | None) -> Any:
    """The output and the loss of a batch, whose gradients are then there: what is compiled."""
    output = model(*inputs)
    loss = loss_function(output, target)
    _pull_back(loss, share)
    return output, loss


def _pull_back(loss: Tensor, share: Array | Tensor | None) -> None:
    """Add the gradients of a batch that is all of a step, or this share of it."""
    loss.backward() if share is None else loss.backward(share.astype(loss.dtype))


def _finish_epoch(training: TrainingState, ranks: Alone) -> None:
    """Evaluate, add a record to the history, and go to the beginning of the next epoch."""
    check_parameters(training)
    ranks.settle(training)
    if not training.sums.samples:
        raise DataError(
            f"fit: the loader gave no batch in epoch {training.epoch + 1}, so nothing was trained: does something else "
            "iterate over it, a callback for instance? Give that a DataLoader of its own"
        )
    record = {
        "epoch": training.epoch + 1,
        "step": training.step,
        "samples": training.sums.samples,
        "lr": training.lr(training.step - 1),
        **training.means,
    }
    if training.test is not None:
        run_test = partial(ranks.evaluate, training)
        tested = run_test()
        check_finite("the test loss", tested["loss"], training, training.step, partial(cause_in_call, run_test))
        record |= {f"test_{name}": value for name, value in tested.items()}
    record = ranks.record({**record, "seconds": round(training.sums.seconds, 6)})
    training.history.append(record)
    training.schedule.observe(record.get("test_loss", record["loss"]))
    training.epoch += 1
    training.sums = RunningSums()
