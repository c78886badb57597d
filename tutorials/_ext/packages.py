"""A picture of the packages of minigrad, and of which imports which."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import minigrad
from minigrad.viz import render

from .api import PAGES

ROOT: Final = Path(minigrad.__file__).parent

PARTS: Final = (
    "kernels", "autograd", "ops", "functional", "init", "nn", "optim", "data", "graph", "cost", "io", "training",
    "testing", "viz", "diagnosis", "cli",
)  # fmt: skip
"""Words that everyone may use (errors, shapes ...) are left out: an arrow would go there from everywhere."""


def picture(_: str = "") -> str:
    """The parts as a picture that takes the colors of the page."""
    with TemporaryDirectory() as folder:
        svg = render(dot(), Path(folder) / "parts.svg").read_text("utf-8")
    svg = re.sub(r"\A.*?(?=<svg)|<!--.*?-->|<title>.*?</title>", "", svg, flags=re.DOTALL)
    svg = re.sub(r' (fill|stroke)="black"', r' \1="currentColor"', svg)
    text = "".join(line for line in svg.splitlines() if line)
    return f'```{{raw}} html\n<div class="packages">{text}</div>\n```'


def dot() -> str:
    """The parts, and an arrow from each to those below it that it imports and reaches by no other way."""
    edges = _direct({part: imported_by(part) for part in PARTS})
    lines = [_box(part) for part in PARTS]
    lines += [f'"{part}"->"{other}"' for part, others in edges.items() for other in sorted(others)]
    look = 'graph[bgcolor=none,nodesep=0.3,ranksep=0.4]node[shape=box,style=rounded,fontname="sans-serif",fontsize=12]'
    return f"digraph{{{look}{';'.join(lines)}}}"


def imported_by(part: str) -> set[str]:
    """The other parts that a file of this part imports, when it is imported or later."""
    found: set[str] = set()
    for path in _files(part):
        found |= {name.split(".")[1] for name in _imports(ast.parse(path.read_text("utf-8"))) if "." in name}
    return found & set(PARTS) - {part}


def _files(part: str) -> list[Path]:
    return sorted((ROOT / part).rglob("*.py")) or [ROOT / f"{part}.py"]


def _imports(node: ast.AST) -> Iterator[str]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        if isinstance(child, ast.Import):
            yield from (alias.name for alias in child.names if alias.name.startswith("minigrad."))
        elif isinstance(child, ast.ImportFrom) and (child.module or "").split(".")[0] == "minigrad":
            yield from (f"{child.module}.{alias.name}" for alias in child.names)
        else:
            yield from _imports(child)


def _direct(edges: dict[str, set[str]]) -> dict[str, set[str]]:
    """The edges without those that a longer way replaces."""
    return {
        start: {end for end in ends if not any(end in _reached(edges, other) for other in ends - {end})}
        for start, ends in edges.items()
    }


def _reached(edges: dict[str, set[str]], start: str) -> set[str]:
    found: set[str] = set()
    waiting = [start]
    while waiting:
        new = edges[waiting.pop()] - found
        found |= new
        waiting += new
    return found


def _box(part: str) -> str:
    """A part with what it is, in a few words; a link where the API has a page of it."""
    small = "".join(f'<br/><font point-size="9">{line}</font>' for line in textwrap.wrap(_words(part), 24))
    link = f',URL="api/{part}.html",tooltip="minigrad.{part}"' if f"minigrad.{part}" in PAGES else ""
    return f'"{part}"[label=<<b>{part}</b>{small}>{link}]'


def _words(part: str) -> str:
    """The beginning of a docstring, without the one word that it may begin with ("Training: the loop ...")."""
    text = inspect.cleandoc(import_module(f"minigrad.{part}").__doc__ or "").replace("`", "")
    sentence = re.split(r"[:;.(]", re.sub(r"^\w+: ", "", " ".join(text.split("\n\n")[0].split())))[0]
    first, *others = sentence.split(",")
    for other in others:
        if len(first) + len(other) > 44:
            break
        first += f",{other}"
    return first
