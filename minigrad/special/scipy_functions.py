"""The functions of `scipy.special`, loaded when they are called, in the dtype of their arguments."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Final

import numpy as np

from minigrad.errors import MissingExtraError
from minigrad.typing import Array, Function


@cache
def _scipy(name: str) -> Function:
    """SciPy's function of arrays.

    With SCIPY_ARRAY_API=1 there is a wrapper around it, which looks for the very functions that are defined here.

    Raises:
        MissingExtraError: SciPy, of the extra `scipy`, is not installed.
    """
    try:
        function = getattr(import_module("scipy.special"), name)
    except ModuleNotFoundError as error:
        raise MissingExtraError("SciPy", extra="scipy", purpose=f"minigrad.special.{name}") from error
    return getattr(function, "__wrapped__", function)  # type: ignore[no-any-return]  # SciPy has no types


class _SciPy:
    """The functions of `scipy.special` by name, each loaded when it is first called."""

    def __getattr__(self, name: str) -> Function:
        return lambda *arrays: _scipy(name)(*arrays)


sp: Final = _SciPy()


def unary(f: Function) -> Function:
    """A function of one array, in whose dtype its result is."""
    return lambda x: cast(f(x), x)


def binary(f: Function) -> Function:
    """A function of two arrays, in whose common dtype its result is."""
    return lambda x, y: cast(f(x, y), x, y)


def cast(out: Array, *inputs: Array) -> Array:
    """A result in the dtype of the inputs: SciPy has no float16, and gives float64 for it or float32."""
    dtype = np.result_type(*inputs)
    return out.astype(dtype, copy=False) if dtype.kind == "f" else out
