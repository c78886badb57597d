"""`step_by_rows`: an update of a large matrix of parameters, some rows of its gradient at a time."""

from __future__ import annotations

from typing import Any

from minigrad.autograd.tensor import Tensor
from minigrad.kernels import update
from minigrad.kernels.jit import MIN_COMPILED_SIZE
from minigrad.kernels.outer_product import OuterProduct
from minigrad.optim.optimizer import Optimizer


def step_by_rows(optimizer: Optimizer, p: Tensor, gradient: OuterProduct, group: dict[str, Any]) -> bool:
    """Update a matrix of parameters without its whole gradient in memory.

    Args:
        optimizer: whose parameter it is.
        p: the parameter.
        gradient: the factors of its gradient, of its dtype.
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
    kernel, settings = optimizer._kernel(group, state, new_buffers=False)
    own, *kept = [x.reshape(-1, copy=False) for x in [p.writable(), *[state[name] for name in names]]]
    update.together(kernel, [(own, gradient, *kept)], settings)
    return True
