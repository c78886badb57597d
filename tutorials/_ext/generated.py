"""Generated parts of pages: `{generated} NAME ARGUMENT` in a page is replaced by what the generator NAME writes.

A generator is a function from its argument to Markdown. What it writes is read as if it stood in the page, so headings
and links work, and no generated file is kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

from . import api, command, derivatives, networks, onnx_operators, packages, pytorch

GENERATORS: Final[Mapping[str, Callable[[str], str]]] = {
    "api": api.page,
    "command": command.help_text,
    "derivatives": derivatives.tables,
    "networks": networks.table,
    "onnx": onnx_operators.table,
    "packages": packages.picture,
    "pytorch": pytorch.text,
}

_PLACE = re.compile(r"^```\{generated\} (\w+) ?(.*)\n```$", re.MULTILINE)


def filled(text: str) -> str:
    """The text of a page with its generated parts.

    >>> filled("no such place")
    'no such place'
    """
    return _PLACE.sub(lambda place: GENERATORS[place[1]](place[2].strip()), text)


def _fill(app: Sphinx, name: str, source: list[str]) -> None:
    source[0] = filled(source[0])


def _outdated(app: Sphinx, env: BuildEnvironment, *_: set[str]) -> list[str]:
    """Pages with generated parts are always read again: the code may have changed."""
    return [name for name in env.found_docs if _PLACE.search(Path(env.doc2path(name)).read_text("utf-8"))]


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("source-read", _fill)
    app.connect("env-get-outdated", _outdated)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
