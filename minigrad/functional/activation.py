"""Activation functions. Their gradients at kinks, such as relu at 0, are told in `minigrad/ops/activation.py`."""

from __future__ import annotations

import numpy as np

from minigrad import ops
from minigrad.autograd.tensor import Tensor, default_dtype
from minigrad.errors import ShapeError, UsageError
from minigrad.shapes import canonical_axis, shape_of
from minigrad.typing import ArrayLike

relu = ops.relu
relu6 = ops.relu6
selu = ops.selu
silu = ops.silu
mish = ops.mish
logsigmoid = ops.logsigmoid
hardsigmoid = ops.hardsigmoid
hardswish = ops.hardswish

# ---- of integers, too, which become numbers of the default dtype, as in PyTorch -------------------------------------


def sigmoid(x: ArrayLike) -> Tensor:
    """out = 1 / (1 + exp(-x)), without overflow.

    Args:
        x: numbers; integers become the default dtype.

    Shapes: any -> the same.

    >>> sigmoid(Tensor([-1000.0, 0.0, 1000.0])).tolist()
    [0.0, 0.5, 1.0]
    """
    return ops.sigmoid(_floating(x))


def tanh(x: ArrayLike) -> Tensor:
    """out = tanh(x) = (exp(x) - exp(-x)) / (exp(x) + exp(-x)).

    Args:
        x: numbers; integers become the default dtype.

    Shapes: any -> the same.
    """
    return ops.tanh(_floating(x))


def softsign(x: ArrayLike) -> Tensor:
    """out = x / (1 + |x|).

    Args:
        x: numbers; integers become the default dtype.

    Shapes: any -> the same.

    Source: Glorot and Bengio 2010, "Understanding the difficulty of training deep feedforward neural networks".
    """
    return ops.softsign(_floating(x))


def tanhshrink(x: ArrayLike) -> Tensor:
    """out = x - tanh(x).

    Args:
        x: numbers; integers become the default dtype.

    Shapes: any -> the same.
    """
    x = _floating(x)
    return ops.subtract(x, ops.tanh(x))


def _floating(x: ArrayLike) -> ArrayLike:
    """x, but integers and booleans in the default dtype."""
    if isinstance(x, (Tensor, np.ndarray)) and x.dtype.kind in "iub":
        return ops.astype(x, dtype=default_dtype())
    return x


# ---- with settings, which become plain numbers: those of NumPy would change the dtype of the result ----------------


def leaky_relu(x: ArrayLike, negative_slope: float = 0.01) -> Tensor:
    """out = x where x > 0, else negative_slope * x.

    Args:
        x: numbers.
        negative_slope: the slope for x <= 0 (default 0.01).

    Shapes: any -> the same.

    Source: Maas et al. 2013, "Rectifier nonlinearities improve neural network acoustic models".
    """
    return ops.leaky_relu(x, negative_slope=float(negative_slope))


def prelu(x: ArrayLike, weight: ArrayLike) -> Tensor:
    """out = x where x > 0, else weight * x: a leaky relu whose slope is learned.

    Args:
        x: numbers.
        weight: the slope for x <= 0, one for all elements or one for each channel.

    Shapes: x (N, C, ...) and weight (C), or x of any shape and weight (1) or () -> as x.

    Raises:
        ShapeError: there are neither one slope nor as many as channels.

    Source: He et al. 2015, "Delving deep into rectifiers", arXiv:1502.01852.
    """
    shape, slopes = shape_of(x), shape_of(weight)
    if slopes in ((), (1,)):
        return ops.prelu(x, ops.reshape(weight, shape=()))
    if len(shape) < 2 or slopes != (shape[1],):
        raise ShapeError(
            f"prelu: weight has shape {slopes}, but x {shape}: expected one slope (1), or one for each channel "
            + (f"({shape[1]})" if len(shape) > 1 else "of an x (N, C, ...)")
        )
    return ops.prelu(x, ops.reshape(weight, shape=(-1, *[1] * (len(shape) - 2))))


def elu(x: ArrayLike, alpha: float = 1.0) -> Tensor:
    """out = x where x > 0, else alpha * (exp(x) - 1).

    Args:
        x: numbers.
        alpha: minus the limit for x to minus infinity (default 1.0).

    Shapes: any -> the same.

    Source: Clevert et al. 2015, "Fast and accurate deep network learning by exponential linear units".
    """
    return ops.elu(x, alpha=float(alpha))


def celu(x: ArrayLike, alpha: float = 1.0) -> Tensor:
    """out = x where x > 0, else alpha * (exp(x / alpha) - 1): without a kink for any alpha.

    Args:
        x: numbers.
        alpha: minus the limit for x to minus infinity (default 1.0).

    Shapes: any -> the same.

    Raises:
        UsageError: alpha is 0.

    Source: Barron 2017, "Continuously differentiable exponential linear units", arXiv:1704.07483.
    """
    if alpha == 0:
        raise UsageError("celu: alpha divides x and cannot be 0; for small alpha celu is nearly relu, so use that")
    return ops.celu(x, alpha=float(alpha))


def gelu(x: ArrayLike, approximate: str = "none") -> Tensor:
    """out = x Φ(x) with the distribution function Φ of the standard normal distribution, exact or nearly so.

    Args:
        x: numbers.
        approximate: "none", or "tanh" for x (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2, which differs by less than 0.0005
            (default "none").

    Shapes: any -> the same.

    Raises:
        UsageError: `approximate` is neither "none" nor "tanh".

    Source: Hendrycks and Gimpel 2016, "Gaussian error linear units", arXiv:1606.08415.
    """
    if approximate not in ("none", "tanh"):
        raise UsageError(f'gelu: approximate is "none" or "tanh", not {approximate!r}')
    return ops.gelu(x) if approximate == "none" else ops.gelu_tanh(x)


def softplus(x: ArrayLike, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """out = log(1 + exp(beta x)) / beta, and x itself where beta x > threshold.

    It is computed without overflow, so the threshold is not needed for that; it is there, as PyTorch has it, for equal
    results. With `threshold=math.inf` the function is smooth everywhere.

    Args:
        x: numbers.
        beta: how sharp the bend at 0 is; not 0 (default 1.0).
        threshold: above it, beta x counts as large (default 20.0).

    Shapes: any -> the same.

    Raises:
        UsageError: beta is 0.

    Source: Dugas et al. 2001, "Incorporating second-order functional knowledge for better option pricing".
    """
    if beta == 0:
        raise UsageError("softplus: beta divides and cannot be 0; its usual value is 1")
    return ops.softplus(x, beta=float(beta), threshold=float(threshold))


def hardtanh(x: ArrayLike, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
    """out = min(max(x, min_val), max_val). At the bounds the gradient is 0 (that of `clip` is 1).

    Args:
        x: numbers.
        min_val: the lower bound (default -1.0).
        max_val: the upper bound (default 1.0).

    Shapes: any -> the same.

    Raises:
        UsageError: min_val > max_val.
    """
    if min_val > max_val:
        raise UsageError(f"hardtanh: min_val={min_val} is greater than max_val={max_val}: exchange them")
    return ops.hardtanh(x, min_val=float(min_val), max_val=float(max_val))


def threshold(x: ArrayLike, threshold: float, value: float) -> Tensor:
    """out = x where x > threshold, else value.

    Args:
        x: numbers.
        threshold: the largest number that is replaced.
        value: what replaces it.

    Shapes: any -> the same.
    """
    return ops.threshold(x, threshold=float(threshold), value=float(value))


def hardshrink(x: ArrayLike, lambd: float = 0.5) -> Tensor:
    """out = x, but 0 where |x| <= lambd.

    Args:
        x: numbers.
        lambd: the largest size that becomes 0 (default 0.5).

    Shapes: any -> the same.
    """
    return ops.hardshrink(x, lambd=float(lambd))


def softshrink(x: ArrayLike, lambd: float = 0.5) -> Tensor:
    """out = x - lambd where x > lambd, x + lambd where x < -lambd, and 0 between.

    Args:
        x: numbers.
        lambd: by how much x moves toward 0, of at least 0 (default 0.5).

    Shapes: any -> the same.

    Raises:
        UsageError: lambd is negative.
    """
    if lambd < 0:
        raise UsageError(f"softshrink: lambd must not be negative, got {lambd}")
    return ops.softshrink(x, lambd=float(lambd))


# ---- made of several ops -------------------------------------------------------------------------------------------


def crelu(x: ArrayLike, dim: int = 1) -> Tensor:
    """out = relu(x) and relu(-x) side by side: twice as many channels.

    Args:
        x: numbers.
        dim: the dimension that doubles (default 1: the channels).

    Shapes: x (N, C, ...) -> (N, 2C, ...).

    Raises:
        ShapeError: x has no such dimension.

    Source: Shang et al. 2016, arXiv:1603.05201.
    """
    return ops.concat([ops.relu(x), ops.relu(ops.negative(x))], axis=dim)


def glu(x: ArrayLike, dim: int = -1) -> Tensor:
    """out = a * sigmoid(b), where a and b are the halves of x along `dim`.

    Args:
        x: numbers.
        dim: the dimension that is cut in halves (default -1: the last).

    Shapes: x (..., 2D) -> (..., D).

    Raises:
        ShapeError: the size along `dim` is odd, or x has no such dimension.

    Source: Dauphin et al. 2016, "Language modeling with gated convolutional networks", arXiv:1612.08083.
    """
    shape = shape_of(x)
    axis = canonical_axis(dim, len(shape))
    if shape[axis] % 2:
        raise ShapeError(f"glu: x {shape} has {shape[axis]} elements along dim={dim}, which do not make two halves")
    before, half = (slice(None),) * axis, shape[axis] // 2
    a, b = (ops.getitem(x, index=(*before, part)) for part in (slice(half), slice(half, None)))
    return ops.multiply(a, ops.sigmoid(b))
