"""`graph_data`: a picture as plain data, which the page shows and `.save("g.json")` writes."""

from __future__ import annotations

import linecache
import math
from collections.abc import Mapping
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from minigrad.autograd.node import Node
from minigrad.autograd.op import Op
from minigrad.autograd.registry import REGISTRY
from minigrad.graph import GraphNode, ModuleCall
from minigrad.testing.mutation.function_source import returned_source
from minigrad.typing import Shape
from minigrad.viz.array_statistics import ArrayStatistics
from minigrad.viz.computation import Computation
from minigrad.viz.dot import shown_settings
from minigrad.viz.palette import VERDICT_COLORS
from minigrad.viz.quantities import PROGRAM_QUANTITIES, QUANTITIES, Amount, NodeAmounts, Quantity

if TYPE_CHECKING:
    from minigrad.viz.picture import Picture

VERSION = 1

StatisticsData = dict[str, float | str | tuple[int, ...]]


class SiteData(TypedDict):
    """A line of source: its file, from the working directory on or by its last two parts, its number and its text."""

    file: str
    line: int
    text: str


class NodeData(TypedDict):
    """One node.

    Attributes:
        id, kind, name, label, shape, dtype, call, recorded: as in `GraphNode`.
        settings: the settings as text, without those at their usual values.
        output, marked: whether it is an output, and whether it is on the marked path.
        summary, source: the first sentence of the op's docstring, and the paper behind the op.
        rules: pairs of an input and the expression that its derivative rule returns, where it is one.
        site: where the op was called.
        values, gradient: statistics of the value and of its gradient, where these are known.
        step: the step of the backward pass at which the gradient was complete, counted from 0.
        amounts, notes: the amounts of quantities, and remarks on them, by the quantity's name.
    """

    id: int
    kind: str
    name: str
    label: str
    shape: Shape
    dtype: str
    settings: dict[str, str]
    call: int | None
    recorded: bool
    output: bool
    marked: bool
    summary: str
    source: str
    rules: list[list[str]]
    site: SiteData | None
    values: StatisticsData | None
    gradient: StatisticsData | None
    step: int | None
    amounts: dict[str, Amount]
    notes: dict[str, str]


class GraphData(TypedDict):
    """A graph. `calls` have the attributes of `ModuleCall`, and the amounts of quantities for all of their nodes."""

    format: str
    version: int
    title: str
    color_by: str
    nodes: list[NodeData]
    edges: list[list[int]]
    calls: list[dict[str, object]]
    outputs: list[int]
    quantities: list[dict[str, object]]


def graph_data(picture: Picture) -> GraphData:
    """Everything that is known of a picture's nodes: facts of the graph, statistics, amounts of all quantities.

    Verdicts take a check of each op, so they are included only where the picture is colored by them. Numbers that are
    not finite are written as the strings "nan", "inf" and "-inf".
    """
    graph = picture.graph
    quantities = _quantities(picture)
    members = graph.members()
    return {
        "format": "minigrad graph",
        "version": VERSION,
        "title": picture.title,
        "color_by": picture.color_by,
        "nodes": [_node(picture, node, quantities) for node in graph.nodes],
        "edges": [list(edge) for edge in graph.edges],
        "calls": [_call(call, members[call.id], quantities) for call in graph.calls],
        "outputs": list(graph.outputs),
        "quantities": [
            {"name": "kind", "label": "kind", "unit": "", "scale": "class"},
            *(_quantity(amounts.quantity) for amounts in quantities.values()),
        ],
    }


def _quantities(picture: Picture) -> dict[str, NodeAmounts]:
    known = dict.fromkeys([*QUANTITIES, *PROGRAM_QUANTITIES] if picture.computation is None else QUANTITIES)
    names = [name for name in known if name != "verdict" or picture.color_by == "verdict"]
    found = {name: picture.measure(name) for name in names}
    return {name: amounts for name, amounts in found.items() if amounts is not None and amounts.amounts}


def _quantity(quantity: Quantity) -> dict[str, object]:
    classes = {"classes": VERDICT_COLORS} if quantity.scale == "class" else {}
    return {
        "name": quantity.name, "label": quantity.label, "unit": quantity.unit, "scale": quantity.scale, **classes
    }  # fmt: skip


def _call(call: ModuleCall, nodes: list[int], quantities: Mapping[str, NodeAmounts]) -> dict[str, object]:
    return {**asdict(call), "amounts": _joined(quantities, nodes)}


def _joined(quantities: Mapping[str, NodeAmounts], nodes: list[int]) -> dict[str, Amount]:
    """The amounts of a node, or of several together."""
    found = {name: amounts.joined(nodes) for name, amounts in quantities.items()}
    return {name: _json_number(amount) for name, amount in found.items() if amount is not None}


def _node(picture: Picture, drawn: GraphNode, quantities: Mapping[str, NodeAmounts]) -> NodeData:
    computation = picture.computation
    node = computation.nodes[drawn.id] if computation is not None else None
    op = node.op if node is not None else REGISTRY.get(drawn.name) if drawn.kind == "op" else None
    values, gradient, step = _measured(computation, node)
    return {
        "id": drawn.id,
        "kind": drawn.kind,
        "name": drawn.name,
        "label": drawn.label,
        "shape": drawn.shape,
        "dtype": drawn.dtype,
        "settings": dict(shown_settings(drawn)),
        "call": drawn.call,
        "recorded": drawn.recorded,
        "output": drawn.id in picture.graph.outputs,
        "marked": drawn.id in picture.mark,
        "summary": _first_paragraph(op.__doc__ or "") if op is not None else "",
        "source": (op.source or "") if op is not None else "",
        "rules": rule_expressions(op) if op is not None else [],
        "site": _site(drawn.site),
        "values": values,
        "gradient": gradient,
        "step": step,
        "amounts": _joined(quantities, [drawn.id]),
        "notes": {name: amounts.notes[drawn.id] for name, amounts in quantities.items() if drawn.id in amounts.notes},
    }


def _measured(
    computation: Computation | None, node: Node | None
) -> tuple[StatisticsData | None, StatisticsData | None, int | None]:
    """The statistics of a node's value and gradient, and the step at which the gradient was complete."""
    if computation is None or node is None:
        return None, None, None
    values, gradient = computation.value_statistics.get(node), computation.gradient_statistics.get(node)
    return _statistics(values), _statistics(gradient), computation.backward.steps.get(node)


def rule_expressions(op: Op) -> list[list[str]]:
    """For each input its name and the expression that its rule returns, where that is one expression of source."""
    texts = {name: _returned_source(rule.function) for name, rule in (op.rules or op.fast_rules).items()}
    return [[name, text] for name, text in texts.items() if text]


_returned_source = cache(returned_source)  # it reads a file


def _first_paragraph(docstring: str) -> str:
    return " ".join(docstring.strip().split("\n\n")[0].split())


def _site(site: tuple[str, int] | None) -> SiteData | None:
    if site is None:
        return None
    path = Path(site[0])
    here = Path.cwd()
    file = path.relative_to(here) if path.is_relative_to(here) else Path(*path.parts[-2:])
    return {"file": file.as_posix(), "line": site[1], "text": linecache.getline(*site).strip()}


def _statistics(statistics: ArrayStatistics | None) -> StatisticsData | None:
    if statistics is None:
        return None
    return {name: _json_number(x) if isinstance(x, float) else x for name, x in asdict(statistics).items()}


def _json_number(amount: Amount) -> Amount:
    return amount if isinstance(amount, str) or math.isfinite(amount) else str(float(amount))
