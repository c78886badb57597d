"""Branches and loops: If runs the branch that its condition chooses, Loop and Scan run a body several times."""

from __future__ import annotations

import math

import numpy as np

from minigrad import ops
from minigrad.errors import DataError, ShapeError
from minigrad.io.onnx.importer.data import GraphData
from minigrad.io.onnx.importer.node import Node, raw
from minigrad.io.onnx.importer.registry import onnx_operator
from minigrad.shapes import shape_of
from minigrad.typing import Value

SCAN_OPSET = 9
"""The first in which Scan has no batch."""


@onnx_operator("If", constants=("condition",), note="the condition is looked at; no gradient flows through it")
def _(node: Node, condition: Value) -> Value:
    return node.branch(node.graph("then_branch" if _true(condition) else "else_branch"), ())


def _true(condition: Value) -> bool:
    return bool(raw(condition).reshape(-1)[0]) if raw(condition).size else False


@onnx_operator(
    "Loop", constants=("count", "condition", "carried"),
    note="the condition is looked at after each turn; initial values are not trained",
)  # fmt: skip
def _(node: Node, count: Value = None, condition: Value = None, *carried: Value) -> tuple[Value, ...]:
    body, limit = node.graph("body"), math.inf if count is None else node.scalar(count, "the count")
    gathered: list[list[Value]] = [[] for _ in body.outputs[1 + len(carried) :]]
    going, turn = condition is None or _true(condition), 0
    while going and turn < limit:
        going_on, *outs = node.branch(body, (np.asarray(turn, np.int64), np.asarray(True), *carried))
        carried, made = tuple(outs[: len(carried)]), outs[len(carried) :]
        for rows, out in zip(gathered, made, strict=True):
            rows.append(out)
        going, turn = _true(going_on), turn + 1
    return (*carried, *[_stacked(node, body, 1 + len(carried) + k, rows, 0) for k, rows in enumerate(gathered)])


@onnx_operator("Scan", constants=("values",), note="from opset 9 on; initial values are not trained")
def _(node: Node, *values: Value) -> tuple[Value, ...]:
    if node.opset < SCAN_OPSET:
        node.refuse(f"it has another form before opset {SCAN_OPSET}, which is not supported")
    body, scanned = node.graph("body"), node.integer("num_scan_inputs")
    if not 0 < scanned <= len(values):
        raise DataError(f"{node.data}: {scanned} of {len(values)} inputs cannot be scanned")
    count = len(values) - scanned
    state, inputs = tuple(values[:count]), values[count:]
    rest = len(body.outputs) - count
    axes = [
        node.axis(axis, len(shape_of(x)))
        for axis, x in zip(_each(node, "scan_input_axes", scanned), inputs, strict=True)
    ]
    lengths = {shape_of(x)[axis] for x, axis in zip(inputs, axes, strict=True)}
    if len(lengths) != 1:
        raise ShapeError(f"{node.data}: the scanned inputs have different lengths, {sorted(lengths)}")
    (length,) = lengths
    backward, reverse = _each(node, "scan_input_directions", scanned), _each(node, "scan_output_directions", rest)
    gathered: list[list[Value]] = [[] for _ in range(rest)]
    for turn in range(length):
        slices = [
            ops.getitem(x, index=(*[slice(None)] * axis, length - 1 - turn if back else turn))
            for x, axis, back in zip(inputs, axes, backward, strict=True)
        ]
        outs = node.branch(body, (*state, *slices))
        state = outs[:count]
        for rows, out in zip(gathered, outs[count:], strict=True):
            rows.append(out)
    stacks = [
        _stacked(node, body, count + k, rows[::-1] if back else rows, axis)
        for k, (rows, back, axis) in enumerate(
            zip(gathered, reverse, _each(node, "scan_output_axes", rest), strict=True)
        )
    ]
    return (*state, *stacks)


def _each(node: Node, name: str, count: int) -> tuple[int, ...]:
    """An attribute with a number for each input or output; 0 unless given."""
    found = node.integers(name, (0,) * count)
    if len(found) != count:
        raise DataError(f"{node.data}: {name} has {len(found)} numbers for {count}")
    return found


def _stacked(node: Node, body: GraphData, place: int, rows: list[Value], axis: int) -> Value:
    """The results of all turns in one value; without any turn as the body declares it."""
    if rows:
        node.require_size((len(rows), *shape_of(rows[0])))
        return ops.stack(rows, axis=node.axis(axis, len(shape_of(rows[0])) + 1))
    declared = body.outputs[place]
    if declared.shape is None or declared.dtype is None or None in declared.shape:
        raise DataError(f"{node.data} has no turn, and the shape of its result {declared.name!r} is not declared")
    return np.zeros(node.require_size((0, *[n for n in declared.shape if n is not None])), declared.dtype)
