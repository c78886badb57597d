"""In which conditions did the tests that passed exercise each op? A matrix, op by condition.

A cell is filled when a test that passed called the op in that condition and pulled a cotangent back through that call;
calls inside of other functions count. Which cells apply follows from the facts of an op that has rules:

    broadcast       an input had to be repeated to fit the result    ops whose inputs broadcast against each other
    negative axis   an axis counted from the end                     ops with a setting axis, axes or dim
    0-d             a variable without dimensions                    unless the shape specification asks for dimensions,
                                                                     the op for an axis, or the op refuses numbers
    empty           a variable without elements                      all
    float32         a variable in single precision                   all
    non-contiguous  a variable not in row-major order                all
    repeated        the same variable twice                          ops with two or more differentiable inputs
    second order    pulled back while the pass was recorded          all
    kink            an input where there is no derivative            ops with the fact kinks: at one of its numbers, or
                                                                     equal elements along the axis or of two inputs

Nothing is watched unless the matrix is asked for.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache, wraps
from itertools import combinations
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from minigrad.autograd import backward as backward_pass
from minigrad.autograd.node import Node
from minigrad.autograd.op import Op
from minigrad.autograd.tensor import Tensor
from minigrad.testing.excuse import Excuses
from minigrad.testing.mutant import broadcasts, shape_of_result

Cell = tuple[str, str]
"""An op's name and a condition."""

CONDITIONS = (
    "broadcast", "negative axis", "0-d", "empty", "float32", "non-contiguous", "repeated", "second order", "kink",
)  # fmt: skip
AXES = ("axis", "axes", "dim")
SIGNS = {"exercised": "x", "empty": "-", "excused": "e", "": ""}

_broadcasts = cache(broadcasts)


# ---- which conditions apply --------------------------------------------------------------------------------------


def applicable(op: Op) -> list[str]:
    """The conditions in which an op can be, by its facts."""
    if not op.rules and not op.fast_rules:
        return []
    several = op.variadic or len(set(op.inputs) - op.non_differentiable) > 1
    applies = {
        "broadcast": _broadcasts(op),
        "negative axis": not set(AXES).isdisjoint(op.settings),
        "0-d": _takes_numbers(op),
        "repeated": several,
        "kink": bool(op.kinks),
    }
    return [condition for condition in CONDITIONS if applies.get(condition, True)]


def _takes_numbers(op: Op) -> bool:
    """Whether a differentiable input may be 0-dimensional, as far as the facts tell."""
    if op.shapes is not None:
        letters = zip(op.inputs, op.shapes.inputs, strict=False)
        return any(x not in op.non_differentiable and dims in (["..."], []) for x, dims in letters)
    known = inspect.signature(op.canonical or op.forward).parameters
    axes = [known[axis].default for axis in AXES if axis in known]
    if axes and None not in axes:  # None: all axes, of which there are none
        return False
    return not _refuses_numbers(op)


@cache
def _refuses_numbers(op: Op) -> bool:
    """Whether an op whose settings all have defaults raises for numbers."""
    parameters = inspect.signature(op.canonical or op.forward).parameters.values()
    if op.settings and any(p.kind is p.KEYWORD_ONLY and p.default is p.empty for p in parameters):
        return False  # it is not known how to call it
    try:
        with np.errstate(all="ignore"):
            shape_of_result(op, [np.array(0.5)] * len(op.inputs))
    except Exception:  # an op may refuse such inputs in any way that it likes
        return True
    return False


# ---- which were met ----------------------------------------------------------------------------------------------


def conditions(op: Op, inputs: Iterable[Any], settings: dict[str, Any], node: Node) -> list[str]:
    """The conditions that one call is in; second order is decided by the pass, later."""
    variables = [x for x in inputs if type(x) is Tensor and x.node is not None]
    arrays = [np.asarray(x._data) for x in variables]
    shapes = {array.shape for array in arrays}
    axes = [settings.get(axis) for axis in AXES]
    met = {
        "broadcast": _broadcasts(op) and any(shape != node.shape for shape in shapes),
        "negative axis": any(np.any(np.asarray(axis) < 0) for axis in axes if axis is not None),
        "0-d": () in shapes,
        "empty": any(array.size == 0 for array in arrays),
        "float32": any(array.dtype == np.float32 for array in arrays),
        "non-contiguous": any(not array.flags.c_contiguous for array in arrays),
        "repeated": len({x.node for x in variables}) < len(variables),
        "kink": bool(op.kinks) and at_kink(op, inputs, node.settings),
    }
    return [condition for condition, is_met in met.items() if is_met]


def at_kink(op: Op, inputs: Iterable[Any], settings: dict[str, Any]) -> bool:
    """Whether a call is at a point where the op has no derivative."""
    data = [x._data if type(x) is Tensor else x for x in inputs]
    arrays = [np.asarray(x) for x, name in zip(data, _names(op, len(data)), strict=False) if _differentiable(op, name)]
    if op.kinks != "ties":
        return any(np.isin(array, op.kinks).any() for array in arrays)
    if len(arrays) > 1:
        return any(np.any(x == y) for x, y in combinations(arrays, 2))
    return any(np.any(line[..., 1:] == line[..., :-1]) for line in map(np.sort, _lines(arrays, settings)))


def _names(op: Op, count: int) -> tuple[str, ...]:
    return op.inputs * count if op.variadic else op.inputs


def _differentiable(op: Op, name: str) -> bool:
    return name not in op.non_differentiable


def _lines(arrays: list[Any], settings: dict[str, Any]) -> Iterator[Any]:
    """Each array as rows of the elements that compete: those along its axis, or all."""
    for array in arrays:
        axis = settings.get("axis")
        axes = tuple(range(array.ndim)) if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)
        moved = np.moveaxis(array, axes, range(array.ndim - len(axes), array.ndim))
        kept = moved.shape[: array.ndim - len(axes)]
        yield moved.reshape(*kept, int(np.prod(moved.shape[len(kept) :])))


class Observer:
    """Sees calls and passes, and collects the cells that the running test fills."""

    def __init__(self) -> None:
        self.calls: WeakKeyDictionary[Node, list[str]] = WeakKeyDictionary()
        self.cells: set[Cell] = set()

    @contextmanager
    def watching(self) -> Iterator[None]:
        """See every call of an op and every pass until the end of the block."""
        kinds = [kind for kind in _subclasses(Op) if "__call__" in vars(kind)]
        former = {kind: vars(kind)["__call__"] for kind in kinds}
        pull_back = backward_pass.pull_back
        for kind in kinds:
            kind.__call__ = self._seen_call(former[kind])  # type: ignore[method-assign]
        observed = self._seen_pass(pull_back)
        _put(pull_back, observed)
        try:
            yield
        finally:
            _put(observed, pull_back)
            for kind in kinds:
                kind.__call__ = former[kind]  # type: ignore[method-assign]

    def _seen_call(self, call: Any) -> Any:
        @wraps(call)
        def seen(op: Op, *inputs: Any, **settings: Any) -> Any:
            out = call(op, *inputs, **settings)
            node = _node_of(op, out)
            if node is not None:
                self.calls[node] = conditions(op, inputs, settings, node)
            return out

        return seen

    def _seen_pass(self, pull_back: Any) -> Any:
        @wraps(pull_back)
        def seen(seeds: Any, nodes: Any, targets: Any = frozenset(), **options: Any) -> Any:
            passed = [node for node in nodes if node.plan is not None and node not in targets]
            reached = pull_back(seeds, nodes, targets, **options)
            for node in passed:
                met = [*self.calls.get(node, ()), *["second order"] * options.get("record", False)]
                self.cells.update((node.plan.op.name, condition) for condition in met)
            return reached

        return seen


def _subclasses(kind: type[Op]) -> Iterator[type[Op]]:
    yield kind
    for child in kind.__subclasses__():
        yield from _subclasses(child)


def _put(old: Any, new: Any) -> None:
    """Exchange a function in every module that has imported it by name."""
    for module in list(sys.modules.values()):
        if getattr(module, "__dict__", {}).get("pull_back") is old:
            module.__dict__["pull_back"] = new


def _node_of(op: Op, out: Any) -> Node | None:
    """The node that a call has made, also that of an op with several results, which lies behind each of them."""
    for result in out if isinstance(out, tuple) else (out,):
        node = result.node if type(result) is Tensor else None
        for candidate in (node, *node.parents) if node is not None else ():
            if candidate is not None and candidate.plan is not None and candidate.plan.op is op:
                return candidate
    return None


# ---- the matrix --------------------------------------------------------------------------------------------------


class Matrix:
    """Which conditions apply to each op, and which cells were filled. Matrices of several processes can be joined."""

    def __init__(self) -> None:
        self.applies: dict[str, list[str]] = {}
        self.filled: set[Cell] = set()

    def add_ops(self, ops: Iterable[Op]) -> None:
        """Give each op with rules a row."""
        self.applies.update({op.name: applicable(op) for op in ops if op.rules or op.fast_rules})

    def as_data(self) -> dict[str, Any]:
        """As plain data, for another process."""
        return {"applies": self.applies, "filled": sorted(map(list, self.filled))}

    def join(self, data: dict[str, Any]) -> None:
        """Add what another process saw."""
        self.applies.update(data["applies"])
        self.filled.update((op, condition) for op, condition in data["filled"])

    def states(self, excuses: Excuses) -> dict[Cell, str]:
        """For each cell: exercised, empty, excused, or "" where the condition does not apply."""
        states = {(op, condition): "" for op in sorted(self.applies) for condition in CONDITIONS}
        for op, applies in sorted(self.applies.items()):
            for condition in applies:
                filled = (op, condition) in self.filled
                excused = not filled and excuses.reason(f"{op}: {condition}")
                states[op, condition] = "exercised" if filled else "excused" if excused else "empty"
        return states

    def lines(self, states: dict[Cell, str]) -> Iterator[str]:
        """The matrix as text: x exercised, - empty, e excused."""
        heads = [condition.replace("non-", "non- ").split() for condition in CONDITIONS]
        widths = [max(map(len, head)) for head in heads]
        first = max(map(len, self.applies), default=0)
        for row in ([head[-2] if len(head) > 1 else "" for head in heads], [head[-1] for head in heads]):
            yield _line("", first, row, widths)
        for op in sorted(self.applies):
            yield _line(op, first, [SIGNS[states[op, condition]] for condition in CONDITIONS], widths)


def _line(name: str, first: int, texts: list[str], widths: list[int]) -> str:
    cells = [text.center(width) for text, width in zip(texts, widths, strict=True)]
    return f"{name:<{first}}  {'  '.join(cells)}".rstrip()
