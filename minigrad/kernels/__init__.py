"""The numerical work under the ops: array in, array out.

Each kernel is defined in plain NumPy. Where Numba is installed, a compiled twin (`*_numba.py`) answers for large
arrays; see `jit.py`.
"""

from .conv import conv, conv_input, conv_weight
from .elementwise import relu, relu_vjp, sigmoid_vjp, tanh, tanh_vjp
from .pool import avg_pool, avg_pool_input, max_pool, max_pool_input, max_pool_take
from .update import adam, sgd, sgd_momentum

__all__ = [
    "adam", "avg_pool", "avg_pool_input", "conv", "conv_input", "conv_weight", "max_pool", "max_pool_input",
    "max_pool_take", "relu", "relu_vjp", "sgd", "sgd_momentum", "sigmoid_vjp", "tanh", "tanh_vjp",
]  # fmt: skip
