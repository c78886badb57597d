"""`Reason`: what `why` answers, and its layout as text."""

from __future__ import annotations

import html
import os
import textwrap
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from minigrad.autograd.trace import Event
from minigrad.diagnosis.text import code_at, describe_array, number
from minigrad.errors import GraphError
from minigrad.graph import Graph

if TYPE_CHECKING:
    from minigrad.viz.picture import Picture

Cause = Literal[
    "healthy", "constant", "unused", "detached", "no_grad", "integer", "not_reached", "zero", "vanished", "nan", "inf",
    "exploding",
]  # fmt: skip
"""The causes, each explained in `minigrad.diagnosis`."""

NO_GRADIENT: Final = frozenset(["constant", "unused", "detached", "no_grad", "integer", "not_reached"])
"""The causes for which there is no gradient at all."""

SHOWN: Final = 24
"""The number of steps of a path that are printed, and looked at closely."""
CODE_WIDTH: Final = 48
"""The number of characters of a line of code that are printed."""


@dataclass(frozen=True)
class PathStep:
    """One step from the tensor to the loss: a call of an op, or a line that detaches a value.

    Attributes:
        op: the name of the op, or of what detaches, such as "detach".
        module: path and class of the module call that it happened in, or "".
        file, line, code: where it was called, and the text of that line; "", 0 and "" where that was not noted.
        shape: the shape of its result.
        facts: the range of its result, with the share of zeros.
        arrives: the norm of the gradient that comes from the loss; None where there is none.
        passes: the norm of what the op's rule passes on along the path; None where there is none.
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
    def of(
        cls,
        event: Event,
        *,
        facts: bool = True,
        arrives: float | None = None,
        passes: float | None = None,
        blocked: bool = False,
    ) -> PathStep:
        """The step that an event is.

        Args:
            event: the call.
            facts: describe its result (default True).
            arrives, passes: as in the class (default None).
            blocked: as in the class (default False).
        """
        file, line = event.site
        node = event.node
        return cls(
            op=event.op.name,
            module=str(event.scope or ""),
            file=file,
            line=line,
            code=code_at(file, line),
            shape=node.shape if node is not None else np.shape(event.out),
            facts=describe_array(event.out) if facts else "",
            arrives=arrives,
            passes=passes,
            blocked=blocked,
            recorded=node is not None,
        )

    @property
    def where(self) -> str:
        """File name and line, such as `net.py:12`."""
        return f"{os.path.basename(self.file)}:{self.line}" if self.line else ""

    def __str__(self) -> str:
        place = f" in {self.module}" if self.module else ""
        return f"{self.op}{place}" + (f" ({self.where}: {_shortened(self.code)})" if self.line else "")


@dataclass(frozen=True)
class Reason:
    """Why a gradient is what it is. `print(reason)` shows all of it; `reason.picture()` draws it.

    Attributes:
        cause: in one word, as listed in `minigrad.diagnosis`.
        name: the path of the parameter, or another description of the tensor.
        shape: the shape of the tensor.
        norm: the Euclidean norm of the gradient; None where there is none. One that is detached
            in part has a norm.
        text: the cause in a few sentences, with what to do about it.
        path: the steps from the tensor to the loss (or to where the path ends), in the order in which they ran.
        at: the step to look at; None where there is no single one.
        graph: what ran between the tensor and the loss, including what was not recorded.
        mark: the numbers of the path's nodes in the graph.
    """

    cause: Cause
    name: str
    shape: tuple[int, ...]
    norm: float | None
    text: str
    path: tuple[PathStep, ...] = ()
    at: PathStep | None = None
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
        """The graph between the tensor and the loss with the path marked; what was not recorded is dashed and gray.

        Raises:
            GraphError: there is nothing to draw, because no op ran.
            MissingExtraError: when it is drawn, and Graphviz is not installed.
        """
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

    def _repr_html_(self) -> str:
        """For notebooks: the text, with its columns."""
        return f'<pre style="line-height: 1.3">{html.escape(str(self))}</pre>'

    def _state(self) -> str:
        word = self.cause.replace("_", " ")
        if self.cause in NO_GRADIENT and self.norm is None:
            return f"no gradient ({word})"
        if self.cause == "detached":
            word = "detached in part"
        return f"gradient of norm {number(self.norm)} ({word})"


# ---- layout --------------------------------------------------------------------------------------------------------


def _wrapped(text: str) -> list[str]:
    return [line for paragraph in text.split("\n") for line in textwrap.wrap(paragraph, 100) or [""]]


def _shortened(code: str) -> str:
    return code if len(code) <= CODE_WIDTH else code[: CODE_WIDTH - 3] + "..."


def _table(reason: Reason) -> list[str]:
    """The steps as rows, the blocked one marked; the middle of a long path is left out."""
    rows = [("", reason.name, "", _shape(reason.shape), "", "")]
    rows += [(_sign(reason, s), s.op, s.module, _shape(s.shape), _gradient(s), s.where) for s in reason.path]
    codes = ["", *[_shortened(s.code) for s in reason.path]]
    repeated = {i for i in range(2, len(codes)) if (rows[i][5], codes[i]) == (rows[i - 1][5], codes[i - 1])}
    header = ("", "op", "module", "shape", "gradient", "line")
    kept = _kept_rows(len(rows), {i + 1 for i, step in enumerate(reason.path) if step.blocked})
    widths = [max(len(row[k]) for row in [header, *[rows[i] for i in kept]]) for k in range(len(header))]
    lines = [_row(header, widths).rstrip()]
    for before, i in zip([-1, *kept], kept, strict=False):
        if i != before + 1:
            lines.append(f"    ... {i - before - 1} more steps")
        lines.append(f"{_row(rows[i], widths)}  {codes[i] if i not in repeated or i != before + 1 else ''}".rstrip())
    return lines


def _sign(reason: Reason, step: PathStep) -> str:
    """What stands in front of a step.

    "x" where the gradient ends, "!" where it shrinks or grows most, "|" for other steps, ":" for those not recorded.
    """
    if step.blocked:
        return "!" if reason.cause in ("vanished", "exploding") else "x"
    return "|" if step.recorded else ":"


def _row(cells: tuple[str, ...], widths: list[int]) -> str:
    return "  " + "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True))


def _kept_rows(count: int, marked: set[int]) -> list[int]:
    """The rows of a long table that are shown: those at the ends, and what is marked with its neighbors."""
    if count <= SHOWN:
        return list(range(count))
    near = {i for m in sorted(marked)[:4] for i in (m - 1, m, m + 1) if 0 <= i < count}
    return sorted({*range(SHOWN // 3), *range(count - SHOWN // 3, count), *near})


def _shape(shape: tuple[int, ...]) -> str:
    several = bool(shape) and isinstance(shape[0], tuple)
    return str(shape[0] if several else shape).replace(" ", "") + (" ..." if several else "")


def _gradient(step: PathStep) -> str:
    """The norms in the order in which the gradient travels: what is passed on, and what arrives from the loss."""
    if step.arrives is None:
        return ""
    return f"{number(step.passes)} <- {number(step.arrives)}" if step.passes is not None else number(step.arrives)
