"""`graph` and `Picture`: a graph that can be looked at, in files and in notebooks."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Literal

from minigrad import compilation
from minigrad.autograd.nested import leaves
from minigrad.autograd.tensor import Tensor
from minigrad.compilation import Compiled, Program
from minigrad.errors import MinigradError, UsageError
from minigrad.graph import Graph
from minigrad.io import write_atomically
from minigrad.nn import Module
from minigrad.viz.backward_graph import backward_graph
from minigrad.viz.capture import capture
from minigrad.viz.computation import Computation
from minigrad.viz.dot import DotStyle, to_dot
from minigrad.viz.graph_view import MAX_BOXES, GraphView, graph_view
from minigrad.viz.program_graph import program_picture
from minigrad.viz.quantities import COLOR_BY, PROGRAM_QUANTITIES, NodeAmounts, checked_color_by, measure
from minigrad.viz.rendering import run_graphviz

FORMATS: Final = ("svg", "png", "pdf", "dot", "html", "json")

Direction = Literal["forward", "backward", "both"]


def graph(
    what: Tensor | Collection[Tensor] | Module | compilation.Program | Callable[..., object],
    *inputs: object,
    model: Module | None = None,
    names: Mapping[str, Tensor] | None = None,
    direction: Direction = "forward",
    depth: int | None = None,
    repeats: bool = False,
    color_by: str = "kind",
    across: bool = False,
    title: str = "",
    **keywords: object,
) -> Picture:
    """Draw a computation: that of a recorded result, of a model or function, which is run once, or a compiled program.

    A run shows more than a result: source lines, all values and constants, forward times, and the inputs. (Of a result,
    constants that no rule has kept are drawn without a shape, "not kept".) Modules and random generators that it can
    reach are restored afterward.

    Of a program each call is drawn, in the frames "forward", "backward" and "updates", with the numbers that the values
    have in `explain()`, and their bytes. Fused loops contain the calls that they stand for: `depth=1` draws each loop
    as one box, and `depth=0` the three frames.

    Args:
        what: a recorded Tensor, or a list, tuple or dict of several, before backward has freed the graph; or a module
            or function of Tensors; or a program, such as one of `step.stages`, or a compiled function without inputs,
            whose newest program is drawn.
        *inputs: for a module or function: arrays, Tensors, or lists and dicts of these; those of floating numbers are
            drawn as variables.
        model: the module whose paths name the parameters (default: the one that a function uses, if there is one).
        names: other variables by name; None (default) calls them "variable".
        direction: "forward", "backward" (what the rules compute from a cotangent g of the output) or "both" (default
            "forward").
        depth: collapse module calls that lie in so many others: 1 shows the children of a model as boxes; None
            (default) collapses none.
        repeats: draw equal blocks in a row once, with "× 3" (default False).
        color_by: "kind", "gradient_norm", "gradient_zeros", "activation_norm", "activation_std", "activation_zeros",
            "forward_time", "backward_time", "memory", "flops" or "verdict" (default "kind"). Gradients are those of the
            sum of all outputs. Of a program: "kind", "bytes" (read and written), "flops" or "time", which is known of a
            compiled function when its `measure` has run.
        across: draw from left to right, not downward (default False); the page is always drawn downward.
        title: the title of the page (default "": the class of the model).
        **keywords: for a module or function: its keyword arguments. (One that has the name of a setting above cannot be
            given: draw a lambda that gives it.)

    Returns:
        The picture: `.save("graph.svg")` it, or show it in a notebook.

    Raises:
        GraphError: the Tensor was not recorded, or its graph has been freed.
        UsageError: `what` is none of these, `model` is no Module, or a name stands for no Tensor; the function takes
            other inputs, or returned no recorded Tensor; there is no such direction, depth or quantity; there is no
            program yet, or it is to be drawn as a result is (with `model`, `names`, `direction` or a quantity).

    >>> x = Tensor([1.0, 2.0], requires_grad=True)
    >>> graph((x * x).sum(), names={"x": x})
    <Picture of 3 nodes: x, multiply, sum>
    """
    if direction not in ("forward", "backward", "both"):
        raise UsageError(f"graph: direction is forward, backward or both, not {direction!r}")
    if model is not None and not isinstance(model, Module):
        raise UsageError(f"graph: model is the Module that names the parameters, not a {type(model).__name__}")
    if isinstance(what, Program) or (isinstance(what, Compiled) and not inputs and not keywords):
        if inputs or keywords or model is not None or names or direction != "forward":
            raise UsageError(
                "graph: a program is drawn as it is, with all of its passes and the names that it has: it takes no "
                "inputs, model, names or direction"
            )
        program = _newest_program(what)
        checked_color_by(color_by, ("kind", *PROGRAM_QUANTITIES))
        drawn, amounts = program_picture(program, what.seconds if isinstance(what, Compiled) else ())
        return Picture(
            drawn, depth=depth, repeats=repeats, color_by=color_by, across=across, title=title or program.title,
            amounts=amounts,
        )  # fmt: skip
    results = [x for _, x in leaves(what)] if isinstance(what, (Tensor, list, tuple, dict)) else []
    if results and all(isinstance(x, Tensor) for x in results):
        if inputs or keywords:
            raise UsageError(
                "graph: a result has been computed already, so it takes no inputs: give the model or function"
            )
        computation = Computation.of(*results, model=model, names=names)
    elif callable(what):
        model = what if model is None and isinstance(what, Module) else model
        computation = capture(what, inputs, keywords, model, dict(names or {}))
    else:
        raise UsageError(f"graph: takes a Tensor or several, a Module or a function, not a {type(what).__name__}")
    if direction != "forward":
        computation = backward_graph(computation, both=direction == "both")
    title = title or (type(model).__name__ if model is not None else "")
    return Picture(computation, depth=depth, repeats=repeats, color_by=color_by, across=across, title=title)


def _newest_program(what: Program | Compiled[..., object]) -> Program:
    if isinstance(what, Program):
        return what
    if what.program is None:
        raise UsageError(f"graph: {what.explain()}: call it until it is replayed, or give inputs to draw a run of it")
    return what.program


class Picture:
    """A graph as a picture. It never changes: `collapse` and `color` return others of the same computation.

    Args:
        source: a computation, of which everything can be measured, or a Graph alone.
        mark: the numbers of nodes on a path that is highlighted (default ()).
        depth: as in `graph`; None (default) collapses nothing.
        repeats, across: as in `graph` (default False).
        color_by: as in `graph` (default "kind").
        title: the title of the page (default "").
        amounts: of a Graph alone, quantities that are known, by name (default: none).

    Raises:
        UsageError: there is no such depth or quantity, or a Graph alone is to be colored by one that is not known.
    """

    def __init__(
        self,
        source: Computation | Graph,
        *,
        mark: Collection[int] = (),
        depth: int | None = None,
        repeats: bool = False,
        color_by: str = "kind",
        across: bool = False,
        title: str = "",
        amounts: Mapping[str, NodeAmounts] | None = None,
    ) -> None:
        self.computation = source if isinstance(source, Computation) else None
        self.graph = source.graph if isinstance(source, Computation) else source
        self.mark, self.across, self.title = frozenset(mark), across, title
        if depth is not None and (not isinstance(depth, int) or depth < 0):
            raise UsageError(f"graph: depth is an integer from 0 on, or None to collapse nothing, not {depth!r}")
        self._amounts: dict[str, NodeAmounts] = dict(amounts or {})
        self.depth, self.repeats = depth, repeats
        self.color_by = checked_color_by(color_by, (*COLOR_BY, *PROGRAM_QUANTITIES) if amounts else COLOR_BY)
        if self.color_by != "kind" and self.computation is None and self.color_by not in self._amounts:
            instead = (
                "run step.measure(...) on its arguments, then draw the step"
                if self.color_by == "time"
                else "use viz.graph"
            )
            raise UsageError(f"Picture: a Graph alone holds no values to color by {self.color_by}: {instead}")

    def collapse(self, depth: int | None = None, *, repeats: bool | None = None) -> Picture:
        """The same picture with module calls collapsed at another depth.

        Args:
            depth: as in `graph`; None (default) collapses nothing.
            repeats: as in `graph`; None (default) leaves it as it is.
        """
        return self._with(depth=depth, repeats=self.repeats if repeats is None else repeats)

    def color(self, by: str) -> Picture:
        """The same picture colored by another quantity.

        Args:
            by: its name, one of those that `color_by` of `graph` takes.
        """
        return self._with(color_by=by)

    def _with(self, **changes: Any) -> Picture:  # settings of Picture, of several types
        settings = {name: getattr(self, name) for name in ("mark", "depth", "repeats", "color_by", "across", "title")}
        other = Picture(self.computation or self.graph, **{**settings, "amounts": self._amounts, **changes})
        other._amounts = self._amounts
        return other

    @cached_property
    def view(self) -> GraphView:
        """What is drawn of the graph."""
        return graph_view(self.graph, depth=self.depth, repeats=self.repeats)

    @property
    def dot(self) -> str:
        """The picture in the DOT language.

        Raises:
            UsageError: it would have more than 3,000 boxes.
        """
        if len(self.view.items) > MAX_BOXES:
            raise UsageError(
                f"graph: a picture with {len(self.view.items):,} boxes cannot be read, nor laid out in a minute "
                f"({MAX_BOXES:,} can): collapse module calls with depth=1, or equal blocks with repeats=True, or draw "
                "a part of it"
            )
        return to_dot(self.view, DotStyle(self.measure(self.color_by), self.mark, self.across))

    def measure(self, name: str) -> NodeAmounts | None:
        """Measure a quantity for all nodes.

        Args:
            name: its name, one of those that `color_by` of `graph` takes.

        Returns:
            The amounts, which are kept for the next call; None for "kind".

        Raises:
            GraphError: it is measured by a backward pass, and the graph has been freed.
        """
        if name == "kind" or (self.computation is None and name not in self._amounts):
            return None
        if name not in self._amounts and self.computation is not None:
            self._amounts[name] = measure(self.computation, name)
        return self._amounts[name]

    def save(self, path: str | Path) -> Path:
        """Write the picture in the format of the file's suffix.

        Args:
            path: where to; the suffix is .svg, .png, .pdf, .dot, .html (the page) or .json (the data).

        Returns:
            The path.

        Raises:
            UsageError: another suffix, or too many boxes.
            MissingExtraError: Graphviz is not installed.
            GraphError: it shows a backward pass of a result whose graph has been freed meanwhile.
        """
        path = Path(path)
        kind = path.suffix.removeprefix(".")
        if kind not in FORMATS:
            raise UsageError(f"a graph can be written as {', '.join(FORMATS)}, not as {path.name!r}")
        write_atomically(path, self._content(kind))
        return path

    def _content(self, kind: str) -> bytes:
        if kind in ("html", "json"):
            from minigrad.viz.json_export import graph_data
            from minigrad.viz.page import html_page, page_levels

            if kind == "json":
                return json.dumps(graph_data(self), ensure_ascii=False, allow_nan=False).encode()
            levels = page_levels(self.graph)  # first: there may be too many boxes
            return html_page(graph_data(self), levels).encode()
        return self.dot.encode() if kind == "dot" else run_graphviz(self.dot, kind)

    def __repr__(self) -> str:
        names = [node.name for node in self.graph.nodes]
        shown = names if len(names) <= 6 else [*names[:3], "...", *names[-2:]]
        return f"<Picture of {len(names):,} nodes: {', '.join(shown)}>"

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        """For notebooks: the SVG, or a text that says why it cannot be drawn."""
        try:
            return {"image/svg+xml": run_graphviz(self.dot, "svg").decode(), "text/plain": repr(self)}
        except MinigradError as error:
            return {"text/plain": f"{self!r}\n{error}"}
