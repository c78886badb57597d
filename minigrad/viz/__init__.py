"""Pictures of graphs and of training."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from minigrad.graph import Graph
from minigrad.tensor import Tensor
from minigrad.viz.dot import render, to_dot

if TYPE_CHECKING:
    from minigrad.nn import Module


def draw(
    output: Tensor, path: str | Path, *, model: Module | None = None, names: Mapping[str, Tensor] | None = None
) -> Path:
    """Draw the graph behind a recorded Tensor into a file: .svg, .png, .pdf, or .dot for the text.

    Args:
        output: a result, before backward has freed its graph.
        path: where to.
        model: gives its parameters their paths as names.
        names: names for other variables.
    """
    return render(to_dot(Graph.of(output, model=model, names=names)), path)


__all__ = ["draw", "render", "to_dot"]
