"""`FusedLoop`: several calls that work element by element, as one compiled loop with one or more results."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from math import prod
from operator import methodcaller
from typing import Any, Final

import numpy as np

from minigrad.compilation.program import Instruction, Ref, Value
from minigrad.kernels import buffers
from minigrad.kernels.fusion.expression import BOOLEAN, Graph, UntraceableError
from minigrad.kernels.fusion.loop import BLOCK, PIECE_COST
from minigrad.kernels.fusion.loop_file import compiled_loop
from minigrad.kernels.fusion.loop_source import cost, loop_source, reads_again, row_loop_source
from minigrad.kernels.fusion.row_view import RowView
from minigrad.kernels.threads import parallel
from minigrad.typing import Array, Shape

_flat: Final = methodcaller("reshape", -1)


class FusedLoop:
    """What computes the results of several calls in one pass over memory.

    Args:
        parts: the calls, in order.
        inputs: the values that they take from outside.
        results: those of their results that are given.
        graph: the expression of the results.
        shape: of the results.
        view: how inputs that broadcast are seen; None where all have the shape of the results.

    Attributes:
        source: the module that defines the loop.
        reads_again: whether it may need its inputs when it has written results: then no result takes their memory.
    """

    def __init__(
        self, parts: tuple[Instruction, ...], inputs: Sequence[int], results: Sequence[int], graph: Graph, shape: Shape,
        view: RowView | None = None,
    ) -> None:  # fmt: skip
        self.parts, self.inputs, self.results, self.dtype = parts, tuple(inputs), tuple(results), graph.dtype
        self.shape, self.view, self.graph = shape, view, graph
        names = "_".join(part.name.replace(".", "_") for part in parts)
        self.name = f"fused_{hashlib.sha256(names.encode()).hexdigest()[:8]}"
        self.source = self._source(None)
        self.reads_again = reads_again(graph)
        self.grain = PIECE_COST // cost(graph)
        self._count, self._size = len(self.inputs), prod(shape)
        self._functions: dict[int | None, Callable[..., None]] = {}

    @classmethod
    def of(
        cls, parts: tuple[Instruction, ...], inputs: Sequence[int], results: Sequence[int], values: Mapping[int, Value],
        *, by_rows: RowView | None = None,
    ) -> FusedLoop | None:  # fmt: skip
        """The loop of some calls; None if no loop can do what they do.

        Args:
            parts, inputs, results: see the class.
            values: what is known of all values.
            by_rows: the view of the inputs, where others than the usual rows are wanted.
        """
        graph = Graph(values[results[0]].dtype)
        shape, shapes = values[results[0]].shape, [values[number].shape for number in inputs]
        view = by_rows
        if view is None and any(other != shape for other in shapes):
            view = RowView.of(shape, shapes)
            if view is None:
                return None
        try:
            symbols: dict[int, Any] = {
                number: graph.input(f"x{k}", values[number].dtype) for k, number in enumerate(inputs)
            }
            for part in parts:
                assert part.plain is not None
                function, silent = part.plain
                arguments = [_symbol(x, symbols) for x in part.arguments]
                settings = {name: _symbol(x, symbols) for name, x in part.settings.items()}
                out = graph.as_number(graph.symbol(function(*arguments, **settings)))
                if silent:
                    out = graph.apply("where", np.isnan(out) & (arguments[0] == 0), 0.0, out)
                symbols[part.results] = out
            graph.outputs = [symbols[number] for number in results]
            if any(out.dtype == BOOLEAN or out.node.function == "input" for out in graph.outputs):
                return None
            return cls(parts, inputs, results, graph, shape, view)
        except (UntraceableError, TypeError, AttributeError):
            return None

    def __call__(self, *arrays: Array) -> Any:
        """The result, or a tuple of them; the last argument may be one more array, which takes the only result."""
        given, out = arrays[: self._count], arrays[self._count :]
        for x in arrays:  # this runs between large products, which leave no Python in the caches: few steps, then
            if not x.flags.carray:
                return self._with_gaps(given)
        shared = None
        if out:
            shared = next((k for k, x in enumerate(given) if x is out[0]), None)
        elif len(self.results) == 1:
            out = (buffers.empty(self.shape, self.dtype),)
        else:
            out = tuple([buffers.empty(self.shape, self.dtype) for _ in self.results])
        self.fill(out, given, shared)
        return out[0] if len(out) == 1 else out

    def _with_gaps(self, given: Sequence[Array]) -> Any:
        """The same for arrays that are not dense in C order."""
        if self.view is None:
            order = sorted(range(given[0].ndim), key=lambda i: -given[0].strides[i])
            turned = [x.transpose(order) for x in given]
            if all(x.flags.carray for x in turned):
                back = np.argsort(order)
                made = tuple([buffers.empty(turned[0].shape, self.dtype) for _ in self.results])
                self.fill(made, turned)
                found = tuple([x.transpose(back) for x in made])
                return found[0] if len(found) == 1 else found
        return self.one_by_one(given)

    def fill(self, results: Sequence[Array], arrays: Sequence[Array], shared: int | None = None) -> None:
        """Write the results, for dense arrays; the only one may lie in the memory of an input, the `shared` one."""
        if shared is not None:
            arrays = (*arrays[:shared], *arrays[shared + 1 :])
        flat, function = map(_flat, (*results, *arrays)), self.function(shared)
        if self.view is None:
            if self._size < 2 * self.grain:
                function(*flat, 0, self._size)
            else:
                parallel(function, self._size, *flat, grain=self.grain, align=BLOCK)
            return
        sizes = self.steps(shared), self.view.middle, self.view.row, 0, self.view.row
        grain = max(1, self.grain // self.view.row)
        parallel(function, self.view.rows, *flat, *sizes, grain=grain)

    def steps(self, shared: int | None = None) -> Array:
        """Those of results and inputs, for the function of a loop by rows."""
        assert self.view is not None
        inputs = [step for k, step in enumerate(self.view.steps) if k != shared]
        return np.array([*[self.view.whole] * len(self.results), *inputs], np.int64)

    def function(self, shared: int | None = None) -> Callable[..., None]:
        """The compiled loop; where the only result takes the memory of an input, one that has one array for both."""
        found = self._functions.get(shared)
        if found is None:
            name = self.name if shared is None else f"{self.name}_in_{shared}"
            found = self._functions[shared] = compiled_loop(self._source(shared), name)
        return found

    def _source(self, shared: int | None) -> str:
        arrays, results = [f"x{k}" for k in range(len(self.inputs))], [f"result{k}" for k in range(len(self.results))]
        into = {} if shared is None else {f"x{shared}": "result0"}
        name = self.name if shared is None else f"{self.name}_in_{shared}"
        if self.view is None:
            return loop_source(self.graph, name, arrays, [], results, into)
        single = [x for x, alone in zip(arrays, self.view.single, strict=True) if alone]
        return row_loop_source(self.graph, name, arrays, single, results, into)

    def one_by_one(self, arrays: Sequence[Array]) -> Any:
        """The calls themselves, for arrays with gaps between elements, or in different layouts."""
        values: dict[int, Any] = dict(zip(self.inputs, arrays, strict=True))
        for part in self.parts:
            arguments = [_symbol(x, values) for x in part.arguments]
            settings = {name: _symbol(x, values) for name, x in part.settings.items()}
            assert part.plain is not None
            out = part.function(*arguments, **settings)
            if part.plain[1]:  # a cotangent of 0 passes on 0, whatever the slope
                out = np.where(np.isnan(out) & (arguments[0] == 0), out.dtype.type(0), out)
            values[part.results] = out
        found = tuple([values[number] for number in self.results])
        return found if len(found) > 1 else found[0]


def _symbol(x: Any, values: dict[int, Any]) -> Any:
    return values[x.number] if isinstance(x, Ref) else x.value
