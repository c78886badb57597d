"""Another function in the place of one, wherever that is already held: its code is exchanged, not the object.

Rules of foreign code are held by classes, by `custom_vjp` objects, in tables and closures. All of them hold the same
function object, so it keeps its identity and calls something else until the end of the block.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import CodeType, FunctionType
from typing import Any, Final

from minigrad.typing import Function

_HOOK: Final = "__minigrad_replacement_{}__"


def original(function: FunctionType) -> Function:
    """A copy of a function as it is now, which stays what it is when the function is replaced."""
    result = FunctionType(
        function.__code__, function.__globals__, function.__name__, function.__defaults__, function.__closure__
    )
    result.__kwdefaults__ = function.__kwdefaults__
    return result


@contextmanager
def function_replaced(function: FunctionType, replacement: Callable[..., Any]) -> Iterator[None]:
    """Let calls of a function run another one until the end of the block.

    Args:
        function: a function written in Python.
        replacement: what is called instead, with the same arguments.
    """
    code, name = function.__code__, _HOOK.format(id(function))
    defaults, kwdefaults = function.__defaults__, function.__kwdefaults__
    function.__globals__[name] = replacement
    function.__code__ = _calling(name, code)
    function.__defaults__ = function.__kwdefaults__ = None
    try:
        yield
    finally:
        function.__code__, function.__defaults__, function.__kwdefaults__ = code, defaults, kwdefaults
        del function.__globals__[name]


def _calling(name: str, code: CodeType) -> CodeType:
    """Code that passes all arguments on to a global function, for a function with the closure of `code`."""
    module = compile(f"def _(*args, **named): return {name}(*args, **named)", code.co_filename, "exec")
    (made,) = (constant for constant in module.co_consts if isinstance(constant, CodeType))
    return made.replace(co_freevars=code.co_freevars, co_name=code.co_name, co_firstlineno=code.co_firstlineno)
