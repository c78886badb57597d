"""From the graph of an expression to the source of the loop over rows of arrays that broadcast, results summed or not.

What an array repeats in others is summed in a result of its shape. A row is cut from each array (see `RowView`):

    whole    a result of the common shape: the row is written
    along    a result as long as a row: the row is added to
    single   a result with one number a row: the row is written to a line of its own, whose sum is added

Blocks of rows have sums of their own, so that they can be made by several threads; whoever calls adds these up.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

from .expression import Graph
from .loop_source import elements, module, used_inputs

Kind: TypeAlias = Literal["whole", "along", "single"]
SIZES: Final = ("steps", "middle", "row", "rows", "blocks", "one")


def row_sums_source(graph: Graph, name: str, results: Mapping[str, Kind], arrays: Mapping[str, bool]) -> str:
    """The module that defines the loop of a graph over rows.

    The function takes results and arrays, flat; the steps of each from one of `outer`, of `middle` and of the blocks to
    the next; the sizes `middle`, `row`, `rows` and `blocks`; an array that holds a 1; and where its blocks begin and
    end.

    Args:
        graph: with as many outputs as results.
        name: the function's.
        results: the names of results, and what each is.
        arrays: the names of the inputs, and whether each has one number for a row.
    """
    inputs, line = used_inputs(graph, [*arrays]), [x for x, kind in results.items() if kind == "single"]
    rows = []
    for position, x in enumerate((*results, *arrays)):
        if x not in results and x not in inputs:
            continue
        steps = [f"{size} * steps[{position}, {k}]" for k, size in enumerate(("outer", "across", "block"))]
        rows.append(f"{x}_at = {' + '.join(steps)}")
        if x not in line:
            rows.append(f"{x}_i = {x}[{x}_at]" if arrays.get(x) else f"{x}_row = {x}[{x}_at : {x}_at + row]")
    along = {f"{x}_row" for x, kind in results.items() if kind == "along"}
    rows += elements(graph, (), {x: f"{x}_row" for x in inputs if not arrays[x]}, [f"{x}_row" for x in results], along)
    rows += [f"{x}[{x}_at] += f(row_sum({x}_row, one, 0, row))" for x in line]
    body = [
        *[f"{x}_row = np.empty(row, f)" for x in line],
        "for block in range(start, stop):",
        "    for k in range(rows * block // blocks, rows * (block + 1) // blocks):",
        "        outer, across = k // middle, k % middle",
        *[f"        {statement}" for statement in rows],
    ]
    imports = ["from minigrad.kernels.row_sums_numba import row_sum"] * bool(line)
    return module(graph, name, [*results, *arrays, *SIZES, "start", "stop"], body, imports)
