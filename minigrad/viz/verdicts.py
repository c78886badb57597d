"""The verdict on the derivative of each op of a computation, at the inputs that the op had there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from minigrad.autograd.node import Node
from minigrad.errors import RuleError
from minigrad.testing import Report, Verdict, check_grads
from minigrad.typing import Settings, Value
from minigrad.viz.computation import Computation, saved_inputs

WORST_FIRST: Final = ("wrong", "inconclusive", "kink", "correct")


@dataclass(frozen=True)
class OpVerdict:
    """The verdict on the derivative of one op.

    Attributes:
        verdict: "correct"; "kink": correct, with a subgradient where there is no derivative; "wrong"; "inconclusive".
        error: the relative error of the derivative if it is wrong, or else that of the check.
        text: the same in words.
    """

    verdict: str
    error: float
    text: str


def op_verdicts(computation: Computation) -> dict[Node, OpVerdict]:
    """Compare the derivatives of each op, up to the second order, with numerical ones.

    An op whose inputs neither a trace nor the graph has kept is inconclusive.
    """
    ops = [n for n, drawn in zip(computation.nodes, computation.graph.nodes, strict=True) if drawn.kind == "op"]
    return {node: _verdict(computation, node) for node in ops if not _passes_on(node)}


def _passes_on(node: Node) -> bool:
    """Whether an op computes nothing, and has no verdict: a result of several, and the hook of a module."""
    return node.op is None or node.op.result_of is not None or node.op.name == "hook"


def _verdict(computation: Computation, node: Node) -> OpVerdict:
    op = node.op
    assert op is not None
    if node.plan is not None and node.plan.pulls is None:
        return OpVerdict("inconclusive", 0.0, "it has no rules: draw the function without checkpoint, to judge its ops")
    inputs = _inputs(computation, node)
    if inputs is None:
        return OpVerdict("inconclusive", 0.0, "its inputs were not kept: give the function or model itself")
    positions = [k for k, parent in enumerate(node.parents) if parent is not None]
    try:
        report = check_grads(op, *inputs, argnums=positions, **_in_double_precision(node.settings))
    except RuleError as error:
        return OpVerdict("wrong", float("inf"), f"wrong: {error}")
    except Exception as error:  # what a rule raises in float64, or a forward function that takes float32 alone
        return OpVerdict("inconclusive", 0.0, f"the check raised {type(error).__name__}: {error}")
    return _from_report(report)


def _in_double_precision(settings: Settings) -> Settings:
    """Settings for a check in float64: a cast to float32 in it would only show the rounding."""
    return {
        name: np.dtype(np.float64) if isinstance(value, np.dtype) and value.kind == "f" else value
        for name, value in settings.items()
    }


def _inputs(computation: Computation, node: Node) -> tuple[Value, ...] | None:
    """The inputs of an op; None if one of them is not known."""
    event = computation.event(node)
    if event is not None:
        return event.inputs or None
    inputs = [
        computation.values.get(parent) if parent is not None else value
        for parent, value in zip(node.parents, saved_inputs(node), strict=False)
    ]
    known = bool(inputs) and len(inputs) == len(node.parents) and all(x is not None for x in inputs)
    return tuple(inputs) if known else None


def _from_report(report: Report) -> OpVerdict:
    if report.verdict is Verdict.WRONG:
        off = abs((report.found or 0.0) - (report.expected or 0.0)) / max(abs(report.expected or 0.0), 1e-300)
        return OpVerdict("wrong", off if report.expected else float("inf"), str(report))
    if report.verdict is Verdict.CORRECT and report.kinks:
        return OpVerdict("kink", report.error, str(report))
    return OpVerdict(report.verdict.value, report.error, str(report))
