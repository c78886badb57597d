"""Graphviz: DOT text to pictures, by the program `dot`, or else by the wheel `pygraphviz`, which contains it."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from types import ModuleType

from minigrad.errors import MissingExtraError, UsageError

UNKNOWN_FONT_SETTING = re.compile(rb"Fontconfig warning: .*unknown element")
FORMATS = ("svg", "png", "pdf", "dot")


def graphviz_package() -> ModuleType:
    """The Python package `graphviz`, which writes DOT text.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        import graphviz
    except ImportError as error:
        raise MissingExtraError("graphviz", extra="graph", purpose="drawing a graph") from error
    return graphviz  # type: ignore[no-any-return]  # it has no types


def render(dot: str, path: str | Path) -> Path:
    """Write DOT text as a picture, in the format of the file's suffix.

    Args:
        dot: the text, as `to_dot` writes it.
        path: where to; the suffix is .svg, .png, .pdf, or .dot for the text itself.

    Returns:
        The path.

    Raises:
        UsageError: another suffix.
        MissingExtraError: Graphviz is not installed.
    """
    path = Path(path)
    kind = path.suffix.removeprefix(".")
    if kind not in FORMATS:
        raise UsageError(f"a graph can be written as {', '.join(FORMATS)}, not as {path.name!r}")
    path.write_bytes(dot.encode() if kind == "dot" else run_graphviz(dot, kind))
    return path


def run_graphviz(dot: str, kind: str) -> bytes:
    """The picture of DOT text in one of Graphviz's formats.

    Raises:
        MissingExtraError: Graphviz is not installed.
    """
    if shutil.which("dot"):
        return bytes(graphviz_package().Source(dot).pipe(format=kind))
    try:
        import pygraphviz
    except ImportError as error:
        raise MissingExtraError(
            "Graphviz (the program dot, from your system's packages, or the wheel pygraphviz)",
            extra="graph",
            purpose="laying out a graph",
        ) from error
    with _without_font_warnings():
        return bytes(pygraphviz.AGraph(dot).draw(prog="dot", format=kind))


@contextmanager
def _without_font_warnings() -> Iterator[None]:
    """Leave out what the wheel's Fontconfig writes of elements in the system's settings that are newer than itself.

    All else that is written to standard error meanwhile comes out at the end.
    """
    sys.stderr.flush()
    try:
        stderr = os.dup(2)
    except OSError:  # closed, as in a service: nothing will be seen
        yield
        return
    with TemporaryFile() as written:
        os.dup2(written.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
            written.seek(0)
            os.write(2, b"".join(line for line in written if not UNKNOWN_FONT_SETTING.match(line)))
