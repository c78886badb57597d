"""What shapes an op takes and gives, found out by calling its forward function on small arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from minigrad.autograd.op import Op
from minigrad.typing import Array, Shape

AXIS_SETTINGS: Final = ("axis", "axes", "dim")
"""The settings that name dimensions of an input."""


def inputs_broadcast(op: Op) -> bool:
    """Whether the inputs of an op broadcast against each other, each of them."""
    spec = op.shapes
    if op.variadic or len(op.inputs) < 2 or (spec is not None and any(letters != ["..."] for letters in spec.inputs)):
        return False
    row, column = np.full((1, 3), 0.5), np.full((2, 1), 0.5)
    others = [column] * (len(op.inputs) - 1)
    try:
        with np.errstate(all="ignore"):
            return all(result_shape(op, [*others[:i], row, *others[i:]]) == (2, 3) for i in range(len(op.inputs)))
    except Exception:  # an op may refuse such inputs in any way that it likes
        return False


def result_shape(op: Op, arrays: Sequence[Array]) -> Shape:
    """The shape of an op's result for these inputs and default settings; of several results the first."""
    settings = op.canonical(*arrays) if op.canonical is not None else op._defaults if op.settings else {}
    out = op.forward(*arrays, **settings)
    return np.shape(out[0] if isinstance(out, tuple) else out)
