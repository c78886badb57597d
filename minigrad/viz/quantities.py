"""The quantities that nodes can be colored by, such as the norm of a gradient or the time of an op."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from minigrad.autograd.node import Node
from minigrad.errors import UsageError
from minigrad.viz.array_statistics import ArrayStatistics
from minigrad.viz.computation import Computation
from minigrad.viz.palette import UNKNOWN, VERDICT_COLORS, ColorScale
from minigrad.viz.verdicts import WORST_FIRST, op_verdicts

Amount: TypeAlias = float | str
"""A number, or the name of a class."""


@dataclass(frozen=True)
class Quantity:
    """Something that every node has an amount of.

    Attributes:
        name: the value of `color_by=`.
        label: its name in legends.
        unit: "", "%", "s" or "B".
        scale: "class" for classes with a color each; "linear" or "log" for numbers.
        joined: what a collapsed module shows: the "sum" of its ops, the amount of its "last" one, or the "worst" class.
    """

    name: str
    label: str
    unit: str
    scale: Literal["class", "linear", "log"]
    joined: Literal["sum", "last", "worst"]


QUANTITIES: Final = {
    quantity.name: quantity
    for quantity in (
        Quantity("gradient_norm", "norm of the gradient", "", "log", "last"),
        Quantity("gradient_zeros", "zeros in the gradient", "%", "linear", "last"),
        Quantity("activation_norm", "norm of the values", "", "log", "last"),
        Quantity("activation_std", "standard deviation of the values", "", "log", "last"),
        Quantity("activation_zeros", "zeros among the values", "%", "linear", "last"),
        Quantity("forward_time", "forward time", "s", "linear", "sum"),
        Quantity("backward_time", "backward time", "s", "linear", "sum"),
        Quantity("memory", "memory kept for backward", "B", "linear", "sum"),
        Quantity("flops", "multiply-adds", "", "linear", "sum"),
        Quantity("verdict", "verdict on the derivative", "", "class", "worst"),
    )
}
COLOR_BY: Final = ("kind", *QUANTITIES)
"""The values of `color_by=` for a computation."""

PROGRAM_QUANTITIES: Final = {
    "time": Quantity("time", "time", "s", "linear", "sum"),
    "bytes": Quantity("bytes", "bytes read and written", "B", "linear", "sum"),
    "flops": QUANTITIES["flops"],
}
"""The quantities of the calls of a compiled program."""


def checked_color_by(name: str, known: Sequence[str] = COLOR_BY) -> str:
    """A value of `color_by=`, with - or _ between its words, as it stands among the known ones.

    Raises:
        UsageError: there is no such quantity.
    """
    plain = name.replace("-", "_")
    if plain not in known:
        raise UsageError(f"color_by: there is no quantity {name!r}; there are {', '.join(known)}")
    return plain


@dataclass(frozen=True)
class NodeAmounts:
    """The amounts of one quantity for all nodes of a graph.

    Attributes:
        quantity: the quantity.
        amounts: the amounts by the number of the node; nodes for which it is not known are missing.
        notes: remarks by the number of the node.
        errors: for verdicts, the relative errors of the derivatives by the number of the node.
    """

    quantity: Quantity
    amounts: Mapping[int, Amount]
    notes: Mapping[int, str] = field(default_factory=dict)
    errors: Mapping[int, float] = field(default_factory=dict)

    def label(self, nodes: Sequence[int]) -> str:
        """The text in the box of these nodes, with the error of a single op's verdict; "" if nothing is known."""
        amount = self.joined(nodes)
        error = self.errors.get(nodes[0]) if len(nodes) == 1 else None
        return "" if amount is None else self.text(amount) + (f" {error:.0e}" if error else "")

    def joined(self, nodes: Iterable[int]) -> Amount | None:
        """The amount of several nodes that are drawn as one; None if none of theirs is known."""
        found = [self.amounts[i] for i in nodes if i in self.amounts]
        if not found:
            return None
        if self.quantity.joined == "sum":
            return math.fsum(float(x) for x in found)
        if self.quantity.joined == "last":
            return found[-1]
        return min((str(x) for x in found), key=WORST_FIRST.index)

    def coloring(self) -> Callable[[Amount | None], str]:
        """The function from amounts to colors."""
        if self.quantity.scale == "class":
            return lambda amount: VERDICT_COLORS[str(amount)] if amount is not None else UNKNOWN
        scale = self.scale
        return lambda amount: scale.color(float(amount)) if amount is not None else UNKNOWN

    @property
    def scale(self) -> ColorScale:
        """The scale of the amounts of single nodes; sums of modules may lie beyond its end."""
        amounts = [float(x) for x in self.amounts.values() if not isinstance(x, str)]
        return ColorScale.of(amounts, logarithmic=self.quantity.scale == "log")

    def text(self, amount: Amount) -> str:
        """An amount as text, with its unit."""
        if isinstance(amount, str):
            return {"correct": "✓ correct", "wrong": "✗ wrong", "kink": "∧ kink"}.get(amount, f"? {amount}")
        return amount_text(amount, self.quantity.unit)


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


def measure(computation: Computation, name: str) -> NodeAmounts:
    """Measure the quantity of this name for every node of a computation."""
    ids = {node: i for i, node in enumerate(computation.nodes)}
    if name == "verdict":
        verdicts = {ids[node]: verdict for node, verdict in op_verdicts(computation).items()}
        return NodeAmounts(
            QUANTITIES[name],
            {i: verdict.verdict for i, verdict in verdicts.items()},
            {i: verdict.text for i, verdict in verdicts.items()},
            {i: verdict.error for i, verdict in verdicts.items()},
        )
    amounts = _MEASUREMENTS[name](computation)
    return NodeAmounts(QUANTITIES[name], {i: amounts[node] for node, i in ids.items() if node in amounts})


def _statistic(statistics: Mapping[Node, ArrayStatistics], name: str) -> dict[Node, float]:
    return {node: getattr(of_node, name) for node, of_node in statistics.items()}


def _flops(computation: Computation) -> dict[Node, float]:
    from minigrad.cost.op_costs import costs

    found = costs(computation.graph)
    return {computation.nodes[i]: cost.mult_adds for i, cost in found.items() if cost.mult_adds is not None}


def _memory(computation: Computation) -> dict[Node, float]:
    return {node: float(size) for node, size in computation.kept_bytes.items() if node.op is not None}


_MEASUREMENTS: Final[Mapping[str, Callable[[Computation], dict[Node, float]]]] = {
    "gradient_norm": lambda computation: _statistic(computation.gradient_statistics, "norm"),
    "gradient_zeros": lambda computation: _statistic(computation.gradient_statistics, "zeros"),
    "activation_norm": lambda computation: _statistic(computation.value_statistics, "norm"),
    "activation_std": lambda computation: _statistic(computation.value_statistics, "std"),
    "activation_zeros": lambda computation: _statistic(computation.value_statistics, "zeros"),
    "forward_time": lambda computation: computation.forward_seconds,
    "backward_time": lambda computation: computation.backward_seconds,
    "memory": _memory,
    "flops": _flops,
}
