"""From the parameter names of a rule to what the graph saves and hands back to it.

A `Rule` knows which names it wants. A `Plan` joins the rules of one op for one choice of differentiable inputs, and
answers three questions, worked out once and then only looked up: which values to save when the op runs, which of them
each rule receives, and which of them become Tensors again when the backward pass is recorded.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.errors import RuleError
from minigrad.node import Node
from minigrad.tensor import Tensor, wrap

if TYPE_CHECKING:
    from minigrad.op import Op

Function = Callable[..., Any]
Getter = Callable[[tuple[Any, ...]], tuple[Any, ...]]


@dataclass(frozen=True)
class Rule:
    """A vector-Jacobian product for one input: the function, and the names of what it wants to receive."""

    function: Function
    wants: tuple[str, ...]
    settings: tuple[str, ...]

    @classmethod
    def of(cls, op: Op, name: str, function: Function) -> Rule:
        """Read what `function` asks for, and check every name, so that a typo fails here and not in backward.

        Raises:
            RuleError: a parameter is no input, shape, residual or setting of the op.
        """
        parameters = list(inspect.signature(function).parameters.values())
        if not parameters:
            raise RuleError(f"op {op.name}: the rule for {name!r} must take the cotangent g first")
        first, *others = parameters
        wants = tuple(p.name for p in others if p.kind is not p.KEYWORD_ONLY)
        settings = tuple(p.name for p in others if p.kind is p.KEYWORD_ONLY)
        known = ["out", *op.inputs, *(f"{x}_shape" for x in op.inputs), *op.keeps, *["i"] * op.variadic]
        unknown = [w for w in wants if w not in known] + [s for s in settings if s not in op.settings]
        if first.name != "g" or unknown:
            fault = f"asks for {', '.join(unknown)}" if unknown else f"begins with {first.name}, not with g"
            settings_known = f"; keyword-only: {', '.join(op.settings)}" if op.settings else ""
            raise RuleError(
                f"op {op.name}: the rule for {name!r} {fault}; it can have g, {', '.join(known)}{settings_known}"
            )
        return cls(function, wants, settings)


@dataclass(frozen=True)
class Pull:
    """One step of a backward pass: the rule for input number `position`, and how to get its arguments."""

    position: int
    function: Function
    arguments: Getter
    settings: tuple[str, ...]


class Plan:
    """What one op saves, and how its rules are fed, when the inputs in `mask` (a bit each) are differentiable.

    Attributes:
        save: from (inputs ..., residuals ..., out) to what the node keeps.
        pulls: the steps of a first-order backward pass, on arrays.
        recorded: the same on Tensors; None where only a replay of the op's reference can be recorded.
        saved_names: the name of each saved value.
        saved_owners: whose value each is: the position of an input, -1 for the result, None for other things.
    """

    __slots__ = ("op", "pulls", "recorded", "save", "saved_names", "saved_owners")

    def __init__(self, op: Op, mask: int, count: int) -> None:
        self.op = op
        positions = [i for i in range(count) if mask >> i & 1]
        names = {i: op.inputs[min(i, len(op.inputs) - 1)] for i in positions}
        first = {i: op.fast_rules.get(name) or op.rules.get(name) for i, name in names.items()}
        plain = {i: op.rules.get(name) for i, name in names.items()}
        through_reference = op.reference is not None and None in plain.values()
        for i, name in names.items():
            if first[i] is None or (plain[i] is None and not through_reference):
                raise RuleError(
                    f"op {op.name} has no rule for its input {name!r}: "
                    f'add one with @{op.name}.vjp("{name}"), or declare non_differentiable=("{name}",)'
                )
        wanted = [w for rule in (*first.values(), *plain.values()) if rule for w in rule.wants if w != "i"]
        if through_reference:
            wanted += op.inputs
        self.saved_names = list(dict.fromkeys(self._expanded(wanted, count)))
        self.saved_owners = [self._owner(name, count) for name in self.saved_names]
        self.save = self._saver(count)
        self.pulls: list[Pull] | None = [self._pull(i, rule, count) for i, rule in first.items() if rule]
        self.recorded: list[Pull] | None = (
            None if through_reference else [self._pull(i, rule, count) for i, rule in plain.items() if rule]
        )

    def as_tensors(self, node: Node) -> tuple[Any, ...]:
        """The values that a node saved, those of recorded inputs and of the result joined to their nodes again."""
        assert node.saved is not None
        owners: dict[int | None, Node | None] = {None: None, -1: node}
        owners.update(enumerate(node.parents))
        pairs = zip(node.saved, self.saved_owners, strict=True)
        return tuple([v if owners[k] is None else wrap(v, owners[k]) for v, k in pairs])

    def replay(self, node: Node) -> Tensor:
        """Run the op's reference on what the node was made from."""
        assert self.op.reference is not None
        values = dict(zip(self.saved_names, self.as_tensors(node), strict=True))
        out: Tensor = self.op.reference(*[values[name] for name in self.op.inputs], **node.settings)
        return out

    def _expanded(self, wants: list[str], count: int) -> list[str]:
        """Names as slots: a variadic input `xs` is the slots xs:0, xs:1, ..., every other name is itself."""
        result = []
        for want in wants:
            base = want.removesuffix("_shape")
            if self.op.variadic and base in self.op.inputs:
                suffix = want[len(base) :]
                result += [f"{base}:{i}{suffix}" for i in range(count)]
            else:
                result.append(want)
        return result

    def _owner(self, name: str, count: int) -> int | None:
        values = self._value_names(count)
        if name == "out":
            return -1
        return values.index(name) if name in values[:count] else None

    def _value_names(self, count: int) -> list[str]:
        inputs = self._expanded(list(self.op.inputs), count)
        return [*inputs, *self.op.keeps, "out"]

    def _saver(self, count: int) -> Getter:
        """The function from all values of a call to the saved ones; shapes are taken from their arrays."""
        values = self._value_names(count)
        at = [values.index(name.removesuffix("_shape") if name not in values else name) for name in self.saved_names]
        shapes = [name not in values for name in self.saved_names]
        if not any(shapes):
            return _getter(at)
        both = list(zip(at, shapes, strict=True))
        return lambda v: tuple([np.shape(v[k]) if is_shape else v[k] for k, is_shape in both])

    def _pull(self, position: int, rule: Rule, count: int) -> Pull:
        if self.op.variadic:
            arguments = self._variadic_arguments(position, rule, count)
        else:
            arguments = _getter([self.saved_names.index(name) for name in rule.wants])
        return Pull(position, rule.function, arguments, rule.settings)

    def _variadic_arguments(self, position: int, rule: Rule, count: int) -> Getter:
        """For a rule of `*xs`: `i` is the position, `xs` and `xs_shape` are tuples, the rest is as ever."""

        def argument(want: str, saved: tuple[Any, ...]) -> Any:
            if want == "i":
                return position
            slots = [self.saved_names.index(name) for name in self._expanded([want], count)]
            values = tuple([saved[k] for k in slots])
            return values if want.removesuffix("_shape") in self.op.inputs else values[0]

        return lambda saved: tuple([argument(want, saved) for want in rule.wants])


def _getter(positions: list[int]) -> Getter:
    """`itemgetter` that always gives a tuple."""
    if not positions:
        return lambda values: ()
    if len(positions) == 1:
        (k,) = positions
        return lambda values: (values[k],)
    return itemgetter(*positions)
