"""The numerical work under the ops: array in, array out.

Each kernel is defined in plain NumPy. Where Numba is installed, a compiled twin (`*_numba.py`) answers for large
arrays; see `jit.py`.
"""

from .conv import conv, conv_input, conv_weight
from .elementwise import erf, erfc, product, relu, relu_vjp, sigmoid_vjp, tanh, tanh_vjp
from .fold import fold, unfold
from .pool import (
    adaptive_bounds,
    adaptive_positions,
    avg_pool,
    avg_pool_input,
    max_pool,
    max_pool_input,
    max_pool_take,
    window_areas,
)  # fmt: skip
from .resample import resample, resample_input
from .standardize import counted, standardize, standardize_input, standardize_weight
from .update import adam, sgd, sgd_momentum

__all__ = [
    "adam", "adaptive_bounds", "adaptive_positions", "avg_pool", "avg_pool_input", "conv", "conv_input", "conv_weight",
    "counted", "erf", "erfc", "fold", "max_pool", "max_pool_input", "max_pool_take", "product", "relu", "relu_vjp",
    "resample", "resample_input", "sgd", "sgd_momentum", "sigmoid_vjp", "standardize", "standardize_input",
    "standardize_weight", "tanh", "tanh_vjp", "unfold", "window_areas",
]  # fmt: skip
