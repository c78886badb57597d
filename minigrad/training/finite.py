"""What happens when numbers are no numbers any more: the training stops, and says where they came from."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.random import Generator

from minigrad.autograd.anomaly import anomaly
from minigrad.autograd.tensor import Tensor
from minigrad.errors import NonFiniteError
from minigrad.training.randomness import random_state, set_random_state
from minigrad.training.state import Training
from minigrad.typing import Array

Batches = Sequence[tuple[Tensor, ...]]


def check_finite(what: str, value: float, training: Training, step: int, cause: Callable[[], str]) -> None:
    """Stop at a value that is not finite.

    Args:
        what: its name, for the message.
        value: it.
        training: says where the training stands.
        step: the number of the step, counted from 1.
        cause: called to find out where it came from; "" if it cannot.

    Raises:
        NonFiniteError: always, if the value is NaN or infinite.
    """
    if not math.isfinite(value):
        raise NonFiniteError(
            f"{what} became {value} in epoch {training.epoch + 1}, at step {step} "
            f"(learning rate {training.lr(step - 1):g}): {cause() or 'try a smaller learning rate'}"
        )


def check_gradients(training: Training, cause: Callable[[], str]) -> None:
    """Stop before an update with gradients that are not finite.

    Raises:
        NonFiniteError: names the first parameter with such a gradient.
    """
    for p in training.parameters():
        g = p.grad
        # The sum is cheap, and finite only if all numbers are; that it overflows by itself is rare.
        if g is not None and not math.isfinite(np.add.reduce(g._data, axis=None)) and not np.isfinite(g._data).all():
            names = {id(parameter): name for name, parameter in training.model.named_parameters()}
            what = f"the gradient of {names.get(id(p), f'a parameter of shape {p.shape}')}"
            check_finite(what, _first_bad(g._data), training, training.step + 1, cause)


def check_parameters(training: Training) -> None:
    """So that nothing useless is ever saved: a step may spoil the weights, which only the next loss would show.

    Raises:
        NonFiniteError: names the first parameter that is not finite.
    """
    for name, parameter in training.model.named_parameters():
        if not np.isfinite(parameter.data).all():
            check_finite(f"the parameter {name}", _first_bad(parameter._data), training, training.step, lambda: "")


def cause_in_step(
    training: Training, batches: Batches, found: Mapping[str, Generator], state: Mapping[str, Any]
) -> str:
    """Where the first number that is not finite came from: the weights, the data, or an op, found by a second run.

    Args:
        training: as it is at the fault; its weights are those of the beginning of the step.
        batches: those of the step.
        found: the generators that were drawn from.
        state: where they stood at the beginning of the step.
    """
    for name, parameter in training.model.named_parameters():
        if not np.isfinite(parameter.data).all():
            return f"the step before made the parameter {name} {_first_bad(parameter._data)}, with a finite gradient"
    for batch in batches:
        for i, tensor in enumerate(batch):
            if tensor.dtype.kind == "f" and not np.isfinite(tensor._data).all():
                return f"array {i} of the batch has {_first_bad(tensor._data)} in it; look at the data"

    def run_again() -> None:
        for *inputs, target in batches:
            training.loss(training.model(*inputs), target).backward()

    present = random_state(found)
    set_random_state(found, state)
    try:
        return cause_by_running(run_again)
    finally:
        set_random_state(found, present)


def cause_by_running(run: Callable[[], object]) -> str:
    """What `anomaly` says of a run; "" if it says nothing, or the run fails for another reason."""
    try:
        with anomaly():
            run()
    except NonFiniteError as error:
        return str(error)
    except Exception:  # whatever it is, it must not take the place of the fault that is being looked for
        return ""
    return ""


def _first_bad(array: Array) -> float:
    return float(array[~np.isfinite(array)][0])
