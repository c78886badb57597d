"""Checks of what is assigned to a module's attributes."""

from __future__ import annotations

from collections import deque
from inspect import isfunction
from typing import Any, Final

from minigrad.autograd.node import STATE, Leaf, Scope
from minigrad.autograd.tensor import Tensor
from minigrad.errors import UsageError

CONTAINERS: Final = (list, tuple, dict, set, frozenset, deque)
_REGISTERING: Final = {
    False: "nn.ModuleList or nn.Sequential (nn.ParameterList for parameters)",
    True: "nn.ModuleDict (nn.ParameterDict for parameters)",
}
_PLAIN: Final = frozenset([int, float, str, bool, type(None)])
Container = list[Any] | tuple[Any, ...] | dict[Any, Any] | set[Any] | frozenset[Any] | deque[Any]  # whatever users keep


def is_variable(value: object) -> bool:
    """Whether a value is a Tensor that gradients come to rest at."""
    return isinstance(value, Tensor) and isinstance(value.node, Leaf)


def running_call(module: object) -> Scope | None:
    """The innermost call of a module that this thread is in, or None."""
    scope = STATE.scope
    while scope is not None and scope.owner != id(module):
        scope = scope.outer
    return scope


def check_container(owner: object, name: str, container: Container, module_class: type) -> None:
    """Refuse modules and variables in a list or dict, or in those in it.

    Raises:
        UsageError: there are some.
    """
    if _contains_modules(container, module_class):
        kind = type(container).__name__
        raise UsageError(
            f"{type(owner).__name__}.{name}: modules and parameters in a {kind} would not be found, nor trained: "
            f"use {_REGISTERING[isinstance(container, dict)]}, or an "
            "attribute for each (x.detach() for a variable that is only kept)"
        )


def _contains_modules(container: Container, module_class: type) -> bool:
    for item in container.values() if isinstance(container, dict) else container:
        if type(item) in _PLAIN:
            continue
        if isinstance(item, CONTAINERS):
            if _contains_modules(item, module_class):
                return True
        elif isinstance(item, module_class) or is_variable(item):
            return True
    return False


def check_hides_no_method(owner: object, name: str, value: object) -> None:
    """Refuse what is no function under the name of a method.

    Raises:
        UsageError: it would hide the method.
    """
    if isfunction(getattr(type(owner), name, None)):
        raise UsageError(
            f"{type(owner).__name__}.{name} is a method, which a {type(value).__name__} of this name would hide: "
            "choose another name"
        )
