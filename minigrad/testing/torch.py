"""Gradients of PyTorch code: `torch.autograd.Function`s, functions of tensors, and modules.

    from minigrad.testing.torch import check_grads, gradtest

    assert check_grads(Share.apply, x)         # orders 1 and 2, the second by double backward

    @gradtest(shapes="... D -> ... D", domain={"x": POSITIVE})
    class Share(torch.autograd.Function): ...

    @gradtest(input=(2, 3, 8, 8))
    def block():                               # inputs and all parameters; buffers and random numbers are put back
        return ResBlock(3, 8)

Arguments are those of `minigrad.testing.check_grads` and `minigrad.testing.gradtest`. Everything runs on the CPU, in
float64 for verdicts; laws also run float32. A module's parameters and floating buffers take the dtype of the arguments,
so `.double()` is not needed.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, ClassVar, Final

import numpy as np

from minigrad.errors import UsageError
from minigrad.testing import check, decorator
from minigrad.testing.calls.module_function import NamedInputs, required_inputs
from minigrad.testing.frameworks.framework import Framework
from minigrad.testing.frameworks.run import Pull, as_tuple
from minigrad.testing.frameworks.signature import named_function, require_framework
from minigrad.typing import Array, Function

with require_framework("torch"):
    import torch


class Torch(Framework):
    """PyTorch on the CPU."""

    name: ClassVar[str] = "torch"
    value_type = torch.Tensor
    refusals: ClassVar[tuple[type[Exception], ...]] = (RuntimeError, TypeError, IndexError, NotImplementedError)
    higher_order = True

    def constant(self, x: Array) -> torch.Tensor:
        """A tensor in the memory of an array; a copy where PyTorch takes no such strides, or could write to it."""
        if not x.flags.writeable or any(stride < 0 for stride in x.strides):  # also of axes of size 1
            x = x.copy()
        return torch.from_numpy(x) if x.ndim else torch.from_numpy(x.reshape(1)).reshape(())

    def array(self, value: Any) -> Array:
        """The array of a tensor. A ZeroTensor, which has no memory, becomes zeros."""
        if not isinstance(value, torch.Tensor):
            raise UsageError(f"the function must return tensors, it returned {type(value).__name__}")
        value = value.detach()
        if value._is_zerotensor() or value.is_conj() or value.is_neg():
            value = value.clone() if not value._is_zerotensor() else torch.zeros(value.shape, dtype=value.dtype)
        return np.asarray(value.cpu().numpy())

    def parts(self, z: torch.Tensor) -> torch.Tensor:
        """A complex tensor as a real one (..., 2)."""
        return torch.view_as_real(z.resolve_conj())

    def value(self, f: Function, args: Sequence[Any], positions: Sequence[int]) -> tuple[Array, ...]:
        """The results, computed without recording."""
        with torch.no_grad():
            return super().value(f, args, positions)

    def vjp(
        self, f: Function, args: Sequence[Any], positions: Sequence[int], *, record: bool = False
    ) -> tuple[Sequence[Any], Pull]:
        """Run f on variables, to be pulled back by `torch.autograd.grad`."""
        args = list(args)
        with torch.enable_grad():
            for i in positions:
                args[i] = args[i].view_as(args[i]) if args[i].requires_grad else args[i].detach().requires_grad_()
            outs = as_tuple(f(*args))
        variables = [args[i] for i in positions]
        floating = [out for out in outs if isinstance(out, torch.Tensor) and out.is_floating_point()]

        def pull(cotangents: Sequence[Any]) -> Sequence[Any]:
            pairs = [(out, g) for out, g in zip(floating, cotangents, strict=True) if out.requires_grad]
            if not pairs:
                return [None] * len(variables)
            found: Sequence[Any] = torch.autograd.grad(
                [out for out, _ in pairs], variables, [g for _, g in pairs],
                retain_graph=True, create_graph=record, allow_unused=True,
            )  # fmt: skip
            return found

        return outs, pull

    def jvp(self, f: Function, args: Sequence[Any], positions: Sequence[int], tangents: Sequence[Any]) -> Sequence[Any]:
        """J v by dual numbers, `torch.func.jvp`."""

        def of_variables(*variables: Any) -> tuple[Any, ...]:
            values = list(args)
            for i, x in zip(positions, variables, strict=True):
                values[i] = x
            return tuple([out for out in as_tuple(f(*values)) if out.is_floating_point()])

        _, moved = torch.func.jvp(of_variables, tuple([args[i] for i in positions]), tuple(tangents))
        return as_tuple(moved)

    def function(self, f: Any) -> Function:
        """A `torch.autograd.Function` becomes its `apply`, a module a function of its inputs and parameters."""
        owner = _function_class(f)
        if owner is not None:
            parameters = list(inspect.signature(owner.forward).parameters.values())
            given = parameters if _without_ctx(owner) else parameters[1:]
            return named_function(owner.apply, f"{owner.__name__}.apply", given)
        if isinstance(f, torch.nn.Module):
            return TorchModule(lambda: f, type(f).__name__)
        return f  # type: ignore[no-any-return]

    def rules(self, x: object) -> Sequence[Function]:
        """The `backward` of a `torch.autograd.Function`."""
        owner = _function_class(x)
        return [] if owner is None else [owner.backward]

    def module(self, make: Callable[[], Any]) -> TorchModule:
        """The module that a function makes, as a function of its inputs and parameters."""
        return TorchModule(make)

    @contextmanager
    def context(self) -> Iterator[None]:
        """Warnings of PyTorch's own are no failures of what is tested."""
        with warnings.catch_warnings():
            for kind in (UserWarning, DeprecationWarning):
                warnings.simplefilter("ignore", kind)
            yield


def _function_class(x: Any) -> Any:
    """The `torch.autograd.Function` that x is, or is the `apply` of; None for everything else."""
    owner = x if inspect.isclass(x) else getattr(x, "__self__", None)
    return owner if inspect.isclass(owner) and issubclass(owner, torch.autograd.Function) else None


def _without_ctx(owner: Any) -> bool:
    """Whether a Function has the newer form, `forward(x)` with `setup_context`."""
    return owner.setup_context is not torch.autograd.Function.setup_context


class TorchModule(NamedInputs):
    """A module as a function of its inputs and, behind them, all its parameters: `f(x, weight, bias)`.

    Each call starts from the same buffers and the same random numbers, and leaves the module and PyTorch's generator as
    they were.

    Args:
        make: makes the module.
        name: what it is called; by the name of `make` unless given.

    Attributes:
        parameters: its parameters as arrays, by their paths.
        inputs: the names of the inputs that its `forward` requires.

    Raises:
        UsageError: `make` returns no module.
    """

    def __init__(self, make: Callable[[], Any], name: str = "") -> None:
        self.__name__ = name or getattr(make, "__name__", "module")
        self.module = make()
        if not isinstance(self.module, torch.nn.Module):
            raise UsageError(
                f"gradtest: {self.__name__} has no positional parameters, so it should make a torch.nn.Module, "
                f"but it returned {type(self.module).__name__}"
            )
        self.parameters = {name: p.detach().numpy() for name, p in self.module.named_parameters()}
        self.inputs = required_inputs(self.module.forward)

    def __call__(self, *inputs: Any) -> Any:
        """The module's result for these inputs and parameters."""
        count = len(inputs) - len(self.parameters)
        given = dict(zip(self.parameters, inputs[count:], strict=True))
        dtype = next((x.dtype for x in inputs if isinstance(x, torch.Tensor) and x.is_floating_point()), None)
        buffers = {
            name: b.detach().to(dtype, copy=True) if b.is_floating_point() else b.clone()
            for name, b in self.module.named_buffers()
        }
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return torch.func.functional_call(self.module, {**given, **buffers}, inputs[:count])


FRAMEWORK: Final = Torch()
"""PyTorch, as the kit knows it."""

check_grads = partial(check.check_grads, framework=FRAMEWORK)
"""`minigrad.testing.check_grads` for functions of PyTorch's tensors."""

gradtest = partial(decorator.gradtest, framework=FRAMEWORK)
"""`minigrad.testing.gradtest` for functions, `torch.autograd.Function`s and modules of PyTorch."""

__all__ = ["FRAMEWORK", "check_grads", "gradtest"]
