"""Modules: layers, losses and containers, with PyTorch's names, arguments, defaults and state dicts."""

from typing import TYPE_CHECKING

from minigrad.nn.adaptive_pooling import (
    AdaptiveAvgPool1d,
    AdaptiveAvgPool2d,
    AdaptiveAvgPool3d,
    AdaptiveMaxPool1d,
    AdaptiveMaxPool2d,
    AdaptiveMaxPool3d,
    GlobalAvgPool2d,
    GlobalMaxPool2d,
    SpatialPyramidPool,
)
from minigrad.nn.attention import MultiheadAttention
from minigrad.nn.build import conv_net
from minigrad.nn.compose import Identity, Lambda, Residual
from minigrad.nn.container import ModuleList, Sequential
from minigrad.nn.convolution import Conv1d, Conv2d, Conv3d
from minigrad.nn.dropout import AlphaDropout, Dropout, Dropout1d, Dropout2d, Dropout3d
from minigrad.nn.gated import GELU, GLU, Hardswish, Mish, SiLU
from minigrad.nn.hook import Handle
from minigrad.nn.layer_normalization import GroupNorm, LayerNorm, RMSNorm
from minigrad.nn.linear import Bilinear, CosineSimilarity, Embedding, Linear
from minigrad.nn.local_normalization import LocalContrastNorm, LocalResponseNorm
from minigrad.nn.locally_connected import LocallyConnected2d
from minigrad.nn.loss import GaussianNLLLoss, HuberLoss, L1Loss, MSELoss, PoissonNLLLoss, SmoothL1Loss, SumSquaredError
from minigrad.nn.loss_class import (
    BCELoss,
    BCEWithLogitsLoss,
    CrossEntropyLoss,
    CTCLoss,
    KLDivLoss,
    MultiLabelSoftMarginLoss,
    NLLLoss,
    SoftMarginLoss,
)
from minigrad.nn.loss_margin import (
    CosineEmbeddingLoss,
    HingeEmbeddingLoss,
    MarginRankingLoss,
    MultiClassSVMLoss,
    MultiMarginLoss,
    TripletMarginLoss,
)
from minigrad.nn.max_pooling import MaxPool1d, MaxPool2d, MaxPool3d, MaxUnpool1d, MaxUnpool2d, MaxUnpool3d
from minigrad.nn.module import Module, Parameter
from minigrad.nn.module_dict import ModuleDict
from minigrad.nn.normalization import (
    BatchNorm1d,
    BatchNorm2d,
    BatchNorm3d,
    InstanceNorm1d,
    InstanceNorm2d,
    InstanceNorm3d,
)
from minigrad.nn.output_size import conv_output_size, conv_transpose_output_size, pool_output_size
from minigrad.nn.padding import (
    CircularPad1d,
    CircularPad2d,
    CircularPad3d,
    ConstantPad1d,
    ConstantPad2d,
    ConstantPad3d,
    ReflectionPad1d,
    ReflectionPad2d,
    ReflectionPad3d,
    ReplicationPad1d,
    ReplicationPad2d,
    ReplicationPad3d,
    ZeroPad1d,
    ZeroPad2d,
    ZeroPad3d,
)
from minigrad.nn.parameter_container import ParameterDict, ParameterList
from minigrad.nn.pooling import (
    AvgPool1d,
    AvgPool2d,
    AvgPool3d,
    LPPool1d,
    LPPool2d,
    LPPool3d,
)
from minigrad.nn.rearrange import Flatten, Fold, PixelShuffle, PixelUnshuffle, Unflatten, Unfold, Upsample
from minigrad.nn.recurrent import GRU, LSTM, RNN
from minigrad.nn.recurrent_cell import GRUCell, LSTMCell, RNNCell
from minigrad.nn.relu import CELU, ELU, SELU, CReLU, LeakyReLU, PReLU, ReLU, ReLU6, Softplus
from minigrad.nn.sigmoid import Hardsigmoid, Hardtanh, LogSigmoid, Sigmoid, Softsign, Tanh
from minigrad.nn.softmax_family import LogSoftmax, Softmax, Softmax2d, Softmin
from minigrad.nn.sync_batch_norm import SyncBatchNorm
from minigrad.nn.threshold import Hardshrink, Softshrink, Step, Tanhshrink, Threshold
from minigrad.nn.transformer import Transformer, TransformerDecoder, TransformerEncoder
from minigrad.nn.transformer_layer import TransformerDecoderLayer, TransformerEncoderLayer
from minigrad.nn.transposed_convolution import ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from minigrad.pytorch_names import module_getattr as _module_getattr
from minigrad.pytorch_names.keywords import explained as _explained

__all__ = [
    "CELU", "ELU", "GELU", "GLU", "GRU", "LSTM", "RNN", "SELU", "AdaptiveAvgPool1d", "AdaptiveAvgPool2d",
    "AdaptiveAvgPool3d", "AdaptiveMaxPool1d", "AdaptiveMaxPool2d", "AdaptiveMaxPool3d", "AlphaDropout", "AvgPool1d",
    "AvgPool2d", "AvgPool3d", "BCELoss", "BCEWithLogitsLoss", "BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "Bilinear",
    "CReLU", "CTCLoss", "CircularPad1d", "CircularPad2d", "CircularPad3d", "ConstantPad1d", "ConstantPad2d",
    "ConstantPad3d", "Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d",
    "CosineEmbeddingLoss", "CosineSimilarity", "CrossEntropyLoss", "Dropout", "Dropout1d", "Dropout2d", "Dropout3d",
    "Embedding", "Flatten", "Fold", "GRUCell", "GaussianNLLLoss", "GlobalAvgPool2d", "GlobalMaxPool2d", "GroupNorm",
    "Handle", "Hardshrink", "Hardsigmoid", "Hardswish", "Hardtanh", "HingeEmbeddingLoss", "HuberLoss", "Identity",
    "InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d", "KLDivLoss", "L1Loss", "LPPool1d", "LPPool2d", "LPPool3d",
    "LSTMCell", "Lambda", "LayerNorm", "LeakyReLU", "Linear", "LocalContrastNorm", "LocalResponseNorm",
    "LocallyConnected2d", "LogSigmoid", "LogSoftmax", "MSELoss", "MarginRankingLoss", "MaxPool1d", "MaxPool2d",
    "MaxPool3d", "MaxUnpool1d", "MaxUnpool2d", "MaxUnpool3d", "Mish", "Module", "ModuleDict", "ModuleList",
    "MultiClassSVMLoss", "MultiLabelSoftMarginLoss", "MultiMarginLoss", "MultiheadAttention", "NLLLoss", "PReLU",
    "Parameter", "ParameterDict", "ParameterList", "PixelShuffle", "PixelUnshuffle", "PoissonNLLLoss", "RMSNorm",
    "RNNCell", "ReLU", "ReLU6", "ReflectionPad1d", "ReflectionPad2d", "ReflectionPad3d", "ReplicationPad1d",
    "ReplicationPad2d", "ReplicationPad3d", "Residual", "Sequential", "SiLU", "Sigmoid", "SmoothL1Loss",
    "SoftMarginLoss", "Softmax", "Softmax2d", "Softmin", "Softplus", "Softshrink", "Softsign", "SpatialPyramidPool",
    "Step", "SumSquaredError", "SyncBatchNorm", "Tanh", "Tanhshrink", "Threshold", "Transformer", "TransformerDecoder",
    "TransformerDecoderLayer", "TransformerEncoder", "TransformerEncoderLayer", "TripletMarginLoss", "Unflatten",
    "Unfold", "Upsample", "ZeroPad1d", "ZeroPad2d", "ZeroPad3d", "conv_net", "conv_output_size",
    "conv_transpose_output_size", "pool_output_size",
]  # fmt: skip

globals().update(_explained(globals(), __all__))

if not TYPE_CHECKING:  # type checkers find by themselves what does not exist
    __getattr__ = _module_getattr(__name__)
