"""Laws of derivatives: they equal numerical ones, and what is built on them is linear, adjoint and symmetric."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from minigrad.autograd.op import Op
from minigrad.domain import REAL, Domain, MatrixDomain
from minigrad.testing.calls.function_call import FunctionCall
from minigrad.testing.calls.linearization import OBSERVERS, TensorLinearization
from minigrad.testing.check import GradientCheck
from minigrad.testing.diagnose.cause import Diagnosis
from minigrad.testing.diagnose.gradient_diagnosis import diagnose_gradient
from minigrad.testing.frameworks.run import ArrayTuple
from minigrad.testing.laws.law_registry import has_gradient, has_second_order, has_transpose, is_recorded, law
from minigrad.testing.laws.violation import LawViolation, expect, largest
from minigrad.testing.numeric.comparison import Verdict
from minigrad.testing.report import Report
from minigrad.typing import Array

BESIDE_VALUES: Final = 64
"""Times the last digit of the largest value: second derivatives are not judged more precisely."""


@law
def linearity(call: FunctionCall) -> None:
    """J'(a u + b v) = a J'u + b J'v, and J'0 = 0, also where J is infinite."""
    call = call.in_double()
    if _overflows(call):
        return
    u, v = call.cotangents(0), call.cotangents(1)
    at_call = call.linearize()
    of_zero = at_call.vjp([np.zeros_like(g) for g in u])
    zeros = [np.zeros_like(g) for g in of_zero]
    about = Diagnosis("not linear in the cotangent", "J'0 is not 0")
    expect("linearity", call, of_zero, zeros, diagnosis=lambda k: _why_nonlinear(call, k, about))
    of_u, of_v = at_call.vjp(u), at_call.vjp(v)
    found = at_call.vjp([2 * a - 3 * b for a, b in zip(u, v, strict=True)])
    expected = [2 * a - 3 * b for a, b in zip(of_u, of_v, strict=True)]
    # Where a product overflows, inf - inf is no number, and says nothing.
    compared = [np.where(np.isfinite(a - b), f, b) for f, a, b in zip(found, of_u, expected, strict=True)]
    scales = [largest([2 * a, 3 * b]) + 1 for a, b in zip(of_u, of_v, strict=True)]
    about = Diagnosis("not linear in the cotangent", "J'(2u - 3v) is not 2 J'u - 3 J'v")
    expect("linearity", call, compared, expected, scales=scales, diagnosis=lambda k: _why_nonlinear(call, k, about))


def _overflows(call: FunctionCall) -> bool:
    """Whether a result is infinite or NaN and the rule is not minigrad's: only these promise to mask what is so."""
    return not call.on_tensors and not all(np.isfinite(out).all() for out in call.in_double().results())


def _why_nonlinear(call: FunctionCall, k: int, about: Diagnosis) -> Diagnosis:
    found = diagnose_gradient(call, call.positions[k])
    return found if found.cause in ("cotangent ignored", "not a number") else about


@law
def gradient(call: FunctionCall) -> None:
    """The gradient equals the numerical derivative; at a kink it is a valid subgradient."""
    report = (
        Report(Verdict.INCONCLUSIVE, note="a result of the function is not finite")
        if _overflows(call)
        else _check(call).report(1)
    )
    call.cache["gradient"] = report  # for who counts verdicts and kinks
    for observe in OBSERVERS:
        observe(call, False)
    _raise_if_wrong("gradient", call, report)


@law(applies=has_second_order)
def second_order(call: FunctionCall) -> None:
    """The derivative of the gradient equals the numerical one.

    Not judged are differences that vanish beside the rounding of the values themselves, as in the tails of a sigmoid:
    at other points they are larger.
    """
    report = _check(call).report(2)
    if report.found is None or report.expected is None or report.order == 1:
        return _raise_if_wrong("second_order", call, report)
    rounding = BESIDE_VALUES * float(np.finfo(np.float64).eps) * largest(call.in_double().results())
    if abs(report.found - report.expected) > rounding or np.isnan(report.found):
        _raise_if_wrong("second_order", call, report)
    return None


def _check(call: FunctionCall) -> GradientCheck:
    """The check of this call, one for both orders."""
    check = call.cache.get("check")
    if not isinstance(check, GradientCheck):
        check = GradientCheck(call.f, call.given(), call.settings, call.framework, argnums=call.positions)
        call.cache["check"] = check
    return check


def _raise_if_wrong(law: str, call: FunctionCall, report: Report) -> None:
    __tracebackhide__ = True
    if report.verdict is not Verdict.WRONG:
        return
    position = _position(report)
    about = Diagnosis("second order wrong", "the first order is right")
    if report.order == 1 and position is not None:
        about = diagnose_gradient(call, position, at_kink=report.kinks > 0)
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
        proven=about.proven,
    )


def _position(report: Report) -> int | None:
    """Which argument the report is about; it names them by number."""
    number = report.argument.removeprefix("argument ")
    return int(number) if number.isdigit() else None


@law(applies=has_transpose)
def adjoint(call: FunctionCall) -> None:
    """<J v, u> = <v, J'u>: forward mode is the transpose of reverse mode, on arrays, on Tensors, and by two passes."""
    call = call.in_double()
    u, v = call.cotangents(), call.tangents()
    at_call = call.linearize()
    back, moved = at_call.vjp(u), at_call.jvp(v)
    backward, backward_terms = _inner_product(v, back)
    forward, forward_terms = _inner_product(u, moved)
    terms = backward_terms + forward_terms
    if not np.isfinite(terms):
        return
    found, expected = np.array(backward), np.array(forward)

    def pulled(moved: FunctionCall) -> list[Array]:
        return [np.array(_inner_product(v, moved.linearize().vjp(u))[0])]

    expect("adjoint", call, [found], [expected], names=["<v, J'u>"], scales=[terms + 1], compute=pulled)
    if isinstance(at_call, TensorLinearization):
        names, scales = [f"J v of result {k}" for k in range(len(moved))], [terms + 1] * len(moved)
        for way, others in at_call.other_jvps(v).items():
            expect("adjoint", call, moved, others, names=names, scales=scales, compute=lambda c: c.linearize().jvp(v),
                   diagnosis=Diagnosis("", f"forward mode is not what comes of {way}"))  # fmt: skip


def _inner_product(xs: Sequence[Array], ys: Sequence[Array]) -> tuple[float, float]:
    """The sum of the products of all elements, and that of their magnitudes."""
    products = [a * b for a, b in zip(xs, ys, strict=True)]
    return sum(float(np.sum(p)) for p in products), sum(float(np.sum(np.abs(p))) for p in products)


@law(applies=is_recorded)
def accumulation(call: FunctionCall) -> None:
    """Two uses of a Tensor add up: f called twice, backward called twice, and f(x, x) where two arguments are alike."""
    call = call.in_double()
    u = call.cotangents()
    once = call.gradients(u)
    twice = [2 * g for g in once]
    at_call = call.linearize_tensors()
    at_call.vjp(u)
    variables = at_call.run.variables
    for x in variables:
        x.grad = None
    for _ in range(2):
        for out, g in zip(at_call.run.outs, u, strict=True):
            if out.requires_grad:
                out.backward(g, retain_graph=True)
    found = [np.zeros(x.shape, x.dtype) if x.grad is None else x.grad._data for x in variables]
    expect("accumulation", call, found, twice, diagnosis=Diagnosis("", "two backward passes"))
    _check_repeated_operand(call, u)


def _check_repeated_operand(call: FunctionCall, u: ArrayTuple) -> None:
    """f(x, x): the gradient of x is that of both arguments added."""
    for i, j in zip(call.positions, call.positions[1:], strict=False):
        x, y = call.args[i], call.args[j]
        if x.shape != y.shape or x.dtype != y.dtype or not x.size:
            continue
        for k in _in_both_domains(call, i, j):
            same = call.with_args([call.args[k] if n in (i, j) else a for n, a in enumerate(call.args)])
            if not same.is_accepted():
                continue
            separate = same.gradients(u)
            if not all(np.isfinite(g).all() for g in separate):
                continue
            inputs = [same.variable(k) for k in range(len(same.args))]
            inputs[j] = inputs[i]
            found = same.linearize_tensors(inputs=inputs).vjp(u)[call.positions.index(i)]
            first, second = separate[call.positions.index(i)], separate[call.positions.index(j)]
            name = f"the Tensor that is both {call.names[i]} and {call.names[j]}"
            scales = [largest([first, second])]
            expect("accumulation", same, [found], [first + second], names=[name], scales=scales)
            return


def _in_both_domains(call: FunctionCall, i: int, j: int) -> list[int]:
    """Which of two operands may take the place of both: those that lie in the domains of both."""
    if not isinstance(call.f, Op) or call.f.variadic:
        return [j, i]
    of_i, of_j = (call.f.domain[call.names[k]] for k in (i, j))
    return [k for k, inner, outer in ((j, of_j, of_i), (i, of_i, of_j)) if _within(inner, outer)]


def _within(inner: Domain, outer: Domain) -> bool:
    """Whether all of one domain lies in another; a domain of matrices, in itself and in the real numbers only."""
    if inner == outer or outer == REAL:
        return True
    if isinstance(inner, MatrixDomain) or isinstance(outer, MatrixDomain):
        return False
    return outer.low <= inner.low and inner.high <= outer.high and not any(x in inner for x in outer.without)


@law(applies=has_second_order)
def hessian_symmetry(call: FunctionCall) -> None:
    """<w, H v> = <v, H w>, H the second derivatives of the sum of u * f."""
    call = call.in_double()
    u, v, w = call.cotangents(), call.tangents(1), call.tangents(2)
    at_call = call.linearize()
    found, found_terms = _inner_product(w, at_call.hvp(u, v))
    expected, expected_terms = _inner_product(v, at_call.hvp(u, w))
    terms = found_terms + expected_terms
    if not np.isfinite(terms):
        return
    about = Diagnosis("second order wrong", "the second derivatives are not symmetric")

    def product(moved: FunctionCall) -> list[Array]:
        return [np.array(_inner_product(w, moved.linearize().hvp(u, v))[0])]

    expect("hessian_symmetry", call, [np.array(found)], [np.array(expected)], names=["<w, H v>"],
           scales=[terms + 1], diagnosis=about, compute=product)  # fmt: skip


def _has_reference(call: FunctionCall) -> bool:
    return isinstance(call.f, Op) and call.f.reference is not None and call.on_tensors


@law(applies=lambda call: _has_reference(call) and has_gradient(call))
def reference(call: FunctionCall) -> None:
    """A fused op equals its reference: its value, its gradient, and the gradient of a recorded pass."""
    call = call.in_double()
    op = call.f
    assert isinstance(op, Op)
    assert op.reference is not None
    settings = (
        op.canonical(*call.args, **call.settings) if op.canonical else {**getattr(op, "_defaults", {}), **call.settings}
    )
    plain = FunctionCall(op.reference, call.args, settings, argnums=call.positions)
    values, u = plain.results(), call.cotangents()
    # A fused op may be finite where its plain reference overflows: log(softmax(x)) is -inf 800 below the largest x.
    outs = call.results()
    beyond = [np.isfinite(a) & ~np.isfinite(b) for a, b in zip(outs, values, strict=True)]
    compared = [np.where(skip, b, a) for skip, a, b in zip(beyond, outs, values, strict=True)]
    names = [f"result {k}" for k in range(len(values))] if op.results else ["the result"]
    expect("reference", call, compared, values, names=names, scales=[largest([x]) + 1 for x in values],
           diagnosis=Diagnosis("", "the fused function is not its reference"))  # fmt: skip
    if any(skip.any() for skip in beyond):
        return
    at_call, expected = call.linearize_tensors(), plain.gradients(u)
    scales = [largest([g]) + 1 for g in expected]

    def why(k: int) -> Diagnosis:
        return diagnose_gradient(call, call.positions[k])

    for found in (at_call.vjp(u), at_call.recorded_vjp(u)):
        expect("reference", call, found, expected, scales=scales, diagnosis=why)
