"""What a layer is called with: inputs that its `forward` declares as `ArrayLike` are arrays, or it is said what is not.

Without this check the first function that touches a None or a tuple would fail, in its own words and far away.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence

import numpy as np

from minigrad.autograd.tensor import Tensor, as_array
from minigrad.errors import DTypeError
from minigrad.typing import ArrayLike, Function, Settings


def array_inputs(forward: Function) -> tuple[str, ...]:
    """The names of the leading parameters, after self, that are declared as `ArrayLike`."""
    names: list[str] = []
    for parameter in list(inspect.signature(forward).parameters.values())[1:]:
        if parameter.annotation not in ("ArrayLike", ArrayLike) or parameter.kind is parameter.VAR_POSITIONAL:
            break
        names.append(parameter.name)
    return tuple(names)


def check_inputs(names: Sequence[str], inputs: Sequence[object], settings: Settings) -> None:
    """Refuse inputs that are no arrays, given by position or by name.

    Raises:
        DTypeError: names the input, says what came, and what to do.
    """
    for name, x in zip(names, inputs, strict=False):
        if type(x) is not Tensor:
            _require_array(name, x)
    for name in names[len(inputs) :] if settings else ():
        if name in settings:
            _require_array(name, settings[name])


def _require_array(name: str, x: object) -> None:
    what, advice = f"a {type(x).__name__}", ""
    if x is None:
        what, advice = "None", ": does the function that made it return its result?"
    elif isinstance(x, np.ndarray) and x.dtype.kind not in "fiubc":
        what = f"an array of {x.dtype}"
    elif isinstance(x, (list, tuple)) and any(isinstance(item, Tensor) for item in x):
        what += f" of {len(x)}"
        advice = ": pass one of them, or join them with minigrad.stack or minigrad.concat"
    elif isinstance(x, dict):
        advice = ": pass one of its values"
    elif not isinstance(x, type):
        try:
            as_array(x)
        except (TypeError, ValueError) as error:
            advice = f" ({error})"
        else:
            return
    raise DTypeError(f"{name} must be a Tensor or an array of numbers, not {what}{advice}")
