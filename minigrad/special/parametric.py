"""Special functions of several arguments, of which some are parameters: shapes and degrees of freedom."""

from __future__ import annotations

from math import log, pi
from typing import Any

import numpy as np

from minigrad.autograd.tensor import Tensor, as_array, as_operand, wrap
from minigrad.errors import GraphError, UsageError
from minigrad.ops import exp
from minigrad.special import table
from minigrad.typing import ArrayLike


def constant(function: str, name: str, value: ArrayLike) -> Any:
    """A parameter as a number or an array.

    Raises:
        GraphError: it requires gradients.
    """
    if isinstance(value, Tensor) and value.requires_grad:
        raise GraphError(
            f"{function} is not differentiated by {name}, for which there is no closed form: give a constant, or "
            f"{name}.detach() if no gradient by it is wanted"
        )
    return value if isinstance(value, (int, float)) else as_array(value)


def gammainc(a: ArrayLike, x: ArrayLike) -> Tensor:
    """The regularized lower incomplete gamma function.

    out = 1/Γ(a) times the integral of t^(a - 1) exp(-t) from 0 to x.

    Args:
        a: the shape parameter, positive, a constant.
        x: numbers, and what it is differentiated by.

    Shapes: any that broadcast -> the common one.

    Raises:
        GraphError: a parameter requires gradients, which have no closed form.
    """
    return table.gammainc_op(x, a=constant("gammainc", "a", a))


def gammaincc(a: ArrayLike, x: ArrayLike) -> Tensor:
    """The regularized upper incomplete gamma function.

    out = 1 - gammainc(a, x), without cancellation.

    Args:
        a: the shape parameter, positive, a constant.
        x: numbers, and what it is differentiated by.

    Shapes: any that broadcast -> the common one.

    Raises:
        GraphError: a parameter requires gradients, which have no closed form.
    """
    return table.gammaincc_op(x, a=constant("gammaincc", "a", a))


def betainc(a: ArrayLike, b: ArrayLike, x: ArrayLike) -> Tensor:
    """The regularized incomplete beta function.

    out = 1/B(a, b) times the integral of t^(a - 1) (1 - t)^(b - 1) from 0 to x.

    Args:
        a, b: the shape parameters, positive, constants.
        x: numbers, and what it is differentiated by.

    Shapes: any that broadcast -> the common one.

    Raises:
        GraphError: a parameter requires gradients, which have no closed form.
    """
    return table.betainc_op(x, a=constant("betainc", "a", a), b=constant("betainc", "b", b))


def betaincc(a: ArrayLike, b: ArrayLike, x: ArrayLike) -> Tensor:
    """The complement of the regularized incomplete beta function.

    out = 1 - betainc(a, b, x), without cancellation.

    Args:
        a, b: the shape parameters, positive, constants.
        x: numbers, and what it is differentiated by.

    Shapes: any that broadcast -> the common one.

    Raises:
        GraphError: a parameter requires gradients, which have no closed form.
    """
    return table.betaincc_op(x, a=constant("betaincc", "a", a), b=constant("betaincc", "b", b))


def stdtr(df: ArrayLike, t: ArrayLike) -> Tensor:
    """The distribution function of Student's t.

    out = the probability that a t with df degrees of freedom is at most t.

    Args:
        df: the degrees of freedom, positive, a constant.
        t: numbers, and what it is differentiated by.

    Shapes: any that broadcast -> the common one.

    Raises:
        GraphError: a parameter requires gradients, which have no closed form.
    """
    return table.stdtr_op(t, df=constant("stdtr", "df", df))


def stdtrit(df: ArrayLike, p: ArrayLike) -> Tensor:
    """The quantiles of Student's t: the inverse of `stdtr`.

    out = t with stdtr(df, t) = p.

    Args:
        df: the degrees of freedom, positive, a constant.
        p: probabilities between 0 and 1.

    Shapes: any that broadcast -> the common one.

    Raises:
        GraphError: a parameter requires gradients, which have no closed form.
    """
    return table.stdtrit_op(p, df=constant("stdtrit", "df", df))


def chdtr(v: ArrayLike, x: ArrayLike) -> Tensor:
    """The distribution function of chi-squared.

    out = gammainc(v / 2, x / 2).

    Args:
        v: the degrees of freedom, positive, a constant.
        x: numbers, and what it is differentiated by.

    Shapes: any that broadcast -> the common one.

    Raises:
        GraphError: a parameter requires gradients, which have no closed form.
    """
    return gammainc(constant("chdtr", "v", v) / 2, _tensor(x) / 2)


def chdtrc(v: ArrayLike, x: ArrayLike) -> Tensor:
    """The survival function of chi-squared, which gives p-values.

    out = gammaincc(v / 2, x / 2).

    Args:
        v: the degrees of freedom, positive, a constant.
        x: numbers, and what it is differentiated by.

    Shapes: any that broadcast -> the common one.

    Raises:
        GraphError: a parameter requires gradients, which have no closed form.
    """
    return gammaincc(constant("chdtrc", "v", v) / 2, _tensor(x) / 2)


def fdtr(dfn: ArrayLike, dfd: ArrayLike, x: ArrayLike) -> Tensor:
    """The distribution function of Fisher's F.

    out = betainc(dfn / 2, dfd / 2, dfn x / (dfd + dfn x)).

    Args:
        dfn, dfd: the degrees of freedom of numerator and denominator, positive, constants.
        x: numbers, and what it is differentiated by.

    Shapes: any that broadcast -> the common one.

    Raises:
        GraphError: a parameter requires gradients, which have no closed form.
    """
    n, d = constant("fdtr", "dfn", dfn), constant("fdtr", "dfd", dfd)
    scaled = n * _tensor(x)
    return betainc(n / 2, d / 2, scaled / (d + scaled))


def fdtrc(dfn: ArrayLike, dfd: ArrayLike, x: ArrayLike) -> Tensor:
    """The survival function of Fisher's F, which gives p-values.

    out = betainc(dfd / 2, dfn / 2, dfd / (dfd + dfn x)).

    Args:
        dfn, dfd: the degrees of freedom of numerator and denominator, positive, constants.
        x: numbers, and what it is differentiated by.

    Shapes: any that broadcast -> the common one.

    Raises:
        GraphError: a parameter requires gradients, which have no closed form.
    """
    n, d = constant("fdtrc", "dfn", dfn), constant("fdtrc", "dfd", dfd)
    return betainc(d / 2, n / 2, d / (d + n * _tensor(x)))


def polygamma(n: int, x: ArrayLike) -> Tensor:
    """Derivative number n of digamma.

    out = the derivative number n + 1 of log Γ(x).

    Args:
        n: how often digamma is differentiated, at least 0.
        x: positive numbers.

    Shapes: any -> the same.

    Raises:
        UsageError: n is no integer of at least 0.
    """
    if n != int(n) or n < 0:
        raise UsageError(f"polygamma: n must be an integer of at least 0, not {n!r}")
    return table.polygamma_op(x, n=int(n)) if n else table.digamma(x)


def beta(a: ArrayLike, b: ArrayLike) -> Tensor:
    """The beta function of positive numbers.

    out = Γ(a) Γ(b) / Γ(a + b).

    Args:
        a, b: positive numbers.

    Shapes: any that broadcast -> the common one.
    """
    return exp(table.betaln(a, b))


def multigammaln(a: ArrayLike, d: int) -> Tensor:
    """The logarithm of the multivariate gamma function.

    out = d (d - 1) / 4 log π + the sum over j = 0 ... d - 1 of log Γ(a - j / 2).

    Args:
        a: numbers larger than (d - 1) / 2.
        d: the dimension, at least 1.

    Shapes: any -> the same.

    Raises:
        UsageError: d is no integer of at least 1.
    """
    if d != int(d) or d < 1:
        raise UsageError(f"multigammaln: d must be an integer of at least 1, not {d!r}")
    terms = [table.gammaln(_tensor(a) - j / 2) for j in range(int(d))]
    return sum(terms, start=Tensor(np.zeros((), terms[0].dtype))) + d * (d - 1) / 4 * log(pi)


def _tensor(x: ArrayLike) -> Tensor:
    return x if isinstance(x, Tensor) else wrap(as_operand(x))
