"""`check_grads`: is this gradient right?"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial
from typing import Any

import numpy as np

from minigrad.autograd.tensor import Tensor
from minigrad.errors import UsageError
from minigrad.testing.numeric.flat_function import Flat, Given, WrongShape, require_one_number
from minigrad.testing.numeric.judge import examine_first, examine_second
from minigrad.testing.numeric.judgment import Finding, Verdict
from minigrad.testing.report import Report

Function = Callable[..., Any]


def check_grads(
    f: Function,
    *args: Any,
    order: int = 2,
    argnums: int | Sequence[int] | None = None,
    grad: Function | None = None,
    vjp: Function | None = None,
    rng: int | np.random.Generator = 0,
    **settings: Any,
) -> Report:
    """Hold the derivatives of f to numerical ones: correct, wrong or inconclusive.

    Each numerical derivative comes with an estimate of its error; a gradient is wrong when it differs by several times
    that, and correct when it does not differ by more and the error is small enough to mean something. At a kink any
    valid subgradient is correct.

    Args:
        f: from Tensors to a Tensor, or to a tuple of Tensors; with `grad` or `vjp` from arrays to numbers or arrays.
        *args: where to check. Tensors, arrays and numbers of floating dtype are differentiated, in float64; all else is
            passed to f as it is.
        order: 2 also checks the derivative of the derivative: (x, u) -> J(x)'u is held to its own differences. It
            shows rules that are not linear in the cotangent, too. A derivative written by hand is checked at order 1.
        argnums: differentiate only these.
        grad: for an f that returns one number: `grad(*args)` gives its gradient, a tuple for several arguments.
        vjp: `vjp(g, *args)` gives J'g, a tuple for several arguments.
        rng: a seed or generator for random directions.
        **settings: passed to f by keyword.

    Returns:
        The verdict with its reasons; true only when correct.

    Raises:
        UsageError: nothing can be differentiated, or f returns no Tensor.
        ShapeError: with `grad`, f returns more than one number.
        Exception: what f or a rule raises is let through as it is.

    >>> import minigrad as mg
    >>> check_grads(mg.sin, 0.5).verdict
    <Verdict.CORRECT: 'correct'>
    >>> bool(check_grads(lambda x: np.sum(x**2), np.ones(3), grad=lambda x: 3 * x))
    False
    """
    if order not in (1, 2):
        raise UsageError(f"order must be 1 or 2, not {order!r}")
    return Check(f, args, settings, argnums=argnums, grad=grad, vjp=vjp, rng=rng).report(order)


class Check:
    """What `check_grads` does, in two steps: who asks for the second order later does not pay for the first again.

    The arguments are those of `check_grads`.
    """

    def __init__(
        self,
        f: Function,
        args: Sequence[Any],
        settings: Mapping[str, Any],
        *,
        argnums: int | Sequence[int] | None = None,
        grad: Function | None = None,
        vjp: Function | None = None,
        rng: int | np.random.Generator = 0,
    ) -> None:
        if grad is not None and vjp is not None:
            raise UsageError("check_grads: give grad= or vjp=, not both")
        self.f: Function = partial(f, **settings) if settings else f
        self.args, self.grad, self.vjp = args, grad, vjp
        self.rng = np.random.default_rng(rng)
        self.chosen, self.note = _differentiable(args, argnums)

    def report(self, order: int) -> Report:
        """The verdict on the first order, or on both."""
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # f is asked about points outside of its domain, too
            try:
                if order == 1 or self._by_hand or not self.first:
                    return self.first
                return self.second if self._elements else replace(self.first, order=2)
            except WrongShape as error:
                return Report(Verdict.WRONG, argument=error.argument, note=str(error))

    @cached_property
    def flat(self) -> Flat:
        """The function, on vectors."""
        names = [f"argument {i}" for i in range(len(self.args))]
        if not self._by_hand:
            return Flat(self.f, self.args, names, self.chosen)
        flat = Given(self.f, self.args, names, self.chosen, self.vjp or self._times_grad)
        if self.vjp is None:
            require_one_number(flat)
        return flat

    @property
    def _by_hand(self) -> bool:
        return self.vjp is not None or self.grad is not None

    def _times_grad(self, g: Any, *xs: Any) -> Any:
        assert self.grad is not None
        return _times(g, self.grad(*xs))

    @property
    def _elements(self) -> bool:
        """Whether there are any, of arguments and of results."""
        return bool(self.flat.x.size and self.flat.at_x.size)

    @cached_property
    def finding(self) -> Finding:
        """What is found of the first order."""
        return examine_first(self.flat, self.rng)

    @cached_property
    def first(self) -> Report:
        """The verdict on the first order."""
        flat = self.flat
        if not np.isfinite(flat.x).all():
            return Report(Verdict.INCONCLUSIVE, note="an argument has elements that are not finite")
        if not self._elements:
            flat.pull(flat.x)(np.zeros(flat.at_x.size))  # it must run, and give gradients of the right shape
            return Report(Verdict.CORRECT, note=_joined(self.note, "no elements to differentiate"))
        if not np.array_equal(flat.value(flat.x), flat.at_x, equal_nan=True):
            return Report(
                Verdict.INCONCLUSIVE, note="the function is not deterministic: two calls gave different values"
            )
        return _report(flat, self.finding, 1, self.note)

    @cached_property
    def second(self) -> Report:
        """The verdict on the second order, where the first is right."""
        flat, first, note = self.flat, self.finding, self.note
        u = self.rng.uniform(0.5, 1.5, flat.at_x.size) * self.rng.choice((-1.0, 1.0), flat.at_x.size)
        slope = flat.slope(u)
        second = examine_second(slope, self.rng, first)
        if second.verdict is not Verdict.CORRECT:
            return _report(slope, second, 2, note)
        if second.kinks:
            note = _joined(note, "the second order was not judged at kinks and next to them")
        return _report(flat, replace(first, error=max(first.error, second.error)), 2, note)


def _joined(*notes: str) -> str:
    return "; ".join(note for note in notes if note)


def _times(g: Any, gradient: Any) -> Any:
    if isinstance(gradient, (tuple, list)):
        return tuple(_times(g, part) for part in gradient)
    return np.asarray(gradient) * np.reshape(g, ())


def _differentiable(args: Sequence[Any], argnums: int | Sequence[int] | None) -> tuple[list[int], str]:
    """Which arguments to differentiate, and what is to be said of them."""
    floating = [i for i, x in enumerate(args) if _dtype(x) is not None]
    if argnums is not None:
        wanted = [argnums] if isinstance(argnums, int) else list(argnums)
        for i in wanted:
            if i not in floating:
                raise UsageError(f"argnums={argnums}: argument {i} is not a floating Tensor, array or number")
        floating = wanted
    if not floating:
        raise UsageError("check_grads: no argument is a floating Tensor, array or number, so there is no derivative")
    narrow = [i for i in floating if _dtype(args[i]) in (np.dtype(np.float16), np.dtype(np.float32))]
    note = "" if not narrow else f"checked in float64: argument {', '.join(map(str, narrow))} was cast"
    return floating, note


def _dtype(x: Any) -> np.dtype[Any] | None:
    """The floating dtype of an argument; None for all that has no derivative."""
    if isinstance(x, float) and not isinstance(x, np.generic):
        return np.dtype(np.float64)
    dtype = x.dtype if isinstance(x, (Tensor, np.ndarray, np.generic)) else None
    return dtype if dtype is not None and dtype.kind == "f" else None


def _report(flat: Flat, finding: Finding, order: int, note: str) -> Report:
    """A finding on vectors, in words of arguments."""
    facts: dict[str, Any] = {}
    if finding.index is not None:
        part = flat.part_of(finding.index)
        facts = {"argument": part.name, "element": part.element(finding.index)}
        if finding.jacobian is not None and finding.numerical is not None:
            shape = (flat.at_x.size, *part.shape)
            facts["found_gradient"] = finding.jacobian[:, part.here].reshape(shape)
            facts["expected_gradient"] = finding.numerical[:, part.here].reshape(shape)
    return Report(
        finding.verdict,
        order,
        finding.error,
        found=finding.found,
        expected=finding.expected,
        kinks=finding.kinks,
        convention=finding.convention,
        note=_joined(finding.note, note),
        **facts,
    )
