"""DOT text laid out by Graphviz: the program `dot`, or else the wheel of `pygraphviz`, which brings it along."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from minigrad.errors import MissingExtraError, UsageError

FORMATS = ("svg", "png", "pdf", "dot")


def graphviz() -> Any:
    """The small package that writes DOT text.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        import graphviz
    except ImportError as error:
        raise MissingExtraError("graphviz", extra="graph", purpose="drawing a graph") from error
    return graphviz


def render(dot: str, path: str | Path) -> Path:
    """Lay out DOT text and write it as the file's suffix says: .svg, .png, .pdf or .dot.

    Raises:
        UsageError: another suffix.
        MissingExtraError: no Graphviz was found.
    """
    path = Path(path)
    kind = path.suffix.removeprefix(".")
    if kind not in FORMATS:
        raise UsageError(f"a graph can be written as {', '.join(FORMATS)}, not as {path.name!r}")
    path.write_bytes(dot.encode() if kind == "dot" else laid_out(dot, kind))
    return path


def laid_out(dot: str, kind: str) -> bytes:
    """The picture in a format of Graphviz.

    Raises:
        MissingExtraError: no Graphviz was found.
    """
    if shutil.which("dot"):
        return bytes(graphviz().Source(dot).pipe(format=kind))
    try:
        import pygraphviz
    except ImportError as error:
        raise MissingExtraError(
            "Graphviz (the program dot, from your system's packages, or the wheel pygraphviz)",
            extra="graph",
            purpose="laying out a graph",
        ) from error
    return bytes(pygraphviz.AGraph(dot).draw(prog="dot", format=kind))
