"""Mutants of derivative rules: deliberate mistakes that a good suite of tests notices.

Most are made from the source of a rule (see `mutate_source.py`). The others are made by wrapping it:

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
from typing import Any

import numpy as np

from minigrad.autograd import backward as backward_pass
from minigrad.autograd.op import Op
from minigrad.autograd.rule import Rule
from minigrad.autograd.tensor import Tensor
from minigrad.ops import astype
from minigrad.testing.mutate_source import source_mutants
from minigrad.testing.source import body_text

Function = Callable[..., Any]
Use = tuple[str, str, str]
"""An op's name, an input's, and "plain" or "fast": which rule a test pulls."""

PRECISE = np.dtype(np.float64)


@dataclass(frozen=True)
class Mutant:
    """One mistake in one rule.

    Attributes:
        op, input: the rule's.
        change: what is wrong, with the source before and after.
        uses: the rules that it changes; a test that pulls none of them cannot notice it.
        wrong: from a rule's function to the function in its place.
        conform: what stands in for the engine's own conforming of this rule's answers, or None.
        place: file and line.
    """

    op: Op
    input: str
    change: str
    uses: tuple[Use, ...]
    wrong: Callable[[Function], Function]
    conform: Function | None = None
    place: str = ""

    @property
    def name(self) -> str:
        """Such as `divide.y: sign flipped`, the same in every run."""
        fast = " (fast)" if [kind for *_, kind in self.uses] == ["fast"] else ""
        return f"{self.op.name}.{self.input}{fast}: {self.change}"


def tables(op: Op) -> dict[str, dict[str, Rule]]:
    """Both kinds of rules that an op has."""
    return {"plain": op.rules, "fast": op.fast_rules}


def mutants_of(op: Op) -> list[Mutant]:
    """Every mutant of an op's rules, with names that differ."""
    found: list[Mutant] = []
    for kind, rules in tables(op).items():
        for x, rule in rules.items():
            found += _of_rule(op, x, kind, rule)
    for x in dict.fromkeys([*op.rules, *op.fast_rules]):
        found += _of_engine(op, x)
    return _numbered(found)


def _of_rule(op: Op, x: str, kind: str, rule: Rule) -> Iterator[Mutant]:
    uses, place = ((op.name, x, kind),), place_of(rule.function)
    for mutant in source_mutants(rule.function):
        file = place.rpartition(":")[0]
        function = mutant.function
        yield Mutant(op, x, mutant.change, uses, lambda _, f=function: f, place=f"{file}:{mutant.line}")  # type: ignore[misc]
    if (body_text(rule.function) or "").startswith("zeros_like("):
        return  # twice nothing is nothing
    for change, wrong in WRAPPED.items():
        yield Mutant(op, x, change, uses, _around(wrong), place=place)


def _of_engine(op: Op, x: str) -> Iterator[Mutant]:
    """What the engine does for all rules, left out for one."""
    kinds = [kind for kind, rules in tables(op).items() if x in rules]
    uses = tuple([(op.name, x, kind) for kind in kinds])
    place = place_of(tables(op)[kinds[0]][x].function)
    if broadcasts(op):
        yield Mutant(op, x, "un-broadcast skipped", uses, lambda rule: rule, _without_sum, place)
    yield Mutant(op, x, "dtype leaked", uses, _around(_leaked), _without_cast, place)


def _around(wrong: Callable[[Any], Any]) -> Callable[[Function], Function]:
    return lambda rule: lambda *args, **settings: wrong(rule(*args, **settings))


def _numbered(mutants: Iterable[Mutant]) -> list[Mutant]:
    """The mutants, a number added where a name occurs again."""
    seen: dict[str, int] = {}
    result = []
    for mutant in mutants:
        count = seen[mutant.name] = seen.get(mutant.name, 0) + 1
        result.append(mutant if count == 1 else replace(mutant, change=f"{mutant.change} #{count}"))
    return result


def place_of(function: Function) -> str:
    """File and line of a function's definition, "" where it has none."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    return f"{code.co_filename}:{code.co_firstlineno}" if code is not None else ""


# ---- mistakes made by wrapping -------------------------------------------------------------------------------


def _without_one_element(g: Any) -> Any:
    values = np.asarray(g.data if isinstance(g, Tensor) else g)
    mask = np.ones(values.shape, values.dtype)
    nonzero = np.flatnonzero(values)
    if nonzero.size:
        mask[np.unravel_index(nonzero[0], values.shape)] = 0
    return g * mask


def _leaked(g: Any) -> Any:
    return astype(g, dtype=PRECISE)


WRAPPED: dict[str, Callable[[Any], Any]] = {
    "sign flipped": lambda g: -g,
    "factor 2": lambda g: g * 2,
    "zero at one element": _without_one_element,
}


def _without_sum(cotangent: Any, parent: Any, plan: Any, pull: Any, record: bool) -> Any:
    """`backward_pass._unbroadcast` that leaves the shape as it is."""
    cotangent = cotangent._data if type(cotangent) is Tensor and not record else cotangent
    return cotangent if cotangent.dtype == parent.dtype else astype(cotangent, dtype=parent.dtype)


def _without_cast(cotangent: Any, parent: Any, plan: Any, pull: Any, record: bool) -> Any:
    """`backward_pass._unbroadcast` that leaves the dtype as it is."""
    parent = _Like(parent.shape, cotangent.dtype)
    return _CONFORMED(cotangent, parent, plan, pull, record)


@dataclass(frozen=True)
class _Like:
    shape: Any
    dtype: Any


_CONFORMED = backward_pass._unbroadcast


def broadcasts(op: Op) -> bool:
    """Whether the inputs of an op broadcast against each other, each of them: it is tried out on small arrays."""
    spec = op.shapes
    if op.variadic or len(op.inputs) < 2 or (spec is not None and any(letters != ["..."] for letters in spec.inputs)):
        return False
    row, column = np.full((1, 3), 0.5), np.full((2, 1), 0.5)
    others = [column] * (len(op.inputs) - 1)
    try:
        with np.errstate(all="ignore"):
            return all(shape_of_result(op, [*others[:i], row, *others[i:]]) == (2, 3) for i in range(len(op.inputs)))
    except Exception:  # an op may refuse such inputs in any way that it likes
        return False


def shape_of_result(op: Op, arrays: list[Any]) -> Any:
    """What an op makes of arrays, with the defaults of all settings; of several results the first."""
    settings = op.canonical(*arrays) if op.canonical is not None else op._defaults if op.settings else {}
    out = op.forward(*arrays, **settings)
    return np.shape(out[0] if isinstance(out, tuple) else out)


# ---- putting one in place ----------------------------------------------------------------------------------------


@contextmanager
def exchanged(op: Op, wrong: Callable[[Use, Function], Function]) -> Iterator[None]:
    """Put other functions in place of an op's rules for a while."""
    former = {kind: dict(rules) for kind, rules in tables(op).items()}
    for kind, rules in tables(op).items():
        for x, rule in former[kind].items():
            rules[x] = replace(rule, function=wrong((op.name, x, kind), rule.function))
    op._forget_plans()
    try:
        yield
    finally:
        for kind, rules in tables(op).items():
            rules.update(former[kind])
        op._forget_plans()


@contextmanager
def applied(mutant: Mutant) -> Iterator[None]:
    """Make one mistake for a while."""
    former, conform = backward_pass._unbroadcast, mutant.conform

    def conformed(cotangent: Any, parent: Any, plan: Any, pull: Any, record: bool) -> Any:
        position = 0 if plan.op.variadic else pull.position
        concerned = plan.op is mutant.op and plan.op.inputs[position] == mutant.input
        return (conform if concerned and conform else former)(cotangent, parent, plan, pull, record)

    with exchanged(mutant.op, lambda use, function: mutant.wrong(function) if use in mutant.uses else function):
        backward_pass._unbroadcast = conformed if conform else former
        try:
            yield
        finally:
            backward_pass._unbroadcast = former
