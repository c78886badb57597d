"""`Optimizer`, the base class: a subclass says which arrays it keeps, and how it updates one parameter.

Parameters come in groups, each with settings of its own (`lr` ...), as in PyTorch. Updates happen in place, by kernels
that pass once over memory (`minigrad.kernels.update`). Those of half precision are computed, and what is kept for them
is kept, in single precision: squares of gradients and eps would vanish. A complex number is updated as the two real
ones that it is, as in PyTorch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from copy import copy
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from minigrad.autograd.node import STATE, Leaf
from minigrad.autograd.python_call import python_call
from minigrad.autograd.tensor import Tensor
from minigrad.errors import UsageError
from minigrad.kernels import update
from minigrad.kernels.array_utils import accumulation_dtype, real_view
from minigrad.kernels.jit import MIN_COMPILED_SIZE
from minigrad.optim.optimizer_state import Group, ParameterState, is_number, loaded_state, plain, snapshot
from minigrad.pytorch_names.keywords import ExplainedKeywords
from minigrad.typing import Array, StateDict

if TYPE_CHECKING:
    from minigrad.optim.update_in_backward import UpdatesInBackward

R = TypeVar("R")

Params = Tensor | Iterable[Tensor] | Iterable[tuple[str, Tensor]]
"""The parameters of a group, perhaps with names: `model.parameters()`, `model.named_parameters()`."""

Groups = Iterable[Tensor] | Iterable[tuple[str, Tensor]] | Iterable[Group]
"""What an optimizer is made with: parameters, or groups of them."""

AT_LEAST_0 = (
    "lr", "weight_decay", "momentum", "eps", "alpha", "lr_decay", "momentum_decay", "initial_accumulator_value",
)  # fmt: skip


class Optimizer(ExplainedKeywords):
    """Updates parameters along their gradients.

    A subclass names the arrays that it keeps for each parameter (`_buffers`), and defines `_kernel` or `_update`.

    Args:
        params: variables, `(name, variable)` pairs, or groups: dicts with "params" and settings of their own.
            Parameters without a gradient, frozen ones among them, are skipped.
        **settings: the settings of the groups that do not name their own.

    Attributes:
        param_groups: one dict a group, with "params" and its settings, which may be changed between steps.
        state: what is kept for each parameter.

    Raises:
        UsageError: no parameters, a recorded result or integers among them, a parameter given twice, or a setting that
            is out of range.
    """

    in_backward: UpdatesInBackward | None = None
    """What updates parameters while `backward` runs: see `minigrad.optim.fused`."""

    _scalars: Mapping[str, float] = {"step": 0}
    """The numbers that are kept for each parameter, and what they are at first."""

    def __init__(self, params: Groups, **settings: Any) -> None:
        if isinstance(params, (Tensor, Mapping)) or hasattr(params, "parameters"):
            raise UsageError(f"{self._kind}: give the parameters in a list, or model.parameters()")
        if not isinstance(params, Iterable):
            raise UsageError(f"{self._kind}: parameters are Tensors in a list, not a {type(params).__name__}")
        entries: list[Any] = list(params)
        if not entries:
            raise UsageError(f"{self._kind}: no parameters were given (a generator is empty after its first use)")
        self.defaults = {name: plain(value) for name, value in settings.items()}
        self.param_groups: list[dict[str, Any]] = []
        self.state: dict[Tensor, ParameterState] = {}
        for group in entries if isinstance(entries[0], Mapping) else [{"params": entries}]:
            self.add_param_group(group)

    @property
    def _kind(self) -> str:
        return type(self).__name__

    def add_param_group(self, param_group: Group) -> None:
        """Add a group of parameters, of layers that are no longer frozen for instance.

        Args:
            param_group: a dict with "params" and settings; those that it does not name are the optimizer's own.

        Raises:
            UsageError: what is no group; for the rest see the class.
        """
        if not isinstance(param_group, Mapping) or "params" not in param_group:
            raise UsageError(f'{self._kind}: a group is a dict with "params" and settings, got {param_group!r:.80}')
        unknown = param_group.keys() - self.defaults.keys() - {"params", "param_names"}
        if unknown:
            known = ", ".join(self.defaults)
            raise UsageError(f"{self._kind}: a group has {', '.join(sorted(unknown))}; known are {known}")
        settings = {name: plain(value) for name, value in {**self.defaults, **param_group}.items()}
        group = {**settings, **self._params_and_names(param_group["params"])}
        self._check_settings(group)
        if self.param_groups and ("param_names" in group) != ("param_names" in self.param_groups[0]):
            raise UsageError(f"{self._kind}: either all groups have names for their parameters, or none")
        new: dict[Tensor, ParameterState] = {}
        for i, p in enumerate(group["params"]):
            if not isinstance(p, Tensor):
                raise UsageError(f"{self._kind}: parameter {i} is no Tensor but a {type(p).__name__}")
            if p.node is not None and not isinstance(p.node, Leaf):
                raise UsageError(f"{self._kind}: parameter {i} is no variable but {p.node.value_name}")
            if p.dtype.kind not in "fc":
                raise UsageError(f"{self._kind}: parameter {i} holds {p.dtype}: use .astype(float) to train it")
            if p in self.state or p in new:
                raise UsageError(f"{self._kind}: parameter {i}, of shape {p.shape}, is given twice")
            new[p] = dict(self._scalars)
        self.state |= new
        self._size = sum(p.size for p in self.state)
        self.param_groups.append(group)

    def _params_and_names(self, params: Params) -> dict[str, Any]:
        """The entries of a group for its parameters and their names, if they have any."""
        if isinstance(params, (set, frozenset)):
            raise UsageError(f"{self._kind}: a set has no order to number the parameters by; give a list")
        entries: list[Any] = [params] if isinstance(params, Tensor) else list(params)
        if not entries:
            raise UsageError(f"{self._kind}: a group has no parameters (a generator is empty after its first use)")
        pairs = [isinstance(entry, tuple) and len(entry) == 2 for entry in entries]
        if not any(pairs):
            return {"params": entries}
        if not all(pairs):
            raise UsageError(f"{self._kind}: either all parameters of a group have names, or none")
        return {"params": [p for _, p in entries], "param_names": [name for name, _ in entries]}

    def _check_settings(self, group: Group) -> None:
        for name in AT_LEAST_0:
            if name in group and not is_number(group[name]):
                kind = type(group[name]).__name__
                raise UsageError(f"{self._kind}: {name} is a number, not a {kind}: give a float (of a Tensor, .item())")
            if name in group and not 0 <= group[name] < math.inf:
                raise UsageError(f"{self._kind}: {name} must be at least 0 and finite, got {group[name]}")
        if "betas" in group and not (isinstance(group["betas"], (tuple, list)) and len(group["betas"]) == 2):
            raise UsageError(f"{self._kind}: betas are two numbers, got {group['betas']}")
        for i, beta in enumerate(group.get("betas", ())):
            if not is_number(beta) or not 0 <= beta < 1:
                raise UsageError(f"{self._kind}: betas[{i}] must lie in [0, 1), got {beta!r}")

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters.

        A parameter whose gradient is zero still moves, by its momentum and weight decay; one without is left out.

        Args:
            set_to_none: set them to None (default True) rather than fill them with zeros.
        """
        for p in self.state:
            if p.requires_grad:
                p.grad = None if set_to_none or p.grad is None else Tensor(np.zeros(p.shape, p.dtype))

    def step(self, closure: Callable[[], R] | None = None) -> R | None:
        """Update every parameter that has a gradient.

        Args:
            closure: called first, to compute the gradients (default None: they are there).

        Returns:
            What the closure returned: the loss, usually.
        """
        result = closure() if closure is not None else None
        for group in self.param_groups:
            ready = [(p, p.grad._data) for p in group["params"] if p.grad is not None]
            if STATE.capture is None:
                self._step_parameters([p for p, _ in ready], [g for _, g in ready], group)
            else:  # a call for each, which passes of a program may place, and join
                for p, g in ready:
                    self._step_parameters([p], [g], group)
        if self.in_backward is not None:
            self.in_backward.finish()
        return result

    @python_call
    def _step_parameters(self, params: list[Tensor], gradients: list[Array], group: dict[str, Any]) -> None:
        """Update parameters of one group; in one go those whose updates differ in their arrays only."""
        if self._size < MIN_COMPILED_SIZE or type(self)._update is not Optimizer._update:
            for p, g in zip(params, gradients, strict=True):
                self._step_parameter(p, g, group)
            return
        alike: dict[object, list[tuple[tuple[Array, ...], ParameterState]]] = {}  # by the numbers that are kept
        names, numbers = self._buffers(group), self._scalars
        for p, g in zip(params, gradients, strict=True):  # small parameters take no longer than the Python for them
            state = self.state[p]
            kind = g.dtype.char
            if kind not in "fd" or not state.keys() >= names.keys():  # other dtypes, or buffers to be made
                self._step_parameter(p, g, group)
                continue
            own, kept = p.writable(), map(state.__getitem__, names)
            if own.ndim == g.ndim == 1:
                arrays = (own, g, *kept)
            else:
                arrays = (own.reshape(-1), g.reshape(-1), *[x.reshape(-1, copy=False) for x in kept])
            alike.setdefault((kind, *map(state.__getitem__, numbers)), []).append((arrays, state))
        for several in alike.values():
            state = several[0][1]
            state["step"] += 1
            kernel, settings = self._kernel(group, state, new_buffers=False)
            now = {name: state[name] for name in numbers}
            for _, other in several:
                other.update(now)
            update.together(kernel, [arrays for arrays, _ in several], settings)

    def _step_parameter(self, p: Tensor, g: Array, group: dict[str, Any]) -> None:
        state, dtype, group = self.state[p], accumulation_dtype(p.dtype), self._settings_of(p, group)
        buffers = self._buffers(group)
        new = [name for name in buffers if name not in state]
        for name in new:
            state[name] = np.zeros(p.shape, dtype)
            if buffers[name]:
                real_view(state[name])[...] = buffers[name]
        own = p.writable()
        values = own.astype(dtype, copy=False)
        arrays = [values, np.ascontiguousarray(g, dtype), *[state[name] for name in buffers]]
        state["step"] += 1
        flat = [real_view(array.reshape(-1, copy=False)) for array in arrays]
        self._update(*flat, group=group, state=state, new_buffers=bool(new))
        if values is not own:
            own[...] = values

    def _settings_of(self, p: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        """The settings of one parameter: those of its group, unless a subclass says otherwise."""
        return group

    def _buffers(self, group: Group) -> Mapping[str, float]:
        """The arrays that are kept for each parameter of a group, and the number that fills them at first."""
        raise NotImplementedError

    def _update(
        self, p: Array, g: Array, *buffers: Array, group: Group, state: ParameterState, new_buffers: bool
    ) -> None:
        """Change a parameter and what is kept for it in place; all arrays are flat.

        Args:
            p, g: the parameter, and its gradient (not to be written to).
            *buffers: the arrays that are kept, in the order of `_buffers`.
            group: the settings.
            state: the numbers that are kept; "step" says how often this parameter has been updated, now included.
            new_buffers: whether one of the buffers has just been made.
        """
        kernel, settings = self._kernel(group, state, new_buffers=new_buffers)
        if self._size < MIN_COMPILED_SIZE:
            kernel(p, g, *buffers, **settings)
        else:
            update.together(kernel, [(p, g, *buffers)], settings)

    def _kernel(
        self, group: Group, state: ParameterState, *, new_buffers: bool
    ) -> tuple[Callable[..., None], dict[str, Any]]:
        """What `_update` does, where that is one kernel of `minigrad.kernels.update`, and the settings of that."""
        raise NotImplementedError

    # ---- state -----------------------------------------------------------------------------------------------

    def state_dict(self) -> StateDict:
        """Everything needed to go on, copied.

        Returns:
            {"optimizer": its kind, "state": {number: {...}}, "param_groups": [...]}, parameters by their number.
        """
        number = {p: i for i, p in enumerate(self.state)}
        groups = [
            {**{name: copy(value) for name, value in group.items()}, "params": [number[p] for p in group["params"]]}
            for group in self.param_groups
        ]
        return {
            "optimizer": self._kind,
            "state": {number[p]: snapshot(state) for p, state in self.state.items()},
            "param_groups": groups,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where `state_dict` was taken, with the same parameters in the same order.

        Args:
            state: what `state_dict` returned; PyTorch's state dicts of the same optimizer serve as well.

        Raises:
            StateError: it does not fit; everything that does not is listed, and nothing has been changed.
        """
        self.state, self.param_groups = loaded_state(self, state)

    def __repr__(self) -> str:
        settings = {name: value for name, value in self.param_groups[0].items() if name in self.defaults}
        return f"{self._kind}({', '.join(f'{name}={value}' for name, value in settings.items())})"


def gradient_sign(group: Group) -> float:
    """The sign of the gradient in a step: 1 to minimize, -1 to maximize."""
    return -1.0 if group["maximize"] else 1.0
