"""The patterns that mistakes leave in a gradient: a transposed operand, a lost sum, a cotangent that does not count ...

Each pattern is looked for at generic points; `PATTERNS` has them from the most to the least specific.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

import numpy as np

from minigrad.testing.calls.explicit_broadcasting import tiled, unbroadcast
from minigrad.testing.calls.function_call import FunctionCall
from minigrad.testing.diagnose.cause import CLOSE, NO_CAUSE, Diagnosis, almost_equal, cause_of_numbers
from minigrad.testing.diagnose.complex_mistakes import missing_conjugate, wrong_part
from minigrad.testing.diagnose.generic_point import MAX_ELEMENTS, GenericPoint, numerical_gradient
from minigrad.testing.diagnose.keepdims_repair import lost_keepdims
from minigrad.typing import Array, Shape

Pattern: TypeAlias = Callable[..., Diagnosis]
"""From one or more generic points to the cause that all of them show, or `NO_CAUSE`."""


def at_each_point(pattern: Callable[[GenericPoint], Diagnosis]) -> Pattern:
    """A pattern of one point, for several: the cause that is the same for all."""

    def of_all(*points: GenericPoint) -> Diagnosis:
        found = [pattern(point) for point in points]
        return found[0] if len({diagnosis.cause for diagnosis in found}) == 1 else NO_CAUSE

    return of_all


def numbers_alone(*points: GenericPoint) -> Diagnosis:
    """What the numbers of both gradients tell, of all points together."""
    named: dict[str, list[Array]] = {}
    for point in points:
        call, outs = point.call, point.call.results()
        arrays = [(call.names[i], x) for i, x in enumerate(call.args) if isinstance(x, np.ndarray)]
        for name, x in [*arrays, *[("the result", out) for out in outs]]:
            if x.dtype.kind == "f" and (wide := _broadcast_or_none(x, point.found.shape)) is not None:
                named.setdefault(name, []).append(wide)
    factors = [(name, np.stack(each)) for name, each in named.items() if len(each) == len(points)]
    found, expected = np.stack([p.found for p in points]), np.stack([p.expected for p in points])
    return cause_of_numbers(found, expected, factors)


def obvious_numbers(*points: GenericPoint) -> Diagnosis:
    """The same, of the causes that cannot be mistaken for others."""
    found = numbers_alone(*points)
    return found if found.cause in ("not a number", "zero gradient", "wrong sign") else NO_CAUSE


def _broadcast_or_none(x: Array, shape: Shape) -> Array | None:
    try:
        return np.broadcast_to(x, shape)
    except ValueError:
        return None


def repaired_keepdims(point: GenericPoint) -> Diagnosis:
    """Is it right with dimensions kept?"""
    return lost_keepdims(point.call, point.u, point.position, point.expected)


def use_of_cotangent(point: GenericPoint) -> Diagnosis:
    """How does it depend on the cotangent: not at all, or not linearly?"""
    doubled = point.call.linearize().vjp([2 * g for g in point.u])[point.number]
    if np.any(point.found) and almost_equal(doubled, point.found):
        return Diagnosis("cotangent ignored", "twice the cotangent gives the same gradient: g is missing in the rule")
    if np.isfinite(point.found).all() and not almost_equal(doubled, 2 * point.found):
        return Diagnosis("not linear in the cotangent", "twice the cotangent does not give twice the gradient")
    return NO_CAUSE


def swapped_operands(point: GenericPoint) -> Diagnosis:
    """Is it the gradient of another operand, or this one's with the operands exchanged?"""
    u, position, found = point.u, point.position, point.found
    full = _tiled_or_none(point.call, u[0].shape)
    for other in point.call.positions:
        if other == position or (full is None and point.call.args[other].shape != found.shape):
            continue
        call = full or point.call
        if almost_equal(found, unbroadcast(numerical_gradient(call, u, other), found.shape)):
            return Diagnosis("operands swapped", f"it is the gradient of {call.names[other]}")
        args = list(call.args)
        args[other], args[position] = args[position], args[other]
        if almost_equal(found, unbroadcast(numerical_gradient(call.with_args(args), u, position), found.shape)):
            return Diagnosis("operands swapped", f"{call.names[position]} and {call.names[other]} are exchanged in it")
    return NO_CAUSE


def _tiled_or_none(call: FunctionCall, shape: Shape) -> FunctionCall | None:
    """The call with all arrays as large as its result, if it takes them and its result stays as large."""
    try:
        full = tiled(call, shape)
        return full if [out.shape for out in full.results()] == [shape] else None
    except Exception:  # they do not broadcast, or f takes no larger arguments
        return None


def transposed_operand(point: GenericPoint) -> Diagnosis:
    """Would it be right if another operand, or the cotangent, were transposed?"""
    call, u, k = point.call, point.u, point.position
    if point.found.ndim < 2:
        return NO_CAUSE
    for other, x in enumerate(call.args):
        if other != k and isinstance(x, np.ndarray) and x.ndim > 1 and x.shape[-1] == x.shape[-2]:
            args = [*call.args[:other], np.swapaxes(x, -1, -2), *call.args[other + 1 :]]
            if almost_equal(point.found, numerical_gradient(call.with_args(args), u, k)):
                return Diagnosis("transposed", f"it would be right if {call.names[other]} were transposed")
    square = len(u) == 1 and u[0].ndim > 1 and u[0].shape[-1] == u[0].shape[-2]
    if square and almost_equal(point.found, numerical_gradient(call, [np.swapaxes(u[0], -1, -2)], k)):
        return Diagnosis("transposed", "it would be right if the cotangent were transposed")
    return NO_CAUSE


def cotangent_along_wrong_axis(point: GenericPoint) -> Diagnosis:
    """Would it be right if a reduced cotangent had been broadcast along the wrong axes, as happens without keepdims?"""
    u, x = point.u[0], point.call.args[point.position]
    given = point.call.settings.get("axis", point.call.settings.get("dim"))
    for axis in range(x.ndim) if given is None else () if np.ndim(given) else (given,):
        if x.ndim < 2 or u.shape != tuple(np.delete(x.shape, axis).tolist()):
            continue
        try:
            spread = point.expected / np.expand_dims(u, axis) * u
        except ValueError:  # they do not even broadcast
            continue
        if almost_equal(point.found, unbroadcast(spread, x.shape)):
            return Diagnosis("lost keepdims", "the cotangent was broadcast along another axis than was reduced")
    return NO_CAUSE


def one_copy(point: GenericPoint) -> Diagnosis:
    """Is it the gradient of one copy of an argument that was broadcast, instead of the sum over all copies?"""
    call, x = point.call, point.call.args[point.position]
    shape = call.results()[0].shape
    full = _tiled_or_none(call, shape)
    if x.shape == shape or full is None:
        return NO_CAUSE
    copies = numerical_gradient(full, point.u, point.position)
    lead = len(shape) - x.ndim
    axes = tuple(k for k in range(len(shape)) if k < lead or x.shape[k - lead] == 1)
    first, last = (tuple([k if a in axes else slice(None) for a in range(copies.ndim)]) for k in (0, -1))
    for text, reduced in (("first", copies[first]), ("last", copies[last]), ("mean", copies.mean(axis=axes))):
        if almost_equal(point.found, np.asarray(reduced).reshape(x.shape)):
            return Diagnosis("missing un-broadcast", f"it is the {text} of the copies' gradients, not their sum")
    return NO_CAUSE


def one_row(point: GenericPoint) -> Diagnosis:
    """Is it the gradient of one row of a batch, instead of the sum over all rows?"""
    u, x = point.u[0], point.call.args[point.position]
    if len(point.u) > 1 or u.ndim <= x.ndim or len(u) < 2:
        return NO_CAUSE
    for text, row in (("first", 0), ("last", -1)):
        alone = np.zeros_like(u)
        alone[row] = u[row]
        if almost_equal(point.found, numerical_gradient(point.call, [alone], point.position)):
            return Diagnosis("missing un-broadcast", f"it is the gradient of the {text} row, not the sum over all rows")
    if almost_equal(len(u) * point.found, point.expected):
        return Diagnosis("missing un-broadcast", "it is the mean over all rows, not the sum")
    return NO_CAUSE


def dependence_on_elements(point: GenericPoint) -> Diagnosis:
    """Which elements of the cotangent does the gradient depend on, and on which should it?"""
    call, (u, *others) = point.call, point.u
    if others or u.size > MAX_ELEMENTS or u.size < 2:
        return NO_CAUSE
    at_call, found, expected = call.linearize(), [], []
    for index in np.ndindex(u.shape):
        unit = np.zeros_like(u)
        unit[index] = 1
        found.append(at_call.vjp([unit])[point.number])
        expected.append(numerical_gradient(call, [unit], point.position))
    by_rule, right = np.array(found), np.array(expected)
    if np.any((np.abs(by_rule) > CLOSE) & (np.abs(right) <= CLOSE)):
        return Diagnosis("wrong axis", "elements depend on others that lie along another axis")
    counted = np.abs(by_rule) > CLOSE
    if point.found.size < u.size and counted.any() and almost_equal(by_rule[counted], right[counted]):
        return Diagnosis("missing un-broadcast", "only a part of what the argument was broadcast to counts")
    return NO_CAUSE


PATTERNS: Final[tuple[Pattern, ...]] = (
    at_each_point(wrong_part), at_each_point(missing_conjugate),
    at_each_point(repaired_keepdims), at_each_point(use_of_cotangent), at_each_point(cotangent_along_wrong_axis),
    obvious_numbers, at_each_point(swapped_operands), at_each_point(one_copy), at_each_point(one_row),
    at_each_point(transposed_operand),
    numbers_alone, at_each_point(dependence_on_elements),
)  # fmt: skip
