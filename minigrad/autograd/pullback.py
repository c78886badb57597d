"""`Pullback`: one run of a function on fresh variables, to be pulled back through any number of times.

Each run has variables of its own, so derivatives nest to any order without confusing one another. A derivative is
itself recorded only if something outside depends on it: when the function reached variables other than its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minigrad.autograd.backward import pull_back, toposort
from minigrad.autograd.nested import Nested, is_container, leaves, mapped, rebuilt
from minigrad.autograd.node import STATE, Node, next_id
from minigrad.autograd.number_warning import warned_of_numbers
from minigrad.autograd.push_forward import push_forward_tensors
from minigrad.autograd.recorded import gradient_of, leading_to, seeds_of
from minigrad.autograd.tensor import Tensor, recording, wrap
from minigrad.autograd.variable import variable
from minigrad.errors import GraphError
from minigrad.typing import Function, Settings


class Pullback:
    """One run of a function on fresh variables, ready to be pulled back through any number of times.

    Attributes:
        name: of the transformation, for errors.
        out: what the function returned: a Tensor, or containers of them.
        aux: what it returned beside that, with `has_aux`.
        outs: the Tensors in it.
        given: the differentiated arguments, with the fresh variables in their containers.
        inputs: all of these variables.
        record: whether what is pulled back is recorded, since something outside depends on it.
    """

    def __init__(
        self,
        name: str,
        f: Function,
        args: Sequence[Any],
        settings: Settings,
        argnums: Sequence[int],
        has_aux: bool = False,
        labels: Sequence[str] | None = None,
    ) -> None:
        self.name, self.has_aux = name, has_aux
        outer_recorder, start = STATE.recorder, next_id()
        args = list(args)
        with recording():
            for i, label in zip(argnums, labels or [f"argument {i}" for i in argnums], strict=True):
                args[i] = _variables(f"{name}: {label}", args[i])
            self.given = [args[i] for i in argnums]
            self.inputs: list[Tensor] = [x for part in self.given for _, x in leaves(part)]
            self.targets = frozenset([x.node for x in self.inputs if x.node is not None])
            with warned_of_numbers(self.targets, start):
                out = f(*args, **settings)
        self.out: Nested
        self.aux: Any
        self.out, self.aux = _split(name, out) if has_aux else (out, None)
        self.outs: list[Tensor] = [self._checked(path, out) for path, out in leaves(self.out)]
        if not self.outs:
            raise GraphError(f"{name}: the function to differentiate returned {self.out!r}, and should return a Tensor")
        beside = [x for _, x in leaves(self.aux) if isinstance(x, Tensor)]
        roots = [out.node for out in [*self.outs, *beside] if out.node is not None]
        nodes = toposort(roots, oldest=start)
        self.nodes = leading_to(self.targets, nodes)
        returned_outer = any(node.order < start for node in roots)
        outside = returned_outer or any(p is not None and p.order < start for node in nodes for p in node.parents)
        self.record = outer_recorder is not None and outside

    def _checked(self, path: str, out: object) -> Tensor:
        if not isinstance(out, Tensor):
            where = f" at {path}" if path else ""
            raise GraphError(
                f"{self.name}: the function to differentiate must return a Tensor, or containers of Tensors, "
                f"not {type(out).__name__}{where}"
            )
        return out

    def single(self) -> Tensor:
        """The result, for what needs one Tensor."""
        if is_container(self.out):
            raise GraphError(
                f"{self.name}: the function to differentiate must return one Tensor, not a {type(self.out).__name__}"
            )
        return self.outs[0]

    def pull(self, gs: Sequence[Tensor], *, record: bool | None = None, keep: bool = True) -> list[Tensor]:
        """The cotangent of each input, for a cotangent of each result."""
        record = self.record or any(g.requires_grad for g in gs) if record is None else record
        reached: dict[Node, Any] = {}
        with recording(record):
            if self.nodes:
                seeds = seeds_of(self.outs, gs, record=record)
                reached = pull_back(seeds, self.nodes, self.targets, record=record, keep=keep or record)
            return [gradient_of(x, reached) for x in self.inputs]

    def push(self, inputs: Sequence[Tensor], vs: Sequence[Tensor]) -> list[Tensor]:
        """The tangent of each result, for tangents of some of the inputs; the other inputs stay where they are."""
        record = (self.record or any(v.requires_grad for v in vs)) and STATE.recorder is not None
        return push_forward_tensors(self.outs, inputs, vs, record=record, nodes=self.nodes)

    def in_containers(self, values: Sequence[Any]) -> list[Nested]:
        """One value an input, in the containers of the arguments."""
        remaining = iter(values)
        return [rebuilt(part, [next(remaining) for _ in leaves(part)]) for part in self.given]

    def value(self) -> Nested:
        """The function's result, as the caller may see it: recorded only for what lies outside."""
        return self._seen(self.out)

    def with_aux(self, *results: Any) -> tuple[Any, ...]:
        """These results, and behind them what the function returned beside its value, if it said so."""
        return (*results, self._seen(self.aux)) if self.has_aux else results

    def _seen(self, nested: Nested) -> Nested:
        if self.record:
            return nested
        return mapped(lambda value: wrap(value._data) if isinstance(value, Tensor) else value, nested)


def _split(name: str, returned: Any) -> tuple[Nested, Any]:
    """The value and what came beside it.

    Raises:
        GraphError: the function returned no pair.
    """
    if not isinstance(returned, tuple) or len(returned) != 2:
        what = f"{len(returned)} values" if isinstance(returned, tuple) else type(returned).__name__
        raise GraphError(f"{name}: with has_aux=True the function must return (value, aux), a pair; it returned {what}")
    return returned


def _variables(what: str, value: Nested) -> Nested:
    """An argument with a fresh variable in place of each of its values."""
    return rebuilt(value, [variable(x, f"{what}{path}") for path, x in leaves(value)])
