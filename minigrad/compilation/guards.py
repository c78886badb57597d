"""`Guards`: what a function depends on beside its arguments, remembered so that a change is noticed.

Everything that is reached from the function is looked at: closure cells, defaults, the globals that its code names,
attributes and classes of objects, items of lists and dicts, values of NumPy arrays. Scalars and arrays count by value,
everything else by identity. Values of Tensors may change: a program reads them anew.

What is only made of minigrad, NumPy and the standard library is not entered, apart from attributes; nor are the
settings and states of optimizers, since these are asked at each step anyway.
"""

from __future__ import annotations

import io
import random
from collections import deque
from collections.abc import Callable, Iterator
from operator import is_
from typing import Any

import numpy as np

from minigrad.autograd.tensor import Tensor
from minigrad.compilation.identity_check import identity_check
from minigrad.compilation.reachable import Parts, parts_of
from minigrad.nn import Module
from minigrad.rng import times_seeded

SCALARS = (bool, int, float, complex, str, bytes, np.generic, np.dtype)
MOST = 20_000  # things that are looked at
MOST_BYTES = 1 << 24  # of arrays that are compared at each call


class Guard:
    """Parts of one thing: where they are read, what they were, and what they are called."""

    __slots__ = ("parts", "read", "values")

    def __init__(self, parts: Parts) -> None:
        self.parts, self.read = parts, parts.read
        self.values = tuple(parts.read())

    def holds(self) -> bool:
        """Whether all parts are what they were."""
        now = self.read()
        return len(now) == len(self.values) and (all(map(is_, now, self.values)) or all(map(_equal, now, self.values)))

    def changed(self) -> str:
        """The name of a part that is not what it was."""
        now, path = self.read(), self.parts.path
        if len(now) == len(self.values):
            for name, one, other in zip(self.parts.names(), now, self.values, strict=False):
                if not _equal(one, other):
                    return f"{path}{name} (it was {_short(other)}, and is {_short(one)})"
        return f"{path or 'something'} (it had {len(self.values)} parts, and has {len(now)})"


class Guards:
    """What was reached from a function, and its Tensors.

    Args:
        roots: the function, and other objects that the call was given, by name.

    Attributes:
        tensors: the Tensors that were reached, with the paths to them.
        refusal: why there can be no program, if that is seen: hooks, iterators, or too much to be looked at.
    """

    def __init__(self, roots: dict[str, object]) -> None:
        self.guards: list[Guard] = []
        self.tensors: dict[Tensor, str] = {}
        self.refusal: str | None = None
        self._generators: dict[str, Any] = {}
        self._bytes = 0
        self._seen: dict[int, object] = {}
        waiting = deque(roots.items())
        while waiting and len(self._seen) < MOST:
            path, value = waiting.popleft()
            if value is None or isinstance(value, SCALARS) or id(value) in self._seen:
                continue
            self._seen[id(value)] = value
            waiting.extend(self._enter(path, value))
        if waiting:
            self._refuse("it reaches too much to be watched for changes")
        self._of_tensors = [(x, x.node, x._data.dtype, x._data.shape) for x in self.tensors]
        self._states = {path: _state(each) for path, each in self._generators.items()}
        self._global_states, self._seeded = _global_states(), times_seeded()
        self._identical: Callable[[], bool] | None = None

    def prepare(self) -> None:
        """Make ready for many calls: nearly always everything is the very same, which one function tells."""
        self._identical = identity_check(self.guards, self._of_tensors)

    def holds(self) -> bool:
        """Whether nothing has changed but values of Tensors."""
        if self._identical is not None and self._identical():
            return True
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

    def drawn(self, seen: set[int]) -> str | None:
        """What has given random numbers since, apart from generators of which it was seen, by their ids; or None."""
        if times_seeded() != self._seeded:
            return "a generator that is seeded inside"
        if _global_states() != self._global_states:
            return "random or np.random"
        for path, each in self._generators.items():
            if id(each) not in seen and _state(each) != self._states[path]:
                return path
        return None

    def _enter(self, path: str, value: Any) -> Iterator[tuple[str, object]]:
        """What stands in a value, guarded, with the paths to it."""
        if isinstance(value, Tensor):
            self.tensors[value] = path
            return
        if isinstance(value, Module) and value._hooks is not None:
            self._refuse(f"{path} has hooks, whose Python would not run")
        if isinstance(value, Iterator) and not isinstance(value, io.IOBase):
            self._refuse(f"{path} is an iterator ({type(value).__name__}), whose state cannot be looked at")
        if isinstance(value, (np.random.Generator, np.random.RandomState, random.Random)):
            self._generators[path] = value
        if isinstance(value, np.ndarray):
            self._bytes += value.nbytes
            if self._bytes > MOST_BYTES:
                self._refuse(
                    f"{path} and other NumPy arrays would have to be compared at each call: make them Tensors, or "
                    "give them as arguments"
                )
                return
        for parts in parts_of(path, value):
            guard = Guard(parts)
            if type(value) is not tuple:  # what stands in one cannot be replaced
                self.guards.append(guard)
            if parts.entered:
                yield from [(parts.path + n, x) for n, x in zip(parts.names(), guard.values, strict=False)]

    def _refuse(self, reason: str) -> None:
        self.refusal = self.refusal or reason


def scalar_key(x: Any) -> Any:
    """What is equal for scalars that no function tells apart: 0.0 and -0.0 are two, NaN and NaN are one."""
    if isinstance(x, np.generic):
        return x.dtype, x.tobytes()
    return repr(x) if isinstance(x, (float, complex)) else x


def _equal(one: Any, other: Any) -> bool:
    """Scalars by value, everything else by identity."""
    if one is other:
        return True
    return type(one) is type(other) and isinstance(one, SCALARS) and bool(scalar_key(one) == scalar_key(other))


def _state(generator: Any) -> str:
    """The state of a random generator."""
    if isinstance(generator, random.Random):
        return repr(generator.getstate())
    if isinstance(generator, np.random.RandomState):
        return repr(generator.get_state(legacy=False))
    return repr(generator.bit_generator.state)


def _global_states() -> tuple[Any, ...]:
    """The states of the generators that everybody draws from."""
    return random.getstate(), repr(np.random.get_state(legacy=False))


def _short(value: object) -> str:
    return repr(value) if isinstance(value, SCALARS) and not isinstance(value, bytes) else f"a {type(value).__name__}"
