"""A call as one line of Python that can be pasted: arrays of any dtype and memory layout included."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from minigrad.autograd.tensor import Tensor
from minigrad.typing import Array


def line_of(function: str, args: Sequence[Any], settings: Mapping[str, Any]) -> str:
    """The call as Python text.

    >>> line_of("f", [np.array([[2.0, 0.5]]), None], {"axis": (0, slice(None, 2))})
    'f(np.array([[2.0, 0.5]]), None, axis=(0, slice(None, 2, None)))'
    """
    parts = [text_of(x) for x in args] + [f"{name}={text_of(value)}" for name, value in settings.items()]
    return f"{function}({', '.join(parts)})"


def text_of(value: Any) -> str:
    """A value as Python text; a function by its name."""
    if isinstance(value, Tensor):
        return text_of(value._data)
    if isinstance(value, np.ndarray):
        return _array_text(value)
    if isinstance(value, np.dtype):
        return f"np.{value.name}" if value.name != "bool" else "bool"
    if isinstance(value, np.generic):
        return _array_text(np.asarray(value)) if value.dtype.kind == "f" else text_of(value.item())
    if isinstance(value, tuple):
        return f"({', '.join(map(text_of, value))}{',' if len(value) == 1 else ''})"
    if isinstance(value, list):
        return f"[{', '.join(map(text_of, value))}]"
    if isinstance(value, type):
        return f"np.{value.__name__}" if issubclass(value, np.generic) else value.__name__
    if isinstance(value, float):
        return _numbers_text(repr(value))
    if value is Ellipsis:
        return "..."
    return name_of(value) if callable(value) else repr(value)


def name_of(f: Callable[..., Any]) -> str:
    """What a caller would call the function."""
    name = getattr(f, "name", None) or getattr(f, "__name__", None) or type(f).__name__
    return "f" if name == "<lambda>" else str(name)


def _array_text(x: Array) -> str:
    """An expression that makes an array with these values, this dtype, and strides of the same kind."""
    if not x.size:
        return f"np.zeros({x.shape}{_dtype_text(x, np.float64)})"
    repeated = [size > 1 and stride == 0 for size, stride in zip(x.shape, x.strides, strict=True)]
    if any(repeated):
        core = x[tuple([slice(0, 1) if r else slice(None) for r in repeated])]
        return f"np.broadcast_to({_array_text(core)}, {x.shape})"
    backward = [size > 1 and stride < 0 for size, stride in zip(x.shape, x.strides, strict=True)]
    if any(backward):
        flip = tuple([slice(None, None, -1) if b else slice(None) for b in backward])
        last = max(k for k, b in enumerate(backward) if b)
        brackets = ", ".join("::-1" if b else ":" for b in backward[: last + 1])
        return f"{_array_text(x[flip])}[{brackets}]"
    numbers = _numbers_text(str(x.tolist()))
    if x.flags.c_contiguous:
        return f"np.array({numbers}{_dtype_text(x)})"
    if x.flags.f_contiguous:
        return f'np.array({numbers}{_dtype_text(x)}, order="F")'
    if x.strides[-1] != x.itemsize:
        return f"np.repeat({_array_text(x.copy())}, 2, -1)[..., ::2]"
    return f"np.repeat({_array_text(x.copy())}, 2, 0)[::2]"


def _numbers_text(text: str) -> str:
    return text.replace("nan", "np.nan").replace("inf", "np.inf")


def _dtype_text(x: Array, usual: Any = None) -> str:
    """The dtype as an argument, where NumPy would not choose it by itself."""
    if usual is None:
        usual = np.array(x.ravel()[:1].tolist()).dtype
    return "" if x.dtype == usual else f", {text_of(x.dtype)}"
