"""`python_call` and `python_check`: what is done by plain Python and NumPy, for programs to call again.

A program (`minigrad.compile`) is made of calls of ops and rules. What happens outside of these it cannot see, unless
the function that does it is marked: then the call is an instruction of the program, and the function itself runs at
each replay, with whatever settings and state it finds. Arguments are given by position.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar, cast

from minigrad.autograd.node import STATE

P = ParamSpec("P")
R = TypeVar("R")


def python_call(function: Callable[P, R]) -> Callable[P, R]:
    """Mark a function that changes state or draws random numbers.

    It may write to Tensors that it is given, and to whatever else its arguments lead to; of its results only arrays
    may differ between calls.
    """
    return _marked(function, pure=False)


def python_check(function: Callable[P, R]) -> Callable[P, R]:
    """Mark a function that looks at values, and changes nothing: it may raise, and return arrays.

    Where it returns something else than before, beside arrays, the program is left, and the call runs eagerly. One that
    returns None always does.
    """
    return _marked(function, pure=True)


def _marked(function: Callable[P, R], *, pure: bool) -> Callable[P, R]:
    @wraps(function)
    def call(*args: P.args, **settings: P.kwargs) -> R:
        if STATE.capture is None:
            return function(*args, **settings)
        return cast(R, STATE.capture.call(function, args, pure))

    return call
