"""`Observer`: the conditions of the calls that a test differentiates.

Calls inside of other functions count. Nothing is observed unless the matrix is asked for.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any
from weakref import WeakKeyDictionary

from minigrad.autograd import backward as backward_pass
from minigrad.autograd.node import Node
from minigrad.autograd.op import Op
from minigrad.autograd.tensor import Tensor
from minigrad.testing.calls.function_call import FunctionCall
from minigrad.testing.calls.linearization import OBSERVERS
from minigrad.testing.coverage.conditions import Cell, conditions_met
from minigrad.testing.coverage.foreign_conditions import applicable_to_call, conditions_of_call
from minigrad.typing import Function


class Observer:
    """Observes calls of ops and backward passes.

    Attributes:
        calls: the conditions of each recorded call.
        cells: the cells of the calls that a backward pass went through.
        foreign: the conditions that apply to each function that is no op of minigrad's, by its name.
    """

    def __init__(self) -> None:
        self.calls: WeakKeyDictionary[Node, list[str]] = WeakKeyDictionary()
        self.cells: set[Cell] = set()
        self.foreign: dict[str, list[str]] = {}

    def _observe_foreign(self, call: FunctionCall, twice: bool) -> None:
        if not call.on_tensors and call.name != "f":  # a function without a name is nobody's row
            known = self.foreign.setdefault(call.name, [])
            known += [condition for condition in applicable_to_call(call) if condition not in known]
            self.cells.update((call.name, condition) for condition in conditions_of_call(call, twice=twice))

    @contextmanager
    def observing(self) -> Iterator[None]:
        """Observe every call of an op and every backward pass until the end of the block."""
        kinds = [kind for kind in _subclasses(Op) if "__call__" in vars(kind)]
        former = {kind: vars(kind)["__call__"] for kind in kinds}
        pull_back = backward_pass.pull_back
        for kind in kinds:
            kind.__call__ = self._observed_call(former[kind])  # type: ignore[method-assign]
        observed = self._observed_pass(pull_back)
        _replace_everywhere(pull_back, observed)
        OBSERVERS.append(self._observe_foreign)
        try:
            yield
        finally:
            OBSERVERS.remove(self._observe_foreign)
            _replace_everywhere(observed, pull_back)
            for kind in kinds:
                kind.__call__ = former[kind]  # type: ignore[method-assign]

    def _observed_call(self, call: Function) -> Function:
        @wraps(call)
        def seen(op: Op, *inputs: Any, **settings: Any) -> Any:
            out = call(op, *inputs, **settings)
            node = _node_of(op, out)
            if node is not None:
                self.calls[node] = conditions_met(op, inputs, settings, node)
            return out

        return seen

    def _observed_pass(self, pull_back: Function) -> Function:
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


def _replace_everywhere(old: Function, new: Function) -> None:
    """Replace `pull_back` in every module that has imported it by name."""
    for module in list(sys.modules.values()):
        if getattr(module, "__dict__", {}).get("pull_back") is old:
            module.__dict__["pull_back"] = new


def _node_of(op: Op, out: object) -> Node | None:
    """The node that a call has made, also that of an op with several results, which lies behind each of them."""
    for result in out if isinstance(out, tuple) else (out,):
        node = result.node if type(result) is Tensor else None
        for candidate in (node, *node.parents) if node is not None else ():
            if candidate is not None and candidate.plan is not None and candidate.plan.op is op:
                return candidate
    return None
