"""ZFNet: AlexNet with a finer first layer, and a view into it: what in an image makes a unit answer.

Source: Zeiler and Fergus 2013, "Visualizing and understanding convolutional networks", arXiv:1311.2901.

    stage   ZFNet                                 shape (N, ...)     parameters   its ReLU
    input                                         3 x 224 x 224
    conv1   96 kernels 7x7, stride 2, ReLU        96 x 110 x 110         14,208   features.1
            max pooling 3x3/2, response norm      96 x 55 x 55
    conv2   256 kernels 5x5, stride 2, ReLU       256 x 26 x 26         614,656   features.5
            max pooling 3x3/2, response norm      256 x 13 x 13
    conv3   384 kernels 3x3, ReLU                 384 x 13 x 13         885,120   features.9
    conv4   384 kernels 3x3, ReLU                 384 x 13 x 13       1,327,488   features.11
    conv5   256 kernels 3x3, ReLU                 256 x 13 x 13         884,992   features.13
            max pooling 3x3/2                     256 x 6 x 6
    fc6     dropout, linear, ReLU                 4096               37,752,832   classifier.2
    fc7     dropout, linear, ReLU                 4096               16,781,312   classifier.5
    fc8     linear                                1000                4,097,000

What was new: `deconvnet`, which projects a unit's answer back to the pixels. It showed that AlexNet's first layer,
11x11 with stride 4, missed the middle frequencies and aliased; hence 7x7 and stride 2 here. 62,357,608 parameters.

Deviations: the kernels of conv layers are not scaled back when their root mean square exceeds 0.1 in training. Nothing
is said of the paper's ten crops.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import NamedTuple

import numpy as np

import minigrad as mg
from minigrad import functional as F  # noqa: N812
from minigrad import init, nn
from minigrad.errors import UsageError
from minigrad.optim.schedule import Cosine, Step
from minigrad.typing import Array, ArrayLike
from minigrad_models.alexnet import full_connections, response_norm, weighted
from minigrad_models.registry import AUGMENTATION, Entry, Recipe, Rng


class ZFNet(nn.Module):
    """The network of 2013.

    Args:
        num_classes: K (default 1000).
        in_channels: C (default 3).
        hidden: the units of fc6 and fc7 (default 4096).
        dropout: the probability of a zero (default 0.5).
        rng: draws the initial weights, the paper's: normal with deviation 0.01; biases are 0; the default generator
            unless given.

    Shapes: x (N, C, 224, 224) -> scores (N, K).
    """

    def __init__(
        self, num_classes: int = 1000, in_channels: int = 3, hidden: int = 4096, dropout: float = 0.5, rng: Rng = None
    ) -> None:
        with init.skip():
            self.features = nn.Sequential(
                nn.Conv2d(in_channels, 96, 7, stride=2, padding=1), nn.ReLU(), pooling(), response_norm(),
                nn.Conv2d(96, 256, 5, stride=2), nn.ReLU(), pooling(), response_norm(),
                nn.Conv2d(256, 384, 3, padding=1), nn.ReLU(),
                nn.Conv2d(384, 384, 3, padding=1), nn.ReLU(),
                nn.Conv2d(384, 256, 3, padding=1), nn.ReLU(), pooling(),
            )  # fmt: skip
            self.classifier = full_connections(256 * 6 * 6, hidden, num_classes, dropout, nn.ReLU)
        for layer in weighted(self):
            assert layer.bias is not None
            layer.weight.data = init.normal(layer.weight.shape, std=0.01, rng=rng)
            layer.bias.data = init.zeros(layer.bias.shape)

    def forward(self, x: ArrayLike) -> mg.Tensor:
        """Shapes: x (N, C, 224, 224) -> scores (N, K)."""
        return self.classifier(self.features(x).flatten(1))  # type: ignore[no-any-return]


def pooling() -> nn.MaxPool2d:
    """Windows that overlap, the last of which may hang over the edge: 110 pixels become 55, 26 become 13."""
    return nn.MaxPool2d(3, stride=2, ceil_mode=True)


class ZFNetSmall(nn.Module):
    """The stages of ZFNet for images of 32 pixels a side: finer than `AlexNetSmall` in conv1, with stride 2 in conv2.

        conv1 3x3, pooling, norm    16 x 16 x 16
        conv2 5x5/2, pooling, norm  48 x 4 x 4
        conv3, conv4, conv5 3x3     64, 64, 48 x 4 x 4
        pooling                     48 x 2 x 2
        fc6, fc7, fc8               128, 128, K

    Args:
        num_classes: K (default 10).
        in_channels: C (default 1).
        widths: the kernels of the five convolutions (default (16, 48, 64, 64, 48)).
        hidden: the units of fc6 and fc7 (default 128).
        dropout: the probability of a zero (default 0.5).
        rng: draws the initial weights, He's; biases are 0; the default generator unless given.

    Shapes: x (N, C, 32, 32) -> scores (N, K).
    """

    def __init__(
        self,
        num_classes: int = 10,
        in_channels: int = 1,
        widths: Sequence[int] = (16, 48, 64, 64, 48),
        hidden: int = 128,
        dropout: float = 0.5,
        rng: Rng = None,
    ) -> None:
        a, b, c, d, e = widths
        with init.skip():
            self.features = nn.Sequential(
                nn.Conv2d(in_channels, a, 3, padding=1), nn.ReLU(), pooling(), response_norm(),
                nn.Conv2d(a, b, 5, stride=2, padding=2), nn.ReLU(), pooling(), response_norm(),
                nn.Conv2d(b, c, 3, padding=1), nn.ReLU(),
                nn.Conv2d(c, d, 3, padding=1), nn.ReLU(),
                nn.Conv2d(d, e, 3, padding=1), nn.ReLU(), pooling(),
            )  # fmt: skip
            self.classifier = full_connections(e * 2 * 2, hidden, num_classes, dropout, nn.ReLU)
        for layer in weighted(self):
            assert layer.bias is not None
            layer.weight.data = init.he_normal(layer.weight.shape, rng=rng)
            layer.bias.data = init.zeros(layer.bias.shape)

    def forward(self, x: ArrayLike) -> mg.Tensor:
        """Shapes: x (N, C, 32, 32) -> scores (N, K)."""
        return self.classifier(self.features(x).flatten(1))  # type: ignore[no-any-return]


# ---- what a unit sees ------------------------------------------------------------------------------------------


def deconvnet(model: nn.Module, x: ArrayLike, layer: str, unit: int | Sequence[int]) -> mg.Tensor:
    """What in each image makes a unit answer: its answer, projected back to the pixels.

    The model runs forward up to a layer; of that layer's output only the unit stays, and all others become 0. Then each
    layer is undone in reverse: max pooling puts its values back where the maxima were (its "switches"), ReLU lets what
    is positive pass, a convolution is followed by the transposed one with the same kernels, without biases, and a full
    connection by its transpose. Response normalization and dropout are passed over.

    Where windows overlap and have the same maximum, their values add up there.

    Args:
        model: a chain of layers, such as `ZFNet`, `AlexNet` or a VGG: each works on the output of the one before.
        x: the images.
        layer: the path of a layer, such as "features.9"; in the paper it is a ReLU.
        unit: (channel, row, column) in the layer's output; a channel alone stands for its largest answer in each image,
            wherever that is. Of a full connection, the unit's number.

    Shapes: x (N, C, H, W) -> (N, C, H, W).

    Raises:
        UsageError: there is no such layer or unit; a layer in front of it is not of these kinds, or is not in a chain.

    Source: Zeiler and Fergus 2013, section 2.1.
    """
    with mg.no_grad():
        calls = _run(model, mg.Tensor(x), layer)
        signal = _only(calls[-1].output, layer, unit)
        for call in reversed(calls):
            signal = _undo(call, signal.reshape(call.output.shape))
    return signal


class _Call(NamedTuple):
    """A layer at work."""

    path: str
    layer: nn.Module
    input: mg.Tensor
    output: mg.Tensor


def _run(model: nn.Module, x: mg.Tensor, layer: str) -> list[_Call]:
    """The layers that work on x, up to the one that is asked for, in evaluation mode."""
    paths = {part: path for path, part in model.named_modules() if not any(part.children())}
    if layer not in paths.values():
        raise UsageError(f"deconvnet: there is no layer {layer!r}, but {', '.join(paths.values())}")
    calls: list[_Call] = []
    with ExitStack() as after:
        for part in model.modules():
            after.callback(setattr, part, "training", part.training)
        for part in paths:
            keep = part.register_forward_hook(lambda part, x, out: calls.append(_Call(paths[part], part, x[0], out)))
            after.callback(keep.remove)
        model.eval()(x)
    calls = calls[: [call.path for call in calls].index(layer) + 1]
    before = x
    for call in calls:
        if before.size != call.input.size or (before.numpy().ravel() != call.input.numpy().ravel()).any():
            raise UsageError(f"deconvnet: {call.path} does not work on the output of the layer in front of it")
        before = call.output
    return calls


def _only(output: mg.Tensor, layer: str, unit: int | Sequence[int]) -> mg.Tensor:
    """One unit of each image, and zeros elsewhere."""
    values = output.numpy()
    sizes = values.shape[1:]
    index: tuple[int | Array, ...] = (unit,) if isinstance(unit, int) else tuple(unit)
    if len(index) not in (1, len(sizes)) or not all(0 <= i < size for i, size in zip(index, sizes, strict=False)):
        raise UsageError(f"deconvnet: {layer} has units of indices below {sizes}, not {unit}")
    if len(index) < len(sizes):
        answers = values[:, index[0]]
        largest = answers.reshape(len(values), -1).argmax(axis=1)
        index = (*index, *np.unravel_index(largest, answers.shape[1:]))
    place = (np.arange(len(values)), *index)
    kept = np.zeros_like(values)
    kept[place] = values[place]
    return mg.Tensor(kept)


def _undo(call: _Call, signal: mg.Tensor) -> mg.Tensor:
    """A layer in reverse. Shapes: signal as the layer's output -> as its input."""
    layer, shape = call.layer, call.input.shape
    match layer:
        case nn.Conv2d(padding_mode="zeros", padding=tuple()):
            return _transposed(layer, signal, shape)
        case nn.Linear():
            return signal @ layer.weight
        case nn.MaxPool2d():
            return _unpooled(layer, signal, call.input)
        case nn.ReLU():
            return F.relu(signal)
        case nn.LocalResponseNorm() | nn.Dropout() | nn.Flatten() | nn.Identity():
            return signal.reshape(shape)
        case nn.AdaptiveAvgPool2d() if signal.shape == shape:
            return signal
    raise UsageError(f"deconvnet: knows no reverse of {call.path} {layer!r}")


def _transposed(conv: nn.Conv2d, signal: mg.Tensor, shape: Sequence[int]) -> mg.Tensor:
    """A convolution in reverse: each answer spreads its kernel. Shapes: (N, O, I, J) -> (N, C, H, W)."""
    assert not isinstance(conv.padding, str)
    sides = zip(shape[2:], conv.padding, conv.dilation, conv.kernel_size, conv.stride, strict=True)
    beyond = [(n + 2 * p - d * (k - 1) - 1) % s for n, p, d, k, s in sides]  # pixels that no step of the stride reaches
    return F.conv_transpose2d(signal, conv.weight, None, conv.stride, conv.padding, beyond, conv.groups, conv.dilation)


def _unpooled(pool: nn.MaxPool2d, signal: mg.Tensor, x: mg.Tensor) -> mg.Tensor:
    """Each value put where the maximum of its window was. Shapes: (N, C, I, J) -> (N, C, H, W)."""
    window = (pool.kernel_size, pool.stride, pool.padding, pool.dilation, pool.ceil_mode)
    _, switches = F.max_pool2d(x, *window, return_indices=True)
    n, c, h, w = x.shape
    place = (np.arange(n)[:, None, None], np.arange(c)[:, None], switches.numpy().reshape(n, c, -1))
    # max_unpool2d would keep one of the values of windows that have the same maximum: often the zero of a neighbor.
    return mg.scatter_add(signal.reshape(n, c, -1), index=place, shape=(n, c, h * w)).reshape(x.shape)


# The paper lowers the rate whenever the error stalls.
RECIPE = Recipe(epochs=70, batch_size=128, optimizer={"name": "sgd", "lr": 0.01, "momentum": 0.9}, schedule=Step(0.25))

ENTRIES = (
    Entry(
        name="zfnet",
        make=ZFNet,
        input_shape=(3, 224, 224),
        classes=1000,
        summary="ZFNet for ImageNet: AlexNet with a finer first layer",
        parameters=62_357_608,
        source="Zeiler and Fergus 2013",
        recipe=RECIPE,
    ),
    Entry(
        name="zfnet-small",
        make=ZFNetSmall,
        input_shape=(1, 32, 32),
        classes=10,
        summary="ZFNet for images of 32 x 32",
        parameters=154_250,
        source="Zeiler and Fergus 2013",
        small=True,
        recipe=Recipe(
            epochs=25, batch_size=32, optimizer={"name": "adam", "lr": 0.002},
            schedule=Cosine(warmup=0.05), **AUGMENTATION,
        ),
    ),
)  # fmt: skip
