"""`Guards`: what a function depends on beside its arguments, remembered so that a change is noticed.

Everything that is reached from the function is looked at: closure cells, defaults, the globals that its code names,
attributes of modules and of plain objects, items of lists and dicts. Scalars count by value, everything else by
identity. Values of Tensors may change: a program reads them anew.

What is only made of minigrad, NumPy and the standard library is not entered, apart from modules' attributes; nor are
the settings and states of optimizers, since these are asked at each step anyway.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from operator import is_
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from minigrad.autograd.tensor import Tensor
from minigrad.nn import Module
from minigrad.optim import Optimizer

FOREIGN = frozenset({*sys.stdlib_module_names, "numpy", "minigrad"}) - {"__main__"}
"""Packages whose functions and objects are not entered."""

SCALARS = (bool, int, float, complex, str, bytes, np.generic, np.dtype)
MOST = 20_000  # things that are looked at

Read = Callable[[], Collection[Any]]


class Guard:
    """One thing with several parts: where they are read, what they were, and what it is called."""

    __slots__ = ("names", "path", "read", "values")

    def __init__(self, path: str, read: Read, names: Read) -> None:
        self.path, self.read, self.names = path, read, names
        self.values = tuple(read())

    def holds(self) -> bool:
        """Whether all parts are what they were."""
        now = self.read()
        return len(now) == len(self.values) and (all(map(is_, now, self.values)) or all(map(_equal, now, self.values)))

    def changed(self) -> str:
        """The name of a part that is not what it was."""
        now, names = self.read(), self.names()
        if len(now) == len(self.values):
            for name, one, other in zip(names, now, self.values, strict=True):
                if not _equal(one, other):
                    return f"{self.path}{name} (it was {_short(other)}, and is {_short(one)})"
        return f"{self.path or 'something'} (it had {len(self.values)} parts, and has {len(now)})"


class Guards:
    """What was reached from a function, and its Tensors.

    Args:
        roots: the function, and other objects that the call was given, by name.

    Attributes:
        tensors: the Tensors that were reached, with the paths to them.
        hooked: the paths of modules that have hooks.
        complete: whether everything was looked at; False if there was too much.
    """

    def __init__(self, roots: dict[str, object]) -> None:
        self.guards: list[Guard] = []
        self.tensors: dict[Tensor, str] = {}
        self.hooked: list[str] = []
        self._seen: dict[int, object] = {}
        waiting = deque(roots.items())
        while waiting and len(self._seen) < MOST:
            path, value = waiting.popleft()
            if value is None or isinstance(value, SCALARS) or id(value) in self._seen:
                continue
            self._seen[id(value)] = value
            waiting.extend(self._parts(path, value))
        self.complete = not waiting
        self._of_tensors = [(x, x.node, x._data.dtype, x._data.shape) for x in self.tensors]

    def holds(self) -> bool:
        """Whether nothing has changed but values of Tensors."""
        for guard in self.guards:
            now, values = guard.read(), guard.values  # not in a function of its own: this runs at each call
            if (len(now) != len(values) or not all(map(is_, now, values))) and not guard.holds():
                return False
        for x, node, dtype, shape in self._of_tensors:
            if x.node is not node or x._data.dtype is not dtype or x._data.shape != shape:
                return False
        return True

    def changed(self) -> str | None:
        """What has changed, or None."""
        for guard in self.guards:
            if not guard.holds():
                return guard.changed()
        for x, node, dtype, shape in self._of_tensors:
            if x.node is not node or x._data.dtype is not dtype or x._data.shape != shape:
                return f"{self.tensors[x]}, a Tensor (its dtype, or whether it requires gradients)"
        return None

    # ---- what is reached from where --------------------------------------------------------------------------

    def _parts(self, path: str, value: Any) -> Iterator[tuple[str, object]]:
        """What stands in a value, guarded, with the paths to it."""
        if isinstance(value, Tensor):
            self.tensors[value] = path
            return
        read = _reader(value)
        if isinstance(value, (FunctionType, MethodType, partial)):
            yield from self._of_function(path, value)
        elif read is not None:
            if isinstance(value, Module) and value._hooks is not None:
                self.hooked.append(path)
            guard = Guard(path, *read)
            self.guards.append(guard)
            for name, part in zip(guard.names(), guard.values, strict=True):
                yield path + name, part
            if isinstance(value, Module) and _root(type(value)) not in FOREIGN:
                yield f"{type(value).__name__}.forward", type(value).forward
        elif isinstance(value, Optimizer):
            guard = Guard(
                path,
                lambda: [value.param_groups, value.state, *value.param_groups],
                lambda: [".param_groups", ".state"] + [f".param_groups[{k}]" for k in range(len(value.param_groups))],
            )
            self.guards.append(guard)
            for k, group in enumerate(value.param_groups):
                yield f"{path}.param_groups[{k}]['params']", group["params"]

    def _of_function(self, path: str, value: Any) -> Iterator[tuple[str, object]]:
        if isinstance(value, MethodType):
            yield path, value.__func__
            yield f"{path}.__self__", value.__self__
            return
        if isinstance(value, partial):
            yield path, value.func
            yield f"{path}.args", value.args
            yield f"{path}.keywords", value.keywords
            return
        cells = [cell for cell in value.__closure__ or () if _filled(cell)]
        free = value.__code__.co_freevars
        if cells:
            yield from self._guarded("", lambda: [cell.cell_contents for cell in cells], free)
        yield f"{path}.__defaults__", value.__defaults__
        yield f"{path}.__kwdefaults__", value.__kwdefaults__
        if _root(value) not in FOREIGN:
            space, names = value.__globals__, _names(value.__code__)
            known = [name for name in names if name in space]
            if known:
                yield from self._guarded("", lambda: [space.get(name) for name in known], known)
            for name in known:
                module = space[name]
                if isinstance(module, ModuleType) and module.__name__.split(".")[0] not in FOREIGN:
                    parts = [part for part in names if part in vars(module)]
                    yield from self._guarded(f"{name}.", partial(_from_module, module, parts), parts)

    def _guarded(self, path: str, read: Read, names: Sequence[str]) -> Iterator[tuple[str, object]]:
        guard = Guard(path, read, lambda: names)
        self.guards.append(guard)
        for name, part in zip(names, guard.values, strict=False):
            yield path + name, part


def _reader(value: Any) -> tuple[Read, Read] | None:
    """How the parts of a value are read, and how they are called; None for what has none that count."""
    if isinstance(value, dict):
        return value.values, lambda: [f"[{key!r}]" for key in value]
    if isinstance(value, (list, tuple, deque)):
        return lambda: value, lambda: [f"[{k}]" for k in range(len(value))]
    if isinstance(value, (set, frozenset)):
        return lambda: value, lambda: ["{...}" for _ in value]
    is_plain = _root(type(value)) not in FOREIGN and not isinstance(
        value, (type, ModuleType, FunctionType, BuiltinFunctionType, np.ndarray, Optimizer)
    )
    attributes = getattr(value, "__dict__", None)
    if (is_plain or isinstance(value, Module)) and isinstance(attributes, dict):
        return attributes.values, lambda: [f".{name}" for name in attributes]
    return None


def _from_module(module: ModuleType, names: Sequence[str]) -> list[Any]:
    space = vars(module)
    return [space.get(name) for name in names]


def _root(value: Any) -> str:
    """The package that a function or class belongs to."""
    return str(getattr(value, "__module__", None) or "").split(".")[0]


def _filled(cell: Any) -> bool:
    try:
        cell.cell_contents  # noqa: B018  (raises where the variable is not there yet)
    except ValueError:
        return False
    return True


def _names(code: CodeType) -> list[str]:
    """The global names and attributes that code uses, that of functions inside included."""
    names = list(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names += _names(constant)
    return list(dict.fromkeys(names))


def _equal(one: Any, other: Any) -> bool:
    """Scalars by value, everything else by identity."""
    if one is other:
        return True
    return (
        type(one) is type(other) and isinstance(one, SCALARS) and bool(one == other or (one != one and other != other))
    )


def _short(value: object) -> str:
    return repr(value) if isinstance(value, SCALARS) else f"a {type(value).__name__}"
