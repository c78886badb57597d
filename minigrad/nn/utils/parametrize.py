"""Parametrizations: a parameter of a module that is a function of others, which are trained in its place.

    layer = register_parametrization(nn.Linear(3, 3), "weight", Symmetric())

    layer.weight                                     symmetric(original), computed whenever it is read
    layer.parametrizations.weight.original           what is trained, and what the state dict has
    layer.parametrizations.weight[0]                 the Symmetric()

A parametrization is a module of one Tensor. If it has a `right_inverse`, the function that gives what it is to be
computed from, then `layer.weight = values` works, and the values that a module has beforehand stay; a right inverse
that gives several Tensors makes `original0`, `original1` ... of them. Names, and so state dicts, are PyTorch's.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, reduce
from typing import Any, TypeVar

from minigrad.autograd.tensor import Tensor, as_array, no_grad
from minigrad.errors import UsageError
from minigrad.nn.container import ModuleList
from minigrad.nn.module import Module
from minigrad.nn.module_base import PARAMETERS, STATE
from minigrad.nn.module_dict import ModuleDict
from minigrad.typing import ArrayLike, DType, Shape

__all__ = ["ParametrizationList", "is_parametrized", "register_parametrization", "remove_parametrizations"]

AnyModule = TypeVar("AnyModule", bound=Module)


class ParametrizationList(ModuleList):
    """The parametrizations of one Tensor, applied one after the other, and what they are computed from.

    Args:
        modules: the parametrizations.
        original: the Tensor as the module has had it.
        trained: whether it is a parameter; otherwise it is a buffer.
        unsafe: whether shape and dtype may change (default False).

    Shapes: nothing -> as the last module gives it.

    Raises:
        UsageError: a right inverse does not give Tensors.
    """

    def __init__(self, modules: Sequence[Module], original: Tensor, trained: bool, unsafe: bool = False) -> None:
        super().__init__(modules)
        self.trained, self.unsafe = trained, unsafe
        try:
            values = self._inverted(original)
        except NotImplementedError:  # as in PyTorch: then nothing is asked for what gives the present values
            values = [original]
        if len(values) == 1:
            if values[0] is not original:
                original.data = values[0].data
            values = [original]
        self.names = ["original"] if len(values) == 1 else [f"original{i}" for i in range(len(values))]
        for name, value in zip(self.names, values, strict=True):
            self._keep(name, value if value is original else Tensor(value.data, requires_grad=original.requires_grad))

    def _keep(self, name: str, value: Tensor) -> None:
        self._kinds[name] = "parameter" if self.trained else "buffer"
        self.__dict__[name] = value

    def _inverted(self, value: Tensor) -> list[Tensor]:
        """What gives a value, by the right inverses from the last parametrization to the first."""
        found: Any = value.detach()
        with no_grad():
            for module in reversed(list(self)):
                if hasattr(module, "right_inverse"):
                    found = module.right_inverse(*found) if isinstance(found, tuple) else module.right_inverse(found)
        values = list(found) if isinstance(found, tuple) else [found]
        if not values or not all(isinstance(x, Tensor) for x in values):
            raise UsageError("a parametrization's right_inverse gives a Tensor, or a tuple of some")
        return values

    @property
    def originals(self) -> list[Tensor]:
        """What the parametrizations are computed from."""
        return [self.__dict__[name] for name in self.names]

    def right_inverse(self, value: ArrayLike) -> None:
        """Give the originals the values from which the parametrizations compute this one.

        Args:
            value: in the shape of what they give.

        Raises:
            UsageError: a right inverse gives other Tensors than before, or none for such settings.
        """
        try:
            values = self._inverted(Tensor(as_array(value)))
        except NotImplementedError as error:
            raise UsageError(str(error)) from error
        if len(values) != len(self.names):
            raise UsageError(f"right_inverse gave {len(values)} Tensors in place of {len(self.names)}")
        for name, new in zip(self.names, values, strict=True):
            self.__dict__[name].data = new.data

    def forward(self) -> Tensor:  # type: ignore[override]  # it has no inputs
        """Shapes: nothing -> as the last parametrization gives it."""
        first, *others = list(self)
        result: Tensor = reduce(lambda x, module: module(x), others, first(*self.originals))
        return result


class _Parametrized(Module):
    """What the class of a module with parametrizations has beside its own: how to make one again."""

    _parts: tuple[type[Module], tuple[str, ...]]

    def __reduce__(self) -> tuple[Any, ...]:
        return _empty, self._parts, self.__dict__


def _empty(kind: type[Module], names: tuple[str, ...]) -> Module:
    made = _class_of(kind, names)  # type: ignore[arg-type]  # a class is hashable
    return made.__new__(made)


@cache
def _class_of(kind: type[Module], names: tuple[str, ...]) -> type[Module]:
    """A subclass of a module's class in which these attributes are computed."""
    attributes = {name: _property(name) for name in names}
    return type(f"Parametrized{kind.__name__}", (_Parametrized, kind), {
        **attributes, "_parts": (kind, names), "__module__": kind.__module__, "__doc__": kind.__doc__,
    })  # fmt: skip


def _property(name: str) -> property:
    def computed(module: Module) -> Tensor:
        value: Tensor = module.parametrizations[name]()  # type: ignore[attr-defined]
        return value

    def assigned(module: Module, value: ArrayLike) -> None:
        module.parametrizations[name].right_inverse(value)  # type: ignore[attr-defined]

    return property(computed, assigned)


def is_parametrized(module: Module, tensor_name: str | None = None) -> bool:
    """Whether a module computes a parameter, or one of them.

    Args:
        module: any.
        tensor_name: the parameter (default None: any).
    """
    if not isinstance(module, _Parametrized):
        return False
    return tensor_name is None or tensor_name in module._parts[1]


def register_parametrization(
    module: AnyModule, tensor_name: str, parametrization: Module, *, unsafe: bool = False
) -> AnyModule:
    """Compute a parameter, or a buffer, of a module by another module, whenever it is read.

    One that is registered for the same Tensor again is applied to what the former ones give.

    Args:
        module: the module, which is changed.
        tensor_name: the name of its parameter or buffer.
        parametrization: a module of one Tensor; its `right_inverse`, if it has one, is asked what to begin with.
        unsafe: whether the result may have another shape or dtype than the parameter has had (default False).

    Returns:
        The same module; its class is now a subclass of what it was.

    Raises:
        UsageError: the module has no such parameter or buffer; the result would have another shape or dtype.

    Source: PyTorch's parametrizations, of M. Lezcano.

    >>> from minigrad import nn
    >>> class Symmetric(nn.Module):
    ...     def forward(self, x):
    ...         return (x + x.mT) / 2
    >>> layer = register_parametrization(nn.Linear(2, 2), "weight", Symmetric())
    >>> layer.weight[0, 1].item() == layer.weight[1, 0].item()
    True
    >>> [name for name, _ in layer.named_parameters()]
    ['bias', 'parametrizations.weight.original']
    """
    if not isinstance(parametrization, Module):
        raise UsageError(f"register_parametrization: a parametrization is a Module, not a {type(parametrization)}")
    parametrization.train(module.training)
    if is_parametrized(module, tensor_name):
        _append(module.parametrizations[tensor_name], parametrization, unsafe)  # type: ignore[attr-defined]
        return module
    kind = module._kinds.get(tensor_name)
    original = module.__dict__.get(tensor_name)
    if kind not in STATE or not isinstance(original, Tensor):
        known = ", ".join(name for name, kind in module._kinds.items() if kind in STATE) or "none"
        raise UsageError(f"{type(module).__name__} has no parameter or buffer {tensor_name!r}: it has {known}")
    before = (original.shape, original.dtype, original.data)
    parts = ParametrizationList([parametrization], original, kind in PARAMETERS, unsafe)
    parts.train(module.training)
    try:
        with no_grad():
            result = parts()
        _check(result, tensor_name, *before[:2], unsafe)
    except Exception:
        original.data = before[2]
        raise
    delattr(module, tensor_name)
    if not is_parametrized(module):
        module.parametrizations = ModuleDict()
    module.parametrizations[tensor_name] = parts  # type: ignore[attr-defined]
    _set_class(module, (*_computed(module), tensor_name))
    return module


def _append(parts: ParametrizationList, parametrization: Module, unsafe: bool) -> None:
    """Apply one more parametrization to what the others give."""
    with no_grad():
        value = parts()
        result = parametrization(value)
    _check(result, "what is computed already", value.shape, value.dtype, unsafe)
    parts.unsafe |= unsafe
    parts.append(parametrization)


def _check(result: object, name: str, shape: Shape, dtype: DType, unsafe: bool) -> None:
    """Refuse a parametrization that gives what cannot take the Tensor's place."""
    if not isinstance(result, Tensor):
        raise UsageError(f"a parametrization gives one Tensor, not a {type(result).__name__}")
    if not unsafe and (result.shape, result.dtype) != (shape, dtype):
        raise UsageError(
            f"the parametrization of {name} gives shape {result.shape} and {result.dtype}, where the module has "
            f"{shape} and {dtype}: write unsafe=True if the module can work with it"
        )


def remove_parametrizations(module: AnyModule, tensor_name: str, leave_parametrized: bool = True) -> AnyModule:
    """Make a computed parameter an ordinary one again.

    Args:
        module: the module, which is changed.
        tensor_name: the name of the parameter.
        leave_parametrized: whether it keeps its present value (default True), or gets that of the original.

    Returns:
        The same module, of its former class if no other parameter is computed.

    Raises:
        UsageError: it is not computed; or it has several originals and is to get the value of one.
    """
    if not is_parametrized(module, tensor_name):
        known = ", ".join(_computed(module)) or "none"
        raise UsageError(f"{type(module).__name__}.{tensor_name} has no parametrizations; those that do: {known}")
    parts: ParametrizationList = module.parametrizations[tensor_name]  # type: ignore[attr-defined]
    original = parts.originals[0]
    if len(parts.names) > 1 and not leave_parametrized:
        raise UsageError(f"{tensor_name} is computed of {len(parts.names)} Tensors: leave_parametrized must be True")
    if leave_parametrized:
        with no_grad():
            value = parts()
        if len(parts.names) > 1:
            original = Tensor(value.data, requires_grad=original.requires_grad)
        else:
            original.data = value.data
    del module.parametrizations[tensor_name]  # type: ignore[attr-defined]
    _set_class(module, tuple(name for name in _computed(module) if name != tensor_name))
    module._kinds[tensor_name] = "parameter" if parts.trained else "buffer"
    module.__dict__[tensor_name] = original
    if not is_parametrized(module):
        del module.parametrizations  # type: ignore[attr-defined]
    return module


def _computed(module: Module) -> tuple[str, ...]:
    """The names of the Tensors that a module computes."""
    return module._parts[1] if isinstance(module, _Parametrized) else ()


def _set_class(module: Module, names: tuple[str, ...]) -> None:
    """Give a module the class in which these attributes are computed; without any, its own."""
    kind = module._parts[0] if isinstance(module, _Parametrized) else type(module)
    object.__setattr__(module, "__class__", _class_of(kind, names) if names else kind)  # type: ignore[arg-type]  # a class is hashable
