"""The source of a function: its node in the syntax tree of its file.

It is found by the position of its code, so that lambdas beside each other in one line are told apart.
"""

from __future__ import annotations

import ast
import inspect
import linecache
from functools import cache
from types import CodeType
from typing import TypeAlias

from minigrad.typing import Function

FunctionNode: TypeAlias = ast.FunctionDef | ast.Lambda


def function_node(function: Function) -> FunctionNode | None:
    """The definition of a function in the source of its file, or None."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    if code is None:
        return None
    tree = _parsed("".join(linecache.getlines(code.co_filename)))
    nodes = [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.Lambda))]
    matching = [node for node in nodes if _defines(node, code)]
    return max(matching, key=lambda node: (node.lineno, node.col_offset), default=None)  # the innermost


@cache
def _parsed(source: str) -> ast.Module:
    try:
        return ast.parse(source)
    except SyntaxError:
        return ast.Module([], [])


def _defines(node: FunctionNode, code: CodeType) -> bool:
    if isinstance(node, ast.FunctionDef):
        first = min([node.lineno, *[decorator.lineno for decorator in node.decorator_list]])
        return node.name == code.co_name and first == code.co_firstlineno
    if code.co_name != "<lambda>" or node.lineno != code.co_firstlineno:
        return False
    body = node.body
    start, stop = (body.lineno, body.col_offset), (body.end_lineno or 0, body.end_col_offset or 0)
    positions = [p for p in code.co_positions() if None not in p and p[2:] != (0, 0)]
    return all(start <= (p[0] or 0, p[2] or 0) and (p[1] or 0, p[3] or 0) <= stop for p in positions)


def returned_source(function: Function) -> str | None:
    """The source of the expression that a function returns, if it does nothing else."""
    node = function_node(function)
    if isinstance(node, ast.Lambda):
        return ast.unparse(node.body)
    last = node.body[-1] if node is not None and len(node.body) == 1 else None
    return ast.unparse(last.value) if isinstance(last, ast.Return) and last.value is not None else None
