"""The forward pass of derivatives: tangents travel from variables to results, oldest node first.

A tangent says how a value changes when the variables move along a direction. That of a node is the sum of what its
parents' tangents make of it, J v. It needs no rules of its own:

* An elementwise op has a diagonal J, which is its own transpose: the rule with g = v gives slope * v. (Not if it is
  linear over the real numbers only, as abs of complex ones: see `complex_numbers.py`.)
* An op that is linear in an input is its own J there: the op is applied to the tangent.
* For all others u -> J'u, which is the rule, is recorded at a variable u, and pulled back from v: the transpose of the
  transpose. A fused op that has fast rules only is run again from smaller ops.

As the reverse pass it has two forms: on arrays, and on Tensors (`record=True`), so that it can be differentiated.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from minigrad.autograd import operators
from minigrad.autograd.backward import toposort, unbroadcast
from minigrad.autograd.batched_array import LIVE, innermost
from minigrad.autograd.complex_numbers import is_real_linear
from minigrad.autograd.multiple_results import Results, split
from minigrad.autograd.node import STATE, Node, next_id
from minigrad.autograd.op import Op
from minigrad.autograd.recorded import pull_back_tensors
from minigrad.autograd.rule import Plan, Pull
from minigrad.autograd.silence import has_nan
from minigrad.autograd.tensor import Tensor, recording, wrap
from minigrad.autograd.variable import variable
from minigrad.errors import FreedGraphError
from minigrad.typing import Value

Tangent = Any  # an array, or a Tensor when the pass is recorded; a tuple of them for an op with several results


def push_forward_tensors(
    outs: Sequence[Tensor],
    variables: Sequence[Tensor],
    tangents: Sequence[Tensor],
    *,
    record: bool = False,
    nodes: list[Node] | None = None,
) -> list[Tensor]:
    """J v of recorded results: how each of them changes when the variables move along the tangents.

    Args:
        outs: recorded Tensors; one that is constant, or depends on no variable, has the tangent 0.
        variables: what they were computed from.
        tangents: v, one for each variable, in its shape.
        record: run the rules on Tensors, recording them.
        nodes: what lies between, newest first (default None: it is looked up).
    """
    at = {x.node: v if record else v._data for x, v in zip(variables, tangents, strict=True) if x.node is not None}
    if nodes is None:
        oldest = min([node.order for node in at], default=0)
        nodes = toposort([out.node for out in outs if out.node is not None], oldest=oldest)
    with recording(record), np.errstate(divide="ignore", invalid="ignore"):
        push_forward(at, reversed(nodes), record=record)
    return [_tangent_of(out, at) for out in outs]


def push_forward(tangents: dict[Node, Tangent], nodes: Iterable[Node], *, record: bool) -> None:
    """Add to the tangents, by node, those of `nodes` (oldest first) that depend on them.

    Raises:
        FreedGraphError: a backward pass has freed a node.
    """
    if STATE.capture is not None:
        STATE.capture.refuse("forward mode (jvp, linearize)")
    for node in nodes:
        plan = node.plan
        if plan is None or node in tangents:
            continue
        moved = {i: tangents[p] for i, p in enumerate(node.parents) if p is not None and p in tangents}
        if node.saved is None:
            raise FreedGraphError(
                f"the graph behind this {node.op} was freed by an earlier backward pass: pass retain_graph=True to it"
            )
        if moved:
            tangents[node] = _in_dtype(_push(plan, node, moved, record=record), node)


def _push(plan: Plan, node: Node, moved: Mapping[int, Tangent], *, record: bool) -> Tangent:
    """The tangent of a node, from those of its parents by position."""
    op = plan.op
    pulls = plan.recorded if record else plan.pulls
    if op.result_of is not None:
        return moved[0][op.result_of.result_ops.index(op)]
    if pulls is None or (plan.recorded is None and not op.elementwise):
        return _push_through_replay(plan, node, record=record, tangents=moved)
    if op.elementwise and not is_real_linear(node):
        return _sum([_push_elementwise(pull, node, moved[pull.position], plan, record)
                     for pull in pulls if pull.position in moved])  # fmt: skip
    if not record and all(_name(op, i) in op.linear for i in moved):
        found = _push_linear(plan, node, moved)
        if found is not None:
            return found
    return _push_by_transposing(plan, node, moved, record=record)


def _push_elementwise(pull: Pull, node: Node, v: Tangent, plan: Plan, record: bool) -> Tangent:
    """slope * v: the rule with v in place of g, and 0 where v is, whatever the slope."""
    assert node.saved is not None
    if v.shape != node.shape:
        v = operators.ops.broadcast_to(v, shape=node.shape) if record else np.broadcast_to(v, node.shape).copy()
    v = _in_dtype(v, node)
    found = pull.function(v, *pull.arguments(plan.as_tensors(node) if record else node.saved), **_settings(pull, node))
    if not record and type(found) is Tensor:  # ops of numbers alone give Tensors
        found = found._data
    if pull.multiplies and has_nan(found):
        data = v._data if type(v) is Tensor else v
        found = operators.ops.where(data == 0, 0, found)
    if found.shape != node.shape:
        found = operators.ops.broadcast_to(found, shape=node.shape)
    return found


# ---- linear ops ------------------------------------------------------------------------------------------------------


def _push_linear(plan: Plan, node: Node, moved: Mapping[int, Tangent]) -> Tangent | None:
    """The op applied to the tangents; None where an input that it needs was not saved.

    Inputs whose rules do not ask for one another are added up inside of the op (`x` and `b` of x w + b), and take their
    tangents at once; for each such group the others keep their values, or are 0 where the group does not ask for them.
    """
    op = plan.op
    groups: list[list[int]] = []
    for i in moved:
        fitting = (group for group in groups if not any(_wants(op, i, j) or _wants(op, j, i) for j in group))
        group = next(fitting, None)
        groups.append([i]) if group is None else group.append(i)
    parts = []
    for group in groups:
        inputs = [_input(plan, node, j, moved, group) for j in range(len(node.parents))]
        if any(x is _UNKNOWN for x in inputs):
            return None
        parts.append(_applied(op, inputs, node.settings))
    return _sum(parts)


def _applied(op: Op[..., Any], inputs: list[Any], settings: dict[str, Any]) -> Any:
    """The results of an op for arrays."""
    if LIVE and innermost((*inputs, *settings.values())) is not None:
        out = op(*inputs, **settings)
        return Results(out) if op.results else out
    out = op.forward(*inputs, **settings)
    return split(out, op.results, op.residuals)[0] if op._gives_tuple else out


_UNKNOWN = object()


def _input(plan: Plan, node: Node, j: int, moved: Mapping[int, Tangent], group: list[int]) -> Any:
    """What an op is given for input j when those in `group` are given their tangents."""
    op, name, parent = plan.op, _name(plan.op, j), node.parents[j]
    assert node.saved is not None
    if j in group:
        return moved[j]
    if any(_wants(op, i, j) for i in group):
        value = node.saved[plan.saved_names.index(name)]
        return value[j] if op.variadic else value
    if name in op.linear and parent is not None:
        return np.zeros(parent.shape, parent.dtype)
    return _UNKNOWN


def _wants(op: Op[..., Any], i: int, j: int) -> bool:
    """Whether the rule for input i asks for the value of input j."""
    name = _name(op, i)
    rules = [rules[name] for rules in (op.rules, op.fast_rules) if name in rules]
    return any(_name(op, j) in rule.wants for rule in rules)


def _name(op: Op[..., Any], i: int) -> str:
    return op.inputs[0 if op.variadic else i]


# ---- all others ------------------------------------------------------------------------------------------------------


def _push_by_transposing(plan: Plan, node: Node, moved: Mapping[int, Tangent], *, record: bool) -> Tangent:
    """u -> J'u recorded at u = 0, and pulled back from v."""
    assert node.saved is not None
    assert plan.recorded is not None
    several = bool(plan.op.results)
    shapes: Sequence[Any] = node.shape if several else (node.shape,)
    back, vs = [], []
    with recording():
        us = [variable(wrap(np.zeros(shape, node.dtype))) for shape in shapes]
        saved = plan.as_tensors(node) if record else node.saved
        for pull in plan.recorded:
            parent = node.parents[pull.position]
            if pull.position in moved and parent is not None:
                g = tuple(us) if several else us[0]
                cotangent = pull.function(g, *pull.arguments(saved), **_settings(pull, node))
                if isinstance(cotangent, Tensor):
                    back.append(unbroadcast(cotangent, parent, plan, pull, record=True))
                    vs.append(moved[pull.position] if record else wrap(moved[pull.position]))
    found = pull_back_tensors(back, vs, us, record=record)
    tangents = found if record else [x._data for x in found]
    return tuple(tangents) if several else tangents[0]


def _push_through_replay(plan: Plan, node: Node, *, tangents: Mapping[int, Tangent], record: bool) -> Tangent:
    """Run again, from smaller ops, what the node did as one, and push forward through that."""
    start = next_id()
    with recording():
        outs = plan.replay(node)
    at: dict[Node, Tangent] = {node.parents[i]: v for i, v in tangents.items()}  # type: ignore[misc]
    push_forward(at, reversed(toposort([x.node for x in outs if x.node is not None], oldest=start)), record=record)
    found = [_tangent_of(out, at) for out in outs]
    moved = tuple(found if record else [v._data for v in found])
    return moved if plan.op.results else moved[0]


def _settings(pull: Pull, node: Node) -> dict[str, Any]:
    return {name: node.settings[name] for name in pull.settings}


def _sum(parts: Sequence[Value]) -> Value:
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def _in_dtype(v: Tangent, node: Node) -> Tangent:
    if isinstance(v, tuple) or v.dtype == node.dtype:
        return v
    if v.dtype.kind == "c" and node.dtype.kind != "c":
        v = operators.ops.real(v)
    return operators.ops.astype(v, dtype=node.dtype)


def _tangent_of(out: Tensor, tangents: Mapping[Node, Tangent]) -> Tensor:
    v = tangents.get(out.node) if out.node is not None else None
    if v is None:
        return wrap(np.zeros(out.shape, out.dtype))
    return v if isinstance(v, Tensor) else wrap(v)
