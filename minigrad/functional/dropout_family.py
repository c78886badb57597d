"""Dropout: of elements, and of whole channels. (PyTorch's `inplace` does not exist: what is new is a new Tensor.)"""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.autograd.tensor import Tensor
from minigrad.errors import DTypeError, ShapeError, UsageError
from minigrad.rng import default_rng
from minigrad.shapes import Shape, shape_of

Rng = np.random.Generator | None

SELU_FLOOR = -1.7580993408473766
"""What SELU gives far to the left: -scale * alpha."""


def dropout(x: Any, p: float = 0.5, training: bool = True, *, rng: Rng = None) -> Tensor:
    """Each element set to 0 with probability p, the others divided by 1 - p; nothing changes unless training.

    Shapes: any, kept.

    Source: Srivastava et al. 2014, "Dropout: a simple way to prevent neural networks from overfitting".
    """
    return _dropped("dropout", x, p, training, rng, shape_of(x))


def dropout1d(x: Any, p: float = 0.5, training: bool = True, *, rng: Rng = None) -> Tensor:
    """Each channel set to 0 with probability p, the others divided by 1 - p; nothing changes unless training.

    Shapes: x (N, C, T) or (C, T), kept.

    Source: Tompson et al. 2015, arXiv:1411.4280.
    """
    return _dropped("dropout1d", x, p, training, rng, _channels("dropout1d", x, 1))


def dropout2d(x: Any, p: float = 0.5, training: bool = True, *, rng: Rng = None) -> Tensor:
    """Each channel set to 0 with probability p, the others divided by 1 - p; nothing changes unless training.

    (PyTorch takes three dimensions for (N, C, T) here, with a warning; for those there is `dropout1d`.)

    Shapes: x (N, C, H, W) or (C, H, W), kept.

    Source: Tompson et al. 2015, arXiv:1411.4280.
    """
    return _dropped("dropout2d", x, p, training, rng, _channels("dropout2d", x, 2))


def alpha_dropout(x: Any, p: float = 0.5, training: bool = False, *, rng: Rng = None) -> Tensor:
    """Dropout for networks of SELUs: mean 0 and variance 1 stay what they are.

    With probability p an element becomes SELU's lowest value f; then all become a*x + b, with
    a = ((1 - p) * (1 + p f^2))^(-1/2) and b = -a p f. Nothing changes unless training.

    Shapes: any, kept. Source: arXiv:1706.02515.
    """
    x = _checked("alpha_dropout", x, p)
    if not training or p == 0:
        return x  # type: ignore[no-any-return]
    _require_floating("alpha_dropout", x)
    if p == 1:
        return ops.multiply(x, 0)
    scale = ((1 - p) * (1 + p * SELU_FLOOR**2)) ** -0.5
    shift = -scale * p * SELU_FLOOR
    kept = _kept(rng, shape_of(x), p)
    return ops.add(ops.multiply(ops.where(kept, x, SELU_FLOOR), scale), shift)


def _dropped(name: str, x: Any, p: float, training: bool, rng: Rng, shape: Shape) -> Tensor:
    """x with the parts dropped that a mask of `shape`, which broadcasts to x, says."""
    x = _checked(name, x, p)
    if not training or p == 0:
        return x  # type: ignore[no-any-return]
    _require_floating(name, x)
    if p == 1:
        return ops.multiply(x, 0)
    return ops.multiply(x, _kept(rng, shape, p).astype(x.dtype) / x.dtype.type(1 - p))


def _kept(rng: Rng, shape: Shape, p: float) -> Any:
    return (rng or default_rng()).random(shape, np.float32) >= p


def _channels(name: str, x: Any, spatial: int) -> Shape:
    """The shape of a mask with one element a channel."""
    shape = shape_of(x)
    if len(shape) not in (spatial + 1, spatial + 2):
        letters = "(N, C, T) or (C, T)" if spatial == 1 else "(N, C, H, W) or (C, H, W)"
        raise ShapeError(f"{name}: expected x {letters}, got shape {shape}")
    return (*shape[:-spatial], *(1,) * spatial)


def _checked(name: str, x: Any, p: float) -> Any:
    """x as a Tensor or array, if p is a probability."""
    check_probability(name, p)
    return x if isinstance(x, (Tensor, np.ndarray)) else Tensor(x)


def check_probability(name: str, p: Any) -> None:
    """Refuse what is no number in [0, 1]."""
    if not isinstance(p, Real) or not 0 <= float(p) <= 1:
        raise UsageError(f"{name}: the probability p must lie in [0, 1], got {p!r}")


def _require_floating(name: str, x: Any) -> None:
    if x.dtype.kind != "f":
        raise DTypeError(f"{name}: x is divided by 1 - p, so it must be floating, not {x.dtype}: use .astype(float)")
