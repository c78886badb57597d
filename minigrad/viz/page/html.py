"""`html_page`: a graph as one HTML file that a browser shows without a network or a server.

The file contains the data as JSON, and scripts that draw it. A Content-Security-Policy allows exactly these scripts,
and loads nothing from anywhere. What users wrote (names, lines, labels) becomes text nodes, never markup.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

from minigrad.viz.json_export import GraphData
from minigrad.viz.page.layout import Layout, layout_level
from minigrad.viz.page.levels import Level
from minigrad.viz.palette import LINE_COLORS, NOT_FINITE, VIRIDIS

ASSETS: Final = Path(__file__).with_name("assets")
SCRIPTS: Final = (
    "elements", "data", "color", "camera", "draw", "navigation", "panel", "statistics", "search", "backward", "keys",
    "start",
)  # fmt: skip
POLICY: Final = "default-src 'none'; script-src '{script}'; style-src '{style}'; base-uri 'none'; form-action 'none'"


def html_page(graph: GraphData, levels: Sequence[Level]) -> str:
    """Write the page of a graph.

    Args:
        graph: the graph with everything that is known of its nodes, as `graph_data` exports it.
        levels: its levels, as `page_levels` makes them; the first is the outermost.

    Returns:
        HTML, to be written as UTF-8.

    Raises:
        MissingExtraError: Graphviz is not installed.
        ValueError: a number is not finite, so JSON cannot represent it.
    """
    style = (ASSETS / "page.css").read_text(encoding="utf-8")
    script = _script()
    palette = {"scale": VIRIDIS, "classes": LINE_COLORS, "notFinite": NOT_FINITE}
    filling = {
        "title": _text(f"{graph.get('title') or 'graph'} · minigrad"),
        "policy": POLICY.format(script=_hash(script), style=_hash(style)),
        "style": style,
        "script": script,
        "data": data_block({"graph": graph, **_layouts(graph, levels), "palette": palette}),
    }
    template = (ASSETS / "page.html").read_text(encoding="utf-8")
    return re.sub(r"\{\{(\w+)\}\}", lambda match: filling[match[1]], template)  # in one go: data may hold braces, too


def data_block(data: object) -> str:
    """JSON in plain ASCII that no HTML parser takes for markup.

    Raises:
        ValueError: a number is not finite.

    >>> print(data_block({"name": "</script>é"}))
    {"name":"\\u003c/script\\u003e\\u00e9"}
    """
    text = json.dumps(data, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return re.sub("[<>&]", lambda match: f"\\u{ord(match[0]):04x}", text)


def _layouts(graph: GraphData, levels: Sequence[Level]) -> dict[str, list[dict[str, object]]]:
    """The levels, each with the number of its layout, and the layouts; levels of one structure share theirs."""
    kinds = {node["id"]: node["kind"] for node in graph["nodes"]}
    numbers: dict[int, int] = {}
    layouts: list[Layout] = []
    placed: list[dict[str, object]] = []
    for level in levels:
        layout = layout_level(level, kinds)
        if id(layout) not in numbers:
            numbers[id(layout)] = len(layouts)
            layouts.append(layout)
        placed.append({**level, "layout": numbers[id(layout)]})
    return {"levels": placed, "layouts": [asdict(layout) for layout in layouts]}


def _script() -> str:
    """All scripts as one, in a function of their own."""
    parts = [(ASSETS / f"{name}.js").read_text(encoding="utf-8") for name in SCRIPTS]
    return '"use strict";\n(() => {\n' + "\n".join(parts) + "})();\n"


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _text(text: str) -> str:
    """Text for HTML; what UTF-8 cannot represent (half of a surrogate pair) becomes a reference."""
    return html.escape(text).encode("ascii", "xmlcharrefreplace").decode()
