"""A call as one line of Python that can be pasted: arrays of any dtype and memory layout included."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import DTypeLike

from minigrad.autograd.tensor import Tensor
from minigrad.testing.calls.array_recipes import recipe_of
from minigrad.testing.mutation.function_source import function_node
from minigrad.typing import Array, Function

MAX_LAMBDA: Final = 200
"""Of a lambda with a longer source, the name of its parameter is printed."""
FEW_NUMBERS: Final = 8
"""So many equal numbers are printed one by one."""


def format_call(function: str, args: Sequence[object], settings: Mapping[str, object]) -> str:
    """The call as Python text.

    >>> format_call("f", [np.array([[2.0, 0.5]]), None], {"axis": (0, slice(None, 2))})
    'f(np.array([[2.0, 0.5]]), None, axis=(0, slice(None, 2, None)))'
    """
    parts = [format_value(x) for x in args]
    parts += [f"{name}={_format_setting(name, value)}" for name, value in settings.items()]
    return f"{function}({', '.join(parts)})"


def format_value(value: object) -> str:
    """A value as Python text; a function by its name, a lambda by its source where that is known and short."""
    if isinstance(value, Tensor):
        return format_value(value._data)
    if isinstance(value, np.ndarray):
        return _format_array(value)
    if isinstance(value, np.dtype):
        return f"np.{value.name}" if value.name != "bool" else "bool"
    if isinstance(value, np.generic):
        return _format_array(np.asarray(value)) if value.dtype.kind == "f" else format_value(value.item())
    if isinstance(value, tuple):
        return f"({', '.join(map(format_value, value))}{',' if len(value) == 1 else ''})"
    if isinstance(value, list):
        return f"[{', '.join(map(format_value, value))}]"
    if isinstance(value, type):
        return f"np.{value.__name__}" if issubclass(value, np.generic) else value.__name__
    if isinstance(value, float):
        return _with_np_names(repr(value))
    if value is Ellipsis:
        return "..."
    if callable(value):
        return _lambda_source(value) or function_name(value)
    return repr(value)


def _format_setting(name: str, value: object) -> str:
    """A value by keyword; a lambda whose source is not known by the keyword itself."""
    if getattr(value, "__name__", "") == "<lambda>" and callable(value):
        return _lambda_source(value) or name
    return format_value(value)


def _lambda_source(f: Function) -> str:
    """The source of a lambda in one line, "" where it is not known or longer than `MAX_LAMBDA`."""
    if getattr(f, "__name__", "") != "<lambda>":
        return ""
    node = function_node(f)
    source = ast.unparse(node) if isinstance(node, ast.Lambda) else ""
    return source if len(source) <= MAX_LAMBDA else ""


def function_name(f: Function) -> str:
    """The name by which a function is called in the text."""
    name = getattr(f, "name", None) or getattr(f, "__name__", None) or type(f).__name__
    return "f" if name == "<lambda>" else str(name)


def _format_array(x: Array) -> str:
    """An expression that makes an array with these values, this dtype, and strides of the same kind."""
    if not x.size:
        return f"np.zeros({x.shape}{_dtype_argument(x, np.float64)})"
    if (expression := _from_recipe(x)) is not None:
        return expression
    if x.size > FEW_NUMBERS and x.flags.c_contiguous and np.all(x == x.flat[0]):
        number = x.flat[0].item()
        return f"np.full({x.shape}, {_with_np_names(str(number))}{_dtype_argument(x, np.array(number).dtype)})"
    repeated = [size > 1 and stride == 0 for size, stride in zip(x.shape, x.strides, strict=True)]
    if any(repeated):
        core = x[tuple([slice(0, 1) if r else slice(None) for r in repeated])]
        return f"np.broadcast_to({_format_array(core)}, {x.shape})"
    backward = [size > 1 and stride < 0 for size, stride in zip(x.shape, x.strides, strict=True)]
    if any(backward):
        flip = tuple([slice(None, None, -1) if b else slice(None) for b in backward])
        last = max(k for k, b in enumerate(backward) if b)
        brackets = ", ".join("::-1" if b else ":" for b in backward[: last + 1])
        return f"{_format_array(x[flip])}[{brackets}]"
    numbers = _with_np_names(str(x.tolist()))
    if x.flags.c_contiguous:
        return f"np.array({numbers}{_dtype_argument(x)})"
    if x.flags.f_contiguous:
        return f'np.array({numbers}{_dtype_argument(x)}, order="F")'
    if x.strides[-1] != x.itemsize:
        return f"np.repeat({_format_array(x.copy())}, 2, -1)[..., ::2]"
    return f"np.repeat({_format_array(x.copy())}, 2, 0)[::2]"


def _from_recipe(x: Array) -> str | None:
    """The expression that makes a large array that was drawn, in the layouts that are drawn."""
    recipe = recipe_of(x)
    if recipe is None or x.flags.c_contiguous:
        return recipe
    if x.flags.f_contiguous:
        return f"np.asfortranarray({recipe})"
    return f"np.flip(np.flip({recipe}).copy())" if all(stride < 0 for stride in x.strides) else None


def _with_np_names(text: str) -> str:
    return text.replace("nan", "np.nan").replace("inf", "np.inf")


def _dtype_argument(x: Array, usual: DTypeLike | None = None) -> str:
    """The dtype as an argument, where NumPy would not choose it by itself."""
    if usual is None:
        usual = np.array(x.ravel()[:1].tolist()).dtype
    return "" if x.dtype == usual else f", {format_value(x.dtype)}"
