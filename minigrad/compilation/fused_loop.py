"""`FusedLoop`: several calls that work element by element, as one compiled loop with one or more results."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from minigrad.compilation.program import Instruction, Ref, Value
from minigrad.kernels import buffers
from minigrad.kernels.fusion.expression import BOOLEAN, Graph, UntraceableError
from minigrad.kernels.fusion.loop import BLOCK, PIECE_COST
from minigrad.kernels.fusion.loop_file import compiled_loop
from minigrad.kernels.fusion.loop_source import cost, loop_source, reads_again
from minigrad.kernels.threads import parallel
from minigrad.typing import Array


class FusedLoop:
    """What computes the results of several calls in one pass over memory.

    Args:
        parts: the calls, in order.
        inputs: the values that they take from outside.
        results: those of their results that are given.
        graph: the expression of the results.

    Attributes:
        source: the module that defines the loop.
        reads_again: whether it may need its inputs when it has written results: then no result takes their memory.
    """

    def __init__(
        self, parts: tuple[Instruction, ...], inputs: Sequence[int], results: Sequence[int], graph: Graph
    ) -> None:
        self.parts, self.inputs, self.results, self.dtype = parts, tuple(inputs), tuple(results), graph.dtype
        names = "_".join(part.name.replace(".", "_") for part in parts)
        self.name = f"fused_{hashlib.sha256(names.encode()).hexdigest()[:8]}"
        arrays = [f"x{k}" for k in range(len(inputs))]
        self.source = loop_source(graph, self.name, arrays, [], [f"result{k}" for k in range(len(results))])
        self.reads_again = reads_again(graph)
        self.grain = PIECE_COST // cost(graph)
        self._function: Callable[..., None] | None = None

    @classmethod
    def of(
        cls, parts: tuple[Instruction, ...], inputs: Sequence[int], results: Sequence[int], values: Mapping[int, Value]
    ) -> FusedLoop | None:
        """The loop of some calls; None if no loop can do what they do."""
        graph = Graph(values[results[0]].dtype)
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
            return cls(parts, inputs, results, graph)
        except (UntraceableError, TypeError, AttributeError):
            return None

    def __call__(self, *arrays: Array) -> Any:
        """The result, or a tuple of them; the last argument may be one more array, which takes the only result."""
        count = len(self.inputs)
        given, out = arrays[:count], arrays[count:]
        first = given[0]
        if all(x.flags.carray for x in arrays):
            return self._run(given, out, first.shape)
        order = sorted(range(first.ndim), key=lambda i: -first.strides[i])
        turned = [x.transpose(order) for x in given]
        if all(x.flags.carray for x in turned):
            back = np.argsort(order)
            found = self._run(turned, (), turned[0].shape)
            return tuple([x.transpose(back) for x in found]) if type(found) is tuple else found.transpose(back)
        return self._one_by_one(given)

    def _run(self, arrays: Sequence[Array], out: Sequence[Array], shape: tuple[int, ...]) -> Any:
        if self._function is None:
            self._function = compiled_loop(self.source, self.name)
        results = out or tuple([buffers.empty(shape, self.dtype) for _ in self.results])
        flat = [x if x.ndim == 1 else x.reshape(-1) for x in (*results, *arrays)]
        parallel(self._function, results[0].size, *flat, grain=self.grain, align=BLOCK)
        return results[0] if len(results) == 1 else results

    def _one_by_one(self, arrays: Sequence[Array]) -> Any:
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
