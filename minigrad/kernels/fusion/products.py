"""`Products`: several functions of the same arrays in one loop, results summed over what broadcasting repeats.

They are the rules of one op, which give a cotangent for each of its inputs: what both ask for is read once, and the
cotangent of a bias is summed while it is made. With one function and one result of the common shape, it is the forward
function of arrays that broadcast.
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, Final

import numpy as np
from numpy import ndarray

from minigrad.typing import Array, DType, Shape

from ..array_utils import one_of
from ..buffers import empty
from ..jit import numba_available
from ..threads import parallel
from .expression import BOOLEAN, KINDS, Graph, Symbol, UntraceableError
from .loop import BLOCK, PIECE_COST
from .loop_file import compiled_loop
from .loop_source import cost, loop_source, reads_again
from .row_sums_source import Kind, row_sums_source
from .row_view import RowView

BLOCKS: Final = 16
"""Blocks of rows with sums of their own, at most: how many does not depend on the number of threads."""

BLOCK_SIZE: Final = 1 << 14
"""Elements for which one more of them pays."""

MIN_ROWS: Final = 8
"""With fewer rows there is nothing to gain."""

MAX_CALLS: Final = 1000
"""Combinations of shapes that are remembered."""


class Products:
    """What computes some functions of the same arrays in one pass over memory, or says NotImplemented.

    Args:
        function: of arrays; works element by element, and gives a tuple.
        name: for its source.
        silent: for each result, whether NaN becomes 0 where the first argument is 0.
    """

    def __init__(self, function: Callable[..., tuple[Any, ...]], name: str, silent: Sequence[bool]) -> None:
        self.function, self.name, self.silent = function, re.sub(r"\W", "_", name), tuple(silent)
        self._calls: dict[Any, _Call | None] = {}
        self._functions: dict[str, Callable[..., None]] = {}
        self._tracing = threading.Lock()

    def __call__(self, arrays: Sequence[Any], shape: Shape, results: tuple[Shape, ...]) -> Any:
        """The results, in these shapes, for arrays that broadcast to `shape`."""
        kinds, shapes = "", []
        for x in arrays:
            if not isinstance(x, ndarray) or not x.flags.carray:
                return NotImplemented
            kinds += KINDS.get(x.dtype, "!")
            shapes.append(x.shape)
        key = (kinds, *shapes, results)
        try:
            call = self._calls[key]
        except KeyError:
            if len(self._calls) >= MAX_CALLS:
                self._calls.clear()
            call = self._calls[key] = self._prepared(kinds, shapes, shape, results)
        return NotImplemented if call is None else call(arrays)

    def _prepared(self, kinds: str, shapes: list[Shape], shape: Shape, results: tuple[Shape, ...]) -> _Call | None:
        """What is the same for all calls with such arrays; None where no loop can do it."""
        letters = set(kinds) - {"?"}
        if letters not in ({"f"}, {"d"}) or not numba_available():
            return None
        view = None
        if any(other != shape for other in (*shapes, *results)):
            view = RowView.of(shape, (*results, *shapes))
            if view is None or view.rows < MIN_ROWS:
                return None
        with self._tracing:
            try:
                return self._traced(np.dtype(letters.pop()), kinds, view, shape, results)
            except (UntraceableError, TypeError, AttributeError):  # a symbol is not all that an array is
                return None

    def _traced(
        self, dtype: DType, kinds: str, view: RowView | None, shape: Shape, results: tuple[Shape, ...]
    ) -> _Call:
        graph = Graph(dtype)
        inputs = [graph.input(f"x{k}", BOOLEAN if kind == "?" else dtype) for k, kind in enumerate(kinds)]
        outs = [graph.symbol(out) for out in self.function(*inputs)]
        if any(out.dtype == BOOLEAN for out in outs):
            raise UntraceableError("a loop gives numbers, no truth values")
        for k, silent in enumerate(self.silent):
            if silent:
                outs[k] = graph.apply("where", np.isnan(outs[k]) & (inputs[0] == 0), 0.0, outs[k])
        given = [_input_number(out) if result == shape else None for out, result in zip(outs, results, strict=True)]
        made = [k for k, number in enumerate(given) if number is None]
        graph.outputs = [outs[k] for k in made]
        if all(out.node.function == "constant" for out in graph.outputs) or (view is not None and reads_again(graph)):
            raise UntraceableError("there is nothing to compute, or sums would count elements twice")
        names = [f"x{k}" for k in range(len(kinds))]
        if view is None:
            source = loop_source(graph, self.name, names, [], [f"result{k}" for k in made])
            return _Call(self._compiled(source), given, [shape] * len(made), dtype, PIECE_COST // cost(graph))
        single = view.single[len(results) :]
        forms = {f"result{k}": _kind(view, k, results[k], shape) for k in made}
        source = row_sums_source(graph, self.name, forms, dict(zip(names, single, strict=True)))
        kept = [*made, *range(len(results), len(results) + len(names))]
        rows = _Rows.of(view, kept, [*forms.values()], [results[k] for k in made])
        grain = max(1, PIECE_COST // cost(graph) * rows.blocks // prod(shape))
        return _Call(self._compiled(source), given, [results[k] for k in made], dtype, grain, rows)

    def _compiled(self, source: str) -> Callable[..., None]:
        if source not in self._functions:
            digest = hashlib.sha256(source.encode()).hexdigest()[:8]
            name = f"{self.name}_{digest}"
            self._functions[source] = compiled_loop(source.replace(f"def {self.name}(", f"def {name}("), name)
        return self._functions[source]


def _input_number(out: Symbol) -> int | None:
    """Which argument a result is, if it is one as it stands."""
    return int(out.node.args[0][1:]) if out.node.function == "input" else None


def _kind(view: RowView, k: int, result: Shape, shape: Shape) -> Kind:
    if prod(result) == prod(shape):
        return "whole"
    return "single" if view.single[k] else "along"


@dataclass(frozen=True)
class _Rows:
    """The sizes that a loop over rows is told.

    Attributes:
        view: the rows.
        steps: of results and arrays.
        kinds: of the results.
        blocks: in how many sums are made.
    """

    view: RowView
    steps: Array
    kinds: list[Kind]
    blocks: int

    @classmethod
    def of(cls, view: RowView, kept: list[int], kinds: list[Kind], results: list[Shape]) -> _Rows:
        """The sizes for those arrays of a view that are kept, results first."""
        blocks = max(1, min(BLOCKS, view.rows // 4, view.rows * view.row // BLOCK_SIZE))
        steps = np.zeros((len(kept), 3), np.int64)
        for position, k in enumerate(kept):
            steps[position, :2] = view.steps[k]
        for position, (kind, result) in enumerate(zip(kinds, results, strict=True)):
            steps[position, 2] = 0 if kind == "whole" else prod(result)
        return cls(view, steps, kinds, blocks)


@dataclass(frozen=True)
class _Call:
    """All that is known of a call before it comes.

    Attributes:
        function: the compiled loop.
        given: for each result, the number of the argument that it is; None where it is computed.
        shapes: of those that are computed.
        dtype: of all results.
        grain: how many elements, or blocks of rows, a thread takes at least.
        rows: the sizes of a loop over rows; None where all arrays have one shape.
    """

    function: Callable[..., None]
    given: list[int | None]
    shapes: list[Shape]
    dtype: DType
    grain: int
    rows: _Rows | None = None

    def __call__(self, arrays: Sequence[Array]) -> list[Array]:
        """The results."""
        flat = [*map(ndarray.ravel, arrays)]
        made = self._elementwise(flat) if self.rows is None else self._by_rows(flat, self.rows)
        if len(made) == len(self.given):
            return made
        computed = iter(made)
        return [next(computed) if k is None else arrays[k] for k in self.given]

    def _elementwise(self, flat: list[Array]) -> list[Array]:
        results = [empty(shape, self.dtype) for shape in self.shapes]
        parallel(self.function, results[0].size, *map(ndarray.ravel, results), *flat, grain=self.grain, align=BLOCK)
        return results

    def _by_rows(self, flat: list[Array], rows: _Rows) -> list[Array]:
        results = [
            empty(shape, self.dtype) if kind == "whole" else np.zeros((rows.blocks, prod(shape)), self.dtype)
            for kind, shape in zip(rows.kinds, self.shapes, strict=True)
        ]
        sizes = rows.steps, rows.view.middle, rows.view.row, rows.view.rows, rows.blocks, one_of(self.dtype)
        parallel(self.function, rows.blocks, *map(ndarray.ravel, results), *flat, *sizes, grain=self.grain)
        return [
            x if kind == "whole" else (x.sum(axis=0) if rows.blocks > 1 else x).reshape(shape)
            for x, kind, shape in zip(results, rows.kinds, self.shapes, strict=True)
        ]
