"""`Schedule`, the base class, and `scheduled`, which applies one to an optimizer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from minigrad.errors import UsageError
from minigrad.optim.optimizer import Optimizer
from minigrad.optim.optimizer_state import is_number
from minigrad.optim.schedule.kept_state import KeptState
from minigrad.typing import Settings

Count = int | float
"""An integer counts steps (updates of the parameters); a float is a share of all steps."""


class Schedule(KeptState):
    """A factor of the base learning rate, as a function of the step's number.

    A step is one update of the parameters. A subclass is a dataclass whose fields are its settings.
    """

    @property
    def uses_total(self) -> bool:
        """Whether the factors depend on the total: if so, a training cannot be made longer once it has begun."""
        return False

    @property
    def step_counts(self) -> tuple[int, ...]:
        """The settings that are numbers of steps after which the rate falls, where there are some; no shares."""
        return ()

    def __call__(self, step: int, total: int) -> float:
        """The factor of the base learning rate at a step.

        Args:
            step: the number of the update, 0 ... total - 1.
            total: how many updates the training has.
        """
        raise NotImplementedError

    def momentum(self, step: int, total: int) -> float | None:
        """The momentum at a step, for the schedules that set it.

        Args:
            step: the number of the update, 0 ... total - 1.
            total: how many updates the training has.

        Returns:
            The momentum, or None where it stays as it is.
        """
        return None

    def observe(self, metric: float) -> None:
        """Take in a metric, once an epoch; only schedules that depend on it do something.

        Args:
            metric: the test loss, for instance.
        """


@contextmanager
def scheduled(optimizer: Optimizer, schedule: Schedule, step: int, total: int) -> Iterator[None]:
    """Inside this block the optimizer has the learning rates, and the momentum, of one step.

    Each group's own `lr` is multiplied by the schedule's factor. Between steps the optimizer shows its own rates, so
    nothing about a schedule needs to be saved with it.

    Args:
        optimizer: whose groups are changed.
        schedule: gives the factor, and perhaps the momentum.
        step: the number of the update, 0 ... total - 1.
        total: how many updates the training has.

    Raises:
        UsageError: the schedule sets the momentum of an optimizer that has none.

    >>> from minigrad import Tensor
    >>> from minigrad.optim import SGD
    >>> from minigrad.optim.schedule import Cosine
    >>> x = Tensor([3.0], requires_grad=True)
    >>> optimizer = SGD([x], lr=0.5)
    >>> for step in range(20):
    ...     optimizer.zero_grad()
    ...     ((x - 1) ** 2).sum().backward()
    ...     with scheduled(optimizer, Cosine(), step, total=20):
    ...         optimizer.step()
    >>> x.numpy().round(3).tolist(), optimizer.param_groups[0]["lr"]
    ([1.0], 0.5)
    """
    factor, momentum = schedule(step, total), schedule.momentum(step, total)
    base = [dict(group) for group in optimizer.param_groups]
    try:
        for group in optimizer.param_groups:
            group["lr"] *= factor
            if momentum is not None:
                _set_momentum(optimizer, group, momentum)
        yield
    finally:
        for group, own in zip(optimizer.param_groups, base, strict=True):
            group.update({name: own[name] for name in ("lr", "momentum", "betas") if name in own})


def _set_momentum(optimizer: Optimizer, group: Settings, momentum: float) -> None:
    if "betas" in group:
        group["betas"] = (momentum, *group["betas"][1:])
    elif "momentum" in group:
        group["momentum"] = momentum
    else:
        raise UsageError(f"the schedule sets a momentum, and {type(optimizer).__name__} has none: cycle_momentum=False")


def whole_steps(*counts: Count) -> tuple[int, ...]:
    """Those counts that are numbers of steps."""
    return tuple(count for count in counts if isinstance(count, int))


def steps_of(count: Count, total: int) -> int:
    """A count as a number of steps, given the total."""
    return count if isinstance(count, int) else round(count * total)


def check_count(owner: Schedule, name: str, count: Count) -> None:
    """Refuse what is neither a positive number of steps nor a share of them."""
    right = count >= 1 if isinstance(count, int) else is_number(count) and 0 < count <= 1
    if not right or isinstance(count, bool):
        raise UsageError(
            f"{type(owner).__name__}: {name} is a number of steps (an integer of at least 1) or a share of them "
            f"(a float in (0, 1]), got {count!r}"
        )


def check_factor(owner: Schedule, name: str, value: float) -> None:
    """Refuse what is no factor in [0, 1]."""
    if not is_number(value) or not 0 <= value <= 1:
        raise UsageError(f"{type(owner).__name__}: {name} is a factor in [0, 1], got {value!r}")


def check_positive(owner: Schedule, name: str, value: float) -> None:
    """Refuse what is not a finite number above 0."""
    if not is_number(value) or not 0 < value < float("inf"):
        raise UsageError(f"{type(owner).__name__}: {name} is a number above 0, got {value!r}")
