"""Kernels, the numerical work of the ops: functions of arrays that return arrays.

Each kernel is defined in plain NumPy. Where Numba is installed, a compiled variant (`*_numba.py`) of the same name
computes large arrays; `jit.py` chooses.
"""

from .channel_sums import sum_by_channel
from .joining import concatenate
from .matrix_products import linear, matrix_product
from .normalization import (
    moments,
    overflow_scale,
    overflows,
    reduced_size,
    standardize,
    standardize_gradients,
    standardize_input,
    standardize_weight,
)
from .pooling import (
    adaptive_bounds,
    adaptive_positions,
    avg_pool,
    avg_pool_input,
    cell_places,
    max_pool,
    max_pool_input,
    max_pool_take,
    window_areas,
)  # fmt: skip
from .resampling import resample, resample_input
from .scan import linear_scan
from .sliding_windows import fold, unfold
from .softmax_family import (
    log_softmax,
    log_softmax_input,
    softmax,
    softmax_cross_entropy,
    softmax_cross_entropy_input,
    softmax_input,
)
from .update import adam, sgd, sgd_momentum
from .volume_convolution import conv, conv_input, conv_weight

__all__ = [
    "adam", "adaptive_bounds", "adaptive_positions", "avg_pool", "avg_pool_input", "cell_places", "concatenate",
    "conv", "conv_input", "conv_weight", "fold", "linear", "linear_scan", "log_softmax", "log_softmax_input",
    "matrix_product", "max_pool", "max_pool_input", "max_pool_take", "moments", "overflow_scale", "overflows",
    "reduced_size", "resample", "resample_input", "sgd", "sgd_momentum", "softmax", "softmax_cross_entropy",
    "softmax_cross_entropy_input", "softmax_input", "standardize", "standardize_gradients", "standardize_input",
    "standardize_weight", "sum_by_channel", "unfold", "window_areas",
]  # fmt: skip
