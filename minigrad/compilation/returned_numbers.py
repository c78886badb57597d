"""Numbers that leave a function in its return statement as they are: `return float(loss)`, `return [loss.item()]`.

Python does nothing with such a number but hand it on, so that a program can give the present one. That this is so is
read off the function's source.
"""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
from collections.abc import Iterator
from types import FrameType, FunctionType

from minigrad.autograd.error_context import PACKAGE

Place = tuple[int, int, int, int]
"""The first line of an expression, its last one, and the columns where it begins and ends."""


def is_returned(function: object) -> bool:
    """Whether the call of a Tensor's method that is running stands as it is in the return statement of a function."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(PACKAGE):
        frame = frame.f_back
    if frame is None or not isinstance(function, FunctionType) or frame.f_code is not function.__code__:
        return False
    positions = list(frame.f_code.co_positions())[frame.f_lasti // 2]
    return positions in set(_returned_calls(function))


def _returned_calls(function: FunctionType) -> Iterator[Place]:
    """The places of the calls in a function's return statements that are handed on as they are."""
    try:
        lines, first = inspect.getsourcelines(function)
    except (OSError, TypeError):
        return
    source = "".join(lines)
    shift = len(lines[0]) - len(lines[0].lstrip())
    try:
        tree = ast.parse(textwrap.dedent(source))
    except SyntaxError:  # of a lambda, say
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Return) and node.value is not None:
            for call in _as_they_are(node.value):
                assert call.end_lineno is not None
                assert call.end_col_offset is not None
                line = first - 1
                yield (
                    call.lineno + line, call.end_lineno + line, call.col_offset + shift, call.end_col_offset + shift
                )  # fmt: skip


def _as_they_are(value: ast.expr) -> Iterator[ast.Call]:
    """The calls in containers that are written out."""
    if isinstance(value, ast.Call):
        yield value
    elif isinstance(value, (ast.Tuple, ast.List)):
        for part in value.elts:
            yield from _as_they_are(part)
    elif isinstance(value, ast.Dict):
        for part in value.values:
            yield from _as_they_are(part)
