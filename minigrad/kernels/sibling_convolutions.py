"""Convolutions by kernels of one pixel that read the same images, as the branches of an inception module do.

    conv_each     y_k  =  w_k x              for each k
    conv_sum      x    =  sum_k w_k' y_k     their transpose

One product with all kernels reads x once, or writes it once, and has channels enough for large register tiles.
"""

from collections.abc import Sequence
from functools import reduce
from typing import Any, Final

import numpy as np

from minigrad.typing import Array, Shape

from .convolution import conv, conv_input
from .jit import with_compiled_variant

PLAIN: Final[dict[str, Any]] = {"stride": (1, 1), "padding": (0, 0), "dilation": (1, 1), "groups": 1}

MIN_PIXELS: Final = 256
"""Of all images."""

MIN_CHANNELS: Final = 64
"""Of the images, and of what all kernels make: see `pointwise_convolution_numba`."""


def is_worthwhile(x: Shape, ws: Sequence[Shape]) -> bool:
    """Whether images (N, C, H, W) and kernels (O, C, 1, 1) are large enough for one product."""
    outs = sum([w[0] for w in ws])
    return x[0] * x[2] * x[3] >= MIN_PIXELS and min(ws[0][1], outs) >= MIN_CHANNELS


@with_compiled_variant
def conv_each(x: Array, *ws: Array) -> tuple[Array, ...]:
    """x (N, C, H, W), each w (O, C, 1, 1) -> for each (N, O, H, W)."""
    return tuple([conv(x, w, None, **PLAIN) for w in ws])


@with_compiled_variant
def conv_sum(*arrays: Array) -> Array:
    """Cotangents (N, O, H, W), then as many w (O, C, 1, 1) -> (N, C, H, W)."""
    ys, ws = arrays[: len(arrays) // 2], arrays[len(arrays) // 2 :]
    shape = (len(ys[0]), ws[0].shape[1], *ys[0].shape[2:])
    return reduce(np.add, [conv_input(y, w, shape=shape, **PLAIN) for y, w in zip(ys, ws, strict=True)])
