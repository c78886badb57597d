"""`Optimizer`: what all optimizers share. A subclass says only which arrays it keeps, and how it updates one parameter.

Parameters come in groups, each with settings of its own (`lr` ...), as in PyTorch. Updates happen in place, by kernels
that pass once over memory (`minigrad.kernels.update`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from minigrad.errors import StateError, UsageError
from minigrad.node import Leaf
from minigrad.tensor import Array, Tensor


class Optimizer:
    """Updates parameters along their gradients.

    A subclass names the arrays that it keeps for each parameter (`_state_names`; zeros at first), and defines
    `_update`.

    Args:
        params: Tensors that require gradients, or groups of them: dicts with "params" and settings of their own.
        settings: the settings of the groups that do not name their own.

    Attributes:
        param_groups: one dict a group, with "params" and its settings; a schedule may change the settings.

    Raises:
        UsageError: no parameters, a Tensor that is no variable, a parameter given twice, or a setting out of range.
    """

    def __init__(self, params: Iterable[Tensor] | Iterable[Mapping[str, Any]], **settings: Any) -> None:
        name = type(self).__name__
        if isinstance(params, Tensor) or hasattr(params, "parameters"):
            raise UsageError(f"{name}: give the parameters in a list, or model.parameters()")
        entries: list[Any] = list(params)
        if not entries:
            raise UsageError(
                f"{type(self).__name__}: no parameters were given (a generator is empty after its first use)"
            )
        groups = entries if isinstance(entries[0], Mapping) else [{"params": entries}]
        self.param_groups: list[dict[str, Any]] = []
        self.state: dict[Tensor, dict[str, Any]] = {}
        for group in groups:
            unknown = group.keys() - settings.keys() - {"params"}
            if unknown:
                raise UsageError(f"{name}: a group has {', '.join(sorted(unknown))}; known are {', '.join(settings)}")
            self.add_param_group({**settings, **group})

    def add_param_group(self, group: dict[str, Any]) -> None:
        """Take one more group of parameters."""
        group = {**group, "params": list(group["params"])}
        self._check_settings(group)
        for i, p in enumerate(group["params"]):
            if not isinstance(p, Tensor) or not isinstance(p.node, Leaf):
                raise UsageError(f"{type(self).__name__}: parameter {i} is no variable (leaf with requires_grad=True)")
            if p in self.state:
                raise UsageError(f"{type(self).__name__}: parameter {i}, of shape {p.shape}, is given twice")
            self.state[p] = {"step": 0}
        self.param_groups.append(group)

    def _check_settings(self, group: Mapping[str, Any]) -> None:
        for name in ("lr", "weight_decay", "momentum", "eps"):
            if name in group and not group[name] >= 0:
                raise UsageError(f"{type(self).__name__}: {name} must be at least 0, got {group[name]}")
        for i, beta in enumerate(group.get("betas", ())):
            if not 0 <= beta < 1:
                raise UsageError(f"{type(self).__name__}: betas[{i}] must lie in [0, 1), got {beta}")

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters."""
        for p in self.state:
            if p.requires_grad:
                p.grad = None

    def step(self) -> None:
        """Update every parameter that has a gradient."""
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    self._step_parameter(p, p.grad._data, group)

    def _step_parameter(self, p: Tensor, g: Array, group: dict[str, Any]) -> None:
        state = self.state[p]
        state["step"] += 1
        names = self._state_names(group)
        fresh = [name for name in names if name not in state]
        for name in fresh:
            state[name] = np.zeros(p.shape, p.dtype)
        arrays = [p.writable(), np.ascontiguousarray(g), *[state[name] for name in names]]
        self._update(
            *[array.reshape(-1, copy=False) for array in arrays], group=group, step=state["step"], fresh=bool(fresh)
        )

    def _state_names(self, group: Mapping[str, Any]) -> tuple[str, ...]:
        """The arrays that are kept for each parameter of a group."""
        raise NotImplementedError

    def _update(self, p: Array, g: Array, *state: Array, group: Mapping[str, Any], step: int, fresh: bool) -> None:
        """Change a parameter and its state in place; all arrays are flat.

        Args:
            p, g: the parameter, and its gradient (not to be written to).
            *state: the arrays that are kept, in the order of `_state_names`.
            group: the settings.
            step: how often this parameter has been updated, this time included.
            fresh: whether the state has just been made.
        """
        raise NotImplementedError

    # ---- state -----------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Everything needed to go on: {"state": {number: {...}}, "param_groups": [...]}, parameters by their number."""
        number = {p: i for i, p in enumerate(self.state)}
        return {
            "state": {
                number[p]: {name: np.copy(v) if isinstance(v, np.ndarray) else v for name, v in state.items()}
                for p, state in self.state.items()
            },
            "param_groups": [{**group, "params": [number[p] for p in group["params"]]} for group in self.param_groups],
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where `state_dict` was taken, with the same parameters in the same order.

        Raises:
            StateError: the number or the shapes of the parameters differ.
        """
        groups = state["param_groups"]
        if [len(group["params"]) for group in groups] != [len(group["params"]) for group in self.param_groups]:
            raise StateError(f"{type(self).__name__}: the state has other parameter groups than this optimizer")
        for i, p in enumerate(self.state):
            for name, value in state["state"].get(i, {}).items():
                if isinstance(value, np.ndarray) and value.shape != p.shape:
                    raise StateError(
                        f"{type(self).__name__}: {name} of parameter {i} has shape {np.shape(value)}, not {p.shape}"
                    )
        for i, p in enumerate(self.state):
            loaded = state["state"].get(i, {"step": 0})
            self.state[p] = {
                name: np.array(value, p.dtype, order="C") if isinstance(value, np.ndarray) else value
                for name, value in loaded.items()
            }
        for group, loaded in zip(self.param_groups, groups, strict=True):
            group.update({name: value for name, value in loaded.items() if name != "params"})

    def __repr__(self) -> str:
        settings = {name: value for name, value in self.param_groups[0].items() if name != "params"}
        return f"{type(self).__name__}({', '.join(f'{name}={value}' for name, value in settings.items())})"
