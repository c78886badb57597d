"""The ops: forward functions with their derivative rules, one family a file."""

from minigrad.ops.conv import conv, conv_input, conv_weight
from minigrad.ops.elementwise import (
    abs, add, arctan, bitwise_and, bitwise_invert, bitwise_or, ceil, clip, cos, cosh, divide, equal, exp, expm1, floor,
    floor_divide, greater, greater_equal, isfinite, isinf, isnan, less, less_equal, log, log1p, logical_and,
    logical_not, logical_or, maximum, minimum, multiply, negative, not_equal, pow, reciprocal, relu, remainder, round,
    sigmoid, sign, sin, sinh, sqrt, square, step, subtract, tan, tanh, where, zeros_like,
)  # fmt: skip
from minigrad.ops.index import canonical_index, getitem, scatter_add
from minigrad.ops.linalg import linear, matmul
from minigrad.ops.pool import avg_pool, avg_pool_input, max_pool, max_unpool, pool_take
from minigrad.ops.reduce import all, any, argmax, argmin, max, mean, min, prod, std, sum, var
from minigrad.ops.shape import (
    astype, broadcast_to, concat, expand_dims, flatten, matrix_transpose, permute_dims, reshape, squeeze, stack, sum_to,
)  # fmt: skip
from minigrad.ops.softmax import log_softmax, softmax, softmax_cross_entropy

from minigrad.ops.numpy_protocol import apply_function, apply_ufunc  # isort: skip  (reads the registry)

__all__ = [name for name in dir() if not name.startswith("_")]
