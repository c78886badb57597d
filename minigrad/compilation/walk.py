"""The backward pass while it is captured: the walk of `autograd.backward`, each step of it written on the tape."""

from __future__ import annotations

from collections.abc import Set
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.autograd.backward import _blame_rule, _pull_through_replay, _run_again, pull_together, unbroadcast
from minigrad.autograd.multiple_results import Cotangents
from minigrad.autograd.node import Leaf, Node, override_state
from minigrad.autograd.rule import JointPull, Plan, Pull
from minigrad.autograd.silence import has_nan, silenced
from minigrad.autograd.tensor import Tensor
from minigrad.compilation.flops import flops_of_rule
from minigrad.compilation.program import Instruction, Silence
from minigrad.errors import FreedGraphError
from minigrad.kernels.lazy_fusion import MIN_FUSED_SIZE

if TYPE_CHECKING:
    from minigrad.compilation.tape import Tape


def walk(tape: Tape, cotangents: dict[Node, Any], nodes: list[Node], targets: Set[Node], keep: bool) -> dict[Node, Any]:
    """Carry cotangents, arrays, through `nodes` to the leaves and targets."""
    reached: dict[Node, Any] = {}
    inside = targets | set(nodes)
    for node in nodes:
        g = cotangents.pop(node, None)
        if g is None:
            continue
        plan = node.plan
        if plan is None or node in targets:
            reached[node] = g
        if plan is None:
            continue
        if node.saved is None:
            raise FreedGraphError(
                f"the graph behind this {node.op} was freed by an earlier backward pass (or one that failed): "
                "pass retain_graph=True to the first one, or compute the result again"
            )
        if type(g) is Cotangents:
            g = g.all(recorded=False)
        if plan.pulls is None:
            found = _replayed(tape, plan, node, g, inside)
        else:
            together = _pulled_together(tape, plan, node, g) if plan.joint else {}
            pulls = [(pull, node.parents[pull.position]) for pull in plan.pulls]
            found = [
                (p, together[pull] if pull in together else _pulled(tape, plan, pull, node, p, g))
                for pull, p in pulls
                if p is not None and p in inside
            ]
        for parent, cotangent in found:
            earlier = cotangents.get(parent)
            cotangents[parent] = cotangent if earlier is None else _sum(tape, earlier, cotangent)
        if not keep:
            node.saved, node.parents = None, ()
    reached.update(cotangents)
    return {node: _as_array(tape, g) for node, g in reached.items()}


def _replayed(tape: Tape, plan: Plan, node: Node, g: Any, inside: Set[Node]) -> list[tuple[Node, Any]]:
    """Run again what a checkpoint left out, and pull back through that."""
    before, tape.recomputed = tape.recomputed, True
    try:
        with override_state(recorder=tape.record):
            return list(_pull_through_replay(plan, node, g, inside, record=False).items())
    finally:
        tape.recomputed = before


def _pulled(tape: Tape, plan: Plan, pull: Pull, node: Node, parent: Node, g: Any) -> Any:
    """What a rule gives, in the shape and dtype of the input."""
    assert node.saved is not None
    arguments = pull.arguments(node.saved)
    settings = {name: node.settings[name] for name in pull.settings}
    tape.depth += 1  # the ops inside of a rule are part of it
    try:
        function, multiplies, cotangent = pull.function, pull.multiplies, NotImplemented
        if pull.fused is not None and type(g) is np.ndarray and g.size >= MIN_FUSED_SIZE:
            cotangent = pull.fused(g, *arguments, **settings)
        if cotangent is not NotImplemented:
            function, multiplies = pull.fused, False  # the rule of silence is in the loop
        else:
            cotangent = pull.function(g, *arguments, **settings)
        if multiplies and has_nan(cotangent):
            cotangent = silenced(cotangent, g, node, parent, pull.position, _run_again(pull, g, node, node.saved))
        if type(cotangent) is Tensor:
            cotangent = cotangent._data
        fits = cotangent.shape == parent.shape and cotangent.dtype == parent.dtype
    except Exception as error:
        _blame_rule(plan, pull, error)
    finally:
        tape.depth -= 1
    if type(cotangent) is Cotangents:  # one of several results: its cotangent takes its place among the others
        return cotangent
    name = plan.op.inputs[0 if plan.op.variadic else pull.position]
    silence = Silence(_bare(node), _bare(parent), pull.position) if multiplies else None
    encoded = tuple([tape.encoded(x) for x in (g, *arguments)])
    settings = {name: tape.encoded(value) for name, value in settings.items()}
    tape.emit(
        Instruction(
            "rule", f"{plan.op.name}.{name}", function, encoded, settings, tape.made(cotangent),
            op=plan.op, silence=silence, flops=flops_of_rule(node),
            plain=(pull.function, pull.multiplies) if plan.op.elementwise else None,
        )
    )  # fmt: skip
    return cotangent if fits else unbroadcast(cotangent, parent, plan, pull, record=False)  # by ops, which are seen


def _pulled_together(tape: Tape, plan: Plan, node: Node, g: Any) -> dict[Pull, Any]:
    """What the rules for several inputs give, each product in the shape and dtype of its input."""
    groups: dict[JointPull, list[Pull]] = {}
    for pull in plan.pulls or ():
        if pull.joint is not None:
            groups.setdefault(pull.joint, []).append(pull)
    found: dict[Pull, Any] = {}
    for joint, pulls in groups.items():
        found |= _pulled_by_one(tape, plan, joint, pulls, node, g)
    return found


def _pulled_by_one(tape: Tape, plan: Plan, joint: JointPull, pulls: list[Pull], node: Node, g: Any) -> dict[Pull, Any]:
    """What one rule gives for several inputs: one instruction."""
    saved, parents = node.saved, [node.parents[pull.position] for pull in pulls]
    assert saved is not None
    tape.depth += 1
    try:
        cotangents = list(pull_together(plan, joint, node, g, saved))
        silences = []
        for pull, parent in zip(pulls, parents, strict=True):
            if pull.multiplies and parent is not None:
                k = pull.product
                silences.append(Silence(_bare(node), _bare(parent), pull.position, k))
                if has_nan(cotangents[k]):
                    again = _run_again(pull, g, node, saved)
                    cotangents[k] = silenced(cotangents[k], g, node, parent, pull.position, again)
    finally:
        tape.depth -= 1
    encoded = tuple([tape.encoded(x) for x in (g, *joint.arguments(saved))])
    settings = {name: tape.encoded(node.settings[name]) for name in joint.settings}
    results = tuple([tape.made(cotangent) for cotangent in cotangents])
    names = "_".join(plan.op.inputs[pull.position] for pull in pulls)
    tape.emit(
        Instruction(
            "rule", f"{plan.op.name}.{names}", joint.function, encoded, settings, results,
            op=plan.op, silence=tuple(silences), flops=len(pulls) * flops_of_rule(node),
        )
    )  # fmt: skip
    return {
        pull: unbroadcast(cotangents[pull.product], parent, plan, pull, record=False)
        for pull, parent in zip(pulls, parents, strict=True)
        if parent is not None
    }


def _bare(node: Node) -> Node:
    """A node that says which op it is and what its value is like, and keeps nothing alive."""
    bare = Leaf(node.shape, node.dtype)
    bare.plan, bare.settings = node.plan, node.settings
    return bare


def _sum(tape: Tape, earlier: Any, later: Any) -> Any:
    if type(earlier) is not Cotangents:
        return tape.add(earlier, later)
    parts = dict(earlier.parts)
    for k, g in later.parts.items():
        parts[k] = tape.add(parts[k], g) if k in parts else g
    return Cotangents(parts, earlier.shape, earlier.dtype)


def _as_array(tape: Tape, g: Any) -> Any:
    """NumPy's arithmetic gives numbers where there are no dimensions; what arrives is an array."""
    if not isinstance(g, np.generic):
        return g
    array = np.asarray(g)
    tape.copied(g, array)
    return array
