"""`Reason`: what `why` answers, and how it is laid out as text."""

from __future__ import annotations

import linecache
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from minigrad.autograd.trace import Event
from minigrad.graph import Graph

if TYPE_CHECKING:
    from minigrad.viz.picture import Picture

Cause = Literal[
    "healthy", "constant", "unused", "detached", "no_grad", "integer", "not_reached", "zero", "vanished", "nan", "inf",
    "exploding",
]  # fmt: skip

NO_GRADIENT: Final = frozenset(["constant", "unused", "detached", "no_grad", "integer", "not_reached"])

SHOWN: Final = 24  # steps of a path that are printed, and looked at closely
CODE: Final = 48  # characters of a line of code


@dataclass(frozen=True)
class Step:
    """One call of an op on the way from the tensor to the loss.

    Attributes:
        op: its name.
        module: path and class of the module call that it happened in, or "".
        file, line, code: where it was called, and the text of that line; "", 0 and "" where that was not noted.
        shape: of its result.
        facts: its result in numbers.
        arrives: norm of the gradient that comes from the loss; None where there is none.
        passes: norm of what the op's rule hands on along the path; None where there is none.
        blocked: whether this is where the gradient is lost.
        recorded: whether it became part of the graph.
    """

    op: str
    module: str = ""
    file: str = ""
    line: int = 0
    code: str = ""
    shape: tuple[int, ...] = ()
    facts: str = ""
    arrives: float | None = None
    passes: float | None = None
    blocked: bool = False
    recorded: bool = True

    @classmethod
    def of(cls, event: Event, *, facts: bool = True, **more: Any) -> Step:
        """The step that an event is."""
        file, line = event.site
        node = event.node
        shape = node.shape if node is not None else np.shape(event.out)
        return cls(
            op=event.op.name,
            module=str(event.scope or ""),
            file=file,
            line=line,
            code=code_at(file, line),
            shape=shape,
            facts=facts_of(event.out) if facts else "",
            recorded=node is not None,
            **more,
        )

    @property
    def where(self) -> str:
        """File name and line, such as `net.py:12`."""
        return f"{os.path.basename(self.file)}:{self.line}" if self.line else ""

    def __str__(self) -> str:
        place = f" in {self.module}" if self.module else ""
        return f"{self.op}{place}" + (f" ({self.where}: {_cut(self.code)})" if self.line else "")


@dataclass(frozen=True)
class Reason:
    """Why a gradient is what it is. `print(reason)` shows all of it; `reason.picture()` draws it.

    Attributes:
        cause: in one word.
        name: of the tensor.
        shape: of the tensor.
        norm: of the gradient, the root of the sum of its squares; None where there is no gradient.
        text: in a few sentences, with what to do about it.
        path: the steps from the tensor to the loss (or to where the way ends), in the order in which they ran.
        at: the step to look at; None where there is no single one.
        graph: what ran between the tensor and the loss, also what was not recorded.
        mark: the numbers of the path's nodes in the graph.
    """

    cause: Cause
    name: str
    shape: tuple[int, ...]
    norm: float | None
    text: str
    path: tuple[Step, ...] = ()
    at: Step | None = None
    graph: Graph | None = field(default=None, repr=False)
    mark: frozenset[int] = field(default=frozenset(), repr=False)

    @property
    def op(self) -> str:
        """The op to look at, or ""."""
        return self.at.op if self.at is not None else ""

    @property
    def module(self) -> str:
        """The module call to look at, or ""."""
        return self.at.module if self.at is not None else ""

    @property
    def file(self) -> str:
        """The file of the line to look at, or ""."""
        return self.at.file if self.at is not None else ""

    @property
    def line(self) -> int:
        """The line to look at, or 0."""
        return self.at.line if self.at is not None else 0

    @property
    def code(self) -> str:
        """The text of that line, or ""."""
        return self.at.code if self.at is not None else ""

    def picture(self) -> Picture:
        """The graph between the tensor and the loss, with the path marked; what was not recorded is dashed and gray.

        Raises:
            GraphError: there is nothing to draw: no op ran.
            MissingExtraError: when it is drawn, and no Graphviz was found.
        """
        from minigrad.errors import GraphError
        from minigrad.viz.picture import Picture

        if self.graph is None or not self.graph.nodes:
            raise GraphError(
                f"why: there is nothing to draw for {self.name}, since no op ran: print the answer instead"
            )
        return Picture(self.graph, mark=set(self.mark))

    def __str__(self) -> str:
        head = f"{self.name} {self.shape}: {self._state()}"
        lines = [head, "=" * len(head), *_wrapped(self.text)]
        if self.path:
            lines += ["", "From the tensor to the loss:", "", *_table(self)]
        return "\n".join(lines)

    def _state(self) -> str:
        word = self.cause.replace("_", " ")
        if self.cause in NO_GRADIENT:
            return f"no gradient ({word})"
        return f"gradient of norm {number(self.norm)} ({word})"


def code_at(file: str, line: int) -> str:
    """The text of a line, or "" where it is not known."""
    return linecache.getline(file, line).strip() if line else ""


def number(value: float | None) -> str:
    """A number in few digits.

    >>> number(0.000123456), number(20.0), number(None)
    ('0.000123', '20', '')
    """
    return "" if value is None else f"{value:.3g}"


def percent(part: float, whole: float) -> str:
    """A share, never rounded to all or nothing when it is neither.

    >>> percent(1, 3), percent(999_999, 1_000_000), percent(1, 1_000_000)
    ('33 %', 'more than 99.9 %', 'less than 0.1 %')
    """
    share = 100 * part / whole if whole else 0.0
    if share in (0.0, 100.0) or 1 <= share <= 99:
        return f"{share:.0f} %"
    if 0.1 <= share <= 99.9:
        return f"{share:.1f} %"
    return "less than 0.1 %" if share < 1 else "more than 99.9 %"


def facts_of(value: Any) -> str:
    """An array in a few words: its range, and its share of zeros and of what is not finite."""
    if not isinstance(value, (np.ndarray, np.generic)) or not np.size(value):
        return ""
    array = np.asarray(value)
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        bad = array[~np.isfinite(array)]
        return f"{percent(bad.size, array.size)} not finite, such as {bad[0]}"
    if array.size == 1:
        return number(float(array.reshape(())))
    text = f"{number(float(array.min()))} to {number(float(array.max()))}"
    zeros = array.size - int(np.count_nonzero(array))
    return f"{text}, {percent(zeros, array.size)} zeros" if zeros else text


def _wrapped(text: str) -> list[str]:
    import textwrap

    return [line for part in text.split("\n") for line in textwrap.wrap(part, 100) or [""]]


def _cut(code: str) -> str:
    return code if len(code) <= CODE else code[: CODE - 3] + "..."


def _table(reason: Reason) -> list[str]:
    """The steps as rows, the blocked one marked; the middle of a long path is left out."""
    rows = [("", reason.name, "", _shape(reason.shape), "", "")]
    rows += [(_mark(reason, s), s.op, s.module, _shape(s.shape), _gradient(s), s.where) for s in reason.path]
    codes = ["", *[_cut(s.code) for s in reason.path]]
    told = {i for i in range(2, len(codes)) if (rows[i][5], codes[i]) == (rows[i - 1][5], codes[i - 1])}
    header = ("", "op", "module", "shape", "gradient", "line")
    kept = _kept(len(rows), {i + 1 for i, step in enumerate(reason.path) if step.blocked})
    widths = [max(len(row[k]) for row in [header, *[rows[i] for i in kept]]) for k in range(len(header))]
    lines = [_row(header, widths).rstrip()]
    for before, i in zip([-1, *kept], kept, strict=False):
        if i != before + 1:
            lines.append(f"    ... {i - before - 1} more steps")
        lines.append(f"{_row(rows[i], widths)}  {codes[i] if i not in told or i != before + 1 else ''}".rstrip())
    return lines


def _mark(reason: Reason, step: Step) -> str:
    """An x where the gradient ends, an exclamation mark at a step that shrinks or enlarges it, dots off the record."""
    if step.blocked:
        return "!" if reason.cause in ("vanished", "exploding") else "x"
    return "|" if step.recorded else ":"


def _row(cells: tuple[str, ...], widths: list[int]) -> str:
    return "  " + "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True))


def _kept(count: int, marked: set[int]) -> list[int]:
    """The rows of a long table that are shown: those at the ends, and what is marked with its neighbors."""
    if count <= SHOWN:
        return list(range(count))
    near = {i for m in sorted(marked)[:4] for i in (m - 1, m, m + 1) if 0 <= i < count}
    return sorted({*range(SHOWN // 3), *range(count - SHOWN // 3, count), *near})


def _shape(shape: tuple[int, ...]) -> str:
    several = bool(shape) and isinstance(shape[0], tuple)
    return str(shape[0] if several else shape).replace(" ", "") + (" ..." if several else "")


def _gradient(step: Step) -> str:
    """Norms in the order in which the gradient goes: what arrives from the loss, and what is handed on."""
    if step.arrives is None:
        return ""
    return f"{number(step.passes)} <- {number(step.arrives)}" if step.passes is not None else number(step.arrives)
