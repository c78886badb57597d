"""The reverse pass: cotangents travel from results to variables, newest node first.

A cotangent is the derivative of some final number with respect to a value, in the shape of that value. Each node takes
its own (complete once all newer nodes have been passed), asks its op's rules what that means for each parent, and adds
the answers to theirs. There are two forms of the same walk:

* plain: the rules run on arrays, and each node's saved values are freed behind it;
* recorded (`record=True`): the rules run on Tensors, so the backward pass is itself a graph that can be differentiated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from operator import attrgetter
from typing import Any, Final, NoReturn

import numpy as np
from numpy import ndarray

from minigrad.autograd import operators
from minigrad.autograd.batched_array import LIVE, innermost
from minigrad.autograd.complex_numbers import conjugated
from minigrad.autograd.multiple_results import Cotangents
from minigrad.autograd.node import STATE, Leaf, LeafWatcher, Node, next_id
from minigrad.autograd.rule import JointPull, Plan, Pull
from minigrad.autograd.silence import MANY, has_nan, nothing_to_silence, silenced
from minigrad.autograd.tensor import Tensor, recording, wrap
from minigrad.errors import FreedGraphError, RuleError
from minigrad.kernels.lazy_fusion import MIN_FUSED_SIZE
from minigrad.typing import Array, Function, Settings, Value

_NO_SETTINGS: Final[Settings] = {}
_order: Final = attrgetter("order")

Cotangent = Any  # an array, or a Tensor when the pass is recorded


def toposort(roots: Iterable[Node], oldest: int = 0) -> list[Node]:
    """The nodes that the roots depend on, roots included, none older than `oldest`, sorted topologically."""
    found = {root for root in roots if root.order >= oldest} if oldest else set(roots)
    waiting = list(found)
    for node in waiting:  # grows while it is read
        for parent in node.parents:
            if parent is not None and parent not in found and parent.order >= oldest:
                found.add(parent)
                waiting.append(parent)
    waiting.sort(key=_order, reverse=True)
    return waiting


def pull_back(
    seeds: Mapping[Node, Cotangent],
    nodes: list[Node],
    targets: frozenset[Node] = frozenset(),
    *,
    record: bool = False,
    keep: bool = False,
    watchers: Sequence[LeafWatcher] = (),
) -> dict[Node, Cotangent]:
    """Carry the cotangents in `seeds` through `nodes` to the leaves and targets.

    Args:
        seeds: the cotangent of each result.
        nodes: what to pass, newest first; parents that are not among them get nothing.
        targets: nodes whose cotangent is wanted although they may not be leaves.
        record: run the rules on Tensors, recording them.
        keep: leave the graph as it is for another pass; otherwise it is freed on the way.
        watchers: told the gradient of each variable as soon as it is complete.

    Returns:
        The cotangent of every leaf and target that was reached.

    Raises:
        FreedGraphError: an earlier pass has freed a node.
        RuleError: a rule gave something that is no cotangent of its input.
    """
    if STATE.capture is not None:
        return STATE.capture.pull_back(seeds, nodes, targets, record, keep)
    if watchers:
        nodes = _leaves_early(nodes)
    return _walk(dict(seeds), nodes, targets, record=record, keep=keep, watchers=watchers)


def leaf_watchers() -> list[LeafWatcher]:
    """Those that are still there."""
    return [each for reference in STATE.leaf_watchers if (each := reference()) is not None]


def _leaves_early(nodes: list[Node]) -> list[Node]:
    """The nodes with each leaf right behind the last one that uses it: its cotangent is then complete."""
    last = {parent: k for k, node in enumerate(nodes) for parent in node.parents if parent is not None}
    behind: dict[int, list[Node]] = {}
    for leaf in nodes:
        if leaf.plan is None and leaf in last:
            behind.setdefault(last[leaf], []).append(leaf)
    moved = [[node, *behind.get(k, ())] for k, node in enumerate(nodes) if node.plan is not None or node not in last]
    return [node for group in moved for node in group]


@np.errstate(divide="ignore", invalid="ignore")  # slopes may be infinite where no cotangent arrives
def _walk(
    cotangents: dict[Node, Cotangent],
    nodes: list[Node],
    targets: frozenset[Node],
    *,
    record: bool,
    keep: bool,
    watchers: Sequence[LeafWatcher],
) -> dict[Node, Cotangent]:
    """The walk of `pull_back`."""
    reached: dict[Node, Cotangent] = {}
    inside = targets.union(nodes)
    watcher = STATE.gradient_watcher
    saved: tuple[Any, ...] | None
    together: dict[JointPull, tuple[Cotangent, ...]]
    for node in nodes:
        g = cotangents.pop(node, None)
        if g is None:
            continue
        plan = node.plan
        if plan is None:
            reached[node] = g
            if watchers and isinstance(node, Leaf):
                saved, together = (), {}  # whoever writes to the variable should be the only one to hold its values
                gradient = conjugated(g if isinstance(g, Tensor) else wrap(g))._data
                if any(each.on_gradient(node, gradient) for each in watchers):
                    del reached[node]
                del gradient
            continue
        if targets and node in targets:
            reached[node] = g
        saved, parents = node.saved, node.parents
        if saved is None:
            raise FreedGraphError(
                f"the graph behind this {node.op} was freed by an earlier backward pass (or one that failed): "
                "pass retain_graph=True to the first one, or compute the result again"
            )
        if type(g) is Cotangents:
            g = g.all(recorded=record)
        plain = not record and (not LIVE or innermost((*g, *saved) if type(g) is tuple else (g, *saved)) is None)
        pulls = plan.pulls if plain else plan.recorded
        if pulls is None:
            for target, cotangent in _pull_through_replay(plan, node, g, inside, record=record).items():
                cotangents[target] = cotangents[target] + cotangent if target in cotangents else cotangent
            pulls = []
        elif record:
            saved = plan.as_tensors(node)
        together = {}  # what the rules for several inputs have given
        large = plain and type(g) is ndarray and g.size >= MIN_FUSED_SIZE
        found = in_one_loop(plan.loop, plan, parents, inside, g, saved) if large and plan.loop is not None else None
        for k, pull in enumerate(pulls):
            parent = parents[pull.position]
            if parent is None or parent not in inside:
                continue
            joint = pull.joint
            if joint is not None and joint not in together:
                together[joint] = pull_together(plan, joint, node, g, saved)
            try:
                cotangent = NotImplemented
                if large:
                    if found is not None:
                        cotangent = found[k]
                    elif pull.fused is not None:
                        cotangent = pull.fused(g, *pull.arguments(saved), **chosen(node.settings, pull.settings))
                if cotangent is NotImplemented:
                    if joint is not None:
                        cotangent = together[joint][pull.product]
                    elif pull.settings:
                        cotangent = pull.function(g, *pull.arguments(saved), **chosen(node.settings, pull.settings))
                    else:
                        cotangent = pull.function(g, *pull.arguments(saved))
                    if pull.multiplies:
                        known = cotangent.size >= MANY and nothing_to_silence(cotangent, node, pull.arguments(saved))
                        if not known and has_nan(cotangent):
                            again = _run_again(pull, g, node, saved)
                            cotangent = silenced(cotangent, g, node, parent, pull.position, again)
                fits = cotangent.shape == parent.shape and cotangent.dtype is parent.dtype
            except Exception as error:
                _blame_rule(plan, pull, error)
            if not fits or (type(cotangent) is Tensor and not record):
                cotangent = unbroadcast(cotangent, parent, plan, pull, record)
            if watcher is not None:
                watcher(node, pull.position, cotangent)
            earlier = cotangents.get(parent)
            cotangents[parent] = cotangent if earlier is None else earlier + cotangent
        if not keep:
            node.saved, node.parents = None, ()
    reached.update(cotangents)  # what is left belongs to targets that were not to be passed themselves
    return reached


def chosen(settings: Settings, names: Sequence[str]) -> Settings:
    """The settings of a call that a rule asks for."""
    return {name: settings[name] for name in names} if names else _NO_SETTINGS


def in_one_loop(
    loop: Function, plan: Plan, parents: Sequence[Node | None], inside: Set[Node], g: Array, saved: tuple[Value, ...]
) -> list[Array] | None:
    """The products of all rules of an elementwise op, un-broadcast; None where one loop cannot, or need not, do it."""
    shapes, multiply = [], 0
    for pull in plan.pulls or ():
        parent = parents[pull.position]
        if parent is None or parent not in inside:
            return None
        shapes.append(parent.shape)
        multiply += pull.multiplies
    if multiply < 2 and all(shape == g.shape for shape in shapes):
        return None  # one rule has a loop of its own, and what only moves cotangents needs none
    found = loop((g, *saved), g.shape, tuple(shapes))
    return None if found is NotImplemented else found


def pull_together(
    plan: Plan, joint: JointPull, node: Node, g: Cotangent, saved: tuple[Value, ...]
) -> tuple[Cotangent, ...]:
    """The products of one rule for several inputs; None for those that the plan does not want."""
    try:
        settings = chosen(node.settings, joint.settings)
        found: tuple[Cotangent, ...] = joint.function(g, *joint.arguments(saved), **settings)
        return found
    except Exception as error:
        _blame_rule(plan, joint, error)


def _run_again(pull: Pull, g: Cotangent, node: Node, saved: tuple[Value, ...]) -> Callable[..., Cotangent]:
    """The function that runs a rule once more, each saved value replaced by what a given function makes of it."""

    def run(replaced: Callable[[Value], Value]) -> Cotangent:
        settings = chosen(node.settings, pull.settings)
        return pull.function(g, *map(replaced, pull.arguments(saved)), **settings)

    return run


def _pull_through_replay(
    plan: Plan, node: Node, g: Cotangent, inside: Set[Node], *, record: bool
) -> dict[Node, Cotangent]:
    """Run again, from smaller ops, what the node did as one, and pull back through that."""
    start = next_id()
    with recording():
        outs = plan.replay(node)
    parents = frozenset([parent for parent in node.parents if parent is not None and parent in inside])
    seeds: dict[Node, Cotangent] = {}
    for out, part in zip(outs, g if type(g) is tuple else (g,), strict=True):
        if out.node is not None:
            seeds[out.node] = seeds[out.node] + part if out.node in seeds else part
    return pull_back(seeds, toposort(seeds, oldest=start), parents, record=record, keep=record)


def unbroadcast(cotangent: Any, parent: Node, plan: Plan, pull: Pull, record: bool) -> Cotangent:
    """A rule's answer in the shape and dtype of the input: broadcasting undone, once, for all rules.

    Of a real input it is the real part: see `complex_numbers.py`.
    """
    if type(cotangent) is Tensor and not record:
        cotangent = cotangent._data
    if type(cotangent) is Cotangents:  # of results with several dtypes
        return cotangent
    if cotangent.shape != parent.shape:
        lead = len(cotangent.shape) - len(parent.shape)
        pairs = zip(cotangent.shape[max(lead, 0) :], parent.shape, strict=False)
        if lead < 0 or any(size not in (1, wide) for wide, size in pairs):
            raise RuleError(
                f"op {plan.op}: the rule for {_input_name(plan, pull)!r} gave a cotangent of shape {cotangent.shape} "
                f"for an input of shape {parent.shape}; they must be equal, or differ by broadcasting"
            )
        cotangent = operators.ops.sum_to(cotangent, shape=parent.shape)
    if cotangent.dtype.kind == "c" and parent.dtype.kind != "c":
        cotangent = operators.ops.real(cotangent)
    return cotangent if cotangent.dtype == parent.dtype else operators.ops.astype(cotangent, dtype=parent.dtype)


def _blame_rule(plan: Plan, pull: Pull | JointPull, error: Exception) -> NoReturn:
    """Raise `error` again, with the rule named."""
    if isinstance(error, RuleError):
        raise error
    if isinstance(error, AttributeError) and str(error).endswith(("no attribute 'size'", "no attribute 'shape'")):
        raise RuleError(
            f"op {plan.op}: the rule for {_input_name(plan, pull)!r} returned no array ({error})"
        ) from error
    error.add_note(
        f"in the rule of op {plan.op} for its input {_input_name(plan, pull)!r}. Rules receive arrays at first order "
        "and Tensors at higher orders: write them with operators and minigrad functions"
    )
    raise error


def _input_name(plan: Plan, pull: Pull | JointPull) -> str:
    if isinstance(pull, JointPull):
        return ", ".join(pull.inputs)
    return f"{plan.op.inputs[0]}[{pull.position}]" if plan.op.variadic else plan.op.inputs[pull.position]
