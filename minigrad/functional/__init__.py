"""Functions for networks, with PyTorch's names, argument order and defaults. Each is made of ops: no rules here.

Shapes use the letters of `minigrad.shapes`. An image may come without its batch dimension N, and leaves without it.
"""

from typing import TYPE_CHECKING

from minigrad.functional.activation import (
    celu,
    crelu,
    elu,
    gelu,
    glu,
    hardshrink,
    hardsigmoid,
    hardswish,
    hardtanh,
    leaky_relu,
    logsigmoid,
    mish,
    prelu,
    relu,
    relu6,
    selu,
    sigmoid,
    silu,
    softplus,
    softshrink,
    softsign,
    tanh,
    tanhshrink,
    threshold,
)
from minigrad.functional.adaptive_pooling import (
    adaptive_avg_pool1d,
    adaptive_avg_pool2d,
    adaptive_avg_pool3d,
    adaptive_max_pool1d,
    adaptive_max_pool2d,
    adaptive_max_pool3d,
    spatial_pyramid_pool,
)
from minigrad.functional.attention import rotary, scaled_dot_product_attention, sinusoidal_positions
from minigrad.functional.convolution import (
    conv1d,
    conv2d,
    conv3d,
    locally_connected2d,
    true_conv2d,
)
from minigrad.functional.cosine import cosine_similarity, normalize
from minigrad.functional.grid_sampling import affine_grid, grid_sample
from minigrad.functional.image import interpolate, pixel_shuffle, pixel_unshuffle
from minigrad.functional.linear_maps import bilinear, embedding, linear, one_hot
from minigrad.functional.local_normalization import local_contrast_norm, local_response_norm
from minigrad.functional.loss_binary import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    multilabel_soft_margin_loss,
    soft_margin_loss,
)
from minigrad.functional.loss_class import (
    cross_entropy,
    kl_div,
    nll_loss,
)
from minigrad.functional.loss_ctc import ctc_loss
from minigrad.functional.loss_margin import (
    cosine_embedding_loss,
    hinge_embedding_loss,
    margin_ranking_loss,
    multi_class_svm_loss,
    multi_margin_loss,
    triplet_margin_loss,
)
from minigrad.functional.loss_regression import (
    gaussian_nll_loss,
    huber_loss,
    l1_loss,
    mse_loss,
    poisson_nll_loss,
    smooth_l1_loss,
    sum_squared_error,
)
from minigrad.functional.max_pooling import max_pool1d, max_pool2d, max_pool3d
from minigrad.functional.normalization import batch_norm, group_norm, instance_norm, layer_norm
from minigrad.functional.padding import pad
from minigrad.functional.pooling import (
    avg_pool1d,
    avg_pool2d,
    avg_pool3d,
    lp_pool1d,
    lp_pool2d,
    lp_pool3d,
)
from minigrad.functional.regularization import (
    alpha_dropout,
    dropout,
    dropout1d,
    dropout2d,
    dropout3d,
    l1_penalty,
    l2_penalty,
)
from minigrad.functional.rms_normalization import rms_norm
from minigrad.functional.sliding_windows import col2im, fold, im2col, unfold
from minigrad.functional.softmax_family import log_softmax, softmax, softmin
from minigrad.functional.transposed_convolution import conv_transpose1d, conv_transpose2d, conv_transpose3d
from minigrad.functional.unpooling import max_unpool1d, max_unpool2d, max_unpool3d
from minigrad.pytorch_names import module_getattr as _module_getattr
from minigrad.pytorch_names.keywords import explained as _explained

__all__ = [
    "adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d", "adaptive_max_pool1d", "adaptive_max_pool2d",
    "adaptive_max_pool3d", "affine_grid", "alpha_dropout", "avg_pool1d", "avg_pool2d", "avg_pool3d", "batch_norm",
    "bilinear", "binary_cross_entropy", "binary_cross_entropy_with_logits", "celu", "col2im", "conv1d", "conv2d",
    "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "cosine_embedding_loss", "cosine_similarity",
    "crelu", "cross_entropy", "ctc_loss", "dropout", "dropout1d", "dropout2d", "dropout3d", "elu", "embedding", "fold",
    "gaussian_nll_loss", "gelu", "glu", "grid_sample", "group_norm", "hardshrink", "hardsigmoid", "hardswish",
    "hardtanh", "hinge_embedding_loss", "huber_loss", "im2col", "instance_norm", "interpolate", "kl_div", "l1_loss",
    "l1_penalty", "l2_penalty", "layer_norm", "leaky_relu", "linear", "local_contrast_norm", "local_response_norm",
    "locally_connected2d", "log_softmax", "logsigmoid", "lp_pool1d", "lp_pool2d", "lp_pool3d", "margin_ranking_loss",
    "max_pool1d", "max_pool2d", "max_pool3d", "max_unpool1d", "max_unpool2d", "max_unpool3d", "mish", "mse_loss",
    "multi_class_svm_loss", "multi_margin_loss", "multilabel_soft_margin_loss", "nll_loss", "normalize", "one_hot",
    "pad", "pixel_shuffle", "pixel_unshuffle", "poisson_nll_loss", "prelu", "relu", "relu6", "rms_norm", "rotary",
    "scaled_dot_product_attention", "selu", "sigmoid", "silu", "sinusoidal_positions", "smooth_l1_loss",
    "soft_margin_loss", "softmax", "softmin", "softplus", "softshrink", "softsign", "spatial_pyramid_pool",
    "sum_squared_error", "tanh", "tanhshrink", "threshold", "triplet_margin_loss", "true_conv2d", "unfold",
]  # fmt: skip

globals().update(_explained(globals(), __all__))

if not TYPE_CHECKING:  # type checkers find by themselves what does not exist
    __getattr__ = _module_getattr(__name__)
