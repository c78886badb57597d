"""The conditions in which an op can be called: those that apply to it, and those that one call is in.

Which of them apply follows from the facts of an op that has rules:

    broadcast       an input had to be repeated to fit the result    ops whose inputs broadcast against each other
    negative axis   an axis counted from the end                     ops with a setting axis, axes or dim
    0-d             a variable without dimensions                    unless the shape specification asks for dimensions,
                                                                     the op for an axis, or the op refuses numbers
    empty           a variable without elements                      all
    float32         a variable in single precision                   all
    non-contiguous  a variable not in row-major order                all
    repeated        the same variable twice                          ops with two or more differentiable inputs
    second order    differentiated by a recorded pass                all
    kink            an input where there is no derivative            ops with the fact kinks: at one of its numbers, or
                                                                     equal elements along the axis or of two inputs
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import combinations
from typing import Final, TypeAlias

import numpy as np

from minigrad.autograd.node import Node
from minigrad.autograd.op import Op
from minigrad.autograd.tensor import Tensor
from minigrad.testing.op_shapes import AXIS_SETTINGS, inputs_broadcast, result_shape
from minigrad.typing import Array, Settings

Cell: TypeAlias = tuple[str, str]
"""An op's name and a condition."""

CONDITIONS: Final = (
    "broadcast", "negative axis", "0-d", "empty", "float32", "non-contiguous", "repeated", "second order", "kink",
)  # fmt: skip

_broadcasts = cache(inputs_broadcast)


# ---- which conditions apply --------------------------------------------------------------------------------------


def applicable(op: Op) -> list[str]:
    """The conditions in which an op can be, by its facts."""
    if not op.rules and not op.fast_rules:
        return []
    several = op.variadic or len(set(op.inputs) - op.non_differentiable) > 1
    applies = {
        "broadcast": _broadcasts(op),
        "negative axis": not set(AXIS_SETTINGS).isdisjoint(op.settings),
        "0-d": _takes_numbers(op),
        "repeated": several,
        "kink": bool(op.kinks),
    }
    return [condition for condition in CONDITIONS if applies.get(condition, True)]


def _takes_numbers(op: Op) -> bool:
    """Whether a differentiable input may be 0-dimensional, as far as the facts tell."""
    if op.shapes is not None:
        letters = zip(op.inputs, op.shapes.inputs, strict=False)
        return any(x not in op.non_differentiable and dims in (["..."], []) for x, dims in letters)
    known = inspect.signature(op.canonical or op.forward).parameters if op.settings else {}
    axes = [known[axis].default for axis in AXIS_SETTINGS if axis in known]
    if axes and None not in axes:  # None: all axes, of which there are none
        return False
    return not _refuses_numbers(op)


@cache
def _refuses_numbers(op: Op) -> bool:
    """Whether an op whose settings all have defaults raises for numbers."""
    parameters = inspect.signature(op.canonical or op.forward).parameters.values() if op.settings else ()
    if any(p.kind is p.KEYWORD_ONLY and p.default is p.empty for p in parameters):
        return False  # it is not known how to call it
    try:
        with np.errstate(all="ignore"):
            result_shape(op, [np.array(0.5)] * len(op.inputs))
    except Exception:  # an op may refuse such inputs in any way that it likes
        return True
    return False


# ---- which were met ----------------------------------------------------------------------------------------------


def conditions_met(op: Op, inputs: Iterable[object], settings: Settings, node: Node) -> list[str]:
    """The conditions that one call is in; second order is decided by the pass, later."""
    variables = [x for x in inputs if type(x) is Tensor and x.node is not None]
    arrays = [np.asarray(x._data) for x in variables]
    shapes = {array.shape for array in arrays}
    axes = [settings.get(axis) for axis in AXIS_SETTINGS]
    met = {
        "broadcast": _broadcasts(op) and any(shape != node.shape for shape in shapes),
        "negative axis": any(np.any(np.asarray(axis) < 0) for axis in axes if axis is not None),
        "0-d": () in shapes,
        "empty": any(array.size == 0 for array in arrays),
        "float32": any(array.dtype == np.float32 for array in arrays),
        "non-contiguous": any(not array.flags.c_contiguous for array in arrays),
        "repeated": len({x.node for x in variables}) < len(variables),
        "kink": bool(op.kinks) and at_kink(op, inputs, node.settings),
    }
    return [condition for condition, is_met in met.items() if is_met]


def at_kink(op: Op, inputs: Iterable[object], settings: Settings) -> bool:
    """Whether a call is at a point where the op has no derivative."""
    data = [x._data if type(x) is Tensor else x for x in inputs]
    arrays = [np.asarray(x) for x, name in zip(data, _names(op, len(data)), strict=False) if _differentiable(op, name)]
    if op.kinks != "ties":
        return any(np.isin(array, op.kinks).any() for array in arrays)
    if len(arrays) > 1:
        return any(np.any(x == y) for x, y in combinations(arrays, 2))
    return any(np.any(line[..., 1:] == line[..., :-1]) for line in map(np.sort, _lines(arrays, settings)))


def _names(op: Op, count: int) -> tuple[str, ...]:
    return op.inputs * count if op.variadic else op.inputs


def _differentiable(op: Op, name: str) -> bool:
    return name not in op.non_differentiable


def _lines(arrays: Sequence[Array], settings: Settings) -> Iterator[Array]:
    """Each array as rows of the elements that compete: those along its axis, or all."""
    for array in arrays:
        axis = settings.get("axis")
        axes = tuple(range(array.ndim)) if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)
        moved = np.moveaxis(array, axes, range(array.ndim - len(axes), array.ndim))
        kept = moved.shape[: array.ndim - len(axes)]
        yield moved.reshape(*kept, int(np.prod(moved.shape[len(kept) :])))
