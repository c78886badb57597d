"""One row a layer: how it is made, and what it is given. Each row drives the checks of test_every_layer.py."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minigrad import nn, ops


@dataclass(frozen=True)
class Row:
    """A layer with inputs for it.

    Attributes:
        name: of the class.
        args, settings: what it is made with.
        inputs: shapes, drawn from the normal distribution, or functions of a generator that give arrays.
        peer: whether PyTorch has a layer of that name with the same meaning.
        grad: whether its gradients are checked.
    """

    name: str
    args: tuple[Any, ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)
    inputs: tuple[Any, ...] = ((2, 3, 4),)
    peer: bool = True
    grad: bool = True

    def make(self) -> nn.Module:
        return getattr(nn, self.name)(*self.args, **self.settings)

    def draw(self, rng: np.random.Generator, dtype: Any = np.float64) -> list[Any]:
        drawn = [x(rng) if callable(x) else rng.normal(size=x) for x in self.inputs]
        return [x.astype(dtype) if x.dtype.kind == "f" else x for x in drawn]

    def __str__(self) -> str:
        text = ",".join([*map(str, self.args), *[f"{k}={v}" for k, v in self.settings.items()]])
        return f"{self.name}({text})"


def numbers(below: int, *shape: int) -> Callable[[np.random.Generator], Any]:
    return lambda rng: rng.integers(0, below, shape)


def labels(below: int, *shape: int, low: int = 1) -> Callable[[np.random.Generator], Any]:
    return lambda rng: rng.integers(low, below, shape)


def const(values: list[int]) -> Callable[[np.random.Generator], Any]:
    return lambda rng: np.array(values)


def counts(*shape: int) -> Callable[[np.random.Generator], Any]:
    return lambda rng: rng.integers(0, 5, shape).astype(float)


def signs(*shape: int) -> Callable[[np.random.Generator], Any]:
    return lambda rng: rng.choice([-1, 1], shape)


def shares(*shape: int) -> Callable[[np.random.Generator], Any]:
    return lambda rng: rng.uniform(0.1, 0.9, shape)


def answers(*shape: int) -> Callable[[np.random.Generator], Any]:
    return lambda rng: rng.choice([0.0, 1.0], shape)


IMAGE, SEQUENCE, VOLUME = ((2, 4, 5, 6),), ((2, 4, 7),), ((2, 2, 3, 4, 3),)
PAIR = ((3, 4), (3, 4))

ACTIVATIONS = [
    *[Row(name) for name in (
        "ReLU", "ReLU6", "SELU", "SiLU", "Mish", "Hardsigmoid", "Hardswish", "Sigmoid", "LogSigmoid", "Tanh",
        "Tanhshrink", "Softsign", "LeakyReLU", "PReLU", "ELU", "CELU", "GELU", "Softplus", "Hardtanh", "Hardshrink",
        "Softshrink",
    )],
    Row("Step", peer=False, grad=False),
    Row("ReLU", (), {"inplace": True}),
    Row("LeakyReLU", (0.3,)), Row("PReLU", (3,), {"init": 0.1}), Row("ELU", (1.5,)), Row("CELU", (1.5,)),
    Row("GELU", (), {"approximate": "tanh"}), Row("Softplus", (2.0, 1.0)), Row("Hardtanh", (-0.5, 0.2)),
    Row("Threshold", (0.1, 3.0)), Row("Hardshrink", (0.2,)), Row("Softshrink", (0.2,)),
    Row("CReLU", peer=False), Row("GLU"), Row("GLU", (1,), inputs=((2, 6),)),
    Row("Softmax", (), {"dim": 1}), Row("Softmin", (), {"dim": 1}), Row("LogSoftmax", (), {"dim": 1}),
    Row("Softmax", (), {"temperature": 2.0}, peer=False), Row("Softmax2d", inputs=((2, 3, 2, 2),)),
]  # fmt: skip

LINEARS = [
    Row("Linear", (4, 3)), Row("Linear", (4, 3), {"bias": False}), Row("Identity"), Row("Identity", (7, "ignored")),
    Row("Bilinear", (3, 4, 2), inputs=((5, 3), (5, 4))), Row("Bilinear", (3, 4, 2, False), inputs=((5, 3), (5, 4))),
    Row("Embedding", (5, 3), inputs=(numbers(5, 2, 4),)),
    Row("Embedding", (5, 3), {"padding_idx": -2}, inputs=(numbers(5, 2, 4),), grad=False),
    Row("CosineSimilarity", inputs=PAIR), Row("CosineSimilarity", (0, 1e-6), inputs=PAIR),
    Row("Lambda", (ops.square,), peer=False), Row("Residual", (nn.Tanh(),), peer=False),
]  # fmt: skip

CONVS = [
    Row("Conv1d", (4, 6, 3), {"stride": 2, "padding": 1, "groups": 2}, SEQUENCE),
    Row("Conv1d", (4, 2, 2), {"padding": "same", "dilation": 3}, SEQUENCE),
    Row("Conv1d", (4, 2, 3), {"padding": 2, "padding_mode": "circular", "bias": False}, SEQUENCE),
    Row("Conv2d", (4, 6, 3), {"padding": 1, "stride": 2, "groups": 2}, IMAGE),
    Row("Conv2d", (4, 2, (1, 3)), {"dilation": 2, "bias": False}, ((4, 5, 7),)),
    Row("Conv2d", (4, 2, (2, 3)), {"padding": "same"}, IMAGE),
    Row("Conv2d", (4, 2, (2, 3)), {"padding": "same", "padding_mode": "replicate"}, IMAGE),
    Row("Conv2d", (4, 2, 3), {"padding": "valid", "padding_mode": "reflect"}, IMAGE),
    Row("Conv2d", (4, 2, 3, 2, (1, 2), 1, 1, True, "reflect"), {}, IMAGE),
    Row("ConvTranspose1d", (4, 6, 3), {"stride": 3, "padding": 1, "output_padding": 2, "groups": 2}, SEQUENCE),
    Row("ConvTranspose2d", (4, 2, (3, 2)), {"stride": 2, "padding": 1, "dilation": (1, 2)}, ((2, 4, 3, 3),)),
    Row("ConvTranspose2d", (4, 4, 3, 2, 1, 1, 2, False), {}, ((4, 3, 2),)),
    Row("LocallyConnected2d", (2, 3, (5, 4), (3, 2)), {"stride": 2, "padding": 1}, ((2, 2, 5, 4),), peer=False),
    Row("LocallyConnected2d", (2, 3, 4, 2), {"bias": False, "dilation": 2}, ((2, 4, 4),), peer=False),
]  # fmt: skip

POOLS = [
    Row("MaxPool1d", (3, 2, 1), {"ceil_mode": True}, SEQUENCE), Row("MaxPool1d", (2,), {"dilation": 2}, SEQUENCE),
    Row("MaxPool2d", (3,), {"stride": 2, "padding": 1, "ceil_mode": True}, IMAGE),
    Row("MaxPool2d", ((2, 1), 1, 0, (1, 3)), {}, IMAGE), Row("AvgPool1d", (3, 2, 1, True, False), {}, SEQUENCE),
    Row("AvgPool2d", (3,), {"stride": 2, "padding": 1, "count_include_pad": False}, IMAGE),
    Row("AvgPool2d", (2,), {"divisor_override": 3}, ((4, 5, 6),)),
    Row("LPPool1d", (2, 3), {"stride": 2}, SEQUENCE), Row("LPPool2d", (2, 2), {"ceil_mode": True}, IMAGE),
    Row("AdaptiveAvgPool1d", (3,), {}, SEQUENCE), Row("AdaptiveMaxPool1d", (3,), {}, SEQUENCE),
    Row("AdaptiveAvgPool2d", ((2, None),), {}, IMAGE), Row("AdaptiveMaxPool2d", (3,), {}, IMAGE),
    Row("GlobalAvgPool2d", inputs=IMAGE, peer=False), Row("GlobalMaxPool2d", (True,), {}, IMAGE, peer=False),
    Row("SpatialPyramidPool", ((1, 2),), {}, IMAGE, peer=False),
    Row("SpatialPyramidPool", ((2, 3), "avg"), {}, ((4, 5, 6),), peer=False),
    Row("MaxUnpool1d", (2,), inputs=((1, 2, 3), lambda rng: np.array([[[1, 2, 4], [0, 3, 5]]]))),
    Row("MaxUnpool2d", (2,), inputs=((1, 1, 2, 2), lambda rng: np.array([[[[1, 6], [8, 15]]]]))),
]  # fmt: skip

NORMS = [
    Row("BatchNorm1d", (3,), inputs=((5, 3),)), Row("BatchNorm1d", (4, 1e-3, 0.3), {}, SEQUENCE),
    Row("BatchNorm2d", (4,), {}, IMAGE), Row("BatchNorm2d", (4,), {"momentum": None}, IMAGE),
    Row("SyncBatchNorm", (4,), {}, IMAGE),
    Row("BatchNorm2d", (4,), {"affine": False}, IMAGE), Row("BatchNorm2d", (4,), {"track_running_stats": False}, IMAGE),
    Row("InstanceNorm1d", (4,), {}, SEQUENCE), Row("InstanceNorm2d", (4,), {"affine": True}, IMAGE),
    Row("InstanceNorm2d", (4,), {"track_running_stats": True}, IMAGE),
    Row("InstanceNorm2d", (4,), {"affine": True}, ((4, 5, 6),)),
    Row("LayerNorm", ((3, 4),)), Row("LayerNorm", (4, 1e-3), {"bias": False}),
    Row("LayerNorm", (4,), {"elementwise_affine": False}), Row("GroupNorm", (2, 4), {}, IMAGE),
    Row("GroupNorm", (4, 4), {"affine": False}, IMAGE), Row("LocalResponseNorm", (3, 0.5, 0.6, 1.5), {}, IMAGE),
    Row("LocalContrastNorm", (3,), {}, IMAGE, peer=False),
]  # fmt: skip

VOLUMES = [
    Row("Conv3d", (2, 4, (3, 1, 2)), {"stride": (1, 2, 1), "padding": (1, 0, 1), "groups": 2}, VOLUME),
    Row("Conv3d", (2, 1, (2, 3, 1)), {"padding": "same", "bias": False}, ((2, 3, 4, 3),)),
    Row("Conv3d", (2, 1, (3, 1, 1)), {"padding": (2, 0, 1), "dilation": 2, "padding_mode": "circular"}, VOLUME),
    Row("ConvTranspose3d", (2, 2, 2), {"stride": (2, 1, 2), "padding": 1, "output_padding": (1, 0, 1)}, VOLUME),
    Row("ConvTranspose3d", (2, 4, (2, 1, 2), 1, 0, 0, 2, False, (1, 1, 2)), {}, ((2, 2, 2, 2),)),
    Row("MaxPool3d", (2,), {"stride": (1, 2, 2), "padding": 1, "ceil_mode": True}, VOLUME),
    Row("MaxPool3d", ((2, 1, 2), 1, 0, (2, 1, 1)), {}, VOLUME),
    Row("AvgPool3d", (2, (1, 2, 1), 1, True, False), {}, VOLUME),
    Row("AvgPool3d", ((1, 2, 2),), {"divisor_override": 3}, ((2, 3, 4, 3),)),
    Row("LPPool3d", (2, 2), {"ceil_mode": True}, VOLUME),
    Row("AdaptiveAvgPool3d", ((2, None, 1),), {}, VOLUME), Row("AdaptiveMaxPool3d", (2,), {}, VOLUME),
    Row("MaxUnpool3d", (2,), inputs=((1, 1, 1, 1, 2), lambda rng: np.array([[[[[1, 14]]]]]))),
    Row("BatchNorm3d", (2,), {}, VOLUME), Row("SyncBatchNorm", (2,), {}, VOLUME),
    Row("InstanceNorm3d", (2,), {"affine": True, "track_running_stats": True}, VOLUME),
    Row("InstanceNorm3d", (2,), {}, ((2, 3, 4, 3),)),
    Row("Dropout3d", (0.0,), {}, VOLUME),
    Row("ConstantPad3d", ((1, 0, -1, 2, 0, 1), 0.5), {}, VOLUME), Row("ZeroPad3d", (1,), {}, VOLUME),
    Row("ReflectionPad3d", ((1, 0, 2, 1, 0, 1),), {}, VOLUME), Row("ReplicationPad3d", (1,), {}, ((2, 3, 4, 3),)),
    Row("CircularPad3d", ((1, 2, 0, 1, 1, 0),), {}, VOLUME),
    Row("Upsample", (), {"scale_factor": (2, 0.5, 1.4), "mode": "trilinear"}, VOLUME),
    Row("Upsample", ((2, 3, 5), None, "trilinear", True), {}, VOLUME), Row("Upsample", (5,), {}, VOLUME),
    Row("Upsample", ((2, 3, 5),), {"mode": "area"}, VOLUME),
]  # fmt: skip

SEQUENCES = [
    Row("RNN", (3, 2, 2), {"nonlinearity": "relu", "batch_first": True}, inputs=((2, 4, 3),)),
    Row("LSTM", (3, 2), {"bidirectional": True, "proj_size": 1}, inputs=((3, 2, 3),)),
    Row("GRU", (3, 2), {}, ((4, 3),)),
    Row("RNNCell", (3, 2), {}, ((2, 3),)), Row("LSTMCell", (3, 2, False), {}, ((2, 3),)),
    Row("GRUCell", (3, 2), {}, ((3,),)), Row("RMSNorm", ((3, 4),)), Row("RMSNorm", (4, 0.1, False)),
    Row("MultiheadAttention", (4, 2), {}, ((3, 2, 4),) * 3),
    Row("MultiheadAttention", (4, 2), {"kdim": 3, "vdim": 5, "batch_first": True}, ((2, 3, 4), (2, 4, 3), (2, 4, 5))),
    Row("MultiheadAttention", (4, 1, 0.0, False, True, True), {}, ((3, 4), (2, 4), (2, 4))),
    Row("TransformerEncoderLayer", (4, 2, 3, 0.0), {"activation": "gelu"}, ((3, 2, 4),)),
    Row("TransformerEncoderLayer", (4, 2, 3, 0.0), {"norm_first": True, "bias": False}, ((3, 4),), grad=False),
    Row("TransformerDecoderLayer", (4, 2, 3, 0.0), {"activation": "gelu", "batch_first": True}, ((1, 3, 4), (1, 2, 4))),
    Row("TransformerDecoderLayer", (4, 2, 3, 0.0), {"norm_first": True}, ((3, 2, 4), (2, 2, 4)), grad=False),
    Row("TransformerEncoder", (nn.TransformerEncoderLayer(4, 2, 3, 0.0), 2), {}, ((3, 2, 4),), peer=False, grad=False),
    Row("TransformerDecoder", (nn.TransformerDecoderLayer(4, 2, 3, 0.0), 1), {}, ((3, 2, 4), (2, 2, 4)), peer=False,
        grad=False),
    Row("Transformer", (4, 2, 2, 2, 3, 0.0), {}, ((2, 2, 4), (3, 2, 4)), grad=False),
]  # fmt: skip

SHAPES = [
    Row("Flatten"), Row("Flatten", (0, 1)), Row("Unflatten", (1, (3, 1))), Row("Unflatten", (-1, (2, -1))),
    Row("Unfold", ((2, 3), 1, 1, 2), {}, IMAGE), Row("Fold", ((4, 5), 2), {"stride": (2, 3)}, ((2, 8, 4),)),
    Row("PixelShuffle", (2,), {}, IMAGE), Row("PixelUnshuffle", (2,), {}, ((2, 4, 6),)),
    Row("Upsample", (), {"scale_factor": 2}, SEQUENCE),
    Row("Upsample", ((7, 3),), {"mode": "bilinear", "align_corners": True}, IMAGE),
    Row("Upsample", (), {"scale_factor": (1.5, 2), "mode": "bicubic"}, IMAGE),
    Row("ConstantPad1d", ((1, -2), 3.5), {}, SEQUENCE), Row("ConstantPad2d", (1, 0.5), {}, IMAGE),
    Row("ZeroPad1d", (2,), {}, SEQUENCE), Row("ZeroPad2d", ((1, 2, 0, -1),), {}, ((4, 5, 6),)),
    Row("ReflectionPad1d", ((2, 1),), {}, SEQUENCE), Row("ReflectionPad2d", (2,), {}, IMAGE),
    Row("ReplicationPad1d", (3,), {}, SEQUENCE), Row("ReplicationPad2d", ((1, 0, 2, 3),), {}, IMAGE),
    Row("CircularPad1d", (2,), {}, SEQUENCE), Row("CircularPad2d", ((1, 2, 3, 0),), {}, IMAGE),
]  # fmt: skip

DROPOUTS = [
    Row("Dropout", (0.0,)), Row("Dropout1d", (0.0,), {}, SEQUENCE), Row("Dropout2d", (0.0,), {}, IMAGE),
    Row("AlphaDropout", (0.0,)),
]  # fmt: skip

SCORES, CLASSES, WEIGHTS = (5, 4), numbers(4, 5), np.array([1.0, 2, 3, 4])
LOSSES = [
    *[Row(name, (), {"reduction": reduction}, PAIR)
      for name in ("MSELoss", "L1Loss", "SmoothL1Loss", "HuberLoss") for reduction in ("mean", "sum", "none")],
    Row("SmoothL1Loss", (), {"beta": 0.3}, PAIR), Row("HuberLoss", (), {"delta": 0.3}, PAIR),
    Row("SumSquaredError", inputs=PAIR, peer=False),
    Row("GaussianNLLLoss", (), {"full": True}, ((3, 4), (3, 4), shares(3, 4))),
    Row("PoissonNLLLoss", inputs=((3, 4), counts(3, 4))),
    Row("PoissonNLLLoss", (False, True), {}, (shares(3, 4), counts(3, 4))),
    Row("CrossEntropyLoss", inputs=(SCORES, CLASSES)),
    Row("CrossEntropyLoss", (WEIGHTS,), {"ignore_index": 1, "label_smoothing": 0.1}, (SCORES, CLASSES)),
    Row("CTCLoss", inputs=((5, 2, 4), labels(4, 2, 3), const([5, 4]), const([2, 1]))),
    Row("CTCLoss", (3, "sum", True), {}, ((3, 2, 4), labels(3, 2, 3, low=0), const([3, 3]), const([3, 1]))),
    Row("NLLLoss", (WEIGHTS,), {"reduction": "sum", "ignore_index": 2}, (SCORES, CLASSES)),
    Row("KLDivLoss", (), {"reduction": "batchmean", "log_target": True}, PAIR),
    Row("BCELoss", (WEIGHTS,), {}, (shares(3, 4), answers(3, 4))),
    Row("BCEWithLogitsLoss", (), {"pos_weight": WEIGHTS}, ((3, 4), answers(3, 4))),
    Row("MultiLabelSoftMarginLoss", (), {"reduction": "none"}, ((3, 4), answers(3, 4))),
    Row("SoftMarginLoss", inputs=((3, 4), signs(3, 4))),
    Row("MultiMarginLoss", inputs=(SCORES, CLASSES)),
    Row("MultiMarginLoss", (2, 0.5, WEIGHTS), {}, (SCORES, CLASSES)),
    Row("MultiClassSVMLoss", inputs=(SCORES, CLASSES), peer=False),
    Row("HingeEmbeddingLoss", inputs=((3, 4), signs(3, 4))), Row("HingeEmbeddingLoss", (0.3,), {}, ((3,), signs(3))),
    Row("MarginRankingLoss", inputs=((4,), (4,), signs(4))),
    Row("MarginRankingLoss", (0.3,), {}, ((4,), (4,), signs(4))),
    Row("CosineEmbeddingLoss", inputs=((3, 4), (3, 4), signs(3))),
    Row("CosineEmbeddingLoss", (-0.5,), {"reduction": "none"}, ((3, 4), (3, 4), signs(3))),
    Row("TripletMarginLoss", inputs=((3, 4),) * 3), Row("TripletMarginLoss", (2.0,), {"swap": True}, ((3, 4),) * 3),
]  # fmt: skip

ROWS = [*ACTIVATIONS, *LINEARS, *CONVS, *POOLS, *VOLUMES, *NORMS, *SEQUENCES, *SHAPES, *DROPOUTS, *LOSSES]
