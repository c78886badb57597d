"""`step_by_rows`: an update of a large parameter, some rows of its gradient at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minigrad.autograd.tensor import Tensor
from minigrad.kernels import update
from minigrad.kernels.jit import MIN_COMPILED_SIZE
from minigrad.optim.optimizer import Optimizer
from minigrad.typing import Array


def step_by_rows(
    optimizer: Optimizer, p: Tensor, gradient: Callable[[slice], Array], rows: int, group: dict[str, Any]
) -> bool:
    """Update a parameter some rows at a time, so that its gradient is never there as a whole.

    Args:
        optimizer: whose parameter it is.
        p: the parameter.
        gradient: gives that of some rows; it may lie where that of the rows before lay.
        rows: how many.
        group: the settings.

    Returns:
        False, and nothing is changed, where the update is not of one number after the other by a kernel, or is the
        first one.
    """
    state, names = optimizer.state[p], optimizer._buffers(group)
    whole = optimizer._size < MIN_COMPILED_SIZE or type(optimizer)._update is not Optimizer._update
    if whole or p.dtype.char not in "fd" or not state.keys() >= names.keys():
        return False
    state["step"] += 1
    arrays = [p.writable(), *[state[name] for name in names]]
    kernel, settings = optimizer._kernel(group, state, new_buffers=False)
    for start in range(0, len(p), rows):
        part = slice(start, start + rows)
        own, *kept = [x[part].reshape(-1, copy=False) for x in arrays]
        update.together(kernel, [(own, gradient(part).reshape(-1), *kept)], settings)
    return True
