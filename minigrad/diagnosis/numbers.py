"""Gradients that are lost, all or in part, where a value becomes a plain number: `float(x)`, `x.item()`.

Whether such a number comes back is not recorded. It seems to if its line is not one that only shows it (`print`, a log)
and an op takes a number later that is not written in the source.
"""

from __future__ import annotations

import re
from typing import Final

import numpy as np

from minigrad.autograd.trace import NumberExit
from minigrad.diagnosis.context import Context, Explanation
from minigrad.diagnosis.dataflow import SOURCE
from minigrad.diagnosis.reason import PathStep
from minigrad.diagnosis.text import code_at, number
from minigrad.typing import Value

SHOWING: Final = re.compile(r"\bprint\(|\blog\w*\.|\.(append|add_scalar|write|update|set_\w+)\(|\bassert\b")
"""Lines that only look at a number."""


def explain_number(context: Context, norm: float | None) -> Explanation | None:
    """The explanation of a gradient that a plain number has cut off; None where no number seems to come back.

    Args:
        context: the tensor, the loss, and what ran.
        norm: the norm of the gradient that comes along other ways; None where there is none.
    """
    found = next((out for out in reversed(context.flow.numbers) if _comes_back(context, out)), None)
    if found is None:
        return None
    maker = _maker(context, found)
    file, line = found.site
    at = PathStep(found.how, "", file, line, code_at(file, line), found.node.shape, blocked=True, recorded=False)
    links = context.flow.shortest_path(SOURCE, maker) or [] if maker != SOURCE else []
    steps = [(link.consumer, PathStep.of(context.flow.events[link.consumer])) for link in links]
    rest = f" Only a gradient of norm {number(norm)} comes along other ways." if norm is not None else ""
    return Explanation(
        "detached",
        f"{found.how} makes a plain number of {context.label(maker)} at {at.where}: {at.code}\nWhat is computed from "
        f"the number has no history, so no gradient flows back through it.{rest}\n"
        "Compute with minigrad's functions all the way (minigrad.sqrt(x) for math.sqrt(x), x for x.item()); if the "
        "number is meant as a constant, x.detach() says so.",
        [*steps, (None, at)],
        at,
    )


def _maker(context: Context, out: NumberExit) -> int:
    return SOURCE if out.node is context.tensor.node else context.flow.of[out.node]


def _comes_back(context: Context, out: NumberExit) -> bool:
    depends = out.node is context.tensor.node or context.flow.of.get(out.node) in context.flow.differentiable()
    if not depends or SHOWING.search(code_at(*out.site)):
        return False
    after = context.flow.traced_from + out.before
    taken = (pair for pair in context.flow.unknown if pair[1] >= after and np.ndim(pair[0]) == 0)
    return context.flow.end is None or any(not _is_written(value, context.flow.events[i].site) for value, i, _ in taken)


def _is_written(value: Value, site: tuple[str, int]) -> bool:
    """Whether a number stands in the line that uses it."""
    written = re.findall(r"\d+\.?\d*(?:[eE][+-]?\d+)?", code_at(*site))
    return any(np.isclose(abs(float(value)), float(text), rtol=1e-6) for text in written)
