"""State dicts: the values of all parameters and buffers by path, taken from a module and loaded into one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from minigrad.autograd.tensor import Tensor
from minigrad.errors import StateError
from minigrad.nn.module_base import STATE, M, ModuleBase
from minigrad.typing import Array, ArrayLike


class IncompatibleKeys(NamedTuple):
    """The names that a state dict lacked, and those that the module does not know."""

    missing_keys: list[str]
    unexpected_keys: list[str]


def state_dict(module: ModuleBase[M]) -> dict[str, Array]:
    """The values of a module's parameters and buffers by path; what is shared stands under each of its paths."""
    return {name: tensor.data for name, tensor in _state_tensors(module).items()}


def load_state_dict(module: ModuleBase[M], state: Mapping[str, ArrayLike], strict: bool) -> IncompatibleKeys:
    """Take over the values of a state dict. Everything is checked before anything is changed.

    Raises:
        StateError: lists everything that does not fit.
    """
    own, kind = _state_tensors(module), type(module).__name__
    if isinstance(state, tuple) and state and isinstance(state[0], Mapping):
        raise StateError(f"{kind}: io.load gives arrays and metadata, and the state is the first: io.load(path)[0]")
    if not isinstance(state, Mapping):
        raise StateError(
            f"{kind}: a state has arrays by path, as state_dict() gives them, not a {type(state).__name__}"
        )
    arrays = _arrays(kind, state)
    left = IncompatibleKeys([name for name in own if name not in arrays], [name for name in arrays if name not in own])
    problems = []
    if strict:
        problems += [f"missing: {name} {own[name].shape}" for name in left.missing_keys]
        problems += [f"unexpected: {name} {arrays[name].shape}" for name in left.unexpected_keys]
    for name, tensor in own.items():
        array = arrays.get(name, tensor)
        if array.shape != tensor.shape:
            problems.append(f"shape: {name} is {tensor.shape} here and {array.shape} in the state")
        elif array.dtype.kind != tensor.dtype.kind:
            problems.append(f"dtype: {name} is {tensor.dtype} here and {array.dtype} in the state")
    if problems:
        raise StateError(f"{kind}: the state does not fit:\n  " + "\n  ".join(problems))
    for name, tensor in own.items():
        if name in arrays:
            tensor.data = arrays[name]
    return left


def _arrays(kind: str, state: Mapping[str, ArrayLike]) -> dict[str, Array]:
    """The values as arrays, all of which NumPy can read."""
    arrays, problems = {}, []
    for name, value in state.items():
        try:
            arrays[name] = value._data if isinstance(value, Tensor) else np.asarray(value)
        except (RuntimeError, TypeError, ValueError) as error:  # PyTorch refuses for Parameters and for bfloat16
            problems.append(f"{name} ({type(value).__name__}): {error}")
    if problems:
        raise StateError(f"{kind}: values that are no arrays:\n  " + "\n  ".join(problems))
    return arrays


def _state_tensors(module: ModuleBase[M]) -> dict[str, Tensor]:
    return dict(module._named_tensors(STATE, once=False))
