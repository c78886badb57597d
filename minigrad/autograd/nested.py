"""Nested containers of Tensors: dicts, lists, tuples and named tuples, taken apart and put together again.

The arguments and results of differentiated functions may be such containers: the parameters of a model, say, as a dict.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

T = TypeVar("T")

Nested = Any  # a recursive type of unknown keys and depth
"""A value, or a dict, list or tuple of such, to any depth."""


def leaves(nested: Nested, path: str = "") -> Iterator[tuple[str, Any]]:
    """What stands in the containers, with the path to each, such as `['weights'][0]`. None is nothing."""
    if isinstance(nested, dict):
        for key, part in nested.items():
            yield from leaves(part, f"{path}[{key!r}]")
    elif is_container(nested):
        for k, part in enumerate(nested):
            yield from leaves(part, f"{path}[{k}]")
    elif nested is not None:
        yield path, nested


def is_container(value: object) -> bool:
    """Whether a value is a dict, a list or a tuple."""
    return isinstance(value, (dict, list, tuple))


def rebuilt(nested: Nested, values: Iterable[Any]) -> Nested:
    """The same containers with other values in them, in the order of `leaves`."""
    return _rebuilt(nested, iter(values))


def _rebuilt(nested: Nested, values: Iterator[Any]) -> Nested:
    if isinstance(nested, dict):
        return {key: _rebuilt(part, values) for key, part in nested.items()}
    if is_container(nested):
        parts = [_rebuilt(part, values) for part in nested]
        if hasattr(nested, "_fields"):  # a named tuple
            return type(nested)(*parts)
        return parts if isinstance(nested, list) else tuple(parts)
    return None if nested is None else next(values)


def mapped(function: Callable[[Any], Any], nested: Nested) -> Nested:
    """The same containers with `function` of each value."""
    return rebuilt(nested, [function(value) for _, value in leaves(nested)])


def one_or_all(parts: Sequence[T], single: bool) -> T | tuple[T, ...]:
    """The only part, or a tuple of all."""
    return parts[0] if single else tuple(parts)
