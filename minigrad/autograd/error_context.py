"""What an error inside an op says: which op and layer, what came, where it was made, what would fit."""

from __future__ import annotations

import sys
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from minigrad.autograd.batched_array import innermost
from minigrad.autograd.complex_numbers import is_complex, refuse_complex
from minigrad.autograd.node import STATE
from minigrad.autograd.tensor import Tensor
from minigrad.errors import DTypeError, MinigradError, ShapeError
from minigrad.pytorch_names.keywords import keyword_hint

if TYPE_CHECKING:
    from minigrad.autograd.op import Op

PACKAGE = str(Path(__file__).parents[1])


def call_site() -> tuple[str, int]:
    """The file and line, outside of minigrad, of the call that is running now."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(PACKAGE):
        frame = frame.f_back
    return frame.f_code.co_filename, frame.f_lineno


def add_error_context(op: Op, inputs: tuple[Any, ...], settings: dict[str, Any], error: Exception) -> NoReturn:
    """Raise `error` again with the op, the layer and the inputs named."""
    innermost(inputs)  # which tells of values that have left `vmap`
    layer = f"{STATE.scope}: " if STATE.scope is not None else ""
    context = "\n".join(f"    {_describe(name, x)}" for name, x in _named(op, inputs) if x is not None)
    if settings:
        context += "\n    " + ", ".join(f"{name}={value!r}" for name, value in settings.items())
    if isinstance(error, TypeError) and (misuse := _misuse(op, inputs, settings)):
        raise TypeError(f"{layer}{op.name} {misuse}") from None
    if isinstance(error, TypeError) and op.complex is None and any(map(is_complex, inputs)):
        refuse_complex(op, inputs, named=True)
    if isinstance(error, TypeError) and op.elementwise:
        for name, x in _named(op, inputs):
            if not isinstance(x, (Tensor, np.ndarray, np.generic, int, float)):
                what = "None" if x is None else f"a {type(x).__name__}"
                raise DTypeError(f"{layer}{op.name}: {name} must be a Tensor or an array, not {what}") from None
    text = f"{layer}{op.name}: {error}\n{context}"
    if isinstance(error, MinigradError):
        raise type(error)(text) from error.__cause__
    if _is_about_shapes(error):
        raise ShapeError(text + (f"\nhint: {op.hint}" if op.hint else "")) from error
    error.add_note(f"in {layer}{op.name}, with\n{context}")
    raise error


def _misuse(op: Op, inputs: tuple[Any, ...], settings: dict[str, Any]) -> str:
    """What is wrong with the form of a call, if anything."""
    known = [p.name for p in signature(op.canonical or op.forward).parameters.values() if p.kind is p.KEYWORD_ONLY]
    unknown = [name for name in settings if name not in known]
    if (len(inputs) <= len(op.inputs) or op.variadic) and not unknown:
        return ""
    got = f"got {len(inputs)} inputs" + (f" and {', '.join(unknown)}=" if unknown else "")
    return (
        f"takes {', '.join(op.inputs)}"
        + (f" and then {', '.join(known)}" if known else "")
        + f"; {got}{keyword_hint(unknown, [*op.inputs, *known])}"
    )


def _is_about_shapes(error: Exception) -> bool:
    words = ("shape", "broadcast", "dimension", "axis")
    return isinstance(error, ValueError) and any(word in str(error) for word in words)


def _named(op: Op, inputs: tuple[Any, ...]) -> list[tuple[str, Any]]:
    if op.variadic:
        return [(f"{op.inputs[0]}[{i}]", x) for i, x in enumerate(inputs)]
    return list(zip(op.inputs, inputs, strict=False))


def _describe(name: str, x: Any) -> str:
    if not isinstance(x, (Tensor, np.ndarray)):
        return f"{name} = {x!r:.60}"
    text = f"{name}: shape {x.shape}, {x.dtype}"
    node = x.node if isinstance(x, Tensor) else None
    if node is None or node.op is None:
        return text + (", a variable" if node is not None else "")
    site = getattr(node, "site", None)
    return (
        f"{text}, made by {node.op}"
        + (f" in {node.scope}" if node.scope is not None else "")
        + (f" at {site[0]}:{site[1]}" if site else "")
    )
