"""Detection of NaN and infinity during training, and the search for the op that they came from."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.random import Generator

from minigrad.autograd.anomaly import anomaly
from minigrad.errors import NonFiniteError
from minigrad.training.random_state import random_state, set_random_state
from minigrad.training.training_state import Batch, TrainingState
from minigrad.typing import Array, StateDict


def check_finite(what: str, value: float, training: TrainingState, step: int, find_cause: Callable[[], str]) -> None:
    """Raise an error if a value is not finite.

    Args:
        what: the value's name, for the message.
        value: the value.
        training: gives the epoch and the learning rate.
        step: the number of the step, counted from 1.
        find_cause: called to find out where the value came from; returns "" if it cannot.

    Raises:
        NonFiniteError: the value is NaN or infinite.
    """
    if not math.isfinite(value):
        raise NonFiniteError(
            f"{what} became {value} in epoch {training.epoch + 1}, at step {step} "
            f"(learning rate {training.lr(step - 1):g}): {find_cause() or 'try a smaller learning rate'}"
        )


def check_gradients(training: TrainingState, find_cause: Callable[[], str]) -> None:
    """Raise an error before an update if a gradient is not finite.

    Args:
        training: has the parameters.
        find_cause: see `check_finite`.

    Raises:
        NonFiniteError: names the first parameter with such a gradient.
    """
    for p in training.parameters():
        g = p.grad
        # The sum is cheap, and finite only if all numbers are; that it overflows by itself is rare.
        if g is not None and not math.isfinite(np.add.reduce(g._data, axis=None)) and not np.isfinite(g._data).all():
            names = {id(parameter): name for name, parameter in training.model.named_parameters()}
            what = f"the gradient of {names.get(id(p), f'a parameter of shape {p.shape}')}"
            check_finite(what, _first_nonfinite(g._data), training, training.step + 1, find_cause)


def check_parameters(training: TrainingState) -> None:
    """Raise an error before a save if a parameter is not finite: a step may spoil it, which only the next loss shows.

    Args:
        training: has the parameters.

    Raises:
        NonFiniteError: names the first parameter that is not finite.
    """
    for name, parameter in training.model.named_parameters():
        if not np.isfinite(parameter.data).all():
            what = f"the parameter {name}"
            check_finite(what, _first_nonfinite(parameter._data), training, training.step, lambda: "")


def cause_in_step(
    training: TrainingState, batches: Sequence[Batch], generators: Mapping[str, Generator], state: StateDict
) -> str:
    """Where the first number that is not finite came from: the weights, the data, or an op, found by a second run.

    Args:
        training: as it is when the fault is found; its weights are still those of the beginning of the step.
        batches: those of the step.
        generators: the generators that the step has drawn from.
        state: their states at the beginning of the step.
    """
    for name, parameter in training.model.named_parameters():
        if not np.isfinite(parameter.data).all():
            value = _first_nonfinite(parameter._data)
            return f"the step before made the parameter {name} {value}, with a finite gradient"
    for batch in batches:
        for i, tensor in enumerate(batch):
            if tensor.dtype.kind in "fc" and not np.isfinite(tensor._data).all():
                return f"array {i} of the batch has {_first_nonfinite(tensor._data)} in it; look at the data"

    def run_again() -> None:
        for *inputs, target in batches:
            training.loss(training.model(*inputs), target).backward()

    present = random_state(generators)
    set_random_state(generators, state)
    try:
        return cause_in_call(run_again)
    finally:
        set_random_state(generators, present)


def cause_in_call(function: Callable[[], object]) -> str:
    """What `anomaly` says of a call; "" if it says nothing, or the call fails for another reason."""
    try:
        with anomaly():
            function()
    except NonFiniteError as error:
        return str(error)
    except Exception:  # whatever it is, it must not take the place of the fault that is being looked for
        return ""
    return ""


def _first_nonfinite(array: Array) -> float:
    return float(array[~np.isfinite(array)][0])
