"""Initial values scaled by the size of the layer, so that signals or gradients keep their variance on their way.

Fan-in counts what one output is summed from, D or C*P*Q; fan-out counts what one input goes to, O or O*P*Q.
"""

from __future__ import annotations

import math

import numpy as np

from minigrad.errors import ShapeError, UsageError
from minigrad.init.distributions import is_number, normal, uniform
from minigrad.typing import Array, Shape

Rng = np.random.Generator | None

_GAINS = {
    "linear": 1.0, "identity": 1.0, "conv1d": 1.0, "conv2d": 1.0, "conv_transpose1d": 1.0, "conv_transpose2d": 1.0,
    "sigmoid": 1.0, "tanh": 5 / 3, "relu": math.sqrt(2), "selu": 3 / 4,
}  # fmt: skip


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The factor that makes up for what an activation loses of the standard deviation; the values are PyTorch's.

        linear, identity, conv..., sigmoid   1
        tanh                                 5/3
        relu                                 sqrt(2)
        leaky_relu                           sqrt(2 / (1 + param^2))
        selu                                 3/4

    Args:
        nonlinearity: the name of the activation behind the layer.
        param: the slope of leaky_relu (default None: 0.01).

    Raises:
        UsageError: the name is unknown, or a param is given for one that takes none.

    Source: He et al. 2015, "Delving deep into rectifiers", arXiv:1502.01852 (relu, leaky_relu).

    >>> calculate_gain("leaky_relu", 1.0)
    1.0
    """
    if nonlinearity == "leaky_relu":
        return math.sqrt(2 / (1 + (0.01 if param is None else param) ** 2))
    if nonlinearity not in _GAINS:
        raise UsageError(f"calculate_gain: knows leaky_relu, {', '.join(_GAINS)}, not {nonlinearity!r}")
    if param is not None:
        raise UsageError(f"calculate_gain: a param is for leaky_relu, {nonlinearity!r} takes none")
    return _GAINS[nonlinearity]


def fans(shape: Shape) -> tuple[int, int]:
    """Fan-in and fan-out of a weight: what one output is summed from, and what one input goes to.

    Args:
        shape: of the weight, (O, D) or (O, C, P, Q).

    Returns:
        (fan_in, fan_out).

    Raises:
        ShapeError: the shape has less than two dimensions, as that of a bias.
        UsageError: it is no shape, but a weight for instance.

    >>> fans((10, 784)), fans((16, 3, 5, 5))
    ((784, 10), (75, 400))
    """
    if not isinstance(shape, (tuple, list)):
        raise UsageError(f"init: takes a shape, such as layer.weight.shape, not a {type(shape).__name__}")
    if len(shape) < 2:
        raise ShapeError(
            f"a weight has at least two dimensions, got shape {shape}: use constant, uniform or normal for biases"
        )
    area = math.prod(shape[2:])
    return shape[1] * area, shape[0] * area


def xavier_uniform(shape: Shape, gain: float = 1.0, rng: Rng = None) -> Array:
    """Uniform in +-gain * sqrt(6 / (fan_in + fan_out)): the variance of `xavier_normal`.

    Args:
        shape: of the weight, (O, D) or (O, C, P, Q).
        gain: a factor of the standard deviation, of at least 0: see `calculate_gain` (default 1.0).
        rng: draws; the default generator unless given.

    Returns:
        An array in the default dtype.

    Raises:
        UsageError: the gain is no number of at least 0.
        ShapeError: the shape has less than two dimensions.

    Source: Glorot and Bengio 2010, "Understanding the difficulty of training deep feedforward neural networks".
    """
    bound = checked_gain(gain) * math.sqrt(6 / max(1, sum(fans(shape))))
    return uniform(shape, -bound, bound, rng)


def xavier_normal(shape: Shape, gain: float = 1.0, rng: Rng = None) -> Array:
    """Normal with variance gain^2 * 2 / (fan_in + fan_out), a compromise between signals and gradients.

    Args:
        shape: of the weight, (O, D) or (O, C, P, Q).
        gain: a factor of the standard deviation, of at least 0: see `calculate_gain` (default 1.0).
        rng: draws; the default generator unless given.

    Returns:
        An array in the default dtype.

    Raises:
        UsageError: the gain is no number of at least 0.
        ShapeError: the shape has less than two dimensions.

    Source: Glorot and Bengio 2010, "Understanding the difficulty of training deep feedforward neural networks".
    """
    return normal(shape, 0.0, checked_gain(gain) * math.sqrt(2 / max(1, sum(fans(shape)))), rng)


def he_uniform(shape: Shape, gain: float = math.sqrt(2), rng: Rng = None, *, mode: str = "fan_in") -> Array:
    """Uniform in +-gain * sqrt(3 / fan): the variance of `he_normal`.

    Args:
        shape: of the weight, (O, D) or (O, C, P, Q).
        gain: a factor of the standard deviation, of at least 0: see `calculate_gain` (default sqrt(2), ReLU's).
        rng: draws; the default generator unless given.
        mode: "fan_in", so that signals keep their variance, or "fan_out", so that gradients do (default "fan_in").

    Returns:
        An array in the default dtype.

    Raises:
        UsageError: the gain is no number of at least 0, or the mode is another.
        ShapeError: the shape has less than two dimensions.

    Source: He et al. 2015, "Delving deep into rectifiers", arXiv:1502.01852.
    """
    bound = checked_gain(gain) * math.sqrt(3 / _fan(shape, mode))
    return uniform(shape, -bound, bound, rng)


def he_normal(shape: Shape, gain: float = math.sqrt(2), rng: Rng = None, *, mode: str = "fan_in") -> Array:
    """Normal with variance gain^2 / fan. ReLU loses half of the mean square, which its gain sqrt(2) makes up for.

    Args:
        shape: of the weight, (O, D) or (O, C, P, Q).
        gain: a factor of the standard deviation, of at least 0: see `calculate_gain` (default sqrt(2), ReLU's).
        rng: draws; the default generator unless given.
        mode: "fan_in", so that signals keep their variance, or "fan_out", so that gradients do (default "fan_in").

    Returns:
        An array in the default dtype.

    Raises:
        UsageError: the gain is no number of at least 0, or the mode is another.
        ShapeError: the shape has less than two dimensions.

    Source: He et al. 2015, "Delving deep into rectifiers", arXiv:1502.01852.

    >>> weight = he_normal((100, 400), rng=np.random.default_rng(0))
    >>> round(float(weight.std() * np.sqrt(400 / 2)), 1)
    1.0
    """
    return normal(shape, 0.0, checked_gain(gain) / math.sqrt(_fan(shape, mode)), rng)


def torch_default_uniform(shape: Shape, fan_in: int, rng: Rng = None) -> Array:
    """Uniform in +-1/sqrt(fan_in): what linear and convolution layers begin with, weights and biases, as in PyTorch.

    Args:
        shape: of the weight or bias.
        fan_in: what one output is summed from, D or C*P*Q; 0 gives zeros.
        rng: draws; the default generator unless given.

    Returns:
        An array in the default dtype.

    Source: LeCun et al. 1998, "Efficient backprop", whose bound is sqrt(3 / fan_in).
    """
    bound = 1 / math.sqrt(fan_in) if fan_in > 0 else 0.0
    return uniform(shape, -bound, bound, rng)


def _fan(shape: Shape, mode: str) -> int:
    if mode not in ("fan_in", "fan_out"):
        raise UsageError(f'mode is "fan_in" or "fan_out", not {mode!r}')
    return max(1, fans(shape)[mode == "fan_out"])


def checked_gain(gain: object) -> float:
    """A gain that is a number of at least 0; the names of activations and modes are none."""
    if not is_number(gain) or gain < 0:
        raise UsageError(
            f"init: gain is a number of at least 0, not {gain!r}: calculate_gain(name) gives an activation's"
        )
    return float(gain)
