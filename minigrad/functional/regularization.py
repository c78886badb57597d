"""Regularization: dropout of elements or channels, and penalties on parameters that are added to a loss.

PyTorch's `inplace` does not exist here: a result is always a new Tensor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import reduce
from numbers import Real

import numpy as np

from minigrad import ops
from minigrad.autograd.complex_numbers import is_complex
from minigrad.autograd.level import draw
from minigrad.autograd.python_call import python_call
from minigrad.autograd.tensor import Tensor, wrap
from minigrad.errors import DTypeError, ShapeError, UsageError
from minigrad.functional.common import SIDES, tensor_or_array
from minigrad.rng import default_rng
from minigrad.shapes import shape_of
from minigrad.typing import Array, ArrayLike, Shape

Rng = np.random.Generator | None

SELU_FLOOR = -1.7580993408473766
"""The limit of SELU at minus infinity: -scale * alpha."""


# ---- dropout -------------------------------------------------------------------------------------------------------


def dropout(x: ArrayLike, p: float = 0.5, training: bool = True, *, rng: Rng = None) -> Tensor:
    """out = x * mask / (1 - p), the mask 0 with probability p and else 1, for each element.

    Args:
        x: floating numbers.
        p: the probability of a 0, in [0, 1] (default 0.5).
        training: without it x is returned as it is (default True).
        rng: draws the mask; the default generator, which `minigrad.seed` sets, unless given.

    Shapes: any -> the same.

    Raises:
        DTypeError: x is not floating.
        UsageError: p is no probability.

    Source: Srivastava et al. 2014, "Dropout: a simple way to prevent neural networks from overfitting".

    >>> dropout(Tensor([1.0, 2.0, 3.0, 4.0]), 0.5, rng=np.random.default_rng(1)).tolist()
    [0.0, 4.0, 6.0, 8.0]
    """
    return _dropped("dropout", x, p, training, rng, shape_of(x))


def dropout1d(x: ArrayLike, p: float = 0.5, training: bool = True, *, rng: Rng = None) -> Tensor:
    """out = x * mask / (1 - p), the mask 0 with probability p and else 1, for each channel of a sequence.

    Args:
        x: floating numbers.
        p: the probability of a 0, in [0, 1] (default 0.5).
        training: without it x is returned as it is (default True).
        rng: draws the mask; the default generator, which `minigrad.seed` sets, unless given.

    Shapes: x (N, C, T) or (C, T) -> the same.

    Raises:
        DTypeError: x is not floating.
        ShapeError: x has neither two nor three dimensions.
        UsageError: p is no probability.

    Source: Tompson et al. 2015, "Efficient object localization using convolutional networks", arXiv:1411.4280.
    """
    return _dropped("dropout1d", x, p, training, rng, _channels("dropout1d", x, 1))


def dropout2d(x: ArrayLike, p: float = 0.5, training: bool = True, *, rng: Rng = None) -> Tensor:
    """out = x * mask / (1 - p), the mask 0 with probability p and else 1, for each channel of an image.

    (PyTorch takes three dimensions for (N, C, T) here, with a warning; for those there is `dropout1d`.)

    Args:
        x: floating numbers.
        p: the probability of a 0, in [0, 1] (default 0.5).
        training: without it x is returned as it is (default True).
        rng: draws the mask; the default generator, which `minigrad.seed` sets, unless given.

    Shapes: x (N, C, H, W) or (C, H, W) -> the same.

    Raises:
        DTypeError: x is not floating.
        ShapeError: x has neither three nor four dimensions.
        UsageError: p is no probability.

    Source: Tompson et al. 2015, "Efficient object localization using convolutional networks", arXiv:1411.4280.
    """
    return _dropped("dropout2d", x, p, training, rng, _channels("dropout2d", x, 2))


def dropout3d(x: ArrayLike, p: float = 0.5, training: bool = True, *, rng: Rng = None) -> Tensor:
    """out = x * mask / (1 - p), the mask 0 with probability p and else 1, for each channel of a volume.

    Args:
        x: floating numbers.
        p: the probability of a 0, in [0, 1] (default 0.5).
        training: without it x is returned as it is (default True).
        rng: draws the mask; the default generator, which `minigrad.seed` sets, unless given.

    Shapes: x (N, C, D, H, W) or (C, D, H, W) -> the same.

    Raises:
        DTypeError: x is not floating.
        ShapeError: x has neither four nor five dimensions.
        UsageError: p is no probability.

    Source: Tompson et al. 2015, "Efficient object localization using convolutional networks", arXiv:1411.4280.
    """
    return _dropped("dropout3d", x, p, training, rng, _channels("dropout3d", x, 3))


def alpha_dropout(x: ArrayLike, p: float = 0.5, training: bool = False, *, rng: Rng = None) -> Tensor:
    """out = a * (x, or with probability p SELU's limit f at minus infinity) + b: dropout for networks of SELUs.

    With a = ((1 - p) * (1 + p f^2))^(-1/2) and b = -a p f, mean 0 and variance 1 stay what they are.

    Args:
        x: floating numbers.
        p: the probability that an element is replaced, in [0, 1] (default 0.5).
        training: without it x is returned as it is (default False, as in PyTorch).
        rng: draws what is replaced; the default generator, which `minigrad.seed` sets, unless given.

    Shapes: any -> the same.

    Raises:
        DTypeError: x is not floating.
        UsageError: p is no probability.

    Source: Klambauer et al. 2017, "Self-normalizing neural networks", arXiv:1706.02515.
    """
    x = _checked("alpha_dropout", x, p)
    if not training or p == 0:
        return x  # type: ignore[return-value]  # an array comes back as an array
    _require_floating("alpha_dropout", x)
    if p == 1:
        return ops.multiply(x, 0)
    scale = ((1 - p) * (1 + p * SELU_FLOOR**2)) ** -0.5
    shift = -scale * p * SELU_FLOOR
    kept = _mask(rng, shape_of(x), p)
    return ops.add(ops.multiply(ops.where(kept, x, SELU_FLOOR), scale), shift)


def _dropped(name: str, x: ArrayLike, p: float, training: bool, rng: Rng, shape: Shape) -> Tensor:
    """x times a mask of `shape`, which broadcasts to x."""
    x = _checked(name, x, p)
    if not training or p == 0:
        return x  # type: ignore[return-value]  # an array comes back as an array
    _require_floating(name, x)
    if p == 1:
        return ops.multiply(x, 0)
    return ops.multiply(x, _mask(rng, shape, p).astype(x.dtype) / x.dtype.type(1 - p))


def _mask(rng: Rng, shape: Shape, p: float) -> Tensor:
    """True with probability 1 - p."""
    return ops.greater_equal(wrap(_uniform(rng, shape)), p)


@python_call
def _uniform(rng: Rng, shape: Shape) -> Array:
    """Draws from [0, 1)."""
    generator = rng or default_rng()
    drawn: Array = draw(lambda sizes: generator.random(sizes, np.float32), shape)
    return drawn


def _channels(name: str, x: ArrayLike, spatial: int) -> Shape:
    """The shape of a mask with one element a channel."""
    shape = shape_of(x)
    if len(shape) not in (spatial + 1, spatial + 2):
        letters = SIDES[spatial]
        raise ShapeError(f"{name}: expected x (N, C, {letters}) or (C, {letters}), got shape {shape}")
    return (*shape[:-spatial], *(1,) * spatial)


def _checked(name: str, x: ArrayLike, p: float) -> Tensor | Array:
    """x as a Tensor or array, if p is a probability."""
    check_probability(name, p)
    return tensor_or_array(x)


def check_probability(name: str, p: object) -> None:
    """Refuse what is no number in [0, 1]."""
    if not isinstance(p, Real) or not 0 <= float(p) <= 1:
        raise UsageError(f"{name}: the probability p must lie in [0, 1], got {p!r}")


def _require_floating(name: str, x: Tensor | Array) -> None:
    if x.dtype.kind != "f":
        raise DTypeError(f"{name}: x is divided by 1 - p, so it must be floating, not {x.dtype}: use .astype(float)")


# ---- penalties -----------------------------------------------------------------------------------------------------


def l1_penalty(parameters: Tensor | Iterable[Tensor], rate: float = 1.0) -> Tensor:
    """out = rate * sum of |w| over all parameters w (Lasso). Its gradient is rate * sign(w), and 0 at w = 0.

    Added to a loss it makes many weights exactly 0.

    Args:
        parameters: one Tensor, or those of a model, `model.parameters()`.
        rate: the factor, of at least 0 (default 1.0).

    Shapes: parameters of any shapes -> ().

    Raises:
        UsageError: no parameters, or a negative rate.

    Source: Tibshirani 1996, "Regression shrinkage and selection via the lasso".
    """
    return _penalty("l1_penalty", ops.abs, parameters, rate)


def l2_penalty(parameters: Tensor | Iterable[Tensor], rate: float = 1.0) -> Tensor:
    """out = rate / 2 * sum of |w|^2 over all parameters w (Ridge). Its gradient is rate * w.

    Added to a loss it does in plain SGD what an optimizer's weight_decay=rate does.

    Args:
        parameters: one Tensor, or those of a model, `model.parameters()`.
        rate: the factor, of at least 0 (default 1.0).

    Shapes: parameters of any shapes -> ().

    Raises:
        UsageError: no parameters, or a negative rate.

    Source: Hoerl and Kennard 1970, "Ridge regression: biased estimation for nonorthogonal problems".

    >>> l2_penalty([Tensor([1.0, 2.0]), Tensor([3.0])], 0.5).item()
    3.5
    """
    return _penalty("l2_penalty", lambda w: ops.square(ops.abs(w) if is_complex(w) else w), parameters, rate) * 0.5


def _penalty(name: str, of: Callable[[Tensor], Tensor], parameters: Tensor | Iterable[Tensor], rate: float) -> Tensor:
    if rate < 0:
        raise UsageError(f"{name}: the rate must not be negative, got {rate}")
    terms = [ops.sum(of(w)) for w in ([parameters] if isinstance(parameters, Tensor) else parameters)]
    if not terms:
        raise UsageError(
            f"{name}: there are no parameters; an iterator, such as parameters() may be, can be read only once: "
            "call parameters() again"
        )
    return reduce(ops.add, terms) * float(rate)
