"""Dry run: run a user's function once under a trace, and restore what it has changed.

A function that computes a loss usually does more than that: batch normalization updates its running statistics, dropout
draws random numbers. What the function can reach (through its closure, the globals it names, its arguments) is searched
for modules and generators, and these are restored afterward.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Final, TypeVar

import numpy as np

from minigrad.autograd.node import override_state
from minigrad.autograd.tensor import Tensor, record
from minigrad.autograd.trace import Trace, trace
from minigrad.nn import Module
from minigrad.rng import rng_state, set_rng_state

T = TypeVar("T")
MAX_OBJECTS: Final = 10_000
"""The search through the objects of a program ends after so many."""


def dry_run(f: Callable[..., T], inputs: tuple[object, ...], modules: list[Module]) -> tuple[T, Trace]:
    """Run f(*inputs) under a trace, and restore the modules and all random generators that it can reach.

    It is recorded even where the caller is inside of `no_grad()`, and other watchers (`anomaly()`) do not see it.

    Args:
        f: the function.
        inputs: its arguments.
        modules: the modules to restore, as `modules_within` finds them.

    Returns:
        What f returned, and the trace.
    """
    plain_recording = override_state(recorder=record, watcher=None, scope=None)
    restoring = restored(modules, generators_within(f, inputs, modules))
    with np.errstate(all="ignore"), restoring, plain_recording, trace() as seen:
        out = f(*inputs)
    return out, seen


def modules_within(*roots: object) -> list[Module]:
    """The outermost modules that functions or other objects can reach, in the order of a breadth-first search."""
    found = [reached for reached in _reachable(roots) if isinstance(reached, Module)]
    inner = {id(module) for outer in found for module in list(outer.modules())[1:]}
    return [module for module in found if id(module) not in inner]


def generators_within(f: object, inputs: tuple[object, ...], modules: list[Module]) -> list[np.random.Generator]:
    """The random generators that a function can reach, those of the modules included."""
    attributes = [vars(module) for outer in modules for module in outer.modules()]
    found = _reachable((f, *inputs, *attributes))
    return [reached for reached in found if isinstance(reached, np.random.Generator)]


def _reachable(roots: tuple[object, ...]) -> Iterator[Module | np.random.Generator]:
    """Modules and generators, found breadth first; modules are not searched any deeper."""
    waiting = list(roots)
    seen: set[int] = set()
    for reached in waiting:  # grows while it is read
        if id(reached) in seen:
            continue
        seen.add(id(reached))
        if isinstance(reached, (Module, np.random.Generator)):
            yield reached
        elif len(waiting) < MAX_OBJECTS:
            waiting += _held_by(reached)


def _held_by(holder: object) -> list[object]:
    """The objects that an object holds and a function can be expected to use."""
    if isinstance(holder, FunctionType):
        named = [holder.__globals__[name] for name in _names(holder.__code__) if name in holder.__globals__]
        return [*_closure(holder), *(holder.__defaults__ or ()), *(holder.__kwdefaults__ or {}).values(), *named]
    if isinstance(holder, MethodType):
        return [holder.__self__, holder.__func__]
    if isinstance(holder, functools.partial):
        return [holder.func, *holder.args, *holder.keywords.values()]
    if isinstance(holder, dict):
        return list(holder.values())
    if isinstance(holder, (list, tuple, set)):
        return list(holder)
    if isinstance(holder, (type, ModuleType, Tensor, np.ndarray, np.generic)) or _is_library(type(holder).__module__):
        return []
    return list(getattr(holder, "__dict__", {}).values())


def _is_library(module: str) -> bool:
    """Whether a class is of minigrad, NumPy or Python itself, and so holds no model of the user's."""
    return module.partition(".")[0] in ("builtins", "minigrad", "numpy")


def _closure(function: FunctionType) -> list[object]:
    found = []
    for cell in function.__closure__ or ():
        try:
            found.append(cell.cell_contents)
        except ValueError:  # not assigned yet
            continue
    return found


def _names(code: CodeType) -> list[str]:
    """The names that a function's code looks up, those of functions inside of it included."""
    inner = [name for constant in code.co_consts if isinstance(constant, CodeType) for name in _names(constant)]
    return [*code.co_names, *inner]


@contextmanager
def restored(modules: list[Module], generators: list[np.random.Generator]) -> Iterator[None]:
    """Restore the attributes and buffers of the modules, and the state of all random generators, after the block."""
    distinct = list({id(module): module for outer in modules for module in outer.modules()}.values())
    attributes = [(module, dict(vars(module))) for module in distinct]
    held = [(x, x.copy()) for _, former in attributes for x in former.values() if type(x) in (dict, list, set)]
    buffers = [(buffer, buffer._data, buffer._data.copy()) for module in distinct for buffer in module.buffers()]
    states = [(generator, generator.bit_generator.state) for generator in generators]
    default = rng_state()
    try:
        yield
    finally:
        for module, former in attributes:
            vars(module).clear()
            vars(module).update(former)
        for container, content in held:  # also the dicts in which modules register their parameters
            container.clear()
            container.extend(content) if isinstance(container, list) else container.update(content)
        for buffer, array, values in buffers:
            if not np.array_equal(array, values, equal_nan=True):
                array[...] = values
            buffer._data = array
        for generator, state in states:
            generator.bit_generator.state = state
        set_rng_state(default)
