"""The ops: forward functions with their derivative rules, one family a file."""

from minigrad.ops.conv import conv, conv_input, conv_weight
from minigrad.ops.elementwise import (
    abs,
    add,
    arctan,
    bitwise_and,
    bitwise_invert,
    bitwise_or,
    ceil,
    clip,
    cos,
    cosh,
    divide,
    equal,
    exp,
    expm1,
    floor,
    floor_divide,
    greater,
    greater_equal,
    isfinite,
    isinf,
    isnan,
    less,
    less_equal,
    log,
    log1p,
    logical_and,
    logical_not,
    logical_or,
    maximum,
    minimum,
    multiply,
    negative,
    not_equal,
    pow,
    reciprocal,
    relu,
    remainder,
    round,
    sigmoid,
    sign,
    sin,
    sinh,
    sqrt,
    square,
    step,
    subtract,
    tan,
    tanh,
    where,
    zeros_like,
)  # fmt: skip
from minigrad.ops.index import getitem, scatter_add
from minigrad.ops.linalg import linear, matmul
from minigrad.ops.pool import avg_pool, avg_pool_input, max_pool, max_unpool, pool_take
from minigrad.ops.reduce import all, any, argmax, argmin, max, mean, min, prod, std, sum, var
from minigrad.ops.shape import (
    astype,
    broadcast_to,
    concat,
    expand_dims,
    flatten,
    matrix_transpose,
    permute_dims,
    reshape,
    squeeze,
    stack,
    sum_to,
)  # fmt: skip
from minigrad.ops.softmax import log_softmax, softmax, softmax_cross_entropy

from minigrad.ops import numpy_protocol as numpy_protocol  # isort: skip  (it reads the registry, complete only now)

__all__ = [
    "abs", "add", "all", "any", "arctan", "argmax", "argmin", "astype", "avg_pool", "avg_pool_input",
    "bitwise_and", "bitwise_invert", "bitwise_or", "broadcast_to", "ceil", "clip", "concat", "conv", "conv_input",
    "conv_weight", "cos", "cosh", "divide", "equal", "exp", "expand_dims", "expm1", "flatten", "floor",
    "floor_divide", "getitem", "greater", "greater_equal", "isfinite", "isinf", "isnan", "less", "less_equal",
    "linear", "log", "log1p", "log_softmax", "logical_and", "logical_not", "logical_or", "matmul",
    "matrix_transpose", "max", "max_pool", "max_unpool", "maximum", "mean", "min", "minimum", "multiply",
    "negative", "not_equal", "permute_dims", "pool_take", "pow", "prod", "reciprocal", "relu", "remainder",
    "reshape", "round", "scatter_add", "sigmoid", "sign", "sin", "sinh", "softmax", "softmax_cross_entropy",
    "sqrt", "square", "squeeze", "stack", "std", "step", "subtract", "sum", "sum_to", "tan", "tanh", "var",
    "where", "zeros_like",
]  # fmt: skip
