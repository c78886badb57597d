"""Mutants of a function's source: a derivative rule with a term dropped, a sign flipped, operands swapped ...

term dropped      a + b -> a, b              factor dropped     a * b -> a, b;  a / b -> a;  times(a, b) -> a
sign flipped      a + b -> a - b;  -a -> a   factor changed     2 * a -> 3 * a;  a / b -> a * b
operands swapped  a - b -> b - a, also of / ** @, of where(c, a, b), of matrix products
comparison flipped  a >= b -> a <= b         axis shifted       axis -> the axis before it
call dropped      cos(x) -> x                transpose dropped  x.T -> x
keepdims flipped  keepdims=True -> keepdims=False
"""

from __future__ import annotations

import ast
import copy
import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from types import FunctionType
from typing import Final, TypeAlias

from minigrad.autograd.op import Op
from minigrad.testing.mutation.function_source import FunctionNode, function_node
from minigrad.testing.mutation.source_copy import SHIFT, compiled, copied, replaced
from minigrad.testing.op_shapes import AXIS_SETTINGS
from minigrad.typing import Function

Change: TypeAlias = tuple[str, ast.expr]
"""What was done, and the expression that takes the place of another."""

TWO_SIDED: Final = frozenset({"matmul", "matmul_matrices", "over", "divide", "subtract", "pow", "outer"})
FACTORS: Final = frozenset({"times", "over", "multiply", "divide"})
TERMS: Final = frozenset({"add", "subtract"})
KEEPDIMS: Final = frozenset({"keepdims", "keepdim"})
TRANSPOSES: Final = frozenset({"T", "mT"})
FLIPPED: Final[dict[type[ast.cmpop], type[ast.cmpop]]] = {
    ast.Lt: ast.Gt, ast.Gt: ast.Lt, ast.LtE: ast.GtE, ast.GtE: ast.LtE, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
}  # fmt: skip


@dataclass(frozen=True)
class SourceMutant:
    """A changed copy of a function: what was changed, the copy, and the line of the change."""

    change: str
    function: Function
    line: int


def source_mutants(function: Function, depth: int = 2) -> list[SourceMutant]:
    """The changed copies of a function; none where it has no Python source.

    A private function of the same file is part of its callers: its mutants are among theirs.

    Args:
        function: a derivative rule.
        depth: how many levels of private functions are mutated, too.
    """
    node, function = function_node(function), inspect.unwrap(function)
    if node is None:
        return []
    same = ast.dump(replaced(node, node, node))
    found: dict[str, SourceMutant] = {}
    for place, (old, line, change, new) in enumerate(_changes(node, _names(function))):
        tree = replaced(node, old, new)
        dump = ast.dump(tree)
        if dump != same and dump not in found:
            change = f"{change}: {_text(old)} -> {_text(new)}"
            found[dump] = SourceMutant(change, compiled(tree, function, place), line)
    return [*found.values(), *_in_helpers(function, depth)]


def _in_helpers(function: Function, depth: int) -> Iterator[SourceMutant]:
    for name in dict.fromkeys(function.__code__.co_names if depth else ()):
        helper = function.__globals__.get(name)
        if not isinstance(helper, FunctionType) or not name.startswith("_") or helper is function:
            continue
        if helper.__code__.co_filename == function.__code__.co_filename:
            for mutant in source_mutants(helper, depth - 1):
                changed = copied(function, function.__code__, function.__globals__ | {name: mutant.function})
                yield SourceMutant(f"in {name}: {mutant.change}", changed, mutant.line)


def _names(function: Function) -> dict[str, object]:
    """What the names in a function's body stand for."""
    cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
    return function.__globals__ | {name: cell.cell_contents for name, cell in cells.items()}


# ---- changing ----------------------------------------------------------------------------------------------------


def _changes(definition: FunctionNode, names: dict[str, object]) -> Iterator[tuple[ast.AST, int, str, ast.AST]]:
    """Each change to the body: the node, its line, what is done, and the node that takes its place."""
    statements = [definition.body] if isinstance(definition, ast.Lambda) else definition.body
    within = [node for statement in statements for node in ast.walk(statement)]
    axes = _axes(definition, within)
    for node in within:
        if isinstance(node, ast.AugAssign):
            yield from _augmented(node)
        elif isinstance(node, ast.expr):
            if id(node) in axes:
                yield node, node.lineno, "axis shifted", ast.Call(ast.Name(SHIFT, ast.Load()), [node], [])
            for change, new in _expression(node, names):
                yield node, node.lineno, change, new
        elif isinstance(node, ast.keyword) and node.arg in KEEPDIMS:
            yield node.value, node.value.lineno, "keepdims flipped", _negated(node.value)


def _axes(definition: FunctionNode, within: list[ast.AST]) -> set[int]:
    """Where an axis is used: as an argument axis=..., or a parameter's name; not in `len(axes)`, `axis is None`."""
    arguments = definition.args
    parameters = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
    known = set(AXIS_SETTINGS).intersection(parameter.arg for parameter in parameters)
    excluded: list[ast.AST] = []
    for node in within:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "len":
            excluded += node.args
        elif isinstance(node, ast.Compare) and isinstance(node.ops[0], (ast.Is, ast.IsNot)):
            excluded.append(node.left)
    used = [node.value for node in within if isinstance(node, ast.keyword) and node.arg in AXIS_SETTINGS]
    used += [node for node in within if isinstance(node, ast.Name) and node.id in known]
    return {id(node) for node in used} - {id(node) for node in excluded}


def _expression(node: ast.expr, names: dict[str, object]) -> list[Change]:
    match node:
        case ast.BinOp():
            return list(_binary(node))
        case ast.UnaryOp(op=ast.USub(), operand=operand) if not isinstance(operand, ast.Constant):
            return [("sign flipped", operand)]
        case ast.UnaryOp(op=ast.Invert(), operand=operand):
            return [("call dropped", operand)]
        case ast.Compare(ops=[comparison]) if type(comparison) in FLIPPED:
            return [("comparison flipped", ast.Compare(node.left, [FLIPPED[type(comparison)]()], node.comparators))]
        case ast.Attribute(value=value, attr=attribute) if attribute in TRANSPOSES:
            return [("transpose dropped", value)]
        case ast.Call(args=arguments) if not any(isinstance(x, ast.Starred) for x in arguments):
            return list(_call(node, names))
    return []


def _binary(node: ast.BinOp) -> Iterator[Change]:
    left, right, kind = node.left, node.right, node.op

    def made(op: ast.operator, x: ast.expr = left, y: ast.expr = right) -> ast.expr:
        return ast.BinOp(x, op, y)

    match kind:
        case ast.Add() | ast.Sub():
            yield "sign flipped", made(ast.Sub() if isinstance(kind, ast.Add) else ast.Add())
            yield "term dropped", left
            yield "term dropped", right if isinstance(kind, ast.Add) else ast.UnaryOp(ast.USub(), right)
        case ast.Mult():
            yield "factor dropped", left
            yield "factor dropped", right
        case ast.Div():
            yield "factor dropped", left
            yield "factor changed", made(ast.Mult())
    if isinstance(kind, (ast.Sub, ast.Div, ast.Pow, ast.MatMult)):
        yield "operands swapped", made(kind, right, left)
    if isinstance(kind, (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow)):
        if _number(left):
            yield "factor changed", made(kind, _next(left), right)
        if _number(right):
            yield "factor changed", made(kind, left, _next(right))


def _call(node: ast.Call, names: dict[str, object]) -> Iterator[Change]:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    plain = node.args if not node.keywords else []
    match name, plain:
        case "where", [condition, x, y]:
            yield "operands swapped", ast.Call(node.func, [condition, y, x], [])
        case _, [x, y] if name in TWO_SIDED:
            yield "operands swapped", ast.Call(node.func, [y, x], [])
    match name, plain:
        case _, [x, _] if name in FACTORS:
            yield "factor dropped", x
        case _, [x, y] if name in TERMS:
            yield "term dropped", x
            yield "term dropped", y if name == "add" else ast.UnaryOp(ast.USub(), y)
        case "matrix_transpose", [x]:
            yield "transpose dropped", x
        case "permute_dims", []:
            yield "transpose dropped", node.args[0]
        case _, [x] if isinstance(node.func, ast.Name) and isinstance(names.get(name), Op):
            yield "call dropped", x


def _augmented(node: ast.AugAssign) -> Iterator[tuple[ast.AST, int, str, ast.AST]]:
    if isinstance(node.op, (ast.Add, ast.Sub)):
        other = ast.Sub() if isinstance(node.op, ast.Add) else ast.Add()
        yield node, node.lineno, "sign flipped", ast.AugAssign(node.target, other, node.value)
        yield node, node.lineno, "term dropped", ast.Pass()
    elif isinstance(node.op, (ast.Mult, ast.Div)):
        yield node, node.lineno, "factor dropped", ast.Pass()


def _negated(node: ast.expr) -> ast.expr:
    return ast.Constant(not node.value) if isinstance(node, ast.Constant) else ast.UnaryOp(ast.Not(), node)


def _number(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) in (int, float)


def _next(node: ast.expr) -> ast.Constant:
    assert isinstance(node, ast.Constant)
    assert isinstance(node.value, (int, float))
    return ast.Constant(node.value + 1)


def _text(node: ast.AST, limit: int = 60) -> str:
    """The source of a node on one line; of a long one the outermost operation, its operands shortened."""
    text = " ".join(ast.unparse(ast.fix_missing_locations(node)).replace(SHIFT, "shifted").split())
    if len(text) <= limit:
        return text
    outer = copy.copy(node)
    for field, value in ast.iter_fields(node):
        if isinstance(value, ast.expr) and not isinstance(value, ast.Name):
            setattr(outer, field, ast.Name(_operand(value, limit // 2)))
        elif isinstance(value, list):
            setattr(outer, field, [ast.Name(_operand(x, limit // 2)) if isinstance(x, ast.expr) else x for x in value])
    return " ".join(ast.unparse(outer).split())


def _operand(node: ast.expr, limit: int) -> str:
    text = _text(node, limit) if limit > 10 else "..."
    return f"({text})" if isinstance(node, ast.BinOp) and limit > 10 else text
