"""How weights begin. Each function gives an array of a given shape, in the default dtype.

    layer.weight.data = init.he_normal(layer.weight.shape, rng=rng)

A weight has shape (O, D) or (O, C, P, Q). Fan-in counts what one output is summed from, D or C*P*Q; fan-out counts what
one input goes to, O or O*P*Q. `gain` makes up for what the activation that follows loses: see `calculate_gain`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from numbers import Real
from typing import Any, ParamSpec

import numpy as np

from minigrad.autograd.tensor import default_dtype
from minigrad.errors import ShapeError, UsageError
from minigrad.rng import default_rng
from minigrad.typing import Array

Shape = tuple[int, ...]
Rng = np.random.Generator | None
P = ParamSpec("P")

_skipping: ContextVar[bool] = ContextVar("skipping", default=False)


@contextmanager
def skip() -> Iterator[None]:
    """Draw nothing inside: what would be random is 0.

    For networks whose weights are loaded, or only counted: to draw them takes most of the time in which they are made.

    >>> from minigrad import nn
    >>> with skip():
    ...     layer = nn.Linear(100, 100)
    >>> layer.weight.data.any()
    np.False_
    """
    token = _skipping.set(True)
    try:
        yield
    finally:
        _skipping.reset(token)


def _drawn(draw: Callable[P, Array]) -> Callable[P, Array]:
    """An initializer that `skip` has a word with."""

    @wraps(draw)
    def initializer(*args: P.args, **settings: P.kwargs) -> Array:
        if not _skipping.get():
            return draw(*args, **settings)
        shape: Any = args[0] if args else settings["shape"]
        return np.zeros(shape, default_dtype())

    return initializer


_GAINS = {
    "linear": 1.0, "identity": 1.0, "conv1d": 1.0, "conv2d": 1.0, "conv_transpose1d": 1.0, "conv_transpose2d": 1.0,
    "sigmoid": 1.0, "tanh": 5 / 3, "relu": math.sqrt(2), "selu": 3 / 4,
}  # fmt: skip


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The factor by which weights are enlarged because of the activation behind them; the values are PyTorch's.

        linear, identity, conv..., sigmoid   1
        tanh                                 5/3
        relu                                 sqrt(2)
        leaky_relu                           sqrt(2 / (1 + param^2)), param being the slope, 0.01 unless given
        selu                                 3/4

    Raises:
        UsageError: the name is unknown, or a param is given for one that takes none.

    Source: He et al. 2015, arXiv:1502.01852 (relu, leaky_relu).
    """
    if nonlinearity == "leaky_relu":
        return math.sqrt(2 / (1 + (0.01 if param is None else param) ** 2))
    if nonlinearity not in _GAINS:
        raise UsageError(f"calculate_gain: knows leaky_relu, {', '.join(_GAINS)}, not {nonlinearity!r}")
    if param is not None:
        raise UsageError(f"calculate_gain: a param is for leaky_relu, {nonlinearity!r} takes none")
    return _GAINS[nonlinearity]


def fans(shape: Shape) -> tuple[int, int]:
    """(fan_in, fan_out) of a weight.

    Raises:
        ShapeError: the shape has less than two dimensions, as that of a bias.
        UsageError: it is no shape, but a weight for instance.
    """
    if not isinstance(shape, (tuple, list)):
        raise UsageError(f"init: takes a shape, such as layer.weight.shape, not a {type(shape).__name__}")
    if len(shape) < 2:
        raise ShapeError(
            f"a weight has at least two dimensions, got shape {shape}: use constant, uniform or normal for biases"
        )
    area = math.prod(shape[2:])
    return shape[1] * area, shape[0] * area


# ---- the same for all shapes ---------------------------------------------------------------------------------------


def constant(shape: Shape, value: float = 0.0) -> Array:
    """Everywhere the same. (Weights that all begin alike stay alike: use it for biases.)"""
    return np.full(shape, value, default_dtype())


def zeros(shape: Shape) -> Array:
    """Everywhere 0."""
    return constant(shape, 0.0)


def ones(shape: Shape) -> Array:
    """Everywhere 1."""
    return constant(shape, 1.0)


@_drawn
def uniform(shape: Shape, low: float = 0.0, high: float = 1.0, rng: Rng = None) -> Array:
    """Uniform in [low, high).

    Raises:
        UsageError: low is above high.
    """
    if not (_is_number(low) and _is_number(high) and low <= high):
        raise UsageError(f"uniform: needs numbers low <= high, got {low!r} and {high!r}")
    return (rng or default_rng()).uniform(low, high, shape).astype(default_dtype())


@_drawn
def normal(shape: Shape, mean: float = 0.0, std: float = 1.0, rng: Rng = None) -> Array:
    """Normal, also known as Gaussian.

    Raises:
        UsageError: std is negative.
    """
    if not (_is_number(mean) and _is_number(std) and std >= 0):
        raise UsageError(f"normal: needs numbers mean and std >= 0, got {mean!r} and {std!r}")
    return (rng or default_rng()).normal(mean, std, shape).astype(default_dtype())


@_drawn
def truncated_normal(
    shape: Shape, mean: float = 0.0, std: float = 1.0, low: float = -2.0, high: float = 2.0, rng: Rng = None
) -> Array:
    """Normal, but only values in [low, high]. (The bounds are not in units of std.)

    Values are drawn uniformly and kept with a probability in proportion to the normal density.

    Raises:
        UsageError: low is not below high, or std is not positive.

    Source: von Neumann 1951, "Various techniques used in connection with random digits" (rejection).
    """
    if not (low < high and std > 0):
        raise UsageError(f"truncated_normal: needs low < high and std > 0, got {low}, {high} and {std}")
    a, b = (low - mean) / std, (high - mean) / std
    nearest = min(max(0.0, a), b)
    far = math.sqrt(nearest**2 + 80)  # out there the density is e^-40 of its highest value
    a, b = max(a, -far), min(b, far)
    draw, parts, missing = rng or default_rng(), [np.empty(0)], math.prod(shape)
    while missing > 0:
        z = draw.uniform(a, b, max(100, 2 * missing))
        kept = z[draw.random(len(z)) < np.exp((nearest**2 - z**2) / 2)][:missing]
        parts.append(kept)
        missing -= len(kept)
    values = np.clip(mean + std * np.concatenate(parts), low, high)
    return values.reshape(shape).astype(default_dtype())


# ---- by the size of the layer --------------------------------------------------------------------------------------


def xavier_uniform(shape: Shape, gain: float = 1.0, rng: Rng = None) -> Array:
    """Uniform in +-gain * sqrt(6 / (fan_in + fan_out)): the variance of `xavier_normal`.

    Source: Glorot and Bengio 2010, "Understanding the difficulty of training deep feedforward neural networks".
    """
    bound = _checked(gain) * math.sqrt(6 / max(1, sum(fans(shape))))
    return uniform(shape, -bound, bound, rng)


def xavier_normal(shape: Shape, gain: float = 1.0, rng: Rng = None) -> Array:
    """Normal with variance gain^2 * 2 / (fan_in + fan_out): keeps signals and gradients alike in size.

    Source: as `xavier_uniform`.
    """
    return normal(shape, 0.0, _checked(gain) * math.sqrt(2 / max(1, sum(fans(shape)))), rng)


def he_uniform(shape: Shape, gain: float = math.sqrt(2), rng: Rng = None, *, mode: str = "fan_in") -> Array:
    """Uniform in +-gain * sqrt(3 / fan): the variance of `he_normal`.

    Source: He et al. 2015, "Delving deep into rectifiers", arXiv:1502.01852.
    """
    bound = _checked(gain) * math.sqrt(3 / _fan(shape, mode))
    return uniform(shape, -bound, bound, rng)


def he_normal(shape: Shape, gain: float = math.sqrt(2), rng: Rng = None, *, mode: str = "fan_in") -> Array:
    """Normal with variance gain^2 / fan; the gain sqrt(2) is ReLU's, which loses half of the signal.

    With mode "fan_in" signals keep their size on the way forward, with "fan_out" gradients on the way back.

    Raises:
        UsageError: another mode.

    Source: He et al. 2015, "Delving deep into rectifiers", arXiv:1502.01852.
    """
    return normal(shape, 0.0, _checked(gain) / math.sqrt(_fan(shape, mode)), rng)


def torch_default_uniform(shape: Shape, fan_in: int, rng: Rng = None) -> Array:
    """Uniform in +-1/sqrt(fan_in): the default of linear and convolution layers, weights and biases, as in PyTorch."""
    bound = 1 / math.sqrt(fan_in) if fan_in > 0 else 0.0
    return uniform(shape, -bound, bound, rng)


# ---- matrices ------------------------------------------------------------------------------------------------------


@_drawn
def orthogonal(shape: Shape, gain: float = 1.0, rng: Rng = None) -> Array:
    """A random matrix (O, C*P*Q) with W W' = gain^2 I, or W' W = gain^2 I if it has more rows than columns.

    It is uniform among all such matrices: the Q of the QR decomposition of a normal one, with the signs that make R's
    diagonal positive.

    Source: Saxe et al. 2013, arXiv:1312.6120; Mezzadri 2006, "How to generate random matrices from the classical
    compact groups", arXiv:math-ph/0609050.
    """
    fans(shape)
    rows, columns = shape[0], math.prod(shape[1:])
    a: Any = (rng or default_rng()).standard_normal((max(rows, columns), min(rows, columns)))
    q, r = np.linalg.qr(a)
    q = q * np.where(np.diagonal(r) < 0, -1.0, 1.0)
    matrix: Array = _checked(gain) * (q if rows >= columns else q.T)
    return matrix.reshape(shape).astype(default_dtype())


def eye(shape: Shape) -> Array:
    """The identity matrix: ones on the diagonal. Shape: (O, D).

    Raises:
        ShapeError: the shape has not two dimensions.
    """
    if len(shape) != 2:
        raise ShapeError(f"eye: a matrix has two dimensions, got shape {shape}: for kernels there is dirac")
    return np.eye(*shape, dtype=default_dtype())


def dirac(shape: Shape, groups: int = 1) -> Array:
    """Kernels that pass channels through: 1 at the center of kernel o for channel o (of each group), 0 elsewhere.

    Shape: (O, C/groups, P, Q), or (O, C/groups, Q).

    Raises:
        ShapeError: the shape is not that of kernels.
        UsageError: the kernels do not make so many groups.
    """
    if len(shape) < 3:
        raise ShapeError(f"dirac: kernels are (O, C, P, Q) or (O, C, Q), got shape {shape}: for matrices there is eye")
    if groups < 1 or shape[0] % groups:
        raise UsageError(f"dirac: {shape[0]} kernels do not make {groups} equal groups")
    out, per_group = constant(shape), shape[0] // groups
    center = tuple([n // 2 for n in shape[2:]])
    for o in range(shape[0]):
        if o % per_group < shape[1]:
            out[(o, o % per_group, *center)] = 1
    return out


def _fan(shape: Shape, mode: str) -> int:
    if mode not in ("fan_in", "fan_out"):
        raise UsageError(f'mode is "fan_in" or "fan_out", not {mode!r}')
    return max(1, fans(shape)[mode == "fan_out"])


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not math.isnan(value)


def _checked(gain: Any) -> float:
    """A gain that is a number of at least 0; the names of activations and modes are none."""
    if not _is_number(gain) or gain < 0:
        raise UsageError(
            f"init: gain is a number of at least 0, not {gain!r}: calculate_gain(name) gives an activation's"
        )
    return float(gain)
