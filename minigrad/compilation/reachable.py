"""What stands in a value, for `Guards`: which parts of it count, how they are read again, and what they are called."""

from __future__ import annotations

import dis
import sys
import weakref
from array import array
from collections import deque
from collections.abc import Callable, ItemsView, Iterator, KeysView, Sequence, ValuesView
from contextvars import ContextVar
from functools import cached_property, partial
from types import (
    BuiltinFunctionType,
    CodeType,
    FunctionType,
    MappingProxyType,
    MethodType,
    MethodWrapperType,
    ModuleType,
)
from typing import Any, NamedTuple

import numpy as np

from minigrad.nn import Module
from minigrad.optim import Optimizer

FOREIGN = frozenset({*sys.stdlib_module_names, "numpy", "minigrad"}) - {"__main__"}
"""Packages whose functions and classes are not entered."""

CLOSED = frozenset({"numpy", "minigrad"})
"""Packages whose objects are not entered either, apart from modules."""

MISSING = object()
"""Stands for an attribute or a global that is not there."""

Read = Callable[[], Sequence[Any]]


class Parts(NamedTuple):
    """Parts of one value.

    Attributes:
        path: what their names begin with.
        read: reads them anew.
        names: their names.
        entered: whether what stands in them counts as well.
        source: the same parts as Python writes them in a list, of an object that is named x there, and the object.
    """

    path: str
    read: Read
    names: Read
    entered: bool = True
    source: tuple[str, Any] | None = None


def parts_of(path: str, value: Any) -> Iterator[Parts]:
    """The parts of a value that count, in groups; none for what cannot change, or is asked at each call anyway."""
    if isinstance(value, (FunctionType, MethodType, partial)):
        yield from _of_function(path, value)
    elif isinstance(value, type):
        if _root(value) not in FOREIGN:
            yield _of_space(f"{path}.", vars(value))
            yield Parts(path, lambda: _kinds(value), lambda: [f".{kind.__name__}" for kind in _kinds(value)])
    elif isinstance(value, (np.ndarray, bytearray, array, memoryview)):
        yield Parts(path, partial(_content, value), lambda: ["'s values", *["'s shape"] * getattr(value, "ndim", 0)])
        if isinstance(value, np.ndarray) and value.dtype.kind == "O":
            yield Parts(path, lambda: [*value.flat], lambda: ["[...]"] * value.size)
    elif isinstance(value, Optimizer):
        yield Parts(
            path,
            lambda: [value.param_groups, value.state, *value.param_groups],
            lambda: [".param_groups", ".state", *[f".param_groups[{k}]" for k in range(len(value.param_groups))]],
            entered=False,
            source=("x.param_groups, x.state, *x.param_groups", value),
        )
        groups = range(len(value.param_groups))
        yield Parts(
            path,
            lambda: [group["params"] for group in value.param_groups],
            lambda: [f".param_groups[{k}]['params']" for k in groups],
        )
    elif not isinstance(value, ModuleType):
        yield from _of_container(path, value)
        yield from _of_object(path, value)


def _of_container(path: str, value: Any) -> Iterator[Parts]:
    if isinstance(value, (dict, MappingProxyType)):
        names = lambda: [*["'s keys"] * len(value), *_in_brackets(value)]  # noqa: E731
        yield Parts(path, lambda: [*value, *value.values()], names, source=("*x, *x.values()", value))
    elif isinstance(value, (list, tuple, deque)):
        yield Parts(path, lambda: [*value], lambda: _in_brackets(range(len(value))), source=("*x", value))
    elif isinstance(value, (set, frozenset)):
        yield Parts(path, lambda: [*value], lambda: ["{...}" for _ in value])
    elif isinstance(value, (KeysView, ValuesView, ItemsView)) and hasattr(value, "mapping"):
        yield Parts(path, lambda: [*value.mapping, *value.mapping.values()], lambda: [".mapping"] * 2 * len(value))
    elif isinstance(value, weakref.ref):
        yield Parts(path, lambda: [value()], lambda: ["()"])
    elif isinstance(value, (BuiltinFunctionType, MethodWrapperType)):
        yield Parts(path, lambda: [value.__self__], lambda: [".__self__"])
    elif isinstance(value, ContextVar):
        yield Parts(path, lambda: [value.get(MISSING)], lambda: [".get()"])


def _of_object(path: str, value: Any) -> Iterator[Parts]:
    """Attributes and the class, or what stands behind a decorated function or a property."""
    kind = type(value)
    inner = [name for name in ("__wrapped__", "__func__", "fget", "func") if _wraps(value, name)]
    if inner:
        yield Parts(path, lambda: [getattr(value, name) for name in inner], lambda: [""] * len(inner))
    if isinstance(value, BuiltinFunctionType) or (_root(kind) in CLOSED and not isinstance(value, Module)):
        return
    if isinstance(getattr(value, "__dict__", None), dict):
        yield Parts(
            path,
            lambda: [type(value), *value.__dict__, *value.__dict__.values()],
            lambda: ["'s class", *["'s names"] * len(value.__dict__), *[f".{name}" for name in value.__dict__]],
            source=("type(x), *x.__dict__, *x.__dict__.values()", value),
        )
    if _root(kind) not in FOREIGN:
        slots = [name for each in kind.__mro__ for name in _slots(each)]
        if slots:
            yield Parts(
                path,
                lambda: [type(value), *[_in_slot(value, name) for name in slots]],
                lambda: ["'s class", *[f".{name}" for name in slots]],
            )


def _of_function(path: str, value: Any) -> Iterator[Parts]:
    if isinstance(value, MethodType):
        yield Parts(path, lambda: [value.__func__, value.__self__], lambda: ["", ".__self__"])
        return
    if isinstance(value, partial):
        yield Parts(path, lambda: [value.func, value.args, value.keywords], lambda: ["", ".args", ".keywords"])
        return
    own = ("__code__", "__defaults__", "__kwdefaults__", "__dict__")
    source = (", ".join([f"x.{name}" for name in own]), value)
    yield Parts(
        path, lambda: [getattr(value, name) for name in own], lambda: [f".{name}" for name in own], source=source
    )
    cells, free = value.__closure__ or (), value.__code__.co_freevars
    if cells:
        contents = ", ".join([f"x[{k}].cell_contents" for k in range(len(cells))])
        yield Parts("", lambda: list(map(_in_cell, cells)), lambda: free, source=(contents, cells))
    if _root(value) in FOREIGN:
        return
    space, names = value.__globals__, _globals(value.__code__)
    if names:
        yield _of_space("", space, names)
    modules = [*map(_in_cell, cells), *[space.get(name) for name in names]]
    modules += [sys.modules.get(name) for name in _imported(value.__code__)]
    yield from _of_modules([each for each in modules if isinstance(each, ModuleType)], _names(value.__code__))


def _of_modules(modules: list[ModuleType], names: Sequence[str]) -> Iterator[Parts]:
    """What code may ask modules for, by all names that it has."""
    seen: set[int] = set()
    while modules:
        module = modules.pop()
        if id(module) in seen:
            continue
        seen.add(id(module))
        parts = [name for name in names if name in vars(module)]
        if parts:
            entered = module.__name__.split(".")[0] not in FOREIGN
            yield _of_space(f"{module.__name__}.", vars(module), parts)._replace(entered=entered)
        modules += [part for part in map(vars(module).get, parts) if isinstance(part, ModuleType)]


def _of_space(path: str, space: Any, names: Sequence[str] | None = None) -> Parts:
    """The names of a class or module, or some of them."""
    source: tuple[str, Any] | None = ("*x, *x.values()", space)
    if names is None:
        return Parts(path, lambda: [*space, *space.values()], lambda: [*space, *space], source=source)
    items = ", ".join([f"x[{name!r}]" for name in names])
    source = (items, space) if all(name in space for name in names) else None
    return Parts(path, lambda: [space.get(name, MISSING) for name in names], lambda: names, source=source)


def _content(value: Any) -> list[Any]:
    """What somebody could write into an array, as something that nobody can."""
    return [value.tobytes() if hasattr(value, "tobytes") else bytes(value), *getattr(value, "shape", ())]


def _wraps(value: Any, name: str) -> bool:
    if name in ("fget", "func"):
        return isinstance(value, property if name == "fget" else cached_property)
    if name == "__func__":
        return isinstance(value, (staticmethod, classmethod))
    return name in (getattr(value, "__dict__", None) or ())


def _slots(kind: type) -> list[str]:
    slots = vars(kind).get("__slots__", ())
    names = [slots] if isinstance(slots, str) else list(slots)
    private = f"_{kind.__name__.lstrip('_')}"
    return [f"{private}{n}" if n.startswith("__") and not n.endswith("__") else n for n in names]


def _kinds(value: type) -> list[type]:
    return [type(value), *value.__bases__]


def _in_slot(value: Any, name: str) -> Any:
    try:
        return object.__getattribute__(value, name)  # without the value's own `__getattr__`
    except AttributeError:
        return MISSING


def _in_cell(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # where the variable is not there yet
        return MISSING


def _in_brackets(keys: Any) -> list[str]:
    return [f"[{key!r}]" for key in keys]


def _root(value: Any) -> str:
    """The package that a function or class belongs to."""
    return str(getattr(value, "__module__", None) or "").split(".")[0]


def _codes(code: CodeType) -> Iterator[CodeType]:
    """Code, and that of the functions inside."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _names(code: CodeType) -> list[str]:
    """The global names and attributes that code uses."""
    return list(dict.fromkeys([name for each in _codes(code) for name in each.co_names]))


def _globals(code: CodeType) -> list[str]:
    """The global names that code uses."""
    return _arguments(code, ("LOAD_GLOBAL", "LOAD_NAME"))


def _imported(code: CodeType) -> list[str]:
    """The modules that code imports when it runs."""
    return _arguments(code, ("IMPORT_NAME",))


def _arguments(code: CodeType, ops: Sequence[str]) -> list[str]:
    found = [i.argval for each in _codes(code) for i in dis.get_instructions(each) if i.opname in ops]
    return list(dict.fromkeys(found))
