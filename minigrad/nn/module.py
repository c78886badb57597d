"""`Module`: a function with parameters and submodules.

A module assigns them to attributes, and they are registered by what they are:

    class Net(Module):
        def __init__(self):
            self.hidden = Linear(784, 256)                      # a submodule
            self.scale = Parameter(np.ones(256, np.float32))    # a parameter: a Tensor that requires gradients

        def forward(self, x):
            return relu(self.hidden(x)) * self.scale

`copy.deepcopy(module)` gives a module of its own: what is shared inside of it is shared inside of the copy, too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import DTypeLike

from minigrad.autograd.node import STATE, Scope
from minigrad.autograd.tensor import Tensor
from minigrad.errors import DTypeError, MinigradError
from minigrad.nn.hook import Handle, Hook, Hooks
from minigrad.nn.input_check import array_inputs, check_inputs
from minigrad.nn.module_base import ModuleBase, Parameter
from minigrad.nn.module_state import IncompatibleKeys, load_state_dict, state_dict
from minigrad.pytorch_names import ModuleHints
from minigrad.typing import Array, ArrayLike

__all__ = ["Module", "Parameter"]


class Module(ModuleBase["Module"], ModuleHints):
    """A function with parameters. Subclasses write `forward`; callers call the module itself.

    Attributes:
        training: True in training mode (the default), False in evaluation mode; dropout and the like look at it.

    >>> import numpy as np
    >>> class Scale(Module):
    ...     def __init__(self, size):
    ...         self.factor = Parameter(np.full(size, 2.0))
    ...
    ...     def forward(self, x):
    ...         return x * self.factor
    >>> scale = Scale(3)
    >>> scale(Tensor([1.0, 2.0, 3.0])).tolist(), [name for name, _ in scale.named_parameters()]
    ([2.0, 4.0, 6.0], ['factor'])
    """

    training: bool
    _hooks: Hooks | None
    _array_inputs: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "forward" in vars(cls):
            cls._array_inputs = array_inputs(cls.forward)

    # ---- calling ---------------------------------------------------------------------------------------------

    def forward(self, *inputs: Any, **settings: Any) -> Any:  # subclasses have signatures of their own
        """What the module computes.

        Args:
            *inputs: Tensors or arrays, as the subclass documents them.
            **settings: likewise.

        Raises:
            NotImplementedError: the subclass does not define it.
        """
        raise NotImplementedError(f"{type(self).__name__} does not define forward()")

    def __call__(self, *inputs: Any, **settings: Any) -> Any:
        """Run `forward`, with everything recorded inside of it marked as this module's, and hooks around it."""
        outer = STATE.scope
        STATE.scope = scope = Scope(self._name, type(self).__name__, outer, id(self))
        try:
            if self._hooks is None:
                for x in inputs or (None,):
                    if type(x) is not Tensor or settings:  # mostly there is one Tensor, and nothing to check
                        check_inputs(self._array_inputs, inputs, settings)
                        break
                return self.forward(*inputs, **settings)
            return self._hooks.run(self, inputs, settings)
        except MinigradError as error:
            _locate(error, scope)
            raise
        finally:
            STATE.scope = outer

    def register_forward_pre_hook(self, hook: Hook, *, prepend: bool = False, with_kwargs: bool = False) -> Handle:
        """Call hook(module, inputs) before `forward`; unless None, it returns the inputs to use.

        Args:
            hook: the function; `inputs` is a tuple.
            prepend: run it before the other hooks (default False: after them).
            with_kwargs: call hook(module, inputs, settings), which returns None or (inputs, settings) (default False).

        Returns:
            A handle that removes the hook.

        Raises:
            UsageError: the hook is no function.
        """
        return self._hooked().add("forward_pre", hook, prepend, with_kwargs)

    def register_forward_hook(self, hook: Hook, *, prepend: bool = False, with_kwargs: bool = False) -> Handle:
        """Call hook(module, inputs, output) after `forward`; unless None, it returns the output to use.

        Args:
            hook: the function; `inputs` is a tuple.
            prepend: run it before the other hooks (default False: after them).
            with_kwargs: call hook(module, inputs, settings, output) (default False).

        Returns:
            A handle that removes the hook.

        Raises:
            UsageError: the hook is no function.
        """
        return self._hooked().add("forward", hook, prepend, with_kwargs)

    def register_full_backward_pre_hook(self, hook: Hook, prepend: bool = False) -> Handle:
        """Call hook(module, grad_output) when the gradients of the outputs are known; it may return others.

        Args:
            hook: the function; `grad_output` is a tuple of Tensors in the outputs' shapes.
            prepend: run it before the other hooks (default False: after them).

        Returns:
            A handle that removes the hook.

        Raises:
            UsageError: the hook is no function.
        """
        return self._hooked().add("backward_pre", hook, prepend)

    def register_full_backward_hook(self, hook: Hook, prepend: bool = False) -> Handle:
        """Call hook(module, grad_input, grad_output) when gradients have passed through the module.

        Both are tuples of Tensors, with None for inputs that need no gradient, and zeros for outputs that nothing
        depended on. The hook may return other gradients for the inputs.

        Args:
            hook: the function.
            prepend: run it before the other hooks (default False: after them).

        Returns:
            A handle that removes the hook.

        Raises:
            UsageError: the hook is no function.
        """
        return self._hooked().add("backward", hook, prepend)

    def _hooked(self) -> Hooks:
        if self._hooks is None:
            self.__dict__["_hooks"] = Hooks()
        assert self._hooks is not None
        return self._hooks

    # ---- changing it -----------------------------------------------------------------------------------------

    def train(self, mode: bool = True) -> Self:
        """Set training mode, here and below.

        Args:
            mode: True for training mode (default True), False for evaluation mode.
        """
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """Set evaluation mode, here and below."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Set whether the parameters, here and below, require gradients.

        Args:
            requires_grad: whether they do (default True).
        """
        for parameter in self.parameters():
            parameter.requires_grad = requires_grad
        return self

    def freeze(self) -> Self:
        """Train none of the parameters, here and below; their mode stays: see `eval` for running statistics."""
        return self.requires_grad_(False)

    def unfreeze(self) -> Self:
        """Train all parameters again, here and below."""
        return self.requires_grad_(True)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters.

        Args:
            set_to_none: set them to None (default True) rather than fill them with zeros.
        """
        for p in self.parameters():
            if p.requires_grad:
                p.grad = None if set_to_none or p.grad is None else Tensor(np.zeros(p.shape, p.dtype))

    def apply(self, function: Callable[[Module], object]) -> Self:
        """Call a function once on every module, children first.

        Args:
            function: is given the module; its result is not used.
        """
        list(self.modules())  # which refuses modules in lists and dicts
        for module in _children_first(self, set()):
            function(module)
        return self

    def astype(self, dtype: DTypeLike) -> Self:
        """Convert all floating parameters and buffers to another floating dtype, in place.

        Args:
            dtype: such as "float64".

        Raises:
            DTypeError: it is not floating.
        """
        if np.dtype(dtype).kind != "f":
            raise DTypeError(f"a module's numbers are floating ones (float32, float64 ...), not {np.dtype(dtype)}")
        for tensor in [*self.parameters(), *self.buffers()]:
            if tensor.dtype.kind == "f":
                tensor._data = tensor._data.astype(dtype)
                if tensor.requires_grad:
                    tensor.requires_grad = False
                    tensor.requires_grad = True
        return self

    # ---- state -----------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Array]:
        """The values of all parameters and buffers by path: a snapshot, which later training does not change.

        What is shared stands under each of its paths.
        """
        return state_dict(self)

    def load_state_dict(self, state: Mapping[str, ArrayLike], strict: bool = True) -> IncompatibleKeys:
        """Take over the values of a state dict. Everything is checked before anything is changed.

        Args:
            state: arrays or Tensors by path.
            strict: whether missing and unexpected names are errors (default True); shapes and dtypes always count.

        Returns:
            The missing_keys and the unexpected_keys: both empty when strict.

        Raises:
            StateError: lists everything that does not fit.
        """
        return load_state_dict(self, state, strict)

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


def _children_first(module: Module, seen: set[Module]) -> list[Module]:
    if module in seen:
        return []
    seen.add(module)
    return [below for child in module.children() for below in _children_first(child, seen)] + [module]


def _locate(error: MinigradError, scope: Scope) -> None:
    """Name the innermost layer in front of an error's message, unless an op has done so."""
    if "layer" in vars(error):
        return
    vars(error)["layer"] = str(scope)
    if str(scope) not in str(error):
        error.args = (f"{scope}: {error}", *error.args[1:])
