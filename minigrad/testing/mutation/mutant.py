"""`Mutant`: a deliberate mistake in a derivative rule, which a good test suite notices.

Most are made from the source of a rule (see `mutate_source.py`). The others change what a rule gives:

    sign flipped         -cotangent                        factor 2     2 * cotangent
    zero at one element  the first one that is not zero    dtype leaked float64 for an input of less precision
    un-broadcast skipped the engine leaves out the sum over what broadcasting repeated

Where an op has a fast rule, that one and the plain one (which recorded passes run) are mutated separately.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final, TypeAlias, cast

import numpy as np

from minigrad.autograd import backward as backward_pass
from minigrad.autograd.node import Node
from minigrad.autograd.op import Op
from minigrad.autograd.rule import Plan, Pull, Rule
from minigrad.autograd.tensor import Tensor
from minigrad.ops import astype
from minigrad.testing.mutation.foreign_function import WRAPPED as OF_ALL_GRADIENTS
from minigrad.testing.mutation.foreign_function import ForeignFunction
from minigrad.testing.mutation.function_source import returned_source
from minigrad.testing.mutation.mutate_source import source_mutants
from minigrad.testing.op_shapes import inputs_broadcast
from minigrad.typing import DType, Function, Shape, Value

RuleKey: TypeAlias = tuple[str, str, str]
"""Which rule: an op's name, an input's, and "plain" or "fast"."""

PRECISE: Final = np.dtype(np.float64)


@dataclass(frozen=True)
class Mutant:
    """One mistake in one rule.

    Attributes:
        op, input: the rule's; of a foreign function, the function and "".
        change: what is wrong, with the source before and after.
        rules: the rules that it changes; a test that runs none of them cannot notice it.
        mutate: from a rule's function to the function in its place.
        unbroadcast: what stands in for the engine's own un-broadcasting of this rule's results, or None.
        location: file and line.
    """

    op: Op | ForeignFunction
    input: str
    change: str
    rules: tuple[RuleKey, ...]
    mutate: Callable[[Function], Function]
    unbroadcast: Function | None = None
    location: str = ""

    @property
    def name(self) -> str:
        """Such as `divide.y: sign flipped`, the same in every run."""
        if isinstance(self.op, ForeignFunction):
            return f"{self.op.name}: {self.change}"
        fast = " (fast)" if {kind for *_, kind in self.rules} == {"fast"} else ""
        return f"{self.op.name}.{self.input}{fast}: {self.change}"


def mutants_of(op: Op | ForeignFunction) -> list[Mutant]:
    """Every mutant of an op's rules or of a foreign function, with names that differ."""
    found: list[Mutant] = []
    if isinstance(op, ForeignFunction):
        return _numbered(_of_foreign(op))
    for kind, rules in _rules_by_kind(op).items():
        for rule, inputs in _inputs_by_rule(rules).values():
            found += _of_rule(op, inputs, kind, rule)
    for x in dict.fromkeys([*op.rules, *op.fast_rules]):
        found += _of_engine(op, x)
    return _numbered(found)


def _rules_by_kind(op: Op) -> dict[str, dict[str, Rule]]:
    return {"plain": op.rules, "fast": op.fast_rules}


def _inputs_by_rule(rules: dict[str, Rule]) -> dict[int, tuple[Rule, list[str]]]:
    """Each rule once, with the inputs that it serves."""
    found: dict[int, tuple[Rule, list[str]]] = {}
    for x, rule in rules.items():
        found.setdefault(id(rule), (rule, []))[1].append(x)
    return found


def _of_rule(op: Op, inputs: list[str], kind: str, rule: Rule) -> Iterator[Mutant]:
    keys, location = tuple([(op.name, x, kind) for x in inputs]), _location(rule.function)
    for mutant in source_mutants(rule.function):
        file = location.rpartition(":")[0]
        function, title = mutant.function, ", ".join(inputs)
        yield Mutant(op, title, mutant.change, keys, lambda _, f=function: f, location=f"{file}:{mutant.line}")  # type: ignore[misc]  # mypy cannot infer a lambda with a default
    if (returned_source(rule.function) or "").startswith("zeros_like("):
        return  # twice nothing is nothing
    for x, key in zip(inputs, keys, strict=True):
        for change, wrong in WRAPPED.items():
            yield Mutant(op, x, change, (key,), _around(wrong, rule.inputs.index(x)), location=location)


def _of_foreign(foreign: ForeignFunction) -> Iterator[Mutant]:
    keys, location = ((foreign.name, "", "plain"),), _location(foreign.function)
    for mutant in foreign.mutants():
        file = location.rpartition(":")[0]
        function = mutant.function
        yield Mutant(foreign, "", mutant.change, keys, lambda _, f=function: f, location=f"{file}:{mutant.line}")  # type: ignore[misc]  # mypy cannot infer a lambda with a default
    for change, wrong in OF_ALL_GRADIENTS.items():
        yield Mutant(foreign, "", change, keys, wrong, location=location)


def _of_engine(op: Op, x: str) -> Iterator[Mutant]:
    """What the engine does for all rules, left out for one."""
    kinds = [kind for kind, rules in _rules_by_kind(op).items() if x in rules]
    keys = tuple([(op.name, x, kind) for kind in kinds])
    location = _location(_rules_by_kind(op)[kinds[0]][x].function)
    if inputs_broadcast(op):
        yield Mutant(op, x, "un-broadcast skipped", keys, lambda rule: rule, _without_sum, location)
    yield Mutant(op, x, "dtype leaked", keys, _around(_leaked, _product(op, x)), _without_cast, location)


def _product(op: Op, x: str) -> int:
    """Which of its products a rule for several inputs gives for x."""
    return max([rules[x].inputs.index(x) for rules in _rules_by_kind(op).values() if x in rules])


def _around(wrong: Callable[[Value], Value], product: int) -> Callable[[Function], Function]:
    """From a rule to one whose result is changed, or, where it gives several products, the one with this number."""

    def change(found: Value | tuple[Value | None, ...]) -> Value | tuple[Value | None, ...]:
        if not isinstance(found, tuple):
            return wrong(found)
        return tuple([wrong(g) if k == product and g is not None else g for k, g in enumerate(found)])

    return lambda rule: lambda *args, **settings: change(rule(*args, **settings))


def _numbered(mutants: Iterable[Mutant]) -> list[Mutant]:
    """The mutants, a number added where a name occurs again."""
    seen: dict[str, int] = {}
    result = []
    for mutant in mutants:
        count = seen[mutant.name] = seen.get(mutant.name, 0) + 1
        result.append(mutant if count == 1 else replace(mutant, change=f"{mutant.change} #{count}"))
    return result


def _location(function: Function) -> str:
    """File and line of a function's definition, "" where it has none."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    return f"{code.co_filename}:{code.co_firstlineno}" if code is not None else ""


# ---- mistakes in what a rule gives ---------------------------------------------------------------------------


def _without_one_element(g: Value) -> Value:
    values = np.asarray(g.data if isinstance(g, Tensor) else g)
    mask = np.ones(values.shape, values.dtype)
    nonzero = np.flatnonzero(values)
    if nonzero.size:
        mask[np.unravel_index(nonzero[0], values.shape)] = 0
    return g * mask


def _leaked(g: Value) -> Value:
    return astype(g, dtype=PRECISE)


WRAPPED: Final[dict[str, Callable[[Value], Value]]] = {
    "sign flipped": lambda g: -g,
    "factor 2": lambda g: g * 2,
    "zero at one element": _without_one_element,
}


# These have the signature of the engine's `unbroadcast(cotangent, parent, plan, pull, record)`.
_UNBROADCAST = backward_pass.unbroadcast


def _without_sum(cotangent: Value, parent: Node, plan: Plan, pull: Pull, record: bool) -> Value:
    """Un-broadcasting that leaves the shape as it is."""
    cotangent = cotangent._data if type(cotangent) is Tensor and not record else cotangent
    return cotangent if cotangent.dtype == parent.dtype else astype(cotangent, dtype=parent.dtype)


def _without_cast(cotangent: Value, parent: Node, plan: Plan, pull: Pull, record: bool) -> Value:
    """Un-broadcasting that leaves the dtype as it is."""
    uncast = cast("Node", _ShapeAndDtype(parent.shape, cotangent.dtype))  # all that is read of a node
    return _UNBROADCAST(cotangent, uncast, plan, pull, record)


@dataclass(frozen=True)
class _ShapeAndDtype:
    shape: Shape
    dtype: DType


# ---- putting one in place ----------------------------------------------------------------------------------------


@contextmanager
def rules_replaced(op: Op | ForeignFunction, replacement: Callable[[RuleKey, Function], Function]) -> Iterator[None]:
    """Put other functions in place of an op's rules, or of a foreign function, until the end of the block."""
    if isinstance(op, ForeignFunction):
        key = (op.name, "", "plain")
        with op.replaced(lambda function: replacement(key, function)):
            yield
        return
    former = {kind: dict(rules) for kind, rules in _rules_by_kind(op).items()}
    for kind, rules in _rules_by_kind(op).items():
        for rule, inputs in _inputs_by_rule(former[kind]).values():
            function = rule.function
            for x in inputs:
                function = _where_wanted(x, rule, replacement((op.name, x, kind), function), function)
            rules.update(dict.fromkeys(inputs, replace(rule, function=function)))
    op._forget_plans()
    try:
        yield
    finally:
        for kind, rules in _rules_by_kind(op).items():
            rules.update(former[kind])
        op._forget_plans()


def _where_wanted(x: str, rule: Rule, changed: Function, function: Function) -> Function:
    """A rule that is another one in calls which ask for the product of x."""
    if not rule.chooses or changed is function:
        return changed
    return lambda *args, **settings: (changed if x in settings["wanted"] else function)(*args, **settings)


@contextmanager
def mutant_applied(mutant: Mutant) -> Iterator[None]:
    """Make one mistake until the end of the block."""
    former, wrong = backward_pass.unbroadcast, mutant.unbroadcast

    def unbroadcast(cotangent: Value, parent: Node, plan: Plan, pull: Pull, record: bool) -> Value:
        position = 0 if plan.op.variadic else pull.position
        concerned = plan.op is mutant.op and plan.op.inputs[position] == mutant.input
        return (wrong if concerned and wrong else former)(cotangent, parent, plan, pull, record)

    with rules_replaced(mutant.op, lambda key, function: mutant.mutate(function) if key in mutant.rules else function):
        backward_pass.unbroadcast = unbroadcast if wrong else former
        try:
            yield
        finally:
            backward_pass.unbroadcast = former
