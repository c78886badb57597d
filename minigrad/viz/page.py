"""`page`: a graph as one HTML file that is looked at in a browser, with neither network nor server.

The file holds the data as JSON, and scripts that draw it. A Content-Security-Policy lets exactly these run, and
nothing be loaded from anywhere. What users wrote (names, lines, labels) becomes text nodes, never markup.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from minigrad.viz.layout import Layout, lay_out

PARTS: Final = Path(__file__).with_name("page")
SCRIPTS: Final = (
    "base", "data", "color", "camera", "draw", "place", "panel", "facts", "search", "backward", "keys", "start",
)  # fmt: skip
POLICY: Final = "default-src 'none'; script-src '{script}'; style-src '{style}'; base-uri 'none'; form-action 'none'"


def page(document: Mapping[str, Any], levels: Sequence[Mapping[str, Any]]) -> str:
    """The page of a graph.

    Args:
        document: the graph with all that is known of its nodes, as `Picture.save` writes it into a .json file.
        levels: what is seen inside of each module call; the first is the outermost.

    Returns:
        HTML, to be written as UTF-8.

    Raises:
        MissingExtraError: no Graphviz was found to lay it out.
        ValueError: a number is not finite, which JSON cannot say.
    """
    style = (PARTS / "page.css").read_text(encoding="utf-8")
    script = _script()
    filling = {
        "title": _text(f"{document.get('title') or 'graph'} · minigrad"),
        "policy": POLICY.format(script=_hash(script), style=_hash(style)),
        "style": style,
        "script": script,
        "data": data_block({"document": document, **_placed(document, levels)}),
    }
    template = (PARTS / "page.html").read_text(encoding="utf-8")
    return re.sub(r"\{\{(\w+)\}\}", lambda match: filling[match[1]], template)  # in one go: data may hold braces, too


def data_block(data: Any) -> str:
    """JSON in plain ASCII that no HTML parser takes for markup.

    >>> print(data_block({"name": "</script>é"}))
    {"name":"\\u003c/script\\u003e\\u00e9"}
    """
    text = json.dumps(data, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return re.sub("[<>&]", lambda match: f"\\u{ord(match[0]):04x}", text)


def _placed(document: Mapping[str, Any], levels: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The levels, each with the number of its layout; levels of one form share theirs."""
    kinds = {node["id"]: node["kind"] for node in document["nodes"]}
    numbers: dict[int, int] = {}
    layouts: list[Layout] = []
    shown = []
    for level in levels:
        layout = lay_out(level, kinds)
        if id(layout) not in numbers:
            numbers[id(layout)] = len(layouts)
            layouts.append(layout)
        shown.append({**level, "layout": numbers[id(layout)]})
    return {"levels": shown, "layouts": [asdict(layout) for layout in layouts]}


def _script() -> str:
    """All scripts as one, in a function of their own."""
    parts = [(PARTS / f"{name}.js").read_text(encoding="utf-8") for name in SCRIPTS]
    return '"use strict";\n(() => {\n' + "\n".join(parts) + "})();\n"


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _text(text: str) -> str:
    """Text for HTML; what UTF-8 cannot say (half of a surrogate pair) becomes a reference."""
    return html.escape(text).encode("ascii", "xmlcharrefreplace").decode()
