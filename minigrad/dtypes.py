"""The Array API's dtypes, constants, and functions of dtypes. A dtype is NumPy's own object: `x.dtype == float32`."""

from __future__ import annotations

import builtins
from typing import Final, NamedTuple, TypeAlias

import numpy as np

from minigrad.autograd.complex_numbers import complex_dtype, is_complex
from minigrad.autograd.tensor import Tensor, default_dtype
from minigrad.errors import DTypeError, UsageError
from minigrad.typing import Array, DType, DTypeLike

bool: Final = np.dtype("bool")
int8: Final = np.dtype("int8")
int16: Final = np.dtype("int16")
int32: Final = np.dtype("int32")
int64: Final = np.dtype("int64")
uint8: Final = np.dtype("uint8")
uint16: Final = np.dtype("uint16")
uint32: Final = np.dtype("uint32")
uint64: Final = np.dtype("uint64")
float16: Final = np.dtype("float16")
float32: Final = np.dtype("float32")
float64: Final = np.dtype("float64")
complex64: Final = np.dtype("complex64")
complex128: Final = np.dtype("complex128")

e: Final = np.e
inf: Final = np.inf
nan: Final = np.nan
newaxis: Final = None
pi: Final = np.pi

KINDS: Final = {
    "bool": (bool,),
    "signed integer": (int8, int16, int32, int64),
    "unsigned integer": (uint8, uint16, uint32, uint64),
    "real floating": (float16, float32, float64),
    "complex floating": (complex64, complex128),
}
"""The dtypes of each kind that is no union of others."""

UNIONS: Final = {
    "integral": ("signed integer", "unsigned integer"),
    "numeric": ("signed integer", "unsigned integer", "real floating", "complex floating"),
}
"""The kinds that are unions of others."""

Kind: TypeAlias = str | DTypeLike | tuple["Kind", ...]


class FloatLimits(NamedTuple):
    """What `finfo` gives."""

    bits: int
    eps: float
    max: float
    min: float
    smallest_normal: float
    dtype: DType


class IntegerLimits(NamedTuple):
    """What `iinfo` gives."""

    bits: int
    max: int
    min: int
    dtype: DType


def dtype_of(x: Tensor | Array | DTypeLike) -> DType:
    """The dtype of an array, or a dtype that is given as one or as its name."""
    return x.dtype if isinstance(x, (Tensor, np.ndarray)) else np.dtype(x)


def finfo(type: Tensor | Array | DTypeLike) -> FloatLimits:
    """The limits of a floating dtype, as Python numbers; of a complex one, those of its parts.

    Args:
        type: the dtype, or an array of it.

    Returns:
        bits, eps (the distance from 1 to the next number), max, min, smallest_normal, dtype.

    Raises:
        DTypeError: it is no floating dtype.

    >>> finfo("float32").bits, finfo("float64").eps == 2**-52
    (32, True)
    """
    dtype = dtype_of(type)
    if dtype.kind not in "fc":
        raise DTypeError(f"finfo is of floating dtypes, not of {dtype}: use iinfo for integers")
    limits = np.finfo(dtype)
    eps, largest, smallest, normal = [float(n) for n in (limits.eps, limits.max, limits.min, limits.smallest_normal)]
    return FloatLimits(limits.bits, eps, largest, smallest, normal, limits.dtype)


def iinfo(type: Tensor | Array | DTypeLike) -> IntegerLimits:
    """The limits of an integer dtype.

    Args:
        type: the dtype, or an array of it.

    Returns:
        bits, max, min, dtype.

    Raises:
        DTypeError: it is no integer dtype.

    >>> iinfo("int8").min
    -128
    """
    dtype = dtype_of(type)
    if dtype.kind not in "iu":
        raise DTypeError(f"iinfo is of integer dtypes, not of {dtype}: use finfo for floating ones")
    limits = np.iinfo(dtype)
    return IntegerLimits(limits.bits, limits.max, limits.min, dtype)


def isdtype(dtype: DTypeLike, kind: Kind) -> builtins.bool:
    """Whether a dtype is of a kind.

    Args:
        dtype: the dtype.
        kind: a dtype; "bool", "signed integer", "unsigned integer", "integral", "real floating", "complex
            floating", "numeric"; or a tuple of such, of which one must hold.

    Raises:
        UsageError: there is no such kind.

    >>> isdtype(float32, "real floating"), isdtype(int8, ("bool", "integral"))
    (True, True)
    """
    if isinstance(kind, tuple):
        return any(isdtype(dtype, one) for one in kind)
    if not isinstance(kind, str):
        return np.dtype(dtype) == np.dtype(kind)
    return np.dtype(dtype) in dtypes_of_kind(kind)


def dtypes_of_kind(kind: str) -> tuple[DType, ...]:
    """The dtypes of a kind.

    Raises:
        UsageError: there is no such kind.
    """
    names = UNIONS.get(kind, (kind,))
    if not all(name in KINDS for name in names):
        raise UsageError(f"the kinds of dtypes are {', '.join([*KINDS, *UNIONS])}, not {kind!r}")
    return tuple(dtype for name in names for dtype in KINDS[name])


def can_cast(from_: Tensor | Array | DTypeLike, to: DTypeLike) -> builtins.bool:
    """Whether a dtype is promoted to another one without losing values.

    Args:
        from_: the dtype, or an array of it.
        to: the other dtype.

    >>> can_cast("int32", "int64"), can_cast("float64", "float32")
    (True, False)
    """
    return np.can_cast(dtype_of(from_), np.dtype(to))


def result_type(*arrays_and_dtypes: Tensor | Array | DTypeLike | complex) -> DType:
    """The dtype of a result of these: Python's numbers are weak, so that float32 with 2.0 stays float32.

    Args:
        arrays_and_dtypes: arrays, dtypes and Python numbers.

    Raises:
        UsageError: there are none.

    >>> result_type("float32", 2.0), result_type("float32", "float64")
    (dtype('float32'), dtype('float64'))
    """
    if not arrays_and_dtypes:
        raise UsageError("result_type needs at least one array or dtype")
    if all(isinstance(x, float) for x in arrays_and_dtypes):
        return default_dtype()
    if all(isinstance(x, (int, float, complex)) for x in arrays_and_dtypes) and any(map(is_complex, arrays_and_dtypes)):
        return complex_dtype(default_dtype())
    return np.result_type(*[x if isinstance(x, (int, float, complex)) else dtype_of(x) for x in arrays_and_dtypes])
