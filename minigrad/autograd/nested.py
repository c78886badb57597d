"""Nested containers of Tensors, taken apart and put together again: dicts, lists, tuples, dataclasses, modules.

The arguments and results of differentiated functions may be such containers: the parameters of a model, say, as a dict.
A class of another kind becomes a container by `register_container`, as `nn.Module` does.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple, TypeVar

from minigrad.errors import ShapeError

T = TypeVar("T")

Nested = Any  # a recursive type of unknown keys and depth
"""A value, or a container of such, to any depth."""


class Container(NamedTuple):
    """How containers of one kind are taken apart and put together.

    Attributes:
        parts: from a container to what stands in it, with the path to each, such as `['weights']` or `[0]`.
        rebuilt: from a container and other parts, in the same order, to the same container of these.
    """

    parts: Callable[[Any], list[tuple[str, Nested]]]
    rebuilt: Callable[[Any, list[Nested]], Nested]


def _sequence(nested: Sequence[Nested], parts: list[Nested]) -> Nested:
    if hasattr(nested, "_fields"):  # a named tuple
        return type(nested)(*parts)
    return parts if isinstance(nested, list) else tuple(parts)


def _field_names(nested: Any) -> list[str]:
    """The fields of a dataclass that are values, all but those with `metadata={"static": True}`."""
    return [field.name for field in dataclasses.fields(nested) if not field.metadata.get("static", False)]


def _dataclass(nested: Any, parts: list[Nested]) -> Nested:
    result = copy.copy(nested)  # __init__ might check or convert what it is given, or not take all fields
    for name, part in zip(_field_names(nested), parts, strict=True):
        object.__setattr__(result, name, part)  # which frozen ones allow
    return result


_SEQUENCE: Final = Container(lambda nested: [(f"[{k}]", part) for k, part in enumerate(nested)], _sequence)
_DATACLASS: Final = Container(lambda x: [(f".{name}", getattr(x, name)) for name in _field_names(x)], _dataclass)
_KINDS: Final[dict[type, Container]] = {
    dict: Container(
        lambda nested: [(f"[{key!r}]", part) for key, part in nested.items()],
        lambda nested, parts: dict(zip(nested, parts, strict=True)),
    ),
    list: _SEQUENCE,
    tuple: _SEQUENCE,
}


def register_container(kind: type, container: Container) -> None:
    """Treat the instances of a class as containers."""
    _KINDS[kind] = container


def _container_of(value: object) -> Container | None:
    """How a value is taken apart; None if it is no container."""
    for kind, container in _KINDS.items():
        if isinstance(value, kind):
            return container
    return _DATACLASS if dataclasses.is_dataclass(value) and not isinstance(value, type) else None


def is_container(value: object) -> bool:
    """Whether a value is a dict, a list, a tuple, a dataclass, or an instance of a registered class."""
    return _container_of(value) is not None


def part_paths(nested: Nested) -> list[tuple[str, Nested]]:
    """What stands in a container itself, with the step to each, such as `['weights']` or `[0]`."""
    container = _container_of(nested)
    return [] if container is None else container.parts(nested)


def leaves(nested: Nested, path: str = "") -> Iterator[tuple[str, Any]]:
    """What stands in the containers, with the path to each, such as `['weights'][0]`. None is nothing."""
    container = _container_of(nested)
    if container is not None:
        for step, part in container.parts(nested):
            yield from leaves(part, path + step)
    elif nested is not None:
        yield path, nested


def rebuilt(nested: Nested, values: Iterable[Any]) -> Nested:
    """The same containers with other values in them, in the order of `leaves`."""
    return _rebuilt(nested, iter(values))


def _rebuilt(nested: Nested, values: Iterator[Any]) -> Nested:
    container = _container_of(nested)
    if container is not None:
        return container.rebuilt(nested, [_rebuilt(part, values) for _, part in container.parts(nested)])
    return None if nested is None else next(values)


def mapped(function: Callable[[Any], Any], nested: Nested) -> Nested:
    """The same containers with `function` of each value."""
    return rebuilt(nested, [function(value) for _, value in leaves(nested)])


def matching(name: str, like: Nested, given: Nested) -> list[Any]:
    """The values of containers that must be those of another value.

    Raises:
        ShapeError: the containers are others.
    """
    if not is_container(like):
        return [given]  # which may be a list of numbers
    expected, found = [path for path, _ in leaves(like)], list(leaves(given))
    if expected != [path for path, _ in found]:
        raise ShapeError(
            f"{name}: the containers must be those of the function's value, with {', '.join(expected)}; "
            f"got {', '.join(path for path, _ in found) or type(given).__name__}"
        )
    return [value for _, value in found]


def one_or_all(parts: Sequence[T], single: bool) -> T | tuple[T, ...]:
    """The only part, or a tuple of all."""
    return parts[0] if single else tuple(parts)
