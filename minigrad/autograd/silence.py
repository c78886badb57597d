"""The rule of silence: a cotangent of exactly 0 passes on 0, whatever the slope is there.

    x = [-1, 4];    where(x > 0, sqrt(x), 0).sum()

The branch that was not taken gets the cotangent 0, and sqrt has the slope NaN there. The rule computes 0 * NaN = NaN;
what must arrive is 0, since nothing depends on that value. Rules know nothing of this. The engine looks once at what a
rule gives (`has_nan`, one pass over memory), and only where there is a NaN does it ask which of them no cotangent
brought (`silenced`). In order of cost:

1. An elementwise rule: wherever its own cotangent is 0.
2. A rule whose op works on slices that do not see each other (the rows of a softmax, the matrices of a stack): the
   slices whose whole cotangent is 0.
3. Any other: the values that the rule was given are not finite somewhere. It is run again with other numbers in place
   of those. What stays the same whatever these are does not depend on them, and is right; the rest stays NaN. Where
   there are far fewer of them, as of a convolution's kernels, they are looked at instead (`nothing_to_silence`).
"""

from __future__ import annotations

from cmath import isfinite, isnan
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray, vdot

from minigrad.autograd import operators
from minigrad.autograd.batched_array import BatchedArray, any_true, physical
from minigrad.autograd.complex_numbers import DIFFERENTIABLE
from minigrad.autograd.node import Node
from minigrad.autograd.tensor import Tensor
from minigrad.typing import Array, Value

if TYPE_CHECKING:
    from minigrad.autograd.op import Op

LARGE = 1 << 12
"""Elements from which on a maximum is quicker than a dot product, which BLAS would share out to threads."""

MANY = 1 << 18
"""Elements from which on it pays to look at others instead."""

REPLACEMENTS = (0.5, 0.25, -0.5)
"""What takes the place of values that are not finite: in the domain of most functions, and one of the other sign."""


def has_nan(values: Value) -> bool:
    """Whether there is a NaN at all, in one pass over memory: both the sum of squares and the maximum are NaN then."""
    array = values if type(values) is ndarray else physical(values)
    if array.size > LARGE:
        return isnan(np.maximum.reduce(array, axis=None))
    return isnan(vdot(array, array))  # which, unlike dot, does not warn where a square is too large


def nothing_to_silence(cotangent: Value, node: Node, given: Sequence[Value]) -> bool:
    """Whether it is soon known that no NaN in what a rule of a node gave is one that a cotangent of 0 has brought.

    Args:
        cotangent: what the rule gave.
        node: whose rule it was.
        given: the values that the rule was given beside its own cotangent.
    """
    if type(cotangent) is not np.ndarray or cotangent.size < MANY or not _depends_on_values(node):
        return False
    arrays = [x for x in given if isinstance(x, np.ndarray)]
    if not all(isinstance(x, np.ndarray) or _is_of_sizes(x) for x in given) or any(x.dtype.kind == "c" for x in arrays):
        return False
    numbers = [x for x in arrays if x.dtype.kind in DIFFERENTIABLE]
    return 2 * sum([x.nbytes for x in numbers]) <= cotangent.nbytes and all(map(_all_finite, numbers))


def _depends_on_values(node: Node) -> bool:
    """Whether NaN is silenced only where the values that a rule was given are not finite: the third case."""
    op = node.op
    assert op is not None
    stacked = op.shapes is not None and op.shapes.stacked
    return not op.elementwise and not stacked and node.settings.get("axis") is None


def _is_of_sizes(x: Value) -> bool:
    """Whether it is a number or some that are never replaced, as those of a shape are."""
    return all(map(_is_of_sizes, x)) if type(x) is tuple else x is None or type(x) in (int, bool, str)


def _all_finite(x: Array) -> bool:
    ends = np.maximum.reduce(x, axis=None, initial=0), np.minimum.reduce(x, axis=None, initial=0)
    return all(map(isfinite, ends))


def silenced(cotangent: Value, g: Value, node: Node, parent: Node, position: int, run_again: RunAgain) -> Value:
    """A rule's answer with 0 (or what else is right) wherever NaN came of a cotangent of exactly 0.

    Args:
        cotangent: what the rule gave, with a NaN in it.
        g: what the rule received: a cotangent, or a tuple of them for an op with several results.
        node: whose rule it was.
        parent: the input that the cotangent belongs to.
        position: the number of that input.
        run_again: from a function that replaces saved values to what the rule gives for them.
    """
    assert node.op is not None
    parts = [_array(part) for part in (g if type(g) is tuple else (g,))]
    if all(physical(part).all() for part in parts):  # no cotangent of 0 that could have brought it
        return cotangent
    found = np.isnan(_array(cotangent))
    silent = _silent_slices(node.op, node, parent, position, parts, found.shape)
    if silent is not None:
        cotangent = operators.ops.where(found & silent, 0, cotangent)
        found = found & ~silent
    if node.op.elementwise or not any_true(found):
        return cotangent
    trials = [run_again(partial(_finite, number)) for number in REPLACEMENTS]
    first, *others = [_array(trial) for trial in trials]
    same = np.isfinite(first)
    for other in others:
        same = same & ((other == first) | ~np.isfinite(other))
    same = same & np.isfinite(others[0]) & found
    return operators.ops.where(same, trials[0], cotangent) if any_true(same) else cotangent


RunAgain = Callable[[Callable[[Value], Value]], Value]


def _array(value: Value) -> Any:
    if type(value) is Tensor:
        return value._data
    return value if type(value) is BatchedArray else np.asarray(value)


def _finite(number: float, value: Value) -> Value:
    """A saved value with `number` where it is not finite; what is no array of numbers stays as it is."""
    if type(value) is tuple:
        return tuple([_finite(number, part) for part in value])
    if not isinstance(value, (Tensor, np.ndarray, np.inexact, BatchedArray)) or value.dtype.kind not in DIFFERENTIABLE:
        return value
    finite = np.isfinite(_array(value))
    return value if physical(finite).all() else operators.ops.where(finite, value, number)


def _silent_slices(
    op: Op, node: Node, parent: Node, position: int, parts: list[Array], shape: tuple[int, ...]
) -> Array | None:
    """Where, in an input's shape, all of the cotangent is 0 that could reach it; None if the op does not tell."""
    if op.elementwise:
        (g,) = parts
        return g == 0 if _broadcasts(g.shape, shape) else None
    if op.shapes is not None and op.shapes.stacked:
        return _silent_in_stack(op, position, parts, shape)
    axis = node.settings.get("axis")
    if axis is None or shape != parent.shape:
        return None
    axes = (axis,) if isinstance(axis, int) else tuple(axis)
    silent = np.ones((1,) * len(shape), bool)
    for g in parts:
        g = np.expand_dims(g, axes) if g.ndim == len(shape) - len(axes) else g
        if g.ndim != len(shape):
            return None
        silent = silent & (g == 0).all(axis=axes, keepdims=True)
    return silent if _broadcasts(silent.shape, shape) else None


def _silent_in_stack(op: Op, position: int, parts: list[Array], shape: tuple[int, ...]) -> Array | None:
    """For an op on a stack of vectors or matrices: those whose whole cotangent is 0."""
    assert op.shapes is not None
    silent = np.ones((), bool)
    for part, letters in zip(parts, op.shapes.outputs, strict=True):
        core = tuple(range(part.ndim - len(letters) + 1, part.ndim))
        silent = silent & (part == 0).all(axis=core)
    core_of_input = len(op.shapes.inputs[position]) - 1
    silent = silent.reshape(silent.shape + (1,) * core_of_input)
    return silent if _broadcasts(silent.shape, shape) else None


def _broadcasts(shape: tuple[int, ...], target: tuple[int, ...]) -> bool:
    return len(shape) <= len(target) and all(n in (1, m) for n, m in zip(shape[::-1], target[::-1], strict=False))
