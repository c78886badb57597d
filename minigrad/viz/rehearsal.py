"""Running a user's function once under a trace, and putting back what that has changed.

A function that gives a loss usually does more than computing it: batch normalization moves its running statistics,
dropout draws random numbers. What the function can reach (through its closure, the globals it names, its arguments)
is searched for modules and generators, and these are afterwards as they were before.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any, Final

import numpy as np

from minigrad.autograd.node import override_state
from minigrad.autograd.tensor import Tensor, record
from minigrad.autograd.trace import Trace, trace
from minigrad.nn import Module
from minigrad.rng import rng_state, set_rng_state

MOST_OBJECTS: Final = 10_000  # a search through a program's objects has to end somewhere


def rehearse(f: Callable[..., Any], inputs: tuple[Any, ...], modules: list[Module]) -> tuple[Any, Trace]:
    """What f(*inputs) gives, and all that happened; buffers and random generators are afterwards as before.

    It is recorded even where the caller is inside of `no_grad()`, and whatever else watches is left out of it.
    """
    untouched = restored(modules, generators_within(f, inputs, modules))
    with (
        np.errstate(all="ignore"),
        untouched,
        override_state(recorder=record, watcher=None, scope=None),
        trace() as seen,
    ):
        out = f(*inputs)
    return out, seen


def modules_within(*roots: Any) -> list[Module]:
    """The outermost modules that a function, or anything else, can reach: their order is that of the search."""
    found = [thing for thing in _reachable(roots) if isinstance(thing, Module)]
    inner = {id(part) for module in found for part in list(module.modules())[1:]}
    return [module for module in found if id(module) not in inner]


def generators_within(f: Any, inputs: tuple[Any, ...], modules: list[Module]) -> list[np.random.Generator]:
    """The random generators that a function can reach, those of the modules included."""
    parts = [vars(part) for module in modules for part in module.modules()]
    return [thing for thing in _reachable((f, *inputs, *parts)) if isinstance(thing, np.random.Generator)]


def _reachable(roots: tuple[Any, ...]) -> Iterator[Any]:
    """Modules and generators, found breadth first; modules are not searched any deeper."""
    waiting = list(roots)
    seen: set[int] = set()
    for thing in waiting:  # grows while it is read
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        if isinstance(thing, (Module, np.random.Generator)):
            yield thing
        elif len(waiting) < MOST_OBJECTS:
            waiting += _parts(thing)


def _parts(thing: Any) -> list[Any]:
    """What an object holds, as far as a function can be expected to use it."""
    if isinstance(thing, FunctionType):
        named = [thing.__globals__[name] for name in _names(thing.__code__) if name in thing.__globals__]
        return [*_closure(thing), *(thing.__defaults__ or ()), *(thing.__kwdefaults__ or {}).values(), *named]
    if isinstance(thing, MethodType):
        return [thing.__self__, thing.__func__]
    if isinstance(thing, functools.partial):
        return [thing.func, *thing.args, *thing.keywords.values()]
    if isinstance(thing, dict):
        return list(thing.values())
    if isinstance(thing, (list, tuple, set)):
        return list(thing)
    if isinstance(thing, (type, ModuleType, Tensor, np.ndarray, np.generic)) or _foreign(type(thing).__module__):
        return []
    return list(getattr(thing, "__dict__", {}).values())


def _foreign(module: str) -> bool:
    """Whether a class is of the library, or of Python itself, and so holds no model of the user's."""
    return module.partition(".")[0] in ("builtins", "minigrad", "numpy")


def _closure(function: FunctionType) -> list[Any]:
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
    """Put back, at the end, the attributes and buffers of the modules, and the state of all random generators."""
    parts = list({id(part): part for module in modules for part in module.modules()}.values())
    attributes = [(part, dict(vars(part))) for part in parts]
    held = [(x, x.copy()) for _, former in attributes for x in former.values() if type(x) in (dict, list, set)]
    buffers = [(buffer, buffer._data, buffer._data.copy()) for part in parts for buffer in part.buffers()]
    states = [(generator, generator.bit_generator.state) for generator in generators]
    default = rng_state()
    try:
        yield
    finally:
        for part, former in attributes:
            vars(part).clear()
            vars(part).update(former)
        for container, content in held:  # the registers of the modules among them
            container.clear()
            container.extend(content) if isinstance(container, list) else container.update(content)
        for buffer, array, values in buffers:
            if not np.array_equal(array, values, equal_nan=True):
                array[...] = values
            buffer._data = array
        for generator, state in states:
            generator.bit_generator.state = state
        set_rng_state(default)
