"""`anomaly()`: stop at the first op whose value or gradient is not finite, and say where it was called."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from minigrad.autograd.error_context import call_site
from minigrad.autograd.node import STATE, Node, Recorder, override_state
from minigrad.autograd.tensor import Tensor
from minigrad.errors import NonFiniteError
from minigrad.typing import Array


@contextmanager
def anomaly() -> Iterator[None]:
    """Inside this block (and thread), the first NaN or infinity raises NonFiniteError.

    Values are looked at as each op runs, gradients as each rule gives them. The error names the op, its layer, how
    many elements are bad and which is the first, and the file and line that called the op. Looking costs time: use it
    to find a fault, not to train.

    >>> with anomaly():
    ...     (1000 * Tensor([0.0, 1.0], requires_grad=True)).exp()   # doctest: +ELLIPSIS
    Traceback (most recent call last):
    minigrad.errors.NonFiniteError: exp gave inf at (1,), 1 of 2 elements not finite, called at ...
    """
    recorder = _watching(STATE.recorder) if STATE.recorder is not None else None
    watchers = override_state(recorder=recorder, watcher=_check_constant, gradient_watcher=_check_gradient)
    with np.errstate(all="ignore"), watchers:  # NumPy's own warnings would name a line of the library
        yield


def _watching(record: Recorder) -> Recorder:
    def record_and_check(plan: Any, parents: Any, values: Any, settings: Any, out: Any) -> Tensor:
        result = record(plan, parents, values, settings, out)
        assert result.node is not None
        result.node.site = call_site()
        _check_value(plan.op, out)
        return result

    return record_and_check


def _check_constant(op: Any, inputs: Any, settings: Any, out: Any) -> None:
    _check_value(op, out)


def _check_value(op: Any, out: Any) -> None:
    bad = _non_finite(out)
    if bad is None:
        return
    file, line = call_site()
    layer = f" in {STATE.scope}" if STATE.scope is not None else ""
    raise NonFiniteError(f"{op} gave {bad}{layer}, called at {file}:{line}")


def _check_gradient(node: Node, position: int, cotangent: Any) -> None:
    bad = _non_finite(cotangent._data if isinstance(cotangent, Tensor) else cotangent)
    if bad is None:
        return
    name = node.op.inputs[min(position, len(node.op.inputs) - 1)] if node.op is not None else "x"
    layer = f" in {node.scope}" if node.scope is not None else ""
    site = getattr(node, "site", None)
    where = f"called at {site[0]}:{site[1]}" if site else "called outside of anomaly(), where lines are not noted"
    raise NonFiniteError(f"the gradient of {node.op}{layer} for its input {name!r} is {bad}; the op was {where}")


def _non_finite(values: Array) -> str | None:
    """What is wrong with an array, or None."""
    values = np.asarray(values)
    if values.dtype.kind != "f":
        return None
    bad = ~np.isfinite(values)
    count = int(bad.sum())
    if not count:
        return None
    first = tuple(int(i) for i in np.argwhere(bad)[0])
    return f"{values[first]} at {first}, {count} of {values.size} elements not finite"
