"""`ForeignFunction`: a derivative rule of foreign code, named `module:Class.method`, whose source is mutated."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from types import FunctionType, MethodType
from typing import Any, Final

import pytest

from minigrad.testing.mutation.function_swap import function_replaced, original
from minigrad.testing.mutation.mutate_source import SourceMutant, source_mutants
from minigrad.typing import Function


@dataclass(frozen=True)
class ForeignFunction:
    """A function that is no op's rule.

    Attributes:
        name: as `module:Class.method`.
        function: the function.
    """

    name: str
    function: FunctionType

    @classmethod
    def named(cls, name: str) -> ForeignFunction:
        """The function with this name, imported if it is not yet.

        Args:
            name: such as `mylayers:Share.backward`; `mylayers` may be the end of a module's name.

        Raises:
            pytest.UsageError: there is none, or it is not written in Python.
        """
        module_name, _, path = name.partition(":")
        found: Any = _module(module_name)
        for part in path.split("."):
            if not hasattr(found, part):
                raise pytest.UsageError(f"--grad-mutants: {module_name} has no {path}")
            found = getattr(found, part)
        found = found.__func__ if isinstance(found, MethodType) else found
        if not isinstance(found, FunctionType):
            raise pytest.UsageError(f"--grad-mutants: {name} is no function written in Python")
        return cls(name, found)

    @contextmanager
    def replaced(self, replacement: Callable[[Function], Function]) -> Iterator[None]:
        """Put another function in its place until the end of the block, wherever it is held.

        Args:
            replacement: from the function to the one in its place.
        """
        with function_replaced(self.function, replacement(original(self.function))):
            yield

    def mutants(self) -> list[SourceMutant]:
        """The changed copies of it and of the private functions that it calls."""
        return source_mutants(self.function)


def _module(name: str) -> Any:
    """A module by its name, or by the end of the name of one that was imported."""
    loaded = [module for full, module in list(sys.modules.items()) if full == name or full.endswith(f".{name}")]
    if loaded:
        return loaded[0]
    try:
        return import_module(name)
    except ImportError as error:
        raise pytest.UsageError(f"--grad-mutants: there is no module {name!r} ({error})") from error


def _each(change: Callable[[Any], Any]) -> Callable[[Function], Function]:
    """From a rule to the one whose gradients are all changed."""

    def of_rule(rule: Function) -> Function:
        def changed(*args: Any, **settings: Any) -> Any:
            found = rule(*args, **settings)
            if isinstance(found, (tuple, list)):
                return type(found)([None if g is None else change(g) for g in found])
            return change(found) if found is not None else None

        return changed

    return of_rule


WRAPPED: Final[dict[str, Callable[[Function], Function]]] = {
    "sign flipped": _each(lambda g: -g),
    "factor 2": _each(lambda g: g * 2),
}
"""What is done to all gradients that a rule gives, in whatever framework; a function in their place is left alone."""
