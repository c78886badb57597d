"""`Loop`: the compiled loop of a graph, called with arrays."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from numpy import ndarray

from minigrad.typing import Array

from ..buffers import empty
from ..threads import parallel
from .expression import BOOLEAN, Graph, UntraceableError
from .loop_file import compiled_loop
from .loop_source import cost, loop_source

BLOCK: Final = 256
"""At whose multiples pieces begin: vector registers are full then but at the end, so that the same elements are left to
instructions for single ones, whatever the number of threads, should these round in another way."""

PIECE_COST: Final = 1 << 20
"""What a thread's piece must cost, in additions, so that waking the thread pays."""


class Loop:
    """A traced function, compiled by its first call.

    Args:
        graph: the expression, with one output.
        name: the function's.
        arrays: the names of the arguments that are arrays, in order.
        numbers: of those that are numbers.

    Attributes:
        source: the module that defines the loop.

    Raises:
        UntraceableError: there is nothing to compute.
    """

    def __init__(self, graph: Graph, name: str, arrays: list[str], numbers: list[str]) -> None:
        (out,) = graph.outputs
        if out.node.function in ("input", "constant") or out.dtype == BOOLEAN:
            raise UntraceableError("there is nothing to compute")
        self.dtype, self.name = graph.dtype, re.sub(r"\W", "_", name) + "_loop"
        self.source = loop_source(graph, self.name, arrays, numbers, ["result"])
        self.grain = PIECE_COST // cost(graph)
        self._function: Callable[..., None] | None = None

    def run(self, arrays: list[Array], numbers: list[float]) -> Array:
        """The result, for contiguous arrays of one shape."""
        if self._function is None:
            self._function = compiled_loop(self.source, self.name)
        out = empty(arrays[0].shape, self.dtype)
        flat = map(ndarray.ravel, (out, *arrays))  # views, made sooner than by reshape
        if out.size < 2 * self.grain:
            self._function(*flat, *numbers, 0, out.size)
        else:
            parallel(self._function, out.size, *flat, *numbers, grain=self.grain, align=BLOCK)
        return out
