"""The ops: forward functions with their derivative rules, one family a file."""

import sys
from importlib import import_module

from minigrad.autograd import operators
from minigrad.ops.activation import (
    celu,
    elu,
    erf,
    erfc,
    gelu,
    gelu_tanh,
    hardshrink,
    hardsigmoid,
    hardswish,
    hardtanh,
    leaky_relu,
    logsigmoid,
    mish,
    prelu,
    relu6,
    selu,
    silu,
    softplus,
    softshrink,
    softsign,
    threshold,
)  # fmt: skip
from minigrad.ops.assignment import setitem
from minigrad.ops.complex_parts import conj, imag, real
from minigrad.ops.convolution import conv, conv_input, conv_weight
from minigrad.ops.ctc import ctc_nll
from minigrad.ops.decomposition import cholesky, eigh, eigvalsh, qr, svd, svdvals
from minigrad.ops.einstein_summation import einsum
from minigrad.ops.elementwise import (
    abs,
    acos,
    acosh,
    add,
    angle,
    asin,
    asinh,
    atan,
    atan2,
    atanh,
    ceil,
    clip,
    copysign,
    cos,
    cosh,
    divide,
    exp,
    exp2,
    expm1,
    floor,
    hypot,
    log,
    log1p,
    log2,
    log10,
    logaddexp,
    maximum,
    minimum,
    multiply,
    negative,
    positive,
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
    trunc,
    weighted,
    where,
)  # fmt: skip
from minigrad.ops.fill import full_like, ones_like, zeros_like
from minigrad.ops.grid_sampling import grid_sample
from minigrad.ops.index import getitem, nonzero, scatter_add, take, take_along_axis
from minigrad.ops.linalg import cross, diagonal, diagonal_matrix, linear, matmul, outer, tensordot, trace, vecdot
from minigrad.ops.linear_systems import det, inv, matrix_power, matrix_rank, pinv, slogdet, solve
from minigrad.ops.logic import (
    bitwise_and,
    bitwise_invert,
    bitwise_left_shift,
    bitwise_or,
    bitwise_right_shift,
    bitwise_xor,
    equal,
    floor_divide,
    greater,
    greater_equal,
    isfinite,
    isinf,
    isnan,
    less,
    less_equal,
    logical_and,
    logical_not,
    logical_or,
    logical_xor,
    nextafter,
    not_equal,
    signbit,
)  # fmt: skip
from minigrad.ops.long_short_term_memory import lstm
from minigrad.ops.loss import binary_cross_entropy
from minigrad.ops.matrix_functions import eig, eigvals, householder_product, matrix_exp, solve_triangular
from minigrad.ops.matrix_products import kron, lstsq, multi_dot, tensorinv, tensorsolve
from minigrad.ops.moment import std, var
from minigrad.ops.normalization import standardize, standardize_layer
from minigrad.ops.norms import matrix_norm, norm, vector_norm
from minigrad.ops.padding import pad
from minigrad.ops.pooling import (
    adaptive_positions,
    avg_pool,
    avg_pool_input,
    max_pool,
    max_positions,
    max_unpool,
    pool_take,
)  # fmt: skip
from minigrad.ops.rearrange import (
    broadcast_arrays,
    flip,
    meshgrid,
    moveaxis,
    repeat,
    roll,
    split,
    tile,
    tril,
    triu,
    unstack,
)
from minigrad.ops.recurrence import gru, rnn
from minigrad.ops.reduce import all, any, count_nonzero, logsumexp, max, mean, min, prod, sum
from minigrad.ops.resampling import resample, resample_input
from minigrad.ops.scaled_dot_product import attention
from minigrad.ops.scan import cumulative_prod, cumulative_sum, diff, linear_scan
from minigrad.ops.sets import isin, unique_all, unique_counts, unique_inverse, unique_values
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
from minigrad.ops.sliding_windows import fold, unfold
from minigrad.ops.softmax_family import log_softmax, softmax, softmax_cross_entropy
from minigrad.ops.sorting import argmax, argmin, argsort, searchsorted, sort, topk
from minigrad.ops.sparse import sparse_matmul

operators.bind(ops=sys.modules[__name__])


def load_batching_rules() -> None:
    """Register the batching rules, which are made of ops and which only `vmap` needs."""
    import_module("minigrad.ops.batching")


__all__ = [
    "abs", "acos", "acosh", "adaptive_positions", "add", "all", "angle", "any", "argmax", "argmin", "argsort", "asin",
    "asinh", "astype", "atan", "atan2", "atanh", "attention", "avg_pool", "avg_pool_input", "binary_cross_entropy",
    "bitwise_and", "bitwise_invert", "bitwise_left_shift", "bitwise_or", "bitwise_right_shift", "bitwise_xor",
    "broadcast_arrays", "broadcast_to", "ceil", "celu", "cholesky", "clip", "concat", "conj", "conv", "conv_input",
    "conv_weight", "copysign", "cos", "cosh", "count_nonzero", "cross", "ctc_nll", "cumulative_prod", "cumulative_sum",
    "det", "diagonal", "diagonal_matrix", "diff", "divide", "eig", "eigh", "eigvals", "eigvalsh", "einsum", "elu",
    "equal", "erf", "erfc", "exp", "exp2", "expand_dims", "expm1", "flatten", "flip", "floor", "floor_divide", "fold",
    "full_like", "gelu", "gelu_tanh", "getitem", "greater", "greater_equal", "grid_sample", "gru", "hardshrink",
    "hardsigmoid", "hardswish", "hardtanh", "householder_product", "hypot", "imag", "inv", "isfinite", "isin", "isinf",
    "isnan", "kron", "leaky_relu", "less", "less_equal", "linear", "linear_scan", "log", "log1p", "log2", "log10",
    "log_softmax", "logaddexp", "logical_and", "logical_not", "logical_or", "logical_xor", "logsigmoid", "logsumexp",
    "lstm", "lstsq", "matmul", "matrix_exp", "matrix_norm", "matrix_power", "matrix_rank", "matrix_transpose", "max",
    "max_pool", "max_positions", "max_unpool", "maximum", "mean", "meshgrid", "min", "minimum", "mish", "moveaxis",
    "multi_dot", "multiply", "negative", "nextafter", "nonzero", "norm", "not_equal", "ones_like", "outer", "pad",
    "permute_dims", "pinv", "pool_take", "positive", "pow", "prelu", "prod", "qr", "real", "reciprocal", "relu",
    "relu6", "remainder", "repeat", "resample", "resample_input", "reshape", "rnn", "roll", "round", "scatter_add",
    "searchsorted", "selu", "setitem", "sigmoid", "sign", "signbit", "silu", "sin", "sinh", "slogdet", "softmax",
    "softmax_cross_entropy", "softplus", "softshrink", "softsign", "solve", "solve_triangular", "sort", "sparse_matmul",
    "split", "sqrt", "square", "squeeze", "stack", "standardize", "standardize_layer", "std", "step", "subtract", "sum",
    "sum_to", "svd", "svdvals", "take", "take_along_axis", "tan", "tanh", "tensordot", "tensorinv", "tensorsolve",
    "threshold", "tile", "topk", "trace", "tril", "triu", "trunc", "unfold", "unique_all", "unique_counts",
    "unique_inverse", "unique_values", "unstack", "var", "vecdot", "vector_norm", "weighted", "where", "zeros_like",
]  # fmt: skip
