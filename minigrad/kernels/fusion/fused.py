"""`Fused`: a function of arrays as one compiled loop, for large arrays of one shape and one floating dtype.

The function is traced in its first call with each kind of arguments: which of them are arrays and which are numbers,
and the dtype. What it is called with otherwise (other dtypes, shapes that broadcast, gaps between elements, functions
that no loop can hold) gets NotImplemented, and whoever called computes with NumPy.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import cache, lru_cache
from math import prod
from typing import Any, Final

import numpy as np
from numpy import ndarray

from minigrad.typing import Array, DType, Shape

from ..array_utils import as_contiguous
from ..jit import numba_available
from .expression import BOOLEAN, KINDS, Graph, UntraceableError
from .loop import Loop
from .products import Products

MAX_VALUES: Final = 8
"""For how many different values of its numbers a function gets loops of its own, where one for all is not possible."""

MIN_ROWS_SIZE: Final = 1 << 14
"""Elements from which on a loop over rows is faster than NumPy's broadcasting."""

Kinds = str
"""For each argument a letter: f or d for an array of numbers, ? for one of truth values, n for a number, else !."""


class Fused:
    """The function that computes what `function` does in one pass over memory, or says NotImplemented.

    Args:
        function: of arrays and numbers; works element by element.
        name: for its source.
        silent: whether NaN becomes 0 where the first argument is 0: a cotangent of 0 passes on 0 (default False).
    """

    def __init__(self, function: Callable[..., Any], name: str, *, silent: bool = False) -> None:
        self.function, self.name, self.silent = function, name, silent
        self._loops: dict[Any, Loop | None] = {}
        self._rows: Products | None = None
        self._tracing = threading.Lock()

    def __call__(self, *args: Any, **settings: Any) -> Any:
        """The result, or NotImplemented."""
        kinds, dense = "", True
        shape: Shape = ()
        arrays: list[Array] = []
        given: list[Any] = []
        for x in (*args, *settings.values()) if settings else args:
            if isinstance(x, ndarray) and x.ndim:
                if x.shape != shape:
                    if arrays:
                        return NotImplemented if settings else self._by_rows(args)
                    shape = x.shape
                kinds += KINDS.get(x.dtype, "!")
                if not x.flags.carray:
                    dense = False
                arrays.append(x)
            else:
                kinds += "n"
                given.append(x)
        key = (kinds, *settings) if settings else kinds
        try:
            loop = self._loops[key]
        except KeyError:
            loop = self._loops[key] = self._traced(kinds, tuple(settings), None)
        numbers: list[float] = []
        if given:
            if _dtype_of(kinds) is None:
                return NotImplemented
            for x in given:
                if type(x) is not float and not _is_weak(x, kinds):
                    return NotImplemented
                numbers.append(float(x))
            if loop is None:
                loop, numbers = self._of_values(kinds, tuple(settings), tuple(numbers)), []
        if loop is None:
            return NotImplemented
        return loop.run(arrays, numbers) if dense else _by_layout(loop, arrays, numbers)

    def _by_rows(self, args: tuple[Any, ...]) -> Any:
        """The result for arrays that broadcast."""
        shape = _common_shape(*[x.shape for x in args if isinstance(x, ndarray)])
        if shape is None or prod(shape) < MIN_ROWS_SIZE:
            return NotImplemented
        if self._rows is None:
            self._rows = Products(lambda *args: (self.function(*args),), f"{self.name}_rows", [self.silent])
        found = self._rows(args, shape, (shape,))
        return found if found is NotImplemented else found[0]

    def source(self, kinds: Kinds = "f", settings: tuple[str, ...] = ()) -> str:
        """The source of the loop for arguments of such kinds, the last of them settings."""
        return self._trace(kinds, settings, None).source

    def _of_values(self, kinds: Kinds, settings: tuple[str, ...], values: tuple[float, ...]) -> Loop | None:
        """The loop for these very numbers."""
        key = (kinds, *settings, repr(values))  # repr tells 0.0 from -0.0
        if key not in self._loops:
            if len(self._loops) >= MAX_VALUES:
                return None
            self._loops[key] = self._traced(kinds, settings, values)
        return self._loops[key]

    def _traced(self, kinds: Kinds, settings: tuple[str, ...], values: tuple[float, ...] | None) -> Loop | None:
        """The loop, or None where there can be none."""
        if not numba_available():
            return None
        with self._tracing:
            try:
                return self._trace(kinds, settings, values)
            except (UntraceableError, TypeError, AttributeError):  # a symbol is not all that an array is
                return None

    def _trace(self, kinds: Kinds, settings: tuple[str, ...], values: tuple[float, ...] | None) -> Loop:
        """Run the function on symbols, or with `values` on these in place of those that are numbers."""
        dtype = _dtype_of(kinds)
        if dtype is None:
            raise UntraceableError(f"arguments of kinds {kinds}")
        graph, known = Graph(dtype), iter(values or ())
        graph.numbers = {f"x{k}" for k, kind in enumerate(kinds) if kind == "n"}
        args: list[Any] = []
        for k, kind in enumerate(kinds):
            is_value = kind == "n" and values is not None
            args.append(next(known) if is_value else graph.input(f"x{k}", BOOLEAN if kind == "?" else dtype))
        count = len(kinds) - len(settings)
        out = self.function(*args[:count], **dict(zip(settings, args[count:], strict=True)))
        out = graph.symbol(out)
        if out.dtype == BOOLEAN:
            raise UntraceableError("a loop gives numbers, no truth values")
        if self.silent:
            out = graph.apply("where", np.isnan(out) & (args[0] == 0), 0.0, out)
        graph.outputs = [out]
        arrays = [f"x{k}" for k, kind in enumerate(kinds) if kind != "n"]
        numbers = [f"x{k}" for k, kind in enumerate(kinds) if kind == "n" and values is None]
        return Loop(graph, self.name, arrays, numbers)


@lru_cache(1000)
def _common_shape(*shapes: Shape) -> Shape | None:
    """What shapes broadcast to; None if they do not."""
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        return None


@cache
def _dtype_of(kinds: Kinds) -> DType | None:
    """The one floating dtype of all arrays but those of truth values."""
    found = "".join(set(kinds) - {"?", "n"})
    return np.dtype(found) if found in ("f", "d") else None


def _is_weak(x: Any, kinds: Kinds) -> bool:
    """Whether x is a number that leaves the dtype of arrays as it is."""
    if isinstance(x, (np.generic, ndarray)):
        return x.dtype == _dtype_of(kinds)
    return isinstance(x, float) or (isinstance(x, int) and abs(x) < 1 << 53)


def _by_layout(loop: Loop, arrays: list[Array], numbers: list[float]) -> Any:
    """Call a loop for arrays in any layout without gaps: in the order of their elements in memory."""
    if all(x.strides[-1] == x.itemsize and x.flags.aligned for x in arrays):
        return loop.run([as_contiguous(x) for x in arrays], numbers)  # parts of dense arrays are soon copied
    first = arrays[0]
    order = sorted(range(first.ndim), key=lambda i: -first.strides[i])
    turned = [x.transpose(order) for x in arrays]
    if not all(x.flags.carray for x in turned):
        return NotImplemented
    return loop.run(turned, numbers).transpose(np.argsort(order))
