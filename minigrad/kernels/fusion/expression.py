"""Symbols in place of arrays, and the graph of what a function does to them.

    graph = Graph(np.dtype("float32"))
    x = graph.input("x")
    graph.outputs = [np.exp(-x) / 2]

A symbol stands for one element. NumPy hands its functions over to it (`__array_ufunc__`, `__array_function__`), and it
adds a node to its graph: the name of the function, and the nodes that it is applied to. The same function of the same
nodes is one node, so that nothing is computed twice. What a loop cannot do raises UntraceableError.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from minigrad.typing import DType

from .primitives import PRIMITIVES, REWRITES

Operand = Any  # a symbol or a number
BOOLEAN: Final = np.dtype(bool)
KINDS: Final = {np.dtype(letter): letter for letter in "fd?"}
"""The dtypes that arrays may have, by a letter each; of another byte order they are not the same."""


class UntraceableError(Exception):
    """A function does what one loop over the elements cannot."""


@dataclass(frozen=True, slots=True)
class Node:
    """One value of an expression.

    Attributes:
        function: a primitive's name; or "input", "constant".
        args: the numbers of the nodes that it is applied to; an input's name, a constant's value.
        dtype: the graph's, or that of truth values.
    """

    function: str
    args: tuple[Any, ...]
    dtype: DType


class Graph:
    """The expression of a function of numbers of one floating dtype, and of truth values.

    Attributes:
        dtype: of the numbers.
        nodes: in the order in which they can be computed.
        numbers: the names of the inputs that are the same for all elements.
        outputs: the symbols that are its results.
    """

    def __init__(self, dtype: DType) -> None:
        self.dtype = dtype
        self.nodes: list[Node] = []
        self.numbers: set[str] = set()
        self.outputs: list[Symbol] = []
        self._known: dict[Any, int] = {}

    def input(self, name: str, dtype: DType | None = None) -> Symbol:
        """A value that differs from element to element, or one that is the same for all."""
        return self._node("input", (name,), dtype or self.dtype)

    def constant(self, value: Any) -> Symbol:
        """A number that is known beforehand, rounded to the graph's dtype; or a truth value."""
        if isinstance(value, (bool, np.bool_)):
            return self._node("constant", (bool(value),), BOOLEAN)
        with np.errstate(over="ignore"):
            return self._node("constant", (float(self.dtype.type(value)),), self.dtype)

    def apply(self, function: str, *args: Operand) -> Symbol:
        """The result of a primitive, simplified where it is one of these already."""
        symbols = [self.symbol(x) for x in args]
        rewrite = REWRITES.get(function)
        simpler = rewrite(*symbols) if rewrite is not None else None
        if simpler is not None:
            return self.symbol(simpler)
        primitive = PRIMITIVES.get(function)
        if primitive is None:
            raise UntraceableError(f"there is no {function} for loops")
        if not primitive.of_truth:
            symbols = [self.as_number(x) for x in symbols]
        dtype = BOOLEAN if primitive.gives_truth else self.dtype
        return self._node(function, tuple([x.index for x in symbols]), dtype)

    def symbol(self, x: Operand) -> Symbol:
        """x as a symbol of this graph."""
        if type(x) is Symbol:
            if x.graph is not self:
                raise UntraceableError("two expressions are mixed")
            return x
        if isinstance(x, (bool, int, float)) and not isinstance(x, np.generic):  # np.float64 is a float, too
            return self.constant(x)
        if isinstance(x, (np.generic, np.ndarray)) and np.ndim(x) == 0 and x.dtype in (self.dtype, BOOLEAN):
            return self.constant(x.item())
        raise UntraceableError(f"an operand of type {type(x).__name__}")

    def as_number(self, x: Symbol) -> Symbol:
        """1 and 0 for truth values."""
        return x if x.dtype != BOOLEAN else self.apply("where", x, 1.0, 0.0)

    def reachable(self) -> list[int]:
        """The nodes that the outputs need, in order."""
        needed = {x.index for x in self.outputs}
        for index in range(len(self.nodes) - 1, -1, -1):
            node = self.nodes[index]
            if index in needed and node.function not in ("input", "constant"):
                needed.update(node.args)
        return sorted(needed)

    def _node(self, function: str, args: tuple[Any, ...], dtype: DType) -> Symbol:
        key = (function, tuple(map(repr, args)))  # repr tells 0.0 from -0.0, and NaN is NaN
        index = self._known.setdefault(key, len(self.nodes))
        if index == len(self.nodes):
            self.nodes.append(Node(function, args, dtype))
        return Symbol(self, index)


class Symbol(NDArrayOperatorsMixin):
    """A node of a graph, which looks like a NumPy scalar."""

    __slots__ = ("graph", "index")
    symbolic: Final = True  # what ops ask, which run their functions on symbols as on arrays
    shape: Final = ()
    ndim: Final = 0
    size: Final = 1

    def __init__(self, graph: Graph, index: int) -> None:
        self.graph, self.index = graph, index

    @property
    def node(self) -> Node:
        """What it stands for."""
        return self.graph.nodes[self.index]

    @property
    def dtype(self) -> DType:
        """The dtype of the elements."""
        return self.node.dtype

    @property
    def value(self) -> float | bool | None:
        """A constant's number."""
        return self.node.args[0] if self.node.function == "constant" else None

    @property
    def parts(self) -> list[Symbol]:
        """What its function is applied to; nothing for an input or a constant."""
        if self.node.function in ("input", "constant"):
            return []
        return [Symbol(self.graph, index) for index in self.node.args]

    def is_same(self, other: Symbol) -> bool:
        """Whether both are one node; == compares elements."""
        return self.index == other.index

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Operand, **settings: Any) -> Symbol:
        if method != "__call__" or settings:
            raise UntraceableError(f"{ufunc.__name__} with {method} {list(settings)}")
        return self.graph.apply(ufunc.__name__, *inputs)

    def __array_function__(self, function: Callable[..., Any], types: Any, args: Any, settings: Any) -> Symbol:
        if settings:
            raise UntraceableError(f"{function.__name__} with {list(settings)}")
        return self.graph.apply(function.__name__, *args)

    def astype(self, dtype: Any, copy: bool = True) -> Symbol:
        """Truth values become 1 and 0; numbers stay what they are."""
        if np.dtype(dtype) == self.dtype:
            return self
        if np.dtype(dtype) != self.graph.dtype:
            raise UntraceableError(f"conversion to {np.dtype(dtype)}")
        return self.graph.as_number(self)

    def any(self) -> bool:
        """True: some element may be so, of what is computed only where any is."""
        return True

    def __bool__(self) -> bool:
        raise UntraceableError("what is done depends on the values")

    __float__ = __int__ = __index__ = __len__ = __iter__ = __bool__
