"""A picture as plain data: what the page shows, and what `.save("g.json")` writes."""

from __future__ import annotations

import linecache
import math
from collections.abc import Mapping
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from minigrad.autograd.node import Node
from minigrad.autograd.op import Op
from minigrad.autograd.registry import REGISTRY
from minigrad.graph import GraphNode
from minigrad.testing.mutation.function_source import returned_source
from minigrad.viz.color import VERDICTS
from minigrad.viz.dot import settings_of
from minigrad.viz.measure import MEASURES, Column, Measure
from minigrad.viz.record import Record
from minigrad.viz.statistics import Statistics

if TYPE_CHECKING:
    from minigrad.viz.picture import Picture

VERSION = 1


def document(picture: Picture) -> dict[str, Any]:
    """All that is known of a picture's nodes: facts of the graph, statistics, amounts of every measure.

    Verdicts take the time of a proof for each op, so they are among them only where the picture is colored by them.
    Numbers that are not finite are written as the strings "nan", "inf" and "-inf".
    """
    graph, record = picture.graph, picture.record
    columns = _columns(picture)
    nodes = [
        _node(node, record.nodes[node.id] if record is not None else None, record)
        | {"output": node.id in graph.outputs, "marked": node.id in picture.mark}
        | _amounts(columns, [node.id])
        | {"notes": {name: column.notes[node.id] for name, column in columns.items() if node.id in column.notes}}
        for node in graph.nodes
    ]
    members = graph.members()
    return {
        "format": "minigrad graph",
        "version": VERSION,
        "title": picture.title,
        "color_by": picture.color_by,
        "nodes": nodes,
        "edges": [list(edge) for edge in graph.edges],
        "calls": [asdict(call) | _amounts(columns, members[call.id]) for call in graph.calls],
        "outputs": list(graph.outputs),
        "measures": [
            {"name": "kind", "label": "kind", "unit": "", "scale": "class"},
            *(_measure(column.measure) for column in columns.values()),
        ],
    }


def _columns(picture: Picture) -> dict[str, Column]:
    names = [name for name in MEASURES if name != "verdict" or picture.color_by == "verdict"]
    found = {name: picture.column(name) for name in names}
    return {name: column for name, column in found.items() if column is not None and column.amounts}


def _measure(measure: Measure) -> dict[str, Any]:
    classes = {"classes": VERDICTS} if measure.scale == "class" else {}
    return {"name": measure.name, "label": measure.label, "unit": measure.unit, "scale": measure.scale, **classes}


def _amounts(columns: Mapping[str, Column], nodes: list[int]) -> dict[str, Any]:
    """The amounts of a node, or the joined ones of several."""
    found = {name: column.joined(nodes) for name, column in columns.items()}
    return {"measures": {name: _plain(amount) for name, amount in found.items() if amount is not None}}


def _node(told: GraphNode, node: Node | None, record: Record | None) -> dict[str, Any]:
    op = node.op if node is not None else REGISTRY.get(told.name) if told.kind == "op" else None
    facts: dict[str, Any] = {"values": None, "gradient": None, "step": None}
    if record is not None and node is not None:
        facts = {
            "values": _statistics(record.value_facts.get(node)),
            "gradient": _statistics(record.gradient_facts.get(node)),
            "step": record.backward.steps.get(node),
        }
    return {
        "id": told.id,
        "kind": told.kind,
        "name": told.name,
        "label": told.label,
        "shape": told.shape,
        "dtype": told.dtype,
        "settings": dict(settings_of(told)),
        "call": told.call,
        "recorded": told.recorded,
        "summary": _sentence(op.__doc__ or "") if op is not None else "",
        "source": (op.source or "") if op is not None else "",
        "rule": rule_texts(op) if op is not None else [],
        "site": _site(told.site),
        **facts,
    }


def rule_texts(op: Op) -> list[list[str]]:
    """For each input the text of its rule, where that is one expression of Python source."""
    texts = {name: _returned_source(rule.function) for name, rule in (op.rules or op.fast_rules).items()}
    return [[name, text] for name, text in texts.items() if text]


_returned_source = cache(returned_source)  # it reads a file


def _sentence(text: str) -> str:
    return " ".join(text.strip().split("\n\n")[0].split())


def _site(site: tuple[str, int] | None) -> dict[str, Any] | None:
    """A line of source, its file named from the working directory on, or by its last two parts."""
    if site is None:
        return None
    path = Path(site[0])
    here = Path.cwd()
    file = path.relative_to(here) if path.is_relative_to(here) else Path(*path.parts[-2:])
    return {"file": file.as_posix(), "line": site[1], "text": linecache.getline(*site).strip()}


def _statistics(facts: Statistics | None) -> dict[str, Any] | None:
    if facts is None:
        return None
    return {name: _plain(value) if isinstance(value, float) else value for name, value in asdict(facts).items()}


def _plain(amount: float | str) -> float | str:
    return amount if isinstance(amount, str) or math.isfinite(amount) else str(float(amount))
