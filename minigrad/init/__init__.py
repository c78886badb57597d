"""Initial values of weights. Each function gives an array of a given shape, in the default dtype.

    layer.weight.data = init.he_normal(layer.weight.shape, rng=rng)

A weight has shape (O, D) or (O, C, P, Q).
"""

from minigrad.init.distributions import constant, normal, ones, truncated_normal, uniform, zeros
from minigrad.init.matrices import dirac, eye, orthogonal
from minigrad.init.skipping import skip
from minigrad.init.variance_scaling import (
    calculate_gain,
    fans,
    he_normal,
    he_uniform,
    torch_default_uniform,
    xavier_normal,
    xavier_uniform,
)
from minigrad.pytorch_names.keywords import explained as _explained

__all__ = [
    "calculate_gain", "constant", "dirac", "eye", "fans", "he_normal", "he_uniform", "normal", "ones", "orthogonal",
    "skip", "torch_default_uniform", "truncated_normal", "uniform", "xavier_normal", "xavier_uniform", "zeros",
]  # fmt: skip

globals().update(_explained(globals(), __all__))
