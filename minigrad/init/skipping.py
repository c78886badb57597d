"""`skip`: networks are made without drawing their weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, ParamSpec

from minigrad.autograd.tensor import default_dtype
from minigrad.kernels.buffers import passing_zeros
from minigrad.typing import Array

P = ParamSpec("P")

_skipping: ContextVar[bool] = ContextVar("skipping", default=False)


@contextmanager
def skip() -> Iterator[None]:
    """Draw nothing inside this block: weights that would be random are 0.

    For networks whose weights are loaded, or only counted: to draw them takes most of the time in which they are made.

    >>> from minigrad import nn
    >>> with skip():
    ...     layer = nn.Linear(100, 100)
    >>> layer.weight.data.any()
    np.False_
    """
    token = _skipping.set(True)
    try:
        yield
    finally:
        _skipping.reset(token)


def skippable(draw: Callable[P, Array]) -> Callable[P, Array]:
    """An initializer that gives zeros inside of `skip`."""

    @wraps(draw)
    def initializer(*args: P.args, **settings: P.kwargs) -> Array:
        if not _skipping.get():
            return draw(*args, **settings)
        shape: Any = args[0] if args else settings["shape"]  # a ParamSpec does not say that it begins with a shape
        return passing_zeros(shape, default_dtype())

    return initializer
