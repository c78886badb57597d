"""Changed copies of a function: of its definition in the syntax tree, and compiled with what the original has."""

from __future__ import annotations
import __future__

import ast
import copy
from collections.abc import Sequence
from types import CellType, CodeType, FunctionType
from typing import Any, Final

from minigrad.testing.mutation.function_source import FunctionNode, function_node
from minigrad.typing import Axis, Function

SHIFT: Final = "__shifted_axis__"


class _Replace(ast.NodeTransformer):
    def __init__(self, changes: dict[int, ast.AST]) -> None:
        self.changes = changes

    def visit(self, node: ast.AST) -> Any:  # as in ast.NodeTransformer
        new = self.changes.get(id(node))
        return self.generic_visit(node) if new is None else ast.copy_location(new, node)


def with_calls_changed(function: Function, old: Sequence[ast.Call], new: Sequence[ast.Call]) -> Function:
    """A copy of a function with other keywords in some calls.

    Args:
        function: the function.
        old: calls in its definition, as `function_node` gives it.
        new: what takes their places, with the same operands.
    """
    node = function_node(function)
    assert node is not None
    memo: dict[int, Any] = {}
    tree = copy.deepcopy(node, memo)
    for before, after in zip(old, new, strict=True):
        memo[id(before)].keywords = after.keywords
    return compiled(_bare(tree), function, 0)


def replaced(definition: FunctionNode, old: ast.AST, new: ast.AST) -> FunctionNode:
    """A copy of the definition in which `new` stands for `old`, without decorators and annotations."""
    memo: dict[int, Any] = {}  # deepcopy's own: from the id of a node to its copy
    tree = copy.deepcopy(definition, memo)
    return _bare(_Replace({id(memo[id(old)]): copy.deepcopy(new)}).visit(tree))


def _bare(tree: FunctionNode) -> FunctionNode:
    """A definition without decorators and annotations."""
    if isinstance(tree, ast.FunctionDef):
        tree.decorator_list, tree.returns, tree.name = [], None, "_"
    arguments = tree.args
    for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
        argument.annotation = None
    arguments.defaults = []  # a function keeps its own; see `compiled`
    arguments.kw_defaults = [None] * len(arguments.kwonlyargs)
    return ast.fix_missing_locations(tree)


def compiled(tree: FunctionNode, function: Function, place: int) -> Function:
    """The changed definition as a function, with the globals, closure and defaults of the original."""
    cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
    cells[SHIFT] = CellType(shifted_axis)
    module = ast.parse(f"def outer({', '.join(cells)}): pass")
    (outer,) = module.body
    assert isinstance(outer, ast.FunctionDef)
    outer.body = [tree if isinstance(tree, ast.FunctionDef) else ast.Expr(tree)]
    flags = __future__.annotations.compiler_flag
    ast.fix_missing_locations(module)
    code = _last_code(_last_code(compile(module, function.__code__.co_filename, "exec", flags, dont_inherit=True)))
    result = copied(function, code, function.__globals__, tuple([cells[name] for name in code.co_freevars]))
    result.__qualname__ = f"{function.__qualname__}.mutant_{place}"
    return result


def copied(
    function: Function, code: CodeType, names: dict[str, object], closure: tuple[CellType, ...] | None = None
) -> Function:
    """The function with other code or globals, and the same defaults."""
    closure = function.__closure__ if closure is None else closure
    result = FunctionType(code, names, function.__name__, function.__defaults__, closure)
    result.__kwdefaults__ = function.__kwdefaults__
    return result


def _last_code(code: CodeType) -> CodeType:
    return [constant for constant in code.co_consts if isinstance(constant, CodeType)][-1]


def shifted_axis(axis: Axis) -> Axis:
    """Another axis: the one before; of several, each the one before; of a permutation, the next permutation.

    >>> shifted_axis(0), shifted_axis((1, 2)), shifted_axis((0, 2, 1)), shifted_axis(None)
    (-1, (0, 1), (2, 1, 0), None)
    """
    if axis is None:
        return None
    if not isinstance(axis, Sequence):
        return axis - 1
    if len(axis) > 1 and sorted(axis) == list(range(len(axis))):
        return (*axis[1:], axis[0])
    return tuple([a - 1 for a in axis])
