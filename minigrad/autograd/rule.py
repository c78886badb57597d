"""From the parameter names of a rule to what the graph saves and hands back to it.

A `Rule` knows which names it wants. A `Plan` joins the rules of one op for one choice of differentiable inputs, and
answers three questions, worked out once and then only looked up: which values to save when the op runs, which of them
each rule receives, and which of them become Tensors again when the backward pass is recorded.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.autograd.node import Node
from minigrad.autograd.tensor import Tensor, wrap
from minigrad.errors import RuleError
from minigrad.kernels.lazy_fusion import fused, products
from minigrad.typing import Function

if TYPE_CHECKING:
    from minigrad.autograd.op import Op

Getter = Callable[[tuple[Any, ...]], tuple[Any, ...]]


@dataclass(frozen=True)
class Rule:
    """A vector-Jacobian product: its function, and the names of what that wants to receive.

    Attributes:
        inputs: what it gives products for. With several, the function gives a tuple, and is told by its keyword
            `wanted` (a frozenset of names), if it has that, which of them are asked for; the others may be None.
        function: from the cotangent, the values in `wants` and the settings to the product.
        wants, settings: what it receives by position, and by keyword.
        chooses: whether it has the keyword `wanted`.
    """

    inputs: tuple[str, ...]
    function: Function
    wants: tuple[str, ...]
    settings: tuple[str, ...]
    chooses: bool = False

    @classmethod
    def of(cls, op: Op, inputs: Sequence[str], function: Function) -> Rule:
        """Read what `function` asks for, and check every name, so that a typo fails here and not in backward.

        Raises:
            RuleError: a parameter is no input, shape, residual or setting of the op.
        """
        title = ", ".join(inputs)
        parameters = list(inspect.signature(function).parameters.values())
        if not parameters:
            raise RuleError(f"op {op.name}: the rule for {title!r} must take the cotangent g first")
        first, *others = parameters
        wants = tuple(p.name for p in others if p.kind is not p.KEYWORD_ONLY)
        settings = tuple(p.name for p in others if p.kind is p.KEYWORD_ONLY)
        chooses = len(inputs) > 1 and "wanted" in settings
        if chooses:
            settings = tuple(name for name in settings if name != "wanted")
        known = [
            *(op.results or ["out"]),
            *op.inputs,
            *(f"{x}_shape" for x in op.inputs),
            *op.residuals,
            *["i"] * op.variadic,
        ]
        unknown = [w for w in wants if w not in known] + [s for s in settings if s not in op.settings]
        if first.name != "g" or unknown:
            fault = f"asks for {', '.join(unknown)}" if first.name == "g" else f"begins with {first.name}, not with g"
            settings_known = f"; keyword-only: {', '.join(op.settings)}" if op.settings else ""
            raise RuleError(
                f"op {op.name}: the rule for {title!r} {fault}; it can have g, {', '.join(known)}{settings_known}"
            )
        return cls(tuple(inputs), function, wants, settings, chooses)

    def of_wanted(self, wanted: Iterable[str]) -> Function:
        """The function for a choice of its inputs."""
        return partial(self.function, wanted=frozenset(wanted)) if self.chooses else self.function


@dataclass(frozen=True, slots=True)
class Pull:
    """One step of a backward pass: the rule for input number `position`, which values it wants, and how to get these.

    `multiplies` is False for a rule that receives no values, only the cotangent, shapes and settings: it moves
    cotangents about, and gives no NaN unless it got one. `fused` computes the same for large arrays, with the rule of
    silence in it, or says NotImplemented; it is None where the op is not elementwise. `joint` gives the products of
    several inputs as a tuple, this one as its number `product`; it is None where the rule is for one input.
    """

    position: int
    function: Function
    arguments: Getter
    settings: tuple[str, ...]
    multiplies: bool
    wants: tuple[str, ...]
    fused: Function | None = None
    joint: JointPull | None = None
    product: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class JointPull:
    """A rule for several inputs: one call of `function` gives the products that are wanted, None for the others."""

    inputs: tuple[str, ...]
    function: Function
    arguments: Getter
    settings: tuple[str, ...]


class Plan:
    """What one op saves, and how its rules are fed, when the inputs in `mask` (a bit each) are differentiable.

    A call's values are its inputs (variadic ones together as one tuple), its residuals and its results, in this order.

    Attributes:
        save: from a call's values to what the node keeps.
        pulls: the steps of a first-order backward pass, on arrays.
        joint: whether some of these are taken together.
        loop: what computes all of them in one compiled loop, for the shapes of the inputs, or says NotImplemented; None
            where the op has one input, or is not elementwise.
        recorded: the same on Tensors; None where only a replay of the op's reference can be recorded.
        saved_names: the name of each saved value.
    """

    __slots__ = ("joint", "loop", "op", "pulls", "recorded", "save", "saved_names")

    joint: bool
    pulls: list[Pull] | None
    recorded: list[Pull] | None

    def __init__(self, op: Op, mask: int, count: int) -> None:
        self.op = op
        names = {i: op.inputs[0 if op.variadic else i] for i in range(count) if mask >> i & 1}
        first = {name: op.fast_rules.get(name) or op.rules.get(name) for name in names.values()}
        plain = {name: op.rules.get(name) for name in names.values()}
        replayed = op.reference is not None and None in plain.values()
        for name, rule in first.items():
            if rule is None or (plain[name] is None and not replayed):
                raise RuleError(
                    f"op {op.name} has no rule for its input {name!r}: "
                    f'add one with @{op.name}.vjp("{name}"), or declare non_differentiable=("{name}",)'
                )
        rules = [rule for rule in (*first.values(), *plain.values()) if rule is not None]
        wanted = [want for rule in rules for want in rule.wants if want != "i"]
        self.saved_names = list(dict.fromkeys([*wanted, *op.inputs] if replayed else wanted))
        self.save = self._saver()
        pulls = [self._pull(i, first[name]) for i, name in names.items()]
        self.pulls, self.joint = pulls, self._join(pulls, names)
        self.loop = self._loop(pulls)
        self.recorded = None if replayed else [self._pull(i, plain[name]) for i, name in names.items()]

    def as_tensors(self, node: Node) -> tuple[Any, ...]:
        """The values that a node saved, those of recorded inputs and of the result joined to their nodes again."""
        assert node.saved is not None

        def joined(name: str, value: Any) -> Any:
            if name == "out":
                return wrap(value, node)
            if name in self.op.results:
                return self.op.result(node, self.op.results.index(name), value)
            if name not in self.op.inputs:
                return value
            if self.op.variadic:
                return tuple([_joined(v, parent) for v, parent in zip(value, node.parents, strict=True)])
            return _joined(value, node.parents[self.op.inputs.index(name)])

        return tuple([joined(name, value) for name, value in zip(self.saved_names, node.saved, strict=True)])

    def replay(self, node: Node) -> tuple[Tensor, ...]:
        """Run the op's reference on what the node was made from: its one result, or all of them."""
        assert self.op.reference is not None
        values = dict(zip(self.saved_names, self.as_tensors(node), strict=True))
        inputs = [values[name] for name in self.op.inputs]
        out: Any = self.op.reference(*(inputs[0] if self.op.variadic else inputs), **node.settings)
        return tuple(out) if self.op.results else (out,)

    def _saver(self) -> Getter:
        """The function from a call's values to the saved ones; shapes are taken from their arrays."""
        names = (*self.op.inputs, *self.op.residuals, *(self.op.results or ("out",)))
        if all(name in names for name in self.saved_names):
            return _getter([names.index(name) for name in self.saved_names])
        shape_of: Function = _shapes if self.op.variadic else np.shape  # type: ignore[assignment]
        position = {name: k for k, name in enumerate(names)}
        slots = [
            (position[name], None) if name in position else (position[name.removesuffix("_shape")], shape_of)
            for name in self.saved_names
        ]
        return lambda values: tuple([values[k] if shape is None else shape(values[k]) for k, shape in slots])

    def _pull(self, position: int, rule: Rule | None) -> Pull:
        assert rule is not None
        multiplies = any(want != "i" and not want.endswith("_shape") for want in rule.wants)
        function, loop = rule.function, None
        if self.op.elementwise and len(rule.inputs) == 1:
            loop = fused(rule.function, f"{self.op.name}_vjp_{self.op.inputs[position]}", silent=multiplies)
        if len(rule.inputs) > 1:
            function = _product(rule, self.op.inputs[position])
        return Pull(position, function, self._arguments(rule, position), rule.settings, multiplies, rule.wants, loop)

    def _loop(self, pulls: list[Pull]) -> Function | None:
        """One loop for all products of an elementwise op of several inputs."""
        op, wants = self.op, [want for pull in pulls for want in pull.wants]
        if not op.elementwise or op.variadic or len(op.inputs) < 2 or any(pull.settings for pull in pulls):
            return None
        if any(pull.fused is None for pull in pulls) or any(want.endswith("_shape") for want in wants):
            return None

        def function(g: Any, *saved: Any) -> tuple[Any, ...]:
            return tuple([pull.function(g, *pull.arguments(saved)) for pull in pulls])

        names = "_".join(op.inputs[pull.position] for pull in pulls)
        return products(function, f"{op.name}_vjp_{names}", [pull.multiplies for pull in pulls])

    def _arguments(self, rule: Rule, position: int) -> Getter:
        """From what the node keeps to what a rule receives by position."""
        if "i" not in rule.wants:
            return _getter([self.saved_names.index(want) for want in rule.wants])
        slots = [None if want == "i" else self.saved_names.index(want) for want in rule.wants]
        return lambda saved: tuple([position if k is None else saved[k] for k in slots])

    def _join(self, pulls: list[Pull], names: Mapping[int, str]) -> bool:
        """Take those inputs together that have one rule, and say whether there are some."""
        rules = {x: rule for x in names.values() if (rule := self.op.fast_rules.get(x)) and len(rule.inputs) > 1}
        joints: dict[int, JointPull] = {}
        for k, name in enumerate(names.values()):
            rule = rules.get(name)
            wanted = [x for x, other in rules.items() if other is rule]
            if rule is None or len(wanted) < 2:
                continue
            if id(rule) not in joints:
                function = rule.of_wanted(wanted)
                joints[id(rule)] = JointPull(rule.inputs, function, self._arguments(rule, 0), rule.settings)
            pulls[k] = replace(pulls[k], joint=joints[id(rule)], product=rule.inputs.index(name))
        return bool(joints)


def _product(rule: Rule, name: str) -> Function:
    """One of the products of a rule for several inputs."""
    function, k = rule.of_wanted([name]), rule.inputs.index(name)
    return lambda g, *values, **settings: function(g, *values, **settings)[k]


def _joined(value: Any, parent: Node | None) -> Any:
    return value if parent is None else wrap(value, parent)


def _shapes(values: tuple[Any, ...]) -> tuple[tuple[int, ...], ...]:
    return tuple([np.shape(value) for value in values])


def _getter(positions: list[int]) -> Getter:
    """`itemgetter` that always gives a tuple."""
    if not positions:
        return lambda values: ()
    if len(positions) == 1:
        (k,) = positions
        return lambda values: (values[k],)
    return itemgetter(*positions)
