"""`Picture`: a graph that can be looked at, in files and in notebooks."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Literal

from minigrad.autograd.tensor import Tensor
from minigrad.errors import MinigradError, UsageError
from minigrad.graph import Graph
from minigrad.io import write_atomically
from minigrad.nn import Module
from minigrad.viz.backward import backward_of
from minigrad.viz.dot import Look, to_dot
from minigrad.viz.fold import MOST, View, view
from minigrad.viz.layout import laid_out
from minigrad.viz.measure import Column, column, known_measure
from minigrad.viz.record import Record
from minigrad.viz.run import traced

FORMATS: Final = ("svg", "png", "pdf", "dot", "html", "json")

Direction = Literal["forward", "backward", "both"]


def graph(
    what: Tensor | Module | Callable[..., Any],
    *inputs: Any,
    model: Module | None = None,
    names: Mapping[str, Tensor] | None = None,
    direction: Direction = "forward",
    depth: int | None = None,
    repeats: bool = False,
    color_by: str = "kind",
    across: bool = False,
    title: str = "",
) -> Picture:
    """The picture of a computation: of a result that was recorded, or of a model or function, which is run once.

    A model or function tells more than a result: source lines, all values, forward times; and its inputs are drawn.
    Modules and random generators that it can reach are afterwards as they were.

    Args:
        what: a recorded Tensor, before backward has freed its graph; or a module or function of Tensors.
        *inputs: for a module or function: arrays, Tensors or lists; floating numbers are drawn as variables.
        model: gives its parameters their paths as names; found by itself where a function uses one.
        names: names for other variables.
        direction: "forward"; "backward": what the rules do with a cotangent g of the output; or "both".
        depth: fold module calls inside of so many others: 1 shows the parts of a model as boxes.
        repeats: draw equal blocks in a row once, with "× 3".
        color_by: "kind", "gradient_norm", "gradient_zeros", "activation_norm", "activation_std", "activation_zeros",
            "forward_time", "backward_time", "memory", "flops" or "verdict". Gradients are of the sum of all outputs.
        across: draw from left to right, not downward (the page is drawn downward).
        title: of the page.

    Raises:
        GraphError: the Tensor was not recorded, or its graph has been freed.
        UsageError: `model` is no Module, or a name stands for no Tensor; the function takes other inputs, or gave no
            recorded Tensor; there is no such direction, depth or measure.

    >>> x = Tensor([1.0, 2.0], requires_grad=True)
    >>> graph((x * x).sum(), names={"x": x})
    <Picture of 3 nodes: x, multiply, sum>
    """
    if direction not in ("forward", "backward", "both"):
        raise UsageError(f"graph: direction is forward, backward or both, not {direction!r}")
    if model is not None and not isinstance(model, Module):
        raise UsageError(f"graph: model is the Module that names the parameters, not a {type(model).__name__}")
    if isinstance(what, Tensor):
        if inputs:
            raise UsageError(
                "graph: a result has been computed already, so it takes no inputs: give the model or function"
            )
        record = Record.of(what, model=model, names=names)
    elif callable(what):
        model = what if model is None and isinstance(what, Module) else model
        record = traced(what, inputs, model, dict(names or {}))
    else:
        raise UsageError(f"graph: takes a Tensor, a Module or a function, not a {type(what).__name__}")
    if direction != "forward":
        record = backward_of(record, both=direction == "both")
    title = title or (type(model).__name__ if model is not None else "")
    return Picture(record, depth=depth, repeats=repeats, color_by=color_by, across=across, title=title)


class Picture:
    """A graph as a picture. Nothing changes it: `fold` and `color` give others of the same computation.

    Args:
        source: a record, of which everything can be measured, or only a Graph.
        mark: the numbers of nodes on a path that stands out.
        depth, repeats, color_by, across, title: as in `graph`.
    """

    def __init__(
        self,
        source: Record | Graph,
        *,
        mark: Collection[int] = (),
        depth: int | None = None,
        repeats: bool = False,
        color_by: str = "kind",
        across: bool = False,
        title: str = "",
    ) -> None:
        self.record = source if isinstance(source, Record) else None
        self.graph = source.graph if isinstance(source, Record) else source
        self.mark, self.across, self.title = frozenset(mark), across, title
        if depth is not None and (not isinstance(depth, int) or depth < 0):
            raise UsageError(f"graph: depth is a whole number from 0 on, or None to fold nothing, not {depth!r}")
        self.depth, self.repeats, self.color_by = depth, repeats, known_measure(color_by)
        if self.color_by != "kind" and self.record is None:
            raise UsageError(f"Picture: a Graph alone holds no values to color by {self.color_by}: use viz.graph")
        self._columns: dict[str, Column] = {}

    def fold(self, depth: int | None = None, *, repeats: bool | None = None) -> Picture:
        """The same with calls folded at another depth."""
        return self._with(depth=depth, repeats=self.repeats if repeats is None else repeats)

    def color(self, by: str) -> Picture:
        """The same colored by another measure."""
        return self._with(color_by=by)

    def _with(self, **changes: Any) -> Picture:
        settings = {name: getattr(self, name) for name in ("mark", "depth", "repeats", "color_by", "across", "title")}
        other = Picture(self.record or self.graph, **{**settings, **changes})
        other._columns = self._columns
        return other

    @cached_property
    def view(self) -> View:
        """What is drawn of the graph."""
        return view(self.graph, depth=self.depth, repeats=self.repeats)

    @property
    def dot(self) -> str:
        """The picture in the DOT language.

        Raises:
            UsageError: it would have more than 3,000 boxes.
        """
        if len(self.view.items) > MOST:
            raise UsageError(
                f"graph: {len(self.view.items):,} boxes are more than anybody can read, and than can be laid out in a "
                f"minute ({MOST:,}): fold module calls with depth=1, or equal blocks with repeats=True, or draw a part"
            )
        return to_dot(self.view, Look(self.column(self.color_by), self.mark, self.across))

    def column(self, name: str) -> Column | None:
        """A measure of all nodes; None for their kind. It is measured when it is first asked for."""
        if name == "kind" or self.record is None:
            return None
        if name not in self._columns:
            self._columns[name] = column(self.record, name)
        return self._columns[name]

    def save(self, path: str | Path) -> Path:
        """Write the picture as the file's suffix says: .svg, .png, .pdf, .dot, .html (the page) or .json (the data).

        Raises:
            UsageError: another suffix; too many boxes.
            MissingExtraError: no Graphviz was found to lay it out.
            GraphError: a page of a result whose graph has been freed meanwhile.
        """
        path = Path(path)
        kind = path.suffix.removeprefix(".")
        if kind not in FORMATS:
            raise UsageError(f"a graph can be written as {', '.join(FORMATS)}, not as {path.name!r}")
        write_atomically(path, self._content(kind))
        return path

    def _content(self, kind: str) -> bytes:
        if kind in ("html", "json"):
            from minigrad.viz.document import document
            from minigrad.viz.level import levels
            from minigrad.viz.page import page

            if kind == "json":
                return json.dumps(document(self), ensure_ascii=False, allow_nan=False).encode()
            seen = levels(self.graph)  # first: it may be too much to show
            return page(document(self), seen).encode()
        return self.dot.encode() if kind == "dot" else laid_out(self.dot, kind)

    def __repr__(self) -> str:
        names = [node.name for node in self.graph.nodes]
        shown = names if len(names) <= 6 else [*names[:3], "...", *names[-2:]]
        return f"<Picture of {len(names):,} nodes: {', '.join(shown)}>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """For notebooks: the SVG, or, where it cannot be drawn, words that say why."""
        try:
            return {"image/svg+xml": laid_out(self.dot, "svg").decode(), "text/plain": repr(self)}
        except MinigradError as error:
            return {"text/plain": f"{self!r}\n{error}"}
