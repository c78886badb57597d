"""The state of an optimizer as data: copied out, and compared before anything is taken back in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from numbers import Real
from typing import Any, Protocol, TypeAlias

import numpy as np

from minigrad.autograd.tensor import Tensor
from minigrad.errors import StateError, UsageError
from minigrad.kernels.array_utils import accumulation_dtype
from minigrad.typing import Array

NOT_SETTINGS = {"params", "param_names"}
IMPLEMENTATION_SETTINGS = {"foreach", "capturable", "differentiable", "fused", "initial_lr"}
"""Entries of PyTorch's groups that say how to compute, not what."""

Group: TypeAlias = Mapping[str, Any]  # a setting is a number, a pair of them, a truth value, a list of parameters
"""A parameter group: "params", and settings."""

ParameterState: TypeAlias = dict[str, Any]  # scalars are numbers, buffers arrays
"""What an optimizer keeps for one parameter: scalars and buffers by name."""


class Stateful(Protocol):
    """An optimizer, as far as its state goes."""

    defaults: dict[str, Any]
    param_groups: list[dict[str, Any]]
    state: dict[Tensor, ParameterState]

    @property
    def _scalars(self) -> Mapping[str, float]: ...
    def _buffers(self, group: Group, /) -> Mapping[str, float]: ...
    def _check_settings(self, group: Group, /) -> None: ...


def is_number(value: object) -> bool:
    """Whether a setting is a plain number; a text, a Tensor or None is not."""
    return isinstance(value, Real)


def plain(value: Any) -> Any:
    """A setting that nothing else can change: a list of numbers as a tuple."""
    return tuple(value) if isinstance(value, list) else value


def snapshot(state: ParameterState) -> ParameterState:
    """A copy that later updates do not change."""
    return {name: np.copy(value) if isinstance(value, np.ndarray) else value for name, value in state.items()}


def loaded_state(
    optimizer: Stateful, loaded: Mapping[str, Any]
) -> tuple[dict[Tensor, ParameterState], list[dict[str, Any]]]:
    """The state and the groups that an optimizer has after loading.

    Raises:
        StateError: something does not fit; the message lists all that does not.
    """
    kind = type(optimizer).__name__
    problems = list(_problems(optimizer, loaded)) if isinstance(loaded, Mapping) else ["it is no dict"]
    if problems:
        raise StateError(f"{kind}: this state does not fit\n" + "\n".join(f"  {problem}" for problem in problems))
    groups = [
        {
            **group,
            **{name: plain(value) for name, value in new.items() if name not in NOT_SETTINGS | IMPLEMENTATION_SETTINGS},
        }
        for group, new in zip(optimizer.param_groups, loaded["param_groups"], strict=True)
    ]
    saved = loaded["state"]
    state = {p: _converted(optimizer, p, saved.get(number, {})) for number, p in _numbered(optimizer, loaded).items()}
    return {p: state[p] for p in optimizer.state}, groups


def _numbered(optimizer: Stateful, loaded: Mapping[str, Any]) -> dict[int, Tensor]:
    """The parameters by the numbers that the loaded groups give them."""
    numbers = [number for group in loaded["param_groups"] for number in group["params"]]
    params = [p for group in optimizer.param_groups for p in group["params"]]
    return dict(zip(numbers, params, strict=True))


def _converted(optimizer: Stateful, p: Tensor, saved: Mapping[str, Any]) -> ParameterState:
    """One parameter's state: scalars as numbers, buffers as contiguous arrays."""
    state: ParameterState = dict(optimizer._scalars)
    for name, value in saved.items():
        if name in optimizer._scalars:
            state[name] = type(optimizer._scalars[name])(value)
        elif value is not None:
            state[name] = np.array(value, accumulation_dtype(p.dtype), order="C")
    return state


def _problems(optimizer: Stateful, loaded: Mapping[str, Any]) -> Iterator[str]:
    kind, groups, saved = type(optimizer).__name__, loaded.get("param_groups"), loaded.get("state")
    if not isinstance(groups, (list, tuple)) or not isinstance(saved, Mapping):
        yield 'it has no "param_groups" and "state"'
        return
    if loaded.get("optimizer", kind) != kind:
        yield f"it is the state of {loaded['optimizer']}, not of {kind}"
        return  # then nothing else can fit
    if len(groups) != len(optimizer.param_groups):
        yield f"it has {len(groups)} parameter groups, not {len(optimizer.param_groups)}"
        return
    bad = [i for i, new in enumerate(groups) if not (isinstance(new, Mapping) and isinstance(new.get("params"), list))]
    if bad:
        yield from (f'its group {i} has no list of "params"' for i in bad)
        return
    sizes = [(len(new["params"]), len(group["params"])) for new, group in _pairs(optimizer, groups)]
    yield from (f"its group {i} has {n} parameters, not {m}" for i, (n, m) in enumerate(sizes) if n != m)
    for i, (new, group) in enumerate(_pairs(optimizer, groups)):
        yield from _setting_problems(optimizer, f"its group {i}", new, group)
    if all(n == m for n, m in sizes):
        numbered = _numbered(optimizer, loaded)
        if len(numbered) < len(optimizer.state):
            yield "it gives two parameters the same number"
            return
        yield from (f"it has a parameter {number} of no group" for number in saved if number not in numbered)
        for new, group in _pairs(optimizer, groups):
            for number, p in zip(new["params"], group["params"], strict=True):
                yield from _array_problems(optimizer, number, p, saved.get(number, {}), {**group, **new})


def _pairs(optimizer: Stateful, groups: Sequence[Group]) -> Iterator[tuple[Group, Group]]:
    return zip(groups, optimizer.param_groups, strict=True)


def _setting_problems(optimizer: Stateful, where: str, new: Group, group: Group) -> Iterator[str]:
    settings = {name: value for name, value in new.items() if name not in NOT_SETTINGS | IMPLEMENTATION_SETTINGS}
    unknown = sorted(settings.keys() - optimizer.defaults.keys())
    if unknown:
        yield f"{where} has settings that are unknown here: {', '.join(unknown)}"
    try:
        optimizer._check_settings({**group, **settings})
    except (UsageError, TypeError) as error:
        yield f"{where}: {error}"


def _array_problems(
    optimizer: Stateful, number: object, p: Tensor, saved: Mapping[str, Any], group: Group
) -> Iterator[str]:
    if not isinstance(saved, Mapping):
        yield f"the state of parameter {number} is no dict"
        return
    for name, value in saved.items():
        array = np.asarray(value)
        expected = () if name in optimizer._scalars else p.shape
        if value is not None and array.dtype.kind not in "fiuc":
            yield f"{name} of parameter {number} is not made of numbers"
        elif value is not None and array.shape != expected:
            yield f"{name} of parameter {number} has shape {array.shape}, not {expected}"
    if _number(saved.get("step", 0)) > 0:
        missing = [name for name in optimizer._buffers(group) if saved.get(name) is None]
        yield from (f"{name} of parameter {number} is missing" for name in missing)


def _number(value: object) -> float:
    array: Array = np.asarray(value)
    return float(array) if array.shape == () and array.dtype.kind in "fiu" else 0.0
