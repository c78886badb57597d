"""The derivative table of the activations; sigmoid, tanh and relu are in `elementwise.py`.

Read a row as in `elementwise.py`: name, function, and for each input the product of the incoming cotangent g with the
partial derivative. Settings are keyword-only, in functions and in rules.

At a kink the rule gives a subgradient, the one that PyTorch has: the slope on the left for leaky_relu, prelu, elu and
selu at 0; that of the straight side for hardswish; the flat one, 0, for relu6, hardtanh, hardsigmoid and softshrink.
threshold and hardshrink jump, and there have no subgradient: the rule gives the slope of the side to which the value
belongs. `kinks` are stated for the usual settings.

No row overflows for large numbers, in any dtype: exp only sees what is not positive, and polynomials what is not huge.
At infinities values and slopes are limits: `times` and `weighted` make 0 of 0 times infinity.
"""

from __future__ import annotations

from math import pi
from math import sqrt as root
from typing import Final

import numpy as np

from minigrad.autograd.elementwise import elementwise
from minigrad.kernels import error_function
from minigrad.ops.elementwise import abs, clip, exp, minimum, sigmoid, tanh, times, weighted, where
from minigrad.typing import Value

SELU_SCALE: Final = 1.0507009873554804934193349852946
SELU_ALPHA: Final = 1.6732632423543772848170429916717
"""The fixed point of the SELU paper: activations of mean 0 and variance 1 keep both."""

FLAT: Final = 30.0
"""Beyond it, in either direction, the logistic function of GELU's cubic polynomial is 0 or 1 to the last digit."""


# ---- functions of arrays ---------------------------------------------------------------------------------------


def _elu(x: Value, alpha: float) -> Value:
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


def _log_sigmoid(x: Value) -> Value:
    return np.minimum(x, 0) - np.log1p(np.exp(-np.abs(x)))


def _softplus(x: Value, *, beta: float = 1.0, threshold: float = 20.0) -> Value:
    scaled = beta * x
    return np.where(scaled > threshold, x, -_log_sigmoid(-scaled) / beta)


def _mish(x: Value) -> Value:
    return times(np.tanh(-_log_sigmoid(-x)), x)


def _gelu(x: Value) -> Value:
    return times(error_function.erfc(x * -root(0.5)) / 2, x)


def _gelu_tanh(x: Value) -> Value:
    y = np.clip(x, -FLAT, FLAT)
    return times(sigmoid(_cubic(y)), x)


def _softsign(x: Value) -> Value:
    with np.errstate(invalid="ignore"):
        out = x / (1 + np.abs(x))
    return np.where(np.isinf(x), np.sign(x), out) if np.isnan(out).any() else out


def _softshrink(x: Value, *, lambd: float = 0.5) -> Value:
    return x - np.clip(x, -lambd, lambd)


# ---- parts of derivatives ----------------------------------------------------------------------------------------


def _elu_slope(x: Value, alpha: float) -> Value:
    return where(x > 0, 1, alpha * exp(minimum(x, 0)))


def _mish_slope(x: Value) -> Value:
    t = tanh(-logsigmoid(-x))
    return t + weighted((1 - t * t) * sigmoid(x), x)


def _silu_slope(x: Value) -> Value:
    return weighted(sigmoid(x), 1 + weighted(sigmoid(-x), x))


def _gelu_slope(x: Value) -> Value:
    """Φ(x) + x φ(x): the normal distribution and its density."""
    y = clip(x, -FLAT, FLAT)  # beyond it the density is 0
    z = y * -root(0.5)
    return erfc(z) / 2 + y * exp(-(z * z)) / root(2 * pi)


def _gelu_tanh_slope(x: Value) -> Value:
    y = clip(x, -FLAT, FLAT)
    s = sigmoid(_cubic(y))
    return s + y * s * (1 - s) * (root(8 / pi) * (1 + 3 * 0.044715 * y * y))


def _cubic(y: Value) -> Value:
    """Twice the argument of tanh: (1 + tanh(u)) / 2 is the logistic function of 2u."""
    return root(8 / pi) * (y + 0.044715 * y * y * y)


def _gaussian(x: Value) -> Value:
    """exp(-x²), without overflow of the square."""
    y = clip(x, -FLAT, FLAT)
    return exp(-y * y)


# fmt: off
# ---- piecewise linear ------------------------------------------------------------------------------------------
relu6 = elementwise("relu6", lambda x: np.clip(x, 0, 6), "min(max(x, 0), 6).",
                    x=lambda g, x: where((x > 0) & (x < 6), g, 0), kinks=(0.0, 6.0), source="arXiv:1704.04861")
leaky_relu = elementwise("leaky_relu", lambda x, *, negative_slope=0.01: np.where(x > 0, x, times(negative_slope, x)),
                         "x where x > 0, else negative_slope x.",
                         x=lambda g, x, *, negative_slope: where(x > 0, g, negative_slope * g),
                         kinks=(0.0,), onnx="LeakyRelu", source="Maas et al. 2013, Rectifier nonlinearities ...")
prelu = elementwise("prelu", lambda x, weight: np.where(x > 0, x, weight * x), "x where x > 0, else weight x.",
                    x=lambda g, x, weight: where(x > 0, g, weight * g), weight=lambda g, x: where(x > 0, 0, g * x),
                    kinks=(0.0,), onnx="PRelu", source="arXiv:1502.01852")
hardtanh = elementwise("hardtanh", lambda x, *, min_val=-1.0, max_val=1.0: np.clip(x, min_val, max_val),
                       "min(max(x, min_val), max_val).",
                       x=lambda g, x, *, min_val, max_val: where((x > min_val) & (x < max_val), g, 0),
                       kinks=(-1.0, 1.0))
hardsigmoid = elementwise("hardsigmoid", lambda x: np.clip(x, -3, 3) / 6 + 0.5, "min(max(x + 3, 0), 6) / 6.",
                          x=lambda g, x: where((x > -3) & (x < 3), g / 6, 0), kinks=(-3.0, 3.0))
softshrink = elementwise("softshrink", _softshrink, "x moved towards 0 by lambd, and 0 where it would pass it.",
                         x=lambda g, x, *, lambd: where(abs(x) > lambd, g, 0), kinks=(-0.5, 0.5))
hardshrink = elementwise("hardshrink", lambda x, *, lambd=0.5: np.where(np.abs(x) <= lambd, 0, x),
                         "x, but 0 where |x| <= lambd.",
                         x=lambda g, x, *, lambd: where(abs(x) <= lambd, 0, g))
threshold = elementwise("threshold", lambda x, *, threshold, value: np.where(x <= threshold, value, x),
                        "x where x > threshold, else value.",
                        x=lambda g, x, *, threshold: where(x <= threshold, 0, g))

# ---- exponential on the left -----------------------------------------------------------------------------------
elu  = elementwise("elu", lambda x, *, alpha=1.0: _elu(x, alpha), "x where x > 0, else alpha (exp(x) - 1).",
                   x=lambda g, x, *, alpha: g * _elu_slope(x, alpha),
                   kinks=(0.0,), onnx="Elu", source="arXiv:1511.07289")
selu = elementwise("selu", lambda x: SELU_SCALE * _elu(x, SELU_ALPHA), "1.0507 elu(x) with alpha = 1.6733.",
                   x=lambda g, x: g * (SELU_SCALE * _elu_slope(x, SELU_ALPHA)),
                   kinks=(0.0,), onnx="Selu", source="arXiv:1706.02515")
celu = elementwise("celu", lambda x, *, alpha=1.0: np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0) / alpha)),
                   "x where x > 0, else alpha (exp(x / alpha) - 1): an elu without a kink.",
                   x=lambda g, x, *, alpha: g * where(x > 0, 1, exp(minimum(x, 0) / alpha)),
                   onnx="Celu", source="arXiv:1704.07483")

# ---- smooth ----------------------------------------------------------------------------------------------------
logsigmoid = elementwise("logsigmoid", _log_sigmoid, "log(sigmoid(x)) = -log(1 + exp(-x)), without overflow.",
                         x=lambda g, x: g * sigmoid(-x))
softplus = elementwise("softplus", _softplus, "log(1 + exp(beta x)) / beta; x itself where beta x > threshold.",
                       x=lambda g, x, *, beta, threshold: where(beta * x > threshold, g, g * sigmoid(beta * x)),
                       onnx="Softplus", source="Dugas et al. 2001, Incorporating second-order functional knowledge ...")
softsign = elementwise("softsign", _softsign, "x / (1 + |x|).",
                       x=lambda g, x: g / (1 + abs(x)) / (1 + abs(x)), onnx="Softsign")
silu = elementwise("silu", lambda x: times(sigmoid(x), x), "x sigmoid(x), also named swish.",
                   x=lambda g, x: g * _silu_slope(x), source="arXiv:1606.08415")
mish = elementwise("mish", _mish, "x tanh(softplus(x)).",
                   x=lambda g, x: g * _mish_slope(x), onnx="Mish", source="arXiv:1908.08681")
hardswish = elementwise("hardswish", lambda x: times(np.clip(x, -3, 3) / 6 + 0.5, x), "x hardsigmoid(x).",
                        x=lambda g, x: where(x <= -3, 0, where(x < 3, g * (x / 3 + 0.5), g)),
                        kinks=(-3.0, 3.0), onnx="HardSwish", source="arXiv:1905.02244")
gelu = elementwise("gelu", _gelu, "x Φ(x), where Φ is the distribution function of the standard normal distribution.",
                   x=lambda g, x: g * _gelu_slope(x), onnx="Gelu", source="arXiv:1606.08415")
gelu_tanh = elementwise("gelu_tanh", _gelu_tanh, "x (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2: nearly gelu.",
                        x=lambda g, x: g * _gelu_tanh_slope(x), source="arXiv:1606.08415")

# ---- the error function, of which gelu is made -----------------------------------------------------------------
erf  = elementwise("erf",  error_function.erf,  "2/√π times the integral of exp(-t²) from 0 to x.",
                   x=lambda g, x: g * (_gaussian(x) * (2 / root(pi))), onnx="Erf")
erfc = elementwise("erfc", error_function.erfc, "1 - erf(x), without cancellation where that is small.",
                   x=lambda g, x: g * (_gaussian(x) * (-2 / root(pi))))
# fmt: on
