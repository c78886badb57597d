"""Machine code of functions inside of functions, kept on disk.

A kernel for each dtype is made inside of a function, which gives it the functions and constants of that dtype: they
stand in its closure. Numba tells kept code by what a closure holds, but it knows functions there by a number that is
drawn anew in each process, and so would compile them at each start, and keep the code once more. Here functions are
known by what they do.
"""

import hashlib
from types import CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np
from numba.core.caching import FunctionCache


class ClosureCache(FunctionCache):
    """Numba's cache of a function whose closure holds functions."""

    def _index_key(self, signature: Any, codegen: Any) -> Any:
        """What is equal in two processes if the machine code is: dtypes, the processor, and what the function does."""
        try:
            described = repr(_described(self._py_func, set()))
        except TypeError:
            return super()._index_key(signature, codegen)  # type: ignore[no-untyped-call]
        return signature, codegen.magic_tuple(), hashlib.sha256(described.encode()).hexdigest()


def _described(x: Any, known: set[int]) -> Any:
    """A value as plain text and tuples; a function by its code, and by what that refers to.

    Raises:
        TypeError: it is of a kind that cannot be told.
    """
    if x is None or isinstance(x, (bool, int, float, complex, str, bytes, type, ModuleType, np.generic)):
        return type(x).__name__, repr(x)
    if isinstance(x, (tuple, list)):
        return [_described(part, known) for part in x]
    if isinstance(x, CodeType):
        return x.co_name, x.co_code.hex(), x.co_names, x.co_varnames, _described(x.co_consts, known)
    function = getattr(x, "py_func", x)
    if not isinstance(function, FunctionType):
        raise TypeError(f"{type(x).__name__} has no description")
    if id(function) in known:
        return function.__qualname__
    known.add(id(function))
    inside = [_described(cell.cell_contents, known) for cell in function.__closure__ or ()]
    inside.append(_described(function.__defaults__, known))
    used = [function.__globals__.get(name) for name in sorted(set(function.__code__.co_names))]
    outside = [_described(each, known) for each in used if hasattr(each, "py_func")]
    return _described(function.__code__, known), inside, outside
