"""Machine code of kernels, kept on disk, and found there as long as it is what would be compiled.

Numba compiles a kernel anew when the file that defines it has changed. But a kernel is also made of what it calls,
which may stand in other files: functions, numbers, intrinsics. And a kernel for each dtype is made inside of a function
whose closure holds the functions of that dtype, which Numba knows by a number that is drawn anew in each process: it
would be compiled at each start. So here machine code is kept for what a kernel does, with all that it calls.
"""

import hashlib
import sys
from functools import cache
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np
from numba.core.caching import FunctionCache

PLAIN = (bool, int, float, complex, str, bytes, np.generic)


class KernelCache(FunctionCache):
    """Numba's cache of a function, which also looks at what the function calls."""

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
    if x is None or isinstance(x, (*PLAIN, type, ModuleType)):
        return type(x).__name__, repr(x)
    if isinstance(x, (tuple, list)):
        return [_described(part, known) for part in x]
    if isinstance(x, CodeType):
        return x.co_name, x.co_code.hex(), x.co_names, x.co_varnames, _described(x.co_consts, known)
    if hasattr(x, "_defn"):  # an intrinsic, which emits instructions by any Python
        return x._defn.__qualname__, [_of_file(path) for path in _files(x._defn.__module__)]
    function = getattr(x, "py_func", x)
    if not isinstance(function, FunctionType):
        raise TypeError(f"{type(x).__name__} has no description")
    if id(function) in known:
        return function.__qualname__
    known.add(id(function))
    inside = [_described(cell.cell_contents, known) for cell in function.__closure__ or ()]
    inside.append(_described(function.__defaults__, known))
    used = [(name, function.__globals__.get(name)) for name in sorted(set(function.__code__.co_names))]
    outside = [(name, _described(each, known)) for name, each in used if _is_compiled_in(each)]
    return _described(function.__code__, known), inside, outside


def _is_compiled_in(x: Any) -> bool:
    """Whether a global name stands for what becomes part of the machine code, other than functions of NumPy."""
    if isinstance(x, tuple):
        return all(map(_is_compiled_in, x))
    return isinstance(x, PLAIN) or hasattr(x, "py_func") or hasattr(x, "_defn")


@cache
def _files(module: str) -> list[str]:
    """The file of a module that defines intrinsics, and those of the functions that it imports from its package."""
    package, space = module.rpartition(".")[0], vars(sys.modules[module])
    functions = [x for x in space.values() if isinstance(x, FunctionType) and x.__module__.startswith(package)]
    return sorted({str(space["__file__"]), *[function.__code__.co_filename for function in functions]})


@cache
def _of_file(path: str) -> str:
    """What tells a file from others, by its content."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()
