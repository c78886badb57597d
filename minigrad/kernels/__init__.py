"""Array in, array out: the numerical work under the ops. A fast kernel has a plain NumPy twin that defines it."""

from .conv import conv, conv_input, conv_weight
from .elementwise import relu, relu_vjp, sigmoid_vjp, tanh, tanh_vjp
from .pool import avg_pool, avg_pool_input, max_pool, max_pool_input, max_pool_take

__all__ = [
    "avg_pool", "avg_pool_input", "conv", "conv_input", "conv_weight", "max_pool", "max_pool_input", "max_pool_take",
    "relu", "relu_vjp", "sigmoid_vjp", "tanh", "tanh_vjp",
]  # fmt: skip
