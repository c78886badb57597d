"""What holds for every program, and `check_program`, which holds a program to all of it."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, Final, TypeAlias

import numpy as np

from minigrad.autograd import forward_mode, transforms
from minigrad.autograd.backward import toposort
from minigrad.autograd.checkpoint import checkpoint
from minigrad.autograd.nested import mapped
from minigrad.autograd.tensor import Tensor, no_grad
from minigrad.testing.numeric.finite_difference import Vector, central_difference
from minigrad.testing.numeric.step_search import adaptive_difference
from minigrad.testing.program.program_study import (
    ROUNDINGS,
    Gradients,
    ProgramStudy,
    grads,
    inner,
    sensitivity_of,
)
from minigrad.testing.program.random_program import RandomProgram, weighted_sum
from minigrad.testing.program.step import Run
from minigrad.typing import Array

Property: TypeAlias = Callable[[ProgramStudy], None]

PROPERTIES: Final[dict[str, Property]] = {}
"""What is true of every program, by name; each raises where it is not."""

EPSILON: Final = 2.0**-52
CERTAIN: Final = 6.0
"""A derivative that differs from a numerical one by this many times the bound of the error is wrong."""


def check_program(program: RandomProgram) -> None:
    """Hold a program to all that is true of programs: its derivatives are those of numerical differentiation, of first
    and second order and in both directions; they do not depend on how they are computed (recorded, checkpointed, in
    another order, in threads, in single precision up to rounding); and nothing is written to or kept.

    Args:
        program: of double precision, as `programs` draws them.

    Raises:
        ProgramViolation: a property does not hold. The message has the program as code.
    """
    __tracebackhide__ = True
    study = ProgramStudy(program)
    for holds in PROPERTIES.values():
        holds(study)


def program_property(function: Property) -> Property:
    """Enter a property."""
    PROPERTIES[function.__name__] = function
    return function


# ---- right ---------------------------------------------------------------------------------------------------


@program_property
def numerical(study: ProgramStudy) -> None:
    """The derivative along a direction is the limit of differences."""

    def value(x: Vector) -> Vector:
        with no_grad():
            return np.array([study.scalar(*_unflattened(x, study.arrays)).item()])

    claimed = inner(study.reverse, study.direction)
    rounding = inner(study.sensitivity, [np.abs(v) for v in study.direction])
    _expect_limit(study, "numerical", value, np.array([claimed]), np.array([rounding]))


@program_property
def forward(study: ProgramStudy) -> None:
    """J v, in forward mode and by two reverse passes, belongs to the same matrix: <u, J v> = <J'u, v>."""
    _, moved = forward_mode.jvp(lambda *xs: study.run(xs), study.arrays, study.direction)
    outs, pull = transforms.vjp(lambda *xs: study.run(xs), *study.arrays)
    _, transposed = transforms.vjp(pull, mapped(lambda out: np.zeros(out.shape, out.dtype), outs))
    (moved_twice,) = transposed(tuple(study.direction))
    expected = inner(study.reverse, study.direction)
    rounding = inner(study.sensitivity, [np.abs(v) for v in study.direction])
    for way, tangents in (("forward mode", moved), ("two reverse passes", moved_twice)):
        found = inner(_arrays(tangents), study.weights)
        if not abs(found - expected) <= ROUNDINGS * EPSILON * rounding:
            study.fail("forward", f"<u, J v> is {found:.9g} by {way}, and <J'u, v> is {expected:.9g}")


@program_property
def recorded(study: ProgramStudy) -> None:
    """A recorded backward pass gives the same, and its own derivatives H v are those of forward over reverse and of
    numerical differentiation.
    """
    gradients, reverse_over_reverse = _hessian_product(study)
    study.expect("recorded", gradients, study.reverse, study.sensitivity)
    terms = study.size + max([np.abs(g).max(initial=0) for g in study.reverse], default=0)
    sensitivity = sensitivity_of(lambda run: _hessian_product(study, run)[1], reverse_over_reverse, terms)
    both: Any = transforms.grad(study.scalar, tuple(range(len(study.arrays))))
    forward_over_reverse = _arrays(forward_mode.jvp(both, study.arrays, study.direction)[1])
    study.expect("recorded", forward_over_reverse, reverse_over_reverse, sensitivity)

    def gradient(x: Vector) -> Vector:
        variables = [Tensor(part, requires_grad=True) for part in _unflattened(x, study.arrays)]
        return _flattened(_arrays(grads(study.scalar(*variables), variables)))

    claimed, rounding = _flattened(reverse_over_reverse), _flattened(sensitivity)
    _expect_limit(study, "recorded", gradient, claimed, rounding)


def _hessian_product(study: ProgramStudy, run: Run | None = None) -> tuple[Gradients, Gradients]:
    """The gradient by a recorded pass, and the derivative of its product with the direction."""
    variables = study.variables()
    first = grads(weighted_sum(study.run(variables, run), study.weights), variables, create_graph=True)
    second = grads(weighted_sum(first, study.direction), variables)
    return _arrays(first), _arrays(second)


# ---- the same, however it is computed ------------------------------------------------------------------------


@program_property
def checkpointed(study: ProgramStudy) -> None:
    """A checkpoint around the program changes no derivative."""
    variables = study.variables()
    found = grads(checkpoint(study.scalar, *variables), variables)
    study.expect("checkpointed", _arrays(found), study.reverse, study.sensitivity)


@program_property
def reordered(study: ProgramStudy) -> None:
    """The order of the steps, and with it that in which cotangents are added up, does not matter."""
    other = ProgramStudy(study.program.reordered(np.random.default_rng(1)))
    study.expect("reordered", other.reverse, study.reverse, study.sensitivity)


@program_property
def single(study: ProgramStudy) -> None:
    """In single precision the derivatives are those of double precision, up to rounding."""
    other = ProgramStudy(study.program.in_dtype(np.float32))
    other.weights = [weight.astype(np.float32) for weight in study.weights]
    for name, x in zip(study.names, other.reverse, strict=True):
        if x.dtype != np.float32:
            study.fail("single", f"the derivative by {name} is {x.dtype}, for single precision")
    study.expect("single", other.reverse, study.reverse, study.sensitivity, epsilon=2.0**-23)


@program_property
def threaded(study: ProgramStudy) -> None:
    """Two threads at once get the same numbers, to the last bit, as one alone."""
    for gradients in _threads().map(_gradients_in_thread, [study, study]):
        for name, a, b in zip(study.names, gradients, study.reverse, strict=True):
            if a.tobytes() != b.tobytes():
                study.fail("threaded", f"the derivative by {name} is another one in a thread")


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(2)


def _gradients_in_thread(study: ProgramStudy) -> Gradients:
    with np.errstate(all="ignore"):
        return study.gradients()


# ---- no traces -----------------------------------------------------------------------------------------------


@program_property
def unchanged(study: ProgramStudy) -> None:
    """Neither the arguments nor the results are written to by a backward pass."""
    variables = study.variables()
    outs = study.run(variables)
    names = [*study.names, *study.program.outputs]
    arrays = [x._data for x in (*variables, *outs)]
    before = [x.tobytes() for x in arrays]
    for out, weight in zip(outs, study.weights, strict=True):
        if out.requires_grad:
            transforms.backward(out, weight, retain_graph=True)
    for name, x, content in zip(names, arrays, before, strict=True):
        if x.tobytes() != content:
            study.fail("unchanged", f"{name} was written to by the backward pass")


@program_property
def freed(study: ProgramStudy) -> None:
    """Nothing of a graph is left when its results are gone: neither after a backward pass nor without one."""
    for backward in (True, False):
        variables = study.variables()
        out = study.scalar(*variables)
        if out.node is None:
            return
        nodes = [weakref.ref(node) for node in toposort([out.node]) if node.op is not None]
        if backward:
            transforms.backward(out)
        del out
        left = [node for ref in nodes if (node := ref()) is not None]
        if left:
            study.fail("freed", f"{len(left)} nodes of the graph are left, {left[0]} among them")


# ---- helpers -------------------------------------------------------------------------------------------------


def _expect_limit(
    study: ProgramStudy, name: str, f: Callable[[Vector], Vector], claimed: Vector, rounding: Vector
) -> None:
    """Raise where claimed derivatives of f along the direction are not the limits of differences."""
    x, v = _flattened(study.arrays), _flattened(study.direction)
    y = f(x)
    found = central_difference(f, x, v, y, EPSILON)
    wrong = ~(np.abs(found.value - claimed) <= found.error + ROUNDINGS * EPSILON * rounding)
    if not wrong.any():
        return
    found = adaptive_difference(f, x, v, y, EPSILON).central
    wrong = ~(np.abs(found.value - claimed) <= CERTAIN * (found.error + ROUNDINGS * EPSILON * rounding))
    if wrong.any():
        k = int(np.argmax(wrong))
        study.fail(
            name, f"the derivative along a direction is {claimed[k]:.9g}, and differences go to {found.value[k]:.9g}"
        )


def _flattened(arrays: Gradients) -> Vector:
    return np.concatenate([x.ravel() for x in arrays])


def _unflattened(x: Vector, like: Gradients) -> Gradients:
    ends = np.cumsum([part.size for part in like])
    return [x[end - part.size : end].reshape(part.shape) for part, end in zip(like, ends, strict=True)]


def _arrays(tensors: Any) -> list[Array]:
    return [x.data for x in tensors]
