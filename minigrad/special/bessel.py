"""Bessel functions, which are differentiated by x, and not by their order."""

from minigrad.autograd.tensor import Tensor
from minigrad.special import table
from minigrad.special.parametric import constant
from minigrad.typing import ArrayLike


def jv(v: ArrayLike, x: ArrayLike) -> Tensor:
    """The Bessel function of the first kind.

    out solves x² y'' + x y' + (x² - v²) y = 0, and is finite at 0 for integer v.

    Args:
        v: the order, a constant.
        x: numbers, and what it is differentiated by.

    Shapes: any that broadcast -> the common one.

    Raises:
        GraphError: a parameter requires gradients, which have no closed form.
    """
    return table.jv_op(x, v=constant("jv", "v", v))


def yv(v: ArrayLike, x: ArrayLike) -> Tensor:
    """The Bessel function of the second kind.

    out solves x² y'' + x y' + (x² - v²) y = 0, and is infinite at 0.

    Args:
        v: the order, a constant.
        x: numbers, and what it is differentiated by.

    Shapes: any that broadcast -> the common one.

    Raises:
        GraphError: a parameter requires gradients, which have no closed form.
    """
    return table.yv_op(x, v=constant("yv", "v", v))


def iv(v: ArrayLike, x: ArrayLike) -> Tensor:
    """The modified Bessel function of the first kind.

    out solves x² y'' + x y' - (x² + v²) y = 0, and grows with x.

    Args:
        v: the order, a constant.
        x: numbers, and what it is differentiated by.

    Shapes: any that broadcast -> the common one.

    Raises:
        GraphError: a parameter requires gradients, which have no closed form.
    """
    return table.iv_op(x, v=constant("iv", "v", v))


def kv(v: ArrayLike, x: ArrayLike) -> Tensor:
    """The modified Bessel function of the second kind.

    out solves x² y'' + x y' - (x² + v²) y = 0, and falls with x.

    Args:
        v: the order, a constant.
        x: numbers, and what it is differentiated by.

    Shapes: any that broadcast -> the common one.

    Raises:
        GraphError: a parameter requires gradients, which have no closed form.
    """
    return table.kv_op(x, v=constant("kv", "v", v))


def ive(v: ArrayLike, x: ArrayLike) -> Tensor:
    """The modified Bessel function of the first kind, scaled so that it does not overflow.

    out = exp(-|x|) iv(v, x).

    Args:
        v: the order, a constant.
        x: numbers, and what it is differentiated by.

    Shapes: any that broadcast -> the common one.

    Raises:
        GraphError: a parameter requires gradients, which have no closed form.
    """
    return table.ive_op(x, v=constant("ive", "v", v))


def kve(v: ArrayLike, x: ArrayLike) -> Tensor:
    """The modified Bessel function of the second kind, scaled so that it does not underflow.

    out = exp(x) kv(v, x).

    Args:
        v: the order, a constant.
        x: numbers, and what it is differentiated by.

    Shapes: any that broadcast -> the common one.

    Raises:
        GraphError: a parameter requires gradients, which have no closed form.
    """
    return table.kve_op(x, v=constant("kve", "v", v))
