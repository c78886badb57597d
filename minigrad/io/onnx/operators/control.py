"""Branches: If runs the one that its condition chooses."""

from __future__ import annotations

from minigrad.io.onnx.importer.node import Node, raw
from minigrad.io.onnx.importer.registry import onnx_operator
from minigrad.typing import Value


@onnx_operator("If", constants=("condition",), note="the condition is looked at; no gradient flows through it")
def _(node: Node, condition: Value) -> Value:
    chosen = bool(raw(condition).reshape(-1)[0]) if raw(condition).size else False
    return node.branch(node.graph("then_branch" if chosen else "else_branch"), ())
