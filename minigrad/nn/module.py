"""`Module`: parameters, submodules, and a name for each of them.

A module assigns its parts to attributes, and they are registered by what they are:

    class Net(Module):
        def __init__(self):
            self.hidden = Linear(784, 256)                      # a submodule
            self.scale = Parameter(np.ones(256, np.float32))    # a parameter: a Tensor that requires gradients

        def forward(self, x):
            return relu(self.hidden(x)) * self.scale

The attribute names joined by dots are the paths (`hidden.weight`) that state dicts, errors, graphs and tables use.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import DTypeLike

from minigrad.errors import DTypeError, StateError, UsageError
from minigrad.node import STATE, Leaf, Scope
from minigrad.tensor import Array, Tensor

Kind = Literal["parameter", "buffer", "module"]


def Parameter(data: Any) -> Tensor:
    """A variable for a module to train: a Tensor that requires gradients."""
    return Tensor(data, requires_grad=True)


class Module:
    """A function with parameters. Subclasses write `forward`; callers call the module itself.

    Attributes:
        training: True in training mode (the default), False in evaluation mode; dropout and the like look at it.
    """

    training: bool
    _kinds: dict[str, Kind]
    _name: str

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Make the registers before `__init__` runs, so that no subclass has to call super().__init__()."""
        module = super().__new__(cls)
        module.__dict__.update(_kinds={}, _name="", training=True)
        return module

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, Module):
            self._kinds[name] = "module"
            value.__dict__["_name"] = value._name or name  # one that is shared keeps its first name
        elif _is_variable(value):
            self._kinds[name] = "parameter"
        elif isinstance(value, Tensor) and self._kinds.get(name) == "parameter":
            raise UsageError(
                f"{type(self).__name__}.{name} is a parameter, and can only be replaced by another variable: assign "
                f"nn.Parameter(values) to train the new values, or assign values to {name}.data"
            )
        elif isinstance(value, (list, tuple)) and any(isinstance(v, Module) or _is_variable(v) for v in value):
            raise UsageError(
                f"{type(self).__name__}.{name}: modules and parameters in a list would not be found, nor trained: "
                "use nn.Sequential, or an attribute for each"
            )
        elif value is not None and (not isinstance(value, Tensor) or self._kinds.get(name) == "module"):
            self._kinds.pop(name, None)
        self.__dict__[name] = value

    def __delattr__(self, name: str) -> None:
        super().__delattr__(name)
        self._kinds.pop(name, None)

    def register_buffer(self, name: str, value: Tensor | None) -> None:
        """Keep a Tensor that belongs to the state but is not trained, such as a running mean."""
        self._kinds[name] = "buffer"
        self.__dict__[name] = value

    # ---- calling ---------------------------------------------------------------------------------------------

    def forward(self, *inputs: Any, **settings: Any) -> Any:
        """What the module computes."""
        raise NotImplementedError(f"{type(self).__name__} does not define forward()")

    def __call__(self, *inputs: Any, **settings: Any) -> Any:
        """Run `forward`, with everything recorded inside of it marked as this module's."""
        outer = STATE.scope
        STATE.scope = Scope(self._name, type(self).__name__, outer)
        try:
            return self.forward(*inputs, **settings)
        finally:
            STATE.scope = outer

    # ---- what it consists of ---------------------------------------------------------------------------------

    def _own(self, kind: Kind) -> Iterator[tuple[str, Any]]:
        return ((name, self.__dict__[name]) for name, k in list(self._kinds.items()) if k == kind)

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The direct submodules with their attribute names."""
        return ((name, child) for name, child in self._own("module") if child is not None)

    def named_modules(self, prefix: str = "") -> Iterator[tuple[str, Module]]:
        """This module and all below it with their paths, each once, parents before children."""
        waiting, seen = [(prefix, self)], set()
        while waiting:
            path, module = waiting.pop()
            if module in seen:
                continue
            seen.add(module)
            yield path, module
            below = [(f"{path}.{name}" if path else name, child) for name, child in module.named_children()]
            waiting += reversed(below)

    def modules(self) -> Iterator[Module]:
        """This module and all below it."""
        return (module for _, module in self.named_modules())

    def _named_tensors(self, kinds: tuple[Kind, ...], *, once: bool) -> Iterator[tuple[str, Tensor]]:
        seen = set()
        for path, module in self.named_modules():
            for name, kind in module._kinds.items():
                tensor = module.__dict__[name]
                if kind in kinds and tensor is not None and not (once and tensor in seen):
                    seen.add(tensor)
                    yield (f"{path}.{name}" if path else name), tensor

    def named_parameters(self) -> Iterator[tuple[str, Tensor]]:
        """All parameters with their paths; one that is shared comes once, under its first path."""
        return self._named_tensors(("parameter",), once=True)

    def parameters(self) -> Iterator[Tensor]:
        """All parameters, each once."""
        return (tensor for _, tensor in self.named_parameters())

    def named_buffers(self) -> Iterator[tuple[str, Tensor]]:
        """All buffers with their paths."""
        return self._named_tensors(("buffer",), once=True)

    # ---- changing it -----------------------------------------------------------------------------------------

    def train(self, mode: bool = True) -> Self:
        """Set training mode, here and below."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """Set evaluation mode, here and below."""
        return self.train(False)

    def zero_grad(self) -> None:
        """Forget all gradients."""
        for parameter in self.parameters():
            if parameter.requires_grad:
                parameter.grad = None

    def apply(self, function: Callable[[Module], Any]) -> Self:
        """Call a function on every module, children first."""
        for module in reversed(list(self.modules())):
            function(module)
        return self

    def astype(self, dtype: DTypeLike) -> Self:
        """Convert all floating parameters and buffers to another floating dtype."""
        if np.dtype(dtype).kind != "f":
            raise DTypeError(f"a module's numbers are floating ones (float32, float64 ...), not {np.dtype(dtype)}")
        for _, tensor in self._named_tensors(("parameter", "buffer"), once=True):
            if tensor.dtype.kind == "f":
                tensor._data = tensor._data.astype(dtype)
                if tensor.requires_grad:
                    tensor.requires_grad = False
                    tensor.requires_grad = True
        return self

    # ---- state -----------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Array]:
        """The values of all parameters and buffers by path: a snapshot, which later training does not change."""
        return {name: tensor.data for name, tensor in self._named_tensors(("parameter", "buffer"), once=False)}

    def load_state_dict(self, state: Mapping[str, Any], strict: bool = True) -> None:
        """Take over the values of a state dict. Everything is checked before anything is changed.

        Args:
            state: arrays or Tensors by path.
            strict: whether missing and unexpected names are errors; sizes and dtypes are checked in any case.

        Raises:
            StateError: lists everything that does not fit.
        """
        own = dict(self._named_tensors(("parameter", "buffer"), once=False))
        problems = []
        if strict:
            problems += [f"missing: {name} {tensor.shape}" for name, tensor in own.items() if name not in state]
            problems += [f"unexpected: {name} {np.shape(value)}" for name, value in state.items() if name not in own]
        arrays = {name: np.asarray(getattr(state[name], "data", state[name])) for name in own if name in state}
        for name, array in arrays.items():
            if array.shape != own[name].shape:
                problems.append(f"shape: {name} is {own[name].shape} here and {array.shape} in the state")
            elif array.dtype.kind != own[name].dtype.kind:
                problems.append(f"dtype: {name} is {own[name].dtype} here and {array.dtype} in the state")
        if problems:
            raise StateError(f"{type(self).__name__}: the state does not fit:\n  " + "\n  ".join(problems))
        for name, array in arrays.items():
            own[name].data = array

    # ---- showing it ------------------------------------------------------------------------------------------

    def extra_repr(self) -> str:
        """What a module says of itself within its repr: its settings."""
        return ""

    def __repr__(self) -> str:
        children = [f"({name}): {child!r}".replace("\n", "\n  ") for name, child in self.named_children()]
        if not children:
            return f"{type(self).__name__}({self.extra_repr()})"
        head = f"{self.extra_repr()}\n  " if self.extra_repr() else "\n  "
        return f"{type(self).__name__}({head}" + "\n  ".join(children) + "\n)"


def _is_variable(value: Any) -> bool:
    return isinstance(value, Tensor) and isinstance(value.node, Leaf)
