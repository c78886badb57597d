"""How a call of an op is drawn in a program: which of the values so far it takes, and with which settings.

What an op is called with follows from its facts (`shapes=`, elementwise, the settings with their usual names), or else
from an entry in `CALLS_IN_SCOPE`. An op may refuse what was drawn: that step is then left out.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, TypeAlias

import numpy as np

from minigrad.autograd.op import Op
from minigrad.domain import INVERTIBLE, POSITIVE, Domain
from minigrad.testing.program.choose import below, one_of
from minigrad.testing.program.scope import Scope
from minigrad.testing.program.step import Operand
from minigrad.testing.strategies.array_op_calls import SUBSCRIPTS, indices
from minigrad.testing.strategies.array_strategies import Draw, axes, windows
from minigrad.testing.strategies.calls_from_facts import dimensions, draw_settings
from minigrad.typing import Settings, Shape


@dataclass(frozen=True)
class CallInScope:
    """What an op is called with.

    Args:
        args: operands, numbers, arrays of integers or booleans.
        settings: by keyword (default: none).
        domains: of inputs whose own domain is not stated by the op (default: none).
    """

    args: Sequence[Operand | Any]
    settings: Settings = field(default_factory=dict)
    domains: Mapping[str, Domain] = field(default_factory=dict)


DrawInScope: TypeAlias = Callable[[Draw, Op, Scope], CallInScope]

CALLS_IN_SCOPE: Final[dict[str, DrawInScope]] = {}
"""By the name of an op of minigrad: what draws a call of it, where its facts do not suffice."""


def draws(*names: str) -> Callable[[DrawInScope], DrawInScope]:
    """Enter a function in the table, for the ops of minigrad with these names."""

    def entered(function: DrawInScope) -> DrawInScope:
        CALLS_IN_SCOPE.update(dict.fromkeys(names, function))
        return function

    return entered


def draw_call(draw: Draw, op: Op, scope: Scope) -> CallInScope:
    """A call of an op."""
    special = CALLS_IN_SCOPE.get(op.name)
    if special is not None and (op.module or "").startswith("minigrad."):
        return special(draw, op, scope)
    if op.shapes is not None:
        args: list[Any] = fitting_values(draw, scope, op.shapes.inputs)
    else:
        ndims = dimensions(op)
        x = scope.value_or_parameter(draw, lambda shape: len(shape) in ndims, lambda: (2,) * ndims[0])
        args = [x] * (1 + below(draw, 3)) if op.variadic else [x]
        for _ in op.inputs[1:]:
            args.append(_same_shape(draw, scope, x) if "axis" in op.settings else scope.partner(draw, scope.shape(x)))
    return CallInScope(args, draw_settings(draw, op, [scope.values[args[0].name]]))


def _same_shape(draw: Draw, scope: Scope, x: Operand) -> Operand:
    shape = scope.shape(x)
    return scope.value_or_parameter(draw, lambda other: other == shape, lambda: shape)


# ---- values whose shapes fit together ------------------------------------------------------------------------


def fitting_values(draw: Draw, scope: Scope, patterns: Sequence[Sequence[str]]) -> list[Any]:
    """Values, or new parameters, with shapes as the letters say: equal ones stand for equal sizes."""
    sizes: dict[str, int] = {}
    chosen = []
    for letters in patterns:
        fits, new_shape = partial(_fits, letters, sizes), partial(_new_shape, draw, letters, sizes)
        operand = scope.value_or_parameter(draw, fits, new_shape)
        sizes = bound(letters, scope.shape(operand), sizes) or sizes
        chosen.append(operand)
    return chosen


def _fits(letters: Sequence[str], sizes: Mapping[str, int], shape: Shape) -> bool:
    return bound(letters, shape, sizes) is not None


def _new_shape(draw: Draw, letters: Sequence[str], sizes: Mapping[str, int]) -> Shape:
    found = dict(sizes)
    for letter in letters:
        if letter != "..." and letter not in found:
            found[letter] = one_of(draw, (2, 1, 3))
    return tuple([found[letter] for letter in letters if letter != "..."])


def bound(letters: Sequence[str], shape: Shape, sizes: Mapping[str, int]) -> dict[str, int] | None:
    """The size of each letter, those known before and those of this shape; None if they clash.

    >>> bound(["...", "I", "K"], (5, 2, 3), {"K": 3})
    {'K': 3, 'I': 2}
    """
    named = [letter for letter in letters if letter != "..."]
    if len(shape) < len(named) or (len(shape) > len(named) and len(named) == len(letters)):
        return None
    found = dict(sizes)
    for letter, size in zip(named, shape[len(shape) - len(named) :], strict=True):
        if found.setdefault(letter, size) != size:
            return None
    return found


# ---- entries -------------------------------------------------------------------------------------------------


def _of(draw: Draw, scope: Scope) -> tuple[Operand, Shape]:
    x = scope.any_value(draw)
    return x, scope.shape(x)


@draws("atan2")
def _atan2(draw: Draw, op: Op, scope: Scope) -> CallInScope:
    x, shape = _of(draw, scope)
    return CallInScope([x, scope.partner(draw, shape)], domains={"y": POSITIVE})  # there is no angle at (0, 0)


@draws("where")
def _where(draw: Draw, op: Op, scope: Scope) -> CallInScope:
    x, shape = _of(draw, scope)
    mask = below(draw, 8)
    return CallInScope([np.resize([mask & 1, mask & 2, mask & 4], shape) > 0, x, scope.partner(draw, shape)])


@draws("getitem")
def _getitem(draw: Draw, op: Op, scope: Scope) -> CallInScope:
    x, shape = _of(draw, scope)
    return CallInScope([x], {"index": draw(indices(shape))})


@draws("setitem")
def _setitem(draw: Draw, op: Op, scope: Scope) -> CallInScope:
    x, shape = _of(draw, scope)
    index = draw(indices(shape))
    return CallInScope([x, scope.partner(draw, np.empty(shape)[index].shape)], {"index": index})


@draws("scatter_add")
def _scatter_add(draw: Draw, op: Op, scope: Scope) -> CallInScope:
    (x,) = fitting_values(draw, scope, [["N"]])
    (size,) = scope.shape(x)
    target = 1 + below(draw, 3)
    index = np.array([below(draw, target) for _ in range(size)])
    return CallInScope([x], {"index": index, "shape": (target,)})


@draws("reshape")
def _reshape(draw: Draw, op: Op, scope: Scope) -> CallInScope:
    x, shape = _of(draw, scope)
    return CallInScope([x], {"shape": one_of(draw, [(-1,), shape[::-1], (1, *shape), (-1, 1)])})


@draws("permute_dims")
def _permute_dims(draw: Draw, op: Op, scope: Scope) -> CallInScope:
    x, shape = _of(draw, scope)
    return CallInScope([x], {"axes": one_of(draw, list(itertools.permutations(range(len(shape)))))})


@draws("broadcast_to")
def _broadcast_to(draw: Draw, op: Op, scope: Scope) -> CallInScope:
    x, shape = _of(draw, scope)
    wide = tuple([2 if size == 1 else size for size in shape])
    return CallInScope([x], {"shape": one_of(draw, [wide, (2, *shape), (1, *wide)])})


@draws("sum_to")
def _sum_to(draw: Draw, op: Op, scope: Scope) -> CallInScope:
    x, shape = _of(draw, scope)
    kept = [1 if below(draw, 2) == 1 else size for size in shape]
    return CallInScope([x], {"shape": tuple(kept[below(draw, len(kept) + 1) :])})


@draws("concat")
def _concat(draw: Draw, op: Op, scope: Scope) -> CallInScope:
    x = scope.value_or_parameter(draw, lambda shape: len(shape) > 0, lambda: (2,))
    axis = draw(axes(len(scope.shape(x)), none=False, several=False))
    return CallInScope([x, *[_same_shape(draw, scope, x) for _ in range(below(draw, 3))]], {"axis": axis})


@draws("roll")
def _roll(draw: Draw, op: Op, scope: Scope) -> CallInScope:
    x, shape = _of(draw, scope)
    axis = draw(axes(len(shape), several=False)) if shape else None
    return CallInScope([x], {"shift": one_of(draw, (1, -1, 2)), "axis": axis})


@draws("pad")
def _pad(draw: Draw, op: Op, scope: Scope) -> CallInScope:
    x, shape = _of(draw, scope)
    widths = tuple([(below(draw, 2), below(draw, 2)) for _ in shape])
    return CallInScope([x], {"widths": widths, "value": 0.5})


@draws("einsum")
def _einsum(draw: Draw, op: Op, scope: Scope) -> CallInScope:
    text = one_of(draw, SUBSCRIPTS)
    return CallInScope(fitting_values(draw, scope, text.partition("->")[0].split(",")), {"subscripts": text})


@draws("det")
def _det(draw: Draw, op: Op, scope: Scope) -> CallInScope:
    # An LU factorization of a nearly singular matrix rounds much more than moves of its elements tell.
    return CallInScope(fitting_values(draw, scope, [["M", "M"]]), domains={"x": INVERTIBLE})


@draws("svd")
def _svd(draw: Draw, op: Op, scope: Scope) -> CallInScope:
    assert op.shapes is not None
    return CallInScope(fitting_values(draw, scope, op.shapes.inputs), {"full_matrices": False})


@draws("qr")
def _qr(draw: Draw, op: Op, scope: Scope) -> CallInScope:
    x = scope.value_or_parameter(draw, lambda shape: len(shape) > 1 and shape[-2] >= shape[-1], lambda: (2, 2))
    return CallInScope([x], {"mode": "reduced"})


@draws("standardize", "standardize_layer")
def _standardize(draw: Draw, op: Op, scope: Scope) -> CallInScope:
    x = scope.value_or_parameter(draw, lambda shape: len(shape) > 1, lambda: (3, 2))
    size = scope.shape(x)[1]
    w, b = [scope.value_or_parameter(draw, lambda shape: shape == (size,), lambda: (size,)) for _ in range(2)]
    axis = tuple(k for k in range(len(scope.shape(x))) if k != 1)
    return CallInScope([x, w, b], {"axis": axis, "eps": 0.5})


@draws("softmax_cross_entropy")
def _softmax_cross_entropy(draw: Draw, op: Op, scope: Scope) -> CallInScope:
    (x,) = fitting_values(draw, scope, [["N", "D"]])
    samples, classes = scope.shape(x)
    return CallInScope([x, np.array([below(draw, classes) for _ in range(samples)])])


@draws("conv")
def _conv(draw: Draw, op: Op, scope: Scope) -> CallInScope:
    x = scope.value_or_parameter(draw, lambda shape: len(shape) == 4, lambda: (1, 2, 2, 2))
    _, channels, *image = scope.shape(x)
    window = draw(windows(image))
    kernel = (1 + below(draw, 2), channels, *window.pop("kernel"))
    w = scope.value_or_parameter(draw, lambda shape: shape == kernel, lambda: kernel)
    b = scope.value_or_parameter(draw, lambda shape: shape == kernel[:1], lambda: kernel[:1])
    return CallInScope([x, w, b], {**window, "groups": 1})


@draws("avg_pool")
def _avg_pool(draw: Draw, op: Op, scope: Scope) -> CallInScope:
    x = scope.value_or_parameter(draw, lambda shape: len(shape) == 4, lambda: (1, 2, 2, 2))
    settings = draw(windows(scope.shape(x)[2:], dilated=False))
    del settings["dilation"]
    return CallInScope([x], {**settings, "count_include_pad": below(draw, 2) == 1})
