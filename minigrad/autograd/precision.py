"""float32 that becomes float64 without a word: where an op takes one float64 array, all that follows is float64.

NumPy makes float64 of integers, of `images / 255.0` and of `np.sqrt(2)`; Python's own numbers change no dtype. A
network of float32 parameters then computes everything in float64, which takes about twice the time and memory.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

import numpy as np

from minigrad.autograd.error_context import call_site
from minigrad.autograd.node import STATE, Node, Scope, override_state
from minigrad.autograd.tensor import Tensor

_shown: Final[dict[Any, Any]] = {}  # by which Python tells whether a warning was shown already


class Widening(NamedTuple):
    """An op that made float64 of recorded float32 values.

    Attributes:
        op: its name.
        scope: the module call that it happened in, or None.
        site: file and line of the call.
    """

    op: str
    scope: Scope | None
    site: tuple[str, int]

    def __str__(self) -> str:
        layer = f" in {self.scope}" if self.scope is not None else ""
        file, line = self.site
        where = f" at {file}:{line}" if line else ""
        return (
            f"{self.op}{layer}{where} makes float64 of float32, for one of its inputs is a float64 array: all that "
            "follows takes about twice the time and memory. Convert the data, array.astype(np.float32); write "
            "math.sqrt(2), a Python number, for np.sqrt(2)"
        )


def widens(node: Node) -> bool:
    """Whether an op made float64 of a recorded float32 input, unasked."""
    if node.dtype != np.float64 or node.op is None or node.op.name == "astype":
        return False
    return any(parent is not None and parent.dtype == np.float32 for parent in node.parents)


@contextmanager
def warned_of_float64() -> Iterator[None]:
    """After this block (and thread), warn (once a line) of the first op that made float64 of recorded float32."""
    record, watch = STATE.recorder, STATE.watcher
    found: list[Widening] = []
    constants: list[Widening] = []

    def look(op: Any, inputs: Any, settings: Any, out: Any) -> None:
        if watch is not None:
            watch(op, inputs, settings, out)
        made = getattr(out, "dtype", None) == np.float64 and op.name != "astype"
        if made and not constants and not found and any(getattr(x, "dtype", None) == np.float32 for x in inputs):
            constants.append(Widening(str(op), STATE.scope, call_site()))

    def record_and_look(plan: Any, parents: Any, values: Any, settings: Any, out: Any) -> Tensor:
        assert record is not None
        result = record(plan, parents, values, settings, out)
        if not found and result.node is not None and widens(result.node):
            found.append(Widening(str(plan.op), STATE.scope, call_site()))
        return result

    with override_state(recorder=record_and_look if record is not None else None, watcher=look):
        yield
    if found:
        first = (constants or found)[0]
        warnings.warn_explicit(str(first), UserWarning, *first.site, registry=_shown)
