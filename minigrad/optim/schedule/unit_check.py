"""A warning where a schedule's steps were probably meant as epochs, which is what PyTorch users are used to."""

from __future__ import annotations

from minigrad.optim.schedule.base import Schedule

TINY = 1e-6
"""A share of the base learning rate with which nothing is learned."""


def unit_doubts(schedule: Schedule, epochs: int, total: int) -> str:
    """What to tell of a schedule that counts steps, before a training begins; "" where nothing is odd.

    Odd is a rate that is as good as 0 in the second half, and a schedule whose counts of steps would all fit into the
    number of epochs, but end within the first tenth of the training.

    Args:
        schedule: scales the rates.
        epochs: the number of epochs.
        total: the number of steps in all of them.
    """
    per_epoch = total // epochs
    if per_epoch < 2 or schedule.uses_total:
        return ""
    counts = schedule.step_counts
    if schedule(total // 2, total) < TINY:
        problem = (
            f"at step {total // 2:,} of {total:,} the learning rate is {schedule(total // 2, total):.0e} of its base"
        )
    elif counts and max(counts) <= epochs and max(counts) * 10 <= total:
        problem = (
            f"{schedule} ends its counts at step {max(counts)} of {total:,}, in epoch {max(counts) // per_epoch + 1}"
        )
    else:
        return ""
    return (
        f"{problem}: schedules count steps (updates), of which each of the {epochs} epochs has {per_epoch}. For n "
        "epochs write n * len(loader); or give a share of all steps, a float"
    )
