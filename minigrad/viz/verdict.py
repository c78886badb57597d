"""The verdict on each op of a recorded computation: is its derivative right at the inputs that it met there?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from minigrad.autograd.node import Node
from minigrad.errors import RuleError
from minigrad.testing import Report, Verdict, check_grads
from minigrad.viz.record import Record, kept_inputs

WORST_FIRST: Final = ("wrong", "inconclusive", "kink", "correct")
BOOKKEEPING: Final = ("result", "hook")  # they hand on what others make


@dataclass(frozen=True)
class Judgment:
    """What is said of one op.

    Attributes:
        verdict: "correct", "wrong", "inconclusive", or "kink": correct, with a subgradient where no derivative is.
        error: how far the derivative was off, relative to its size, where it is wrong; else the error of the check.
        text: the same in words.
    """

    verdict: str
    error: float
    text: str


def judge(record: Record) -> dict[Node, Judgment]:
    """Hold the derivative of each op, at its recorded inputs, to numerical ones, to the second order.

    Inputs that neither a trace nor the graph has kept cannot be judged: such an op is inconclusive.
    """
    drawn = [node for node, told in zip(record.nodes, record.graph.nodes, strict=True) if told.kind == "op"]
    return {node: _judge(record, node) for node in drawn if node.op is not None and node.op.name not in BOOKKEEPING}


def _judge(record: Record, node: Node) -> Judgment:
    op = node.op
    assert op is not None
    if node.plan is not None and node.plan.pulls is None:
        return Judgment("inconclusive", 0.0, "it has no rules: draw the function without checkpoint, to judge its ops")
    inputs = _inputs(record, node)
    if inputs is None:
        return Judgment("inconclusive", 0.0, "its inputs were not kept: give the function or model itself")
    places = [k for k, parent in enumerate(node.parents) if parent is not None]
    try:
        report = check_grads(op, *inputs, argnums=places, **_in_double_precision(node.settings))
    except RuleError as error:
        return Judgment("wrong", float("inf"), f"wrong: {error}")
    except Exception as error:  # what a rule raises in float64, or a forward function that takes float32 alone
        return Judgment("inconclusive", 0.0, f"the check raised {type(error).__name__}: {error}")
    return _judgment(report)


def _in_double_precision(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings for a check in float64: what casts to float32 there would only show the rounding."""
    return {
        name: np.dtype(np.float64) if isinstance(value, np.dtype) and value.kind == "f" else value
        for name, value in settings.items()
    }


def _inputs(record: Record, node: Node) -> tuple[Any, ...] | None:
    """What the op was given, if all of it is known."""
    event = record.event(node)
    if event is not None:
        return event.inputs or None
    kept = kept_inputs(node)
    filled = [
        record.values.get(parent) if parent is not None else value
        for parent, value in zip(node.parents, kept, strict=False)
    ]
    return tuple(filled) if filled and len(filled) == len(node.parents) and _all_known(filled) else None


def _all_known(values: list[Any]) -> bool:
    return all(value is not None for value in values)


def _judgment(report: Report) -> Judgment:
    if report.verdict is Verdict.WRONG:
        off = abs((report.found or 0.0) - (report.expected or 0.0)) / max(abs(report.expected or 0.0), 1e-300)
        return Judgment("wrong", off if report.expected else float("inf"), str(report))
    if report.verdict is Verdict.CORRECT and report.kinks:
        return Judgment("kink", report.error, str(report))
    return Judgment(report.verdict.value, report.error, str(report))
