"""Ops with several results: one node for the op, and one behind it for each result.

    whole (svd) <- u, s, vh

Each of these small nodes hands the cotangent that reaches it to the node of the op, which collects them: its rules get
one tuple, with zeros for the results that nothing depended on.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.autograd.tensor import wrap

Shapes = tuple[tuple[int, ...], ...]


class Results:
    """The arrays that one call gave. The node of the op has all of their shapes for its shape."""

    def __init__(self, arrays: tuple[Any, ...]) -> None:
        self.arrays = arrays
        self.shape: Shapes = tuple([np.shape(array) for array in arrays])
        self.dtype = next((array.dtype for array in arrays if array.dtype.kind == "f"), arrays[0].dtype)


class Cotangents:
    """The cotangents of the results of one call, as far as they have arrived. They can be added, as any cotangent."""

    __slots__ = ("dtype", "parts", "shape")

    def __init__(self, parts: dict[int, Any], shape: Shapes, dtype: Any) -> None:
        self.parts, self.shape, self.dtype = parts, shape, dtype

    def __add__(self, other: Cotangents) -> Cotangents:
        both = dict(self.parts)
        for k, g in other.parts.items():
            both[k] = both[k] + g if k in both else g
        return Cotangents(both, self.shape, self.dtype)

    def all(self, *, recorded: bool) -> tuple[Any, ...]:
        """One cotangent a result: zeros where none has arrived."""
        zeros = [np.zeros(shape, self.dtype) if k not in self.parts else None for k, shape in enumerate(self.shape)]
        wrapped = [wrap(z) if recorded and z is not None else z for z in zeros]
        return tuple([self.parts.get(k, zero) for k, zero in enumerate(wrapped)])
