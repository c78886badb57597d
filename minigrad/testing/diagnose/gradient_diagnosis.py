"""The fingerprints of mistakes: what a call does at generic points near the failing one.

A gradient is compared where there are no kinks and no numbers that happen to be equal, with a cotangent without
structure: found by the rule, and expected from finite differences. Each mistake then has a fingerprint: a constant
ratio, the expected gradient of another operand, a dependence on elements along a wrong axis. They are tried from the
most to the least specific, and a cause is named only if it fits at all points.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from minigrad.testing.calls.function_call import Call
from minigrad.testing.calls.linearization import Arrays
from minigrad.testing.diagnose.cause import (
    CLOSE,
    NOTHING,
    Diagnosis,
    cause_of_error,
    cause_of_numbers,
    likely_cause,
    same,
)
from minigrad.testing.diagnose.keepdims_repair import lost_keepdims
from minigrad.typing import Array

LARGEST: Final = 64
"""Elements of an argument; larger ones are not differentiated for a diagnosis."""


@dataclass(frozen=True)
class Probe:
    """A call at a generic point, with a cotangent, and both gradients of one argument."""

    call: Call
    u: Arrays
    position: int
    found: Array
    expected: Array

    @property
    def k(self) -> int:
        """The number of the argument among the differentiated ones."""
        return self.call.positions.index(self.position)


def diagnosed(call: Call, position: int, *, at_kink: bool = False) -> Diagnosis:
    """The likely cause of the wrong gradient that a call gives for one argument."""
    if call.args[position].size > LARGEST or not call.args[position].size:
        return NOTHING
    probes = list(_probes(call, position))
    wrong = [probe for probe in probes if not same(probe.found, probe.expected)]
    if not wrong:
        return _at_this_point_only(call, position, at_kink)
    for fingerprint in _FINGERPRINTS:
        answer = fingerprint(*wrong)
        if answer.cause:
            return answer
    return NOTHING


def cause_here(call: Call) -> str | None:
    """The cause where the gradient differs from finite differences at this very point; None where it does not.

    Quicker than a verdict with an error estimate, and enough to make a call small that was found to be wrong.
    """
    call = call.in_double()
    u = call.cotangents()
    try:
        gradients = call.gradients(u)
    except Exception as error:  # of a rule: f itself has given its results
        return cause_of_failure(call, error).cause
    for position, found in zip(call.positions, gradients, strict=True):
        if not 0 < found.size <= LARGEST or not same(found, numerical(call, u, position)):
            return diagnosed(call, position).cause
    return None


def cause_of_failure(call: Call, error: Exception) -> Diagnosis:
    """The likely cause of an error that a call raised, forward or backward."""
    double = call.in_double()
    try:
        u = double.cotangents()
    except Exception:  # f itself fails, so it is no matter of derivatives
        return NOTHING
    for position in call.positions:
        if call.args[position].size <= LARGEST:
            repaired = lost_keepdims(double, u, position, numerical(double, u, position))
            if repaired.cause:
                return repaired
    return cause_of_error(call, error)


def _probes(call: Call, position: int) -> Iterator[Probe]:
    for seed in (0, 1):
        rng = np.random.default_rng(seed)
        values = [x * (1 + rng.uniform(0.05, 0.2, x.shape)) + rng.uniform(0.01, 0.05, x.shape) for x in call.values]
        generic = call.with_values([np.asarray(v, np.float64) for v in values])
        try:
            u = generic.cotangents(seed)
            found = generic.gradients(u)[call.positions.index(position)]
        except Exception:  # outside of f's domain, or an error that a law reports by itself
            continue
        expected = numerical(generic, u, position)
        if np.isfinite(expected).all():
            yield Probe(generic, u, position, found, expected)


def _at_this_point_only(call: Call, position: int, at_kink: bool) -> Diagnosis:
    """Right all around: the point itself is special."""
    g = call.gradients()[call.positions.index(position)]
    if not np.isfinite(g).all():
        return Diagnosis("not a number", "the gradient is not finite here, and right at points nearby")
    if at_kink:
        return Diagnosis("not a subgradient", "right on both sides of the kink, but outside of their range at it")
    return likely_cause(g, numerical(call, call.cotangents(), position))


def numerical(call: Call, u: Sequence[Array], position: int) -> Array:
    """The gradient of sum(u * f) by one argument: central differences at two steps, extrapolated."""
    args = [np.array(x, np.float64) if isinstance(x, np.ndarray) and x.dtype.kind == "f" else x for x in call.args]
    moved = call.with_args(args)
    x, result = args[position], np.zeros(args[position].shape)

    def at(index: tuple[int, ...], t: float) -> float:
        before = x[index]
        x[index] = before + t
        total = sum(float(np.sum(out * g)) for out, g in zip(moved.value(), u, strict=True))
        x[index] = before
        return total

    for index in np.ndindex(x.shape):
        slopes = [(at(index, h) - at(index, -h)) / (2 * h) for h in (1e-3, 5e-4)]
        result[index] = (4 * slopes[1] - slopes[0]) / 3
    return result


def _plain(*probes: Probe) -> Diagnosis:
    """What the numbers alone tell, of all probes together."""
    named: dict[str, list[Array]] = {}
    for probe in probes:
        call, outs = probe.call, probe.call.value()
        arrays = [(call.names[i], x) for i, x in enumerate(call.args) if isinstance(x, np.ndarray)]
        for name, x in [*arrays, *[("the result", out) for out in outs]]:
            if x.dtype.kind == "f" and (wide := _shaped(x, probe.found.shape)) is not None:
                named.setdefault(name, []).append(wide)
    factors = [(name, np.stack(each)) for name, each in named.items() if len(each) == len(probes)]
    found, expected = np.stack([p.found for p in probes]), np.stack([p.expected for p in probes])
    return cause_of_numbers(found, expected, factors)


def _plainly(*probes: Probe) -> Diagnosis:
    """The clearest of these."""
    answer = _plain(*probes)
    return answer if answer.cause in ("not a number", "zero gradient", "wrong sign") else NOTHING


def _each(fingerprint: Callable[[Probe], Diagnosis]) -> Callable[..., Diagnosis]:
    """A fingerprint of one probe, for several: the answer that is the same for all."""

    def of_all(*probes: Probe) -> Diagnosis:
        answers = [fingerprint(probe) for probe in probes]
        return answers[0] if len({answer.cause for answer in answers}) == 1 else NOTHING

    return of_all


def _shaped(x: Array, shape: tuple[int, ...]) -> Array | None:
    try:
        return np.broadcast_to(x, shape)
    except ValueError:
        return None


def _repaired(probe: Probe) -> Diagnosis:
    """Is it right with dimensions kept?"""
    return lost_keepdims(probe.call, probe.u, probe.position, probe.expected)


def _cotangent(probe: Probe) -> Diagnosis:
    """How the gradient depends on the cotangent: not at all, or not linearly."""
    run = probe.call.run()
    doubled = run.pull([2 * g for g in probe.u])[probe.k]
    if np.any(probe.found) and same(doubled, probe.found):
        return Diagnosis("cotangent ignored", "twice the cotangent gives the same gradient: g is missing in the rule")
    if np.isfinite(probe.found).all() and not same(doubled, 2 * probe.found):
        return Diagnosis("not linear in the cotangent", "twice the cotangent does not give twice the gradient")
    return NOTHING


def _operands(probe: Probe) -> Diagnosis:
    """Is it the gradient of another operand, or this one's with the operands exchanged?"""
    u, position = probe.u, probe.position
    tiled = _tiled(probe.call, u[0].shape)
    for other in probe.call.positions:
        if other == position or (tiled is None and probe.call.args[other].shape != probe.found.shape):
            continue
        call = tiled or probe.call
        if same(probe.found, sum_to(numerical(call, u, other), probe.found.shape)):
            return Diagnosis("operands swapped", f"it is the gradient of {call.names[other]}")
        args = list(call.args)
        args[other], args[position] = args[position], args[other]
        if same(probe.found, sum_to(numerical(call.with_args(args), u, position), probe.found.shape)):
            return Diagnosis("operands swapped", f"{call.names[position]} and {call.names[other]} are exchanged in it")
    return NOTHING


def _tiled(call: Call, shape: tuple[int, ...]) -> Call | None:
    """The call with all arrays as large as its result, if it takes them and its result stays as large."""
    wide = [_shaped(x, shape) if isinstance(x, np.ndarray) else x for x in call.args]
    if any(x is None and y is not None for x, y in zip(wide, call.args, strict=True)):
        return None
    tiled = call.with_args([x.copy() if isinstance(x, np.ndarray) else x for x in wide])
    try:
        return tiled if [out.shape for out in tiled.value()] == [shape] else None
    except Exception:  # f takes no larger arguments
        return None


def sum_to(g: Array, shape: tuple[int, ...]) -> Array:
    """The sum over what broadcasting from `shape` repeated."""
    lead = g.ndim - len(shape)
    axes = tuple(range(lead)) + tuple(lead + k for k, size in enumerate(shape) if size == 1)
    return np.asarray(g.sum(axis=axes)).reshape(shape)


def _transposed(probe: Probe) -> Diagnosis:
    """Would it be right if another operand, or the cotangent, were transposed?"""
    call, u, k = probe.call, probe.u, probe.position
    if probe.found.ndim < 2:
        return NOTHING
    for other, x in enumerate(call.args):
        if other != k and isinstance(x, np.ndarray) and x.ndim > 1 and x.shape[-1] == x.shape[-2]:
            args = [*call.args[:other], np.swapaxes(x, -1, -2), *call.args[other + 1 :]]
            if same(probe.found, numerical(call.with_args(args), u, k)):
                return Diagnosis("transposed", f"it would be right if {call.names[other]} were transposed")
    square = len(u) == 1 and u[0].ndim > 1 and u[0].shape[-1] == u[0].shape[-2]
    if square and same(probe.found, numerical(call, [np.swapaxes(u[0], -1, -2)], k)):
        return Diagnosis("transposed", "it would be right if the cotangent were transposed")
    return NOTHING


def _keepdims(probe: Probe) -> Diagnosis:
    """Would it be right if a reduced cotangent had been spread over the wrong axes, as broadcasting does by itself?"""
    u, x = probe.u[0], probe.call.args[probe.position]
    axis = probe.call.settings.get("axis")
    if axis is None or np.ndim(axis) or u.shape != tuple(np.delete(x.shape, axis).tolist()):
        return NOTHING
    try:
        spread = probe.expected / np.expand_dims(u, axis) * u
    except ValueError:  # they do not even broadcast
        return NOTHING
    if x.ndim > 1 and same(probe.found, sum_to(spread, x.shape)):
        return Diagnosis("lost keepdims", "the cotangent was broadcast along another axis than was reduced")
    return NOTHING


def _broadcast(probe: Probe) -> Diagnosis:
    """Is it the gradient of one copy of an argument that was broadcast, instead of the sum over all copies?"""
    call, x = probe.call, probe.call.args[probe.position]
    shape = call.value()[0].shape
    tiled = _tiled(call, shape)
    if x.shape == shape or tiled is None:
        return NOTHING
    copies = numerical(tiled, probe.u, probe.position)
    lead = len(shape) - x.ndim
    axes = tuple(k for k in range(len(shape)) if k < lead or x.shape[k - lead] == 1)
    for text, reduce in (("first", _copy(0)), ("last", _copy(-1)), ("mean", np.mean)):
        if same(probe.found, np.asarray(reduce(copies, axis=axes)).reshape(x.shape)):
            return Diagnosis("missing un-broadcast", f"it is the {text} of the copies' gradients, not their sum")
    return NOTHING


def _copy(k: int) -> Callable[..., Array]:
    """Takes the first or the last of the copies along some axes."""
    return lambda x, axis: x[tuple([k if a in axis else slice(None) for a in range(x.ndim)])]


def _coupling(probe: Probe) -> Diagnosis:
    """Which elements of the cotangent does the gradient depend on, and on which should it?"""
    call, (u, *others) = probe.call, probe.u
    if others or u.size > LARGEST or u.size < 2:
        return NOTHING
    run, found, expected = call.run(), [], []
    for index in np.ndindex(u.shape):
        unit = np.zeros_like(u)
        unit[index] = 1
        found.append(run.pull([unit])[probe.k])
        expected.append(numerical(call, [unit], probe.position))
    by_rule, right = np.array(found), np.array(expected)
    if np.any((np.abs(by_rule) > CLOSE) & (np.abs(right) <= CLOSE)):
        return Diagnosis("wrong axis", "elements depend on others that lie along another axis")
    counted = np.abs(by_rule) > CLOSE
    if probe.found.size < u.size and counted.any() and same(by_rule[counted], right[counted]):
        return Diagnosis("missing un-broadcast", "only a part of what the argument was broadcast to counts")
    return NOTHING


_FINGERPRINTS: Final[tuple[Callable[..., Diagnosis], ...]] = (
    _each(_repaired), _each(_cotangent), _each(_keepdims), _plainly, _each(_operands), _each(_broadcast),
    _each(_transposed), _plain, _each(_coupling),
)  # fmt: skip
