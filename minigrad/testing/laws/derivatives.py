"""Laws of derivatives: they are what they should be, and what is built on them is linear, adjoint and symmetric."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from minigrad.autograd.op import Op
from minigrad.autograd.tensor import wrap
from minigrad.domain import REAL, Domain, MatrixDomain
from minigrad.testing.calls.function_call import Call
from minigrad.testing.calls.linearization import Arrays
from minigrad.testing.check import GradientCheck
from minigrad.testing.diagnose.cause import Diagnosis
from minigrad.testing.diagnose.gradient_diagnosis import diagnosed
from minigrad.testing.laws.law_registry import LawViolation, differentiable, expect, law, recorded
from minigrad.testing.numeric.judgment import Verdict
from minigrad.testing.report import Report
from minigrad.typing import Array


@law
def linearity(call: Call) -> None:
    """J'(a u + b v) = a J'u + b J'v, and J'0 = 0, also where J is infinite."""
    call = call.in_double()
    u, v = call.cotangents(0), call.cotangents(1)
    run = call.run()
    nothing = run.pull([np.zeros_like(g) for g in u])
    zeros = [np.zeros_like(g) for g in nothing]
    about = Diagnosis("not linear in the cotangent", "J'0 is not 0")
    expect("linearity", call, nothing, zeros, diagnosis=lambda k: _if_linear_fails(call, k, about))
    of_u, of_v = run.pull(u), run.pull(v)
    found = run.pull([2 * a - 3 * b for a, b in zip(u, v, strict=True)])
    expected = [2 * a - 3 * b for a, b in zip(of_u, of_v, strict=True)]
    scales = [_largest(2 * np.abs(a), 3 * np.abs(b)) + 1 for a, b in zip(of_u, of_v, strict=True)]
    about = Diagnosis("not linear in the cotangent", "J'(2u - 3v) is not 2 J'u - 3 J'v")
    expect("linearity", call, found, expected, scales=scales, diagnosis=lambda k: _if_linear_fails(call, k, about))


def _if_linear_fails(call: Call, k: int, about: Diagnosis) -> Diagnosis:
    found = diagnosed(call, call.positions[k])
    return found if found.cause in ("cotangent ignored", "not a number") else about


def _largest(*arrays: Array) -> float:
    return max(float(np.max(x[np.isfinite(x)], initial=0.0)) for x in arrays)


@law
def gradient(call: Call) -> None:
    """The gradient equals the numerical derivative; at a kink it is a valid subgradient."""
    _raise_if_wrong("gradient", call, _check(call).report(1))


@law(applies=recorded)
def second_order(call: Call) -> None:
    """The derivative of the gradient equals the numerical one."""
    _raise_if_wrong("second_order", call, _check(call).report(2))


def _check(call: Call) -> GradientCheck:
    """The check of this call, one for both orders."""
    if "check" not in call.memory:
        given = (("vjp", call.vjp), ("grad", call.grad))
        by_hand: dict[str, Any] = {name: partial(f, **call.settings) for name, f in given if f is not None}
        call.memory["check"] = GradientCheck(call.f, call.args, call.settings, argnums=call.positions, **by_hand)
    check: GradientCheck = call.memory["check"]
    return check


def _raise_if_wrong(law: str, call: Call, report: Report) -> None:
    __tracebackhide__ = True
    if report.verdict is not Verdict.WRONG:
        return
    position = _position(call, report)
    about = Diagnosis("second order wrong", "the first order is right")
    if report.order == 1 and position is not None:
        about = diagnosed(call, position, at_kink=report.kinks > 0)
    raise LawViolation(
        law,
        call,
        argument="" if position is None else f"input {call.names[position]}",
        element=report.element,
        expected=report.expected,
        found=report.found,
        cause=about.cause,
        detail=about.detail,
        note=report.note,
    )


def _position(call: Call, report: Report) -> int | None:
    """Which argument the report is about; it knows them by number."""
    number = report.argument.removeprefix("argument ")
    return int(number) if number.isdigit() else None


@law(applies=recorded)
def adjoint(call: Call) -> None:
    """<J v, u> = <v, J'u>: what the plain pass gives is the transpose of what the recorded one gives."""
    call = call.in_double()
    u, v = call.cotangents(), call.tangents()
    run = call.run()
    back, moved = run.pull(u), run.push(v)
    forward = [float(np.sum(a * b)) for a, b in zip(u, moved, strict=True) if a.size]
    backward = [float(np.sum(a * b)) for a, b in zip(v, back, strict=True) if a.size]
    terms = sum(float(np.sum(np.abs(a * b))) for a, b in (*zip(u, moved, strict=True), *zip(v, back, strict=True)))
    if not np.isfinite(terms):
        return
    found, expected = np.array(sum(backward)), np.array(sum(forward))
    expect("adjoint", call, [found], [expected], names=["<v, J'u>"], scales=[terms + 1])


@law(applies=recorded)
def accumulation(call: Call) -> None:
    """Two uses of a Tensor add up: f called twice, backward called twice, and f(x, x) where two arguments are alike."""
    call = call.in_double()
    u = call.cotangents()
    once = call.gradients(u)
    twice = [2 * g for g in once]
    run = call.run()
    run.pull(u)
    for x in run.variables:
        x.grad = None
    for _ in range(2):
        for out, g in zip(run.outs, u, strict=True):
            if out.requires_grad:
                out.backward(g, retain_graph=True)
    found = [_grad(x) for x in run.variables]
    expect("accumulation", call, found, twice, diagnosis=Diagnosis("", "two backward passes"))
    _repeated_operand(call, u)


def _grad(x: Any) -> Array:
    return np.zeros(x.shape, x.dtype) if x.grad is None else x.grad._data


def _repeated_operand(call: Call, u: Arrays) -> None:
    """f(x, x): the gradient of x is that of both arguments added."""
    for i, j in zip(call.positions, call.positions[1:], strict=False):
        x, y = call.args[i], call.args[j]
        if x.shape != y.shape or x.dtype != y.dtype or not x.size:
            continue
        for k in _shareable(call, i, j):
            same = call.with_args([call.args[k] if n in (i, j) else a for n, a in enumerate(call.args)])
            if not same.is_taken():
                continue
            separate = same.gradients(u)
            if not all(np.isfinite(g).all() for g in separate):
                continue
            inputs = [same._tensor(k, a) for k, a in enumerate(same.args)]
            inputs[j] = inputs[i]
            found = same.run(inputs=inputs).pull(u)[call.positions.index(i)]
            first, second = separate[call.positions.index(i)], separate[call.positions.index(j)]
            name = f"the Tensor that is both {call.names[i]} and {call.names[j]}"
            scale = [_largest(np.abs(first), np.abs(second))]
            expect("accumulation", same, [found], [first + second], names=[name], scales=scale)
            return


def _shareable(call: Call, i: int, j: int) -> list[int]:
    """Which of two operands may take the place of both: those that lie in the domains of both."""
    if not isinstance(call.f, Op) or call.f.variadic:
        return [j, i]
    of_i, of_j = (call.f.domain[call.names[k]] for k in (i, j))
    return [k for k, own, other in ((j, of_j, of_i), (i, of_i, of_j)) if _within(own, other)]


def _within(inner: Domain, outer: Domain) -> bool:
    """Whether all of one domain lies in another; a domain of matrices, in itself and in the real numbers only."""
    if inner == outer or outer == REAL:
        return True
    if isinstance(inner, MatrixDomain) or isinstance(outer, MatrixDomain):
        return False
    return outer.low <= inner.low and inner.high <= outer.high and not any(x in inner for x in outer.without)


@law(applies=recorded)
def hessian_symmetry(call: Call) -> None:
    """<w, H v> = <v, H w>, H the second derivatives of the sum of u * f."""
    call = call.in_double()
    u, v, w = call.cotangents(), call.tangents(1), call.tangents(2)
    run = call.run()
    of_v, of_w = run.hessian_product(u, v), run.hessian_product(u, w)
    found = sum(float(np.sum(a * b)) for a, b in zip(w, of_v, strict=True))
    expected = sum(float(np.sum(a * b)) for a, b in zip(v, of_w, strict=True))
    terms = sum(float(np.sum(np.abs(a * b))) for a, b in (*zip(w, of_v, strict=True), *zip(v, of_w, strict=True)))
    if not np.isfinite(terms):
        return
    about = Diagnosis("second order wrong", "the second derivatives are not symmetric")
    expect("hessian_symmetry", call, [np.array(found)], [np.array(expected)], names=["<w, H v>"],
           scales=[terms + 1], diagnosis=about)  # fmt: skip


def _has_reference(call: Call) -> bool:
    return isinstance(call.f, Op) and call.f.reference is not None and not call.on_arrays


@law(applies=lambda call: _has_reference(call) and differentiable(call))
def reference(call: Call) -> None:
    """A fused op equals its reference: its value, its gradient, and the gradient of a recorded pass."""
    call = call.in_double()
    op = call.f
    assert isinstance(op, Op)
    settings = (
        op.canonical(*call.args, **call.settings) if op.canonical else {**getattr(op, "_defaults", {}), **call.settings}
    )
    plain = Call(op.reference, call.args, settings, argnums=call.positions)  # type: ignore[arg-type]
    values, u = plain.value(), call.cotangents()
    expect("reference", call, call.value(), values, names=["the result"], scales=[_largest(np.abs(values[0])) + 1],
           diagnosis=Diagnosis("", "the fused function is not its reference"))  # fmt: skip
    run, expected = call.run(), plain.gradients(u)
    scales = [_largest(np.abs(g)) + 1 for g in expected]
    for found in (run.pull(u), run.pull([wrap(g) for g in u], record=True)):
        expect(
            "reference", call, found, expected, scales=scales, diagnosis=lambda k: diagnosed(call, call.positions[k])
        )
