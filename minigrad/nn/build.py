"""`conv_net`: a convolution network from the pattern that most of them follow."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence

import numpy as np

from minigrad.errors import ShapeError, UsageError
from minigrad.nn.container import Sequential
from minigrad.nn.convolution import Conv2d
from minigrad.nn.linear import Linear
from minigrad.nn.max_pooling import MaxPool2d
from minigrad.nn.module import Module
from minigrad.nn.output_size import conv_output_size, pool_output_size
from minigrad.nn.rearrange import Flatten
from minigrad.nn.relu import ReLU

Rng = np.random.Generator | None
PATTERN = re.compile(
    r"INPUT > (\[\[CONV > RELU\](\*\d+)?( > POOL)?\](\*\d+)? > )?(\[FC > RELU\](\*\d+)? > )?FC"
)  # fmt: skip


def conv_net(
    pattern: str,
    input_shape: Sequence[int],
    num_classes: int,
    *,
    channels: int | Sequence[int] = 16,
    hidden: int | Sequence[int] = 128,
    kernel_size: int = 3,
    pool_size: int = 2,
    activation: Callable[[], Module] = ReLU,
    rng: Rng = None,
) -> Sequential:
    """A network of the pattern INPUT > [[CONV > RELU]*N > POOL?]*M > [FC > RELU]*K > FC.

    N, M and K are numbers; a part whose number is 0 may be left out, and so may "> POOL" and "*1". Convolutions keep
    the size, with padding (F-1)/2; each pooling divides it.

    Args:
        pattern: such as "INPUT > [[CONV > RELU]*2 > POOL]*3 > [FC > RELU]*1 > FC".
        input_shape: (C, H, W) of one image.
        num_classes: how many numbers the result has for each image.
        channels: how many each of the M stages has; a single number doubles from stage to stage (default 16).
        hidden: how many units each of the K fully connected layers has, or one number for all (default 128).
        kernel_size: F, an odd number of pixels (default 3).
        pool_size: size and stride of the poolings, in pixels (default 2).
        activation: makes what stands for RELU (default ReLU).
        rng: draws the initial weights; the default generator unless given.

    Shapes: x (N, C, H, W) -> (N, num_classes).

    Raises:
        UsageError: the text is not of this pattern, or the settings do not fit it.
        ShapeError: an image does not divide into windows for a pooling; the stage is named.

    >>> net = conv_net("INPUT > [[CONV > RELU] > POOL]*2 > FC", (3, 32, 32), 10)
    >>> [type(layer).__name__ for layer in net]
    ['Conv2d', 'ReLU', 'MaxPool2d', 'Conv2d', 'ReLU', 'MaxPool2d', 'Flatten', 'Linear']
    """
    convs, stages, pooled, fulls = _parse(pattern)
    if len(input_shape) != 3:
        raise UsageError(f"conv_net: input_shape is (C, H, W) of one image, not {tuple(input_shape)}")
    if kernel_size % 2 == 0:
        raise UsageError(
            f"conv_net: kernel_size must be odd, so that padding (F-1)/2 keeps the size, not {kernel_size}"
        )
    depth, *size = input_shape
    layers: list[Module] = []
    for stage, width in enumerate(_widths("channels", channels, stages, 2), start=1):
        for _ in range(convs):
            padding = (kernel_size - 1) // 2
            layers += [Conv2d(depth, width, kernel_size, padding=padding, rng=rng), activation()]
            size, depth = list(conv_output_size(size, kernel_size, padding=padding, exact=True)), width
        if pooled:
            layers.append(MaxPool2d(pool_size))
            size = _pooled(size, pool_size, stage)
    layers.append(Flatten())
    features = depth * math.prod(size)
    for width in _widths("hidden", hidden, fulls, 1):
        layers += [Linear(features, width, rng=rng), activation()]
        features = width
    return Sequential(*layers, Linear(features, num_classes, rng=rng))


def _parse(pattern: str) -> tuple[int, int, bool, int]:
    """N, M, whether there is a POOL, and K, from a pattern."""
    plain = re.sub(r"\s*\*\s*", "*", re.sub(r"\s*(->|>)\s*", " > ", pattern.strip()))
    found = PATTERN.fullmatch(plain)
    if found is None:
        raise UsageError(
            f"conv_net: {pattern!r} is not of the pattern INPUT > [[CONV > RELU]*N > POOL]*M > [FC > RELU]*K > FC, "
            "with numbers for N, M and K"
        )
    stage, n, pool, m, full, k = found.groups()
    convs, stages, fulls = (
        int(times[1:]) if times else int(bool(part)) for times, part in ((n, stage), (m, stage), (k, full))
    )
    return convs, stages, bool(pool), fulls


def _widths(name: str, widths: int | Sequence[int], count: int, growth: int) -> list[int]:
    """The width of each stage or layer."""
    if isinstance(widths, int):
        return [widths * growth**k for k in range(count)]
    if len(widths) != count:
        raise UsageError(f"conv_net: {name} has {len(widths)} numbers, but the pattern needs {count}")
    return list(widths)


def _pooled(size: list[int], pool_size: int, stage: int) -> list[int]:
    try:
        return list(pool_output_size(size, pool_size, exact=True))
    except ShapeError as error:
        raise ShapeError(f"conv_net: the pooling of stage {stage} gets {size[0]} x {size[1]} pixels: {error}") from None
