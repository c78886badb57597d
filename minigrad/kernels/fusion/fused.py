"""`Fused`: a function of arrays as one compiled loop, for large arrays of one shape and one floating dtype.

The function is traced in its first call with each kind of arguments: which of them are arrays and which are numbers,
and the dtype. What it is called with otherwise (other dtypes, shapes that broadcast, gaps between elements, functions
that no loop can hold) gets NotImplemented, and whoever called computes with NumPy.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from minigrad.typing import Array, DType

from ..array_utils import as_contiguous
from ..jit import numba_available
from .expression import BOOLEAN, Graph, UntraceableError
from .loop import Loop

MAX_VALUES: Final = 8
"""For how many different values of its numbers a function gets loops of its own, where one for all is not possible."""

Kinds = tuple["DType | None", ...]
"""For each argument the dtype of an array's elements, or None for a number."""


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
        self._tracing = threading.Lock()

    def __call__(self, *args: Any, **settings: Any) -> Any:
        """The result, or NotImplemented."""
        values = (*args, *settings.values()) if settings else args
        arrays = [x for x in values if isinstance(x, np.ndarray) and x.ndim]
        dtype = _common_dtype(arrays)
        if dtype is None:
            return NotImplemented
        kinds: Kinds = tuple([x.dtype if isinstance(x, np.ndarray) and x.ndim else None for x in values])
        numbers: list[float] = []
        if len(arrays) < len(values):
            given = [x for x, kind in zip(values, kinds, strict=True) if kind is None]
            if not all(_is_weak(x, dtype) for x in given):
                return NotImplemented
            numbers = [float(x) for x in given]
        loop = self._loop((kinds, *settings), dtype, None)
        if loop is None and numbers:
            loop, numbers = self._loop((kinds, *settings), dtype, tuple(numbers)), []
        return NotImplemented if loop is None else _by_layout(loop, arrays, numbers)

    def source(self, dtype: Any = np.float32, arrays: int = 1) -> str:
        """The source of the loop for as many arrays of a dtype."""
        dtype = np.dtype(dtype)
        return self._trace(dtype, (dtype,) * arrays, (), None).source

    def _loop(self, key: tuple[Any, ...], dtype: DType, values: tuple[float, ...] | None) -> Loop | None:
        """The loop for arguments of such kinds; with `values`, for these numbers only."""
        full_key = (*key, dtype, None if values is None else repr(values))  # repr tells 0.0 from -0.0
        try:
            return self._loops[full_key]
        except KeyError:
            if values is not None and len(self._loops) >= MAX_VALUES:
                return None
        loop = None
        if numba_available():
            with self._tracing:
                try:
                    loop = self._trace(dtype, key[0], key[1:], values)
                except (UntraceableError, TypeError, AttributeError):  # a symbol is not all that an array is
                    loop = None
        self._loops[full_key] = loop
        return loop

    def _trace(self, dtype: DType, kinds: Kinds, settings: tuple[str, ...], values: tuple[float, ...] | None) -> Loop:
        """Run the function on symbols."""
        graph, known = Graph(dtype), iter(values or ())
        args: list[Any] = []
        for k, kind in enumerate(kinds):
            args.append(next(known) if kind is None and values is not None else graph.input(f"x{k}", kind))
        count = len(kinds) - len(settings)
        out = self.function(*args[:count], **dict(zip(settings, args[count:], strict=True)))
        out = graph.as_number(graph.symbol(out))
        if self.silent:
            out = graph.apply("where", np.isnan(out) & (args[0] == 0), 0.0, out)
        graph.outputs = [out]
        arrays = [f"x{k}" for k, kind in enumerate(kinds) if kind is not None]
        numbers = [f"x{k}" for k, kind in enumerate(kinds) if kind is None and values is None]
        return Loop(graph, self.name, arrays, numbers)


def _common_dtype(arrays: list[Array]) -> DType | None:
    """The floating dtype of all arrays but those of truth values; None where dtypes or shapes differ."""
    dtype = None
    for x in arrays:
        if x.shape != arrays[0].shape:
            return None
        if x.dtype != BOOLEAN:
            if dtype is None:
                dtype = x.dtype
            elif x.dtype != dtype:
                return None
    return dtype if dtype is not None and dtype.char in "fd" else None


def _is_weak(x: Any, dtype: DType) -> bool:
    """Whether x is a number that leaves the dtype of arrays as it is."""
    if isinstance(x, (np.generic, np.ndarray)):
        return x.dtype == dtype
    return isinstance(x, float) or (isinstance(x, int) and abs(x) < 1 << 53)


def _by_layout(loop: Loop, arrays: list[Array], numbers: list[float]) -> Any:
    """Call a loop for arrays in any layout without gaps: in the order of their elements in memory."""
    if all(x.flags.carray for x in arrays):
        return loop(arrays, numbers)
    if all(x.strides[-1] == x.itemsize and x.flags.aligned for x in arrays):
        return loop([as_contiguous(x) for x in arrays], numbers)  # parts of dense arrays are soon copied
    first = arrays[0]
    order = sorted(range(first.ndim), key=lambda i: -first.strides[i])
    turned = [x.transpose(order) for x in arrays]
    if not all(x.flags.carray for x in turned):
        return NotImplemented
    return loop(turned, numbers).transpose(np.argsort(order))
