"""What a node can be colored by, and what a folded module shows in place of its nodes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from minigrad.errors import UsageError
from minigrad.viz.color import UNKNOWN, VERDICTS, Scale
from minigrad.viz.record import Record
from minigrad.viz.statistics import Statistics
from minigrad.viz.verdict import WORST_FIRST, judge

Amount = float | str


@dataclass(frozen=True)
class Measure:
    """One thing that can be told of every node.

    Attributes:
        name: what `color_by=` takes.
        label: for people.
        unit: "", "s" or "B".
        scale: classes have a color each; amounts are on a linear or a logarithmic scale.
        joined: what a folded module shows: the sum of its ops, what its last one has, or the worst of them.
    """

    name: str
    label: str
    unit: str
    scale: Literal["class", "linear", "log"]
    joined: Literal["sum", "last", "worst"]


MEASURES: Final = {
    measure.name: measure
    for measure in (
        Measure("gradient_norm", "norm of the gradient", "", "log", "last"),
        Measure("gradient_zeros", "zeros in the gradient", "%", "linear", "last"),
        Measure("activation_norm", "norm of the values", "", "log", "last"),
        Measure("activation_std", "standard deviation of the values", "", "log", "last"),
        Measure("activation_zeros", "zeros among the values", "%", "linear", "last"),
        Measure("forward_time", "forward time", "s", "linear", "sum"),
        Measure("backward_time", "backward time", "s", "linear", "sum"),
        Measure("memory", "kept for backward", "B", "linear", "sum"),
        Measure("flops", "multiply-adds", "", "linear", "sum"),
        Measure("verdict", "verdict on the derivative", "", "class", "worst"),
    )
}
COLOR_BY: Final = ("kind", *MEASURES)


def known_measure(name: str) -> str:
    """The name of a measure, with - or _ between its words.

    Raises:
        UsageError: there is none of this name.
    """
    plain = name.replace("-", "_")
    if plain not in COLOR_BY:
        raise UsageError(f"color_by: there is no measure {name!r}; there are {', '.join(COLOR_BY)}")
    return plain


@dataclass(frozen=True)
class Column:
    """One measure of all nodes.

    Attributes:
        measure: what it tells.
        amounts: by the number of a node; a node without one is not among them.
        notes: more words on some of them.
        errors: of verdicts, the relative error that was found.
    """

    measure: Measure
    amounts: Mapping[int, Amount]
    notes: Mapping[int, str] = field(default_factory=dict)
    errors: Mapping[int, float] = field(default_factory=dict)

    def label(self, nodes: Sequence[int]) -> str:
        """What is shown in the box of these nodes, with the error of a single op's verdict; "" for nothing."""
        amount = self.joined(nodes)
        error = self.errors.get(nodes[0]) if len(nodes) == 1 else None
        return "" if amount is None else self.text(amount) + (f" {error:.0e}" if error else "")

    def joined(self, nodes: Iterable[int]) -> Amount | None:
        """What is shown for several nodes that are drawn as one."""
        found = [self.amounts[i] for i in nodes if i in self.amounts]
        if not found:
            return None
        if self.measure.joined == "sum":
            return math.fsum(float(x) for x in found)
        if self.measure.joined == "last":
            return found[-1]
        return min((str(x) for x in found), key=WORST_FIRST.index)

    def coloring(self) -> Callable[[Amount | None], str]:
        """The function from amounts to colors."""
        if self.measure.scale == "class":
            return lambda amount: VERDICTS[str(amount)] if amount is not None else UNKNOWN
        scale = self.scale
        return lambda amount: scale.color(float(amount)) if amount is not None else UNKNOWN

    @property
    def scale(self) -> Scale:
        """The scale of the amounts of single nodes; sums of modules may be off its end."""
        amounts = [float(x) for x in self.amounts.values() if not isinstance(x, str)]
        return Scale.of(amounts, logarithmic=self.measure.scale == "log")

    def text(self, amount: Amount | None) -> str:
        """An amount for people."""
        if amount is None:
            return "–"
        if isinstance(amount, str):
            return {"correct": "✓ correct", "wrong": "✗ wrong", "kink": "∧ kink"}.get(amount, f"? {amount}")
        return amount_text(amount, self.measure.unit)


def amount_text(amount: float, unit: str) -> str:
    """A number with its unit, in three digits.

    >>> amount_text(0.00123, "s"), amount_text(2.5e6, "B"), amount_text(0.25, "%"), amount_text(1.5e9, "")
    ('1.23 ms', '2.5 MB', '25 %', '1.5e+09')
    """
    if not math.isfinite(amount):
        return str(amount)
    if unit == "%":
        return f"{100 * amount:.3g} %"
    prefixes = {"s": ((1, ""), (1e-3, "m"), (1e-6, "µ")), "B": ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1, ""))}
    for size, prefix in prefixes.get(unit, ()):
        if abs(amount) >= size or size == prefixes[unit][-1][0]:
            return f"{amount / size:.3g} {prefix}{unit}"
    return f"{amount:.3g}"


def column(record: Record, name: str) -> Column:
    """Measure every node of a record."""
    measure = MEASURES[name]
    if name == "verdict":
        judgments = judge(record)
        ids = {node: i for i, node in enumerate(record.nodes)}
        return Column(
            measure,
            {ids[node]: judgment.verdict for node, judgment in judgments.items()},
            {ids[node]: judgment.text for node, judgment in judgments.items()},
            {ids[node]: judgment.error for node, judgment in judgments.items()},
        )
    amounts = _AMOUNTS[name](record)
    return Column(measure, {i: amounts[node] for i, node in enumerate(record.nodes) if node in amounts})


def _fact(facts: Mapping[Any, Statistics], name: str) -> dict[Any, float]:
    return {node: getattr(fact, name) for node, fact in facts.items()}


def _flops(record: Record) -> dict[Any, float]:
    from minigrad.cost.op_costs import costs

    found = costs(record.graph)
    return {record.nodes[i]: cost.mult_adds for i, cost in found.items() if cost.mult_adds is not None}


_AMOUNTS: Final[Mapping[str, Callable[[Record], dict[Any, float]]]] = {
    "gradient_norm": lambda record: _fact(record.gradient_facts, "norm"),
    "gradient_zeros": lambda record: _fact(record.gradient_facts, "zeros"),
    "activation_norm": lambda record: _fact(record.value_facts, "norm"),
    "activation_std": lambda record: _fact(record.value_facts, "std"),
    "activation_zeros": lambda record: _fact(record.value_facts, "zeros"),
    "forward_time": lambda record: record.forward_seconds,
    "backward_time": lambda record: record.backward_seconds,
    "memory": lambda record: {node: float(size) for node, size in record.kept.items() if node.op is not None},
    "flops": _flops,
}
