"""The derivative table, read off the registry: each op with its formula, its rules and its facts."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from importlib import import_module
from itertools import groupby
from math import inf

from minigrad import REGISTRY, Op
from minigrad.autograd.rule import Rule
from minigrad.domain import REAL, Domain, MatrixDomain
from minigrad.testing.mutation.function_source import function_node, returned_source

TABLE = """\
:::{{table}}
:widths: {widths}
{rows}
:::
"""


def tables(_: str = "") -> str:
    """A table for each file of `minigrad/ops/`; then what has no rules."""
    found = [op for op in REGISTRY.values() if str(op.module).startswith("minigrad.ops.")]
    parts = []
    for module, family in groupby(found, key=lambda op: str(op.module)):
        if ruled := [op for op in family if op.rules or op.fast_rules]:
            heading = f"## {module.rpartition('.')[2].replace('_', ' ').capitalize()}\n"
            head = ["| op | rule for each input | domain, kinks, ONNX, complex |", "|---|---|---|"]
            rows = "\n".join([*head, *[row(op) for op in ruled]])
            parts += [heading, clean(import_module(module).__doc__), "", TABLE.format(widths="33 43 24", rows=rows)]
    flat = [op for op in found if not (op.rules or op.fast_rules)]
    rows = "\n".join(["| op | ONNX |", "|---|---|", *[f"| {_title(op)} | {op.onnx or ''} |" for op in flat]])
    parts += ["## Without derivatives\n\nTheir results are whole numbers, booleans or constants.\n"]
    return "\n".join([*parts, TABLE.format(widths="80 20", rows=rows)])


def row(op: Op) -> str:
    """An op in a line of the table.

    >>> row(REGISTRY["log"]).split(" | ")[1:]
    ['`x`: `over(g, x)`', '`x` > 0<br>ONNX Log<br>holomorphic |']
    """
    facts = [
        domains(op),
        f"kinks: {kinks(op)}" if op.kinks else "",
        f"ONNX {op.onnx}" if op.onnx else "",
        op.complex or "",
    ]
    cells = [_title(op), "<br>".join(rules(op)), "<br>".join(filter(None, facts))]
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def clean(doc: str | None) -> str:
    """The first paragraph of a docstring in one line."""
    return " ".join(inspect.cleandoc(doc or "").split("\n\n")[0].split())


def rules(op: Op) -> list[str]:
    """For each input the source of its rule."""
    found = {**op.fast_rules, **op.rules}
    lines = [f"`{name}`: {_source(found[name])}" for name in op.inputs if name in found]
    constant = [name for name in op.inputs if name in op.non_differentiable]
    return [*lines, *([", ".join(f"`{name}`" for name in constant) + ": no gradient"] if constant else [])]


def domains(op: Op) -> str:
    """Where the inputs may lie.

    >>> domains(REGISTRY["log"]), domains(REGISTRY["inv"])
    ('`x` > 0', '`x` invertible')
    """
    return "<br>".join(_domain(f"`{name}`", domain) for name, domain in op.domain.items() if domain != REAL)


def kinks(op: Op) -> str:
    """Where the op has no derivative although it is continuous.

    >>> kinks(REGISTRY["abs"]), kinks(REGISTRY["max"])
    ('0', 'where values tie')
    """
    return "where values tie" if op.kinks == "ties" else ", ".join(f"{point:g}" for point in op.kinks)


def _domain(name: str, domain: Domain) -> str:
    if isinstance(domain, MatrixDomain):
        return f"{name} {domain.name}"
    low = f"{domain.low:g} < " if domain.low != -inf and domain.high != inf else ""
    high = f" < {domain.high:g}" if domain.high != inf else f" > {domain.low:g}" if domain.low != -inf else ""
    without = "".join(f" ≠ {point:g}" for point in domain.without)
    return f"{low}{name}{high}{without}"


def _title(op: Op) -> str:
    """The name, with a link to the API, and the formula."""
    public = hasattr(import_module("minigrad"), op.name)
    name = f"{{py:obj}}`{op.name} <minigrad.{op.name}>`" if public else f"`{op.name}`"
    formula = clean(op.__doc__).partition(" Shapes: ")[0].split("`")
    return f"{name}<br>" + "`".join(part if k % 2 else _escaped(part) for k, part in enumerate(formula))


def _escaped(text: str) -> str:
    return "".join("\\" + letter if letter in "*_[]<>$" else letter for letter in text)


def _source(rule: Rule) -> str:
    """A rule as an expression, or else its statements line by line."""
    if text := returned_source(rule.function):
        return f"`{text}`"
    site = function_node(rule.function)
    assert isinstance(site, ast.FunctionDef)
    statements = [s for s in site.body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))]
    return "<br>" + "<br>".join(_lines("\n".join(ast.unparse(statement) for statement in statements)))


def _lines(source: str) -> Iterator[str]:
    for line in source.splitlines():
        bare = line.lstrip()
        yield "&nbsp;" * (len(line) - len(bare)) + f"`{bare}`"
