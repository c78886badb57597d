"""Choose between a kernel's plain NumPy definition and its compiled twin.

The twin of `conv.conv` is `conv_numba.conv`, found by name, with the same arguments. It may answer
NotImplemented, as in Python's own operators, when it has nothing better to offer for these arguments.
Numba is imported by the first call that is large enough to profit from it.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, wraps
from importlib import import_module
from importlib.util import find_spec
from typing import Any, ParamSpec, TypeVar, cast

P = ParamSpec("P")
R = TypeVar("R")

SMALL = 1 << 13  # elements in the first argument: below, NumPy is done before a compiled kernel is reached

_state = threading.local()


@cache
def available() -> bool:
    """Whether Numba is installed."""
    return find_spec("numba") is not None


@contextmanager
def plain() -> Iterator[None]:
    """Use the NumPy definitions only, in this thread."""
    before = getattr(_state, "plain", False)
    _state.plain = True
    try:
        yield
    finally:
        _state.plain = before


def twin(definition: Callable[P, R]) -> Callable[P, R]:
    """Let the compiled twin of `definition` answer for large arrays."""
    module, name = definition.__module__ + "_numba", definition.__name__

    @wraps(definition)
    def kernel(*args: P.args, **settings: P.kwargs) -> R:
        first = cast(Any, args[0])
        if first.size >= SMALL and not getattr(_state, "plain", False) and (fast := _load(module, name)) is not None:
            result = fast(*args, **settings)
            if result is not NotImplemented:
                return cast(R, result)
        return definition(*args, **settings)

    return kernel


@cache
def _load(module: str, name: str) -> Callable[..., Any] | None:
    if not available():
        return None
    try:
        return cast(Callable[..., Any], getattr(import_module(module), name))
    except ImportError:  # a Numba that does not fit this Python or NumPy is as good as none
        return None


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile `function` on its first call with each dtype; keep the machine code on disk where that is possible."""
    import numba

    # Products may be fused into sums, but NaN and infinity keep their meaning.
    compile_with = {"nogil": True, "error_model": "numpy", "fastmath": {"contract"}}
    try:
        return cast(Callable[P, R], numba.njit(cache=True, **compile_with)(function))
    except RuntimeError:  # no folder is writable
        return cast(Callable[P, R], numba.njit(**compile_with)(function))
