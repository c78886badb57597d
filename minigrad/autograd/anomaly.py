"""`anomaly()`: stop at the first op whose value or gradient is not finite, and say where it was called."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from minigrad.autograd.complex_numbers import DIFFERENTIABLE
from minigrad.autograd.error_context import call_site
from minigrad.autograd.multiple_results import Results
from minigrad.autograd.node import STATE, Node, Recorder, override_state
from minigrad.autograd.tensor import Tensor
from minigrad.errors import NonFiniteError
from minigrad.typing import Array, Settings, Value

if TYPE_CHECKING:
    from minigrad.autograd.op import Op

NUMBERS: Final = (float, np.floating, np.ndarray)
"""What can be infinite among the inputs and settings of an op."""


@contextmanager
def anomaly() -> Iterator[None]:
    """Inside this block (and thread), the first value or gradient that went wrong raises NonFiniteError.

    That is: every NaN; every gradient that is not finite; and an infinity that an op makes of finite numbers, or that
    reaches a sum of products (`matmul`, `conv`, `linear`). An infinity that was put in on purpose is none: that of a
    constant or a setting, such as the -inf of a mask, may pass through other ops, as long as the gradients stay finite.

    Values are looked at as each op runs, gradients as each rule gives them. The error names the op, its layer, how
    many elements are bad and which is the first, and the file and line that called the op. Looking costs time: use it
    to find a fault, not to train.

    >>> with anomaly():
    ...     (1000 * Tensor([0.0, 1.0], requires_grad=True)).exp()   # doctest: +ELLIPSIS
    Traceback (most recent call last):
    minigrad.errors.NonFiniteError: exp gave inf at (1,), 1 of 2 elements not finite, called at ...
    """
    recorder = _watching(STATE.recorder) if STATE.recorder is not None else None
    watchers = override_state(recorder=recorder, watcher=_check_value, gradient_watcher=_check_gradient)
    with np.errstate(all="ignore"), watchers:  # NumPy's own warnings would name a line of the library
        yield


def _watching(record: Recorder) -> Recorder:
    def record_and_check(plan: Any, parents: Any, values: Any, settings: Any, out: Any) -> Tensor:
        result = record(plan, parents, values, settings, out)
        assert result.node is not None
        result.node.site = call_site()
        inputs = values[0] if plan.op.variadic and values else values[: len(parents)]
        _check_value(plan.op, inputs, settings, out)
        return result

    return record_and_check


def _check_value(op: Op, inputs: tuple[Value, ...], settings: Settings, out: Value) -> None:
    for array, maker in zip(out.arrays, op.result_ops, strict=True) if isinstance(out, Results) else ((out, op),):
        bad = _non_finite(array)
        if bad is None or (not np.isnan(array).any() and _was_put_in(op, (*inputs, *settings.values()))):
            continue
        file, line = call_site()
        layer = f" in {STATE.scope}" if STATE.scope is not None else ""
        raise NonFiniteError(f"{maker} gave {bad}{layer}, called at {file}:{line}")


def _was_put_in(op: Op, given: tuple[Value, ...]) -> bool:
    """Whether an infinite result comes of an infinity that the op was given, as a mask is.

    Where one was made of finite numbers, this was found at the op that made it. Products that are summed have no use
    for one: 0 times infinity is NaN.
    """
    return op.flops is None and any(isinstance(x, NUMBERS) and bool(np.isinf(x).any()) for x in given)


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
    if values.dtype.kind not in DIFFERENTIABLE:
        return None
    bad = ~np.isfinite(values)
    count = int(bad.sum())
    if not count:
        return None
    first = tuple(int(i) for i in np.argwhere(bad)[0])
    return f"{values[first]} at {first}, {count} of {values.size} elements not finite"
