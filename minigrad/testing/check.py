"""`check_grads`: whether a gradient is right."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial

import numpy as np

from minigrad.errors import UsageError
from minigrad.testing.calls.real_parts import PartsOfArguments, is_complex
from minigrad.testing.frameworks.by_hand import ByHand
from minigrad.testing.frameworks.framework import Framework
from minigrad.testing.frameworks.numpy_layer import NumpyLayer
from minigrad.testing.frameworks.opt_outs import opted_out
from minigrad.testing.frameworks.products import compare_hessian, gradient_with_hessian, transposition_error
from minigrad.testing.frameworks.tensors import TENSORS
from minigrad.testing.numeric.compare import compare_first_order, compare_second_order
from minigrad.testing.numeric.comparison import Comparison, Verdict
from minigrad.testing.numeric.evaluation import Budget, BudgetExhausted, Evaluations
from minigrad.testing.numeric.flat_function import ComplexResults, FlatFunction, WrongGradientShape
from minigrad.testing.report import Report
from minigrad.typing import Function


def check_grads(
    f: Function,
    *args: object,
    order: int = 2,
    argnums: int | Sequence[int] | None = None,
    grad: Function | None = None,
    vjp: Function | None = None,
    jvp: Function | None = None,
    hvp: Function | None = None,
    grads: Mapping[str, str] | None = None,
    framework: Framework | None = None,
    modes: Sequence[str] | None = None,
    straight_through: bool | Function = False,
    symmetric: int | tuple[int, ...] | None = None,
    rng: int | np.random.Generator = 0,
    budget: float | None = None,
    **settings: object,
) -> Report:
    """Compare the derivatives of f with numerical ones: correct, wrong or inconclusive.

    Each numerical derivative comes with an estimate of its error; a gradient is wrong when it differs by several times
    that, and correct when it does not differ by more and the error is small enough to mean something. At a kink any
    valid subgradient is correct.

    Args:
        f: from Tensors to a Tensor, or to a tuple of Tensors; with `grad` or `vjp` from arrays to numbers or arrays.
        *args: where to check. Tensors, arrays and numbers of floating dtype are differentiated, in float64, complex
            ones by their real and imaginary parts; all else is passed to f as it is.
        order: 1 or 2 (default 2). With 2 the derivative of the derivative is checked as well: (x, u) -> J(x)'u is
            compared with its own differences, which also shows rules that are not linear in the cotangent.
            A derivative written by hand is checked at order 1.
        argnums: the positions of the arguments to differentiate; all floating ones unless given.
        grad: a gradient written by hand, for an f that returns one number: `grad(*args)`, a tuple for several
            arguments, dL/dx + i dL/dy for complex ones; minigrad's own derivative unless given.
        vjp: J'g written by hand: `vjp(g, *args)`, a tuple for several arguments; minigrad's own unless given.
        jvp: J v written by hand: `jvp(v, *args)`, v a tuple for several arguments; none unless given. Beside `grad` or
            `vjp` it must be their transpose.
        hvp: H v written by hand, for an f that returns one number: `hvp(v, *args)`, as for `jvp`; none unless given.
        grads: of an object with `forward` and `backward`: from the attribute of each parameter to that of its gradient,
            {"W": "dW"}; none unless given.
        framework: what f is written in, as its file in `minigrad.testing` sets it; minigrad, or NumPy with derivatives
            written by hand, unless given.
        modes: ("vjp", "jvp") holds the forward mode of a framework to its reverse mode as well; ("vjp",) unless given.
        straight_through: the gradient is meant to be that of another function, which is given here; True for that of
            the identity (default False). The report says so.
        symmetric: the positions of arguments that are symmetric matrices by assumption, checked at order 1; none unless
            given. The report says so.
        rng: a seed or generator for random directions (default 0).
        budget: what the check may take: a whole number of calls of f and its derivative, or seconds, as a float
            (default: as many as it needs, about 20 where the derivative is right). When it is used up, the verdict is
            inconclusive.
        **settings: passed to f by keyword.

    Returns:
        The verdict with its reasons; true only when correct.

    Raises:
        UsageError: nothing can be differentiated, f returns no floating Tensor, both `grad` and `vjp` are given, or
            they return gradients for another number of arguments.
        ShapeError: with `grad`, f returns more than one number.
        Exception: whatever f or a rule raises.

    >>> import minigrad as mg
    >>> check_grads(mg.sin, 0.5).verdict
    <Verdict.CORRECT: 'correct'>
    >>> bool(check_grads(lambda x: np.sum(x**2), np.ones(3), grad=lambda x: 3 * x))
    False
    """
    if order not in (1, 2):
        raise UsageError(f"order must be 1 or 2, not {order!r}")
    if grads is not None:
        f = NumpyLayer(f, grads)
    framework = framework or getattr(f, "framework", None) or TENSORS
    if any(d is not None for d in (grad, vjp, jvp, hvp)):
        framework = ByHand(grad=grad, vjp=vjp, jvp=jvp, hvp=hvp, settings=settings)
    if modes is not None:
        framework = framework.with_modes(modes)
    f, args = _with_parameters(framework.function(f), args)

    def report(f: Function, args: Sequence[object], framework: Framework) -> Report:
        framework = opted_out(framework, straight_through=straight_through, symmetric=symmetric)
        check = GradientCheck(f, args, settings, framework, argnums=argnums, rng=rng, budget=budget)
        return check.report_with_forward_mode(order)

    try:
        if not any(map(is_complex, args)):
            return report(f, args, framework)
    except ComplexResults:
        pass
    parts = PartsOfArguments(f, args, framework, argnums)
    if isinstance(framework, ByHand):
        framework = parts.by_hand({"grad": grad, "vjp": vjp, "jvp": jvp, "hvp": hvp}, settings)
    return parts.named(report(parts.f, parts.args, framework))


def _with_parameters(f: Function, args: tuple[object, ...]) -> tuple[Function, tuple[object, ...]]:
    """A module that is given its inputs alone is given its parameters as well."""
    parameters = getattr(f, "parameters", None)
    inputs = getattr(f, "inputs", None)
    if isinstance(parameters, dict) and isinstance(inputs, list) and len(args) == len(inputs):
        return f, (*args, *parameters.values())
    return f, args


class GradientCheck:
    """The check behind `check_grads`, which computes each order once, when it is asked for.

    The arguments are those of `check_grads`, and the framework that computes the derivatives.

    Raises:
        UsageError: nothing can be differentiated.
    """

    def __init__(
        self,
        f: Function,
        args: Sequence[object],
        settings: Mapping[str, object],
        framework: Framework,
        *,
        argnums: int | Sequence[int] | None = None,
        rng: int | np.random.Generator = 0,
        budget: float | None = None,
    ) -> None:
        self.f: Function = partial(f, **settings) if settings else f
        self.args, self.framework = args, framework
        self.rng = np.random.default_rng(rng)
        self.budget = Budget(budget)
        self.positions, note = _differentiable(framework, args, argnums)
        self.note = _joined(framework.note, note)

    def report(self, order: int) -> Report:
        """The verdict on the first order, or on both."""
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # f is evaluated at points outside of its domain, too
            try:
                if not self.framework.claims_gradient:
                    return self.by_hand
                if order == 1 or not self.first:
                    return self.first
                if self.framework.hvp is not None:
                    return replace(self.first, order=2) if self.by_hand else self.by_hand
                if not self.framework.higher_order:
                    return self.first
                return self.second if self._has_elements else replace(self.first, order=2)
            except WrongGradientShape as error:
                return Report(Verdict.WRONG, argument=error.argument, note=str(error))
            except BudgetExhausted:
                return Report(Verdict.INCONCLUSIVE, order, note=self.budget.text())

    @cached_property
    def flat(self) -> FlatFunction:
        """The function, on vectors."""
        names = [f"argument {i}" for i in range(len(self.args))]
        return FlatFunction(self.framework, self.f, self.args, names, self.positions)

    @property
    def _has_elements(self) -> bool:
        """Whether there are any, of arguments and of results."""
        return bool(self.flat.x.size and self.flat.y.size)

    @cached_property
    def comparison(self) -> Comparison:
        """The comparison of the first order."""
        return compare_first_order(self.evaluations, self.rng)

    @cached_property
    def evaluations(self) -> Evaluations:
        """The function around its point."""
        return Evaluations(self.flat, self.budget)

    @cached_property
    def first(self) -> Report:
        """The verdict on the first order."""
        flat = self.flat
        if not np.isfinite(flat.x).all():
            return Report(Verdict.INCONCLUSIVE, note="an argument has elements that are not finite")
        if not self._has_elements:
            flat.linearize(flat.x)(np.zeros(flat.y.size))  # it must run, and give gradients of the right shape
            return Report(Verdict.CORRECT, note=_joined(self.note, "no elements to differentiate"))
        if not np.array_equal(flat.value(flat.x), flat.y, equal_nan=True):
            return Report(
                Verdict.INCONCLUSIVE, note="the function is not deterministic: two calls gave different values"
            )
        return _report(flat, self.comparison, 1, self.note)

    def report_with_forward_mode(self, order: int) -> Report:
        """The verdict, and whether J v is what J'u says; at kinks both may follow conventions of their own."""
        report = self.report(order)
        if not report or report.kinks or not self.framework.forward_mode or not self._has_elements:
            return report
        with np.errstate(all="ignore"):
            apart = transposition_error(self.flat, self.rng)
        return report if not apart else replace(report, verdict=Verdict.WRONG, note=_joined(apart, self.note))

    @cached_property
    def by_hand(self) -> Report:
        """The verdict on a product with the second derivatives that does not come from differentiating again."""
        if not self.framework.claims_gradient:
            return _report(self.flat, compare_hessian(self.flat, self.rng), 2, self.note)
        hessian = gradient_with_hessian(self.flat)
        return _report(hessian, compare_first_order(Evaluations(hessian, self.budget), self.rng), 2, self.note)

    @cached_property
    def second(self) -> Report:
        """The verdict on the second order, where the first is right."""
        flat, first, note = self.flat, self.comparison, self.note
        u = self.rng.uniform(0.5, 1.5, flat.y.size) * self.rng.choice((-1.0, 1.0), flat.y.size)
        derivative = flat.vjp_function(u)
        around = Evaluations(derivative, self.budget, derived_from=self.evaluations)
        second = compare_second_order(around, self.rng, first)
        if second.verdict is not Verdict.CORRECT:
            return _report(derivative, second, 2, note)
        if second.kinks:
            note = _joined(note, "the second order was not judged at kinks and next to them")
        return _report(flat, replace(first, error=max(first.error, second.error)), 2, note)


def _joined(*notes: str) -> str:
    return "; ".join(note for note in notes if note)


def _differentiable(
    framework: Framework, args: Sequence[object], argnums: int | Sequence[int] | None
) -> tuple[list[int], str]:
    """The positions of the arguments to differentiate, and a note on their dtypes."""
    floating = [i for i, x in enumerate(args) if framework.floating_dtype(x) is not None]
    if argnums is not None:
        wanted = [argnums] if isinstance(argnums, int) else list(argnums)
        for i in wanted:
            if i not in floating:
                raise UsageError(f"argnums={argnums}: argument {i} is not a floating Tensor, array or number")
        floating = wanted
    if not floating:
        raise UsageError("check_grads: no argument is a floating Tensor, array or number, so there is no derivative")
    narrow = [i for i in floating if framework.floating_dtype(args[i]) in (np.dtype(np.float16), np.dtype(np.float32))]
    note = "" if not narrow else f"checked in float64: argument {', '.join(map(str, narrow))} was cast"
    return floating, note


def _report(flat: FlatFunction, comparison: Comparison, order: int, note: str) -> Report:
    """A comparison on vectors as a report, which names arguments."""
    report = Report(
        comparison.verdict,
        order,
        comparison.error,
        found=comparison.found,
        expected=comparison.expected,
        kinks=comparison.kinks,
        convention=comparison.convention,
        note=_joined(comparison.note, note),
    )
    if comparison.index is None:
        return report
    argument = flat.argument_at(comparison.index)
    report = replace(report, argument=argument.name, element=argument.element(comparison.index))
    if comparison.jacobian is None or comparison.numerical is None:
        return report
    shape = (flat.y.size, *argument.shape)
    return replace(
        report,
        found_gradient=comparison.jacobian[:, argument.in_vector].reshape(shape),
        expected_gradient=comparison.numerical[:, argument.in_vector].reshape(shape),
    )
